"""`livewire tail`: a channel in a terminal, a line for each change.

The law: a line is written, then its position is stored, and nothing can come between
the two but the end of the process; so a tail that was told to stop goes on exactly.
"""

import asyncio
import os
import signal
import stat
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path

import click

from channels.encoding import dump
from channels.events import timestamp
from channels.positions import parse
from livewire.cli.publish import client_for, failure, to_a_service
from livewire.client import (
    Change,
    Client,
    Closed,
    Event,
    Live,
    Lost,
    Problem,
    Reset,
)
from publishers.rich_text import plain


@click.command()
@click.argument("channel")
@click.option("--since", help="A position, or 0 for everything. Default: from now on.")
@click.option(
    "--position-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Go on where this file says, and keep it up to date; beats --since.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one value a line.")
@to_a_service
def tail(
    channel: str,
    since: str | None,
    position_file: Path | None,
    url: str | None,
    token: str | None,
    *,
    as_json: bool,
) -> None:
    """Print what changes in CHANNEL, as it changes, until interrupted.

    CHANNEL is story/<slug>, section/<slug>, breaking, latest or stories. What happens
    to the line itself is told on the error output.
    """
    known = _stored(position_file) if position_file is not None else None
    if known is None and since is not None and parse(since) is None:
        raise click.UsageError("--since is 0 or a position, as q7f3k2m9-41.")
    desk = client_for(url, token, [f"follow:{channel}"])
    write = _json_line if as_json else _text_line
    printer = _Printer(write, position_file)
    try:
        asyncio.run(_follow(desk, channel, known or since, printer.take))
    except Problem as problem:
        raise failure(problem) from problem
    except BrokenPipeError:
        # Nobody reads on. Python would complain when it flushes at its own end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


async def _follow(
    desk: Client, channel: str, since: str | None, take: Callable[[Event], None]
) -> None:
    """Follow until the service ends it, a signal comes, or nobody reads on."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine that runs is in a task
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(each, task.cancel)
    output = sys.stdout.fileno()
    if stat.S_ISFIFO(os.fstat(output).st_mode):
        # The writing end of a pipe turns readable when its reader goes away.
        loop.add_reader(output, task.cancel)
    try:
        async with desk, aclosing(desk.follow(channel, since)) as events:
            async for event in events:
                take(event)
    except asyncio.CancelledError:
        pass  # told to stop, which is how a tail ends
    finally:
        loop.remove_reader(output)


class _Printer:
    """Writes a line for each change, and keeps the position of the last one."""

    def __init__(self, line: Callable[[Event], str | None], file: Path | None) -> None:
        self._line = line
        self._file = file

    def take(self, event: Event) -> None:
        line = self._line(event)
        if line is not None:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        if self._file is not None and isinstance(event, Change | Live):
            _store(self._file, event.position)
        if isinstance(event, Closed):
            text = f"{event.channel} was closed for good: {event.reason}."
            raise click.ClickException(text)
        said = _said(event)
        if said is not None:
            click.echo(said, err=True)


def _said(event: Event) -> str | None:
    """What is told of the line."""
    match event:
        case Live():
            return f"{event.channel} is live at {event.position}."
        case Lost():
            return (
                f"{event.channel} is not live: {event.why};"
                f" reconnecting in {event.wait:.1f} s."
            )
        case Reset():
            return f"{event.channel} starts over ({event.reason}); all of it follows."
        case _:
            return None


def _text_line(event: Event) -> str | None:
    if not isinstance(event, Change):
        return None
    return f"{timestamp(event.at)}  {event.key}  {_readable(_summary(event))}"


def _summary(change: Change) -> str:
    """One line of what the key holds now."""
    data = change.data
    if data is None:
        return "(gone)"
    if data.get("status") == "withdrawn":
        withdrawn = data.get("withdrawn")
        reason = withdrawn.get("reason") if isinstance(withdrawn, dict) else None
        return f"(withdrawn) {reason or ''}"
    text = plain(str(data.get("html") or ""))
    return " — ".join(part for part in (str(data.get("headline") or ""), text) if part)


def _readable(text: str) -> str:
    """On one line, and without what a terminal would obey."""
    words = " ".join(text.split())
    return "".join(each for each in words if each.isprintable())


def _json_line(event: Event) -> str | None:
    match event:
        case Change():
            return _json(
                {
                    "event": event.type,
                    "channel": event.channel,
                    "position": event.position,
                    "key": event.key,
                    "at": timestamp(event.at),
                    "data": event.data,
                }
            )
        case Reset():
            # Whoever keeps state from these lines has to know that it starts over.
            return _json(
                {
                    "event": "reset",
                    "channel": event.channel,
                    "position": event.position,
                    "reason": event.reason,
                }
            )
        case _:
            return None


def _json(value: object) -> str:
    return dump(value).decode()


def _stored(file: Path) -> str | None:
    """The position a file holds, None where there is no file yet."""
    try:
        text = file.read_text().strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error}.") from error
    if parse(text) is None:
        raise click.ClickException(f"{file} does not hold a position.")
    return text


def _store(file: Path, position: str) -> None:
    """Replaced as a whole: there is always an old position or a new one."""
    beside = file.with_name(f"{file.name}.new")
    try:
        beside.write_text(f"{position}\n")
        beside.replace(file)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error}.") from error
