"""Who may do what: scopes, and roles as named sets of them (RFC 9068, 2.2.3).

A scope is `<action>:<channel pattern>`, or `admin`, which is every action everywhere.
A pattern is a channel's name, or the beginning of one followed by `*`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from channels.errors import NotAllowed, NotSignedIn

ADMIN = "admin"
ACTIONS = ("follow", "submit", "publish", "breaking", "purge")

ROLES: Mapping[str, tuple[str, ...]] = {
    "contributor": ("follow:*", "submit:*"),
    "editor": ("follow:*", "submit:*", "publish:*"),
    "chief": ("follow:*", "submit:*", "publish:*", "breaking:*", "purge:*"),
}
"""The roles of a desk that configures none."""

_SCOPE = re.compile(
    rf"(?:{'|'.join(ACTIONS)}):(?:[a-z0-9/-]{{0,80}}\*|[a-z0-9/-]{{1,80}})"
)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a verified token allows. Without a token: no subject, no scopes."""

    subject: str = ""
    scopes: frozenset[str] = frozenset()

    def covers(self, action: str, channel: str) -> bool:
        """Whether `action` is allowed on `channel`."""
        if ADMIN in self.scopes:
            return True
        return any(_matches(scope, action, channel) for scope in self.scopes)

    def ever(self, action: str) -> bool:
        """Whether `action` is allowed on any channel at all."""
        return ADMIN in self.scopes or any(
            scope.startswith(f"{action}:") for scope in self.scopes
        )

    def require(self, action: str, channel: str) -> None:
        """Raises `NotSignedIn` without a token, `NotAllowed` without the scope."""
        if not self.subject:
            raise NotSignedIn
        if not self.covers(action, channel):
            raise NotAllowed(f"The token lacks {action}:{channel}.")


ANYBODY = Grant()


def _matches(scope: str, action: str, channel: str) -> bool:
    allowed, _, pattern = scope.partition(":")
    if allowed != action:
        return False
    if pattern.endswith("*"):
        return channel.startswith(pattern[:-1])
    return channel == pattern


def is_scope(text: str) -> bool:
    """Whether `text` keeps the grammar of scopes."""
    return text == ADMIN or _SCOPE.fullmatch(text) is not None


def expand(names: Iterable[str], roles: Mapping[str, Iterable[str]]) -> frozenset[str]:
    """Scopes as they are, roles as the scopes they stand for. Raises ValueError."""
    scopes: set[str] = set()
    for name in names:
        given = roles.get(name, (name,))
        for scope in given:
            if not is_scope(scope):
                raise ValueError(f"{scope!r} is neither a role nor a scope")
            scopes.add(scope)
    return frozenset(scopes)
