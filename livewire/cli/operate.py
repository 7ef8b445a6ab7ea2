"""Commands of those who run the service: tokens, checks."""

from datetime import timedelta

import click

from livewire.app import new_id, now
from livewire.operations.doctor import examine
from livewire.settings import BadSettings, load
from publishers.permissions import expand
from publishers.tokens import Keyring


@click.command()
@click.option("--name", required=True, help="Who will use it; stands in the log.")
@click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    help="A scope (publish:story/*), a role (editor) or admin; repeatable.",
)
@click.option("--days", default=30.0, show_default=True, help="How long it is valid.")
def token(name: str, scopes: tuple[str, ...], days: float) -> None:
    """Print a token, and nothing else."""
    try:
        settings = load()
        granted = expand([s for each in scopes for s in each.split()], settings.roles)
        ring = Keyring(
            settings.signing_secret(), settings.token_issuer, settings.token_audience
        )
    except (BadSettings, ValueError) as error:
        raise click.ClickException(str(error)) from error
    lifetime = timedelta(days=days)
    click.echo(ring.sign(name, granted, now=now(), lifetime=lifetime, id_=new_id()))


@click.command()
def doctor() -> None:
    """Check the machine and the settings; exit 1 if something can be lost."""
    findings = list(examine(now()))
    for each in findings:
        mark = "WRONG" if each.grave else "note " if each.remedy else "ok   "
        click.echo(" ".join(filter(None, (mark, each.what, each.risk, each.remedy))))
    if any(each.grave for each in findings):
        raise SystemExit(1)
