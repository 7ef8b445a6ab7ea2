"""A reader dropped after any byte goes on after the last event it has whole."""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import pytest

from tests.serving import Service

CHANNEL = "story/night"
UPDATES, DROPS = 3, 60

End = Callable[[socket.socket], None]


def reset(connection: socket.socket) -> None:
    """Close with RST: what was not read is thrown away."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def finish(connection: socket.socket) -> None:
    """Close with FIN, as a client that leaves in peace does."""
    connection.shutdown(socket.SHUT_WR)
    connection.close()


@dataclass(slots=True)
class Reader:
    """A log of what one reader holds, by the ids of the stream."""

    last_id: str = "0"
    openings: list[dict[str, Any]] = field(default_factory=list)
    positions: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def take(self, received: bytes) -> None:
        """Take every event that arrived whole; the rest never happened."""
        _, _, chunks = received.partition(b"\r\n\r\n")
        *whole, _ = dechunked(chunks).split(b"\n\n")
        for frame in whole:
            lines = [line.partition(b": ") for line in frame.split(b"\n")]
            fields = {name.decode(): value.decode() for name, _, value in lines}
            if "id" in fields:
                self._take(fields["event"], fields["id"], json.loads(fields["data"]))

    def _take(self, event: str, id_: str, data: dict[str, Any]) -> None:
        self.last_id = id_
        if event in ("ready", "reset"):
            self.openings.append({"event": event, **data})
        else:
            self.positions.append(id_)
            self.events.append(data)


def dechunked(chunks: bytes) -> bytes:
    """What a chunked body holds as far as it goes (RFC 9112, section 7.1)."""
    body = b""
    while True:
        size, end, chunks = chunks.partition(b"\r\n")
        if not end:
            return body
        length = int(size, 16)
        body += chunks[:length]
        chunks = chunks[length + 2 :]


@dataclass(frozen=True, slots=True)
class Lines:
    """Raw connections to the service."""

    port: int

    async def read(
        self, since: str, enough: Callable[[bytes], bool], end: End
    ) -> bytes:
        """What arrives from `since` on, byte for byte until it is enough."""
        loop = asyncio.get_running_loop()
        connection = socket.socket()
        connection.setblocking(False)
        await loop.sock_connect(connection, ("127.0.0.1", self.port))
        request = (
            f"GET /stream?channel={CHANNEL} HTTP/1.1\r\nHost: localhost\r\n"
            f"Last-Event-ID: {since}\r\n\r\n"
        )
        await loop.sock_sendall(connection, request.encode())
        received = b""
        try:
            while not enough(received):
                more = await loop.sock_recv(connection, 65_536)
                assert more, "the service ended the stream"
                received += more
        finally:
            end(connection)
        return received

    async def read_bytes(self, since: str, count: int, end: End) -> bytes:
        """The first `count` bytes of the answer."""
        received = await self.read(since, lambda got: len(got) >= count, end)
        return received[:count]

    async def read_through(self, since: str, top: str, end: End) -> bytes:
        """The answer up to and with the event of the position `top`."""

        def enough(received: bytes) -> bool:
            _, found, rest = received.rpartition(f"id: {top}\n".encode())
            return bool(found) and b"\n\n" in rest

        return await self.read(since, enough, end)


def lines_to(service: Service) -> Lines:
    return Lines(service.parts.settings.port)


@dataclass(frozen=True, slots=True)
class Truth:
    """What the log holds."""

    top: str
    positions: list[str]
    events: list[dict[str, Any]]


async def truth(service: Service) -> Truth:
    history = await service.parts.log.read(CHANNEL)
    answer = await service.http.get("/changes", params=f"channel={CHANNEL}&since=0")
    events = answer.json()["events"]
    for event in events:
        del event["event"]
    positions = [str(history.extent.position(e.event.seq)) for e in history.entries]
    return Truth(str(history.extent.end), positions, events)


async def publish_some(service: Service, count: int) -> None:
    for n in range(count):
        await service.publish("night", headline=f"Zürich {n} — 東京\u2028end")


async def until_left(service: Service) -> None:
    """Wait until the service has let go of every reader."""
    await service.parts.connections.empty()
    assert service.parts.hub.readers(CHANNEL) == 0


@pytest.mark.parametrize("end", [reset, finish])
async def test_a_reader_dropped_at_any_byte_misses_and_repeats_nothing(
    service: Service, end: End
) -> None:
    await service.open("night")
    await publish_some(service, UPDATES)
    told = await truth(service)
    lines = lines_to(service)
    whole = await lines.read_through("0", told.top, end)
    assert len(whole) > 1_500

    async def drop_after(count: int) -> None:
        reader = Reader()
        reader.take(await lines.read_bytes("0", count, end))
        before = len(reader.events)
        assert reader.positions == told.positions[:before]
        if before < len(told.events):
            reader.take(await lines.read_through(reader.last_id, told.top, end))
        assert reader.positions == told.positions, f"dropped after {count} bytes"
        assert reader.events == told.events, f"dropped after {count} bytes"
        assert {opening["event"] for opening in reader.openings} == {"ready"}

    await at_once(10, [partial(drop_after, count) for count in range(len(whole))])
    await until_left(service)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_reader_dropped_again_and_again_while_news_arrive_holds_the_log(
    service: Service, seed: int
) -> None:
    await service.open("night")
    lines, random, reader = lines_to(service), Random(seed), Reader()
    enough = asyncio.Event()

    async def publish() -> None:
        while not enough.is_set():
            await publish_some(service, 1)

    publishing = asyncio.create_task(publish())
    for _ in range(DROPS):
        # Mostly long enough for the head and an event, or it would stay where it is.
        count, end = random.randrange(200, 2_500), random.choice((reset, finish))
        reader.take(await lines.read_bytes(reader.last_id, count, end))
    enough.set()
    await publishing
    told = await truth(service)
    if reader.last_id != told.top:
        reader.take(await lines.read_through(reader.last_id, told.top, reset))
    assert len(reader.openings) > DROPS / 2
    assert reader.positions == told.positions, f"seed {seed}"
    assert reader.events == told.events, f"seed {seed}"
    assert {opening["event"] for opening in reader.openings} == {"ready"}


async def at_once(limit: int, works: list[Callable[[], Awaitable[None]]]) -> None:
    """All of the work, at most `limit` at a time."""
    remaining = iter(works)

    async def take_next() -> None:
        for work in remaining:
            await work()

    async with asyncio.TaskGroup() as group:
        for _ in range(limit):
            group.create_task(take_next())
