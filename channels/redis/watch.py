"""The worker's eye on Redis: whether it answers, is whole, and said all there was.

The laws: whatever pub/sub dropped is found within seconds, though nobody publishes
again; whoever may have lost its tail is healed before it is believed.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence

from channels.errors import LivewireError
from channels.redis.fence import Look, look
from channels.redis.keys import Keys
from channels.redis.link import Link
from channels.redis.log import RedisLog
from channels.redis.memory import Memory
from channels.redis.put_back import Healer
from channels.redis.scripts import LOOK
from channels.redis.waiting import wait

_logger = logging.getLogger(__name__)

_EVERY = 2.0
"""Seconds between two looks. Redis drops the words for a subscriber that lags (see
`client-output-buffer-limit`) and tells nobody, so a silent line proves nothing."""

_AT_LEAST = 0.02
"""Seconds between two looks, however often something seems wrong."""

_INSPECTED = 15
"""Rounds, half a minute: somebody may change how Redis syncs while it runs."""

_HURRY = 0.5
"""Seconds; about which looks are spread while something is wrong."""

_IN_FLIGHT = 0.1
"""Seconds in which a word that is on its way arrives."""

_AT_ONCE = 500
"""Channels compared in one round trip."""


class Watch:
    """Looks at the site now and then, and at once where something seems wrong."""

    def __init__(
        self, link: Link, keys: Keys, log: RedisLog, memory: Memory, healer: Healer
    ) -> None:
        self._link = link
        self._keys = keys
        self._log = log
        self._memory = memory
        self._healer = healer
        self._inspect: Callable[[], Awaitable[None]] = _nothing
        self._rounds = 0
        self._life = ("", "")  # guard and epoch in which the log was last found whole
        self.looked = asyncio.Event()

    async def run(self, inspect: Callable[[], Awaitable[None]]) -> None:
        """Watch until cancelled. `inspect` is called for each server that is new."""
        self._inspect = inspect
        while True:
            self._link.doubt.clear()
            try:
                well = await self._round()
            except LivewireError as error:
                _logger.info("A look at Redis failed: %s", error)
                well = False
            except Exception:
                # The watch must not end while the worker lives.
                _logger.exception("A look at Redis failed")
                well = False
            if well:
                await wait(self._link.doubt, _EVERY)
                await asyncio.sleep(_AT_LEAST)
            else:
                await asyncio.sleep(random.uniform(0.1, _HURRY))  # noqa: S311 - no secret

    async def _round(self) -> bool:
        """One look and what follows from it; False where the next one hurries."""
        remembered = self._memory.recent()
        seen = await self._look()
        if not seen.is_healed:
            if not await self._healer.heal(seen):
                return False
            seen = await self._look()
            if not seen.is_healed:
                return False
        # Not the guard alone: it stays where everything was erased (FLUSHALL).
        life = seen.guard, seen.extent.end.epoch
        self._rounds += 1
        if life != self._life or self._rounds % _INSPECTED == 0:
            await self._inspect()
        if life != self._life:
            await self._healer.settle(seen, remembered)
            self._life = life
            self._log.missed = True
        if not await self._has_heard(seen):
            await self._compare()
        self._log.healed.set()
        self.looked.set()
        return True

    async def _look(self, channels: Sequence[str] = ()) -> Look:
        metas = [self._keys.meta(channel) for channel in channels]
        return look(await self._link.probe(LOOK, (self._keys.site, *metas)))

    async def _has_heard(self, seen: Look) -> bool:
        """Whether every batch up to the newest was heard of."""
        if not self._log.missed and not self._log.has_heard(seen.extent.end):
            await asyncio.sleep(_IN_FLIGHT)
        return not self._log.missed and self._log.has_heard(seen.extent.end)

    async def _compare(self) -> None:
        """Tell who listens how far its channel reaches."""
        self._log.missed = False
        try:
            await self._tell_tops()
        except BaseException:
            self._log.missed = True
            raise

    async def _tell_tops(self) -> None:
        channels = self._log.channels
        seen = await self._look()
        for start in range(0, len(channels), _AT_ONCE):
            some = channels[start : start + _AT_ONCE]
            for channel, reached in zip(
                some, (await self._look(some)).tops, strict=True
            ):
                self._log.tell_top(channel, reached)
        if not self._log.missed:
            self._log.catch_up(seen.extent.end)


async def _nothing() -> None:
    """Nobody wants to know."""
