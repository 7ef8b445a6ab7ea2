"""The process of a Redis server or sentinel, from its port to its end.

No process outlives its test: the end of the block kills it, and so does the death of
the process that started it.
"""

import asyncio
import random
import signal
import socket
from abc import ABC, abstractmethod
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeVar

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, ResponseError
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import TimeoutError as Unanswered

HOST = "127.0.0.1"
PATIENCE = 30  # seconds until a server that does not come to be so is given up
TRIES = 5  # ports tried before a server that does not start is given up

Server = TypeVar("Server", bound="RedisProcess")


class RedisProcess(ABC):
    """A `redis-server` on a free port of 127.0.0.1, in a folder of its own.

    Who derives from it says in `_settings` what its redis.conf has.
    """

    _flags: tuple[str, ...] = ()
    _started = b"Ready to accept connections"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = 0  # known once started; kept across restarts
        self._log = folder / "redis.log"
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """`redis://127.0.0.1:PORT/0`."""
        return f"redis://{HOST}:{self.port}/0"

    @property
    def pid(self) -> int | None:
        """The process; None where none runs."""
        process = self._process
        return process.pid if process and process.returncode is None else None

    def client(self) -> Redis:
        """A client for the test's own looking, without retries: `async with` it."""
        return self._client_of(self.url)

    async def start(self) -> None:
        """Start it and wait until it answers; `RuntimeError` with its log if it ends.

        The configuration is written the first time only: what Sentinel or
        `replicate` changed in it stays.
        """
        if self.pid is not None:
            raise RuntimeError("it runs already")
        if self.port:
            ready = await self._run()
        else:
            ready = await self._run_on_free_port()
        if not ready:
            raise RuntimeError(f"redis-server ended:\n{self._log.read_text()[-2000:]}")

    async def stop(self) -> None:
        """Let it end by itself (SIGTERM), paused or not."""
        self.resume()
        while self.pid is not None:  # it refuses while its first AOF is being written
            self._signal(signal.SIGTERM)
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._ended()

    async def kill(self) -> None:
        """End it at once (SIGKILL), paused or not."""
        self._signal(signal.SIGKILL)
        await self._ended()

    async def restart(self) -> None:
        """Stop it if it runs, and start it on the same port."""
        await self.stop()
        await self.start()

    def pause(self) -> None:
        """Freeze it (SIGSTOP): connections stand, nothing is answered."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    async def answers(self) -> bool:
        """Whether it answers a PING, be it by asking for a password."""
        async with self.client() as client:
            try:
                return bool(await client.ping())
            except (AuthenticationError, ResponseError):
                return True
            except (Unreachable, Unanswered):
                return False

    def _client_of(self, url: str) -> Redis:
        return Redis.from_url(
            url,
            retry=Retry(NoBackoff(), 0),
            socket_connect_timeout=2,
            socket_timeout=2,
        )

    @abstractmethod
    def _settings(self) -> list[str]:
        """The lines of redis.conf, `self.port` among them."""

    async def _run_on_free_port(self) -> bool:
        # Another process may take the port between our look and the server's start.
        self.folder.mkdir(parents=True, exist_ok=True)
        for port in islice(_free_ports(), TRIES):
            self.port = port
            lines = "\n".join([*self._settings(), ""])
            (self.folder / "redis.conf").write_text(lines)
            if await self._run():
                return True
        self.port = 0
        return False

    async def _run(self) -> bool:
        with self._append_log() as log:
            before = log.tell()
            # `setpriv`: the kernel kills the server when the tests' process dies.
            self._process = process = await asyncio.create_subprocess_exec(
                *("setpriv", "--pdeathsig", "KILL"),
                *("redis-server", str(self.folder / "redis.conf"), *self._flags),
                stdin=DEVNULL,
                stdout=log,
                stderr=STDOUT,
            )

        async def settled() -> bool:
            # An answer alone may be another server's that has taken the port.
            said = self._started in self._log.read_bytes()[before:]
            return process.returncode is not None or (said and await self.answers())

        await until(settled)
        return process.returncode is None

    def _append_log(self) -> BinaryIO:
        return self._log.open("ab")

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def _ended(self) -> None:
        if self._process is not None:
            await self._process.wait()


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[Server]:
    """Any kind of server, started here and killed at the end."""
    try:
        await server.start()
        yield server
    finally:
        await server.kill()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it is so; a server that does not answer says no.

    Raises:
        TimeoutError: it was not so for `PATIENCE` seconds.
    """
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(Unreachable, Unanswered):
                if await condition():
                    return
            await asyncio.sleep(0.02)


def _free_ports() -> Iterator[int]:
    # Below the range the kernel gives to clients (32768), so that no connection takes
    # the port of a server that is down for a moment, nor a client meets itself there.
    # A Cluster's node also listens 10000 above. Hypothesis seeds the module's random.
    draw = random.SystemRandom()
    while True:
        port = draw.randrange(10_000, 22_000)
        if _is_free(port) and _is_free(port + 10_000):
            yield port


def _is_free(port: int) -> bool:
    with socket.socket() as tried:
        try:
            tried.bind((HOST, port))
        except OSError:
            return False
    return True
