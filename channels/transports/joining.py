"""How a connection joins its channels, and what becomes of it while the log is away.

The law: only the log's answer turns a reader away or starts it over. While the log is
away, a reader whose place the view cannot judge is held: its connection stays open and
hears heartbeats, and it joins in one step with all the others as soon as the log
answers. However many are held, a channel is asked for once.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from channels.access import Reading
from channels.channel import Start
from channels.errors import CallerError, Draining, LivewireError, LogUnavailable
from channels.follow import Sink
from channels.hub import Hub
from channels.positions import parse
from channels.view import View

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Wish:
    """One channel that a connection wants to follow.

    `start` is a position, None for now; anything else is malformed.
    """

    sink: Sink
    channel: str
    start: str | None
    reading: Reading


class Joining:
    """The way of connections to the channels of a hub."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._held: dict[str, dict[Sink, _Wish]] = {}  # by channel
        self._names: dict[Sink, tuple[str, ...]] = {}  # of the channels held for it
        self._tries: dict[str, asyncio.Task[None]] = {}  # by channel

    async def join(
        self,
        sink: Sink,
        starts: Mapping[str, str | None],
        reading: Reading,
        *,
        draining: bool,
    ) -> None:
        """Follow what can be followed, hold what the log has to judge, refuse the rest.

        What is refused is said as `problem`; where nothing asked for can ever be
        served, the first channel's error is raised.
        """
        errors: list[LivewireError] = []
        for name, start in starts.items():
            wish = _Wish(sink, name, start, reading)
            try:
                if draining:
                    raise Draining
                await self._ask(wish)
            except LogUnavailable:
                self._hold(wish)
            except LivewireError as error:
                errors.append(error)
                self._tell(wish, error)
        if not errors or sink.follows or self.held(sink):
            return
        if all(isinstance(each, CallerError) for each in errors):
            raise errors[0]

    async def _ask(self, wish: _Wish) -> None:
        wish.reading.ask(wish.channel)
        position = parse(wish.start) if wish.start is not None else None
        view = await self._hub.view(wish.channel, position)
        # In the same step, or an idle channel might be gone again.
        self._follow(wish, view)

    def _follow(self, wish: _Wish, view: View) -> None:
        """Join the channel whose view was just given. Raises `UnknownChannel`."""
        wish.reading.see(view)
        start: Start = None
        if wish.start is not None:
            start = parse(wish.start) or "malformed"
        self._hub.follow(wish.channel, wish.sink, start)

    def held(self, sink: Sink) -> tuple[str, ...]:
        """The channels that the connection waits for."""
        return self._names.get(sink, ())

    def release(self, sink: Sink) -> None:
        """Hold nothing more for the connection."""
        for name in self.held(sink):
            self._take(self._held[name][sink])

    def leave(self, sink: Sink) -> None:
        """The connection is over: it neither waits nor follows any more."""
        self.release(sink)
        for follow in tuple(sink.follows.values()):
            self._hub.leave(follow)

    def retry(self) -> None:
        """Ask the log for each channel somebody is held for, unless that goes on."""
        for name in [each for each in self._held if each not in self._tries]:
            task = asyncio.create_task(self._try(name))
            self._tries[name] = task
            task.add_done_callback(partial(self._end_try, name))

    def stop(self) -> None:
        """End the tries under way."""
        for task in self._tries.values():
            task.cancel()

    def _end_try(self, name: str, ended: "asyncio.Task[None]") -> None:
        del self._tries[name]
        error = None if ended.cancelled() else ended.exception()
        if error is not None:
            _logger.error("Readers could not be let in", exc_info=error)

    async def _try(self, name: str) -> None:
        """Let in, or turn away, all who are held for the channel now."""
        # Only they: the read is begun after they asked.
        wishes = tuple(self._held.get(name, {}).values())
        try:
            view = await self._hub.renewed(name)
        except LogUnavailable:
            return
        except LivewireError as error:
            for wish in wishes:
                if self._take(wish):
                    self._refuse(wish, error)
            return
        for wish in wishes:
            if self._take(wish):
                self._let_in(wish, view)

    def _let_in(self, wish: _Wish, view: View) -> None:
        try:
            self._follow(wish, view)
        except LivewireError as error:
            self._refuse(wish, error)

    def _hold(self, wish: _Wish) -> None:
        self._held.setdefault(wish.channel, {})[wish.sink] = wish
        self._names[wish.sink] = (*self.held(wish.sink), wish.channel)

    def _take(self, wish: _Wish) -> bool:
        """Hold it no more; whether it was still held."""
        wishes = self._held.get(wish.channel, {})
        if wishes.get(wish.sink) is not wish:
            return False
        del wishes[wish.sink]
        if not wishes:
            del self._held[wish.channel]
        names = [name for name in self._names.pop(wish.sink) if name != wish.channel]
        if names:
            self._names[wish.sink] = tuple(names)
        return True

    def _refuse(self, wish: _Wish, error: LivewireError) -> None:
        """Say that the channel cannot be had; end what has no other."""
        self._tell(wish, error)
        if not (wish.sink.follows or self.held(wish.sink)):
            wish.sink.close("unknown", reconnect=False)

    def _tell(self, wish: _Wish, error: LivewireError) -> None:
        members = {"channel": wish.channel} | error.problem()
        wish.sink.write(wish.sink.format.notice("problem", members))
