"""The client against a real service, also through a line that fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from livewire.client import (
    TRIES,
    Change,
    Client,
    Event,
    Live,
    Lost,
    Problem,
    Reset,
)
from tests.serving import Service, running

BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)


@dataclass(slots=True)
class Waits:
    """Takes the place of the clock: every wait is noted and over at once."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


@dataclass(slots=True)
class Line:
    """A line to a service on which each next connection may meet a fault.

    `lost`: the request arrives, its answer does not. `busy`: 503. `mute`: nothing.
    """

    port: int
    faults: list[str]
    url: str = ""

    async def carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "busy":
            await reader.readuntil(b"\r\n\r\n")
            writer.write(BUSY)
        elif fault == "mute":
            await reader.read()
        else:
            await self._through(reader, writer, deaf=fault == "lost")
        writer.close()

    async def _through(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, deaf: bool
    ) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", self.port)
        sending = asyncio.create_task(_pipe(reader, forth))
        if deaf:
            await back.readuntil(b"\r\n\r\n")
        else:
            await _pipe(back, writer)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        forth.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()


@asynccontextmanager
async def line_to(service: Service, *faults: str) -> AsyncIterator[Line]:
    line = Line(int(service.url.rpartition(":")[2]), list(faults))
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    line.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        server.close()


async def headlines(service: Service, story: str) -> list[str]:
    answer = await service.http.get(f"/api/stories/{story}/updates")
    return [update["headline"] for update in answer.json()["updates"]]


async def take(events: AsyncIterator[Event], kind: type, count: int = 1) -> list[Event]:
    """Everything up to the `count`-th event of a kind."""
    taken: list[Event] = []
    while sum(isinstance(event, kind) for event in taken) < count:
        taken.append(await anext(events))
    return taken


def told(events: list[Event]) -> list[object]:
    """The headlines that changes bring."""
    return [e.data["headline"] for e in events if isinstance(e, Change) and e.data]


async def test_a_story_is_opened_published_changed_and_withdrawn(
    service: Service,
) -> None:
    async with Client(service.url, service.token()) as desk:
        opened = await desk.open("night", headline="The night", status="live")
        written = await desk.publish("night", headline="One", body="Polls close.")
        id_ = str(written.thing["id"])
        changed = await desk.change("night", id_, 1, headline="Two")
        gone = await desk.withdraw("night", id_, "Not so.")
        renamed = await desk.change("night", None, "*", headline="Other")
        story = await desk.show("night")
    assert opened.thing["slug"] == "night"
    assert changed.thing["headline"] == "Two"
    assert gone.thing["status"] == "withdrawn"
    assert story == renamed.thing
    assert story["headline"] == "Other"
    assert not written.replayed


async def test_a_story_without_a_slug_gets_one(service: Service) -> None:
    async with Client(service.url, service.token) as desk:
        opened = await desk.open(headline="Storm reaches the coast")
    assert opened.thing["slug"] == "storm-reaches-the-coast"


async def test_a_lost_answer_is_asked_for_again_and_nothing_happens_twice(
    service: Service,
) -> None:
    await service.open("night")
    async with (
        line_to(service, "lost", "lost") as line,
        Client(line.url, service.token(), sleep=Waits()) as desk,
    ):
        written = await desk.publish("night", headline="One")
    assert written.replayed
    assert await headlines(service, "night") == ["One"]


async def test_a_busy_service_is_given_the_time_it_asks_for(service: Service) -> None:
    await service.open("night")
    waits = Waits()
    async with (
        line_to(service, "busy") as line,
        Client(line.url, service.token(), sleep=waits, draw=lambda: 0.5) as desk,
    ):
        await desk.publish("night", headline="One")
    assert waits.seconds == [7.5]


async def test_without_any_answer_the_problem_names_the_key(service: Service) -> None:
    await service.open("night")
    async with (
        line_to(service, *["lost"] * TRIES) as line,
        Client(line.url, service.token(), sleep=Waits()) as desk,
    ):
        with pytest.raises(Problem, match="key of-the-script") as caught:
            await desk.publish("night", key="of-the-script", headline="One")
        again = await desk.publish("night", key="of-the-script", headline="One")
    assert caught.value.status == 0
    assert again.replayed
    assert await headlines(service, "night") == ["One"]


