"""Events to test with, and a reader of event streams that shares no code with ours."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from channels.events import Data, Event, NewEvent
from channels.positions import Epoch, Extent

AT = datetime(2026, 11, 22, 20, 4, 5, 123_000, tzinfo=UTC)
ONE = "aaaaaaaa"
TWO = "bbbbbbbb"


def new_event(key: str, data: Data | None = None, version: int = 1) -> NewEvent:
    return NewEvent(key, version, "update", f"id-{key}-{version}", AT, data)


def event(
    seq: int,
    key: str = "story",
    data: Data | None = None,
    *,
    epoch: str = ONE,
    channel: str = "story/night",
) -> Event:
    return Event(channel, epoch, seq, key, seq, "update", f"id-{seq}", AT, data)


def extent(top: int, *, floor: int = 0, **later: int) -> Extent:
    """An extent whose first epoch begins at 1; the others are given by name."""
    epochs = {ONE: 1, **later} if top or later else {}
    lives = tuple([Epoch(name, first) for name, first in epochs.items()])
    return Extent(lives, top, floor)


@dataclass(frozen=True, slots=True)
class Message:
    """One event as a client dispatches it."""

    name: str
    data: str
    last_id: str


def messages(stream: bytes) -> Iterable[Message]:
    """Read a stream by the letter of WHATWG HTML, sections 9.2.5 and 9.2.6."""
    text = stream.decode("utf-8").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    name, data, last_id = "", "", ""
    for line in lines[:-1]:  # what follows the last line end is incomplete
        if line == "":
            if data:
                yield Message(name or "message", data.removesuffix("\n"), last_id)
            name, data = "", ""
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data += value + "\n"
        elif field == "id" and "\0" not in value:
            last_id = value
