"""`GET /stream` over a real socket: what is said, when, and under which id."""

import asyncio
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from channels.events import Append, NewEvent
from channels.transports.asgi import AsgiSink
from channels.transports.sse import MOST_CHANNELS
from tests.channels.samples import AT, Message, messages, new_event
from tests.serving import Frame, Frames, Service, running, streaming

NIGHT = "story/night"
GARBAGE = "garbage0-7"


async def opening(service: Service, *channels: str, **given: Any) -> list[Frame]:
    """The first frame of each channel."""
    count = len(set(channels))
    async with streaming(service, *channels, **given) as frames:
        opened: list[Frame] = []
        while len(opened) < count:
            frame = await frames.next()
            if frame.event in ("ready", "reset", "problem"):
                opened.append(frame)
        return opened


async def status(service: Service, query: str, **headers: str) -> tuple[int, str]:
    """Status and code of a stream that is refused."""
    answer = await service.http.get(f"/stream?{query}", headers=headers)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


async def take(frames: Frames, count: int) -> list[Frame]:
    return [await frames.next() for _ in range(count)]


def forget_all(service: Service) -> None:
    """The hub as it is before anybody has asked it anything."""
    hub = service.parts.hub
    for name in tuple(hub):
        hub._drop(hub._channels[name])


# What a stream says


async def test_it_opens_with_ready_and_the_state(service: Service) -> None:
    opened = await service.open("night")
    published = await service.publish("night", headline="One")
    async with streaming(service, NIGHT, since="0") as frames:
        ready, story, update = await take(frames, 3)
    start = opened["position"].replace("-1", "-0")
    top = published["position"]
    assert ready == Frame(
        "ready", {"channel": NIGHT, "position": start, "top": top, "floor": 0}, start
    )
    assert (story.event, story.id) == ("story", opened["position"])
    assert (update.event, update.id) == ("update", top)
    assert set(update.data) == {"channel", "position", "key", "at", "data"}
    assert update.data["channel"] == NIGHT
    assert update.data["position"] == top
    assert update.data["key"] == f"update/{published['update']['id']}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", update.data["at"])
    assert update.data["data"] == published["update"]


async def test_absent_means_now(service: Service) -> None:
    await service.open("night")
    top = (await service.publish("night", headline="One"))["position"]
    async with streaming(service, NIGHT) as frames:
        ready = await frames.next()
        await service.publish("night", headline="Two")
        update = await frames.next()
    assert ready.data["position"] == ready.data["top"] == ready.id == top
    assert update.data["data"]["headline"] == "Two"


async def test_derived_channels_carry_items_and_the_desks_entries(
    service: Service,
) -> None:
    names = ("latest", "newsroom", "stories")
    headers = service.auth()
    async with streaming(service, *names, headers=headers) as frames:
        await take(frames, 3)
        await service.open("night")
        seen = {frame.data["channel"]: frame.event for frame in await take(frames, 3)}
    assert seen == {"latest": "item", "newsroom": "entry", "stories": "item"}


async def test_a_card_and_a_tombstone_pass_as_they_are(service: Service) -> None:
    await service.open("night")
    card = NewEvent("card/1", 1, "card", "id-1", AT, {"headline": "Results"})
    gone = NewEvent("card/1", 2, "card", "id-2", AT, None)
    async with streaming(service, NIGHT) as frames:
        await frames.next()
        for event in (card, gone):
            await service.parts.log.append([Append(NIGHT, (event,))])
        first, second = await take(frames, 2)
    assert (first.event, first.data["data"]) == ("card", {"headline": "Results"})
    assert (second.event, second.data["data"]) == ("card", None)


async def test_a_channel_without_events_stands_at_zero(service: Service) -> None:
    (ready,) = await opening(service, "breaking")
    assert (ready.event, ready.id, ready.data["top"]) == ("ready", "0", "0")


