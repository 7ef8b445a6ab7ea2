"""The three contracts on one Redis, put together, opened and closed."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from channels.findings import Finding
from channels.losses import Lost
from channels.redis.address import address
from channels.redis.appending import Author, Token
from channels.redis.gathering import Gathering
from channels.redis.inspection import Inspection
from channels.redis.keys import Keys
from channels.redis.link import Link
from channels.redis.listener import Listener
from channels.redis.log import RedisLog
from channels.redis.memory import Memory
from channels.redis.primary import Primary
from channels.redis.put_back import Healer
from channels.redis.records import RedisRecords
from channels.redis.signals import RedisSignals
from channels.redis.watch import Watch

_AGAIN = 2.0
"""Seconds after which a task that goes on is cancelled again: to cancel one that is
letting go of its connections would leave them open."""

_OPENING = 5.0
"""Seconds to wait for the first look; a worker starts without it then."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a worker deals with Redis. Times in seconds."""

    url: str
    prefix: str = "livewire"
    timeout: float = 2.0  # of an answer
    replicas: int = 0  # that have an append before it is acknowledged
    milliseconds: int = 250  # to wait for them
    gather: float = 3.0  # to wait for what others remember


class RedisStore:
    """Log, records and signals of one worker. `bound` as for `SqliteLog`.

    `lost` is told what could not be put back after a failure. Raises `BadAddress`
    where the URL names no Redis.
    """

    def __init__(
        self, terms: Terms, *, worker: str, token: Token, bound: int, lost: Lost
    ) -> None:
        keys = Keys(terms.prefix)
        timeout = terms.timeout
        if terms.replicas:
            # WAIT answers late by as much, and a timeout would say "unknown".
            timeout += terms.milliseconds / 1000
        primary = Primary(address(terms.url), tag=terms.prefix, timeout=timeout)
        self._link = link = Link(
            primary,
            timeout=timeout,
            replicas=terms.replicas,
            milliseconds=terms.milliseconds,
        )
        self._listener = Listener(link, primary)
        memory = Memory(lambda: asyncio.get_running_loop().time())
        author = Author(keys, worker, token, bound, primary.sharded)
        self.log = RedisLog(link, author, memory, self._listener)
        self.records = RedisRecords(link, keys)
        self.signals = RedisSignals(link, keys)
        self._gathering = Gathering(
            link, keys, memory, self.signals, worker=worker, longest=terms.gather
        )
        healer = Healer(
            link,
            author,
            self.log,
            memory,
            self.signals,
            self._gathering,
            lost=lost,
        )
        self._watch = Watch(link, keys, self.log, memory, healer)
        self._inspection = Inspection(link, terms.replicas)
        self._hears = {
            keys.batches: self.log.hear,
            keys.signals: self.signals.hear,
        }
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Begin to listen and to watch, once; returns though Redis may be away."""
        if self._tasks:
            return
        self._gathering.listen()
        listening = self._listener.run(self._hears, self.log.miss)
        self._tasks = [
            asyncio.create_task(listening),
            asyncio.create_task(self._watch.run(self._inspect)),
        ]
        try:
            async with asyncio.timeout(_OPENING):
                await self._listener.subscribed.wait()
                await self._watch.looked.wait()
        except TimeoutError:
            pass

    async def close(self) -> None:
        """Stop listening and give every connection back."""
        await _end(self._tasks)
        self._tasks = []
        await self._gathering.close()
        await self.log.close()
        await self._link.close()

    async def inspect(self) -> list[Finding]:
        """What this Redis is fit for. Raises `LogUnavailable`."""
        return await self._inspection.findings()

    async def _inspect(self) -> None:
        """What an append survives on the server that is the primary now."""
        self.log.durability = await self._inspection.durability()


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    # Once is not enough: redis-py waits for its writes with `wait_for`, which before
    # Python 3.12 can swallow a cancellation (python/cpython#86296).
    while going := [task for task in tasks if not task.done()]:
        for task in going:
            task.cancel()
        await asyncio.wait(going, timeout=_AGAIN)
