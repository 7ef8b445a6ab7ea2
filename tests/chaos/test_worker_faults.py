"""Workers die, roll, are stuck or have a wrong clock: nights over one Redis.

The checker judges each: acknowledged is stored is what every reader holds.
"""

from pathlib import Path

import pytest

from tests.chaos import publishers
from tests.chaos.captured import Capture, connect, get, until
from tests.chaos.crew import Size
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.findings import Audit
from tests.chaos.night import run
from tests.chaos.redis_world import on_redis
from tests.chaos.worker_faults import (
    JUMP,
    PLAIN,
    REPLACED,
    STOPPABLE,
    WORKER_FAULTS,
    Kind,
    site,
)
from tests.chaos.world import World

SEED = 20261122
BEAT = b"event: heartbeat"
SMALL = Size(publishers=6, readers=12, pause=0.05)
CLOCKED = Kind(has_clock=True)
BLOCKABLE = Kind(STOPPABLE)

pytestmark = pytest.mark.timeout(180)


async def night(world: World, *faults: Fault, seconds: float) -> Audit:
    """A night of these faults, in which nothing at all may be wrong."""
    found = await run(world, seed=SEED, seconds=seconds, faults=faults, size=SMALL)
    assert found.is_green, f"seed {SEED}\n{found.table()}"
    assert not found.resets.keys() - {"trimmed"}, found.table()
    assert found.figures["acknowledged"] > 30, found.table()
    return found


async def test_workers_killed_in_mid_publish_one_or_all_lose_and_double_nothing(
    tmp_path: Path,
) -> None:
    async with on_redis(tmp_path) as world:
        kills = FAULTS["kill"], FAULTS["kill-all"]
        found = await night(world, *kills, seconds=7)
        assert sum(worker.lives for worker in world.workers) > 4
    assert not found.resets


async def test_a_worker_killed_for_the_memory_it_took_loses_nothing_it_acknowledged(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, PLAIN, PLAIN) as world:
        await night(world, WORKER_FAULTS["starve"], seconds=2)
        assert sum(worker.lives for worker in world.workers) > 2


async def test_no_publish_fails_while_three_workers_are_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishers, "GIVES_UP", 0)  # whoever repeats is answered
    async with on_redis(tmp_path, workers=3) as world:
        found = await night(world, FAULTS["roll"], seconds=4)
        assert min(worker.lives for worker in world.workers) > 1
    assert found.figures["unknown, present"] == found.figures["unknown, absent"] == 0


async def test_nor_while_their_supervisor_replaces_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishers, "GIVES_UP", 0)
    async with site(tmp_path, Kind(arguments=("--workers", "3"))) as world:
        found = await night(world, WORKER_FAULTS["replace"], seconds=4)
        assert REPLACED in world.staff[0].words()
        assert world.staff[0].lives == 1
    assert found.figures["unknown, present"] == found.figures["unknown, absent"] == 0


async def test_a_stuck_loop_and_a_clock_that_jumps_an_hour_change_nothing(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, CLOCKED, BLOCKABLE) as world:
        faults = WORKER_FAULTS["jump"], WORKER_FAULTS["block"], FAULTS["pause"]
        found = await night(world, *faults, seconds=6)
        assert [worker.lives for worker in world.workers] == [1, 1]
    assert not found.resets


@pytest.mark.parametrize("off", [JUMP, -JUMP])
async def test_what_a_worker_with_a_wrong_clock_does_is_right_but_for_times(
    tmp_path: Path, off: int
) -> None:
    """A token that is a day good is taken, numbers rise, and heartbeats go on."""
    async with site(tmp_path, CLOCKED, PLAIN) as here:
        await here.open()
        reader = Capture("", get("/stream?channel=story/night", {"Last-Event-ID": "0"}))
        await connect(here.addresses[0], reader)
        here.staff[0].set_clock(off)
        numbers, published = [], []
        for number in (0, 1, 0, 1):
            async with here.editor(number, name=f"editor {number}") as editor:
                path = "/api/stories/night/updates"
                answer = await editor.post(path, json={"headline": "Polls close"})
            assert answer.status_code == 201, answer.text
            numbers.append(int(answer.json()["position"].partition("-")[2]))
            published.append(answer.json()["update"]["published"])
        assert numbers == [2, 3, 4, 5]
        assert published == sorted(set(published))
        beats = reader.received.count(BEAT) + 3
        await until(lambda: reader.received.count(BEAT) >= beats)
        assert b'"stalled":true' not in reader.received
        assert not reader.ended.is_set()
        reader.leave()
