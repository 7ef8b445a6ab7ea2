"""Nights on Redis with one kind of fault each: what it may do, and nothing else."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

import orjson
import pytest
import pytest_asyncio

from channels.redis.keys import Keys
from tests.chaos.crew import Size
from tests.chaos.faults import Fault
from tests.chaos.findings import Audit
from tests.chaos.habits import HABITS
from tests.chaos.night import run
from tests.chaos.redis_world import PREFIX, RedisWorld, on_redis, on_sentinel
from tests.chaos.store_faults import STORE_FAULTS

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

TEXT = re.compile("publish|correct|edit")  # deeds that are known by a headline
SEED = 20261122
SMALL = Size(publishers=6, readers=12)
QUICK = [habit for habit in HABITS if not habit.slow]
_editions = count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def single(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RedisWorld]:
    """Two workers over one server."""
    async with on_redis(tmp_path_factory.mktemp("single")) as world:
        yield world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RedisWorld]:
    """Two workers over a primary and its replica, which they wait for."""
    folder, waiting = tmp_path_factory.mktemp("pair"), {"LIVEWIRE_REDIS_WAIT": "1"}
    async with on_redis(folder, replica=True, settings=waiting) as world:
        yield world


async def night(world: RedisWorld, fault: Fault, seconds: float = 2) -> Audit:
    """A short night with that fault alone, in stories of its own."""
    await world.recover()
    assert fault.is_possible(world)
    found = await run(
        world,
        seed=SEED,
        seconds=seconds,
        faults=[fault],
        size=SMALL,
        habits=QUICK,
        edition=f"-{next(_editions)}",
    )
    assert found.figures["acknowledged"] > 20, found.table()
    return found


def assert_green(found: Audit) -> None:
    assert found.is_green, f"seed {SEED}\n{found.table(examples=10)}"


async def listed(world: RedisWorld) -> list[str | None]:
    """The headlines of all that is written down as lost."""
    found: list[str | None] = []
    async with world.primary.client() as client:
        for name in await client.keys(f"{Keys(PREFIX).record}loss/*"):
            told = orjson.loads(await client.hget(name, "value") or "")
            found += [each["headline"] for each in told["events"]]
    return found


@pytest.mark.parametrize(
    "name",
    [
        "kill-store",
        "cut-power",
        "pause-store",
        "kill-subscribers",
        "silence",
        "lose-replies",
        "overflow",
        "flush-scripts",
    ],
)
async def test_nothing_is_lost_and_nobody_reset_by(
    single: RedisWorld, name: str
) -> None:
    found = await night(single, STORE_FAULTS[name])
    assert_green(found)
    assert not found.resets.keys() - {"trimmed"}


async def test_a_tail_that_redis_lost_comes_back_from_the_workers(
    single: RedisWorld,
) -> None:
    found = await night(single, STORE_FAULTS["lose-tail"])
    assert_green(found)
    assert found.resets["epoch"]


async def test_a_tail_that_nobody_remembers_is_told_to_its_readers(
    single: RedisWorld,
) -> None:
    found = await night(single, STORE_FAULTS["lose-tail-and-workers"])
    assert_green(found)
    assert found.findings.by_word["lost-write"]
    assert found.resets.keys() & {"epoch", "ahead"}
    # The same night is red where no fault explains the loss.
    assert "lost-write" in replace(found, loses=False).problems


async def test_what_was_erased_comes_back_and_everybody_is_told(
    single: RedisWorld,
) -> None:
    found = await night(single, STORE_FAULTS["flush-everything"])
    assert_green(found)
    # The night is shorter than the workers' memory.
    assert not found.findings.by_word["lost-write"], found.table(examples=10)
    assert found.resets["epoch"] >= SMALL.readers / 2


async def test_a_clean_failover_resets_nobody(pair: RedisWorld) -> None:
    before = pair.primary
    found = await night(pair, STORE_FAULTS["fail-over"])
    assert pair.primary is not before or await before.role() == "master"
    assert_green(found)
    assert not found.resets.keys() - {"trimmed"}


@pytest.mark.parametrize("name", ["fail-over-with-loss", "there-and-back"])
async def test_a_failover_that_lost_its_tail_gets_it_back(
    pair: RedisWorld, name: str
) -> None:
    found = await night(pair, STORE_FAULTS[name])
    assert_green(found)
    assert found.resets["epoch"]


async def test_what_the_other_side_of_a_split_took_is_listed_to_the_desk(
    pair: RedisWorld,
) -> None:
    found = await night(pair, STORE_FAULTS["split"], seconds=1.6)
    assert_green(found)
    lost = found.findings.by_word["lost-write"]
    assert lost
    told = await listed(pair)
    unlisted = [each for each in lost if TEXT.match(each) and not _is_in(each, told)]
    # A stub tells no headline, nor does what its purge removed over there.
    assert len(unlisted) <= told.count(None), unlisted


def _is_in(lost: str, told: Sequence[str | None]) -> bool:
    return any(f"'{headline}'" in lost for headline in told)


async def test_a_failover_by_sentinel_resets_nobody(tmp_path: Path) -> None:
    async with on_sentinel(tmp_path) as world:
        before = world.primary
        found = await night(world, STORE_FAULTS["fail-over-by-sentinel"])
        assert world.primary is not before
    assert_green(found)
