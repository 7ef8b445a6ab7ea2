"""From a POST at one worker to a frame at the socket of another worker's reader.

The baselines of the same run: a reader of the worker that took the POST, who has the
same update, and a service that is one process with SQLite.
"""

import asyncio
import time
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from benchmarks.connection import Connection, post
from benchmarks.figures import late, middle
from benchmarks.readers import Reader, follow
from benchmarks.serving import Served, service
from tests.redis_servers import redis_server

UPDATES = 300
SLUG = "night"

_marks = count(1)


async def measure() -> None:
    """Print the table."""
    with TemporaryDirectory(prefix="livewire-bench-", dir=Path.cwd()) as folder:
        async with AsyncExitStack() as stack:
            start = stack.enter_async_context
            redis = await start(redis_server(Path(folder)))
            one = await start(service(redis_url=redis.url))
            other = await start(service(redis_url=redis.url))
            alone = await start(service())
            found = await times(one, other, alone)
    baseline = middle(found["SQLite, one process"])
    for name, each in found.items():
        print(
            f"  {name:<22} median {middle(each):6.2f} ms   p99 {late(each):6.2f} ms"
            f"   {middle(each) / baseline:5.2f} x SQLite"
        )


async def times(one: Served, other: Served, alone: Served) -> dict[str, list[float]]:
    """Milliseconds by what was measured; the two services take turns."""
    shared, own = await Connection.open(one.port), await Connection.open(alone.port)
    await open_story(shared, one)
    await open_story(own, alone)
    here, there = await follow(one.port, SLUG), await follow(other.port, SLUG)
    at_alone = await follow(alone.port, SLUG)
    found: dict[str, list[float]] = {
        "SQLite, one process": [],
        "Redis, the same worker": [],
        "Redis, another worker": [],
    }
    for _ in range(UPDATES):
        (single,) = await publish(own, alone, at_alone)
        same, crossed = await publish(shared, one, here, there)
        for name, value in zip(found, (single, same, crossed), strict=True):
            found[name].append(value)
    for reader in (here, there, at_alone):
        reader.leave()
    return found


async def publish(
    connection: Connection, served: Served, *readers: Reader
) -> list[float]:
    """Milliseconds from before the POST until each reader has the update."""
    mark = f"mark-{next(_marks)}-"
    seen = [each.sees(mark.encode()) for each in readers]
    begin = time.perf_counter()
    await write(connection, served, mark)
    return [(at - begin) * 1000 for at in await asyncio.gather(*seen)]


async def open_story(connection: Connection, served: Served) -> None:
    opening = orjson.dumps({"slug": SLUG, "headline": "Night", "status": "live"})
    await _ask(connection, post("/api/stories", served.token, opening))


async def write(connection: Connection, served: Served, headline: str) -> str:
    """Publish one update; the position it got."""
    told = orjson.dumps({"headline": headline, "body": "As it happens. " * 40})
    path = f"/api/stories/{SLUG}/updates"
    answer = await _ask(connection, post(path, served.token, told))
    return str(orjson.loads(answer)["position"])


async def _ask(connection: Connection, request: bytes) -> bytes:
    status, answer = await connection.ask(request)
    if status != 201:
        raise RuntimeError(answer.decode())
    return answer
