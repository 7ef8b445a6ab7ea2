"""Channel names, numbers and times."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.events import (
    EVENT_TYPES,
    Append,
    instant,
    is_bounded,
    is_channel,
    is_for_editors,
    number,
    slug_of,
    timestamp,
)
from tests.channels.samples import new_event

SLUG = "a" * 64


@pytest.mark.parametrize(
    "name",
    [
        *("breaking", "latest", "stories", "newsroom"),
        *("story/x", "story/9-", "section/world", "newsroom/x", f"story/{SLUG}"),
    ],
)
def test_the_grammar_takes(name: str) -> None:
    assert is_channel(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "story", "section", "story/", "story/X", "story/-x", "story/x\n"),
        *("stories/x", "breaking/x", "newsroom/", "story/x/y", " story/x", "update/1"),
        *(f"story/{SLUG}a", "story/é", "story/x,breaking", "story/٣"),
    ],
)
def test_the_grammar_refuses(name: str) -> None:
    assert not is_channel(name)


def test_what_a_channel_is_follows_from_its_name() -> None:
    kinds = {
        "breaking": (True, False, None),
        "latest": (True, False, None),
        "section/x": (True, False, None),
        "stories": (False, False, None),
        "story/x": (False, False, "x"),
        "newsroom": (False, True, None),
        "newsroom/x": (False, True, None),
    }
    for name, kind in kinds.items():
        assert (is_bounded(name), is_for_editors(name), slug_of(name)) == kind


def test_event_types_are_found_by_name() -> None:
    assert list(EVENT_TYPES) == ["update", "story", "card", "item", "entry"]
    assert all(name == found for name, found in EVENT_TYPES.items())


@given(st.integers(0, 10**15), st.lists(st.text(max_size=3), max_size=5))
def test_an_append_is_numbered_from_the_top(top: int, keys: list[str]) -> None:
    news = tuple([new_event(key, {"n": n}) for n, key in enumerate(keys)])
    entries = number(Append("story/x", news), "aaaaaaaa", top)
    assert [each.event.seq for each in entries] == [
        *range(top + 1, top + 1 + len(keys))
    ]
    for new, entry in zip(news, entries, strict=True):
        event = entry.event
        assert (event.channel, event.epoch) == ("story/x", "aaaaaaaa")
        assert (event.key, event.version, event.type) == (new.key, 1, "update")
        assert (event.id, event.at, event.data) == (new.id, new.at, new.data)
        assert entry.private is new.private


@given(
    st.datetimes(
        datetime(1900, 1, 1),
        timezones=st.integers(-14, 14).map(lambda h: timezone(timedelta(hours=h))),
    )
)
def test_a_time_is_kept_to_the_millisecond(at: datetime) -> None:
    text = timestamp(at)
    assert len(text) == len("2026-11-22T20:04:05.123Z")
    assert instant(text) == at - timedelta(microseconds=at.microsecond % 1000)
    assert instant(text).tzinfo is UTC


def test_times_sort_as_text() -> None:
    first = datetime(2026, 11, 22, 23, 30, tzinfo=timezone(timedelta(hours=5)))
    second = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)
    assert timestamp(first) == "2026-11-22T18:30:00.000Z" < timestamp(second)


@pytest.mark.parametrize("text", ["", "noon", "2026-11-22T20:04:05"])
def test_a_time_without_a_zone_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"zone|Invalid"):
        instant(text)
