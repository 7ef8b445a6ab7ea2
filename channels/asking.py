"""How a process asks its log: few reads at a time, none at once that has just failed.

The law: how often the log is asked does not grow with how many readers want to know.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from math import inf

from channels.errors import LogUnavailable
from channels.log import Log

Clock = Callable[[], float]

_TURNS = 8
"""Reads under way at a time: after a restart thousands of channels may want one."""

_PAUSE = 0.9
"""Seconds in which a read that failed is not tried again, whoever asks: a little less
than between two sweeps, so that none of them comes just too early."""

_SILENCE = 5.0
"""Seconds without proof after which the log counts as away. A log across a network
proves itself every two seconds, so two proofs in a row have not come."""


class Asking:
    """The log, as a hub asks it. `cut_off` (seconds) is how long it may be silent.

    `spread` is for how many seconds those who want a channel read anew are gathered, if
    one was just begun: each of them needs one that begins after the asking.
    """

    def __init__(
        self, log: Log, *, cut_off: float, clock: Clock, spread: float = 0.25
    ) -> None:
        self._log = log
        self._spread = spread
        self._begun: dict[str, float] = {}  # channel to when its last read began
        self._cut_off = cut_off
        self._clock = clock
        self._turns = asyncio.Semaphore(_TURNS)
        self._failed: dict[str, float] = {}  # channel to when its last read failed
        self._away = -inf  # when the log last did not answer

    @property
    def is_silent(self) -> bool:
        """Whether the log has not proven itself lately."""
        return self._clock() - self._log.proven() > _SILENCE

    @property
    def is_cut_off(self) -> bool:
        """Whether so much time has passed that no text may be served any more."""
        return self._clock() - self._log.proven() > self._cut_off

    @asynccontextmanager
    async def turn(self, channel: str) -> AsyncIterator[None]:
        """A turn to listen to the channel and to read it.

        Raises `LogUnavailable` at once where that has failed a moment ago.
        """
        self._refuse(channel)
        async with self._turns:
            self._refuse(channel)  # it may have gone away while this one queued
            self._begun[channel] = self._clock()
            try:
                yield
            except Exception as error:
                self._failed[channel] = self._clock()
                if isinstance(error, LogUnavailable):
                    self._away = self._clock()
                raise
            self._failed.pop(channel, None)

    async def gather(self, channel: str) -> None:
        """Wait with others who want the channel read anew, unless it is long ago."""
        begun = self._begun.get(channel, -inf)
        left = begun + self._spread - self._clock()
        if left > 0:
            await asyncio.sleep(left)

    def _refuse(self, channel: str) -> None:
        failed = self._failed.get(channel, -inf)
        if self._log.proven() <= self._away:
            failed = max(failed, self._away)  # what failed one will fail the others
        if self._clock() - failed < _PAUSE:
            raise LogUnavailable

    def forget(self) -> None:
        """Let go of failures that hold nobody back any more."""
        oldest = self._clock() - _PAUSE
        self._begun = {name: at for name, at in self._begun.items() if at > oldest}
        self._failed = {name: at for name, at in self._failed.items() if at > oldest}
