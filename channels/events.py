"""What a log holds: events, in named channels, each the newest state of its key.

An event is immutable. What readers may see of it is the `Event`; who did it and why
is `private` and lives one level up, in the `Entry` the log keeps, so that an encoder,
which takes an `Event`, has nothing to leak.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, get_args

EventType = Literal["update", "story", "card", "item", "entry"]
EVENT_TYPES: Mapping[str, EventType] = {name: name for name in get_args(EventType)}
"""Every type by its name: what was read from outside becomes one of ours, or fails."""

Data = Mapping[str, object]

SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
NEWSROOM = "newsroom"
ALWAYS = ("breaking", "latest", "stories", NEWSROOM)
"""Channels that exist before anything is written to them, beside the sections."""

_CHANNEL = re.compile(
    rf"(?:{'|'.join(ALWAYS)}|(?:story|section|{NEWSROOM})/{SLUG.pattern})"
)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event on its way to the log, which will give it a number."""

    key: str  # `story`, `update/<id>`, `card/<id>`, on derived channels `story/<slug>`
    version: int  # 1, 2, 3 ... per key; on derived channels the thing's own
    type: EventType
    id: str  # a UUID, the same however often the request is repeated
    at: datetime  # aware, UTC
    data: Data | None  # the whole new state of the key; None: the key is gone
    private: Data = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """One numbered event, as readers may see it."""

    channel: str
    epoch: str  # names the life of the log in which `seq` was given
    seq: int  # 1, 2, 3 ... per channel
    key: str
    version: int
    type: EventType
    id: str
    at: datetime
    data: Data | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One event as the log keeps it, with what only editors may know."""

    event: Event
    private: Data


@dataclass(frozen=True, slots=True)
class Append:
    """What one batch does to one channel.

    `expected_seq` is the top the writer has read, and `expected_epoch` the epoch that
    number was given in: a log that lost its tail may have given it to another event.
    `remove` are numbers of older entries (purged versions) which vanish in the same
    step.
    """

    channel: str
    events: tuple[NewEvent, ...]
    expected_seq: int | None = None
    remove: tuple[int, ...] = ()
    expected_epoch: str | None = None


def number(append: Append, epoch: str, top: int) -> tuple[Entry, ...]:
    """The entries an append becomes on a channel whose newest number is `top`."""
    return tuple(
        [
            Entry(
                Event(
                    append.channel,
                    epoch,
                    seq,
                    new.key,
                    new.version,
                    new.type,
                    new.id,
                    new.at,
                    new.data,
                ),
                new.private,
            )
            for seq, new in enumerate(append.events, top + 1)
        ]
    )


def is_channel(name: str) -> bool:
    """Whether `name` keeps the grammar of channel names."""
    return _CHANNEL.fullmatch(name) is not None


def is_bounded(channel: str) -> bool:
    """Whether the channel keeps only its newest numbers and has a `floor`."""
    return channel in ("breaking", "latest") or channel.startswith("section/")


def is_for_editors(channel: str) -> bool:
    """Whether the channel is followed with a token only."""
    return channel == NEWSROOM or channel.startswith(f"{NEWSROOM}/")


def slug_of(channel: str) -> str | None:
    """The slug of a story's channel, None for any other channel."""
    kind, _, slug = channel.partition("/")
    return slug if kind == "story" else None


def timestamp(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: `2026-11-22T20:04:05.123Z`."""
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def instant(text: str) -> datetime:
    """The reverse of `timestamp`. Raises ValueError."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time needs its zone")
    return at.astimezone(UTC)
