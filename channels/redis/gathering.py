"""Asking the living workers what they remember of a log that lost its tail.

The law: nobody is waited for longer than a few seconds, and nobody who is known to be
alive is passed over before that.
"""

import asyncio
from collections.abc import Iterable
from uuid import uuid4

from channels.errors import LogUnavailable
from channels.positions import Extent
from channels.redis.fence import Look, restorable
from channels.redis.keys import Keys
from channels.redis.link import Link
from channels.redis.memory import KEPT, Memory
from channels.redis.signals import WORKERS, RedisSignals
from channels.redis.waiting import wait
from channels.redis.wire import Batch, extent, received, tell_epochs
from channels.signals import Value

_AGAIN = 0.25
"""Seconds between two askings: a worker on its way back has not heard the first."""

_MOST = 500_000
"""Characters of events in one answer."""


class Gathering:
    """One worker's asking and answering. `longest` is in seconds."""

    def __init__(
        self,
        link: Link,
        keys: Keys,
        memory: Memory,
        signals: RedisSignals,
        *,
        worker: str,
        longest: float,
    ) -> None:
        self._link = link
        self._keys = keys
        self._memory = memory
        self._signals = signals
        self._me = worker
        self._longest = longest
        self._ask = ""
        self._found: list[Batch] = []
        self._answered: set[str] = set()
        self._parts: dict[str, set[object]] = {}
        self._news = asyncio.Event()
        self._answers: set[asyncio.Task[None]] = set()
        self._asked: set[str] = set()  # whose answer is under way
        self._began = 0.0

    def listen(self) -> None:
        """Answer whoever heals, and take what others answer."""
        self._began = asyncio.get_running_loop().time()
        self._signals.listen("missing?", self._hear_ask)
        self._signals.listen(f"missing/{self._me}", self._hear_answer)

    async def gather(self, look: Look) -> list[Batch]:
        """What all of us remember and the log that `look` saw does not hold."""
        end = asyncio.get_running_loop().time() + self._longest
        self._ask, self._found = uuid4().hex, []
        self._answered, self._parts = set(), {}
        try:
            while len(self._answered) < await self._expected(look):
                left = end - asyncio.get_running_loop().time()
                if left <= 0:
                    break
                self._news.clear()
                await self._signals.send("missing?", self._question(look))
                await wait(self._news, min(_AGAIN, left))
        finally:
            self._ask = ""
        own = restorable(self._memory.recent(), look.extent, look.life)
        return [*own, *self._found]

    async def close(self) -> None:
        """Let go of answers under way."""
        for task in self._answers:
            task.cancel()
        await asyncio.gather(*self._answers, return_exceptions=True)

    def _question(self, look: Look) -> Value:
        return {
            "ask": self._ask,
            "by": self._me,
            "epochs": tell_epochs(look.extent.epochs),
            "batches": look.extent.top,
            "life": look.life,
            "answered": sorted(self._answered),
        }

    async def _expected(self, look: Look) -> int:
        """How many others are alive, as far as anybody can tell."""
        await self._signals.leases(WORKERS)
        known = self._signals.known() - {self._me}
        if look.healed:
            # Who has just begun cannot know who lived before.
            return len(known) + (asyncio.get_running_loop().time() - self._began < KEPT)
        if look.uptime < self._longest:
            # It has just begun, with nothing: others may still be on their way to it.
            return len(known) + 1
        counting = "SHARDNUMSUB" if self._link.sharded else "NUMSUB"
        counted = await self._link.command("PUBSUB", counting, self._keys.signals)
        return max(len(known), int(counted[1]) - 1)

    def _hear_ask(self, value: Value) -> None:
        by, answered = str(value["by"]), value["answered"]
        ask = str(value["ask"])
        if by == self._me or (isinstance(answered, list) and self._me in answered):
            return
        if ask in self._asked:
            return  # the answer is on its way
        stands = _extent(value)
        found = restorable(self._memory.recent(), stands, str(value["life"]))
        self._asked.add(ask)
        task = asyncio.create_task(self._answer(by, ask, found))
        self._answers.add(task)
        task.add_done_callback(self._answers.discard)
        task.add_done_callback(lambda _: self._asked.discard(ask))

    async def _answer(self, by: str, ask: str, found: list[Batch]) -> None:
        chunks = _chunks(batch.message().decode() for batch in found)
        for index, chunk in enumerate(chunks, 1):
            value: dict[str, object] = {"ask": ask, "from": self._me, "batches": chunk}
            value |= {"part": index, "of": len(chunks)}
            try:
                await self._signals.send(f"missing/{by}", value)
            except LogUnavailable:
                return  # it failed again: there will be another asking

    def _hear_answer(self, value: Value) -> None:
        batches = value["batches"]
        if value["ask"] != self._ask or not isinstance(batches, list):
            return
        self._found += [received(str(each).encode()) for each in batches]
        by = str(value["from"])
        # The line may break between two parts: only all of them are an answer.
        parts = self._parts.setdefault(by, set())
        parts.add(value["part"])
        if len(parts) >= int(str(value["of"])):
            self._answered.add(by)
            self._news.set()


def _extent(value: Value) -> Extent:
    return extent(str(value["epochs"]), str(value["batches"]), "0")


def _chunks(messages: Iterable[str]) -> list[list[str]]:
    """At least one, so that a worker that remembers nothing says so."""
    chunks: list[list[str]] = [[]]
    size = 0
    for message in messages:
        if size + len(message) > _MOST and chunks[-1]:
            chunks.append([])
            size = 0
        chunks[-1].append(message)
        size += len(message)
    return chunks
