"""Negative controls: each protection taken away is found missing."""

import sys
from hashlib import sha1
from pathlib import Path

import pytest
from redis.asyncio import Redis

from channels.errors import LogUnavailable
from channels.events import Append
from channels.positions import Position
from channels.redis import link
from channels.redis.scripts import APPEND, Script
from tests.channels.redis.workers import NIGHT, forget_since, new, worker
from tests.chaos.crew import Size
from tests.chaos.findings import Audit
from tests.chaos.habits import HABITS
from tests.chaos.night import run
from tests.chaos.redis_world import on_redis
from tests.chaos.store_faults import STORE_FAULTS
from tests.proxy import HOST, Proxy
from tests.redis_servers import redis_server

FENCE, NO_FENCE = "one.guard ~= guard", "not one.guard"

UNFENCED = f"""
from hashlib import sha1
from channels.redis import link
from channels.redis.scripts import Script
from livewire.cli import main
text = link.APPEND.text
assert text.count({FENCE!r}) == 1
text = text.replace({FENCE!r}, {NO_FENCE!r})
link.APPEND = Script(text, sha1(text.encode()).hexdigest())
main(prog_name="livewire")
"""
"""A service whose channels keep their epoch, whatever became of Redis."""

FORGETFUL = """
from channels.redis.memory import Memory
from livewire.cli import main
assert Memory.recent
Memory.recent = lambda self: []
main(prog_name="livewire")
"""
"""A service that remembers nothing, so that nothing is put back."""


async def night(folder: Path, program: str, fault: str) -> Audit:
    command = (sys.executable, "-c", program)
    async with on_redis(folder, command=command) as world:
        return await run(
            world,
            seed=3,
            seconds=2,
            faults=[STORE_FAULTS[fault]],
            size=Size(publishers=6, readers=12),
            habits=[habit for habit in HABITS if not habit.slow],
        )


@pytest.mark.timeout(120)
async def test_without_put_back_a_lost_tail_is_lost(tmp_path: Path) -> None:
    found = await night(tmp_path, FORGETFUL, "lose-tail")
    assert "lost-write" in found.problems, found.table()


@pytest.mark.timeout(120)
async def test_without_the_fence_one_number_has_two_events(tmp_path: Path) -> None:
    found = await night(tmp_path, UNFENCED, "lose-tail-and-workers")
    assert "inconsistent-positions" in found.problems, found.table()


async def resumed(folder: Path) -> tuple[Position, str | None, list[str]]:
    """A reader's position of a tail that nobody remembers, what is said of it when

    others were appended in its place, and the keys of the log then.
    """
    async with redis_server(folder) as server:
        async with worker(server.url) as one:
            await one.append("a")
            size = server.aof().stat().st_size
            held = await one.append("lost", "lost too")
        await forget_since(server, size)
        async with worker(server.url) as other:
            await other.append("x", "y")
            return held, await other.verdict(held), await other.keys()


async def test_the_fence_alone_keeps_a_reader_from_resuming_wrongly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, verdict, keys = await resumed(tmp_path / "fenced")
    assert (held.seq, verdict, keys) == (3, "epoch", ["a", "x", "y"])
    assert APPEND.text.count(FENCE) == 1
    text = APPEND.text.replace(FENCE, NO_FENCE)
    unfenced = Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())
    monkeypatch.setattr(link, "APPEND", unfenced)
    held, verdict, keys = await resumed(tmp_path / "unfenced")
    # It resumes after 3 as if it had `x` and `y`, of which it never hears.
    assert (held.seq, verdict, keys) == (3, None, ["a", "x", "y"])


async def test_a_client_that_repeats_by_itself_stores_twice(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server, Proxy(HOST, server.port) as proxy:
        proxy.replies_to, proxy.drop_replies = b"XADD", 1
        async with Redis(port=proxy.port) as client:
            await client.xadd("log", {"d": "once"})
            assert await client.xlen("log") == 2


async def test_ours_stores_once_and_says_that_it_does_not_know(tmp_path: Path) -> None:
    async with (
        redis_server(tmp_path) as server,
        Proxy(HOST, server.port) as proxy,
        worker(f"redis://{HOST}:{proxy.port}/0") as one,
    ):
        await one.append("a")
        proxy.replies_to, proxy.drop_replies = APPEND.digest.encode(), 1
        with pytest.raises(LogUnavailable):
            await one.store.log.append([Append(NIGHT, (new("once"),))])
        assert await one.keys() == ["a", "once"]
