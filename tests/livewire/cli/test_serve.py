"""`livewire serve`: how many processes, and who may be one of several."""

import asyncio
import re
import signal
from pathlib import Path

import httpx
import pytest

from tests.livewire.cli.commands import run, said, started


async def test_several_workers_without_a_shared_log_are_refused(tmp_path: Path) -> None:
    done = await run("serve", "--workers=2", cwd=tmp_path)
    assert done.code == 1
    assert "LIVEWIRE_REDIS_URL" in done.err
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("count", ["0", "-1", "two"])
async def test_fewer_than_one_worker_is_a_slip(tmp_path: Path, count: str) -> None:
    done = await run("serve", f"--workers={count}", cwd=tmp_path)
    assert done.code == 2
    assert "--workers" in done.err


async def test_one_process_says_where_it_listens(tmp_path: Path) -> None:
    async with started("serve", "--port=0", cwd=tmp_path) as process:
        line = (await said(process.stderr, "Listening on"))[-1]
        (address,) = re.findall(r"http://\S+:\d+", line)
        async with httpx.AsyncClient(timeout=20) as http:
            assert (await http.get(address)).is_success
        process.send_signal(signal.SIGHUP)
        assert await asyncio.wait_for(process.wait(), 20) == 0


async def test_a_supervisor_makes_the_secret_says_its_address_and_ends(
    tmp_path: Path,
) -> None:
    # Nothing answers there: the workers never come to serve, and that is no matter.
    env = {"LIVEWIRE_REDIS_URL": "redis://127.0.0.1:9/0"}
    args = ("serve", "--workers=2", "--port=0")
    async with started(*args, cwd=tmp_path, env=env) as process:
        line = (await said(process.stderr, "Listening on"))[-1]
        assert re.search(r"http://127\.0\.0\.1:[1-9]\d* with 2 workers", line)
        assert (tmp_path / "data" / "secret").is_file()
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 0


async def test_the_port_of_another_supervisor_is_told_in_one_sentence(
    tmp_path: Path,
) -> None:
    env = {"LIVEWIRE_REDIS_URL": "redis://127.0.0.1:9/0"}
    first = ("serve", "--workers=2", "--port=0")
    async with started(*first, cwd=tmp_path, env=env) as process:
        line = (await said(process.stderr, "Listening on"))[-1]
        (port,) = re.findall(r":(\d+) with", line)
        second = ("serve", "--workers=2", f"--port={port}")
        done = await run(*second, cwd=tmp_path, env=env)
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 30)
    assert done.code == 1
    assert done.err.startswith(f"Error: Cannot listen on 127.0.0.1:{port}")
    assert len(done.err.splitlines()) == 1
