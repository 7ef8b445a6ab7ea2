"""The parts of one running service, and the store that they stand on."""

from dataclasses import dataclass
from typing import Protocol

from channels.audience import Audience
from channels.hub import Hub
from channels.log import Log
from channels.records import Records
from channels.signals import Signals
from channels.transports.connections import Connections
from livewire.losses import Losses
from livewire.newsroom.sessions import Sessions
from livewire.reader.pages import Pages
from livewire.settings import Settings
from publishers.api.publishing import Publishing
from publishers.tokens import Keyring


class Store(Protocol):
    """The three contracts in one place: a SQLite file, or a Redis."""

    @property
    def log(self) -> Log:
        """What is ordered."""

    @property
    def records(self) -> Records:
        """What is merely kept."""

    @property
    def signals(self) -> Signals:
        """What is only true now."""

    async def open(self) -> None:
        """Begin. Raises `LogInUse`, `LogUnavailable`."""

    async def close(self) -> None:
        """Finish what was asked, and let go."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts, for those who serve, test or play on them."""

    settings: Settings
    store: Store
    hub: Hub
    audience: Audience
    connections: Connections
    keyring: Keyring
    publishing: Publishing
    losses: Losses
    pages: Pages
    sessions: Sessions

    @property
    def log(self) -> Log:
        """The store's log."""
        return self.store.log

    @property
    def records(self) -> Records:
        """The store's records."""
        return self.store.records
