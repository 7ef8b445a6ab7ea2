"""Everything that connections receive, byte for byte, and what came after a moment.

A moment is drawn through all connections at once: what the kernel holds of each by
then was sent before it, though nobody has read it yet.
"""

import asyncio
import re
from array import array
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from fcntl import ioctl
from functools import partial
from termios import FIONREAD
from urllib.parse import urlsplit

PAUSE = 0.005  # seconds between two askings on one connection
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)

Headers = Mapping[str, str]


class Capture(asyncio.Protocol):
    """One connection that asks once, or `again` after each whole answer.

    `heard` is called in the instant in which something arrives.
    """

    def __init__(
        self,
        name: str,
        asked: bytes,
        *,
        again: bool = False,
        heard: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self.received = bytearray()
        self.answers = 0  # whole ones
        self.ended = asyncio.Event()
        self._asked = asked
        self._again = again
        self._heard = heard
        self._start = 0  # of the answer under way
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self._heard is not None:
            self._heard()
        if self._again and self.body() is not None:
            self.answers += 1
            self._start = len(self.received)
            asyncio.get_running_loop().call_later(PAUSE, self._ask)

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set()

    def body(self) -> bytes | None:
        """The body of the last answer, once it is whole."""
        answer = bytes(self.received[self._start :])
        head, end, body = answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head + b"\r\n")
        if not end or length is None or len(body) < int(length[1]):
            return None
        return body

    def arrived(self) -> int:
        """How many bytes have come, those not yet read among them."""
        waiting = array("i", [0])
        if self._transport is not None and not self._transport.is_closing():
            ioctl(self._transport.get_extra_info("socket").fileno(), FIONREAD, waiting)
        return len(self.received) + waiting[0]

    def leave(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    def _ask(self) -> None:
        assert self._transport is not None
        self._transport.write(self._asked)


class Crowd:
    """Connections to one worker that never stop asking."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._tasks: list[asyncio.Task[None]] = []
        self._captures: list[Capture] = []
        self._marks: dict[Capture, int] = {}

    def read(self, path: str, headers: Headers | None = None) -> None:
        """Ask for a document, on one connection, as soon as it has come again."""
        self._keep(partial(Capture, path, get(path, headers or {}), again=True))

    def follow(self, path: str, since: str, *, seconds: float | None = None) -> None:
        """Open a stream; leave it and open it anew after so many seconds."""
        asked = get(path, {"Last-Event-ID": since})
        self._keep(partial(Capture, f"{path} since {since}", asked), seconds)

    def mark(self) -> None:
        """Now: what else is captured was sent after this moment."""
        self._marks = {each: each.arrived() for each in self._captures}

    def told_of(self, text: bytes) -> set[str]:
        """What was asked for by those that were told of the text, at any time."""
        return {each.name for each in self._captures if text in each.received}

    def told_since(self, text: bytes) -> set[str]:
        """What was asked for by those that were told of it after the moment."""
        return {
            each.name
            for each in self._captures
            if text in each.received[self._marks.get(each, 0) :]
        }

    async def hear_of(self, text: bytes) -> None:
        """Return once everybody has been told of the text."""
        while self.told_of(text) != {each.name for each in self._captures}:
            self._check()
            await asyncio.sleep(0.01)

    async def turn(self) -> None:
        """Return once every document has been asked for and answered twice more."""
        before = {each: each.answers for each in self._captures if each.answers}
        while any(each.answers < count + 3 for each, count in before.items()):
            self._check()
            await asyncio.sleep(0.01)

    async def leave(self) -> None:
        """Drop every connection."""
        self._check()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _check(self) -> None:
        for task in self._tasks:
            if task.done():
                task.result()

    def _keep(self, make: Callable[[], Capture], seconds: float | None = None) -> None:
        async def keep() -> None:
            while True:
                capture = make()
                self._captures.append(capture)
                await connect(self._address, capture)
                try:
                    async with asyncio.timeout(seconds):
                        await capture.ended.wait()
                except TimeoutError:
                    pass
                finally:
                    capture.leave()

        self._tasks.append(asyncio.create_task(keep()))


@asynccontextmanager
async def crowd(address: str) -> AsyncIterator[Crowd]:
    """A crowd that leaves at the end."""
    gathered = Crowd(address)
    try:
        yield gathered
    finally:
        await gathered.leave()


async def connect(address: str, capture: Capture) -> None:
    """Connect, and ask."""
    loop, port = asyncio.get_running_loop(), urlsplit(address).port or 80
    await loop.create_connection(lambda: capture, "127.0.0.1", port)


async def until(condition: Callable[[], bool], *, seconds: float = 30) -> None:
    """Return once it is so. Raises `TimeoutError` where it does not come to be."""
    async with asyncio.timeout(seconds):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


def get(path: str, headers: Headers) -> bytes:
    """A request as it goes out."""
    return _request(f"GET {path}", headers, b"")


def post(path: str, headers: Headers, body: bytes) -> bytes:
    """The same, of JSON."""
    described = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return _request(f"POST {path}", {**headers, **described}, body)


def _request(what: str, headers: Headers, body: bytes) -> bytes:
    lines = [f"{name}: {value}" for name, value in {"Host": "test", **headers}.items()]
    return "\r\n".join([f"{what} HTTP/1.1", *lines, "", ""]).encode() + body
