"""Finding the one server that carries the log, and making connections to it.

The laws: the library repeats nothing by itself, since a repeated write is a second
write (redis-py#3559: by default it tries ten times more); every connection and every
answer has its time.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import (
    AbstractConnection,
    Connection,
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import MasterNotFoundError, Sentinel
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import RedisError

from channels.redis.address import Address, Options

Where = Mapping[str, Any]
"""Host and port of a server."""

_CONNECTIONS = 32
"""Commands under way at once; Redis takes them one at a time anyway."""


class Primary:
    """The way to the server; found anew whenever it was lost."""

    def __init__(self, address: Address, *, tag: str, timeout: float) -> None:
        self._address = address
        self._slot = key_slot(tag.encode())
        self._timeout = timeout
        self._asked: set[asyncio.Task[Where]] = set()

    async def close(self) -> None:
        """Wait for those who were asked and not waited for: one timeout at most."""
        while self._asked:
            await asyncio.wait(self._asked)

    @property
    def sharded(self) -> bool:
        """Whether words go by sharded pub/sub (SPUBLISH), as in a Cluster."""
        return self._address.kind == "cluster"

    async def find(self) -> Redis:
        """A client of the server that is the primary now. Raises redis-py's errors."""
        options = {**self._address.options, **await self._whereabouts()}
        return Redis(connection_pool=self._pool(options, _CONNECTIONS))

    def subscriber(self, client: Redis) -> AbstractConnection:
        """A connection of its own to the same server, not yet connected.

        Not redis-py's PubSub: that one subscribes again by itself after it lost the
        connection and says nothing of what it missed, and it sends pings without
        looking for their answers (redis-py#2417, #2115). Nor its pub/sub of a Cluster
        (redis-py#2219, #3736), which asks one node after the other and lags.
        """
        connection: AbstractConnection = client.connection_pool.make_connection()
        return connection

    async def _whereabouts(self) -> Where:
        if self._address.kind == "sentinel":
            return await self._ask_sentinels()
        if self._address.kind == "cluster":
            return await self._ask_cluster()
        return {}

    async def _ask_sentinels(self) -> Where:
        """The primary, as the sentinel that knows of one and answers first says."""
        nodes = self._address.nodes
        return await self._first([self._ask_sentinel(node) for node in nodes])

    async def _ask_sentinel(self, node: Options) -> Where:
        options = {**node, **self._bounds()}
        at = options.pop("host"), options.pop("port", 26379)
        # What the pool of a sentinel cannot take by itself.
        if options.pop("connection_class", None) is SSLConnection:
            options["ssl"] = True
        sentinel = Sentinel([at], sentinel_kwargs=options)
        try:
            host, port = await sentinel.discover_master(self._address.service)
        except MasterNotFoundError as error:
            service = self._address.service
            raise Disconnected(f"no sentinel knows a primary of {service}") from error
        finally:
            for each in sentinel.sentinels:
                await each.aclose()
        return {"host": host, "port": port}

    async def _ask_cluster(self) -> Where:
        """The primary of our one slot, as the node that answers first says."""
        nodes = self._address.nodes
        return await self._first([self._ask_node(node) for node in nodes])

    async def _ask_node(self, node: Options) -> Where:
        client = Redis(connection_pool=self._pool(node, 1))
        try:
            slots = await client.execute_command("CLUSTER SLOTS")
        finally:
            await client.aclose(close_connection_pool=True)
        found = _owner(slots, self._slot)
        if found is None:
            raise Disconnected("A node of the Cluster knows nobody with our slot.")
        host, port = found
        return {"host": host or str(node["host"]), "port": port}

    async def _first(self, asking: Iterable[Coroutine[Any, Any, Where]]) -> Where:
        """The first answer; the error of the last one where all fail.

        All are asked at once: each of those that are gone would cost a timeout. Nobody
        is cut short, since redis-py leaves a connection open that is cancelled while
        it is being made.
        """
        tasks = [asyncio.create_task(each) for each in asking]
        self._asked |= set(tasks)
        for task in tasks:
            task.add_done_callback(self._forget)
        trouble: Exception = Disconnected("Nobody was asked.")
        for answered in asyncio.as_completed(tasks):
            try:
                return await answered
            except (RedisError, OSError) as error:
                trouble = error
        raise trouble

    def _forget(self, task: "asyncio.Task[Where]") -> None:
        self._asked.discard(task)
        if not task.cancelled():
            task.exception()  # the last one's is told; the others' is no news

    def _pool(self, options: Mapping[str, Any], most: int) -> ConnectionPool:
        known = dict(options)
        kind = known.pop("connection_class", Connection)
        if kind is not UnixDomainSocketConnection:
            known["socket_keepalive"] = True
        known |= self._bounds()  # whatever the URL says of them
        return ConnectionPool(connection_class=kind, max_connections=most, **known)

    def _bounds(self) -> dict[str, Any]:
        return {
            "socket_timeout": self._timeout,
            "socket_connect_timeout": self._timeout,
            "retry": Retry(NoBackoff(), 0),
            # Answers of a subscriber come as arrays, not as pushes to a handler.
            "protocol": 2,
            "decode_responses": False,
        }


def _owner(slots: Any, slot: int) -> tuple[str, int] | None:
    """Host and port of the slot's primary in what `CLUSTER SLOTS` answers."""
    if isinstance(slots, Mapping):  # redis-py has read it already
        for (first, last), told in slots.items():
            if first <= slot <= last:
                host, port = told["primary"]
                return str(host), int(port)
        return None
    for first, last, primary, *_ in slots:
        if first <= slot <= last:
            return primary[0].decode(), int(primary[1])
    return None
