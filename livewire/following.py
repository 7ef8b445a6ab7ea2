"""What a reader of one channel makes of what it hears, on one connection after another.

The law: a number at or below the position was had before; a reader is live only once
its position has reached the top the service named; a reset goes on across connections
and ends there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import orjson

from channels.events import EVENT_TYPES, Data, instant
from channels.positions import START, Position, parse
from livewire.problems import Problem, as_data, as_problem

USUAL_RETRY = 3.0
"""Seconds before a reconnect, until the service has named its own."""


@dataclass(frozen=True, slots=True)
class Change:
    """The new state of one key. Keep `position` to go on after it another day."""

    channel: str
    position: str
    key: str
    type: str  # `update`, `story`, `card`, `item` or `entry`
    at: datetime  # aware, UTC
    data: Data | None  # the whole state; None: the key is gone


@dataclass(frozen=True, slots=True)
class Reset:
    """Continuity is lost: the whole state follows. Keep the old one until `Live`."""

    channel: str
    position: str
    reason: str  # `epoch`, `ahead`, `trimmed` or `malformed`


@dataclass(frozen=True, slots=True)
class Live:
    """The reader holds everything there is; said once on each connection.

    After a `Reset`, `named` are the keys there are: any other is to be dropped.
    """

    channel: str
    position: str
    named: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Trimmed:
    """Keys whose newest number is at or below `floor` are to be dropped."""

    channel: str
    position: str
    floor: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The line is alive. `stalled`: the service itself cannot reach its log.

    It may come before the channel is open: the service then waits for its log.
    """

    channel: str
    position: str
    at: datetime  # the service's clock
    readers: int
    stalled: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """The line is gone; the next try comes after `wait` seconds."""

    channel: str
    why: str
    wait: float


@dataclass(frozen=True, slots=True)
class Closed:
    """The service ended the follow for good; nothing comes after this."""

    channel: str
    reason: str  # as `token-expired`


Event: TypeAlias = Change | Reset | Live | Trimmed | Heartbeat | Lost | Closed


class Reader:
    """One reader's place in a channel. `position` None means: from now on."""

    def __init__(self, channel: str, position: str | None) -> None:
        self.channel = channel
        self.position = position
        self.retry = USUAL_RETRY  # seconds
        self.open = False  # whether this connection has opened the channel
        self.left = ""  # why the service says it ends this connection
        self.final = False  # whether it has ended the follow for good
        self._live = False
        self._top = 0
        self._goal: Position | None = None  # the top it was on its way to
        self._floor = 0
        self._named: set[str] | None = None  # the keys since a reset, until it is over

    def connect(self) -> None:
        """A new connection begins; a reset in progress goes on in it."""
        self.open = self._live = False
        self.left = ""

    def hear(self, name: str, text: str) -> Iterator[Event]:
        """The events that one frame becomes. Raises `Problem` where it is final."""
        try:
            yield from self._hear(name, as_data(orjson.loads(text)))
        except (KeyError, ValueError) as error:
            title = "The service sent something this client cannot read"
            raise Problem(200, "about:blank", title, f"{name}: {error}") from error

    def _hear(self, name: str, data: Data) -> Iterator[Event]:
        match name:
            case "ready" | "reset":
                yield from self._begin(data)
            case "heartbeat":
                yield from self._beat(data)
            case "problem":
                self._refuse(data)
            case "close":
                yield from self._end(data)
            case _ if "position" in data:
                yield from self._take(name, data)

    def _begin(self, data: Data) -> Iterator[Event]:
        top = parse(str(data["top"])) or START
        if "reason" not in data and self._goal and not _reaches(top, self._goal):
            # What was left out on the way as superseded may be missing in this log.
            self.position, self._named, self._goal = "0", set(), None
            self.left = "the log may have lost its end"
            return
        self.position = str(data["position"])
        self.open, self._live = True, False
        self._top, self._goal = top.seq, top
        if "reason" in data:
            self._named = set()
            yield Reset(self.channel, self.position, str(data["reason"]))
        yield from self._trim(data)
        yield from self._settle()

    def _take(self, name: str, data: Data) -> Iterator[Event]:
        position, key = str(data["position"]), str(data["key"])
        if not self.open or _number(position) <= _number(self.position):
            return
        self.position = position
        state = None if data["data"] is None else as_data(data["data"])
        if self._named is not None:
            (self._named.discard if state is None else self._named.add)(key)
        # An event of a kind that this client does not know moves it on in silence.
        if name in EVENT_TYPES:
            at = instant(str(data["at"]))
            yield Change(self.channel, position, key, name, at, state)
        yield from self._settle()

    def _settle(self) -> Iterator[Event]:
        if self._live or _number(self.position) < self._top:
            return
        self._live = True
        self._goal = None
        named = None if self._named is None else frozenset(self._named)
        self._named = None
        yield Live(self.channel, self.position or "0", named)

    def _beat(self, data: Data) -> Iterator[Event]:
        pulse = as_data(data["channels"]).get(self.channel)
        if pulse is None:
            return
        pulse = as_data(pulse)
        if self.open and "floor" in pulse:  # it is not told of what is not loaded
            yield from self._trim(pulse)
        yield Heartbeat(
            self.channel,
            self.position or "0",
            instant(str(data["at"])),
            int(str(pulse["readers"])),
            pulse["stalled"] is True,
        )

    def _trim(self, data: Data) -> Iterator[Event]:
        floor = int(str(data["floor"]))
        if floor > self._floor:
            yield Trimmed(self.channel, self.position or "0", floor)
        self._floor = floor

    def _refuse(self, data: Data) -> None:
        problem = as_problem(data)
        if problem.status < 500:
            raise problem
        self.left = str(problem) or "problem"

    def _end(self, data: Data) -> Iterator[Event]:
        self.left = str(data["reason"]) or "closed"
        if data["reconnect"] is False:
            self.final = True
            yield Closed(self.channel, self.left)


def _reaches(top: Position, goal: Position) -> bool:
    return top.epoch == goal.epoch and top.seq >= goal.seq


def _number(position: object) -> int:
    """The number in a position, 0 where there is none yet."""
    place = parse(position) if isinstance(position, str) else None
    return place.seq if place is not None else 0
