"""The log contract on Redis: streams for the events, pub/sub for the word of them.

Every append of the site travels whole on one pub/sub channel and carries the next
number of the site, so that one comparison tells a worker whether it missed anything.
What it missed is read from the log, by whoever listens: here only the tops are told.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from channels.errors import Conflict, Healing
from channels.events import Append
from channels.listeners import Listeners
from channels.log import Deliver, Delivery, History, Stop, Stored
from channels.positions import START, Extent, Position
from channels.redis.appending import Author
from channels.redis.link import Link
from channels.redis.listener import Listener
from channels.redis.memory import Memory
from channels.redis.scripts import READ
from channels.redis.wire import Batch, batch, history, received

_ECHO = 0.25
"""Seconds in which the word of an append of our own should come back to us."""

_OWN = 256
"""Appends of our own whose words are remembered: more than are under way."""

_PATIENCE = 5.0
"""Seconds an append waits for the log to be healed, which takes 3 at most."""


class RedisLog:
    """Channels of events in the streams of one site.

    Raises `LogUnavailable` from everything where Redis does not answer in its time.
    """

    def __init__(
        self, link: Link, author: Author, memory: Memory, listener: Listener
    ) -> None:
        self._link = link
        self._author = author
        self._memory = memory
        self.listener = listener
        self._listeners = Listeners[Delivery]()
        self._awaited: dict[Position, asyncio.Future[None]] = {}
        self._early: set[Position] = set()  # told before their word came
        self._echoes: deque[Position] = deque(maxlen=_OWN)  # appended here, and heard
        self._appends: set[asyncio.Task[Stored]] = set()
        self.durability = "memory"  # as whoever looked at the server found
        self.heard = START  # the newest batch whose word came, in the site's life
        self.missed = False  # a word did not come, or may not have
        self._ill: float | None = None  # since when the log is known not to be whole
        self.life = ""  # of the newest batch that was heard of
        self.healed = asyncio.Event()  # set at each look that finds the log whole

    async def append(self, batch: Sequence[Append]) -> Stored:
        """Store the batch in one step, tell the listeners, return the new tops.

        Raises `Healing` (nothing stored) while the log is put back after a failure.
        """
        # Its own task: who asked may go away, the answer of Redis may not be left on
        # the connection for somebody else (redis-py#2624, #2665).
        task = asyncio.create_task(self._append(batch))
        self._appends.add(task)
        task.add_done_callback(self._appends.discard)
        return await asyncio.shield(task)

    async def read(self, channel: str, after: int = 0) -> History:
        """The entries of `channel` above `after`, and its extent, at one instant."""
        answer = await self._when_healed(lambda: self._read(channel, after, fence=""))
        return history(channel, *answer[1:])

    async def read_at_once(self, channel: str) -> History:
        """The whole channel. Raises `Healing` at once where the log is not whole."""
        answer = await self._read(channel, 0, fence="")
        if answer[0] == b"healing":
            raise Healing
        return history(channel, *answer[1:])

    async def read_unhealed(self, channel: str) -> History:
        """The whole channel, though it may lack its tail: for those who heal it."""
        answer = await self._read(channel, 0, fence="none")
        return history(channel, *answer[1:])

    async def listen(self, channel: str, deliver: Deliver) -> Stop:
        """Hear every append to `channel`, in order, until the stop is called."""
        return self._listeners.add(channel, deliver)

    def proven(self) -> float:
        """The loop's time at which Redis last answered."""
        return self._link.proven()

    async def close(self) -> None:
        """Wait for the appends under way, which are bounded by their timeouts."""
        await asyncio.gather(*self._appends, return_exceptions=True)

    @property
    def channels(self) -> list[str]:
        """The channels somebody here listens to."""
        return list(self._listeners)

    def hear(self, message: bytes) -> None:
        """The word of an append, from whichever worker."""
        told = received(message)
        position = told.position
        if not _is_behind(position, self.heard):
            if self.heard != replace(position, seq=position.seq - 1):
                self.miss()
            self.heard, self.life = position, told.life
        self._memory.keep(told)
        if position not in self._early:
            self._deliver(told)
        self._early = {e for e in self._early if not _is_behind(e, self.heard)}
        if told.sender == self._author.worker:
            self._echoes.append(position)
            awaited = self._awaited.pop(position, None)
            if awaited is not None:
                awaited.set_result(None)

    def miss(self) -> None:
        """Something may have been said that was not heard."""
        self.missed = True
        self._link.doubt.set()

    def has_heard(self, position: Position) -> bool:
        """Whether a batch, and all before it, was heard of."""
        return _is_behind(position, self.heard)

    def catch_up(self, end: Position) -> None:
        """The tops were told of a log whose newest batch was `end`."""
        if not _is_behind(end, self.heard):
            self.heard = end

    def tell_top(self, channel: str, reached: Extent) -> None:
        """How far a channel reaches: who listens finds out whether that is news."""
        self._listeners.tell(channel, Delivery(channel, reached, ()))

    async def _append(self, appends: Sequence[Append]) -> Stored:
        command = self._author.command(appends)
        replicas = 0

        async def append() -> Any:
            nonlocal replicas
            answer, replicas = await self._link.append(command.keys, command.words)
            return answer

        answer = await self._when_healed(append)
        if answer[0] == b"conflict":
            raise Conflict(answer[1].decode(), int(answer[2]))
        stored = batch(answer[1], command.bodies)
        await self._be_told(stored)
        tops = {part.channel: part.extent.end for part in stored.parts}
        base = self.durability
        return Stored(tops, f"{base}+{replicas}" if replicas else base)

    async def _be_told(self, stored: Batch) -> None:
        """Wait until the listeners here have heard of the batch; tell them if not."""
        position = stored.position
        # Not whether it is behind what was heard: of what was caught up with, only the
        # tops were told.
        if position in self._echoes:
            return
        if self.listener.subscribed.is_set():
            told = asyncio.get_running_loop().create_future()
            self._awaited[position] = told
            await asyncio.wait([told], timeout=_ECHO)
            self._awaited.pop(position, None)
            if told.done():
                return
        # The line is down or behind. The editor's answer says that the event reached
        # the readers of this worker, so they get it from here.
        self._early.add(position)
        self._memory.keep(stored)
        self._deliver(stored)
        self.miss()
        self.listener.suspect()

    async def _read(self, channel: str, after: int, *, fence: str) -> Any:
        keys = self._author.keys
        names = (keys.site, keys.meta(channel), keys.log(channel))
        return await self._link.run(READ, names, (after, fence))

    async def _when_healed(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The answer of a log that is whole. Raises `Healing` where it takes long."""
        while (answer := await ask())[0] == b"healing":
            # One patience for all who ask: they may queue behind each other.
            self._ill = self._ill or asyncio.get_running_loop().time()
            self.healed.clear()
            self._link.doubt.set()
            # Only the waiting ends early: an append that is cut short may be stored.
            try:
                async with asyncio.timeout_at(self._ill + _PATIENCE):
                    await self.healed.wait()
            except TimeoutError:
                raise Healing from None
        self._ill = None
        return answer

    def _deliver(self, told: Batch) -> None:
        for part in told.parts:
            # What nobody here follows is not even parsed.
            if part.channel in self._listeners:
                self._listeners.tell(part.channel, part.delivery())


def _is_behind(position: Position, heard: Position) -> bool:
    """Whether a batch is among those that were heard of."""
    return position.epoch == heard.epoch and position.seq <= heard.seq
