"""What a token, or none, may read: the service's answer to the transports' question."""

from channels.access import Reading
from channels.errors import NotSignedIn, UnknownChannel
from channels.events import is_channel, is_for_editors, slug_of
from channels.view import View
from publishers.fold import PUBLIC
from publishers.permissions import ANYBODY, Grant
from publishers.tokens import Keyring


class GrantReading:
    """Reading by a grant. A story not yet public is unknown to all but its desk."""

    def __init__(self, grant: Grant) -> None:
        self._grant = grant
        self.private = bool(grant.subject)

    def ask(self, channel: str) -> None:
        """Judge by the name alone, so that the answer tells nothing of what exists."""
        if is_for_editors(channel):
            self._grant.require("follow", channel)
        if not is_channel(channel):
            raise UnknownChannel(f"{channel[:100]!r} is not the name of a channel.")

    def see(self, view: View) -> None:
        """Judge by the story's status."""
        if slug_of(view.channel) is None or self._grant.covers("follow", view.channel):
            return
        story = view.get("story")
        data = story.data if story else None
        if data is None or not is_visible(data["status"], data["published"]):
            raise UnknownChannel(f"Nobody has opened {view.channel}.")


def is_visible(status: object, published: object) -> bool:
    """Whether readers without a token know of a story."""
    return status in PUBLIC or (status == "withdrawn" and published is not None)


class Tokens:
    """Turns an `Authorization` header into a grant (RFC 6750, section 2.1)."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def grant(self, authorization: str | None) -> Grant:
        """Raises `NotSignedIn`: a bad token is never served as if there were none."""
        if authorization is None:
            return ANYBODY
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise NotSignedIn("Authorization is 'Bearer' and a token.", sent=True)
        return self._keyring.grant(token.strip())

    def __call__(self, authorization: str | None) -> Reading:
        """The doorman's part: the right to read."""
        return GrantReading(self.grant(authorization))
