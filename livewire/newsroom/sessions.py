"""Signing in by link: a ticket good for one sign-in, a session, and its form tokens.

The laws: a ticket works once, whoever redeems it first; a session is a signed token in
a cookie that scripts cannot read; what changes something needs a form token, which only
a page of the same session holds.
"""

import hmac
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from channels.errors import NotSignedIn, UsedTicket
from channels.events import timestamp
from channels.records import Records
from publishers.permissions import Grant
from publishers.tokens import Keyring

LINK_LIFETIME = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Session:
    """Who is signed in: what they may do, and the id their form tokens hang on."""

    grant: Grant
    id: str


@dataclass(frozen=True, slots=True)
class Sessions:
    """Makes and reads links, sessions and form tokens. `new_id` gives UUIDs."""

    keyring: Keyring
    records: Records
    base_url: str  # without a slash at the end
    new_id: Callable[[], str]
    lifetime: timedelta  # of a session

    def link(
        self,
        subject: str,
        scopes: Collection[str],
        now: datetime,
        *,
        lifetime: timedelta = LINK_LIFETIME,
    ) -> str:
        """The address that signs `subject` in, once, with these scopes (not roles)."""
        ticket = self.keyring.sign(
            subject, scopes, now=now, lifetime=lifetime, id_=self.new_id(), use="link"
        )
        return f"{self.base_url}/newsroom/sign-in?ticket={quote(ticket)}"

    def ticket(self, text: str) -> Session:
        """Whom a ticket signs in. Raises `NotSignedIn`; says nothing of its use."""
        return self._read(text, use="link")

    async def redeem(self, text: str, now: datetime) -> str:
        """The session a ticket gives. Raises `NotSignedIn`, `UsedTicket`."""
        ticket = self.ticket(text)
        name, value = f"ticket/{ticket.id}", {"used": timestamp(now)}
        if await self.records.put(name, value, seen=0) is None:
            raise UsedTicket
        grant = ticket.grant
        return self.keyring.sign(
            grant.subject,
            grant.scopes,
            now=now,
            lifetime=self.lifetime,
            id_=self.new_id(),
            use="session",
        )

    def session(self, text: str) -> Session:
        """Who a session's token stands for. Raises `NotSignedIn`."""
        return self._read(text, use="session")

    def form_token(self, session: Session) -> str:
        """What the forms of this session carry, 64 hexadecimal digits."""
        message = f"newsroom form\n{session.id}".encode()
        return hmac.digest(self.keyring.secret, message, "sha256").hex()

    def is_form_token(self, session: Session, given: str) -> bool:
        """Whether `given` is this session's form token, told in constant time."""
        return hmac.compare_digest(self.form_token(session).encode(), given.encode())

    def _read(self, text: str, *, use: str) -> Session:
        id_ = self.keyring.read(text, use=use).get("jti")
        if not isinstance(id_, str):
            raise NotSignedIn("The token is not valid.", sent=True)
        return Session(self.keyring.grant(text, use=use), id_)
