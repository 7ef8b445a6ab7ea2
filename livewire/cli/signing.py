"""Whom a command signs for, and how it lets them into the newsroom."""

from collections.abc import Collection
from datetime import timedelta

import click

from livewire.app import now
from livewire.newsroom.sessions import LINK_LIFETIME
from livewire.parts import Parts


def a_name(text: str) -> str:
    """The name without blanks around it. Raises `click.UsageError` where it is none."""
    name = text.strip()
    if not name or not name.isprintable():
        raise click.UsageError(f"{text!r} is no name.")
    return name


def sign_in_link(
    parts: Parts,
    name: str,
    scopes: Collection[str],
    *,
    lifetime: timedelta = LINK_LIFETIME,
) -> str:
    """The address that signs `name` in, once, with these scopes."""
    return parts.sessions.link(name, scopes, now(), lifetime=lifetime)
