"""The log of one channel as all who were there know it together.

Its epochs are those the store tells, or else those the final log still has events of,
in the order of their numbers. An event is *dead* if its number was given again in a
later epoch, or if its epoch is none of the log's: its life lost it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from operator import attrgetter

from channels.positions import Position
from tests.chaos.history import Event, Standing, position

_SEQ = attrgetter("seq")


class Lineage:
    """What a channel of the final log grew from. `known` are events of any life."""

    def __init__(self, standing: Standing, known: Iterable[Event]) -> None:
        self.standing = standing
        self.top = position(standing.top)
        events = sorted({*known, *standing.state.values()}, key=_SEQ)
        self._first = {each.name: each.first for each in standing.epochs}
        self._is_told = bool(self._first)
        if not self._is_told:
            self._first = _first_known(standing, self.top, events)
        self._end = dict(
            zip(self._first, [*list(self._first.values())[1:], None], strict=True)
        )
        self._by_key: dict[str, list[Event]] = {}
        for event in events:
            if self.holds(Position(event.epoch, event.seq)):
                self._by_key.setdefault(event.key, []).append(event)

    def holds(self, place: Position) -> bool:
        """Whether a reader at the position has read this log and no other."""
        if place.epoch not in self._first:
            return False
        end = self._end[place.epoch]
        return end is None or place.seq < end

    def proves(self, place: Position) -> bool:
        """Whether the store tells that the position is one of this log."""
        return self._is_told and self.holds(place) and place.seq <= self.top.seq

    def is_dead(self, event: Event) -> bool:
        """Whether the event's number was given again after it."""
        if self._is_told and event.epoch not in self._end:
            return True
        end = self._end.get(event.epoch)
        return end is not None and event.seq >= end

    def due(self, base: int, seq: int, *, exact: bool) -> Iterator[Event]:
        """What a reader at `seq` has to hold of the events above `base`.

        `exact`: the newest event of every key at that moment. Else only what nothing
        later superseded: the rest may have been left out on the way to the top, and
        what superseded it comes after.
        """
        lowest = max(base, self.standing.floor)
        for events in self._by_key.values():
            newest = events[-1]
            if exact and newest.seq > seq:
                newest = events[bisect_right(events, seq, key=_SEQ) - 1]
            if lowest < newest.seq <= seq:
                yield newest


def _first_known(
    standing: Standing, top: Position, events: Iterable[Event]
) -> dict[str, int]:
    """The first number of each epoch of which anybody was told, in their order."""
    lives = {event.epoch for event in standing.state.values()} | {top.epoch}
    first: dict[str, int] = {}
    for event in events:
        if event.epoch in lives:
            first.setdefault(event.epoch, event.seq)
    return first
