"""A line through plain ASGI, against a server that takes what it likes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.types import Message

from channels.follow import Follow
from channels.transports.asgi import AsgiSink
from channels.view import View
from tests.channels.samples import event, extent
from tests.channels.scripted import JsonFormat


class Server:
    """The other side of ASGI: `allow` lets one more `send` through."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.allowed = asyncio.Semaphore(0)
        self.gone = asyncio.Event()
        self.asked = False
        self.error: Exception | None = None

    async def receive(self) -> Message:
        if not self.asked:
            self.asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        await self.allowed.acquire()
        if self.error is not None:
            raise self.error
        assert message["more_body"], "a stream ends by truncation"
        self.bodies.append(message["body"])


class Connection:
    """A sink at work, and one follow on it."""

    def __init__(self, *, high_water: int = 1000) -> None:
        self.server = Server()
        self.sink = AsgiSink(JsonFormat(), high_water=high_water)
        self.view = View("story/night", extent(0))
        self.live: list[Follow] = []
        self.follow = Follow(self.view, self.sink, 0, self)
        self.sink.follows["story/night"] = self.follow

    def join(self, follow: Follow) -> None:
        self.live.append(follow)

    def leave(self, follow: Follow) -> None:
        self.live.remove(follow)

    def holds_back(self, follow: Follow) -> bool:
        return False

    def publish(self, *keys: str) -> None:
        for key in keys:
            seq = self.view.extent.top + 1
            fresh = self.view.apply([event(seq, key, {"n": seq})], extent(seq))
            for encoded in fresh:
                for follow in tuple(self.live):
                    follow.take(encoded)

    async def allow(self, sends: int = 1) -> None:
        for _ in range(sends):
            self.server.allowed.release()
        await settle()

    @property
    def text(self) -> str:
        return b"".join(self.server.bodies).decode()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@asynccontextmanager
async def connected(*, high_water: int = 1000) -> AsyncIterator[Connection]:
    c = Connection(high_water=high_water)
    c.follow.open(None)
    running = asyncio.create_task(c.sink.run(c.server.receive, c.server.send))
    await settle()
    try:
        yield c
    finally:
        c.server.gone.set()
        await asyncio.wait_for(running, 5)


async def test_frames_leave_together_and_in_order() -> None:
    async with connected() as c:
        await c.allow()
        c.publish("a", "b")
        await c.allow()
        assert [body.count(b'"event"') for body in c.server.bodies] == [1, 2]
        assert c.text.index('"a"') < c.text.index('"b"')


async def test_while_a_send_is_under_way_nothing_is_kept_but_a_number() -> None:
    async with connected() as c:
        assert c.follow.paused
        c.publish(*"abababab")
        assert c.live == []
        await c.allow(2)
        assert [body.count(b'"event"') for body in c.server.bodies] == [1, 2]
        assert c.text.count('"n":7') == c.text.count('"n":8') == 1
        assert c.live == [c.follow]


async def test_a_full_buffer_pauses_in_the_middle_of_catching_up() -> None:
    async with connected(high_water=300) as c:
        c.publish(*"abcdefgh")
        await c.allow()
        assert c.follow.paused
        assert 0 < c.follow.seq < 8
        await c.allow(8)
        assert c.follow.seq == 8
        assert [c.text.count(f'"n":{n}}}') for n in range(1, 9)] == [1] * 8
        assert max(map(len, c.server.bodies)) < 300 + 150


async def test_being_held_has_a_beginning_and_an_end() -> None:
    async with connected() as c:
        first = c.sink.held_since
        assert first is not None
        c.sink.write(b"x" * 2000)
        assert c.sink.held_since == first
        await c.allow(2)
        assert c.sink.held_since is None


async def test_an_end_lets_what_was_taken_leave() -> None:
    async with connected() as c:
        await c.allow()
        c.sink.write(b"goodbye")
        c.sink.end()
        c.sink.write(b"too late")
        c.publish("a")
        await c.allow(3)
        assert c.server.bodies[1:] == [b"goodbye"]


async def test_an_end_waits_for_the_send_under_way() -> None:
    async with connected() as c:
        c.sink.write(b"goodbye")
        c.sink.end()
        await c.allow(2)
        assert c.text.endswith("goodbye")


async def test_an_end_with_nothing_to_say_ends() -> None:
    c = Connection()
    c.sink.end()
    await asyncio.wait_for(c.sink.run(c.server.receive, c.server.send), 5)
    assert c.server.bodies == []


async def test_an_idle_line_ends_when_told() -> None:
    async with connected() as c:
        await c.allow()
        c.sink.end()
        await c.allow(3)
        assert len(c.server.bodies) == 1


async def test_a_cut_does_not_wait_for_the_reader() -> None:
    async with connected() as c:
        c.sink.cut()
        await settle()
        c.sink.write(b"too late")
        await c.allow(3)
        assert c.server.bodies == []


async def test_a_cut_before_the_line_is_up_keeps_it_down() -> None:
    c = Connection()
    c.sink.cut()
    await asyncio.wait_for(c.sink.run(c.server.receive, c.server.send), 5)
    assert c.server.bodies == []


async def test_a_reader_who_leaves_ends_the_line() -> None:
    async with connected() as c:
        await c.allow()
        c.server.gone.set()
        await settle()
        c.publish("a")
        await c.allow(3)
        assert len(c.server.bodies) == 1


async def test_a_vanished_reader_is_no_error() -> None:
    async with connected() as c:
        c.server.error = ConnectionResetError()
        await c.allow()
        assert c.server.bodies == []


async def test_a_fault_of_ours_is_not_swallowed() -> None:
    c = Connection()
    c.follow.open(None)
    c.server.error = ValueError("a fault")
    c.server.allowed.release()
    with pytest.raises(ValueError, match="a fault"):
        await c.sink.run(c.server.receive, c.server.send)