async def test_heartbeats_have_no_id(tmp_path: Path) -> None:
    async with running(tmp_path, heartbeat=1) as service:
        top = (await service.open("night"))["position"]
        async with streaming(service, NIGHT, "latest") as frames:
            ready = (await take(frames, 2))[-1]
            beat = (await frames.until("heartbeat"))[-1]
    assert beat.id == ready.id  # the last one stays
    assert set(beat.data) == {"at", "channels"}
    assert beat.data["channels"][NIGHT] == {
        "top": top,
        "floor": 0,
        "readers": 1,
        "stalled": False,
    }
    assert set(beat.data["channels"]) == {"latest", NIGHT}


async def test_every_connection_draws_its_own_retry(service: Service) -> None:
    drawn: set[bytes] = set()
    for _ in range(8):
        async with service.http.stream("GET", "/stream?channel=latest") as answer:
            chunk = await anext(answer.aiter_raw())
            first, _, _ = chunk.partition(b"\n\n")
            assert re.fullmatch(rb"retry: [1-4]\d{3}", first)
            drawn.add(first)
    assert len(drawn) > 1


async def test_while_the_log_is_away_a_reader_is_held(tmp_path: Path) -> None:
    async with running(tmp_path, heartbeat=1) as service:
        top = (await service.open("night"))["position"]
        forget_all(service)
        await service.file.close()
        async with streaming(service, NIGHT, "latest", since=f"0,{top}") as frames:
            assert frames.response.status_code == 200
            beat = await frames.next(beats=True)
            assert (beat.event, beat.id) == ("heartbeat", "")
            held = {"readers": 0, "stalled": True}
            assert beat.data["channels"] == {NIGHT: held, "latest": held}
            await service.file.open()
            opened = await take(frames, 3)
    assert [(f.event, f.data["channel"]) for f in opened] == [
        *(("ready", "latest"), ("item", "latest"), ("ready", NIGHT))
    ]
    # What the client gave stands for the channel that has not opened yet.
    assert opened[0].id.endswith(f"-0,{top}")
    assert opened[2].data["position"] == top


async def test_a_held_reader_that_leaves_is_forgotten(service: Service) -> None:
    await service.file.close()
    async with service.http.stream("GET", "/stream?channel=latest") as answer:
        assert (await anext(answer.aiter_raw())).startswith(b"retry: ")
        assert service.parts.connections.joining._held != {}
    await asyncio.wait_for(service.parts.connections.empty(), 5)
    assert service.parts.connections.joining._held == {}


async def test_a_held_channel_that_is_unknown_closes_the_stream(
    service: Service,
) -> None:
    await service.file.close()
    async with streaming(service, "story/none") as frames:
        opened = asyncio.create_task(take(frames, 2))
        held = service.parts.connections.joining._held
        while not held:  # noqa: ASYNC110 - being held makes no sound
            await asyncio.sleep(0)
        await service.file.open()
        problem, close = await opened
    assert (problem.event, problem.data["status"]) == ("problem", 404)
    assert close.data == {"reason": "unknown", "reconnect": False}


async def test_a_worker_cut_off_from_the_log_sends_readers_elsewhere(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, heartbeat=1, cut_off=0.5) as service:
        top = (await service.open("night"))["position"]
        async with streaming(service, NIGHT) as frames:
            assert (await frames.next()).event == "ready"
            service.file._broken = True
            service.file._broke = asyncio.get_running_loop().time()
            (close,) = await take(frames, 1)
            assert close.data == {"reason": "busy", "reconnect": True}
        refused = await service.http.get(f"/changes?channel={NIGHT}&since={top}")
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "2"
        async with streaming(service, NIGHT, since=top) as frames:
            beat = await frames.next(beats=True)
            assert beat.data["channels"][NIGHT]["stalled"] is True
            service.file._broken = False
            assert (await frames.next()).data["position"] == top


async def test_a_draining_worker_says_so_to_who_comes(service: Service) -> None:
    service.parts.connections.drain()
    async with streaming(service, "latest", "breaking") as frames:
        *problems, close = await frames.until("close")
    assert [each.data["channel"] for each in problems] == ["breaking", "latest"]
    assert {each.data["status"] for each in problems} == {503}
    assert close.data == {"reason": "draining", "reconnect": True}


