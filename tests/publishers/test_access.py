"""publishers/access.py: what a token, or none, may read."""

from datetime import UTC, datetime, timedelta

import pytest

from channels.errors import NotAllowed, NotSignedIn, UnknownChannel
from channels.events import Data, Event
from channels.positions import Epoch, Extent
from channels.view import View
from publishers.access import GrantReading, Tokens, is_visible
from publishers.permissions import ANYBODY, Grant
from publishers.tokens import Keyring

NOW = datetime.now(UTC)
KEYRING = Keyring(b"0123456789abcdef0123456789abcdef", "livewire", "livewire")


def view(channel: str, data: Data | None = None) -> View:
    event = Event(channel, "epoch001", 1, "story", 1, "story", "id", NOW, data)
    return View(channel, Extent((Epoch("epoch001", 1),), 1), [event])


def reading(*scopes: str) -> GrantReading:
    return GrantReading(Grant("ines", frozenset(scopes)) if scopes else ANYBODY)


@pytest.mark.parametrize("channel", ["newsroom", "newsroom/night", "newsroom/none"])
def test_the_newsroom_asks_for_a_token_then_for_the_scope(channel: str) -> None:
    with pytest.raises(NotSignedIn):
        reading().ask(channel)
    with pytest.raises(NotAllowed):
        reading("follow:story/*").ask(channel)
    reading("follow:*").ask(channel)


@pytest.mark.parametrize(
    "name", ["", "story", "story/", "story/..", "story/A", "newsroomx", "story/a/b"]
)
def test_what_is_no_channels_name_is_unknown(name: str) -> None:
    with pytest.raises(UnknownChannel):
        reading().ask(name)


@pytest.mark.parametrize("name", ["latest", "stories", "breaking", "section/world"])
def test_derived_channels_are_everybodys(name: str) -> None:
    reading().ask(name)
    reading().see(view(name))


@pytest.mark.parametrize(
    ("status", "published", "visible"),
    [
        ("draft", None, False),
        ("scheduled", None, False),
        ("live", "2026", True),
        ("paused", "2026", True),
        ("ended", "2026", True),
        ("withdrawn", "2026", True),
        ("withdrawn", None, False),
    ],
)
def test_a_story_is_known_once_it_was_public(
    status: str, published: str | None, visible: bool
) -> None:
    assert is_visible(status, published) is visible
    shown = view("story/night", {"status": status, "published": published})
    reading("follow:story/night").see(shown)
    for reader in (reading(), reading("follow:story/other"), reading("publish:*")):
        if visible:
            reader.see(shown)
        else:
            with pytest.raises(UnknownChannel):
                reader.see(shown)


def test_a_channel_without_its_story_is_unknown() -> None:
    empty = View("story/night", Extent())
    with pytest.raises(UnknownChannel):
        reading().see(empty)


def test_what_is_read_by_token_is_private() -> None:
    assert reading("follow:*").private
    assert not reading().private


def test_no_header_is_anybody_and_a_bad_one_is_refused() -> None:
    tokens = Tokens(KEYRING)
    assert tokens.grant(None) is ANYBODY
    for header in ("", "Bearer", "Bearer  ", "Basic aWQ6cHc=", "Bearer x.y.z"):
        with pytest.raises(NotSignedIn):
            tokens(header)


def test_the_scheme_is_read_in_any_case() -> None:
    token = KEYRING.sign(
        "ines", {"follow:*"}, now=NOW, lifetime=timedelta(hours=1), id_="one"
    )
    reading = Tokens(KEYRING)(f"bearer {token}")
    reading.ask("newsroom")
    assert reading.private
