"""What this worker has seen appended in the last minute, whatever its readers follow.

If the log loses its tail, this is what it is put back from.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace

from channels.positions import Position
from channels.redis.wire import Batch

KEPT = 60.0
"""Seconds. A log that lost more than its last minute was not lost by a crash."""

_MOST = 64 * 1024 * 1024
"""Bytes of events; beyond it the oldest go early."""

Clock = Callable[[], float]


class Memory:
    """The batches of the last minute, oldest first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Its writer remembers a batch whose word is late, and again when it comes.
        self._batches: OrderedDict[Position, tuple[float, Batch]] = OrderedDict()
        self._size = 0

    def keep(self, batch: Batch) -> None:
        """Remember a batch, less what has been purged since; forget the old."""
        if batch.position not in self._batches:
            self._batches[batch.position] = self._clock(), batch
            self._size += _size(batch)
        for part in batch.parts:
            if part.removed:
                gone = [part.extent.position(number) for number in part.removed]
                self._purge(part.channel, gone)
        self._forget()

    def recent(self) -> list[Batch]:
        """What is remembered."""
        # A worker that slept wakes with memories of another life.
        self._forget()
        return [batch for _, batch in self._batches.values()]

    def drop(self, batches: Iterable[Batch]) -> None:
        """Forget these: what became of them is settled."""
        for each in batches:
            # What was purged of it meanwhile is gone with it.
            _, kept = self._batches.pop(each.position, (0.0, None))
            self._size -= _size(kept) if kept else 0

    def _purge(self, channel: str, gone: list[Position]) -> None:
        for position, (at, batch) in self._batches.items():
            parts = tuple([part.without(channel, gone) for part in batch.parts])
            if parts != batch.parts:
                less = replace(batch, parts=parts)
                self._batches[position] = at, less
                self._size += _size(less) - _size(batch)

    def _forget(self) -> None:
        oldest = self._clock() - KEPT
        while self._batches:
            position, (at, batch) = next(iter(self._batches.items()))
            if at >= oldest and self._size <= _MOST:
                return
            del self._batches[position]
            self._size -= _size(batch)


def _size(batch: Batch) -> int:
    return sum(len(body) for part in batch.parts for body in part.bodies)
