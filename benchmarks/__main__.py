"""`python -m benchmarks [NAME ...]`: run the benchmarks and print their tables."""

import asyncio
import os
import platform
import sys

import uvloop

from benchmarks import pages, publishing, screen

ALL = {
    "publishing": publishing.measure,
    "pages": pages.measure,
    "screen": screen.measure,
}


def main() -> None:
    names = sys.argv[1:] or list(ALL)
    cores = os.cpu_count()
    print(f"Python {platform.python_version()}, {cores} cores, {platform.machine()}")
    for name in names:
        # Chromium's driver wants a loop that can start processes as asyncio does.
        runner = asyncio.run if name == "screen" else uvloop.run
        print(f"\n{name}")
        runner(ALL[name]())


if __name__ == "__main__":
    main()
