"""Acknowledged appends on Redis: how many a second, and how late the slowest are.

The baseline of the same round, on the same server, is a plain client that pipelines
`XADD` and `PUBLISH` of the same bytes (and `WAIT` where we wait): what Redis and the
library cost without numbers, guard, floor and the wait for our own listener.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from redis.asyncio import Redis

from benchmarks.figures import late, middle, ratio
from channels.events import Append, NewEvent
from channels.redis.store import RedisStore, Terms
from channels.redis.wire import body
from livewire.app import epoch_name
from tests.redis_servers import redis_server

SECONDS = 0.5
ROUNDS = 3
AT_ONCE = (1, 32)
DERIVED = ("newsroom", "stories", "section/electoral-processes", "latest")
"""Where one update of a public story goes, besides the story itself."""
BOUND = 2_000
TEXT = "w" * 861
"""Makes an event of 1,000 bytes."""

_ids = count(1)

Write = Callable[[str], Awaitable[None]]
"""Writes one event, or one batch, of the story that is named."""


@dataclass(frozen=True, slots=True)
class Place:
    """One Redis as it is asked to keep its promises."""

    name: str
    store: RedisStore
    bare: Redis
    replicas: int


@dataclass(slots=True)
class Found:
    """Appends per second of each round, and the milliseconds of every append."""

    rates: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)


async def measure() -> None:
    """Print the table."""
    with TemporaryDirectory(prefix="livewire-bench-", dir=Path.cwd()) as folder:
        async with AsyncExitStack() as stack:
            places = [
                await stack.enter_async_context(each)
                for each in (
                    place(Path(folder) / "a", "always"),
                    place(Path(folder) / "e", "everysec"),
                    place(Path(folder) / "w", "always", replicas=1),
                )
            ]
            await print_table(places)


async def print_table(places: list[Place]) -> None:
    cells = [(at_once, each) for each in places for at_once in AT_ONCE]
    found: dict[tuple[int, str, str], Found] = {}
    for _ in range(ROUNDS):
        for at_once, each in cells:
            for name, write in ways(each).items():
                cell = found.setdefault((at_once, each.name, name), Found())
                await load(write, at_once, cell)
    for at_once, each in cells:
        print(f"  AOF {each.name}, {at_once} at once")
        for name in ways(each):
            kind = name.split()[-1]
            bare = found[at_once, each.name, f"bare {kind}"]
            cell = found[at_once, each.name, name]
            print(
                f"    {name:<12} {middle(cell.rates):7.0f}/s"
                f"   {ratio(cell.rates, bare.rates)} bare"
                f"   median {middle(cell.times):6.2f} ms"
                f"   p99 {late(cell.times):6.2f} ms"
            )


@asynccontextmanager
async def place(folder: Path, fsync: str, *, replicas: int = 0) -> AsyncIterator[Place]:
    """A server with its store opened on it, and a plain client."""
    async with AsyncExitStack() as stack:
        start = stack.enter_async_context
        primary = await start(redis_server(folder / "0", appendfsync=fsync))
        for number in range(replicas):
            replica = await start(redis_server(folder / f"{number + 1}"))
            await replica.replicate(primary)
        store = RedisStore(
            Terms(primary.url, replicas=replicas, milliseconds=1_000),
            worker=epoch_name(),
            token=epoch_name,
            bound=BOUND,
            lost=lambda loss: None,
        )
        await store.open()
        stack.push_async_callback(store.close)
        bare = await start(Redis.from_url(primary.url))
        name = f"{fsync} + WAIT {replicas}" if replicas else fsync
        yield Place(name, store, bare, replicas)


def ways(place: Place) -> dict[str, Write]:
    """The ways to write: each of ours beside what it is compared with."""

    async def append(story: str, *derived: str) -> None:
        batch = [Append(each, (new(),)) for each in (story, *derived)]
        stored = await place.store.log.append(batch)
        if place.replicas and not stored.durability.endswith(f"+{place.replicas}"):
            raise RuntimeError(f"the replica did not have it: {stored.durability}")

    async def bare(story: str, *derived: str) -> None:
        bodies = [body(new(), {}) for _ in (story, *derived)]
        async with place.bare.pipeline(transaction=False) as pipe:
            for channel, each in zip((story, *derived), bodies, strict=True):
                pipe.xadd(f"bare:{channel}", {"d": each})
            pipe.publish("bare", b"\n".join(bodies))
            if place.replicas:
                pipe.execute_command("WAIT", place.replicas, 1_000)
            await pipe.execute()

    return {
        "bare event": bare,
        "append event": append,
        "bare batch": lambda story: bare(story, *DERIVED),
        "append batch": lambda story: append(story, *DERIVED),
    }


async def load(write: Write, at_once: int, cell: Found) -> None:
    """Write for a while, `at_once` publishers each to a story of its own."""
    begin = time.perf_counter()
    end = begin + SECONDS

    async def publisher(number: int) -> int:
        done = 0
        while (before := time.perf_counter()) < end:
            await write(f"story/s{number}")
            cell.times.append((time.perf_counter() - before) * 1000)
            done += 1
        return done

    done = sum(await asyncio.gather(*map(publisher, range(at_once))))
    cell.rates.append(done / (time.perf_counter() - begin))


def new() -> NewEvent:
    """An event of 1,000 bytes that is like no other."""
    number = next(_ids)
    id_ = f"01987d2e-0000-7000-8000-{number:012d}"
    at = datetime.now(UTC)
    return NewEvent(f"update/{id_}", 1, "update", id_, at, {"body": TEXT}, {})
