"""One supervisor, N workers: processes on one port, started again when they die.

Each slot has a listening socket that the supervisor never closes and its worker
inherits. So connections that wait for a dead worker wait for its successor, and none
is refused. Nothing here is cancelled to stop it: a worker is told by a signal, and its
end is awaited.
"""

import asyncio
import logging
import os
import random
import signal
import socket
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from livewire.leash import hear
from livewire.listening import address_of

Command = Callable[[int, int], Sequence[str]]
"""The command line of a worker, of its listening socket's and its leash's number."""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds, the most after one death and many
SETTLED = 10.0  # seconds; a worker that lived so long did not die of starting

_log = logging.getLogger(__name__)


def pause_after(deaths: int, chance: float) -> float:
    """Seconds until the next start, after so many deaths in a row (1 or more).

    Exponential, bounded, with full jitter: `chance`, 0 to 1, is the part to take.
    """
    growing: float = SHORTEST_PAUSE * 2.0 ** min(deaths - 1, 16)
    return chance * min(growing, LONGEST_PAUSE)


@dataclass(slots=True)
class _Slot:
    number: int
    listening: socket.socket
    process: Process | None = None
    replaced: bool = False  # whether its end was asked for, to start another
    up: asyncio.Event = field(default_factory=asyncio.Event)  # of the next to start

    def tell(self, word: signal.Signals) -> None:
        """Send the worker a signal, if there is one."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.send_signal(word)


class Supervisor:
    """Keeps a worker on each socket until it is told to stop.

    SIGTERM and SIGINT end the workers, a second one cuts them; so does a terminal that
    closes. SIGHUP otherwise replaces them, one after the other. Who has not ended
    `grace` seconds after it was told is killed.
    """

    def __init__(
        self, sockets: Sequence[socket.socket], command: Command, *, grace: float
    ) -> None:
        self._slots = [_Slot(n, each) for n, each in enumerate(sockets, start=1)]
        self._command = command
        self._grace = grace
        self._stopping = asyncio.Event()
        self._renewal = asyncio.Event()
        self._had_terminal = _has_terminal()
        self._word: signal.Signals | None = None  # what every worker is told by now

    async def run(self) -> None:
        """Have workers until a signal says stop; returns when all of them are gone."""
        loop = asyncio.get_running_loop()
        self._heed_signals(loop)
        where = address_of(self._slots[0].listening)
        _log.info("Listening on %s with %d workers.", where, len(self._slots))
        async with asyncio.TaskGroup() as group:
            keeping = [group.create_task(self._keep(slot)) for slot in self._slots]
            renewing = group.create_task(self._renew())
            await self._stopping.wait()
            renewing.cancel()
            cut = loop.call_later(self._grace, self._tell, signal.SIGKILL)
            await asyncio.wait(keeping)
            cut.cancel()
        # Whoever presses Ctrl+C once more gets no stack of an interpreter that ends.
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_IGN)

    def _heed_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self._stop)
        # Ignored by whoever started us (nohup): a closed terminal is not our business.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            loop.add_signal_handler(signal.SIGHUP, self._hang_up)

    def _stop(self) -> None:
        self._tell(signal.SIGKILL if self._stopping.is_set() else signal.SIGTERM)
        self._stopping.set()

    def _hang_up(self) -> None:
        # Said by whoever wants new workers, and by the kernel of a closed terminal.
        if self._had_terminal and not _has_terminal():
            self._stop()
        else:
            self._renewal.set()

    def _tell(self, word: signal.Signals) -> None:
        self._word = word
        for slot in self._slots:
            slot.tell(word)

    async def _keep(self, slot: _Slot) -> None:
        loop = asyncio.get_running_loop()
        deaths = 0
        while not self._stopping.is_set():
            began = loop.time()
            end = await self._live(slot)
            if slot.replaced or self._stopping.is_set():
                slot.replaced, deaths = False, 0
                continue
            deaths = 1 if loop.time() - began >= SETTLED else deaths + 1
            pause = pause_after(deaths, random.random())  # noqa: S311 - no secret
            _log.warning(
                "Worker %d %s; another starts in %.1f s.", slot.number, end, pause
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()

    async def _live(self, slot: _Slot) -> str:
        """One worker from its start to its end; returns how it ended."""
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                try:
                    process = await self._start(slot, theirs)
                except OSError as error:
                    return f"could not be started ({error.strerror})"
            slot.process = process
            if self._word is not None:  # said while it was being started
                slot.tell(self._word)
            async with asyncio.TaskGroup() as group:
                hearing = group.create_task(hear(ours, slot.up))
                code = await process.wait()
                hearing.cancel()
            slot.process = None
        return f"(pid {process.pid}) {_ended(code)}"

    async def _start(self, slot: _Slot, leash: socket.socket) -> Process:
        numbers = slot.listening.fileno(), leash.fileno()
        # A process group of its own: Ctrl+C is for the supervisor, which tells them.
        return await asyncio.create_subprocess_exec(
            *self._command(*numbers), pass_fds=numbers, stdin=DEVNULL, process_group=0
        )

    async def _renew(self) -> None:
        while True:
            await self._renewal.wait()
            self._renewal.clear()
            _log.info("Replacing %d workers, one after the other.", len(self._slots))
            for slot in self._slots:
                await self._replace(slot)
            _log.info("All workers are replaced.")

    async def _replace(self, slot: _Slot) -> None:
        # The worker that goes has the event from before, and cannot set this one.
        slot.up = up = asyncio.Event()
        if slot.process is not None:
            slot.replaced = True
            slot.tell(signal.SIGTERM)
            loop = asyncio.get_running_loop()
            cut = loop.call_later(self._grace, _kill, slot.process)
            try:
                await slot.process.wait()
            finally:
                cut.cancel()
        await up.wait()


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()


def _ended(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    return f"was ended by signal {-code} ({signal.strsignal(-code)})"
