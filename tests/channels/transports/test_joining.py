"""Joining while the log is away: who is held, and what the log's answer makes of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from channels.errors import NotSignedIn, UnknownChannel
from channels.hub import Hub
from channels.log import History
from channels.positions import Extent
from channels.transports.connections import Connections
from channels.view import View
from tests.channels.samples import AT, ONE, event, extent
from tests.channels.scripted import Line, ScriptedLog

NIGHT = "story/night"
NOWHERE = "story/nowhere"
LATER = f"{ONE}-2"  # of what another worker has appended
GONE = {"event": "close", "reason": "unknown", "reconnect": False}


class Anybody:
    """The right to read all but drafts and the newsroom."""

    private = False

    def ask(self, channel: str) -> None:
        if channel == "newsroom":
            raise NotSignedIn

    def see(self, view: View) -> None:
        story = view.get("story")
        if story is not None and story.data == {"status": "draft"}:
            raise UnknownChannel


class OneStory(ScriptedLog):
    """A log of one story."""

    async def read(self, channel: str, after: int = 0) -> History:
        history = await super().read(channel, after)
        return history if channel == NIGHT else History(Extent(), ())


class Door:
    """A hub with its connections, whose log comes and goes."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.log = OneStory(lambda: self.time)
        self.log.hold(event(1, "a"), extent=extent(1))
        self.hub = Hub(
            self.log,
            exists=["latest"],
            idle=60,
            cut_off=600,
            clock=lambda: self.time,
            spread=0,
        )
        self.connections = Connections(
            self.hub, now=lambda: AT, heartbeat=1, stall=float("inf")
        )
        self.joining = self.connections.joining

    async def join(self, starts: dict[str, str | None]) -> Line:
        line = Line()
        await self.joining.join(line, starts, Anybody(), draining=False)
        self.connections.add(line)
        return line

    def leave(self, line: Line) -> None:
        self.connections.discard(line)
        self.joining.leave(line)

    async def turn(self) -> None:
        """A second passes."""
        self.time += 1
        self.connections.turn(0)
        for _ in range(10):
            await asyncio.sleep(0)

    async def come_back(self) -> None:
        """The log answers again, and holds what another worker appended."""
        self.log.away = False
        self.log.hold(event(1, "a"), event(2, "b"), extent=extent(2))
        await self.turn()


def told(line: Line) -> list[str]:
    """What has come but heartbeats, in short."""
    frames = [frame for frame in line.read() if not frame.startswith("heartbeat")]
    return [frame.removesuffix(" -") for frame in frames]


@asynccontextmanager
async def door(*loaded: str) -> AsyncIterator[Door]:
    opened = Door()
    for name in loaded:
        await opened.hub.view(name)
    opened.log.away = True
    try:
        yield opened
    finally:
        opened.joining.stop()
        await opened.hub.close()
        assert opened.log.listeners == []


@pytest.mark.parametrize(
    ("start", "opens"),
    [
        (LATER, [f"ready {ONE}-2"]),
        (f"{ONE}-3", [f"reset {ONE}-0 ahead", f"a {ONE}-1", f"b {ONE}-2"]),
        ("garbage0-1", [f"reset {ONE}-0 epoch", f"a {ONE}-1", f"b {ONE}-2"]),
    ],
)
async def test_whom_the_view_cannot_place_is_held_until_the_log_answers(
    start: str, opens: list[str]
) -> None:
    async with door(NIGHT) as d:
        line = await d.join({NIGHT: start})
        for _ in range(3):
            await d.turn()
        assert told(line) == []
        await d.come_back()
        assert told(line) == opens
        assert d.joining.held(line) == ()


async def test_whom_the_view_can_place_is_served_while_the_log_is_away() -> None:
    async with door(NIGHT) as d:
        lines = [await d.join({NIGHT: start}) for start in ("0", None, f"{ONE}-1", "")]
        assert [told(line)[0].split()[0] for line in lines] == [
            *("ready", "ready", "ready", "reset")
        ]


async def test_who_wants_what_is_not_loaded_is_held() -> None:
    async with door() as d:
        lines = [await d.join({NIGHT: start}) for start in ("0", None, "nonsense")]
        await d.turn()
        assert [told(line) for line in lines] == [[], [], []]
        await d.come_back()
        first, now, malformed = lines
        assert told(first) == [f"ready {ONE}-0", f"a {ONE}-1", f"b {ONE}-2"]
        assert told(now) == [f"ready {ONE}-2"]
        assert told(malformed)[0] == f"reset {ONE}-0 malformed"


async def test_a_held_reader_goes_live() -> None:
    async with door() as d:
        line = await d.join({NIGHT: "0"})
        await d.come_back()
        d.log.tell(event(3, "c"), extent=extent(3))
        assert told(line)[-1] == f"c {ONE}-3"
        assert d.hub.readers(NIGHT) == 1


async def test_a_heartbeat_says_that_a_held_channel_is_stalled() -> None:
    async with door("latest") as d:
        unloaded = await d.join({"latest": None, NIGHT: "0"})
        loaded = await d.join({"latest": "garbage0-7"})
        await d.turn()
        standing = {"top": "0", "floor": 0, "readers": 1}
        _, beat = unloaded.drain()
        assert beat["channels"] == {
            "latest": standing | {"stalled": True},  # its last read failed
            NIGHT: {"readers": 0, "stalled": True},
        }
        (beat,) = loaded.drain()
        assert beat["channels"] == {"latest": standing | {"stalled": True}}


