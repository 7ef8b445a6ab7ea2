"""Commands of those who run the service: tokens, checks."""

import asyncio
from datetime import timedelta

import click

from channels.findings import Finding
from livewire.app import new_id, now
from livewire.cli.signing import a_name
from livewire.operations.doctor import examine
from livewire.readiness import look
from livewire.settings import BadSettings, load
from publishers.permissions import expand
from publishers.tokens import Keyring

SHORTEST_DAYS = 0.001  # about a minute and a half
LONGEST_DAYS = 3650  # ten years


def _days(_command: click.Context, _option: click.Parameter, days: float) -> float:
    """No `click.FloatRange`: it lets nan pass."""
    if not SHORTEST_DAYS <= days <= LONGEST_DAYS:
        raise click.BadParameter(
            f"a token is valid for {SHORTEST_DAYS} to {LONGEST_DAYS} days, not {days}."
        )
    return days


@click.command()
@click.option("--name", required=True, help="Who will use it; stands in the log.")
@click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    help="A scope (publish:story/*), a role (editor) or admin; repeatable.",
)
@click.option(
    "--days",
    default=30.0,
    show_default=True,
    callback=_days,
    help=f"How long it is valid: {SHORTEST_DAYS} to {LONGEST_DAYS}.",
)
def token(name: str, scopes: tuple[str, ...], days: float) -> None:
    """Print a token, and nothing else."""
    name = a_name(name)
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
    """Check machine, settings and Redis; exit 1 if something can be lost."""
    findings = [*examine(now()), *_of_redis()]
    for each in findings:
        mark = "WRONG" if each.grave else "note " if each.remedy else "ok   "
        click.echo(" ".join(filter(None, (mark, each.what, each.risk, each.remedy))))
    if any(each.grave for each in findings):
        raise SystemExit(1)


def _of_redis() -> list[Finding]:
    try:
        settings = load()
    except BadSettings:
        return []  # the examination has said so
    return asyncio.run(look(settings))