# Where it starts


@pytest.mark.parametrize(
    ("since", "reason"),
    [
        (GARBAGE, "epoch"),
        ("{top}9", "ahead"),
        ("nonsense", "malformed"),
        ("", "malformed"),
        ("0,0", "malformed"),
        ("{top},", "malformed"),
    ],
)
async def test_what_cannot_be_continued_is_reset(
    service: Service, since: str, reason: str
) -> None:
    top = (await service.open("night"))["position"]
    async with streaming(service, NIGHT, since=since.format(top=top)) as frames:
        reset, story = await take(frames, 2)
    start = top.replace("-1", "-0")
    assert reset == Frame(
        "reset",
        {
            "channel": NIGHT,
            "reason": reason,
            "position": start,
            "top": top,
            "floor": 0,
        },
        start,
    )
    assert story.id == top


async def test_what_was_trimmed_is_reset_with_the_floor(tmp_path: Path) -> None:
    async with running(tmp_path, bound=10) as service:
        await service.open("night")
        for n in range(14):
            await service.publish("night", headline=str(n))
        async with streaming(service, "latest", since="0") as frames:
            ready, first = await take(frames, 2)
        floor = ready.data["floor"]
        epoch, _, top = ready.data["top"].partition("-")
        (below,) = await opening(service, "latest", since=f"{epoch}-{floor - 1}")
        (at,) = await opening(service, "latest", since=f"{epoch}-{floor}")
    assert floor == int(top) - 10
    assert first.id == f"{epoch}-{floor + 1}"
    assert (below.event, below.data["reason"]) == ("reset", "trimmed")
    assert below.data["floor"] == floor
    assert at.event == "ready"


async def test_the_header_beats_the_query(service: Service) -> None:
    top = (await service.open("night"))["position"]
    headers = {"Last-Event-ID": top}
    (ready,) = await opening(service, NIGHT, headers=headers, since="0")
    assert (ready.event, ready.id) == ("ready", top)


@pytest.mark.parametrize("spelling", ["since", "lastEventId", "last_event_id"])
async def test_the_query_has_three_spellings(service: Service, spelling: str) -> None:
    top = (await service.open("night"))["position"]
    (ready,) = await opening(service, NIGHT, **{spelling: "0"})
    assert (ready.event, ready.id) == ("ready", top.replace("-1", "-0"))


async def test_two_headers_are_no_position(service: Service) -> None:
    top = (await service.open("night"))["position"]
    async with service.http.stream(
        "GET",
        f"/stream?channel={NIGHT}",
        headers=[("Last-Event-ID", top), ("Last-Event-ID", top)],
    ) as answer:
        frames = await read_until(answer.aiter_raw(), "reset")
    assert json.loads(frames[0].data)["reason"] == "malformed"


async def read_until(chunks: Any, name: str) -> list[Message]:
    stream = b""
    async for chunk in chunks:
        stream += chunk
        found = list(messages(stream))
        if name in [each.name for each in found]:
            return found
    raise AssertionError(f"the stream ended without {name}")


# Several channels


async def test_the_id_holds_the_positions_in_the_order_of_names(
    service: Service,
) -> None:
    top = (await service.open("night"))["position"]
    names = (NIGHT, "latest", "breaking")
    async with streaming(service, *names, since="0") as frames:
        opened = await take(frames, 5)
    latest = next(f.data["top"] for f in opened if f.data["channel"] == "latest")
    epoch = latest.partition("-")[0]
    start = top.replace("-1", "-0")
    assert [(f.event, f.data["channel"], f.id) for f in opened] == [
        ("ready", "breaking", "0,0,0"),
        ("ready", "latest", f"0,{epoch}-0,0"),
        ("item", "latest", f"0,{latest},0"),
        ("ready", NIGHT, f"0,{latest},{start}"),
        ("story", NIGHT, f"0,{latest},{top}"),
    ]


