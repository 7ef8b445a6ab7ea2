"""Channel, view, follows: every reader of this process hangs here.

The laws: a channel is loaded once however many ask; a view never judges from its own
top: what it does not know it asks the log first; a process that the log has not
answered for too long serves no text.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping
from contextlib import suppress

from channels.asking import Asking, Clock
from channels.channel import Channel, Start
from channels.errors import LivewireError, LogUnavailable, UnknownChannel
from channels.follow import Follow, Sink
from channels.log import Delivery, Log
from channels.positions import Position
from channels.view import View

_logger = logging.getLogger(__name__)


class Hub:
    """The channels of one process and who follows them.

    `exists` names the channels that are there before anything is written to them;
    `idle` is for how many seconds an unwanted channel is kept, `cut_off` for how many
    the log may be silent until no text is served. `readers` counts the readers a
    heartbeat tells of; by default those of this process. `spread` is as for `Asking`.
    """

    def __init__(
        self,
        log: Log,
        *,
        exists: Collection[str],
        idle: float,
        cut_off: float,
        clock: Clock,
        readers: Callable[[str], int] | None = None,
        spread: float = 0.25,
    ) -> None:
        self._log = log
        self._exists = frozenset(exists)
        self._idle = idle
        self._clock = clock
        self._asking = Asking(log, cut_off=cut_off, clock=clock, spread=spread)
        self._told_readers = readers or self.readers
        self._channels: dict[str, Channel] = {}
        self._loading: dict[str, asyncio.Task[Channel]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def is_cut_off(self) -> bool:
        """Whether the log has been silent for so long that no text may be served."""
        return self._asking.is_cut_off

    async def view(self, name: str, position: Position | None = None) -> View:
        """The channel's view, read from the log if need be.

        A `position` that the view cannot place makes it read the log first. Raises
        `UnknownChannel`, `LogUnavailable`.
        """
        channel = self._channels.get(name) or await self._load(name)
        channel.used = self._clock()
        await channel.settle(position)
        return self._proven(channel)

    async def renewed(self, name: str) -> View:
        """The channel's view by a read begun after the asking: it places everybody.

        Raises `UnknownChannel`, `LogUnavailable`.
        """
        is_first = name not in self._channels and name not in self._loading
        channel = self._channels.get(name) or await self._load(name)
        channel.used = self._clock()
        if not is_first:
            await channel.renew()
        return self._proven(channel)

    def _proven(self, channel: Channel) -> View:
        # Last, because time has passed: a process may have slept for long.
        if self.is_cut_off or channel.closed:
            raise LogUnavailable
        return channel.view

    async def reach(self, positions: Mapping[str, Position]) -> None:
        """Return once every channel held here holds what was given these positions.

        A channel that is being loaded counts as held. Raises `LogUnavailable`.
        """
        for name, position in positions.items():
            if name in self._loading:
                with suppress(LivewireError):  # then it is not held
                    await self._load(name)
            channel = self._channels.get(name)
            if channel is not None:
                await channel.settle(position)

    def follow(self, name: str, sink: Sink, start: Start) -> Follow:
        """Join a loaded channel after a position (None: now), in one step.

        The caller has just awaited `view(name, position)` or `renewed(name)`.
        """
        channel = self._channels[name]
        channel.used = self._clock()
        return channel.admit(sink, start)

    def leave(self, follow: Follow) -> None:
        """Forget a follow; its sink gets nothing more of the channel."""
        follow.pause()
        follow.sink.follows.pop(follow.view.channel, None)
        channel = self._channels.get(follow.view.channel)
        if channel is not None:
            channel.forget(follow)
            channel.used = self._clock()

    def readers(self, name: str) -> int:
        """How many follow the channel in this process."""
        channel = self._channels.get(name)
        return len(channel.follows) if channel else 0

    def counts(self) -> dict[str, int]:
        """Each channel that is followed in this process, and by how many."""
        channels = self._channels.values()
        return {each.name: len(each.follows) for each in channels if each.follows}

    def pulse(self, name: str) -> dict[str, object]:
        """What a heartbeat says of a channel; less where it is not loaded."""
        channel = self._channels.get(name)
        pulse: dict[str, object] = {}
        if channel is not None:
            extent = channel.view.extent
            pulse = {"top": str(extent.end), "floor": extent.floor}
        stalled = channel is None or channel.stalled or self._asking.is_silent
        return pulse | {"readers": self._told_readers(name), "stalled": stalled}

    def __iter__(self) -> Iterator[str]:
        """The names of the channels held now."""
        return iter(self._channels)

    def sweep(self) -> None:
        """Let go of channels nobody has wanted for a while; read the stalled anew.

        A process that is cut off lets go of them all, and of those who follow them.
        """
        self._asking.forget()
        if self.is_cut_off:
            self._let_go()
        oldest = self._clock() - self._idle
        for channel in list(self._channels.values()):
            wanted = channel.follows or channel.reading or channel.used > oldest
            if wanted:
                channel.mend()
            else:
                self._drop(channel)

    def _let_go(self) -> None:
        """Another process may reach the log: send everybody there."""
        channels = list(self._channels.values())
        for sink in {each.sink for channel in channels for each in channel.follows}:
            sink.close("busy", reconnect=True)
        for channel in channels:
            self._drop(channel)

    async def close(self) -> None:
        """Stop listening and end the reads under way."""
        for channel in list(self._channels.values()):
            self._drop(channel)
        tasks = [*self._loading.values(), *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _drop(self, channel: Channel) -> None:
        del self._channels[channel.name]
        channel.close()

    async def _load(self, name: str) -> Channel:
        loading = self._loading.get(name)
        if loading is None:
            loading = asyncio.create_task(self._listen_and_read(name))
            self._loading[name] = loading
            loading.add_done_callback(lambda _: self._loading.pop(name, None))
            loading.add_done_callback(_note)
        # Shielded: the first to ask may go away, the others still want the answer.
        return await asyncio.shield(loading)

    async def _listen_and_read(self, name: str) -> Channel:
        """Listen, then read: what is appended between the two is heard."""
        heard: list[Delivery] = []
        channel: Channel | None = None

        def hear(delivery: Delivery) -> None:
            if channel is None:
                heard.append(delivery)
            else:
                channel.hear(delivery)

        async with self._asking.turn(name):
            stop = await self._log.listen(name, hear)
            try:
                history = await self._log.read(name)
            except BaseException:
                stop()
                raise
        if history.extent.top == 0 and not heard and name not in self._exists:
            stop()
            raise UnknownChannel(f"Nobody has opened {name}.")
        channel = Channel(
            name,
            history,
            self._log,
            asking=self._asking,
            own=self._own,
            stop=stop,
            used=self._clock(),
        )
        self._channels[name] = channel
        for delivery in heard:
            channel.hear(delivery)
        return channel

    def _own(self, work: Coroutine[object, object, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_note)
        return task


def _note(task: "asyncio.Task[None] | asyncio.Task[Channel]") -> None:
    """Tell of a read that failed for a reason nobody counts on; all may have left."""
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, LivewireError):
        _logger.error("Reading a channel failed", exc_info=error)
