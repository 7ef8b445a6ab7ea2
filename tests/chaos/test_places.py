"""What a reader keeps between connections, and how it takes bytes apart."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.frames import Frame, Frames
from tests.chaos.places import Places

CHANNEL = "story/night"
STREAM = (
    b'retry: 250\n\nevent: ready\nid: aaaaaaaa-1\ndata: {"a": "b: c"}\n\n'
    b"event: heartbeat\ndata: {}\n\nevent: upd"
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_frames_are_the_same_wherever_the_bytes_were_torn(cuts: list[int]) -> None:
    frames, edges = Frames(), [0, *sorted(cuts), len(STREAM)]
    pieces = [STREAM[a:b] for a, b in pairwise(edges)]
    heard = [frame for piece in pieces for frame in frames.feed(piece)]
    assert heard == [
        Frame("ready", "aaaaaaaa-1", b'{"a": "b: c"}'),
        Frame("heartbeat", None, b"{}"),
    ]
    assert frames.retry == 0.25


def test_a_reader_has_arrived_when_it_is_at_every_top() -> None:
    places = Places((CHANNEL,))
    assert places.open(CHANNEL, "aaaaaaaa-1", "aaaaaaaa-3", anew=False)
    assert not places.have_reached({CHANNEL: "aaaaaaaa-1"})
    places.move(CHANNEL, "aaaaaaaa-3")
    assert places.have_reached({CHANNEL: "aaaaaaaa-3"})


def test_a_log_that_does_not_reach_the_top_it_told_is_asked_for_anew() -> None:
    places = Places((CHANNEL,))
    places.open(CHANNEL, "aaaaaaaa-1", "aaaaaaaa-9", anew=False)
    assert not places.open(CHANNEL, "aaaaaaaa-1", "aaaaaaaa-5", anew=False)
    places.forget()
    assert places.at == {CHANNEL: "0"}
    assert places.open(CHANNEL, "aaaaaaaa-0", "aaaaaaaa-5", anew=True)
