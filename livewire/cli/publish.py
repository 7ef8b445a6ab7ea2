"""`livewire publish`: one update, from a terminal or a script.

The law: a token signed here goes to the service of this machine and to no other.
"""

import asyncio
import getpass
import sys
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address
from typing import TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import click

from livewire.app import new_id, now
from livewire.client import Client, Problem, Written
from livewire.settings import BadSettings, Settings, load
from publishers.tokens import Keyring

OWN_LIFETIME = timedelta(minutes=5)
"""How long a token that a command signs for itself is good."""

F = TypeVar("F", bound=Callable[..., object])


def to_a_service(command: F) -> F:
    """Adds the options by which a command finds a service and is let in."""
    url = click.option(
        "--url", envvar="LIVEWIRE_URL", help="The service; default: the one here."
    )
    token = click.option(
        "--token", envvar="LIVEWIRE_TOKEN", help="Default: signed with the secret here."
    )
    return url(token(command))


def client_for(url: str | None, token: str | None, scopes: list[str]) -> Client:
    """A client of the service at `url`, or of the one that the settings describe.

    Without a token, one with `scopes` is signed for each request, if the secret is at
    hand and the service is on this machine. Raises `click.ClickException`.
    """
    try:
        settings = load()
        address = url or settings.address
        if token is None and _is_ours(address, settings) and _has_secret(settings):
            return Client(address, _signer(settings, scopes))
        return Client(address, token)
    except (BadSettings, ValueError) as error:
        raise click.ClickException(str(error)) from error


def failure(problem: Problem) -> click.ClickException:
    """A problem as the terminal shows it: one line, and one for each fault."""
    faults = [f"  {fault.pointer}: {fault.detail}" for fault in problem.errors]
    text = "\n".join([str(problem), *faults])
    if problem.status == 401:
        text += "\nGive --token or LIVEWIRE_TOKEN; `livewire token` prints one."
    return click.ClickException(text)


@click.command()
@click.argument("story")
@click.argument("text")
@click.option("--headline", help="Of the update; with --open, of the story.")
@click.option("--breaking", is_flag=True, help="Raise the alert.")
@click.option("--key-event", is_flag=True, help="List it among the key events.")
@click.option("--pinned", is_flag=True, help="Keep it on top of the story.")
@click.option("--source-name", help="Where the news comes from.")
@click.option("--source-url", help="The address of the source.")
@click.option("--open", "opening", is_flag=True, help="Open the story if it is new.")
@click.option("--key", help="Repeated with the same key, it is published once.")
@to_a_service
def publish(
    story: str,
    text: str,
    headline: str | None,
    source_name: str | None,
    source_url: str | None,
    key: str | None,
    url: str | None,
    token: str | None,
    *,
    opening: bool,
    **flags: bool,
) -> None:
    """Publish TEXT (Markdown; - reads it from the input) in STORY.

    Prints the permalink, then the position.
    """
    if opening and not headline:
        raise click.UsageError("--open needs --headline: it becomes the story's.")
    if source_url and not source_name:
        raise click.UsageError("--source-url needs --source-name.")
    update: dict[str, object] = {name: True for name, on in flags.items() if on}
    update["body"] = _input() if text == "-" else text
    if source_name:
        source = {"name": source_name, "url": source_url}
        update["source"] = {name: said for name, said in source.items() if said}
    scopes = [f"publish:story/{story}", f"breaking:story/{story}"]
    desk = client_for(url, token, scopes)
    work = _publish(desk, story, headline, update, key or str(uuid4()), opening=opening)
    try:
        written = asyncio.run(work)
    except Problem as problem:
        raise failure(problem) from problem
    click.echo(written.thing["permalink"])
    click.echo(written.position)


def _input() -> str:
    try:
        return sys.stdin.buffer.read().decode().rstrip()
    except UnicodeDecodeError as error:
        raise click.UsageError("The input is not UTF-8.") from error


async def _publish(
    desk: Client,
    story: str,
    headline: str | None,
    update: dict[str, object],
    key: str,
    *,
    opening: bool,
) -> Written:
    async with desk:
        if opening:
            # Opening comes first, so that the whole command can be repeated by its key.
            try:
                return await desk.open(
                    story, key=key, headline=headline, status="live", update=update
                )
            except Problem as problem:
                if problem.status != 409:
                    raise
        named = {"headline": headline} if headline else {}
        return await desk.publish(story, key=key, **named, **update)


def _is_ours(address: str, settings: Settings) -> bool:
    host = urlsplit(address).hostname or ""
    if address.rstrip("/") == settings.address or host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _has_secret(settings: Settings) -> bool:
    return bool(settings.secret) or (settings.data_dir / "secret").is_file()


def _signer(settings: Settings, scopes: list[str]) -> Callable[[], str]:
    ring = Keyring(
        settings.signing_secret(), settings.token_issuer, settings.token_audience
    )
    name = login_name()
    return lambda: ring.sign(
        name, scopes, now=now(), lifetime=OWN_LIFETIME, id_=new_id()
    )


def login_name() -> str:
    """Who sits at this terminal, as the system knows them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a user that the system does not know
        return "somebody"
