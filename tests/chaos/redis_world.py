"""A world on Redis: several workers, each with a line of its own to one primary.

The lines are proxies, so that one worker's can fail alone. Where there is a replica,
a failover is what a moved address is: the lines lead to the other server from then on.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from channels.positions import Epoch
from channels.redis.keys import Keys
from channels.redis.wire import extent
from tests.chaos.service import COMMAND, Worker
from tests.chaos.world import World, running
from tests.proxy import HOST, Proxy
from tests.redis_groups import Watched, redis_with_sentinel
from tests.redis_processes import running as serving
from tests.redis_servers import RedisServer

PREFIX = "night"
UNCHANGED = {"auto_aof_rewrite_percentage": 0}
"""The file of a server stays the same one: faults cut it where it was once as long."""


@dataclass(slots=True)
class RedisWorld(World):
    """Workers over one primary, which a failover makes another server.

    `proxies` are the lines, one for each worker in its order; a world under Sentinel
    has none, since the sentinels tell the servers' own addresses.
    """

    servers: Sequence[RedisServer] = ()
    proxies: Sequence[Proxy] = ()
    watched: Watched | None = None

    @property
    def primary(self) -> RedisServer:
        """The server that carries the log."""
        return self.servers[0]

    @property
    def replica(self) -> RedisServer | None:
        """The server that follows it, if one does."""
        return self.servers[1] if len(self.servers) > 1 else None

    def swap(self) -> None:
        """The replica is the primary from now on, and every line leads to it."""
        self.servers = (*self.servers[1:], self.servers[0])
        self.stores = self.servers[:1]
        for proxy in self.proxies:
            proxy.target = (HOST, self.primary.port)
            proxy.cut()

    async def epochs(self, channel: str) -> tuple[Epoch, ...]:
        """The lives of a channel, as its meta tells."""
        async with self.primary.client() as client:
            told = await client.hget(Keys(PREFIX).meta(channel), "epochs")
        return extent(told or b"", "0", "0").epochs

    async def recover(self) -> None:
        """Everything runs again, as it was configured."""
        for proxy in self.proxies:
            proxy.only, proxy.delay, proxy.refuse = "all", 0.0, False
            proxy.drop_replies, proxy.replies_to = 0, b""
        for server in self.servers:
            server.resume()
            if server.pid is None:
                await server.start()
        await World.recover(self)


@asynccontextmanager
async def on_redis(
    folder: Path,
    *,
    workers: int = 2,
    replica: bool = False,
    settings: Mapping[str, str] | None = None,
    command: Sequence[str] = COMMAND,
    **options: str | int,
) -> AsyncIterator[RedisWorld]:
    """A running world; `settings` go to the workers, `options` to the servers."""
    async with AsyncExitStack() as stack:
        entered = stack.enter_async_context
        names = ("redis-0", "redis-1")[: 2 if replica else 1]
        made = [RedisServer(folder / name, UNCHANGED | options) for name in names]
        servers = [await entered(serving(each)) for each in made]
        if replica:
            await servers[1].replicate(servers[0])
        proxies = [await entered(Proxy(HOST, servers[0].port)) for _ in range(workers)]
        urls = [f"redis://{HOST}:{proxy.port}/0" for proxy in proxies]
        workers_of = _workers(folder, urls, settings or {}, command)
        world = RedisWorld(
            workers_of, servers[:1], proxies, servers=servers, proxies=proxies
        )
        await entered(_started(world))
        yield world


@asynccontextmanager
async def on_sentinel(
    folder: Path, *, workers: int = 2, settings: Mapping[str, str] | None = None
) -> AsyncIterator[RedisWorld]:
    """A running world whose primary three sentinels watch."""
    async with AsyncExitStack() as stack:
        watched = await stack.enter_async_context(redis_with_sentinel(folder))
        made = _workers(folder, [watched.url] * workers, settings or {}, COMMAND)
        servers = (watched.primary, *watched.replicas)
        world = RedisWorld(made, servers[:1], servers=servers, watched=watched)
        yield await stack.enter_async_context(_started(world))


@asynccontextmanager
async def _started(world: RedisWorld) -> AsyncIterator[RedisWorld]:
    async with running(world):
        yield world


def _workers(
    folder: Path,
    urls: Sequence[str],
    settings: Mapping[str, str],
    command: Sequence[str],
) -> list[Worker]:
    return [
        Worker(
            folder / f"worker-{number}",
            {"LIVEWIRE_REDIS_URL": url, "LIVEWIRE_REDIS_PREFIX": PREFIX, **settings},
            command=command,
        )
        for number, url in enumerate(urls)
    ]
