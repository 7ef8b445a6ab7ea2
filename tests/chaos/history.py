"""What publishers and readers write down while things break.

The law: everybody writes what they were told, at once and as it was said. Nobody
judges: that is the auditor's work, after the last word.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal, TypeAlias

import orjson

from channels.positions import Epoch, Position, parse

Deed = Literal["publish", "correct", "pin", "withdraw", "edit"]
Outcome = Literal["acknowledged", "idle", "refused", "unknown"]
"""`idle`: acknowledged, with nothing left to do, as to withdraw what is withdrawn."""

GONE = ""
"""The body of a tombstone."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a log, as somebody was told of it."""

    channel: str
    epoch: str
    seq: int
    key: str
    version: int  # of a tombstone 0
    body: str  # a digest of the data; `GONE` for a tombstone

    def __str__(self) -> str:
        return f"{self.channel} {self.epoch}-{self.seq} {self.key} v{self.version}"


@dataclass(slots=True)
class Operation:
    """One write: what was asked, and what the editor knows of it in the end.

    `marker` is told by this operation alone: as the headline where it publishes, as
    the note of the desk where it changes. `event` is what an answer that is no replay
    said was stored; a replay tells the thing as it is later.
    """

    publisher: str
    deed: Deed
    slug: str
    marker: str
    key: str = ""  # of the update; for a publish known with the answer
    outcome: Outcome = "unknown"
    status: int = 0
    tries: int = 0
    position: str = ""
    event: Event | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection, or one poll, opened a channel. `asked` None: from now on.

    `polled`: what follows is one answer, the log as it was at one moment.
    """

    channel: str
    asked: str | None
    reason: str | None  # of a reset
    position: str
    top: str
    floor: int
    polled: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """An event reached a reader."""

    event: Event


@dataclass(frozen=True, slots=True)
class Reached:
    """A poll said how far the reader has got with it."""

    channel: str
    position: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The line is gone, or a request was not served."""

    why: str


Observation: TypeAlias = Opened | Seen | Reached | Ended


@dataclass(slots=True)
class Reading:
    """Everything one reader was told, in the order it was told."""

    reader: str
    channels: tuple[str, ...]
    observations: list[Observation] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an update in the final log; `removed` by a purge."""

    number: int
    note: str | None
    headline: str | None
    status: str
    body: str
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """A channel when all is quiet: its top, its floor, the newest event of each key.

    `epochs` are the lives it had, where the store tells them to who looks inside.
    """

    channel: str
    top: str
    floor: int
    state: Mapping[str, Event]
    epochs: tuple[Epoch, ...] = ()


@dataclass(frozen=True, slots=True)
class Final:
    """The log at the end: each channel, and every version of every update."""

    standings: Mapping[str, Standing]
    versions: Mapping[tuple[str, str], Mapping[int, Version]]  # by channel and key
    disagreements: tuple[str, ...] = ()  # between workers


@dataclass(slots=True)
class History:
    """A whole run."""

    operations: list[Operation] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    _known: dict[Event, Event] = field(default_factory=dict)

    def event(self, members: Mapping[str, object]) -> Event:
        """The event that a frame, an answer or a poll tells; equal ones are one."""
        place = position(str(members["position"]))
        data = members["data"]
        told = Event(
            str(members["channel"]),
            place.epoch,
            place.seq,
            str(members["key"]),
            version_of(data),
            digest(data),
        )
        return self._known.setdefault(told, told)


def position(text: str) -> Position:
    """A position. Raises `ValueError` where the text is none."""
    place = parse(text)
    if place is None:
        raise ValueError(f"{text!r} is no position")
    return place


def version_of(data: object) -> int:
    """The version that data tells; 0 for a tombstone."""
    return int(str(data.get("version", 0))) if isinstance(data, dict) else 0


def digest(data: object) -> str:
    """A short name of the data: equal data, equal name."""
    if data is None:
        return GONE
    text = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    return blake2b(text, digest_size=8).hexdigest()
