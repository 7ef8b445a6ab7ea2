"""A view against brute force: of each key the newest event, in the order of the log."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from channels.events import Event
from channels.positions import Position
from channels.view import View
from tests.channels.samples import ONE, event, extent

KEYS = st.lists(st.sampled_from("abcde"), max_size=30)


def log_of(keys: Sequence[str]) -> list[Event]:
    return [
        event(seq, key, {"n": seq} if seq % 5 else None)
        for seq, key in enumerate(keys, 1)
    ]


def newest(log: Sequence[Event], after: int) -> list[Event]:
    """By brute force: what no later event of the same key supersedes."""
    return [
        each
        for n, each in enumerate(log)
        if each.seq > after and each.key not in {later.key for later in log[n + 1 :]}
    ]


def held(view: View, after: int = 0) -> list[Event]:
    return [encoded.event for encoded in view.after(after)]


@given(KEYS, st.integers(0, 31), st.integers(0, 31))
def test_what_changed_is_the_newest_of_each_key(
    keys: list[str], after: int, floor: int
) -> None:
    log = log_of(keys)
    floor = min(floor, len(log))
    view = View("story/night", extent(len(log), floor=floor), log)
    assert held(view, after) == newest(log, max(after, floor))
    assert list(view) == newest(log, floor)
    assert len(view) == len(newest(log, floor))


@given(KEYS, st.lists(st.integers(1, 6)), st.integers(0, 8))
def test_taken_piece_by_piece_or_at_once_it_is_the_same(
    keys: list[str], sizes: list[int], bound: int
) -> None:
    log = log_of(keys)
    view = View("story/night", extent(0))
    start = 0
    for size in [*sizes, len(log)]:
        piece = log[start : start + size]
        if not piece:
            continue
        start += len(piece)
        now = extent(start, floor=max(0, start - bound))
        fresh = view.apply(piece, now)
        assert [each.event for each in fresh] == newest(piece, now.floor)
        assert view.extent == now
    at_once = View("story/night", view.extent, log)
    assert list(view) == list(at_once)


def test_an_event_is_encoded_once_for_all_who_ask() -> None:
    view = View("story/night", extent(1), [event(1)])
    (first,) = view.after(0)
    (second,) = view.after(0)
    assert first is second


def test_live_readers_and_late_ones_get_the_same_bytes() -> None:
    view = View("story/night", extent(0))
    (live,) = view.apply([event(1)], extent(1))
    (late,) = view.after(0)
    assert live.sse is late.sse


def test_a_key_is_looked_up() -> None:
    view = View("story/night", extent(2), [event(1, "a", {"n": 1}), event(2, "b")])
    assert view.get("a") == event(1, "a", {"n": 1})
    assert view.get("b") == event(2, "b")
    assert view.get("c") is None


def test_a_view_judges_by_its_extent() -> None:
    view = View("story/night", extent(3, floor=2))
    judged = [view.judge(Position(ONE, seq)) for seq in (0, 1, 2, 3, 4)]
    assert judged == [None, "trimmed", None, None, "ahead"]
