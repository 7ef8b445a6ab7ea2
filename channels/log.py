"""The first contract: what is ordered. Append, read, listen.

Whoever keeps this contract passes `tests/contracts/log_contract.py` unchanged.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from channels.events import Append, Entry
from channels.positions import Extent, Position


@dataclass(frozen=True, slots=True)
class History:
    """A channel's entries after some number, oldest first, and its extent."""

    extent: Extent
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a listener hears of one append: the new entries, the extent after it."""

    channel: str
    extent: Extent
    entries: tuple[Entry, ...]


class Stored(dict[str, Position]):
    """The new top of each channel of an append, and what the append survives.

    `durability` is `fsync` (synced to disk before the answer), `fsync+1` (and taken by
    a replica), `write` (handed to the system, synced within a second) or `memory`.
    """

    def __init__(self, tops: Mapping[str, Position], durability: str) -> None:
        super().__init__(tops)
        self.durability = durability


Deliver = Callable[[Delivery], None]
Stop = Callable[[], None]


class Log(Protocol):
    """Named, totally ordered channels of events."""

    @property
    def durability(self) -> str:
        """What an append survives as the log stands now; see `Stored`."""

    async def append(self, batch: Sequence[Append]) -> Stored:
        """Store all of the batch or none of it; the new top of each channel.

        A batch names each channel once.

        Returns after the events are stored and every listener of this process has
        heard of them. Raises `Conflict` (nothing stored), `StorageFull` (nothing
        stored), `LogUnavailable` (the outcome is unknown).
        """

    async def read(self, channel: str, after: int = 0) -> History:
        """The entries with `seq > after`. An unwritten channel has an empty extent."""

    async def listen(self, channel: str, deliver: Deliver) -> Stop:
        """Call `deliver` in order, on the event loop, for every append from now on."""

    def proven(self) -> float:
        """The loop's time at which the log was last known to answer."""
