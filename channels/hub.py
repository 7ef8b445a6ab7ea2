"""Channel, view, follows: every reader of this process hangs here.

The laws: a loop over readers never awaits; a channel is read once however many ask; a
view never judges from its own top: what it does not know it asks the log first.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from channels.errors import LogUnavailable, UnknownChannel
from channels.follow import Follow, Sink
from channels.log import Delivery, History, Log, Stop
from channels.positions import Position, Reason
from channels.view import View

_logger = logging.getLogger(__name__)

Clock = Callable[[], float]


@dataclass(slots=True, eq=False)
class _Channel:
    """A channel while somebody here wants it."""

    name: str
    view: View
    used: float  # loop's time of the last asking
    stop: Stop
    live: dict[Follow, None] = field(default_factory=dict)  # in order of joining
    follows: set[Follow] = field(default_factory=set)
    reading: "asyncio.Task[None] | None" = None
    held: list[Delivery] = field(default_factory=list)  # heard while reading
    stalled: bool = False


class Hub:
    """The channels of one process and who follows them.

    `exists` names the channels that are there before anything is written to them;
    `idle` is for how many seconds an unwanted channel is kept.
    """

    def __init__(
        self, log: Log, *, exists: Collection[str], idle: float, clock: Clock
    ) -> None:
        self._log = log
        self._exists = frozenset(exists)
        self._idle = idle
        self._clock = clock
        self._channels: dict[str, _Channel] = {}
        self._loading: dict[str, asyncio.Task[_Channel]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def view(self, name: str, position: Position | None = None) -> View:
        """The channel's view, read from the log if need be.

        A `position` that the view cannot place makes it read the log first. Raises
        `UnknownChannel`, `LogUnavailable`.
        """
        channel = self._channels.get(name) or await self._load(name)
        channel.used = self._clock()
        if channel.reading is not None:
            with suppress(LogUnavailable):  # what the view holds is old, but not wrong
                await asyncio.shield(channel.reading)
        if position is not None and channel.view.judge(position) in ("epoch", "ahead"):
            # Begun after the asking: what this read does not bring is not there.
            await asyncio.shield(self._read_again(channel))
        return channel.view

    def follow(
        self, name: str, sink: Sink, start: Position | Literal["malformed"] | None
    ) -> Follow:
        """Join a loaded channel after a position (None: now), in one step.

        The caller has just awaited `view(name, position)`.
        """
        channel = self._channels[name]
        channel.used = self._clock()
        reason: Reason | None = None
        seq = channel.view.extent.top
        if start == "malformed":
            reason = start
        elif start is not None:
            reason = channel.view.judge(start)
            seq = start.seq
        follow = Follow(
            channel.view,
            sink,
            0 if reason else seq,
            join=channel.live.setdefault,
            leave=lambda leaving: channel.live.pop(leaving, None),
        )
        channel.follows.add(follow)
        sink.follows[name] = follow
        follow.open(reason)
        return follow

    def leave(self, follow: Follow) -> None:
        """Forget a follow; its sink gets nothing more of the channel."""
        follow.pause()
        follow.sink.follows.pop(follow.view.channel, None)
        channel = self._channels.get(follow.view.channel)
        if channel is not None:
            channel.follows.discard(follow)
            channel.used = self._clock()

    def readers(self, name: str) -> int:
        """How many follow the channel in this process."""
        channel = self._channels.get(name)
        return len(channel.follows) if channel else 0

    def pulse(self, name: str) -> dict[str, object]:
        """What a heartbeat says of a channel."""
        channel = self._channels[name]
        extent = channel.view.extent
        return {
            "top": str(extent.end),
            "floor": extent.floor,
            "readers": len(channel.follows),
            "stalled": channel.stalled,
        }

    def __iter__(self) -> Iterator[str]:
        """The names of the channels held now."""
        return iter(self._channels)

    def sweep(self) -> None:
        """Let go of channels nobody has wanted for a while; read the stalled anew."""
        oldest = self._clock() - self._idle
        for channel in list(self._channels.values()):
            wanted = channel.follows or channel.reading or channel.used > oldest
            if not wanted:
                self._drop(channel)
            elif channel.stalled:
                self._read_again(channel)

    async def close(self) -> None:
        """Stop listening and wait for the reads under way."""
        for channel in list(self._channels.values()):
            self._drop(channel)
        tasks = [*self._loading.values(), *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _drop(self, channel: _Channel) -> None:
        del self._channels[channel.name]
        channel.stop()

    async def _load(self, name: str) -> _Channel:
        loading = self._loading.get(name)
        if loading is None:
            loading = asyncio.create_task(self._listen_and_read(name))
            self._loading[name] = loading
            loading.add_done_callback(lambda _: self._loading.pop(name, None))
        # Shielded: the first to ask may go away, the others still want the answer.
        return await asyncio.shield(loading)

    async def _listen_and_read(self, name: str) -> _Channel:
        """Listen, then read: what is appended between the two is heard."""
        held: list[Delivery] = []
        channel: _Channel | None = None

        def hear(delivery: Delivery) -> None:
            if channel is None:
                held.append(delivery)
            else:
                self._hear(channel, delivery)

        stop = await self._log.listen(name, hear)
        try:
            history = await self._log.read(name)
            if history.extent.top == 0 and not held and name not in self._exists:
                raise UnknownChannel(f"Nobody has opened {name}.")
        except BaseException:
            stop()
            raise
        channel = _Channel(name, _view(name, history), self._clock(), stop)
        self._channels[name] = channel
        for delivery in held:
            self._hear(channel, delivery)
        return channel

    def _hear(self, channel: _Channel, delivery: Delivery) -> None:
        """Take an append in, if it provably continues what the view holds."""
        if channel.reading is not None:
            channel.held.append(delivery)
            return
        view = channel.view
        if _is_held(view, delivery):
            return
        top = view.extent.top
        events = [each.event for each in delivery.entries if each.event.seq > top]
        missing = range(top + 1, delivery.extent.top + 1)
        whole = [event.seq for event in events] == list(missing)
        if not (events and whole and _continues(view, delivery)):
            self._read_again(channel)
            return
        fresh = view.apply(events, delivery.extent)
        for encoded in fresh:
            for follow in tuple(channel.live):
                follow.take(encoded)

    def _read_again(self, channel: _Channel) -> "asyncio.Task[None]":
        """Read the whole channel anew; at most one such read at a time."""
        if channel.reading is None:
            channel.reading = self._own(self._renew(channel))
        return channel.reading

    async def _renew(self, channel: _Channel) -> None:
        try:
            history = await self._log.read(channel.name)
        except Exception:
            channel.stalled = True
            raise
        finally:
            channel.reading = None
            held, channel.held = channel.held, []
        channel.stalled = False
        self._replace(channel, history)
        for delivery in held:
            self._hear(channel, delivery)

    def _replace(self, channel: _Channel, history: History) -> None:
        """Give every follow the new view; the fence judges where each one stands.

        One in the middle of catching up is judged by its goal: it was spared what the
        goal superseded, and may lack just that if the log no longer reaches it. One
        below the floor lost nothing it will not be told to drop.
        """
        old, channel.view = channel.view.extent, _view(channel.name, history)
        for follow in tuple(channel.follows):
            was_live = follow.live
            furthest = old.position(max(follow.seq, follow.goal))
            reason = channel.view.judge(furthest)
            follow.view = channel.view
            if reason not in (None, "trimmed"):
                follow.seq = 0
                follow.live = False
                channel.live.pop(follow, None)
                # A paused follow says `reset` too: its sink has room for one frame.
                follow.open(reason)
            elif was_live:
                follow.resume()

    def _own(self, work: Coroutine[object, object, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_log_failure)
        return task


def _view(name: str, history: History) -> View:
    return View(name, history.extent, [entry.event for entry in history.entries])


def _is_held(view: View, delivery: Delivery) -> bool:
    """Whether the view holds all of it: it was read before it was heard.

    Without entries nothing was appended and the delivery tells how the log stands now,
    so a top below the view's own means loss. An append never tells of less than there
    was: after a loss it comes with a new epoch.
    """
    known, told = view.extent, delivery.extent
    if not delivery.entries:
        return told.epochs == known.epochs and told.top == known.top
    return known.epochs[: len(told.epochs)] == told.epochs and told.top <= known.top


def _continues(view: View, delivery: Delivery) -> bool:
    """Whether the delivery's epochs prove that nothing the view holds was lost."""
    known, told = view.extent.epochs, delivery.extent.epochs
    later = told[len(known) :]
    return told[: len(known)] == known and all(
        epoch.first > view.extent.top for epoch in later
    )


def _log_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        _logger.warning("Reading a channel anew failed: %s", task.exception())
