"""`livewire init`: a configuration for a real desk, and the first editor's way in."""

import json
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import click

from channels.events import SLUG
from livewire.app import assemble
from livewire.cli.publish import login_name
from livewire.cli.signing import a_name, sign_in_link
from livewire.settings import CONFIG, SECTIONS, BadSettings, load, origin

LINK_HOURS = 24


@dataclass(frozen=True, slots=True)
class Desk:
    """What a desk has to say about itself before it can start."""

    site_name: str
    base_url: str
    sections: dict[str, str]  # slug to title

    @property
    def port(self) -> int:
        """Where to listen: where the address points, if that is this machine."""
        parts = urlsplit(self.base_url)
        return (parts.port or 8000) if parts.scheme == "http" else 8000


@click.command()
@click.option("--site-name", help="What readers see on every page.")
@click.option("--base-url", help="How readers reach the site.")
@click.option(
    "--section", "sections", multiple=True, help="slug=Title; repeatable, in order."
)
@click.option("--editor", help="The name of the first editor.")
@click.option("--force", is_flag=True, help="Overwrite what is there.")
def init(
    site_name: str | None,
    base_url: str | None,
    sections: tuple[str, ...],
    editor: str | None,
    *,
    force: bool,
) -> None:
    """Write livewire.toml for a desk of your own; asks what is not given."""
    file = Path(os.environ.get(CONFIG, "livewire.toml"))
    if file.exists() and not force:
        raise click.ClickException(f"{file} exists; --force overwrites it.")
    desk = Desk(
        a_name(site_name or click.prompt("Name of the site", default="Livewire")),
        _address(base_url or click.prompt("Its address", default=_HERE)),
        _sections(sections or _ask_for_sections()),
    )
    editor = a_name(editor or click.prompt("First editor", default=login_name()))
    link = _set_up(file, desk, editor)
    click.echo(f"{file} is written. Start the service:\n\n  livewire serve\n")
    click.echo(f"Then {editor} signs in here, once, within {LINK_HOURS} hours:\n")
    click.echo(f"  {link}\n")
    if urlsplit(desk.base_url).scheme == "https":
        click.echo(
            f"{desk.base_url} has to lead to 127.0.0.1:{desk.port}, by a proxy that"
            " does not buffer."
        )
    click.echo("`livewire doctor` checks the machine.")


def _set_up(file: Path, desk: Desk, editor: str) -> str:
    """Write the file, make data directory and secret; the editor's link.

    A file that does not load is taken back. Raises `click.ClickException`.
    """
    before = file.read_bytes() if file.exists() else None
    file.write_text(written(desk), encoding="utf-8")
    try:
        settings = load()
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        parts = assemble(settings)
        scopes = settings.roles.get("chief", ("admin",))
        return sign_in_link(parts, editor, scopes, lifetime=timedelta(hours=LINK_HOURS))
    except (BadSettings, OSError) as error:
        if before is None:
            file.unlink()
        else:
            file.write_bytes(before)
        raise click.ClickException(str(error)) from error


def written(desk: Desk) -> str:
    """The text of the configuration file."""
    titles = "\n".join(f"{slug} = {_quoted(t)}" for slug, t in desk.sections.items())
    return f"""\
# The configuration of this desk. A variable LIVEWIRE_<NAME> beats the line of that
# name; a name that the service does not know is an error.

# What readers see on every page.
site_name = {_quoted(desk.site_name)}

# How readers reach the site; permalinks and sign-in links begin with it.
base_url = {_quoted(desk.base_url)}

# Where the service listens. Keep it on this machine, behind a proxy that does TLS; on
# any other address LIVEWIRE_SECRET has to be set.
host = "127.0.0.1"
port = {desk.port}

# The log, the pictures and the secret that signs tokens. On a disk of this machine.
data_dir = "data"

# The language of the site's own words.
language = "en"

# Minutes for which an alert is breaking.
breaking_minutes = 45

# Hours after which an editor signs in again.
session_hours = 16

# The sections in the site's order: slug = "Title". A story that names none is in the
# first one.
[sections]
{titles}

# Who may do what, as named sets of scopes; without this table there are contributor,
# editor and chief.
# [roles]
# editor = ["follow:*", "submit:*", "publish:*"]
# chief = ["follow:*", "submit:*", "publish:*", "breaking:*", "purge:*"]
"""


_HERE = "http://127.0.0.1:8000"


def _ask_for_sections() -> tuple[str, ...]:
    usual = ", ".join(f"{slug}={title}" for slug, title in SECTIONS.items())
    answer: str = click.prompt("Sections, as slug=Title, with commas", default=usual)
    return tuple(answer.split(","))


def _sections(given: tuple[str, ...]) -> dict[str, str]:
    sections: dict[str, str] = {}
    for each in given:
        slug, _, title = (part.strip() for part in each.partition("="))
        if SLUG.fullmatch(slug) is None:
            raise click.UsageError(
                f"{slug!r} is no slug: small letters, digits and hyphens, at most 64."
            )
        sections[slug] = a_name(title or slug.replace("-", " ").title())
    return sections


def _address(text: str) -> str:
    try:
        return origin(text.strip().removesuffix("/"))
    except ValueError as error:
        raise click.UsageError(f"{error}.") from error


def _quoted(text: str) -> str:
    """A basic string of TOML: of printable text, what JSON makes of it."""
    return json.dumps(text, ensure_ascii=False)
