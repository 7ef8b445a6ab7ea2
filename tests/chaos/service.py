"""Workers: `livewire serve` in processes of their own, to be killed and frozen."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from tests.serving import SECRET

COMMAND = (sys.executable, "-m", "livewire")
PATIENCE = 30  # seconds until a process that does not come to be so is given up
SETTINGS = {
    "LIVEWIRE_SECRET": SECRET,
    "LIVEWIRE_HEARTBEAT": "1",  # so that readers miss it soon
    "LIVEWIRE_RETRY": "200",
    "LIVEWIRE_HIGH_WATER": "8192",  # so that slow readers are slow here
    "LIVEWIRE_BOUND": "200",  # so that channels forget within a run
    "LIVEWIRE_DRAIN": "1",
}
"""The settings of every worker; the last one told wins."""


class Worker:
    """One `livewire serve`, on one port of 127.0.0.1 through all its lives.

    `settings` are variables on top of `SETTINGS`; `arguments` go to `serve` (as
    `--workers 2`); `command` is what starts `livewire`. Its words go to `worker.log` in
    the folder.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, str] | None = None,
        *,
        arguments: Sequence[str] = (),
        command: Sequence[str] = COMMAND,
    ) -> None:
        self.folder = folder
        self.port = _free_port()
        self.lives = 0
        self._settings = {"LIVEWIRE_DATA_DIR": str(folder / "data")} | SETTINGS
        self._settings |= dict(settings or {})
        self._command = (*command, "serve", "--port", str(self.port), *arguments)
        self._process: Process | None = None
        self._meant = True  # whether its end, if it has ended, is ours

    @property
    def address(self) -> str:
        """Where it answers: `http://127.0.0.1:PORT`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        """Whether the process is there, frozen or not."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start a process, and wait until it answers."""
        await self.launch()
        async with httpx.AsyncClient(base_url=self.address, timeout=1) as http:
            async with asyncio.timeout(PATIENCE):
                while not await _answers(http):
                    self.check()
                    await asyncio.sleep(0.02)

    async def launch(self) -> None:
        """Start a process and wait for nothing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        environment = {
            k: v for k, v in os.environ.items() if not k.startswith("LIVEWIRE_")
        }
        with (self.folder / "worker.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=environment | self._settings,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._meant = False
        self.lives += 1

    def check(self) -> None:
        """Raise `AssertionError` where the process ended and nobody asked it to."""
        ended = self._process is not None and self._process.returncode is not None
        if ended and not self._meant:
            words = (self.folder / "worker.log").read_text()[-2000:]
            raise AssertionError(f"{self.address} ended by itself:\n{words}")

    async def kill(self) -> None:
        """End it with SIGKILL, and all processes it started."""
        await self._end(signal.SIGKILL)

    async def terminate(self) -> None:
        """Ask it to end with SIGTERM, and wait until it has."""
        await self._end(signal.SIGTERM)

    async def restart(self) -> None:
        """SIGTERM, then a new life."""
        await self.terminate()
        await self.start()

    def ask_to_end(self) -> None:
        """SIGTERM, without waiting."""
        self._signal(signal.SIGTERM)

    def pause(self) -> None:
        """Freeze it with SIGSTOP."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    async def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self.check()
        self._meant = True
        self._signal(number)
        async with asyncio.timeout(PATIENCE):
            await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self.is_running and self._process is not None:
            self._meant = self._meant or number in (signal.SIGTERM, signal.SIGKILL)
            one = number is signal.SIGTERM  # who has workers tells them itself
            with suppress(ProcessLookupError):
                (os.kill if one else os.killpg)(self._process.pid, number)


async def _answers(http: httpx.AsyncClient) -> bool:
    with suppress(httpx.TransportError):
        return (await http.get("/api/stories")).status_code == 200
    return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
