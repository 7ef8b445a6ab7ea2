"""`livewire tail`, beside a real service that comes and goes."""

import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.livewire.cli.commands import beside, run, said, started
from tests.serving import Service, running


async def test_each_change_is_a_line(service: Service, tmp_path: Path) -> None:
    opened = await service.open("night")
    args = ("tail", "story/night", "--since=0")
    async with started(*args, cwd=tmp_path, env=beside(service)) as tail:
        live = await said(tail.stderr, "live")
        (story,) = await said(tail.stdout, "story")
        await service.publish("night", headline="One", body="Polls\n\n**close**.")
        (update,) = await said(tail.stdout, "One")
    assert live == [f"story/night is live at {opened['position']}."]
    assert story.split("  ")[1:] == ["story", "Story night"]
    assert update.split("  ")[1].startswith("update/")
    assert update.endswith("One — Polls close.")


async def test_json_is_what_the_wire_says(service: Service, tmp_path: Path) -> None:
    await service.open("night")
    answer = await service.publish("night", headline="One")
    id_ = answer["update"]["id"]
    await service.http.post(
        f"/api/stories/night/updates/{id_}/withdraw",
        json={"reason": "Not so."},
        headers=service.auth(),
    )
    args = ("tail", "story/night", "--since=yyyyyyyy-1", "--json")
    async with started(*args, cwd=tmp_path, env=beside(service)) as tail:
        lines = await said(tail.stdout, "withdrawn")
    reset, story, update = map(json.loads, lines)
    query = {"channel": "story/night", "since": "0"}
    events = (await service.http.get("/changes", params=query)).json()["events"]
    assert reset["event"] == "reset"
    assert [story, update] == events


async def test_a_restart_of_the_service_costs_no_line_and_repeats_none(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    async with AsyncExitStack() as stack:
        async with running(data, retry=100) as service:
            port = int(service.url.rpartition(":")[2])
            await service.open("night")
            await service.publish("night", headline="One")
            args = ("tail", "story/night", "--since=0")
            run_on = started(*args, cwd=tmp_path, env=beside(service))
            tail = await stack.enter_async_context(run_on)
            lines = await said(tail.stdout, "One")
        assert "draining" in (await said(tail.stderr, "not live"))[-1]
        async with running(data, port, retry=100) as service:
            for headline in ("Two", "Three"):
                await service.publish("night", headline=headline)
            lines += await said(tail.stdout, "Three")
            await said(tail.stderr, "is live")
            await service.publish("night", headline="Four")
            lines += await said(tail.stdout, "Four")
    headlines = [line.split("  ")[2] for line in lines]
    assert headlines == ["Story night", "One", "Two", "Three", "Four"]


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
async def test_a_tail_told_to_stop_goes_on_exactly(
    service: Service, tmp_path: Path, told: signal.Signals
) -> None:
    await service.open("night")
    args = ("tail", "story/night", "--since=0", "--position-file=at")
    env, lines = beside(service), list[str]()
    for turn in range(3):
        async with started(*args, cwd=tmp_path, env=env) as tail:
            await said(tail.stderr, "is live")
            await service.publish("night", headline=f"In {turn}")
            lines += await said(tail.stdout, f"In {turn}")
            tail.send_signal(told)
            rest, err = await tail.communicate()
            assert (tail.returncode, rest) == (0, b"")
            assert b"Traceback" not in err
        await service.publish("night", headline=f"Between {turn}")
    headlines = [line.split("  ")[2] for line in lines]
    assert headlines == [
        "Story night",
        "In 0",
        "Between 0",
        "In 1",
        "Between 1",
        "In 2",
    ]


async def test_from_now_on_is_a_position_too(service: Service, tmp_path: Path) -> None:
    opened = await service.open("night")
    args = ("tail", "story/night", "--position-file=at")
    async with started(*args, cwd=tmp_path, env=beside(service)) as tail:
        await said(tail.stderr, "is live")
        tail.terminate()
        await tail.wait()
    assert (tmp_path / "at").read_text().strip() == opened["position"]


async def test_a_closed_pipe_ends_it_cleanly(service: Service, tmp_path: Path) -> None:
    await service.open("night")
    command = "$0 -m livewire tail story/night --since=0 2>err; echo $? >code"
    piped = f"({command}) | head -n 1"
    shell = await asyncio.create_subprocess_exec(
        "sh", "-c", piped, sys.executable, cwd=tmp_path, env=beside(service)
    )
    assert await shell.wait() == 0
    assert (tmp_path / "code").read_text() == "0\n"
    assert "Traceback" not in (tmp_path / "err").read_text()


async def test_what_can_never_be_followed_ends_it(
    service: Service, tmp_path: Path
) -> None:
    env = beside(service)
    unknown = await run("tail", "story/nowhere", cwd=tmp_path, env=env)
    malformed = await run("tail", "latest", "--since=7", cwd=tmp_path, env=env)
    (tmp_path / "at").write_text("here\n")
    args = ("tail", "latest", "--position-file=at")
    spoiled = await run(*args, cwd=tmp_path, env=env)
    assert (unknown.code, malformed.code, spoiled.code) == (1, 2, 1)
    assert "There is no such channel" in unknown.err
    assert "at does not hold a position" in spoiled.err


async def test_the_newsroom_is_followed_with_a_token_of_ones_own(
    service: Service, tmp_path: Path
) -> None:
    await service.open("night", status="draft")
    args = ("tail", "newsroom", "--since=0")
    async with started(*args, cwd=tmp_path, env=beside(service)) as tail:
        assert await said(tail.stdout, "Story night")
