"""`python -m tests.chaos`: break a running service for a while, and audit it."""

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

from tests.chaos.faults import FAULTS
from tests.chaos.findings import Audit
from tests.chaos.night import run
from tests.chaos.world import on_sqlite, running


async def night(seed: int, seconds: float, names: list[str]) -> Audit:
    """One night on SQLite."""
    faults = [FAULTS[name] for name in names]
    with tempfile.TemporaryDirectory() as folder:
        async with running(on_sqlite(Path(folder))) as world:
            return await run(world, seed=seed, seconds=seconds, faults=faults, say=_say)


def main() -> int:
    """The exit code: 0 where nothing was found, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--fault", action="append", choices=FAULTS, default=None)
    asked = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if asked.seed is None else asked.seed
    _say(f"seed {seed}, {asked.seconds:g} seconds")
    found = asyncio.run(night(seed, asked.seconds, asked.fault or list(FAULTS)))
    _say(found.table(examples=10))
    _say("green" if found.is_green else f"RED, seed {seed}")
    return 0 if found.is_green else 1


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
