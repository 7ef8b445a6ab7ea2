"""One follow on one line, without a hub."""

from channels.encoding import Encoded
from channels.follow import Follow
from channels.positions import Extent
from channels.view import View
from tests.channels.samples import ONE, event, extent
from tests.channels.scripted import Line


class Walk:
    """The hub's part: who is live."""

    def __init__(self, *keys: str) -> None:
        events = [event(seq, key) for seq, key in enumerate(keys, 1)]
        self.view = View("story/night", extent(len(events)), events)
        self.live: list[Follow] = []
        self.is_behind = False

    def join(self, follow: Follow) -> None:
        self.live.append(follow)

    def leave(self, follow: Follow) -> None:
        self.live.remove(follow)

    def holds_back(self, follow: Follow) -> bool:
        return self.is_behind

    def follow(self, line: Line, seq: int) -> Follow:
        follow = Follow(self.view, line, seq, self)
        line.follows["story/night"] = follow
        return follow

    def append(self, key: str) -> None:
        seq = self.view.extent.top + 1
        for encoded in self.view.apply([event(seq, key)], extent(seq)):
            for follow in tuple(self.live):
                follow.take(encoded)


def test_it_opens_catches_up_and_goes_live_in_one_step() -> None:
    walk, line = Walk("a", "b", "a"), Line()
    follow = walk.follow(line, 0)
    follow.open(None)
    assert walk.live == [follow]
    walk.append("c")
    assert line.read() == [
        f"ready {ONE}-0",
        f"b {ONE}-2",
        f"a {ONE}-3",
        f"c {ONE}-4",
    ]
    assert str(follow.position) == f"{ONE}-4"


def test_it_starts_after_its_position() -> None:
    walk, line = Walk("a", "b", "c"), Line()
    walk.follow(line, 2).open(None)
    assert line.read() == [f"ready {ONE}-2", f"c {ONE}-3"]


def test_a_reset_is_said_with_its_reason() -> None:
    walk, line = Walk("a"), Line()
    walk.follow(line, 0).open("ahead")
    assert line.read() == [f"reset {ONE}-0 ahead", f"a {ONE}-1"]


def test_what_it_holds_is_not_written_again() -> None:
    walk, line = Walk("a"), Line()
    follow = walk.follow(line, 1)
    follow.take(Encoded(event(1, "a")))
    assert line.frames == []


def test_a_full_line_costs_a_number() -> None:
    walk, line = Walk(), Line(room=2)
    follow = walk.follow(line, 0)
    follow.open(None)
    for key in "abacada":
        walk.append(key)
    assert walk.live == []
    assert len(line.frames) == 2
    assert (follow.seq, follow.goal) == (1, 0)
    assert [frame["position"] for frame in line.drain()] == ["0", f"{ONE}-1"]
    assert line.read() == [
        f"b {ONE}-2",
        f"c {ONE}-4",
        f"d {ONE}-6",
        f"a {ONE}-7",
    ]
    assert walk.live == [follow]


def test_a_line_that_fills_on_the_opening_frame_goes_on_when_it_drains() -> None:
    walk, line = Walk("a", "b"), Line(room=1)
    follow = walk.follow(line, 0)
    follow.open(None)
    assert follow.paused
    assert walk.live == []
    assert line.read() == [f"ready {ONE}-0", f"a {ONE}-1", f"b {ONE}-2"]
    assert walk.live == [follow]


def test_the_position_includes_the_frame_that_filled_the_line() -> None:
    walk, line = Walk("a", "b"), Line(room=2)
    follow = walk.follow(line, 0)
    follow.open(None)
    assert follow.seq == 1


def test_pausing_twice_is_pausing_once() -> None:
    walk, line = Walk(), Line()
    follow = walk.follow(line, 0)
    follow.open(None)
    follow.pause()
    follow.pause()
    assert walk.live == []
    follow.resume()
    follow.resume()
    assert walk.live == [follow]


def test_what_the_channel_holds_back_is_written_when_it_lets_go() -> None:
    walk, line = Walk("a"), Line()
    follow = walk.follow(line, 0)
    walk.is_behind = True
    follow.open(None)
    assert (follow.live, follow.paused, walk.live) == (False, False, [])
    assert line.read() == [f"ready {ONE}-0"]
    walk.is_behind = False
    follow.resume()
    assert line.read() == [f"a {ONE}-1"]
    assert walk.live == [follow]


def test_it_knows_what_it_was_spared_on_the_way_to() -> None:
    walk, line = Walk("a", "b", "a"), Line(room=2)
    follow = walk.follow(line, 0)
    follow.open(None)
    # `a` of 1 was left out because of `a` of 3: the reader's state rests on 3.
    assert (follow.seq, follow.goal) == (2, 3)


def test_a_channel_without_events_opens_at_the_start() -> None:
    walk, line = Walk(), Line()
    assert walk.view.extent == Extent()
    walk.follow(line, 0).open(None)
    assert line.read() == ["ready 0"]
