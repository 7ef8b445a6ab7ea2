"""Thousands of readers in a process of their own, all cut at once and back at once.

`python -m tests.chaos.storm` reads a line of JSON for each thing to do and answers
with one. A reader takes no more of the protocol than it needs to know what it lacks: in
the channel it follows each event is of another key, so none is ever left out.
"""

import asyncio
import resource
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson

from tests.chaos.frames import Frame, Frames

AT_ONCE = 500  # connections being made
STRAYS = 10  # one in so many comes with a position of another log


class Reader(asyncio.Protocol):
    """One reader through all its connections."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.at = 0
        self.last_id = "0"
        self.statuses: Counter[str] = Counter()
        self.resets: Counter[str] = Counter()
        self.gaps = 0
        self.moved = asyncio.Event()
        self._frames = Frames()
        self._fresh = True
        self._transport: asyncio.Transport | None = None

    async def open(self, port: int) -> None:
        """Connect, and ask for what comes after what it holds."""
        self._frames, self._fresh = Frames(), True
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, "127.0.0.1", port)

    async def reach(self, top: int) -> None:
        """Return once it holds everything up to the number."""
        while self.at < top:
            self.moved.clear()
            await self.moved.wait()

    def cut(self) -> None:
        """Lose the line."""
        if self._transport is not None:
            self._transport.abort()

    def stray(self, number: int) -> None:
        """Come back with a position that only the log itself can judge."""
        epoch, _, seq = self.last_id.partition("-")
        ahead = f"{epoch}-{int(seq) + 1000}"
        self.last_id = ahead if number % 2 else f"zzzzzzzz-{seq}"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        asked = [f"GET {self.path} HTTP/1.1", "Host: test"]
        asked += [f"Last-Event-ID: {self.last_id}", "", ""]
        transport.write("\r\n".join(asked).encode())

    def data_received(self, data: bytes) -> None:
        if self._fresh:
            self.statuses[data.split(b" ", 2)[1].decode()] += 1
            self._fresh = False
        for frame in self._frames.feed(data):
            self._take(frame)
        self.moved.set()

    def _take(self, frame: Frame) -> None:
        if frame.event == "reset":
            self.resets[orjson.loads(frame.data)["reason"]] += 1
            self.at = 0
        elif frame.event in ("story", "update") and frame.id is not None:
            seq = int(frame.id.partition("-")[2])
            self.gaps += seq != self.at + 1
            self.at = seq
        elif frame.event in ("problem", "close"):
            self.statuses[frame.event] += 1
        self.last_id = frame.id or self.last_id


class Readers:
    """All of them."""

    def __init__(self) -> None:
        self._all: list[Reader] = []

    async def open(self, *, path: str, ports: list[int], count: int, top: int) -> None:
        """So many more readers of the path, spread over the ports, up to the top."""
        more = [Reader(path) for _ in range(count)]
        self._all += more
        await self._connect(more, ports, top)

    def cut(self) -> None:
        """All lose their lines."""
        for each in self._all:
            each.cut()

    async def back(self, *, ports: list[int], top: int, strays: bool) -> None:
        """All come back, some astray, and get to the top."""
        for number, each in enumerate(self._all[::STRAYS] if strays else ()):
            each.stray(number)
        await self._connect(self._all, ports, top)

    def told(self) -> dict[str, object]:
        """What became of them since they were last asked."""
        statuses, resets, gaps = Counter[str](), Counter[str](), 0
        for each in self._all:
            statuses += each.statuses
            resets += each.resets
            gaps += each.gaps
            each.statuses.clear()
            each.resets.clear()
        return {"statuses": statuses, "resets": resets, "gaps": gaps}

    async def _connect(self, some: list[Reader], ports: list[int], top: int) -> None:
        gate = asyncio.Semaphore(AT_ONCE)

        async def go(number: int, reader: Reader) -> None:
            async with gate:
                await reader.open(ports[number % len(ports)])
            await reader.reach(top)

        async with asyncio.TaskGroup() as group:
            for number, reader in enumerate(some):
                group.create_task(go(number, reader))


class Storm:
    """The process of the readers, told what to do."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def open(self, path: str, ports: Sequence[int], count: int, top: int) -> None:
        """As `Readers.open`."""
        told = {"path": path, "ports": list(ports), "count": count, "top": top}
        await self._tell("open", **told)

    async def cut(self) -> None:
        """As `Readers.cut`."""
        await self._tell("cut")

    async def back(self, ports: Sequence[int], top: int, *, strays: bool) -> None:
        """As `Readers.back`."""
        await self._tell("back", ports=list(ports), top=top, strays=strays)

    async def told(self) -> dict[str, Any]:
        """As `Readers.told`."""
        return dict(await self._tell("told"))

    async def _tell(self, what: str, **how: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(orjson.dumps([what, how]) + b"\n")
        async with asyncio.timeout(60):
            return orjson.loads(await self._process.stdout.readline())


@asynccontextmanager
async def storm() -> AsyncIterator[Storm]:
    """A process without readers yet."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdin=PIPE, stdout=PIPE
    )
    try:
        yield Storm(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _heed() -> None:
    readers, loop = Readers(), asyncio.get_running_loop()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        what, how = orjson.loads(line)
        done = getattr(readers, what)(**how)
        told = await done if asyncio.iscoroutine(done) else done
        sys.stdout.buffer.write(orjson.dumps(told) + b"\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(_heed())