async def test_an_id_of_several_goes_on_in_each(service: Service) -> None:
    await service.open("night")
    async with streaming(service, NIGHT, "latest", since="0") as frames:
        last = (await take(frames, 4))[-1].id
    published = await service.publish("night", headline="One")
    headers = {"Last-Event-ID": last}
    async with streaming(service, "latest", NIGHT, headers=headers) as frames:
        again = await take(frames, 4)
    assert [f.event for f in again] == ["ready", "item", "ready", "update"]
    assert again[-1].data["data"] == published["update"]


async def test_a_channel_not_yet_open_has_an_empty_slot(service: Service) -> None:
    top = (await service.open("night"))["position"]
    first, second = await opening(service, "breaking", NIGHT)
    assert first.id == "0,"
    assert second.id == f"0,{top}"


async def test_a_spoiled_slot_resets_its_channel_alone(service: Service) -> None:
    top = (await service.open("night"))["position"]
    latest, night = await opening(service, NIGHT, "latest", since=f",{top}")
    assert (latest.event, latest.data["reason"]) == ("reset", "malformed")
    assert (night.event, night.data["position"]) == ("ready", top)


@pytest.mark.parametrize("since", ["{top}", "{top},0,0", GARBAGE])
async def test_a_wrong_number_of_slots_resets_all(service: Service, since: str) -> None:
    top = (await service.open("night"))["position"]
    query = since.format(top=top)
    both = await opening(service, NIGHT, "latest", since=query)
    assert [each.data.get("reason") for each in both] == ["malformed"] * 2


async def test_a_repeated_name_counts_once(service: Service) -> None:
    top = (await service.open("night"))["position"]
    (ready,) = await opening(service, NIGHT, NIGHT, since=top)
    assert (ready.event, ready.id) == ("ready", top)


async def test_one_channel_failing_does_not_stop_the_others(service: Service) -> None:
    await service.open("night")
    since = f"0,{GARBAGE}"
    async with streaming(service, "story/none", NIGHT, since=since) as frames:
        ready, story, problem = await take(frames, 3)
        await service.publish("night", headline="One")
        update = await frames.next()
    assert [ready.event, story.event] == ["ready", "story"]
    assert problem.event == "problem"
    assert problem.data == {
        "channel": "story/none",
        "type": "urn:livewire:problem:unknown-channel",
        "title": "There is no such channel",
        "status": 404,
        "detail": "Nobody has opened story/none.",
    }
    # What the client gave stays in its slot for the time the channel exists.
    assert update.id == f"{update.data['position']},{GARBAGE}"


async def test_twenty_channels_are_followed_and_no_more(service: Service) -> None:
    names = [f"story/none-{n}" for n in range(MOST_CHANNELS - 1)]
    opened = await opening(service, "latest", *names)
    assert [each.event for each in opened] == ["ready"] + ["problem"] * len(names)
    query = "&".join(f"channel={name}" for name in ["latest", "breaking", *names])
    assert await status(service, query) == (422, "invalid")


# Who is let in


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ("", (422, "invalid")),
        ("channel=story/none", (404, "unknown-channel")),
        ("channel=STORY/X", (404, "unknown-channel")),
        ("channel=story/none&channel=story/nothing", (404, "unknown-channel")),
        ("channel=newsroom", (401, "not-signed-in")),
        ("channel=newsroom/none", (401, "not-signed-in")),
    ],
)
async def test_what_can_never_be_served_is_refused(
    service: Service, query: str, refused: tuple[int, str]
) -> None:
    assert await status(service, query) == refused
    assert len(service.parts.connections) == 0


async def test_a_refused_stream_leaves_no_reader_behind(service: Service) -> None:
    await status(service, "channel=story/none")
    assert list(service.parts.hub) == []


async def test_a_bad_token_is_never_taken_for_none(service: Service) -> None:
    for token in ("Bearer nonsense", "Basic abc", "Bearer"):
        refused = await status(service, "channel=latest", Authorization=token)
        assert refused == (401, "not-signed-in")


async def test_the_newsroom_needs_the_scope(service: Service) -> None:
    headers = service.auth("follow:story/*")
    for name in ("newsroom", "newsroom/none"):
        assert await status(service, f"channel={name}", **headers) == (
            403,
            "not-allowed",
        )
    opened = await opening(service, "newsroom", headers=service.auth("follow:newsroom"))
    assert [each.event for each in opened] == ["ready"]


