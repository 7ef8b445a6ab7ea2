"""Readers now, on all workers, and how many workers an event has reached.

The laws: a worker is counted for as long as its lease stands, so one that died leaves
the count by itself; what the others say is hearsay, told for at most as long as a lease
and never waited for by a reader; who asks how far an event got is always answered, with
what is known.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import cast

from channels.errors import ServiceError
from channels.hub import Hub
from channels.positions import Position, parse
from channels.signals import Signals, Value

_logger = logging.getLogger(__name__)

Clock = Callable[[], float]

_LEASE = 6.0
"""Seconds after which a worker that says nothing is not counted any more."""

_PATIENCE = 2.0
"""Seconds for which a worker tries to answer how far it got."""

_AT_ONCE = 100
"""Answers under way; who asks beyond that is not answered, and counts one fewer."""

_WORKERS = "worker/"
_ASKED = "applied?"


@dataclass(frozen=True, slots=True)
class Applied:
    """How many workers hold what was appended, of those that are there."""

    workers: int
    of: int


@dataclass(slots=True, eq=False)
class _Ask:
    """One asking: who is there to answer, and who has."""

    living: set[str]
    answered: set[str] = field(default_factory=set)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, worker: str) -> None:
        self.answered.add(worker)
        self.news.set()

    async def whole(self) -> None:
        """Return once everybody has answered."""
        while not self.answered >= self.living:
            self.news.clear()
            await self.news.wait()

    def applied(self) -> Applied:
        # Who answers without a lease has only just begun.
        return Applied(len(self.answered), len(self.living | self.answered))


class Audience:
    """The readers of a site as one of its workers knows them.

    `worker` is an id that no other worker of the site has; `clock` tells seconds. A
    worker speaks three times in the `lease` seconds for which it is believed.
    """

    def __init__(
        self,
        hub: Hub,
        signals: Signals,
        *,
        worker: str,
        clock: Clock,
        lease: float = _LEASE,
    ) -> None:
        self._hub = hub
        self._signals = signals
        self._worker = worker
        self._clock = clock
        self._seconds = lease
        self._others: frozenset[str] = frozenset()
        self._elsewhere: Counter[str] = Counter()
        self._heard = 0.0  # when the others were last heard of, by the clock
        self._asks: dict[str, _Ask] = {}
        self._ids = count(1)
        self._answering: set[asyncio.Task[None]] = set()

    def readers(self, channel: str) -> int:
        """How many follow the channel: here now, elsewhere as last told."""
        here = self._hub.readers(channel)
        return here + (self._elsewhere[channel] if self._is_fresh() else 0)

    async def applied(
        self, positions: Mapping[str, Position], within: float = _PATIENCE
    ) -> Applied:
        """How many workers are past these positions, `within` so many seconds.

        Returns as soon as all are; raises nothing for a log that is away.
        """
        id_, ask = str(next(self._ids)), _Ask(self._living())
        self._asks[id_] = ask
        try:
            async with asyncio.timeout(within):
                await asyncio.gather(
                    self._reach(ask, positions), self._send(id_, ask, positions)
                )
                await ask.whole()
        except TimeoutError:
            pass  # those who answered are told
        finally:
            del self._asks[id_]
        return ask.applied()

    async def run(self) -> None:
        """Tell and hear who reads where, and answer, until cancelled; then leave."""
        stops = [
            self._signals.listen(_ASKED, self._take_ask),
            self._signals.listen(_answers_to(self._worker), self._take_answer),
        ]
        try:
            while True:
                try:
                    await self.renew()
                except Exception:
                    # A worker that is not counted any more would never notice.
                    _logger.exception("The readers could not be told")
                await asyncio.sleep(self._seconds / 3)
        finally:
            for stop in stops:
                stop()
            for task in self._answering:
                task.cancel()
            await asyncio.gather(*self._answering, return_exceptions=True)
            await self.leave()

    async def renew(self) -> None:
        """Tell how many read here, hear how many do elsewhere."""
        value: Value = {"readers": self._hub.counts()}
        with suppress(ServiceError):  # their leases go on, and so does what they said
            await self._signals.lease(
                self._lease, self._worker, seconds=self._seconds, value=value
            )
            await self._look()

    async def leave(self) -> None:
        """Let this worker's readers leave the count at once."""
        with suppress(ServiceError):  # the lease ends by itself
            await self._signals.release(self._lease, self._worker)

    @property
    def _lease(self) -> str:
        return f"{_WORKERS}{self._worker}"

    def _is_fresh(self) -> bool:
        return self._clock() - self._heard < self._seconds

    def _living(self) -> set[str]:
        """The workers there are, this one among them, as last heard of."""
        return {self._worker, *(self._others if self._is_fresh() else ())}

    async def _look(self) -> None:
        leases = await self._signals.leases(_WORKERS)
        leases.pop(self._lease, None)
        self._others = frozenset(name.removeprefix(_WORKERS) for name in leases)
        self._elsewhere = Counter()
        for value in leases.values():
            self._elsewhere.update(cast("Mapping[str, int]", value["readers"]))
        self._heard = self._clock()

    async def _reach(self, ask: _Ask, positions: Mapping[str, Position]) -> None:
        with suppress(ServiceError):
            await self._hub.reach(positions)
            ask.hear(self._worker)

    async def _send(
        self, id_: str, ask: _Ask, positions: Mapping[str, Position]
    ) -> None:
        told = {channel: str(position) for channel, position in positions.items()}
        with suppress(ServiceError):
            await self._look()
            ask.living = self._living()
            value = {"ask": id_, "by": self._worker, "positions": told}
            await self._signals.send(_ASKED, value)

    def _take_ask(self, value: Value) -> None:
        if value["by"] == self._worker or len(self._answering) >= _AT_ONCE:
            return
        told = cast("Mapping[str, str]", value["positions"])
        positions = {channel: _position(text) for channel, text in told.items()}
        answer = {"ask": value["ask"], "worker": self._worker}
        topic = _answers_to(str(value["by"]))
        task = asyncio.create_task(self._answer(topic, answer, positions))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer(
        self, topic: str, answer: Value, positions: Mapping[str, Position]
    ) -> None:
        with suppress(ServiceError, TimeoutError):  # silence says it as well
            async with asyncio.timeout(_PATIENCE):
                await self._hub.reach(positions)
                await self._signals.send(topic, answer)

    def _take_answer(self, value: Value) -> None:
        ask = self._asks.get(str(value["ask"]))
        if ask is not None:
            ask.hear(str(value["worker"]))


def _answers_to(worker: str) -> str:
    return f"applied/{worker}"


def _position(text: str) -> Position:
    position = parse(text)
    if position is None:
        raise ValueError(f"{text!r} is no position")
    return position
