"""Links and sessions, without HTTP."""

from datetime import UTC, datetime, timedelta

import pytest

from channels.errors import NotSignedIn, UsedTicket
from channels.records import Record, Value
from livewire.app import new_id
from livewire.newsroom.sessions import Session, Sessions
from publishers.permissions import Grant
from publishers.tokens import Keyring

SCOPES = frozenset({"publish:story/night"})


class Shelf:
    """Records in memory: `put` alone is asked for here."""

    def __init__(self) -> None:
        self.kept: dict[str, Record] = {}

    async def get(self, name: str) -> Record | None:
        return self.kept.get(name)

    async def put(self, name: str, value: Value, *, seen: int) -> Record | None:
        if name in self.kept:
            return None
        self.kept[name] = Record(name, seen + 1, value)
        return self.kept[name]

    async def scan(self, prefix: str) -> tuple[Record, ...]:
        return tuple(r for n, r in self.kept.items() if n.startswith(prefix))

    async def delete(self, name: str) -> None:
        self.kept.pop(name, None)


@pytest.fixture
def sessions() -> Sessions:
    ring = Keyring(b"s" * 32, "livewire", "livewire")
    return Sessions(ring, Shelf(), "https://desk.example", new_id, timedelta(hours=16))


def ticket_of(sessions: Sessions, **given: timedelta) -> str:
    link = sessions.link("ines", SCOPES, datetime.now(UTC), **given)
    address, _, ticket = link.partition("?ticket=")
    assert address == "https://desk.example/newsroom/sign-in"
    return ticket


async def test_a_ticket_gives_a_session_with_its_rights(sessions: Sessions) -> None:
    token = await sessions.redeem(ticket_of(sessions), datetime.now(UTC))
    assert sessions.session(token).grant == Grant("ines", SCOPES)


async def test_a_ticket_works_once(sessions: Sessions) -> None:
    ticket = ticket_of(sessions)
    await sessions.redeem(ticket, datetime.now(UTC))
    with pytest.raises(UsedTicket):
        await sessions.redeem(ticket, datetime.now(UTC))


async def test_an_expired_ticket_is_refused(sessions: Sessions) -> None:
    ticket = ticket_of(sessions, lifetime=timedelta(seconds=-1))
    with pytest.raises(NotSignedIn):
        await sessions.redeem(ticket, datetime.now(UTC))


async def test_tickets_sessions_and_api_tokens_do_not_stand_for_each_other(
    sessions: Sessions,
) -> None:
    ticket = ticket_of(sessions)
    session = await sessions.redeem(ticket, datetime.now(UTC))
    for token, read in (
        (ticket, sessions.session),
        (session, sessions.ticket),
        (session, sessions.keyring.grant),
        (ticket, sessions.keyring.grant),
    ):
        with pytest.raises(NotSignedIn):
            read(token)


def test_a_form_token_is_one_sessions_own(sessions: Sessions) -> None:
    one, other = Session(Grant("ines"), "1"), Session(Grant("ines"), "2")
    assert sessions.is_form_token(one, sessions.form_token(one))
    assert not sessions.is_form_token(other, sessions.form_token(one))
    assert not sessions.is_form_token(one, "")
    assert not sessions.is_form_token(one, "é")
