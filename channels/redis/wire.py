"""How a batch stands in Redis, and how it travels from worker to worker.

An entry of a stream has one field, the event without its channel, epoch and number: the
stream's id is the number, and the channel's list of epochs tells the epoch. A batch
travels whole, as one message: a line that says where it stands in the life of the site
and of each of its channels, then a line for each event.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import orjson

from channels.events import EVENT_TYPES, Entry, Event, NewEvent, instant, timestamp
from channels.log import Delivery, History
from channels.positions import Epoch, Extent, Position


@dataclass(frozen=True, slots=True)
class Part:
    """What a batch did to one channel, and how far the channel reached after it."""

    channel: str
    extent: Extent
    bodies: tuple[bytes, ...]
    removed: tuple[int, ...] = ()

    @property
    def first(self) -> int:
        """The number of the first of its events."""
        return self.extent.top - len(self.bodies) + 1

    def delivery(self) -> Delivery:
        """What listeners of the channel are told."""
        numbered = enumerate(self.bodies, self.first)
        found = [entry(self.channel, self.extent, n, body) for n, body in numbered]
        return Delivery(self.channel, self.extent, tuple(found))

    def without(self, channel: str, gone: Iterable[Position]) -> "Part":
        """The part less the events that were purged from `channel`.

        What is left keeps its number only at the end, so that the rest is blanked.
        """
        if channel != self.channel:
            return self
        taken = set(gone)
        kept = [
            b"" if self.extent.position(number) in taken else body
            for number, body in enumerate(self.bodies, self.first)
        ]
        return replace(self, bodies=tuple(kept))


@dataclass(frozen=True, slots=True)
class Batch:
    """One append: where it stands in the life of the site, and its parts."""

    count: int  # of the site's epochs when it was appended
    position: Position  # in the life of the site: a batch is a number there
    life: str  # between two intended restores
    sender: str
    parts: tuple[Part, ...]

    def message(self) -> bytes:
        """The batch as it travels."""
        head = [
            [
                self.count,
                self.position.epoch,
                self.position.seq,
                self.life,
                self.sender,
            ],
            [
                [
                    part.channel,
                    tell_epochs(part.extent.epochs),
                    str(part.extent.top),
                    str(part.extent.floor),
                    len(part.bodies),
                    ",".join(map(str, part.removed)),
                ]
                for part in self.parts
            ],
        ]
        bodies = [body for part in self.parts for body in part.bodies]
        return b"\n".join([orjson.dumps(head), *bodies])


def batch(head: bytes, bodies: Sequence[bytes]) -> Batch:
    """A batch, from its first line and its events in order."""
    (count, epoch, number, life, sender), told = orjson.loads(head)
    parts, at = [], 0
    for channel, epochs, top, floor, many, removed in told:
        reached = extent(epochs, top, floor)
        numbers = tuple([int(each) for each in removed.split(",") if each])
        parts.append(Part(channel, reached, tuple(bodies[at : at + many]), numbers))
        at += many
    return Batch(count, Position(epoch, number), life, sender, tuple(parts))


def received(message: bytes) -> Batch:
    """A batch as it came."""
    head, *bodies = message.split(b"\n")
    return batch(head, bodies)


def body(event: NewEvent | Event, private: object) -> bytes:
    """An event as it is kept: JSON in one line."""
    return orjson.dumps(
        [
            event.key,
            event.version,
            event.type,
            event.id,
            timestamp(event.at),
            event.data,
            private,
        ]
    )


def entry(channel: str, extent: Extent, seq: int, body: bytes) -> Entry:
    """The reverse of `body`, numbered."""
    key, version, type_, id_, at, data, private = orjson.loads(body)
    epoch = extent.epoch_of(seq)
    kind, when = EVENT_TYPES[type_], instant(at)
    return Entry(
        Event(channel, epoch, seq, key, version, kind, id_, when, data), private
    )


def history(
    channel: str,
    epochs: bytes,
    top: bytes,
    floor: bytes,
    found: Iterable[tuple[bytes, tuple[bytes, bytes]]],
) -> History:
    """A channel, from what read.lua answers."""
    reached = extent(epochs, top, floor)
    entries = [
        entry(channel, reached, int(id_.split(b"-")[0]), fields[1])
        for id_, fields in found
    ]
    return History(reached, tuple(entries))


def new_event(body: bytes) -> NewEvent:
    """The event, ready to be given another number."""
    key, version, type_, id_, at, data, private = orjson.loads(body)
    return NewEvent(key, version, EVENT_TYPES[type_], id_, instant(at), data, private)


def extent(epochs: str | bytes, top: str | bytes, floor: str | bytes) -> Extent:
    """How far a channel reaches, as its meta tells: `name@first,` for each epoch."""
    text = epochs if isinstance(epochs, str) else epochs.decode()
    lives = [each.split("@") for each in text.split(",") if each]
    return Extent(
        tuple([Epoch(name, int(first)) for name, first in lives]), int(top), int(floor)
    )


def tell_epochs(epochs: Iterable[Epoch]) -> str:
    """The reverse of what `extent` reads."""
    return "".join([f"{epoch.name}@{epoch.first}," for epoch in epochs])
