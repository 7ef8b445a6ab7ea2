"""Two minutes on Redis, in which everything that may happen does, in any order."""

from pathlib import Path

import pytest

from tests.chaos.__main__ import WORKERS, at_random
from tests.chaos.night import run
from tests.chaos.redis_world import on_redis

SEED = 20261122
SECONDS = 120


@pytest.mark.timeout(420)
async def test_two_minutes_of_faults_lose_and_double_nothing(tmp_path: Path) -> None:
    async with on_redis(tmp_path, workers=WORKERS, replica=True) as world:
        said: list[str] = []
        found = await run(
            world,
            seed=SEED,
            seconds=SECONDS,
            faults=at_random(SECONDS),
            say=said.append,
        )
    told = "\n".join([f"seed {SEED}", *said, found.table(examples=10)])
    assert found.is_green, told
    assert found.figures["acknowledged"] > 300, told
