"""`livewire demo`: the service with a written night of coverage playing on it."""

import asyncio
import logging
from datetime import timedelta

import click

from channels.errors import LivewireError
from livewire.app import new_id, now
from livewire.cli.signing import sign_in_link
from livewire.demo.night import load as load_night
from livewire.demo.player import DemoFailed, Pace, Player
from livewire.parts import Parts
from livewire.readiness import require
from livewire.server import run
from livewire.settings import BadSettings, load
from publishers.permissions import ROLES


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="TCP port.")
@click.option("--speed", default=1.0, show_default=True, help="2 plays twice as fast.")
def demo(host: str | None, port: int | None, speed: float) -> None:
    """Play an election night, in a data directory of its own."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    given = {"host": host, "port": port}
    asked = {name: value for name, value in given.items() if value is not None}
    try:
        usual = load(asked)
        own = {
            "site_name": "The Lindhaven Courier",
            "data_dir": usual.data_dir / "demo",
            # Beside the real site, where both are on one Redis.
            "redis_prefix": f"{usual.redis_prefix[:59]}-demo",
            "redis_accept_loss": True,  # what is lost can be played again
            # The usual secret, so that `livewire tail` and `publish` work as usual.
            "secret": usual.signing_secret().decode(),
        }
        settings = load({**asked, **own})
        asyncio.run(require(settings))
        pace = Pace(
            shortest=6 / speed,
            longest=24 / speed,
            a_minute=3.5 / speed,
            intermission=120 / speed,
        )
        run(settings, lambda parts: _play(parts, pace))
    except (BadSettings, LivewireError, DemoFailed) as error:
        raise click.ClickException(str(error)) from error


async def _play(parts: Parts, pace: Pace) -> None:
    def sign(name: str, days: float = 1) -> str:
        lifetime = timedelta(days=days)
        scopes = ROLES["chief"]
        return parts.keyring.sign(
            name, scopes, now=now(), lifetime=lifetime, id_=new_id()
        )

    player = Player(
        parts.publishing,
        load_night(),
        sign=sign,
        widths=parts.settings.media_widths,
        pace=pace,
    )
    click.echo("Setting the scene: pictures and the first half of the night ...")
    slug = await player.begin()
    _tell(parts, slug, sign("demo", days=30))
    await player.play()


def _tell(parts: Parts, slug: str, token: str) -> None:
    address = parts.settings.address
    link = sign_in_link(parts, "demo", ROLES["chief"], lifetime=timedelta(days=1))
    curl = (
        f"curl -X POST {address}/api/stories/{slug}/updates"
        f" -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json'"
        """ -d '{"headline": "It works", "body": "Posted from a **terminal**."}'"""
    )
    click.echo(
        f"""
  Front page      {address}/
  Live story      {address}/live/{slug}
  Newsroom        {link}
  Token           {token}

  Publish an update from another terminal:

  {curl}

  The night goes on by itself. Ctrl+C stops it; the next start goes on from there.
"""
    )
