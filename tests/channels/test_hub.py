"""The hub over a log that does what it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from channels.errors import LogUnavailable, UnknownChannel
from channels.hub import Hub
from channels.positions import Extent, Position, parse
from tests.channels.samples import ONE, TWO, event, extent
from tests.channels.scripted import Line, ScriptedLog

NIGHT = "story/night"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Desk:
    """A hub, its log and its clock."""

    def __init__(self, *keys: str) -> None:
        self.clock = Clock()
        self.log = ScriptedLog(self.clock)
        self.hub = Hub(
            self.log,
            exists=["latest"],
            idle=60,
            cut_off=600,
            clock=self.clock,
            spread=0,
        )
        events = [event(seq, key) for seq, key in enumerate(keys, 1)]
        self.log.hold(*events, extent=extent(len(events)))

    def append(self, key: str, *, heard: bool = True) -> None:
        """Store one event in the first epoch; with `heard`, tell of it."""
        new = event(self.log.extent.top + 1, key)
        self.log.hold(*self.log.events, new, extent=extent(new.seq))
        if heard:
            self.log.tell(new, extent=extent(new.seq))

    async def join(self, since: str | None = "0", *, line: Line | None = None) -> Line:
        line = line or Line()
        position = None if since is None else parse(since)
        await self.hub.view(NIGHT, position)
        malformed = since is not None and position is None
        self.hub.follow(NIGHT, line, "malformed" if malformed else position)
        return line

    async def settle(self) -> None:
        """Let what is under way come to its end."""
        for _ in range(10):
            await asyncio.sleep(0)

    async def turn(self) -> None:
        """A second passes."""
        self.clock.now += 1
        self.hub.sweep()
        await self.settle()

    def stalled(self) -> object:
        return self.hub.pulse(NIGHT)["stalled"]


@asynccontextmanager
async def desk(*keys: str) -> AsyncIterator[Desk]:
    opened = Desk(*keys)
    try:
        yield opened
    finally:
        await opened.hub.close()
        assert opened.log.listeners == []


async def test_a_hundred_askers_are_one_read() -> None:
    async with desk("a") as d:
        d.log.gate.clear()
        asking = [asyncio.create_task(d.hub.view(NIGHT)) for _ in range(100)]
        await d.settle()
        d.log.gate.set()
        views = await asyncio.gather(*asking)
        assert d.log.reads == 1
        assert len({id(view) for view in views}) == 1
        await d.hub.view(NIGHT)
        assert d.log.reads == 1


async def test_a_hundred_positions_to_prove_are_two_reads() -> None:
    async with desk("a") as d:
        await d.hub.view(NIGHT)
        d.log.gate.clear()
        asking = [
            asyncio.create_task(d.hub.view(NIGHT, Position("garbage0", n)))
            for n in range(1, 101)
        ]
        await d.settle()
        d.log.gate.set()
        await asyncio.gather(*asking)
        # One for the first to ask, one begun after all the others had asked.
        assert d.log.reads == 1 + 2


async def test_a_load_outlives_the_first_to_ask() -> None:
    async with desk("a") as d:
        d.log.gate.clear()
        first = asyncio.create_task(d.hub.view(NIGHT))
        await d.settle()
        second = asyncio.create_task(d.hub.view(NIGHT))
        await d.settle()
        first.cancel()
        await d.settle()
        d.log.gate.set()
        view = await second
        assert first.cancelled()
        assert (len(view), d.log.reads) == (1, 1)


async def test_an_unknown_channel_leaves_no_listener_behind() -> None:
    async with desk() as d:
        with pytest.raises(UnknownChannel):
            await d.hub.view(NIGHT)
        assert d.log.listeners == []
        assert list(d.hub) == []
        d.append("story")
        assert len(await d.hub.view(NIGHT)) == 1


async def test_a_channel_that_always_exists_may_be_empty() -> None:
    async with desk() as d:
        view = await d.hub.view("latest")
        assert (len(view), view.extent) == (0, Extent())
        assert list(d.hub) == ["latest"]


async def test_a_load_that_fails_is_tried_again_by_the_next() -> None:
    async with desk("a") as d:
        d.log.away = True
        with pytest.raises(LogUnavailable):
            await d.hub.view(NIGHT)
        assert d.log.listeners == []
        d.log.away = False
        d.clock.now += 1
        assert len(await d.hub.view(NIGHT)) == 1


async def test_what_is_appended_while_history_is_read_is_not_missed() -> None:
    async with desk("a") as d:
        d.log.gate.clear()
        joining = asyncio.create_task(d.join())
        await d.settle()
        d.append("b")
        d.append("c")
        d.log.gate.set()
        line = await joining
        assert line.read() == [
            *(f"ready {ONE}-0", f"a {ONE}-1", f"b {ONE}-2", f"c {ONE}-3")
        ]
        assert d.log.reads == 1


async def test_a_story_opened_while_it_is_asked_for_is_known() -> None:
    async with desk() as d:
        d.log.gate.clear()
        joining = asyncio.create_task(d.join())
        await d.settle()
        d.append("story")
        d.log.gate.set()
        assert (await joining).read() == [f"ready {ONE}-0", f"story {ONE}-1"]


async def test_what_was_read_and_is_heard_late_is_not_said_twice() -> None:
    async with desk() as d:
        d.append("a")
        d.append("b")
        line = await d.join()
        d.log.tell(event(1, "a"), extent=extent(1))
        d.log.tell(event(1, "a"), event(2, "b"), extent=extent(2))
        await d.settle()
        assert line.read() == [f"ready {ONE}-0", f"a {ONE}-1", f"b {ONE}-2"]
        assert d.log.reads == 1


async def test_a_delivery_that_overlaps_brings_what_is_new() -> None:
    async with desk("a") as d:
        line = await d.join(None)
        d.log.tell(event(1, "a"), event(2, "b"), extent=extent(2))
        assert line.read() == [f"ready {ONE}-1", f"b {ONE}-2"]
        assert d.log.reads == 1


async def test_a_gap_is_read_from_the_log() -> None:
    async with desk("a") as d:
        line = await d.join()
        d.append("b", heard=False)
        d.append("c")
        assert len(line.frames) == 2
        await d.settle()
        assert line.read() == [
            *(f"ready {ONE}-0", f"a {ONE}-1", f"b {ONE}-2", f"c {ONE}-3")
        ]
        assert d.log.reads == 2


@pytest.mark.parametrize("seqs", [(2, 4), (2, 3), (3, 4), ()])
async def test_a_delivery_with_a_hole_is_not_believed(seqs: tuple[int, ...]) -> None:
    async with desk("a") as d:
        line = await d.join(None)
        for key in "bcd":
            d.append(key, heard=False)
        d.log.tell(*[event(seq, "abcd"[seq - 1]) for seq in seqs], extent=extent(4))
        await d.settle()
        assert line.read() == [
            *(f"ready {ONE}-1", f"b {ONE}-2", f"c {ONE}-3", f"d {ONE}-4")
        ]
        assert d.log.reads == 2


async def test_what_is_heard_while_reading_anew_follows_in_order() -> None:
    async with desk("a") as d:
        line = await d.join(None)
        d.append("b", heard=False)
        d.log.gate.clear()
        d.append("c")
        await d.settle()
        d.append("d")
        d.append("e")
        d.log.gate.set()
        await d.settle()
        assert line.read() == [
            f"ready {ONE}-1",
            *[f"{key} {ONE}-{n}" for n, key in enumerate("bcde", 2)],
        ]
        assert d.log.reads == 2


async def test_a_gap_while_reading_anew_makes_one_more_read() -> None:
    async with desk("a") as d:
        line = await d.join(None)
        d.append("b", heard=False)
        d.log.gate.clear()
        d.append("c")
        await d.settle()
        d.append("d", heard=False)
        d.append("e")
        d.append("f")
        d.log.gate.set()
        await d.settle()
        assert line.read() == [
            f"ready {ONE}-1",
            *[f"{key} {ONE}-{n}" for n, key in enumerate("bcdef", 2)],
        ]
        assert d.log.reads == 3


async def test_of_one_append_readers_get_the_newest_of_each_key() -> None:
    async with desk() as d:
        d.append("story")
        line = await d.join(None)
        news = [event(seq, key) for seq, key in enumerate("aba", 2)]
        d.log.tell(*news, extent=extent(4))
        assert line.read() == [f"ready {ONE}-1", f"b {ONE}-3", f"a {ONE}-4"]


async def test_a_new_epoch_without_loss_costs_nobody_anything() -> None:
    async with desk("a", "b") as d:
        line = await d.join()
        d.log.tell(event(3, "c", epoch=TWO), extent=extent(3, **{TWO: 3}))
        assert line.read() == [
            *(f"ready {ONE}-0", f"a {ONE}-1", f"b {ONE}-2", f"c {TWO}-3")
        ]
        assert d.log.reads == 1


async def test_a_lost_tail_is_told_to_those_who_held_it() -> None:
    async with desk("a", "b", "c") as d:
        holder = await d.join(f"{ONE}-3")
        behind = await d.join(f"{ONE}-1", line=Line(room=1))
        for line in (holder, behind):
            line.frames.clear()
        now = extent(3, **{TWO: 3})
        d.log.hold(event(1, "a"), event(2, "b"), event(3, "d", epoch=TWO), extent=now)
        d.log.tell(event(3, "d", epoch=TWO), extent=now)
        await d.settle()
        told = [f"reset {TWO}-0 epoch", f"a {ONE}-1", f"b {ONE}-2", f"d {TWO}-3"]
        assert holder.read() == told
        # It had been promised a state that rests on the lost number.
        assert behind.read() == told


async def test_a_paused_follow_that_lost_nothing_goes_on() -> None:
    async with desk("a") as d:
        line = await d.join(None, line=Line(room=2))
        for key in "bcd":
            d.append(key)  # `b` fills the line
        now = extent(3, **{TWO: 3})
        d.log.hold(*d.log.events[:2], event(3, "z", epoch=TWO), extent=now)
        d.log.tell(event(3, "z", epoch=TWO), extent=now)
        await d.settle()
        assert line.read() == [f"ready {ONE}-1", f"b {ONE}-2", f"z {TWO}-3"]


async def test_what_was_spared_because_of_a_lost_event_is_sent_after_all() -> None:
    async with desk("a", "b", "a") as d:
        line = await d.join("0", line=Line(room=2))
        # It holds `b` of 2, and was spared `a` of 1 for the sake of `a` of 3.
        d.log.hold(*d.log.events[:2], extent=extent(2))
        d.log.tell(extent=extent(2))
        await d.settle()
        assert line.read() == [
            *(f"ready {ONE}-0", f"b {ONE}-2"),
            *(f"reset {ONE}-0 ahead", f"a {ONE}-1", f"b {ONE}-2"),
        ]


async def test_a_paused_follow_below_the_floor_goes_on() -> None:
    async with desk("a") as d:
        line = await d.join(None, line=Line(room=2))
        for key in "bcdef":
            d.append(key)
        now = extent(7, floor=5)
        d.log.hold(d.log.events[5], event(7, "g"), extent=now)
        d.log.tell(extent=now)
        await d.settle()
        told = line.read()
        assert told == [f"ready {ONE}-1", f"b {ONE}-2", f"f {ONE}-6", f"g {ONE}-7"]


async def test_a_paused_follow_is_told_of_each_loss_before_it_goes_on() -> None:
    async with desk("a", "b") as d:
        line = await d.join("0", line=Line(room=1))
        d.log.hold(event(1, "a"), extent=extent(1))
        d.log.tell(extent=extent(1))
        await d.settle()
        d.log.hold(extent=Extent())
        d.log.tell(extent=Extent())
        await d.settle()
        assert line.read() == [
            f"ready {ONE}-0",
            f"reset {ONE}-0 ahead",
            "reset 0 epoch",
        ]


async def test_a_top_below_its_own_makes_it_read() -> None:
    async with desk("a", "b") as d:
        line = await d.join(None)
        d.log.hold(event(1, "a"), extent=extent(1))
        d.log.tell(extent=extent(1))
        await d.settle()
        assert line.read() == [f"ready {ONE}-2", f"reset {ONE}-0 ahead", f"a {ONE}-1"]


async def test_a_top_as_its_own_makes_it_do_nothing() -> None:
    async with desk("a", "b") as d:
        await d.join(None)
        d.log.tell(extent=extent(2))
        await d.settle()
        assert d.log.reads == 1


async def test_an_unheard_append_is_found_when_tops_are_compared() -> None:
    async with desk("a") as d:
        line = await d.join(None)
        d.append("b", heard=False)
        d.log.tell(extent=extent(2))
        await d.settle()
        assert line.read() == [f"ready {ONE}-1", f"b {ONE}-2"]


@pytest.mark.parametrize(
    ("since", "opens"),
    [
        (None, f"ready {ONE}-2"),
        ("0", f"ready {ONE}-0"),
        (f"{ONE}-1", f"ready {ONE}-1"),
        (f"{ONE}-3", f"reset {ONE}-0 ahead"),
        ("garbage0-1", f"reset {ONE}-0 epoch"),
        ("nonsense", f"reset {ONE}-0 malformed"),
    ],
)
async def test_the_log_judges_where_a_reader_may_start(
    since: str | None, opens: str
) -> None:
    async with desk("a", "b") as d:
        line = await d.join(since)
        assert line.read()[0] == opens


async def test_a_position_of_another_worker_is_looked_up_in_the_log() -> None:
    async with desk("a") as d:
        await d.hub.view(NIGHT)
        d.append("b", heard=False)
        line = await d.join(f"{ONE}-2")
        assert line.read() == [f"ready {ONE}-2"]


async def test_a_read_begun_before_the_asking_proves_nothing() -> None:
    async with desk("a") as d:
        await d.hub.view(NIGHT)
        d.log.gate.clear()
        early = asyncio.create_task(d.hub.view(NIGHT, Position("garbage0", 1)))
        await d.settle()
        d.append("b", heard=False)
        joining = asyncio.create_task(d.join(f"{ONE}-2"))
        await d.settle()
        d.log.gate.set()
        await early
        assert (await joining).read() == [f"ready {ONE}-2"]
        assert d.log.reads == 3


async def test_while_the_log_is_away_nobody_is_judged() -> None:
    async with desk("a") as d:
        line = await d.join(None)
        d.log.away = True
        with pytest.raises(LogUnavailable):
            await d.hub.view(NIGHT, Position(ONE, 2))
        assert d.stalled() is True
        # What the view can place it still serves.
        assert (await d.join(f"{ONE}-1")).read() == [f"ready {ONE}-1"]
        assert line.read() == [f"ready {ONE}-1"]


async def test_a_view_that_is_known_to_be_behind_is_not_shown() -> None:
    async with desk("a") as d:
        await d.hub.view(NIGHT)
        d.log.gate.clear()
        d.append("b", heard=False)
        d.append("c")
        asking = asyncio.create_task(d.hub.view(NIGHT))
        await d.settle()
        d.log.away = True
        d.log.gate.set()
        with pytest.raises(LogUnavailable):
            await asking


async def test_a_view_that_only_cannot_judge_somebody_is_shown_to_the_others() -> None:
    async with desk("a") as d:
        await d.hub.view(NIGHT)
        d.log.gate.clear()
        judged = asyncio.create_task(d.hub.view(NIGHT, Position("garbage0", 1)))
        await d.settle()
        # At once: what is being read has to do with somebody else.
        assert (await d.hub.view(NIGHT)).extent.top == 1
        d.append("b")
        others = asyncio.create_task(d.hub.view(NIGHT))
        await d.settle()
        assert not others.done(), "something was heard that the view does not hold"
        d.log.away = True
        d.log.gate.set()
        with pytest.raises(LogUnavailable):
            await judged
        # What was heard while the read failed goes on from what the view holds.
        assert (await others).extent.top == 2


async def test_a_stalled_channel_recovers_by_itself() -> None:
    async with desk("a") as d:
        line = await d.join(None)
        d.log.away = True
        d.append("b", heard=False)
        d.append("c")
        await d.settle()
        assert d.stalled() is True
        await d.turn()
        assert (d.stalled(), d.log.reads) == (True, 3)
        d.log.away = False
        await d.turn()
        assert d.stalled() is False
        assert line.read() == [f"ready {ONE}-1", f"b {ONE}-2", f"c {ONE}-3"]
        await d.turn()
        assert d.log.reads == 4


async def test_the_next_delivery_mends_a_stalled_channel_too() -> None:
    async with desk("a") as d:
        line = await d.join(None)
        d.log.away = True
        d.append("b", heard=False)
        d.append("c")
        await d.settle()
        d.log.away = False
        d.clock.now += 1
        d.append("d")
        await d.settle()
        assert d.stalled() is False
        assert line.read()[1:] == [f"b {ONE}-2", f"c {ONE}-3", f"d {ONE}-4"]


async def test_a_log_that_has_been_silent_for_long_is_told_as_stalled() -> None:
    async with desk("a") as d:
        await d.join(None)
        d.log.away = True
        d.clock.now += 5
        assert d.stalled() is False
        d.clock.now += 1
        assert d.stalled() is True
        d.log.away = False
        assert d.stalled() is False


async def test_what_failed_is_not_tried_again_for_everybody_who_asks() -> None:
    async with desk("a") as d:
        await d.hub.view(NIGHT)
        d.log.away = True
        for _ in range(3):
            for n in range(100):
                with pytest.raises(LogUnavailable):
                    await d.hub.view(NIGHT, Position("garbage0", n + 1))
                with pytest.raises(LogUnavailable):
                    await d.hub.view(f"story/{n}")
            await d.turn()
        assert d.log.reads <= 1 + 3 * 2


async def test_a_thousand_channels_are_read_a_few_at_a_time() -> None:
    async with desk("a") as d:
        d.log.gate.clear()
        asking = [asyncio.create_task(d.hub.view(f"story/{n}")) for n in range(1000)]
        await d.settle()
        assert d.log.reads == 8
        d.log.gate.set()
        await asyncio.gather(*asking)
        assert d.log.reads == 1000


async def test_who_queued_behind_a_log_that_went_away_is_told_at_once() -> None:
    async with desk("a") as d:
        d.log.gate.clear()
        asking = [asyncio.create_task(d.hub.view(f"story/{n}")) for n in range(1000)]
        await d.settle()
        d.log.away = True
        d.log.gate.set()
        told = await asyncio.gather(*asking, return_exceptions=True)
        assert {type(each) for each in told} == {LogUnavailable}
        assert d.log.reads == 8


# While something was heard that the view does not hold


async def test_nobody_goes_on_from_a_view_that_is_being_replaced() -> None:
    async with desk("a", "secret") as d:
        slow = await d.join("0", line=Line(room=1))
        d.append("b", heard=False)
        d.log.gate.clear()
        d.append("secret")  # withdrawn: the hub has heard it, the view has not
        await d.settle()
        assert slow.drain() == [
            {
                "event": "ready",
                "channel": NIGHT,
                "position": f"{ONE}-0",
                "top": f"{ONE}-2",
                "floor": 0,
            }
        ]
        assert slow.frames == []
        slow.room = 1000
        d.log.gate.set()
        await d.settle()
        assert slow.read() == [f"a {ONE}-1", f"b {ONE}-3", f"secret {ONE}-4"]
        d.append("c")
        assert slow.read() == [f"c {ONE}-5"]


async def test_what_was_heard_during_a_read_is_in_what_follows_get_from_it() -> None:
    async with desk("a") as d:
        line = await d.join(None)
        d.append("secret", heard=False)
        d.log.gate.clear()
        d.log.tell(extent=extent(2))
        await d.settle()
        d.append("secret")  # withdrawn after the read was begun
        d.log.gate.set()
        await d.settle()
        assert line.read() == [f"ready {ONE}-1", f"secret {ONE}-3"]


async def test_who_waits_for_a_read_that_fails_waits_on() -> None:
    async with desk("a", "b") as d:
        slow = await d.join("0", line=Line(room=1))
        d.log.away = True
        d.append("c", heard=False)
        d.append("d")
        await d.settle()
        slow.room = 1000
        assert slow.read() == [f"ready {ONE}-0"]
        await d.turn()
        assert slow.read() == []
        d.log.away = False
        await d.turn()
        assert [each.partition(" ")[0] for each in slow.read()] == list("abcd")


async def test_who_waited_and_left_gets_nothing() -> None:
    async with desk("a") as d:
        slow = await d.join("0", line=Line(room=1))
        d.append("b", heard=False)
        d.log.gate.clear()
        d.append("c")
        slow.drain()
        d.hub.leave(slow.follows[NIGHT])
        d.log.gate.set()
        await d.settle()
        assert slow.read() == []


# Cut off


async def test_a_process_cut_off_for_long_serves_no_text() -> None:
    async with desk("a") as d:
        line, slow = await d.join(None), await d.join("0", line=Line(room=1))
        d.log.away = True
        d.clock.now += 600
        assert len(await d.hub.view(NIGHT)) == 1
        d.clock.now += 1
        # Before any sweep: the process may have slept.
        with pytest.raises(LogUnavailable):
            await d.hub.view(NIGHT)
        slow.room = 1000
        assert slow.read() == [f"ready {ONE}-0"]
        d.append("b")
        assert line.read() == [f"ready {ONE}-1"]
        d.hub.sweep()
        assert list(d.hub) == []
        assert d.log.listeners == []
        (goodbye,) = line.drain()
        assert goodbye == {"event": "close", "reason": "busy", "reconnect": True}
        assert (line.is_over, slow.is_over) == (True, True)
        d.log.away = False
        await d.turn()
        assert len(await d.hub.view(NIGHT)) == 2
        d.append("c")
        assert line.read() == []


async def test_who_slept_through_it_all_goes_on_once_the_log_is_proven() -> None:
    async with desk("a", "b") as d:
        slow = await d.join("0", line=Line(room=1))
        d.log.away = True
        d.clock.now += 601
        slow.room = 1000
        assert slow.read() == [f"ready {ONE}-0"]
        d.log.away = False
        d.append("c")
        await d.turn()
        assert slow.read() == [f"a {ONE}-1", f"b {ONE}-2", f"c {ONE}-3"]


async def test_what_is_heard_after_a_long_sleep_is_read_from_the_log() -> None:
    async with desk("a") as d:
        line = await d.join(None)
        d.log.away = True
        d.clock.now += 601
        d.append("b")
        assert line.read() == [f"ready {ONE}-1"]
        d.log.away = False
        await d.turn()
        assert line.read() == [f"b {ONE}-2"]
        assert d.log.reads == 2


async def test_a_read_that_outlives_its_channel_gives_nobody_anything() -> None:
    async with desk("a") as d:
        line = await d.join(None)
        d.append("b", heard=False)
        d.log.gate.clear()
        d.append("c")
        asking = asyncio.create_task(d.hub.view(NIGHT))
        await d.settle()
        d.log.away = True
        d.clock.now += 601
        d.hub.sweep()
        d.log.away = False
        d.log.gate.set()
        with pytest.raises(LogUnavailable):
            await asking
        assert [frame.split()[0] for frame in line.read()] == ["ready", "close"]


# What the audience asks


async def test_the_followed_channels_are_counted() -> None:
    async with desk("a") as d:
        await d.hub.view("latest")
        lines = [await d.join(), await d.join()]
        assert d.hub.counts() == {NIGHT: 2}
        for line in lines:
            d.hub.leave(line.follows[NIGHT])
        assert d.hub.counts() == {}


async def test_a_heartbeat_tells_the_readers_it_is_given() -> None:
    log = ScriptedLog()
    hub = Hub(
        log, exists=[], idle=1, cut_off=9, clock=lambda: 0.0, readers=lambda name: 7
    )
    assert hub.pulse(NIGHT) == {"readers": 7, "stalled": True}


async def test_what_is_not_held_is_reached() -> None:
    async with desk("a") as d:
        await d.hub.reach({NIGHT: Position(ONE, 9)})
        assert d.log.reads == 0


async def test_what_the_view_holds_is_reached() -> None:
    async with desk("a") as d:
        await d.hub.view(NIGHT)
        await d.hub.reach({NIGHT: Position(ONE, 1), "story/other": Position(ONE, 5)})
        assert d.log.reads == 1


async def test_what_the_view_lacks_is_read() -> None:
    async with desk("a") as d:
        line = await d.join(None)
        d.append("b", heard=False)
        await d.hub.reach({NIGHT: Position(ONE, 2)})
        assert line.read() == [f"ready {ONE}-1", f"b {ONE}-2"]
        # Lost for good, or of another life: the log has been asked, there is no more.
        await d.hub.reach({NIGHT: Position(TWO, 2)})
        assert d.log.reads == 3


async def test_what_cannot_be_reached_is_said() -> None:
    async with desk("a") as d:
        await d.hub.view(NIGHT)
        d.log.away = True
        with pytest.raises(LogUnavailable):
            await d.hub.reach({NIGHT: Position(ONE, 2)})


async def test_what_is_being_loaded_counts_as_held() -> None:
    async with desk("a") as d:
        d.log.gate.clear()
        loading = asyncio.create_task(d.hub.view(NIGHT))
        await d.settle()
        d.append("b", heard=False)
        reaching = asyncio.create_task(d.hub.reach({NIGHT: Position(ONE, 2)}))
        await d.settle()
        assert not reaching.done()
        d.log.gate.set()
        await reaching
        assert (await loading).channel == NIGHT
        assert (await d.hub.view(NIGHT)).extent.top == 2


async def test_a_load_that_fails_is_not_held() -> None:
    async with desk("a") as d:
        d.log.gate.clear()
        loading = asyncio.create_task(d.hub.view(NIGHT))
        await d.settle()
        reaching = asyncio.create_task(d.hub.reach({NIGHT: Position(ONE, 2)}))
        d.log.away = True
        d.log.gate.set()
        await reaching
        with pytest.raises(LogUnavailable):
            await loading


# Coming and going


async def test_a_channel_nobody_wants_is_let_go() -> None:
    async with desk("a") as d:
        line = await d.join()
        d.clock.now += 61
        d.hub.sweep()
        assert list(d.hub) == [NIGHT]
        d.hub.leave(line.follows[NIGHT])
        d.hub.sweep()
        assert list(d.hub) == [NIGHT]
        d.clock.now += 61
        d.hub.sweep()
        assert list(d.hub) == []
        assert d.log.listeners == []
        d.append("b")
        assert (await d.join()).read() == [
            *(f"ready {ONE}-0", f"a {ONE}-1", f"b {ONE}-2")
        ]


async def test_a_channel_being_read_is_kept() -> None:
    async with desk("a") as d:
        await d.hub.view(NIGHT)
        d.log.gate.clear()
        asking = asyncio.create_task(d.hub.view(NIGHT, Position("garbage0", 1)))
        await d.settle()
        d.clock.now += 61
        d.hub.sweep()
        assert list(d.hub) == [NIGHT]
        d.log.gate.set()
        await asking


async def test_readers_are_counted_live_and_paused() -> None:
    async with desk("a") as d:
        assert d.hub.readers(NIGHT) == 0
        lines = [await d.join(), await d.join(line=Line(room=1))]
        assert d.hub.readers(NIGHT) == 2
        assert d.hub.pulse(NIGHT) == {
            "top": f"{ONE}-1",
            "floor": 0,
            "readers": 2,
            "stalled": False,
        }
        for line in lines:
            d.hub.leave(line.follows[NIGHT])
        assert d.hub.readers(NIGHT) == 0
        assert all(line.follows == {} for line in lines)


async def test_who_has_left_gets_nothing_more() -> None:
    async with desk("a") as d:
        stays, leaves = await d.join(None), await d.join(None)
        d.hub.leave(leaves.follows[NIGHT])
        d.append("b")
        assert stays.read() == [f"ready {ONE}-1", f"b {ONE}-2"]
        assert leaves.read() == [f"ready {ONE}-1"]


async def test_leaving_after_the_hub_has_closed_is_quiet() -> None:
    async with desk("a") as d:
        line = await d.join()
        await d.hub.close()
        d.hub.leave(line.follows[NIGHT])
        assert line.follows == {}


async def test_closing_ends_the_reads_under_way() -> None:
    async with desk("a") as d:
        await d.hub.view(NIGHT)
        d.log.gate.clear()
        renewing = asyncio.create_task(d.hub.view(NIGHT, Position("garbage0", 1)))
        loading = asyncio.create_task(d.hub.view("latest"))
        await d.settle()
        await d.hub.close()
        results = await asyncio.gather(renewing, loading, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in results)
        assert d.log.listeners == []
