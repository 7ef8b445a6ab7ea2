"""One channel while somebody here wants it: its view, its follows, what it heard.

The laws: a loop over readers never awaits; the channel is read by one read at a time,
however many ask; while something was heard that the view does not hold, nobody is
given text of that view: it may be the text that was withdrawn.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Literal, TypeAlias

from channels.asking import Asking
from channels.encoding import Encoded
from channels.errors import LogUnavailable
from channels.follow import Follow, Sink
from channels.log import Delivery, History, Log, Stop
from channels.positions import Position, Reason
from channels.view import View

_logger = logging.getLogger(__name__)

Start: TypeAlias = Position | Literal["malformed"] | None
"""Where a reader wants to begin; None is now."""

Own = Callable[[Coroutine[object, object, None]], "asyncio.Task[None]"]


class Channel:
    """A channel of this process; `used` is the loop's time of the last asking."""

    def __init__(
        self,
        name: str,
        history: History,
        log: Log,
        *,
        asking: Asking,
        own: Own,
        stop: Stop,
        used: float,
    ) -> None:
        self.name = name
        self.view = _view(name, history)
        self.used = used
        self.follows: set[Follow] = set()
        self.reading: asyncio.Task[None] | None = None
        self.stalled = False  # the last read failed
        self.closed = False
        self._log = log
        self._asking = asking
        self._own = own
        self._stop = stop
        self._live: dict[Follow, None] = {}  # in order of joining
        self._waiting: dict[Follow, None] = {}  # could go on, but for the view
        self._heard: list[Delivery] = []  # while reading
        self._missed = False  # something heard could not be taken in

    @property
    def is_behind(self) -> bool:
        """Whether something was heard that the view does not hold."""
        return self._missed or bool(self._heard)

    def can_serve(self, position: Position | None) -> bool:
        """Whether the view may be shown, and can place the position by itself."""
        if self.is_behind:
            return False
        return position is None or self.view.judge(position) in (None, "trimmed")

    # Readers

    def admit(self, sink: Sink, start: Start) -> Follow:
        """Join after a position (None: now), in one step."""
        reason: Reason | None = None
        seq = self.view.extent.top
        if start == "malformed":
            reason = start
        elif start is not None:
            reason = self.view.judge(start)
            seq = start.seq
        follow = Follow(self.view, sink, 0 if reason else seq, self)
        follow.paused = sink.held_since is not None
        self.follows.add(follow)
        sink.follows[self.name] = follow
        follow.open(reason)
        return follow

    def forget(self, follow: Follow) -> None:
        """Give the follow nothing more."""
        self.follows.discard(follow)
        self._waiting.pop(follow, None)

    def join(self, follow: Follow) -> None:
        """Tell the follow of each event from now on."""
        self._live[follow] = None

    def leave(self, follow: Follow) -> None:
        """Tell it no more."""
        self._live.pop(follow, None)

    def holds_back(self, follow: Follow) -> bool:
        """Whether the follow must not be given text now; it is woken when it may."""
        if not (self.closed or self.is_behind or self._asking.is_cut_off):
            return False
        self._waiting[follow] = None
        return True

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for follow in waiting:
            if not follow.paused:
                follow.resume()

    # The log

    def close(self) -> None:
        """Hear nothing more, and give nobody anything more."""
        self.closed = True
        self._stop()

    def hear(self, delivery: Delivery) -> None:
        """Take an append in, if it provably continues what the view holds."""
        if _is_held(self.view, delivery):
            return
        if self.reading is not None:
            self._heard.append(delivery)
            return
        fresh: list[Encoded] | None = None
        # What a process hears that was asleep for long may have been withdrawn since.
        if not (self._missed or self._asking.is_cut_off):
            fresh = _take_in(self.view, delivery)
        if fresh is None:
            self._missed = True
            self.read_again()
            return
        for encoded in fresh:
            for follow in tuple(self._live):
                follow.take(encoded)

    async def settle(self, position: Position | None) -> None:
        """Read until the view can serve the position. Raises `LogUnavailable`."""
        if not self.can_serve(position):
            await self._end_of_read()
        if not self.can_serve(position):
            await self._ask()

    async def renew(self) -> None:
        """Read by a read begun after the asking. Raises `LogUnavailable`."""
        await self._end_of_read()
        await self._ask()

    async def _end_of_read(self) -> None:
        """A read begun before the asking may do; it proves nothing."""
        if self.reading is not None:
            with suppress(LogUnavailable):
                await asyncio.shield(self.reading)

    async def _ask(self) -> None:
        """Read: what this read does not bring is not there."""
        await self._asking.gather(self.name)
        await asyncio.shield(self.read_again())
        while self.is_behind:
            await asyncio.shield(self.read_again())

    def read_again(self) -> "asyncio.Task[None]":
        """Read the whole channel anew; at most one such read at a time."""
        if self.reading is None:
            self.reading = self._own(self._read())
        return self.reading

    def mend(self) -> None:
        """Try again what failed, and let go on who waited for the log alone."""
        if self.stalled or self._missed:
            self.read_again()
        if self._waiting:
            self._wake()

    async def _read(self) -> None:
        try:
            view = await self._whole()
        except Exception as error:
            self.reading = None
            self._fail(error)
            raise
        self.reading = None
        self.stalled = self._missed = False
        if not self.closed:
            self._replace(view)
            self._wake()

    async def _whole(self) -> View:
        """The channel as the log has it, with all that was heard meanwhile."""
        while True:
            async with self._asking.turn(self.name):
                history = await self._log.read(self.name)
            view = _view(self.name, history)
            heard, self._heard = self._heard, []
            if all(_take_in(view, delivery) is not None for delivery in heard):
                return view
            self._missed = True

    def _fail(self, error: Exception) -> None:
        if not self.stalled:
            _logger.warning("Reading %s anew failed: %s", self.name, error)
        self.stalled = True
        heard, self._heard = self._heard, []
        for delivery in heard:
            if self._missed:
                break  # the next read will bring it
            self.hear(delivery)
        self._wake()

    def _replace(self, view: View) -> None:
        """Give every follow the new view; the fence judges where each one stands.

        One in the middle of catching up is judged by its goal: it was spared what the
        goal superseded, and may lack just that if the log no longer reaches it. One
        below the floor lost nothing it will not be told to drop.
        """
        old, self.view = self.view.extent, view
        for follow in tuple(self.follows):
            was_live = follow.live
            furthest = old.position(max(follow.seq, follow.goal))
            reason = view.judge(furthest)
            follow.view = view
            if reason not in (None, "trimmed"):
                follow.seq = 0
                follow.live = False
                self.leave(follow)
                # A paused follow says `reset` too: its sink has room for one frame.
                follow.open(reason)
            elif was_live:
                follow.resume()


def _view(name: str, history: History) -> View:
    return View(name, history.extent, [entry.event for entry in history.entries])


def _take_in(view: View, delivery: Delivery) -> list[Encoded] | None:
    """What is new in a delivery, put into the view; None if it does not continue it."""
    if _is_held(view, delivery):
        return []
    top = view.extent.top
    events = [each.event for each in delivery.entries if each.event.seq > top]
    missing = range(top + 1, delivery.extent.top + 1)
    whole = [event.seq for event in events] == list(missing)
    if not (events and whole and _continues(view, delivery)):
        return None
    return view.apply(events, delivery.extent)


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
