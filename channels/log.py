"""The first contract: what is ordered. Append, read, listen; no code.

Whoever keeps this contract passes `tests/contracts/log_contract.py` unchanged.
"""

from collections.abc import Callable, Sequence
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


Deliver = Callable[[Delivery], None]
Stop = Callable[[], None]


class Log(Protocol):
    """Named, totally ordered channels of events."""

    durability: str  # what an acknowledged append survives: `fsync`, `fsync+1`

    async def append(self, batch: Sequence[Append]) -> dict[str, Position]:
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
