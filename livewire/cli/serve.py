"""`livewire serve`: run the service, in one process or several."""

import asyncio
import logging
import socket
import sys

import click

from channels.errors import LivewireError
from livewire.leash import Leash
from livewire.listening import port_of, share
from livewire.parts import Parts
from livewire.readiness import require
from livewire.server import longest_end, run
from livewire.settings import BadSettings, Settings, load
from livewire.workers import Supervisor

_LOG = "%(levelname)s %(name)s %(message)s"
_LOG_OF_WORKER = "%(levelname)s %(name)s[%(process)d] %(message)s"


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="TCP port; 0 takes a free one.")
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes; more than one needs LIVEWIRE_REDIS_URL.",
)
@click.option("--fd", type=int, hidden=True, help="The socket of a worker.")
@click.option("--leash", type=int, hidden=True, help="The supervisor of a worker.")
def serve(
    host: str | None, port: int | None, workers: int, fd: int | None, leash: int | None
) -> None:
    """Run the service until it is told to stop."""
    is_worker = fd is not None and leash is not None
    logging.basicConfig(
        level=logging.INFO, format=_LOG_OF_WORKER if is_worker else _LOG
    )
    given = {"host": host, "port": port}
    try:
        settings = load({k: v for k, v in given.items() if v is not None})
        if fd is not None and leash is not None:
            _work(settings, fd, leash)
        elif workers == 1:
            asyncio.run(require(settings))
            run(settings)
        else:
            _supervise(settings, workers)
    except (BadSettings, LivewireError) as error:
        raise click.ClickException(str(error)) from error


def _supervise(settings: Settings, count: int) -> None:
    if not settings.redis_url:
        raise BadSettings(
            f"{count} workers need a log that they share: set LIVEWIRE_REDIS_URL, or"
            " start one worker, because a SQLite log serves one process."
        )
    asyncio.run(require(settings))
    # Made here if it is made at all: workers that start together must not race for it.
    settings.signing_secret()
    sockets = share(settings.host, settings.port, count)

    def command(fd: int, leash: int) -> list[str]:
        # -P: what a worker imports does not depend on the folder it is started in.
        started = [sys.executable, "-P", "-m", "livewire", "serve"]
        where = [f"--host={settings.host}", f"--port={port_of(sockets[0])}"]
        return [*started, *where, f"--fd={fd}", f"--leash={leash}"]

    asyncio.run(Supervisor(sockets, command, grace=longest_end(settings)).run())


def _work(settings: Settings, fd: int, leash: int) -> None:
    held = Leash(leash, grace=longest_end(settings))
    held.watch()

    async def serving(parts: Parts) -> None:
        held.serving()
        await asyncio.Event().wait()  # whoever runs beside the server ends it

    run(settings, serving, listening=socket.socket(fileno=fd))