@pytest.mark.parametrize("hidden", ["draft", "scheduled"])
async def test_a_story_not_yet_public_is_unknown_without_a_token(
    service: Service, hidden: str
) -> None:
    await service.open("night", status=hidden, starts_at="2099-01-01T20:00:00Z")
    assert await status(service, f"channel={NIGHT}") == (404, "unknown-channel")
    headers = service.auth("follow:story/other")
    refused = await status(service, f"channel={NIGHT}", **headers)
    assert refused == (404, "unknown-channel")
    problem = (await opening(service, "latest", NIGHT))[1]
    assert (problem.event, problem.data["status"]) == ("problem", 404)
    (ready,) = await opening(service, NIGHT, headers=service.auth(f"follow:{NIGHT}"))
    assert ready.event == "ready"


# How it is carried


async def test_the_headers_keep_everybody_from_holding_it_back(
    service: Service,
) -> None:
    headers = {"Origin": "https://elsewhere.example"}
    async with streaming(service, "latest", headers=headers) as frames:
        told = frames.response.headers
    assert told["content-type"] == "text/event-stream"
    assert told["cache-control"] == "no-store, no-transform"
    assert told["x-accel-buffering"] == "no"
    assert told["access-control-allow-origin"] == "*"
    assert "set-cookie" not in told


async def test_what_is_served_by_token_is_private(service: Service) -> None:
    async with streaming(service, "latest", headers=service.auth()) as frames:
        told = frames.response.headers
    assert told["cache-control"] == "private, no-store, no-transform"


async def test_a_preflight_lets_the_position_through(service: Service) -> None:
    answer = await service.http.options(
        "/stream",
        headers={
            "Origin": "https://elsewhere.example",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "last-event-id,authorization",
        },
    )
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_head_is_get_without_the_stream(service: Service) -> None:
    answer = await service.http.head("/stream?channel=latest")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "text/event-stream"
    assert (await service.http.head("/stream?channel=story/none")).status_code == 404
    assert service.parts.hub.readers("latest") == 0


@pytest.mark.parametrize(
    "accept", ["text/event-stream", "*/*", "text/*;q=0.5", "Text/Event-Stream, a/b"]
)
async def test_who_takes_event_streams_gets_one(service: Service, accept: str) -> None:
    async with streaming(service, "latest", headers={"Accept": accept}) as frames:
        assert (await frames.next()).event == "ready"


async def test_who_takes_none_is_told(service: Service) -> None:
    refused = await status(service, "channel=latest", Accept="application/json")
    assert refused == (406, "not-acceptable")


async def test_a_reader_who_leaves_is_forgotten(service: Service) -> None:
    async with streaming(service, "latest") as frames:
        await frames.next()
        assert service.parts.hub.readers("latest") == 1
    await asyncio.wait_for(service.parts.connections.empty(), 5)
    assert service.parts.hub.readers("latest") == 0


# Readers that stall

BIG = "x" * 8192
KEYS = 100
END = b"\n\n\r\n"  # of a frame, in the last chunk that has come


class Stalled:
    """A socket with a small buffer whose owner reads when it likes."""

    def __init__(self, service: Service) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.setblocking(False)
        self.port = service.parts.settings.port
        self.read = b""

    async def ask(self, since: str) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self.socket, ("127.0.0.1", self.port))
        head = f"GET /stream?channel={NIGHT}&since={since} HTTP/1.1\r\nHost: x\r\n\r\n"
        await loop.sock_sendall(self.socket, head.encode())
        while b"event: ready" not in self.read:
            await self.receive()

    async def receive(self) -> bool:
        """Read some; False at the end of the stream."""
        loop = asyncio.get_running_loop()
        chunk = await asyncio.wait_for(loop.sock_recv(self.socket, 1 << 20), 10)
        self.read += chunk
        return bool(chunk)

    async def read_out(self) -> None:
        """Read until the stream ends."""
        while await self.receive():
            pass

    def frames(self) -> Iterator[Frame]:
        """The events in what was read, out of the chunks of HTTP (RFC 9112, 7.1)."""
        _, _, rest = self.read.partition(b"\r\n\r\n")
        stream = b""
        while b"\r\n" in rest:
            size, _, rest = rest.partition(b"\r\n")
            stream += rest[: int(size, 16)]
            rest = rest[int(size, 16) + 2 :]
        for each in messages(stream):
            yield Frame(each.name, json.loads(each.data), each.last_id)


