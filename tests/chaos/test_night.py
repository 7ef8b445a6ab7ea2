"""Nights on SQLite: kills at random instants find nothing, and sabotage is found."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.chaos.crew import Size
from tests.chaos.faults import FAULTS
from tests.chaos.findings import Audit
from tests.chaos.habits import Habit
from tests.chaos.history import Event, Seen
from tests.chaos.night import run
from tests.chaos.readers import Reader
from tests.chaos.service import Worker
from tests.chaos.world import World, on_sqlite, running

SEED = 20261122
SMALL = Size(publishers=4, readers=6)
UNFENCED = """
from channels.sqlite.log import SqliteLog
from livewire.cli import main
make = SqliteLog.__init__
def without_fence(self, file, **given):
    make(self, file, **given)
    self._guard = "the same in each life"
SqliteLog.__init__ = without_fence
main(prog_name="livewire")
"""
"""A service whose log does not notice that its file is another."""


@pytest.mark.timeout(180)
async def test_kills_at_random_instants_lose_and_double_nothing(tmp_path: Path) -> None:
    async with running(on_sqlite(tmp_path)) as world:
        faults = [FAULTS["kill"], FAULTS["kill"], FAULTS["cut"]]
        found = await run(world, seed=SEED, seconds=10, faults=faults)
        assert world.workers[0].lives > 2
    assert found.is_green, f"seed {SEED}\n{found.table()}"
    assert not found.resets.keys() - {"trimmed"}
    assert found.figures["acknowledged"] > 50


class Forgetful(Reader):
    """A reader whose client loses one event in ten."""

    _count = 0

    def _take(self, members: Mapping[str, Any]) -> None:
        self._count += 1
        if self._count % 10:
            super()._take(members)
        else:
            self.places.move(str(members["channel"]), str(members["position"]))


class Stammering(Reader):
    """A reader whose client has one event in ten twice."""

    _count = 0

    def _take(self, members: Mapping[str, Any]) -> None:
        super()._take(members)
        self._count += 1
        if self._count % 10 == 0:
            super()._take(members)


class Mishearing(Reader):
    """A reader whose client takes the data of one event for something else."""

    def _write(self, observation: Any) -> None:
        if isinstance(observation, Seen) and observation.event.seq == 5:
            told = observation.event
            other = Event(
                told.channel, told.epoch, told.seq, told.key, told.version, "otherwise"
            )
            observation = Seen(other)
        super()._write(observation)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("reader", "word"),
    [
        (Forgetful, "poll-skip"),
        (Stammering, "duplicate"),
        (Mishearing, "inconsistent-positions"),
    ],
)
async def test_a_reader_that_is_served_badly_is_found(
    tmp_path: Path, reader: type[Reader], word: str
) -> None:
    habits = [Habit(("story/night",)), Habit(("story/coast", "story/night"))]
    async with running(on_sqlite(tmp_path)) as world:
        found = await run(
            world,
            seed=1,
            seconds=2,
            faults=[],
            size=SMALL,
            habits=habits,
            reader=reader,
        )
    assert word in found.problems, found.table()


async def set_back(folder: Path, worker: Worker) -> Audit:
    """A night at whose end the log's file is put back to what it was before."""

    async def put_the_copy_in_place(world: World) -> None:
        data, copy = worker.folder / "data", folder / "copy"
        await worker.terminate()
        shutil.copytree(data, copy)
        await worker.start()
        await grow(worker, by=20)
        await worker.terminate()
        shutil.rmtree(data)
        copy.rename(data)
        await worker.start()
        await grow(worker, by=20)

    async with running(World([worker])) as world:
        return await run(
            world,
            seed=2,
            seconds=2,
            faults=[],
            size=SMALL,
            before_the_end=put_the_copy_in_place,
        )


async def grow(worker: Worker, *, by: int) -> None:
    """Wait until so many more events are written."""
    query = {"channel": "latest", "wait": "10"}
    async with httpx.AsyncClient(base_url=worker.address, timeout=12) as http:
        for _ in range(by):
            answer = (await http.get("/changes", params=query)).json()
            query["since"] = answer["position"]


@pytest.mark.timeout(120)
async def test_a_log_that_was_set_back_is_found_by_what_is_missing(
    tmp_path: Path,
) -> None:
    found = await set_back(tmp_path, Worker(tmp_path))
    assert {"lost-write", "unallowed-reset"} <= found.problems.keys(), found.table()
    assert "inconsistent-positions" not in found.problems, found.table()


@pytest.mark.timeout(120)
async def test_a_log_without_a_fence_is_found_to_give_its_numbers_twice(
    tmp_path: Path,
) -> None:
    worker = Worker(tmp_path, command=(sys.executable, "-c", UNFENCED))
    found = await set_back(tmp_path, worker)
    expected = {"lost-write", "inconsistent-positions"}
    assert expected <= found.problems.keys(), found.table()
