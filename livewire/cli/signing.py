"""How a command lets somebody into the newsroom of a service it has the secret of."""

from collections.abc import Collection
from datetime import timedelta

from livewire.app import Parts, new_id, now
from livewire.newsroom.sessions import LINK_LIFETIME, Sessions


def sign_in_link(
    parts: Parts,
    name: str,
    scopes: Collection[str],
    *,
    lifetime: timedelta = LINK_LIFETIME,
) -> str:
    """The address that signs `name` in, once, with these scopes."""
    settings = parts.settings
    sessions = Sessions(
        parts.keyring,
        parts.records,
        settings.address,
        new_id,
        timedelta(hours=settings.session_hours),
    )
    return sessions.link(name, scopes, now(), lifetime=lifetime)