async def publish_much(service: Service, rounds: int) -> str:
    """Publish 100 big updates, each in as many versions; the last position."""
    top = ""
    for version in range(1, rounds + 1):
        for half in (range(0, KEYS, 2), range(1, KEYS, 2)):
            news = [
                new_event(f"update/{n}", {"v": version, "text": BIG}, version)
                for n in half
            ]
            tops = await service.parts.log.append([Append(NIGHT, tuple(news))])
            top = str(tops[NIGHT])
    return top


def lines(service: Service) -> list[AsgiSink]:
    hub = service.parts.hub
    (channel,) = [hub._channels[name] for name in hub if name == NIGHT]
    return [f.sink for f in channel.follows if isinstance(f.sink, AsgiSink)]


async def test_a_stalled_reader_costs_a_buffer_and_ends_with_the_newest(
    service: Service,
) -> None:
    high_water = service.parts.settings.high_water
    top = (await service.open("night"))["position"]
    stalled = Stalled(service)
    await stalled.ask(top)
    (slow,) = lines(service)
    async with streaming(service, NIGHT, since=top) as frames:
        reading = asyncio.create_task(read_to(frames, rounds=20))
        last = await publish_much(service, rounds=20)
        seen = await asyncio.wait_for(reading, 30)
    assert seen[-1].id == last
    seqs = [int(frame.id.partition("-")[2]) for frame in seen]
    assert seqs == sorted(set(seqs))
    assert slow.held_since is not None
    assert sum(map(len, slow._frames)) <= high_water + len(BIG) + 1000
    buffered = [
        protocol.transport.get_write_buffer_size()
        for protocol in service.server.server_state.connections
    ]
    assert max(buffered) < 2 * 65_536 + high_water + len(BIG)
    while not (last.encode() in stalled.read and stalled.read.endswith(END)):
        assert await stalled.receive()
    told = [frame for frame in stalled.frames() if frame.event == "update"]
    seqs = [int(frame.id.partition("-")[2]) for frame in told]
    assert seqs == sorted(set(seqs))
    assert len(told) < 20 * KEYS
    state = {frame.data["key"]: frame.data["data"]["v"] for frame in told}
    assert state == {f"update/{n}": 20 for n in range(KEYS)}
    stalled.socket.close()


async def read_to(frames: Frames, *, rounds: int) -> list[Frame]:
    """Read until the last version of the last key."""
    seen = [await frames.next()]
    key = f"update/{KEYS - 1}"
    while seen[-1].data.get("key") != key or seen[-1].data["data"]["v"] != rounds:
        seen.append(await frames.next())
    return seen


async def test_who_stays_stalled_past_the_limit_is_cut(tmp_path: Path) -> None:
    async with running(tmp_path, heartbeat=1, stall=0.5) as service:
        top = (await service.open("night"))["position"]
        open_before = set(service.server.server_state.connections)
        stalled = Stalled(service)
        await stalled.ask(top)
        await publish_much(service, rounds=10)
        await asyncio.wait_for(service.parts.connections.empty(), 20)
        assert service.parts.hub.readers(NIGHT) == 0
        async with asyncio.timeout(5):
            # What the server holds for it goes too, though it was never taken.
            open_now = service.server.server_state.connections
            while open_now - open_before:  # noqa: ASYNC110 - uvicorn has no event
                await asyncio.sleep(0)
        await stalled.read_out()
        assert not stalled.read.endswith(b"0\r\n\r\n"), "a clean end would mean done"
        stalled.socket.close()
