"""A TCP proxy on loopback that loses, delays, holds and cuts what passes through it.

Its knobs are attributes a test turns while connections stand. Bytes are read at once
and written later by one task per direction, so a delay moves all bytes without making
the link slower, and what was held goes on in order when it is released, as on a
network that came back.
"""

import asyncio
import re
from asyncio import StreamReader, StreamWriter
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

HOST = "127.0.0.1"
CHUNK = 65536  # bytes read at once
WAITING = 64  # chunks under way in one direction before no more is read
SUBSCRIBE = re.compile(rb"\r\n[SP]?SUBSCRIBE\r\n", re.IGNORECASE)  # as RESP has it

Touched = Literal["all", "subscriber", "commands"]
"""Connections with faults: each, those that subscribed, those that have not (yet)."""
Way = Literal["up", "down"]
"""To the server, or to the client."""


@dataclass(slots=True, eq=False)
class Link:
    """One connection through the proxy."""

    client: StreamWriter
    server: StreamWriter
    subscriber: bool = False  # a SUBSCRIBE of any kind went up
    asked: bytes = b""  # the last chunk that went up
    carried: Counter[Way] = field(default_factory=Counter)  # bytes since `cut_after`
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def noted(self, chunk: bytes) -> None:
        # The word may be torn between two chunks.
        seen = self.asked[-16:] + chunk
        self.subscriber = self.subscriber or SUBSCRIBE.search(seen) is not None
        self.asked = chunk

    def abort(self) -> None:
        """End both halves at once; bytes not yet sent are lost."""
        self.client.transport.abort()
        self.server.transport.abort()
        self.ended.set()


class Proxy:
    """Listens on a free `port` and carries each connection to the target.

    `async with` it; at the end every connection is cut. What TLS hides cannot be told
    apart: there `only` must be `all`, and `replies_to` empty.
    """

    def __init__(self, target_host: str, target_port: int) -> None:
        self.target = (target_host, target_port)  # of new connections
        self.port = 0
        self.delay = 0.0  # seconds, each way
        self.drop_replies = 0  # chunks to the client to swallow, then its link is cut
        self.replies_to = b""  # drops only what answers a chunk that has these bytes
        self.refuse = False  # new connections are closed at once
        self._blackhole = False
        self._only: Touched = "all"
        self._limits: dict[Way, int] = {}
        self._turned = asyncio.Event()  # replaced whenever what is held may change
        self._links: set[Link] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def blackhole(self) -> bool:
        """Whether nothing is carried, neither bytes nor the end of a connection."""
        return self._blackhole

    @blackhole.setter
    def blackhole(self, value: bool) -> None:
        self._blackhole = value
        self._release()

    @property
    def only(self) -> Touched:
        """The connections that delay, drops, black hole and cuts are for."""
        return self._only

    @only.setter
    def only(self, value: Touched) -> None:
        self._only = value
        self._release()

    @property
    def connections(self) -> int:
        """Connections that stand, of those `only` names."""
        return sum(map(self._touches, self._links))

    def cut(self) -> None:
        """Abort all connections that `only` names."""
        for link in filter(self._touches, tuple(self._links)):
            link.abort()

    def cut_after(self, count: int | None, *, way: Way = "down") -> None:
        """End each connection when it has carried exactly `count` more bytes.

        New connections count from their start; None ends no more of them.
        """
        self._limits.pop(way, None)
        if count is not None:
            self._limits[way] = count
        for link in self._links:
            del link.carried[way]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, HOST, 0, limit=CHUNK)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.refuse = True
        if self._server is not None:
            self._server.close()
        while self._carrying:
            for link in self._links:
                link.abort()
            self.blackhole = False
            await asyncio.wait(self._carrying, timeout=0.05)
        if self._server is not None:
            await self._server.wait_closed()

    def _touches(self, link: Link) -> bool:
        return self.only == "all" or link.subscriber == (self.only == "subscriber")

    def _holds(self, link: Link) -> bool:
        return self.blackhole and self._touches(link)

    def _release(self) -> None:
        self._turned.set()
        self._turned = asyncio.Event()

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        if self.refuse:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._carry(reader, writer))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, from_client: StreamReader, client: StreamWriter) -> None:
        try:
            from_server, server = await asyncio.open_connection(*self.target)
        except OSError:
            while self.blackhole and self.only != "subscriber":
                await self._turned.wait()  # a closed door is not heard of either
            client.transport.abort()
            return
        link = Link(client, server)
        self._links.add(link)
        up: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(WAITING)
        down: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(WAITING)
        async with asyncio.TaskGroup() as group:
            parts = (
                self._read(link, "up", from_client, up),
                self._read(link, "down", from_server, down),
                self._write(link, "up", server, up),
                self._write(link, "down", client, down),
            )
            tasks = [group.create_task(part) for part in parts]
            await link.ended.wait()
            for task in tasks:
                task.cancel()
        await _closed(client)
        await _closed(server)
        self._links.discard(link)

    async def _read(
        self,
        link: Link,
        way: Way,
        reader: StreamReader,
        queue: asyncio.Queue[tuple[float, bytes]],
    ) -> None:
        clock = asyncio.get_running_loop().time
        chunk = b"-"
        while chunk:
            try:
                chunk = await reader.read(CHUNK)
            except ConnectionError:
                chunk = b""  # a reset is an end: it waits behind what is held
            if way == "up":
                link.noted(chunk)
            due = clock() + (self.delay if self._touches(link) else 0)
            await queue.put((due, chunk))

    async def _write(
        self,
        link: Link,
        way: Way,
        writer: StreamWriter,
        queue: asyncio.Queue[tuple[float, bytes]],
    ) -> None:
        clock = asyncio.get_running_loop().time
        while not link.ended.is_set():
            due, chunk = await queue.get()
            await asyncio.sleep(due - clock())
            while self._holds(link):
                await self._turned.wait()
            if not chunk:
                link.ended.set()
            elif way == "down" and self._loses(link):
                self.drop_replies -= 1
                if not self.drop_replies:
                    link.abort()
            else:
                with suppress(ConnectionError):  # the reader learns of it as well
                    await self._pass(link, way, writer, chunk)

    def _loses(self, link: Link) -> bool:
        asked = self.replies_to in link.asked
        return self.drop_replies > 0 and asked and self._touches(link)

    async def _pass(
        self, link: Link, way: Way, writer: StreamWriter, chunk: bytes
    ) -> None:
        limit = self._limits.get(way) if self._touches(link) else None
        if limit is not None:
            chunk = chunk[: max(0, limit - link.carried[way])]
        link.carried[way] += len(chunk)
        if not writer.is_closing():
            writer.write(chunk)
        await writer.drain()
        if limit is not None and link.carried[way] >= limit:
            link.ended.set()


async def _closed(writer: StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
