"""Workers of one site: the Redis store as a process of the service opens it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from channels.errors import LogUnavailable
from channels.events import Append, Data, Entry, NewEvent
from channels.log import Delivery
from channels.losses import Loss
from channels.positions import Position, judge
from channels.redis.store import RedisStore, Terms
from livewire.app import epoch_name
from tests.proxy import Proxy
from tests.redis_servers import RedisServer

AT = datetime(2026, 11, 22, 20, 4, 5, 123_000, UTC)
NIGHT, COAST = "story/night", "story/coast"
BOUND = 50

_names = count(1)


@dataclass(slots=True)
class Worker:
    """One worker: its store, what it was told of losses, what its listener heard."""

    name: str
    store: RedisStore
    losses: list[Loss] = field(default_factory=list)
    heard: list[Delivery] = field(default_factory=list)

    async def append(self, *keys: str, channel: str = NIGHT) -> Position:
        """Append events, each under an id of its own that begins with its key."""
        await self.answering()
        events = tuple([new(key) for key in keys])
        return (await self.store.log.append([Append(channel, events)]))[channel]

    async def answering(self) -> None:
        """Wait until Redis has answered this worker since it was lost."""
        async with asyncio.timeout(20):
            while True:
                try:
                    await self.store.log.read(COAST)
                    return
                except LogUnavailable:
                    await asyncio.sleep(0.02)

    async def entries(self, channel: str = NIGHT) -> list[Entry]:
        """What the log holds."""
        await self.answering()
        return list((await self.store.log.read(channel)).entries)

    async def keys(self, channel: str = NIGHT) -> list[str]:
        """The keys of what the log holds, in order."""
        return [entry.event.key for entry in await self.entries(channel)]

    async def verdict(self, position: Position, channel: str = NIGHT) -> str | None:
        """What the fence says of a reader's position."""
        return judge(position, (await self.store.log.read(channel)).extent)


def new(
    key: str, version: int = 1, *, data: Data | None = None, private: Data | None = None
) -> NewEvent:
    """An event whose id no other has."""
    id_ = f"{key}:{version}:{next(_names)}"
    told = {"key": key} if data is None else data
    return NewEvent(key, version, "update", id_, AT, told, private or {})


@asynccontextmanager
async def worker(
    url: str,
    prefix: str = "livewire",
    *,
    answer: float = 1,
    gather: float = 0.5,
    replicas: int = 0,
    milliseconds: int = 250,
) -> AsyncIterator[Worker]:
    """A worker of the site that is kept at `url` under `prefix`."""
    losses: list[Loss] = []
    name = epoch_name()
    store = RedisStore(
        Terms(url, prefix, answer, replicas, milliseconds, gather),
        worker=name,
        token=epoch_name,
        bound=BOUND,
        lost=losses.append,
    )
    try:
        await store.open()
        yield Worker(name, store, losses)
    finally:
        await store.close()


async def claim(one: Worker) -> None:
    """Say that the worker lives, as the audience does every two seconds."""
    signals = one.store.signals
    await signals.lease(f"worker/{one.name}", one.name, seconds=6, value={})
    await signals.leases("worker/")


async def forget_since(server: RedisServer, size: int) -> None:
    """The server dies, and its disk did not keep what came after `size` bytes."""
    await server.kill()
    # A file that was written anew meanwhile may be shorter.
    server.truncate_aof(min(size, server.aof().stat().st_size))
    await server.start()


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Return once it is so."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what changes it tells nobody
            await asyncio.sleep(0.01)


def proxied(url: str, proxy: Proxy) -> str:
    """The same server, through the proxy."""
    before, after = url.rsplit(":", 1)
    return f"{before}:{proxy.port}/{after.partition('/')[2]}"
