"""A log and a line to a reader that do what a test tells them, and nothing else."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence

from channels.encoding import Encoded, opening
from channels.errors import LogUnavailable
from channels.events import Append, Entry, Event
from channels.follow import Sink
from channels.log import Deliver, Delivery, History, Stop, Stored
from channels.positions import Extent, Position, Reason


def entries(*events: Event) -> tuple[Entry, ...]:
    return tuple([Entry(event, {}) for event in events])


class ScriptedLog:
    """The log contract, for deliveries and failures that SQLite never makes.

    `events` is what a read finds. A read waits for `gate`; while `away` it fails, and
    nothing proves that the log is there.
    """

    durability = "fsync"

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.events: tuple[Event, ...] = ()
        self.extent = Extent()
        self.reads = 0
        self._clock = clock
        self._left: float | None = None
        self.listeners: list[Deliver] = []
        self.gate = asyncio.Event()
        self.gate.set()

    @property
    def away(self) -> bool:
        return self._left is not None

    @away.setter
    def away(self, away: bool) -> None:
        self._left = self._clock() if away else None

    def hold(self, *events: Event, extent: Extent) -> None:
        """What reads find from now on."""
        self.events, self.extent = events, extent

    def tell(self, *events: Event, extent: Extent) -> None:
        """Deliver, whether or not it makes sense."""
        for deliver in tuple(self.listeners):
            deliver(Delivery("story/night", extent, entries(*events)))

    async def append(self, batch: Sequence[Append]) -> Stored:
        raise NotImplementedError

    async def read(self, channel: str, after: int = 0) -> History:
        self.reads += 1
        found = History(self.extent, entries(*self.events))
        await self.gate.wait()
        if self.away:
            raise LogUnavailable
        return found

    def proven(self) -> float:
        return self._clock() if self._left is None else self._left

    async def listen(self, channel: str, deliver: Deliver) -> Stop:
        self.listeners.append(deliver)
        return lambda: self.listeners.remove(deliver)


class JsonFormat:
    """Frames as the objects of `/changes`, for readers that are tests."""

    def change(self, encoded: Encoded) -> bytes:
        return encoded.json

    def opening(
        self, channel: str, extent: Extent, position: Position, reason: Reason | None
    ) -> bytes:
        name, members = opening(channel, extent, position, reason)
        return self.notice(name, members)

    def notice(self, name: str, members: Mapping[str, object]) -> bytes:
        return json.dumps({"event": name} | dict(members)).encode()


class Line(Sink):
    """A line that holds `room` frames; a reader takes them when the test says so."""

    __slots__ = ("frames", "is_over", "room")

    def __init__(self, room: int = 1_000_000) -> None:
        super().__init__(JsonFormat())
        self.room = room
        self.is_over = False
        self.frames: list[bytes] = []

    def write(self, frame: bytes) -> None:
        if self.is_over:
            return
        self.frames.append(frame)
        if len(self.frames) >= self.room:
            self.held_since = 0.0
            for follow in self.follows.values():
                follow.pause()

    def end(self) -> None:
        self.is_over = True

    def cut(self) -> None:
        raise NotImplementedError

    def drain(self) -> list[dict[str, object]]:
        """Take what the line holds; it goes on as a real one does."""
        taken, self.frames = self.frames, []
        self.held_since = None
        for follow in tuple(self.follows.values()):
            if self.is_over or len(self.frames) >= self.room:
                break
            if follow.paused:
                follow.resume()
        return [json.loads(frame) for frame in taken]

    def read(self) -> list[str]:
        """What has come, in short: `ready aaaaaaaa-0`, `story aaaaaaaa-1`."""
        told: list[str] = []
        while self.frames:
            told += [short(frame) for frame in self.drain()]
        return told


def short(frame: Mapping[str, object]) -> str:
    """A frame's name, or an event's key, and where it stands."""
    name = frame.get("key", frame["event"])
    reason = f" {frame['reason']}" if "reason" in frame else ""
    return f"{name} {frame.get('position', '-')}{reason}"