async def test_a_held_channel_that_proves_unknown_ends_the_stream() -> None:
    async with door() as d:
        line = await d.join({NOWHERE: "0"})
        await d.turn()
        assert not line.is_over
        await d.come_back()
        problem, close = [f for f in line.drain() if f["event"] != "heartbeat"]
        assert (problem["event"], problem["status"]) == ("problem", 404)
        assert (problem["channel"], close) == (NOWHERE, GONE)
        assert line.is_over


async def test_a_channel_that_must_not_be_seen_proves_unknown() -> None:
    async with door() as d:
        line = await d.join({NIGHT: "0"})
        d.log.away = False
        d.log.hold(event(1, "story", {"status": "draft"}), extent=extent(1))
        await d.turn()
        assert told(line) == ["problem", "close - unknown"]
        assert d.hub.readers(NIGHT) == 0


@pytest.mark.parametrize("other", [NIGHT, "latest"])
async def test_of_two_channels_one_may_prove_unknown(other: str) -> None:
    async with door("latest") as d:
        line = await d.join({NOWHERE: None, other: None})
        await d.come_back()
        names = [frame.split()[0] for frame in told(line)]
        assert sorted(names) == ["problem", "ready"]
        assert not line.is_over


async def test_two_that_prove_unknown_end_the_stream_once() -> None:
    async with door() as d:
        line = await d.join({NOWHERE: "0", "story/neither": "0"})
        await d.come_back()
        assert told(line) == ["problem", "problem", "close - unknown"]


async def test_what_a_reader_may_not_ask_for_is_refused_though_the_log_is_away() -> (
    None
):
    async with door() as d:
        with pytest.raises(NotSignedIn):
            await d.join({"newsroom": "0"})
        line = await d.join({"newsroom": "0", NIGHT: "0"})
        assert told(line) == ["problem"]
        assert d.joining.held(line) == (NIGHT,)


async def test_who_leaves_while_held_is_forgotten() -> None:
    async with door(NIGHT) as d:
        line, other = [await d.join({NIGHT: LATER}) for _ in range(2)]
        d.leave(line)
        await d.come_back()
        assert (told(line), told(other)) == ([], [f"ready {ONE}-2"])
        reads = d.log.reads
        await d.turn()
        assert d.log.reads == reads


async def test_who_leaves_while_the_log_is_being_asked_is_forgotten() -> None:
    async with door() as d:
        line = await d.join({NIGHT: "0"})
        d.log.gate.clear()
        await d.come_back()
        d.leave(line)
        d.log.gate.set()
        await d.turn()
        assert told(line) == []
        assert d.hub.readers(NIGHT) == 0


async def test_who_comes_while_the_log_is_being_asked_waits_for_the_next_answer() -> (
    None
):
    async with door(NIGHT) as d:
        early = await d.join({NIGHT: "garbage0-1"})
        d.log.gate.clear()
        await d.come_back()
        late = asyncio.create_task(d.join({NIGHT: f"{ONE}-3"}))
        await asyncio.sleep(0)
        d.log.hold(*d.log.events, event(3, "c"), extent=extent(3))
        d.log.gate.set()
        assert told(await late) == [f"ready {ONE}-3"]
        assert told(early)[-1] == f"c {ONE}-3"


async def test_draining_ends_who_is_held_too() -> None:
    async with door() as d:
        line = await d.join({NIGHT: "0"})
        d.connections.drain()
        assert told(line) == ["close - draining"]
        assert line.is_over
        await d.come_back()
        assert d.hub.readers(NIGHT) == 0


async def test_five_thousand_held_readers_are_a_few_reads() -> None:
    async with door(NIGHT) as d:
        before = d.log.reads
        lines = [await d.join({NIGHT: LATER, "latest": None}) for _ in range(5000)]
        for _ in range(10):
            await d.turn()
        # For each of two channels one when they came, and one in each second.
        assert d.log.reads - before <= 2 * (1 + 10)
        d.log.away = False
        d.log.hold(event(1, "a"), event(2, "b"), extent=extent(2))
        before = d.log.reads
        await d.turn()
        assert d.log.reads - before <= 3
        assert {tuple(told(line)) for line in lines} == {(f"ready {LATER}", "ready 0")}
        assert d.hub.counts() == {NIGHT: 5000, "latest": 5000}


async def test_those_cut_off_are_sent_elsewhere_and_held_when_they_come_back() -> None:
    async with door(NIGHT) as d:
        line = await d.join({NIGHT: None})
        held = await d.join({NIGHT: LATER})
        d.time += 601
        await d.turn()
        assert told(line) == [f"ready {ONE}-1", "close - busy"]
        assert not held.is_over
        d.leave(line)
        again = await d.join({NIGHT: f"{ONE}-1"})
        await d.turn()
        assert (told(again), told(held)) == ([], [])
        await d.come_back()
        assert told(again) == [f"ready {ONE}-1", f"b {ONE}-2"]
        assert told(held) == [f"ready {ONE}-2"]


async def test_a_full_line_joins_and_goes_on_when_it_drains() -> None:
    async with door() as d:
        line = await d.join({NIGHT: "0"})
        line.room = 1
        await d.turn()  # a heartbeat fills it
        assert line.held_since is not None
        await d.come_back()
        assert len(line.frames) == 2
        assert told(line) == [f"ready {ONE}-0", f"a {ONE}-1", f"b {ONE}-2"]


async def test_a_fault_in_letting_one_in_keeps_nobody_else_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Faulty(Anybody):
        def see(self, view: View) -> None:
            raise ZeroDivisionError

    async with door() as d:
        await d.joining.join(Line(), {NIGHT: "0"}, Faulty(), draining=False)
        line = await d.join({NIGHT: "0"})
        await d.come_back()
        await d.turn()
        assert told(line)[0] == f"ready {ONE}-0"
        assert "Readers could not be let in" in caplog.text
