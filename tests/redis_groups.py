"""Several Redis servers as one: a primary under Sentinel, and a Cluster."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from redis.exceptions import ResponseError

from tests.redis_processes import HOST, RedisProcess, running, until
from tests.redis_servers import RedisServer

SERVICE = "livewire"  # what the sentinels call the primary
SLOTS = 16384  # of a Cluster


class Sentinel(RedisProcess):
    """A `redis-server --sentinel` that watches `primary` under the name `SERVICE`."""

    _flags = ("--sentinel",)
    _started = b"Sentinel ID is"

    def __init__(self, folder: Path, primary: RedisServer, *, quorum: int) -> None:
        super().__init__(folder)
        self._primary, self._quorum = primary, quorum

    async def watched(self) -> dict[str, str]:
        """What it knows of the primary: SENTINEL MASTER's members."""
        async with self.client() as client:
            told = await client.execute_command("SENTINEL", "MASTER", SERVICE)
        return {name.decode(): value.decode() for name, value in told.items()}

    async def fail_over(self) -> bool:
        """Ask for a failover; whether it has begun."""
        async with self.client() as client:
            try:
                await client.execute_command("SENTINEL", "FAILOVER", SERVICE)
            except ResponseError:  # one is under way, or no replica is known yet
                return False
        return True

    def _settings(self) -> list[str]:
        return [
            f"bind {HOST}",
            f"port {self.port}",
            f'dir "{self.folder}"',
            f"sentinel monitor {SERVICE} {HOST} {self._primary.port} {self._quorum}",
            f"sentinel down-after-milliseconds {SERVICE} 1000",
            f"sentinel failover-timeout {SERVICE} 3000",
        ]


@dataclass(frozen=True, slots=True)
class Watched:
    """A primary, its replicas and their sentinels, named by their part at the start."""

    primary: RedisServer
    replicas: tuple[RedisServer, ...]
    sentinels: tuple[Sentinel, ...]

    @property
    def url(self) -> str:
        """`redis+sentinel://HOST:PORT,HOST:PORT,.../livewire`."""
        return f"redis+sentinel://{_addresses(self.sentinels)}/{SERVICE}"

    async def current(self) -> RedisServer:
        """The server that the first sentinel to answer calls the primary."""
        for sentinel in self.sentinels:
            if await sentinel.answers():
                port = int((await sentinel.watched())["port"])
                servers = (self.primary, *self.replicas)
                return next(server for server in servers if server.port == port)
        raise RuntimeError("no sentinel answers")

    async def failover(self) -> RedisServer:
        """Have a replica promoted, nothing being down; the new primary.

        Returns once every sentinel that answers names it and it answers as a primary.
        """
        before = await self.current()
        asked = [sentinel for sentinel in self.sentinels if await sentinel.answers()]
        await until(asked[0].fail_over)
        return await self.moved(before)

    async def moved(self, before: RedisServer) -> RedisServer:
        """Wait for a failover that happens by itself: the primary that is not `before`.

        As `failover`, once every sentinel that answers agrees.
        """

        async def agreed() -> bool:
            alive = [each for each in self.sentinels if await each.answers()]
            ports = {(await each.watched())["port"] for each in alive}
            after = await self.current()
            return (
                after is not before
                and ports == {str(after.port)}
                and await after.role() == "master"
            )

        await until(agreed)
        return await self.current()

    async def _is_complete(self) -> bool:
        """Whether each sentinel knows all the others and all replicas."""
        expected = (str(len(self.replicas)), str(len(self.sentinels) - 1), "master")
        for sentinel in self.sentinels:
            told = await sentinel.watched()
            known = told["num-slaves"], told["num-other-sentinels"], told["flags"]
            if known != expected:
                return False
        return True


@asynccontextmanager
async def redis_with_sentinel(
    folder: Path, replicas: int = 1, sentinels: int = 3, **options: str | int
) -> AsyncIterator[Watched]:
    """A primary with replicas that follow it and sentinels that know all of them.

    `options` are settings of the primary and the replicas.
    """
    async with AsyncExitStack() as stack:

        async def started(name: str) -> RedisServer:
            server = RedisServer(folder / name, options)
            return await stack.enter_async_context(running(server))

        primary = await started("primary")
        following = [await started(f"replica{n}") for n in range(replicas)]
        for replica in following:
            await replica.replicate(primary)
        watching = []
        for number in range(sentinels):
            home, quorum = folder / f"sentinel{number}", sentinels // 2 + 1
            sentinel = Sentinel(home, primary, quorum=quorum)
            watching.append(await stack.enter_async_context(running(sentinel)))
        group = Watched(primary, tuple(following), tuple(watching))
        await until(group._is_complete)
        yield group


@dataclass(frozen=True, slots=True)
class Cluster:
    """Three primaries that share the slots; no replicas."""

    nodes: tuple[RedisServer, ...]

    @property
    def url(self) -> str:
        """`redis+cluster://HOST:PORT,HOST:PORT,HOST:PORT`."""
        return f"redis+cluster://{_addresses(self.nodes)}"

    async def is_ok(self) -> bool:
        """Whether every node knows every other and sees all slots served."""
        for node in self.nodes:
            async with node.client() as client:
                told = await client.cluster("INFO")
            known = told["cluster_state"], told["cluster_slots_ok"]
            if known != ("ok", str(SLOTS)):
                return False
            if told["cluster_known_nodes"] != str(len(self.nodes)):
                return False
        return True


@asynccontextmanager
async def redis_cluster(folder: Path, **options: str | int) -> AsyncIterator[Cluster]:
    """A Cluster of three that serves every slot; `options` are settings of each."""
    known = options | {"cluster_enabled": "yes", "cluster_node_timeout": 2000}
    async with AsyncExitStack() as stack:
        nodes = []
        for number in range(3):
            server = RedisServer(folder / f"node{number}", known)
            nodes.append(await stack.enter_async_context(running(server)))
        cluster = Cluster(tuple(nodes))
        await _join(cluster)
        await until(cluster.is_ok)
        yield cluster


async def _join(cluster: Cluster) -> None:
    count = len(cluster.nodes)
    for number, node in enumerate(cluster.nodes):
        first, after = number * SLOTS // count, (number + 1) * SLOTS // count
        async with node.client() as client:
            # Nodes of one epoch would first have to settle who keeps it.
            await client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            await client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, after - 1)
            if number:
                port = cluster.nodes[0].port
                await client.execute_command("CLUSTER", "MEET", HOST, port)


def _addresses(servers: Sequence[RedisProcess]) -> str:
    return ",".join(f"{HOST}:{server.port}" for server in servers)
