"""`python -m tests.chaos`: break a running service for a while, and audit it."""

import argparse
import asyncio
import secrets
import sys
import tempfile
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.chaos.faults import FAULTS, Fault
from tests.chaos.findings import Audit
from tests.chaos.night import run
from tests.chaos.redis_world import on_redis
from tests.chaos.store_faults import STORE_FAULTS
from tests.chaos.torn import EVERY, tear
from tests.chaos.world import World, on_sqlite, running

KNOWN = FAULTS | STORE_FAULTS
WORKERS = 3


def at_random(seconds: float) -> list[Fault]:
    """The faults of a night of that length.

    None that takes up much of it, and none after which what was acknowledged may be
    gone: it would excuse every loss of the night.
    """
    return [
        each for each in KNOWN.values() if not each.loses and each.lasts <= seconds / 10
    ]


def world(store: str, folder: Path) -> AbstractAsyncContextManager[World]:
    """A running world on that store: of Redis, with a replica."""
    if store == "sqlite":
        return running(on_sqlite(folder))
    return on_redis(folder, workers=WORKERS, replica=True)


async def night(store: str, seed: int, seconds: float, faults: list[Fault]) -> Audit:
    """One night, told as it goes."""
    with tempfile.TemporaryDirectory() as folder:
        async with world(store, Path(folder)) as broken:
            return await run(
                broken, seed=seed, seconds=seconds, faults=faults, say=_say
            )


async def tear_everywhere() -> None:
    """Row 6: the last record of the log is cut at each of its bytes."""
    with tempfile.TemporaryDirectory() as folder:
        torn = await tear(Path(folder), pieces=EVERY)
    _say(f"torn (row 6): {torn} cuts, each batch whole or absent")


def main() -> int:
    """The exit code: 0 where nothing was found, else 1."""
    asked = _arguments()
    seed = secrets.randbelow(1_000_000) if asked.seed is None else asked.seed
    _say(f"seed {seed}, {asked.seconds:g} seconds on {asked.store}")
    if asked.torn:
        asyncio.run(tear_everywhere())
    named = [KNOWN[name] for name in asked.fault or ()]
    faults = named or at_random(asked.seconds)
    found = asyncio.run(night(asked.store, seed, asked.seconds, faults))
    _say(found.table(examples=10))
    _say("green" if found.is_green else f"RED, seed {seed}")
    return 0 if found.is_green else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--store", choices=("redis", "sqlite"), default="redis")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--fault", action="append", choices=KNOWN, default=None)
    parser.add_argument("--torn", action="store_true", help="tear at every byte too")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
