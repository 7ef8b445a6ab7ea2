"""`livewire serve`: how many processes, and who may be one of several."""

import asyncio
import re
import signal
from pathlib import Path

import httpx
import pytest

from tests.livewire.cli.commands import run, said, started
from tests.redis_processes import running
from tests.redis_servers import RedisServer, redis_server


def on(redis: RedisServer, **more: str) -> dict[str, str]:
    """The variables of a service on that Redis."""
    return {"LIVEWIRE_REDIS_URL": redis.url, **more}


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
    args = ("serve", "--workers=2", "--port=0")
    async with (
        redis_server(tmp_path / "redis") as redis,
        started(*args, cwd=tmp_path, env=on(redis)) as process,
    ):
        line = (await said(process.stderr, "Listening on"))[-1]
        assert re.search(r"http://127\.0\.0\.1:[1-9]\d* with 2 workers", line)
        assert (tmp_path / "data" / "secret").is_file()
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 0


async def test_the_port_of_another_supervisor_is_told_in_one_sentence(
    tmp_path: Path,
) -> None:
    first = ("serve", "--workers=2", "--port=0")
    async with (
        redis_server(tmp_path / "redis") as redis,
        started(*first, cwd=tmp_path, env=on(redis)) as process,
    ):
        line = (await said(process.stderr, "Listening on"))[-1]
        (port,) = re.findall(r":(\d+) with", line)
        second = ("serve", "--workers=2", f"--port={port}")
        done = await run(*second, cwd=tmp_path, env=on(redis))
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 30)
    assert done.code == 1
    assert done.err.startswith(f"Error: Cannot listen on 127.0.0.1:{port}")
    assert len(done.err.splitlines()) == 1


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_redis_that_loses_updates_is_refused_in_sentences(
    tmp_path: Path, workers: int
) -> None:
    args = ("serve", f"--workers={workers}", "--port=0")
    async with redis_server(tmp_path / "redis", appendfsync="everysec") as redis:
        done = await run(*args, cwd=tmp_path, env=on(redis))
    assert done.code == 1
    (_, finding, flag) = done.err.splitlines()
    assert "the last second of acknowledged updates" in finding
    assert "`appendfsync always`" in finding
    assert flag.startswith("LIVEWIRE_REDIS_ACCEPT_LOSS")


async def test_what_is_accepted_is_a_warning(tmp_path: Path) -> None:
    async with redis_server(tmp_path / "redis", appendonly="no") as redis:
        env = on(redis, LIVEWIRE_REDIS_ACCEPT_LOSS="true")
        async with started("serve", "--port=0", cwd=tmp_path, env=env) as process:
            lines = await said(process.stderr, "Listening on")
    assert any("WARNING" in line and "appendonly yes" in line for line in lines)


async def test_a_redis_that_begins_a_little_later_is_waited_for(tmp_path: Path) -> None:
    redis = RedisServer(tmp_path / "redis")
    async with running(redis):
        await redis.stop()
        async with started("serve", "--port=0", cwd=tmp_path, env=on(redis)) as process:
            await redis.start()
            lines = await said(process.stderr, "Listening on")
    assert not any("does not answer" in line for line in lines)