async def test_a_problem_names_every_fault(service: Service) -> None:
    await service.open("night")
    async with Client(service.url, service.token()) as desk:
        with pytest.raises(Problem) as caught:
            await desk.publish("night", headline="", mood="gloomy")
    pointers = {fault.pointer for fault in caught.value.errors}
    assert caught.value.status == 422
    assert caught.value.type == "urn:livewire:problem:invalid"
    assert {"/headline", "/mood"} <= pointers


async def test_a_lost_race_and_a_missing_token_are_problems(service: Service) -> None:
    await service.open("night")
    async with Client(service.url, service.token()) as desk:
        with pytest.raises(Problem) as raced:
            await desk.change("night", None, 7, headline="Other")
    async with Client(service.url) as stranger:
        with pytest.raises(Problem) as unknown:
            await stranger.publish("night", headline="One")
    assert (raced.value.status, unknown.value.status) == (412, 401)


@pytest.mark.parametrize("address", ["", "live.example.org", "ftp://example.org"])
def test_an_address_has_a_scheme_and_a_host(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Client(address)


async def test_a_follow_brings_the_state_and_then_what_changes(
    service: Service,
) -> None:
    await service.open("night")
    await service.publish("night", headline="One")
    async with (
        Client(service.url) as desk,
        aclosing(desk.follow("story/night", "0")) as events,
    ):
        state = await take(events, Live)
        answer = await service.publish("night", headline="Two")
        (change,) = await take(events, Change)
    assert told(state) == ["Story night", "One"]
    assert isinstance(change, Change)
    assert change.position == answer["position"]
    assert change.data == answer["update"]


async def test_a_follow_without_a_position_starts_now(service: Service) -> None:
    opened = await service.open("night")
    async with (
        Client(service.url) as desk,
        aclosing(desk.follow("story/night")) as events,
    ):
        assert await anext(events) == Live("story/night", opened["position"])


async def test_a_follow_goes_on_after_a_restart_without_gap_or_repetition(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as service:
        port = int(service.url.rpartition(":")[2])
        await service.open("night")
        desk = Client(service.url, sleep=Waits())
        events = desk.follow("story/night", "0")
        heard = await take(events, Live)
        await service.publish("night", headline="One")
        heard += await take(events, Change)
    lost = await take(events, Lost, count=2)
    async with running(tmp_path, port) as service:
        await service.publish("night", headline="Two")
        heard += await take(events, Live)
        await service.publish("night", headline="Three")
        heard += await take(events, Change)
        await events.aclose()
    async with desk:
        pass
    assert told(heard) == ["Story night", "One", "Two", "Three"]
    assert isinstance(lost[0], Lost)
    assert lost[0].why == "draining"


async def test_a_position_of_another_log_starts_over_aloud(service: Service) -> None:
    await service.open("night")
    async with (
        Client(service.url) as desk,
        aclosing(desk.follow("story/night", "zzzzzzzz-9")) as events,
    ):
        heard = await take(events, Live)
    assert isinstance(heard[0], Reset)
    assert heard[0].reason == "epoch"
    assert told(heard) == ["Story night"]
    assert isinstance(heard[-1], Live)
    assert heard[-1].named == frozenset({"story"})


async def test_a_channel_that_nobody_opened_is_a_problem(service: Service) -> None:
    async with Client(service.url) as desk:
        for channel, status in (("story/nowhere", 404), ("newsroom", 401)):
            with pytest.raises(Problem) as caught:
                await anext(desk.follow(channel))
            assert caught.value.status == status


async def test_a_silent_line_and_a_busy_one_are_left_for_a_better_one(
    service: Service,
) -> None:
    await service.open("night")
    waits = Waits()
    async with (
        line_to(service, "mute", "busy") as line,
        Client(line.url, sleep=waits, draw=lambda: 0.5) as desk,
        aclosing(desk.follow("story/night", "0", silence=0.2)) as events,
    ):
        heard = await take(events, Live)
    assert [type(event) for event in heard[:2]] == [Lost, Lost]
    assert told(heard) == ["Story night"]
    # Half of one second at first, then half of two, on top of what was asked for.
    assert waits.seconds == [3.5, 7.0]


async def test_the_service_says_when_to_come_back(tmp_path: Path) -> None:
    async with running(tmp_path, retry=60_000) as service:
        await service.open("night")
        desk = Client(service.url, draw=lambda: 0.0)
        events = desk.follow("story/night")
        await take(events, Live)
    lost = await anext(events)
    await events.aclose()
    async with desk:
        pass
    assert isinstance(lost, Lost)
    assert 30 <= lost.wait <= 90
