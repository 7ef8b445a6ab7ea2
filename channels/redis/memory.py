"""What this worker has seen appended in the last minute, whatever its readers follow.

If the log loses its tail, this is what it is put back from.
"""

from collections import deque
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
        self._batches: deque[tuple[float, Batch]] = deque()
        self._size = 0

    def keep(self, batch: Batch) -> None:
        """Remember a batch, less what has been purged since; forget the old."""
        self._batches.append((self._clock(), batch))
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
        return [batch for _, batch in self._batches]

    def drop(self, batches: Iterable[Batch]) -> None:
        """Forget these: what became of them is settled."""
        settled = {id(each) for each in batches}
        kept = [each for each in self._batches if id(each[1]) not in settled]
        self._batches = deque(kept)
        self._size = sum(_size(batch) for _, batch in kept)

    def _purge(self, channel: str, gone: list[Position]) -> None:
        for index, (at, batch) in enumerate(self._batches):
            parts = tuple([part.without(channel, gone) for part in batch.parts])
            if parts != batch.parts:
                less = replace(batch, parts=parts)
                self._batches[index] = (at, less)
                self._size += _size(less) - _size(batch)

    def _forget(self) -> None:
        oldest = self._clock() - KEPT
        while self._batches:
            at, batch = self._batches[0]
            if at >= oldest and self._size <= _MOST:
                return
            self._batches.popleft()
            self._size -= _size(batch)


def _size(batch: Batch) -> int:
    return sum(len(body) for part in batch.parts for body in part.bodies)
