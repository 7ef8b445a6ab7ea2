"""`livewire serve`: run the service."""

import logging

import click

from channels.errors import LivewireError
from livewire.server import run
from livewire.settings import BadSettings, load


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="TCP port; 0 takes a free one.")
@click.option("--workers", type=int, default=1, help="Processes; SQLite allows one.")
def serve(host: str | None, port: int | None, workers: int) -> None:
    """Run the service until it is told to stop."""
    if workers != 1:
        raise click.ClickException(
            "The SQLite log serves one process. Several workers share a log in Redis,"
            " which this version does not have yet: start one worker."
        )
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    given = {"host": host, "port": port}
    try:
        settings = load({k: v for k, v in given.items() if v is not None})
        run(settings)
    except (BadSettings, LivewireError) as error:
        raise click.ClickException(str(error)) from error
