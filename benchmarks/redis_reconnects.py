"""What Redis has to do when all readers of a worker come back at once.

The law under test: it does not grow with the readers. Counted are all commands that
Redis carried out (`INFO commandstats`, those inside scripts too), less the worker's
own rounds as measured in the same run without readers.
"""

import asyncio
import resource
import time
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from redis.asyncio import Redis

from benchmarks.connection import Connection
from benchmarks.figures import middle
from benchmarks.readers import Reader, reader
from benchmarks.redis_crossing import SLUG, open_story, write
from benchmarks.serving import Served, service
from tests.redis_servers import redis_server

READERS = (500, 5_000)
ROUNDS = 2
UPDATES = 10
BEHIND = 3
"""Updates a reader has missed."""
PERIOD = 2.0
"""Seconds of the worker's own rounds: whole ones are measured."""
IDLE = 4 * PERIOD
AT_ONCE = 500
"""Connections being made; what waits in the kernel beyond it is tried again late."""
STRANGE = "zzzzzzzz-5"
"""A position of a life of the log that never was."""


async def measure() -> None:
    """Print the table."""
    raise_limit(2 * max(READERS))
    with TemporaryDirectory(prefix="livewire-bench-", dir=Path.cwd()) as folder:
        async with AsyncExitStack() as stack:
            start = stack.enter_async_context
            redis = await start(redis_server(Path(folder)))
            served = await start(service(redis_url=redis.url))
            client = await start(redis.client())
            await rounds(served, client)


async def rounds(served: Served, redis: Redis) -> None:
    positions = await write_story(served)
    known, newest = positions[-1 - BEHIND], f"update-{UPDATES - 1}-".encode()
    idle: list[float] = []
    found: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        idle.append((await operations(redis, asyncio.sleep(IDLE)))[0] / IDLE)
        for count in READERS:
            for name, since in (("", known), (", of a life unknown", STRANGE)):
                readers = [reader(SLUG, since) for _ in range(count)]
                arriving = come(served.port, readers, newest)
                done, seconds = await operations(redis, arriving)
                for each in readers:
                    each.leave()
                await asyncio.sleep(PERIOD / 2)  # for the worker to see them go
                own = done - middle(idle) * seconds
                found.setdefault(f"{count} readers{name}", []).append(own)
    print_table(middle(idle) * PERIOD, found)


def print_table(background: float, found: dict[str, list[float]]) -> None:
    print(f"  no readers: {background:.0f} operations in {PERIOD:.0f} s")
    for name, own in found.items():
        print(
            f"  {name:<33} {middle(own):6.0f} operations more"
            f" ({min(own):.0f} to {max(own):.0f}), {middle(own) / background:6.2f} x"
            f" those of {PERIOD:.0f} s"
        )


async def operations(redis: Redis, work: Awaitable[None]) -> tuple[float, float]:
    """What Redis did during the work, made whole rounds long, and the seconds."""
    before, begin = await carried_out(redis), time.perf_counter()
    await work
    spent = time.perf_counter() - begin
    await asyncio.sleep(-spent % PERIOD)
    return await carried_out(redis) - before, time.perf_counter() - begin


async def carried_out(redis: Redis) -> int:
    stats = await redis.info("commandstats")
    return sum(int(each["calls"]) for each in stats.values())


async def come(port: int, readers: list[Reader], newest: bytes) -> None:
    """All connect at once; returns when each has the newest update."""
    turns = asyncio.Semaphore(AT_ONCE)
    connect = asyncio.get_running_loop().create_connection

    async def one(reader: Reader) -> None:
        seen = reader.sees(newest)
        async with turns:
            await connect(lambda: reader, "127.0.0.1", port)
        await seen

    await asyncio.gather(*map(one, readers))


async def write_story(served: Served) -> list[str]:
    """A live story of ten updates; their positions."""
    connection = await Connection.open(served.port)
    await open_story(connection, served)
    updates = [f"update-{number}-" for number in range(UPDATES)]
    positions = [await write(connection, served, each) for each in updates]
    connection.close()
    return positions


def raise_limit(files: int) -> None:
    """Let this process, and those it starts, have that many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(files, hard), hard))
