"""From the death of the workers' subscriptions to the last reader healed.

Two hundred readers on two workers, and updates all the while. One worker takes all of
them, so that the other has nothing but what Redis tells it. Healed is a reader who has
the update published right after the death. The baseline of the same run is the same
update with nothing broken.

Killed: Redis closes the subscriptions (`CLIENT KILL TYPE pubsub`). Black-holed: they
stand, but nothing comes through them, nor through new ones, and nobody says so.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.connection import Connection
from benchmarks.figures import middle
from benchmarks.readers import Reader, follow
from benchmarks.redis_crossing import SLUG, open_story, write
from benchmarks.serving import Served, service
from tests.proxy import HOST, Proxy
from tests.redis_servers import RedisServer, redis_server

READERS = 200
KILLED = 12
BLACK_HOLED = 7
PAUSE = 0.1
"""Seconds between two updates of the load."""
PERIOD = 2.0
"""Seconds of a worker's own rounds, in which a death may come anywhere."""

_marks = count(1)

Fault = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Site:
    """The worker that publishes, a connection to it, and both workers' readers."""

    publishing: Served
    desk: Connection
    readers: tuple[Reader, ...]

    async def healed(self, fault: Fault) -> float:
        """Milliseconds from the fault to the last reader who has what came after."""
        mark = f"heal-{next(_marks)}-"
        seen = [each.sees(mark.encode()) for each in self.readers]
        begin = time.perf_counter()
        await fault()
        await write(self.desk, self.publishing, mark)
        return (max(await asyncio.gather(*seen)) - begin) * 1000


async def measure() -> None:
    """Print the table."""
    with TemporaryDirectory(prefix="livewire-bench-", dir=Path.cwd()) as folder:
        async with (
            redis_server(Path(folder)) as redis,
            Proxy(HOST, redis.port) as way,
            site(f"redis://{HOST}:{way.port}/0") as readers,
        ):
            found = await deaths(readers, redis, way)
    baseline = middle(found["nothing broken"])
    for name, times in found.items():
        print(
            f"  {name:<15} median {middle(times):7.1f} ms"
            f"   {min(times):7.1f}-{max(times):.1f} ms"
            f"   {middle(times) / baseline:6.1f} x nothing broken"
        )


async def deaths(site: Site, redis: RedisServer, way: Proxy) -> dict[str, list[float]]:
    """Milliseconds of each round, by what was broken."""
    found: dict[str, list[float]] = {
        "nothing broken": [],
        "killed": [],
        "black-holed": [],
    }

    async def kill() -> None:
        async with redis.client() as client:
            await client.execute_command("CLIENT KILL TYPE pubsub")

    async def swallow() -> None:
        way.only, way.blackhole = "subscriber", True

    for number in range(KILLED):
        for name, fault in (("nothing broken", _nothing), ("killed", kill)):
            await settle()
            found[name].append(await site.healed(fault))
        if number < BLACK_HOLED:
            await settle()
            found["black-holed"].append(await site.healed(swallow))
            way.blackhole = False
    return found


async def settle() -> None:
    """Let everything be whole again, and the next death come at any moment."""
    await asyncio.sleep(0.5 + random.uniform(0, PERIOD / 4))


@asynccontextmanager
async def site(redis_url: str) -> AsyncIterator[Site]:
    """Two workers with their readers, and updates by the first all the while."""
    async with AsyncExitStack() as stack:
        start = stack.enter_async_context
        one = await start(service(redis_url=redis_url))
        other = await start(service(redis_url=redis_url))
        desk = await Connection.open(one.port)
        await open_story(desk, one)
        ports = [one.port, other.port] * (READERS // 2)
        readers = await asyncio.gather(*[follow(port, SLUG) for port in ports])
        load = asyncio.create_task(publish_on(one))
        yield Site(one, desk, tuple(readers))
        load.cancel()
        with suppress(asyncio.CancelledError):
            await load
        for each in readers:
            each.leave()


async def publish_on(worker: Served) -> None:
    """Updates until cancelled."""
    desk = await Connection.open(worker.port)
    for number in count():
        await write(desk, worker, f"load-{number}-")
        await asyncio.sleep(PAUSE)


async def _nothing() -> None:
    """Nothing is broken."""
