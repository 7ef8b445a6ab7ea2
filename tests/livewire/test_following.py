"""A reader's place in a channel, frame by frame, without a connection."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livewire.following import (
    Change,
    Closed,
    Event,
    Heartbeat,
    Live,
    Reader,
    Reset,
    Trimmed,
)
from livewire.problems import Problem

AT = "2026-11-22T20:04:05.123Z"
CHANNEL = "story/night"


def hear(reader: Reader, name: str, **members: object) -> list[Event]:
    return list(reader.hear(name, json.dumps({"channel": CHANNEL, **members})))


def ready(reader: Reader, position: str, top: str, floor: int = 0) -> list[Event]:
    return hear(reader, "ready", position=position, top=top, floor=floor)


def reset(reader: Reader, top: str) -> list[Event]:
    return hear(
        reader, "reset", position="aaaaaaaa-0", top=top, floor=0, reason="epoch"
    )


def update(
    reader: Reader, seq: int, key: str = "update/1", **more: object
) -> list[Event]:
    members = {"position": f"aaaaaaaa-{seq}", "key": key, "at": AT, "data": {"n": seq}}
    return hear(reader, "update", **(members | more))


def kinds(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_a_reader_is_live_once_it_holds_the_top() -> None:
    reader = Reader(CHANNEL, "0")
    assert ready(reader, "aaaaaaaa-0", "aaaaaaaa-2") == []
    assert kinds(update(reader, 1)) == ["Change"]
    assert kinds(update(reader, 2)) == ["Change", "Live"]
    assert kinds(update(reader, 3)) == ["Change"]


def test_a_reader_that_has_everything_is_live_at_once() -> None:
    events = ready(Reader(CHANNEL, None), "aaaaaaaa-2", "aaaaaaaa-2")
    assert events == [Live(CHANNEL, "aaaaaaaa-2")]


def test_an_empty_channel_is_live_at_once() -> None:
    assert ready(Reader(CHANNEL, None), "0", "0") == [Live(CHANNEL, "0")]


@given(st.lists(st.integers(1, 30), max_size=60))
def test_numbers_only_ever_rise(seqs: list[int]) -> None:
    reader = Reader(CHANNEL, "0")
    ready(reader, "aaaaaaaa-0", "aaaaaaaa-40")
    heard = [event for seq in seqs for event in update(reader, seq)]
    numbers = [int(e.position.split("-")[1]) for e in heard if isinstance(e, Change)]
    assert numbers == sorted(set(numbers))


def test_nothing_counts_before_the_channel_is_opened() -> None:
    reader = Reader(CHANNEL, "aaaaaaaa-1")
    assert update(reader, 2) == []
    assert reader.position == "aaaaaaaa-1"


def test_a_reset_names_the_keys_there_are() -> None:
    reader = Reader(CHANNEL, "bbbbbbbb-7")
    assert reset(reader, "aaaaaaaa-3") == [Reset(CHANNEL, "aaaaaaaa-0", "epoch")]
    update(reader, 1, "update/1")
    update(reader, 2, "update/2")
    events = update(reader, 3, "update/2", data=None)
    assert isinstance(events[0], Change)
    assert events[0].data is None
    assert events[1] == Live(CHANNEL, "aaaaaaaa-3", frozenset({"update/1"}))


def test_a_reset_goes_on_in_the_next_connection_and_ends_at_its_top() -> None:
    reader = Reader(CHANNEL, "bbbbbbbb-7")
    reset(reader, "aaaaaaaa-2")
    update(reader, 1, "update/1")
    reader.connect()
    assert ready(reader, "aaaaaaaa-1", "aaaaaaaa-3") == []
    update(reader, 2, "update/2")
    *_, live = update(reader, 3, "update/3")
    named = frozenset({"update/1", "update/2", "update/3"})
    assert live == Live(CHANNEL, "aaaaaaaa-3", named)
    reader.connect()
    again = ready(reader, "aaaaaaaa-3", "aaaaaaaa-3")
    assert again == [Live(CHANNEL, "aaaaaaaa-3")]


@pytest.mark.parametrize("top", ["aaaaaaaa-4", "bbbbbbbb-9"])
def test_a_reader_cut_on_its_way_doubts_a_log_that_may_have_lost_its_end(
    top: str,
) -> None:
    reader = Reader(CHANNEL, "0")
    ready(reader, "aaaaaaaa-0", "aaaaaaaa-5")
    update(reader, 2)
    reader.connect()
    assert ready(reader, "aaaaaaaa-2", top) == []
    assert reader.left
    assert reader.position == "0"
    reader.connect()
    ready(reader, "aaaaaaaa-0", "aaaaaaaa-1")
    assert update(reader, 1)[-1] == Live(CHANNEL, "aaaaaaaa-1", frozenset({"update/1"}))


def test_a_reader_cut_at_the_top_goes_on() -> None:
    reader = Reader(CHANNEL, "0")
    ready(reader, "aaaaaaaa-0", "aaaaaaaa-2")
    update(reader, 2)
    reader.connect()
    assert ready(reader, "aaaaaaaa-2", "bbbbbbbb-3") == []
    assert not reader.left


def test_a_floor_that_rises_is_told_once() -> None:
    reader = Reader(CHANNEL, None)
    assert kinds(ready(reader, "aaaaaaaa-9", "aaaaaaaa-9", floor=4)) == [
        "Trimmed",
        "Live",
    ]
    pulse = {"top": "aaaaaaaa-9", "floor": 5, "readers": 2, "stalled": False}
    first = hear(reader, "heartbeat", at=AT, channels={CHANNEL: pulse})
    second = hear(reader, "heartbeat", at=AT, channels={CHANNEL: pulse})
    assert first[0] == Trimmed(CHANNEL, "aaaaaaaa-9", 5)
    assert kinds(second) == ["Heartbeat"]
    assert isinstance(second[0], Heartbeat)
    assert second[0].readers == 2


def test_a_heartbeat_is_heard_while_the_service_waits_for_its_log() -> None:
    reader = Reader(CHANNEL, "aaaaaaaa-1")
    pulse = {"readers": 0, "stalled": True}
    (beat,) = hear(reader, "heartbeat", at=AT, channels={CHANNEL: pulse})
    assert isinstance(beat, Heartbeat)
    assert (beat.position, beat.stalled) == ("aaaaaaaa-1", True)
    above = pulse | {"top": "aaaaaaaa-9", "floor": 5}
    assert kinds(hear(reader, "heartbeat", at=AT, channels={CHANNEL: above})) == [
        "Heartbeat"
    ]
    # What lies below the floor is told once the channel is open.
    assert kinds(ready(reader, "aaaaaaaa-9", "aaaaaaaa-9", floor=5)) == [
        *("Trimmed", "Live")
    ]


def test_an_unknown_event_moves_the_reader_on_in_silence() -> None:
    reader = Reader(CHANNEL, None)
    ready(reader, "aaaaaaaa-1", "aaaaaaaa-1")
    poll = {"position": "aaaaaaaa-2", "key": "poll/1", "at": AT, "data": {}}
    assert hear(reader, "poll", **poll) == []
    assert hear(reader, "applause", volume=11) == []
    assert reader.position == "aaaaaaaa-2"


def test_a_close_says_whether_to_come_back() -> None:
    reader = Reader(CHANNEL, None)
    assert hear(reader, "close", reason="draining", reconnect=True) == []
    assert (reader.left, reader.final) == ("draining", False)
    closed = hear(reader, "close", reason="revoked", reconnect=False)
    assert closed == [Closed(CHANNEL, "revoked")]
    assert reader.final


def test_a_problem_of_the_service_passes_and_one_of_ours_does_not() -> None:
    reader = Reader(CHANNEL, None)
    assert hear(reader, "problem", status=503, title="Not now", type="x") == []
    with pytest.raises(Problem) as caught:
        hear(reader, "problem", status=404, title="There is no such channel", type="x")
    assert caught.value.status == 404


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"position": "0"}'])
def test_what_cannot_be_read_is_a_problem(text: str) -> None:
    with pytest.raises(Problem, match="cannot read"):
        list(Reader(CHANNEL, None).hear("ready", text))
