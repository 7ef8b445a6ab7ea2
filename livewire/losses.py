"""What the log could not keep: written down for the desk, which can write it again.

The law: a loss is told at the moment the log has just failed, so writing it down is
tried again until it is done, for minutes if need be; each loss has its own record.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from uuid import NAMESPACE_OID, uuid5

from channels.errors import ServiceError
from channels.events import Event, slug_of, timestamp
from channels.losses import Loss
from channels.records import Record, Records

_logger = logging.getLogger(__name__)

_KIND = "loss/"
_TRIES = 300
_PAUSE = 1.0
"""Seconds between two of them."""

_MOST = 200
"""Events named in one record; the log of the process names them all."""


class Losses:
    """The losses that nobody at the desk has dealt with yet."""

    def __init__(
        self,
        records: Records,
        *,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._records = records
        self._now = now
        self._new_id = new_id
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self, loss: Loss) -> None:
        """Write a loss down, soon; called on the event loop."""
        told = [_told(event) for event in loss.events if slug_of(event.channel)]
        for each in told:
            _logger.critical("Lost: %(key)s in %(story)s: %(headline)s", each)
        if not (told or loss.unknown):
            return  # the story's own channel has it: nothing to write again
        value = {
            "at": timestamp(self._now()),
            "unknown": loss.unknown,
            "events": told[:_MOST],
        }
        # Every worker that remembers them tells of the same events: one record.
        ids = "\n".join(sorted(event.id for event in loss.events))
        id_ = str(uuid5(NAMESPACE_OID, ids)) if ids else self._new_id()
        task = asyncio.create_task(self._keep(f"{_KIND}{id_}", value))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def open(self) -> tuple[Record, ...]:
        """The losses nobody has dealt with, oldest first."""
        return await self._records.scan(_KIND)

    async def settle(self, id_: str) -> None:
        """Somebody has dealt with a loss."""
        await self._records.delete(f"{_KIND}{id_}")

    async def close(self) -> None:
        """Let go of what could not be written down; it stands in the process's log."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep(self, name: str, value: dict[str, object]) -> None:
        for _ in range(_TRIES):
            try:
                await self._records.put(name, value, seen=0)
            except ServiceError:
                await asyncio.sleep(_PAUSE)
            else:
                return


def _told(event: Event) -> dict[str, object]:
    data = event.data or {}
    return {
        "story": slug_of(event.channel),
        "key": event.key,
        "version": event.version,
        "at": timestamp(event.at),
        "headline": data.get("headline"),
    }
