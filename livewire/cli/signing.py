"""How a command lets somebody into the newsroom of a service it has the secret of."""

from collections.abc import Collection
from datetime import timedelta

from livewire.app import Parts, now
from livewire.newsroom.sessions import LINK_LIFETIME


def sign_in_link(
    parts: Parts,
    name: str,
    scopes: Collection[str],
    *,
    lifetime: timedelta = LINK_LIFETIME,
) -> str:
    """The address that signs `name` in, once, with these scopes."""
    return parts.sessions.link(name, scopes, now(), lifetime=lifetime)
