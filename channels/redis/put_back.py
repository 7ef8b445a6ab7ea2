"""Putting back what a Redis that failed has lost, from what the workers remember.

The laws: one worker does it, under a lease, while every append is refused; whole
batches go back in their old order, in one append, under their own ids and versions; an
id that is there is skipped and a purge is carried out again; what nobody can restore is
said aloud.
"""

import logging
from collections.abc import Collection, Iterable
from contextlib import suppress

from channels.errors import LogUnavailable
from channels.events import Append, Entry, NewEvent, slug_of
from channels.log import History
from channels.losses import Loss, Lost
from channels.positions import Position, judge
from channels.redis.appending import Author
from channels.redis.fence import Look, in_order
from channels.redis.gathering import Gathering
from channels.redis.link import Link
from channels.redis.log import RedisLog
from channels.redis.memory import Memory
from channels.redis.renewal import renew
from channels.redis.signals import RedisSignals
from channels.redis.wire import Batch, Part, batch, entry, new_event

_logger = logging.getLogger(__name__)

_LEASE = "healing"
_SECONDS = 6.0
"""Of the lease: longer than a gathering, short enough to replace a dead healer."""


class Healer:
    """One worker's part in it. `lost` is told what could not be restored."""

    def __init__(
        self,
        link: Link,
        author: Author,
        log: RedisLog,
        memory: Memory,
        signals: RedisSignals,
        gathering: Gathering,
        *,
        lost: Lost,
    ) -> None:
        self._link = link
        self._author = author
        self._log = log
        self._memory = memory
        self._signals = signals
        self._gathering = gathering
        self._lost = lost

    async def heal(self, look: Look) -> bool:
        """Put back what the log that `look` saw has lost; False where another does.

        Raises `LogUnavailable` where Redis fails again.
        """
        if not await self._lease():
            return False
        try:
            await renew(self._link, look, prolong=self._lease)
            return await self._put_back(look)
        finally:
            # It ends by itself where Redis fails again. An error from here would hide
            # what ended the attempt: a cancelled worker would never let go.
            with suppress(LogUnavailable):
                await self._signals.release(_LEASE, self._author.worker)

    async def settle(self, look: Look, remembered: Iterable[Batch]) -> None:
        """Once healed, by whomever: tell what was not put back, and forget it.

        `remembered` is what was remembered before `look`.
        """
        gone = [each for each in remembered if not look.has(each)]
        lost: list[Entry] = []
        for channel, parts in _by_channel(e for e in gone if e.life == look.life):
            if slug_of(channel) is None:
                continue  # derived from a story, which is judged by itself
            there = _ids((await self._log.read_at_once(channel)).entries)
            found = [_entry(part, n, body) for part in parts for n, body in _kept(part)]
            lost += [each for each in found if each.event.id not in there]
        self._memory.drop(gone)
        if lost:
            _logger.critical("%d acknowledged events are lost.", len(lost))
            self._lost(Loss(tuple([each.event for each in lost])))

    async def _lease(self) -> bool:
        worker = self._author.worker
        return await self._signals.lease(_LEASE, worker, seconds=_SECONDS, value={})

    async def _put_back(self, look: Look) -> bool:
        found = in_order(await self._gathering.gather(look))
        appends = await self._appends(found)
        count = max([0, *(each.count for each in found)])
        command = self._author.command(appends, healing=look.guard, count=count)
        answer, _ = await self._link.append(command.keys, command.words)
        if answer[0] != b"stored":
            return False  # somebody else was first, or it failed again
        # Its word may not come while the lines are made anew, and the next failure may
        # be near.
        self._memory.keep(batch(answer[1], command.bodies))
        restored = sum(len(append.events) for append in appends)
        if restored:
            _logger.warning("The log had lost %d events; they are back.", restored)
        unknown = self._unknown(look, found)
        if unknown:
            _logger.critical("%d publishes are lost; nobody remembers them.", unknown)
            self._lost(Loss((), unknown))
        return True

    def _unknown(self, look: Look, found: Collection[Batch]) -> int:
        """How many batches were numbered, at least, that nobody remembers."""
        known = {each.position.seq for each in found}
        heard = self._log.heard
        # Heard of longer ago than a minute, perhaps; not before an intended restore.
        if self._log.life == look.life and judge(heard, look.extent) is not None:
            newest = max(heard.seq, *known, 0)
        else:
            newest = max(known, default=0)
        return len(set(range(look.extent.top + 1, newest + 1)) - known)

    async def _appends(self, batches: list[Batch]) -> list[Append]:
        appends = []
        for channel, parts in _by_channel(batches):
            purged = [p.extent.position(n) for p in parts for n in p.removed]
            there = await self._log.read_unhealed(channel)
            events = _lacking(parts, there, purged)
            still = {p.seq for p in purged if judge(p, there.extent) is None}
            if events or still:
                append = Append(channel, events, remove=tuple(sorted(still)))
                appends.append(append)
        return appends


def _lacking(
    parts: Iterable[Part], there: History, purged: Collection[Position]
) -> tuple[NewEvent, ...]:
    ids = _ids(there.entries)
    events = []
    for part in parts:
        for number, body in _kept(part):
            event = new_event(body)
            if event.id not in ids and part.extent.position(number) not in purged:
                ids.add(event.id)
                events.append(event)
    return tuple(events)


def _ids(entries: Iterable[Entry]) -> set[str]:
    """The ids of events that are there, or were until a purge."""
    ids = set()
    for each in entries:
        ids.add(each.event.id)
        removed = each.private.get("removed")
        if isinstance(removed, list):
            ids |= {str(one["id"]) for one in removed}
    return ids


def _kept(part: Part) -> list[tuple[int, bytes]]:
    """The events of a part by their numbers, less those purged from memory."""
    return [(n, body) for n, body in enumerate(part.bodies, part.first) if body]


def _entry(part: Part, number: int, body: bytes) -> Entry:
    return entry(part.channel, part.extent, number, body)


def _by_channel(batches: Iterable[Batch]) -> Iterable[tuple[str, list[Part]]]:
    found: dict[str, list[Part]] = {}
    for each in batches:
        for part in each.parts:
            found.setdefault(part.channel, []).append(part)
    return found.items()
