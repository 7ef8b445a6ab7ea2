"""The server: uvicorn on uvloop and httptools, which says goodbye before it goes.

uvicorn waits for open streams or cuts them in mid-word, and ends the lifespan at its
own time; so streams are told to come back, and ended, before it is let go.
"""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager

import uvicorn
import uvloop
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from channels.transports.asgi import ABORT
from channels.transports.connections import Connections
from livewire.app import assemble, create_app
from livewire.listening import address_of, listen
from livewire.parts import Parts
from livewire.settings import BadSettings, Settings

Beside = Callable[[Parts], Coroutine[object, object, None]]

_TRUNCATED = "ASGI callable returned without completing response."

_log = logging.getLogger(__name__)


class Protocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, whose connections the application may drop.

    ASGI has no word for that: a stalled reader's connection would stay, with all it
    was sent, for as long as the reader answers TCP and takes nothing.
    """

    def on_message_begin(self) -> None:
        """A request begins: its scope is made."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}


class Server(uvicorn.Server):
    """A uvicorn server that drains its streams first."""

    def __init__(
        self, config: uvicorn.Config, connections: Connections, *, drain: float
    ) -> None:
        super().__init__(config)
        self._connections = connections
        self._drain = drain
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End in good order on SIGINT, SIGTERM and SIGHUP, and with exit code 0.

        uvicorn would raise the signal again once it is done, as if it had not been.
        """
        loop = asyncio.get_running_loop()
        signals = [signal.SIGINT, signal.SIGTERM]
        # Ignored by whoever started us (nohup): a closed terminal ends nothing.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signals.append(signal.SIGHUP)
        for each in signals:
            loop.add_signal_handler(each, self.handle_exit, each, None)
        try:
            yield
        finally:
            for each in signals:
                loop.remove_signal_handler(each)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, and say so."""
        await super().startup(sockets)
        if self.started:
            self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, end the streams, then let uvicorn finish the requests."""
        for server in self.servers:
            server.close()
        self._connections.drain()
        try:
            async with asyncio.timeout(self._drain):
                await self._connections.empty()
        except TimeoutError:
            pass  # uvicorn cuts what is left
        await super().shutdown(sockets)


def serve(app: Starlette, settings: Settings, connections: Connections) -> Server:
    """A server for the application, ready to run."""
    logging.getLogger("uvicorn.error").addFilter(_expected)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=Protocol,
        lifespan="on",
        log_level="warning",
        server_header=False,
        date_header=True,
        # Nobody's word is taken for a reader's address until proxies are configured.
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, round(settings.drain)),
    )
    return Server(config, connections, drain=settings.drain)


def longest_end(settings: Settings) -> float:
    """Seconds after which a server that was told to stop has stopped, or is stuck.

    Its streams have `drain` seconds to end, then its requests; the log needs a moment.
    """
    return 2 * settings.drain + 5


def run(
    settings: Settings,
    beside: Beside | None = None,
    *,
    listening: socket.socket | None = None,
) -> None:
    """Serve until told to stop; `beside` runs in the same loop once serving began.

    A socket that is `listening` already is served, else one is opened. Raises what
    starting the service raises.
    """
    uvloop.run(_run(settings, beside, listening))


async def _run(
    settings: Settings, beside: Beside | None, listening: socket.socket | None
) -> None:
    parts = assemble(settings)
    server = serve(create_app(settings, parts), settings, parts.connections)
    # Opened here first: what goes wrong with the file is told as a sentence, where
    # uvicorn would print the stack of its lifespan.
    await parts.store.open()
    if listening is None:
        try:
            listening = listen(settings.host, settings.port)
        except BadSettings:
            await parts.store.close()
            raise
        _log.info("Listening on %s.", address_of(listening))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    tasks = {serving}
    if beside is not None:
        tasks.add(asyncio.create_task(_after(server.ready, beside, parts)))
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    for task in tasks - {serving}:
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    for result in done:
        if isinstance(result, Exception):
            raise result


async def _after(ready: asyncio.Event, beside: Beside, parts: Parts) -> None:
    await ready.wait()
    await beside(parts)


def _expected(record: logging.LogRecord) -> bool:
    # A stream is ended by truncation, so that no client takes it for complete.
    return record.getMessage() != _TRUNCATED
