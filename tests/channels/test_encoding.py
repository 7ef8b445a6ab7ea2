"""Whatever an editor writes, a frame is one event, and its data comes back exactly."""

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.encoding import (
    Encoded,
    changes,
    dump,
    opening,
    retry_frame,
    sse_frame,
)
from channels.events import Event
from channels.positions import Position
from tests.channels.samples import ONE, Message, event, extent, messages

SPITEFUL = (
    "\r\n\0\x0b\x0c\x1c\x1d\x1e\x7f\x85\u2028\u2029\ufeff :\\\"'<>&é\u0305\U0001f5f3"
)
TEXT = st.text() | st.text(SPITEFUL) | st.just("\n\nevent: close\ndata: {}\n\n")
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4)
    ),
    max_leaves=12,
)
DATA = st.none() | st.dictionaries(TEXT, JSON, max_size=5)


def of(data: object) -> Encoded:
    assert data is None or isinstance(data, dict)
    return Encoded(event(7, "update/1", data))


def members(data: object) -> dict[str, object]:
    return {
        "channel": "story/night",
        "position": f"{ONE}-7",
        "key": "update/1",
        "at": "2026-11-22T20:04:05.123Z",
        "data": data,
    }


def only(stream: bytes) -> Message:
    (message,) = messages(stream)
    return message


@given(DATA)
def test_a_frame_is_one_event_and_gives_its_data_back(data: object) -> None:
    message = only(of(data).sse)
    assert (message.name, message.last_id) == ("update", f"{ONE}-7")
    assert json.loads(message.data) == members(data)


@given(DATA, DATA)
def test_frames_in_a_row_are_as_many_events(one: object, two: object) -> None:
    first, second = messages(of(one).sse + of(two).sse)
    assert json.loads(first.data) == members(one)
    assert json.loads(second.data) == members(two)


@given(DATA)
def test_no_client_that_splits_lines_its_own_way_splits_ours(data: object) -> None:
    text = of(data).sse.decode()
    assert text.splitlines() == text.split("\n")[:-1]
    assert len(text.splitlines()) == 4


@given(DATA)
def test_every_format_carries_the_same_object(data: object) -> None:
    encoded = of(data)
    assert json.loads(encoded.json) == {"event": "update"} | members(data)


@given(DATA)
def test_a_stream_of_several_shares_the_data_under_its_own_id(data: object) -> None:
    encoded = of(data)
    message = only(encoded.sse_with(f"{ONE}-7,{ONE}-3"))
    assert message == Message("update", only(encoded.sse).data, f"{ONE}-7,{ONE}-3")


@given(JSON)
def test_a_dump_is_one_line_of_the_same_json(value: object) -> None:
    text = dump(value)
    assert json.loads(text) == value
    assert len(text.decode().splitlines()) == 1


@pytest.mark.parametrize("character", "\u2028\u2029\x85")
def test_unicode_line_ends_are_escaped_even_after_a_backslash(character: str) -> None:
    text = dump(f"\\{character}\\")
    assert text == b'"\\\\\\u%04x\\\\"' % ord(character)
    assert json.loads(text) == f"\\{character}\\"


def test_bytes_are_made_once() -> None:
    encoded = of({"headline": "Polls close"})
    assert encoded.sse is encoded.sse
    assert encoded.json is encoded.json


def test_a_notice_has_no_id() -> None:
    frame = sse_frame("heartbeat", {"at": "now"})
    assert frame == b'event: heartbeat\ndata: {"at":"now"}\n\n'


def test_a_retry_is_no_event() -> None:
    assert retry_frame(3127) == b"retry: 3127\n\n"
    assert list(messages(retry_frame(3127))) == []


def test_ready_and_reset_say_where_the_reader_stands() -> None:
    there = extent(9, floor=2)
    assert opening("latest", there, Position(ONE, 4), None) == (
        "ready",
        {"channel": "latest", "position": f"{ONE}-4", "top": f"{ONE}-9", "floor": 2},
    )
    assert opening("latest", there, Position(ONE, 0), "trimmed") == (
        "reset",
        {
            "channel": "latest",
            "reason": "trimmed",
            "position": f"{ONE}-0",
            "top": f"{ONE}-9",
            "floor": 2,
        },
    )


@given(st.lists(DATA, max_size=4), st.booleans())
def test_an_answer_of_changes_is_one_json_document(
    datas: list[object], more: bool
) -> None:
    there = extent(9, floor=2)
    body = changes(
        "latest",
        there,
        Position(ONE, 7),
        "epoch" if more else None,
        [of(data) for data in datas],
        more=more,
    )
    assert json.loads(body) == {
        "channel": "latest",
        "position": f"{ONE}-7",
        "top": f"{ONE}-9",
        "floor": 2,
        "reset": "epoch" if more else None,
        "more": more,
        "events": [{"event": "update"} | members(data) for data in datas],
    }


def test_what_is_private_has_no_way_into_the_bytes() -> None:
    assert "private" not in {each.name for each in fields(Event)}
    assert set(json.loads(of(None).json)) == {"event", *members(None)}
