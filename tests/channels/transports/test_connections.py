"""Heartbeats, the stall limit and the goodbye, over sinks that are tests."""

import asyncio
import json
from collections import Counter
from datetime import datetime

import pytest

from channels.follow import Format, Sink
from channels.hub import Hub
from channels.transports.connections import Connections
from channels.transports.sse import SseFormat, SseOfSeveral
from tests.channels.samples import AT, ONE, event, extent, messages
from tests.channels.scripted import JsonFormat, ScriptedLog


class Kept(Sink):
    """Keeps all it is given, and how it was ended."""

    __slots__ = ("frames", "how")

    def __init__(self, format_: Format | None = None) -> None:
        super().__init__(format_ or SseFormat())
        self.frames: list[bytes] = []
        self.how = ""

    def write(self, frame: bytes) -> None:
        self.frames.append(frame)

    def end(self) -> None:
        self.how += "end"

    def cut(self) -> None:
        self.how += "cut"

    def beats(self) -> list[dict[str, object]]:
        told = messages(b"".join(self.frames))
        return [json.loads(each.data) for each in told if each.name == "heartbeat"]


def at() -> datetime:
    return AT


@pytest.fixture
async def hub() -> Hub:
    log = ScriptedLog()
    log.hold(event(1, "a"), extent=extent(1))
    hub = Hub(log, exists=["latest"], idle=60, cut_off=600, clock=lambda: 0.0, spread=0)
    for name in ("story/night", "latest"):
        await hub.view(name)
    return hub


def connect(
    hub: Hub, connections: Connections, *names: str, sink: Kept | None = None
) -> Kept:
    sink = sink or Kept()
    for name in names:
        hub.follow(name, sink, None)
    connections.add(sink)
    return sink


def beat_all(connections: Connections, slots: int) -> None:
    for slot in range(slots):
        connections.beat(slot)


async def test_everybody_hears_a_heartbeat_once_a_round(hub: Hub) -> None:
    connections = Connections(hub, now=at, heartbeat=3, stall=60)
    sinks = [connect(hub, connections, "story/night") for _ in range(10)]
    heard = Counter[int]()
    for slot in range(3):
        connections.beat(slot)
        heard[slot] = sum(len(sink.beats()) for sink in sinks) - heard.total()
    assert sorted(heard.values()) == [3, 3, 4]
    assert all(len(sink.beats()) == 1 for sink in sinks)


async def test_a_heartbeat_says_how_the_channels_stand(hub: Hub) -> None:
    connections = Connections(hub, now=at, heartbeat=1, stall=60)
    format_ = SseOfSeveral({"latest": "", "story/night": ""})
    sink = connect(hub, connections, "latest", "story/night", sink=Kept(format_))
    connect(hub, connections, "story/night")
    connections.beat(0)
    standing = {"top": f"{ONE}-1", "floor": 0, "stalled": False}
    assert sink.beats() == [
        {
            "at": "2026-11-22T20:04:05.123Z",
            "channels": {
                "latest": standing | {"readers": 1},
                "story/night": standing | {"readers": 2},
            },
        }
    ]


async def test_those_who_follow_the_same_share_the_bytes(hub: Hub) -> None:
    connections = Connections(hub, now=at, heartbeat=1, stall=60)
    one, two = (connect(hub, connections, "story/night") for _ in range(2))
    connections.beat(0)
    assert one.frames[-1] is two.frames[-1]


async def test_formats_do_not_mix(hub: Hub) -> None:
    connections = Connections(hub, now=at, heartbeat=1, stall=60)
    json_ = connect(hub, connections, "story/night", sink=Kept(JsonFormat()))
    sse = connect(hub, connections, "story/night")
    connections.beat(0)
    assert json.loads(json_.frames[-1])["event"] == "heartbeat"
    assert len(sse.beats()) == 1


async def test_who_is_held_hears_nothing_and_is_cut_in_time(hub: Hub) -> None:
    connections = Connections(hub, now=at, heartbeat=1, stall=60)
    fresh, stalled = (connect(hub, connections, "story/night") for _ in range(2))
    time = asyncio.get_running_loop().time()
    fresh.held_since, stalled.held_since = time, time - 61
    connections.beat(0)
    assert (fresh.beats(), stalled.beats()) == ([], [])
    assert (fresh.how, stalled.how) == ("", "cut")


async def test_a_connection_that_ended_is_forgotten(hub: Hub) -> None:
    connections = Connections(hub, now=at, heartbeat=2, stall=60)
    sinks = [connect(hub, connections, "story/night") for _ in range(3)]
    connections.discard(sinks[0])
    connections.discard(sinks[0])
    assert len(connections) == 2
    beat_all(connections, 2)
    assert [len(sink.beats()) for sink in sinks] == [0, 1, 1]


async def test_draining_says_come_back_and_waits_for_all_to_go(hub: Hub) -> None:
    connections = Connections(hub, now=at, heartbeat=2, stall=60)
    sinks = [connect(hub, connections, "story/night") for _ in range(3)]
    emptied = asyncio.create_task(connections.empty())
    connections.drain()
    assert connections.draining
    for sink in sinks:
        (goodbye,) = messages(sink.frames[-1])
        assert goodbye.name == "close"
        assert json.loads(goodbye.data) == {"reason": "draining", "reconnect": True}
        assert sink.how == "end"
        await asyncio.sleep(0)
        assert not emptied.done()
        connections.discard(sink)
    await asyncio.wait_for(emptied, 5)


async def test_nobody_there_is_empty_at_once(hub: Hub) -> None:
    connections = Connections(hub, now=at, heartbeat=2, stall=60)
    await asyncio.wait_for(connections.empty(), 5)


async def test_the_round_beats_and_sweeps_until_cancelled(hub: Hub) -> None:
    connections = Connections(hub, now=at, heartbeat=1, stall=60)
    heard = asyncio.Event()

    class Listening(Kept):
        def write(self, frame: bytes) -> None:
            if b"event: heartbeat" in frame:
                heard.set()

    connect(hub, connections, "story/night", sink=Listening())
    running = asyncio.create_task(connections.run())
    await asyncio.wait_for(heard.wait(), 10)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
