"""A channel in memory: the newest event of each key, in `seq` order, encoded once.

The law: every event carries the whole state of its key, so "what changed after p" is
the newest event of each key with `seq > p`. That one answer serves first load,
reconnect, slow readers, polling and pages.
"""

from collections.abc import Iterable, Iterator, Sequence

from channels.encoding import Encoded
from channels.events import Event
from channels.positions import Extent, Position, Reason, judge


class View:
    """One channel's state; changed only by `apply`, in the order of the log."""

    __slots__ = ("_newest", "channel", "extent")

    def __init__(
        self, channel: str, extent: Extent, events: Iterable[Event] = ()
    ) -> None:
        self.channel = channel
        self.extent = extent
        self._newest: dict[str, Encoded] = {}
        self._place(events)

    def apply(self, events: Sequence[Event], extent: Extent) -> list[Encoded]:
        """Take what one append brought; the newest of each key, to be delivered.

        What the same append pushed below the floor is not among them.

        The caller has made sure that nothing lies between the old top and `events`.
        """
        self.extent = extent
        return self._place(events)

    def _place(self, events: Iterable[Event]) -> list[Encoded]:
        newest: dict[str, Encoded] = {}
        for event in events:
            newest.pop(event.key, None)
            newest[event.key] = Encoded(event)
        for key, encoded in newest.items():
            # Deleting first moves the key to the end: the dict stays in seq order.
            self._newest.pop(key, None)
            self._newest[key] = encoded
        self._forget()
        floor = self.extent.floor
        return [each for each in newest.values() if each.event.seq > floor]

    def _forget(self) -> None:
        floor = self.extent.floor
        while self._newest:
            key = next(iter(self._newest))
            if self._newest[key].event.seq > floor:
                return
            del self._newest[key]

    def after(self, seq: int) -> list[Encoded]:
        """The newest event of each key with a number above `seq`, in order."""
        found: list[Encoded] = []
        for encoded in reversed(self._newest.values()):
            if encoded.event.seq <= seq:
                break
            found.append(encoded)
        found.reverse()
        return found

    def judge(self, position: Position) -> Reason | None:
        """Whether reading may go on after `position`; see `positions.judge`."""
        return judge(position, self.extent)

    def get(self, key: str) -> Event | None:
        """The newest event of a key; a tombstone is an event too."""
        encoded = self._newest.get(key)
        return encoded.event if encoded else None

    def __iter__(self) -> Iterator[Event]:
        """The newest event of each key, in the order of the log."""
        return (encoded.event for encoded in self._newest.values())

    def __len__(self) -> int:
        return len(self._newest)
