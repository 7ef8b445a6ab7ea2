"""`python -m benchmarks [NAME ...]`: run the benchmarks and print their tables.

A name may be the beginning of several: `redis` runs all that ask what Redis costs.
"""

import asyncio
import os
import platform
import sys

import uvloop

from benchmarks import (
    pages,
    publishing,
    redis_appends,
    redis_crossing,
    redis_healing,
    redis_reconnects,
    screen,
)

ALL = {
    "publishing": publishing.measure,
    "pages": pages.measure,
    "screen": screen.measure,
    "redis-appends": redis_appends.measure,
    "redis-crossing": redis_crossing.measure,
    "redis-healing": redis_healing.measure,
    "redis-reconnects": redis_reconnects.measure,
}

ON_ASYNCIO = ("screen", "redis-healing")
"""Chromium's driver wants a loop that can start processes as asyncio does; the proxy
wants one whose closed connections may be written to."""


def main() -> None:
    asked = tuple(sys.argv[1:]) or ("",)
    names = [name for name in ALL if name.startswith(asked)]
    if not names:
        sys.exit(f"There is {', '.join(ALL)}.")
    cores = os.cpu_count()
    print(f"Python {platform.python_version()}, {cores} cores, {platform.machine()}")
    for name in names:
        runner = asyncio.run if name in ON_ASYNCIO else uvloop.run
        print(f"\n{name}")
        runner(ALL[name]())


if __name__ == "__main__":
    main()
