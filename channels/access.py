"""What one reader may follow; the transports ask, the service answers."""

from typing import Protocol

from channels.view import View


class Reading(Protocol):
    """One reader's right to read."""

    private: bool  # by token: what is served must not be kept by a shared cache

    def ask(self, channel: str) -> None:
        """Before the channel is looked up. Raises `NotSignedIn`, `NotAllowed`."""

    def see(self, view: View) -> None:
        """Raises `UnknownChannel` for what is hidden from this reader."""


class Doorman(Protocol):
    """Turns what a request carries into a right to read."""

    def __call__(self, authorization: str | None) -> Reading:
        """The reader's right. Raises `NotSignedIn` for a token that fails."""
