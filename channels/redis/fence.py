"""How the site stands, and what it says of the batches a worker remembers.

The law: a batch is a number in the life of the site as an event is in that of its
channel, and is judged by the same rule. The guard names a process of Redis and its
history; where it is not the one last healed, the log may have lost its tail.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from channels.positions import Extent, judge
from channels.redis.wire import Batch, extent


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at the site tells."""

    guard: str  # of the server that answered: its run_id and master_replid
    healed: str  # the guard last healed; empty where there is none
    extent: Extent  # of the site: its epochs, and the number of the newest batch
    life: str  # between two intended restores
    count: int  # of the site's epochs
    uptime: int  # seconds
    tops: tuple[Extent, ...]  # of the channels that were asked about

    @property
    def is_healed(self) -> bool:
        """Whether the log is whole, as far as anybody living knows."""
        return self.guard == self.healed

    def has(self, batch: Batch) -> bool:
        """Whether the log that answered holds the batch, under its own number."""
        return judge(batch.position, self.extent) is None


def look(answer: Sequence[bytes | Sequence[bytes]]) -> Look:
    """A look, from what look.lua answers."""
    words = [each for each in answer if isinstance(each, bytes)]
    guard, healed, epochs, batches, life, count, uptime = words
    tops = [extent(*each) for each in answer if not isinstance(each, bytes)]
    return Look(
        guard.decode(),
        healed.decode(),
        extent(epochs, batches, b"0"),
        life.decode(),
        int(count),
        int(uptime),
        tuple(tops),
    )


def in_order(batches: Iterable[Batch]) -> list[Batch]:
    """Each batch once, in the order they were appended in.

    The count of epochs orders the lives of the log, a number the batches of one life.
    """
    found = {each.position: each for each in batches}
    return sorted(found.values(), key=lambda each: (each.count, each.position.seq))


def restorable(batches: Iterable[Batch], extent: Extent, life: str) -> list[Batch]:
    """Those of the missing that may be put back.

    Not what an earlier healing has judged, whose epoch the log holds: what was written
    since may supersede it, and a withdrawn text would be the newest again.
    """
    past = {each.name for each in extent.epochs[:-1]}
    found = missing(batches, extent, life)
    return [each for each in found if each.position.epoch not in past]


def missing(batches: Iterable[Batch], extent: Extent, life: str) -> list[Batch]:
    """Those that a log of this extent should hold, and does not.

    What was appended before an intended restore is not missing.
    """
    return [
        each
        for each in batches
        if each.life == life and judge(each.position, extent) is not None
    ]
