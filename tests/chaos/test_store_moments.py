"""What a reader and an editor are told at the very moment Redis fails them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio

from channels.redis.keys import Keys
from tests.channels.redis.workers import forget_since, worker
from tests.chaos.frames import Frame, Frames
from tests.chaos.publishers import signed
from tests.chaos.redis_world import PREFIX, RedisWorld, on_redis
from tests.chaos.store_faults import LIMIT
from tests.chaos.torn import tear
from tests.redis_processes import until
from tests.redis_servers import redis_server

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(90)]

BOUND = 6  # seconds in which whatever is asked has to be answered
FROZEN = 10  # seconds


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RedisWorld]:
    """Two workers over one server."""
    async with on_redis(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(headers=signed("ines"), timeout=BOUND) as client:
        yield client


async def open_story(http: httpx.AsyncClient, world: RedisWorld, slug: str) -> None:
    await world.recover()
    story = {"slug": slug, "headline": slug, "status": "live"}
    answer = await http.post(f"{world.addresses[0]}/api/stories", json=story)
    assert answer.status_code == 201, answer.text


async def publish(
    http: httpx.AsyncClient, address: str, slug: str, name: str
) -> httpx.Response:
    return await http.post(
        f"{address}/api/stories/{slug}/updates",
        json={"headline": name, "body": "Polls close."},
        headers={"Idempotency-Key": name.replace(" ", "-")},
    )


@asynccontextmanager
async def reading(
    http: httpx.AsyncClient, address: str, slug: str
) -> AsyncIterator["Line"]:
    """A reader's line that has opened."""
    query = {"channel": f"story/{slug}"}
    async with (
        http.stream("GET", f"{address}/stream", params=query) as answer,
        aclosing(_frames(answer)) as frames,
    ):
        line = Line(frames)
        await line.until("ready")
        yield line


async def _frames(answer: httpx.Response) -> AsyncGenerator[Frame, None]:
    frames = Frames()
    async for piece in answer.aiter_bytes():
        for frame in frames.feed(piece):
            yield frame


class Line:
    """What a reader is told, frame by frame."""

    def __init__(self, frames: AsyncIterator[Frame]) -> None:
        self._frames = frames

    async def until(self, event: str, **said: object) -> Mapping[str, Any]:
        """The data of the next such event that says this; others are passed over."""
        async for frame in self._frames:
            data: Mapping[str, Any] = orjson.loads(frame.data)
            if frame.event == event and _says(data, said):
                return data
        raise AssertionError(f"the line ended without {event} {said}")


def _says(data: Mapping[str, Any], said: Mapping[str, object]) -> bool:
    told = data.get("data") or data
    told = next(iter(data["channels"].values())) if "channels" in data else told
    return all(told.get(name) == value for name, value in said.items())


async def test_a_frozen_redis_is_said_aloud_and_acts_late_but_once(
    world: RedisWorld, http: httpx.AsyncClient
) -> None:
    await open_story(http, world, "frozen")
    names = [f"update {number}" for number in range(6)]
    where = [world.addresses[number % 2] for number in range(6)]

    async def write_all() -> list[httpx.Response]:
        asked = zip(where, names, strict=True)
        return await asyncio.gather(
            *(publish(http, address, "frozen", name) for address, name in asked)
        )

    async with reading(http, world.addresses[0], "frozen") as line:
        world.primary.pause()
        thaw = asyncio.get_running_loop().time() + FROZEN
        for _ in range(2):  # those who wait for its silence, and those who come later
            for answer in await write_all():
                assert answer.status_code == 503, answer.text
                assert int(answer.headers["Retry-After"]) > 0
        await line.until("heartbeat", stalled=True)
        await asyncio.sleep(thaw - asyncio.get_running_loop().time())
        world.primary.resume()

        async def all_is_written() -> bool:
            return all(answer.status_code == 201 for answer in await write_all())

        await until(all_is_written)
        await line.until("heartbeat", stalled=False)
    page = f"{world.addresses[1]}/api/stories/frozen/updates"
    told = (await http.get(page)).json()["updates"]
    assert sorted(each["headline"] for each in told) == names


async def test_a_line_that_is_silent_keeps_nothing_from_readers(
    world: RedisWorld, http: httpx.AsyncClient
) -> None:
    await open_story(http, world, "silent")
    async with reading(http, world.addresses[0], "silent") as line:
        world.proxies[0].only = "subscriber"
        world.proxies[0].blackhole = True
        answer = await publish(http, world.addresses[1], "silent", "unheard")
        assert answer.status_code == 201
        await line.until("update", headline="unheard")  # within httpx's patience
        world.proxies[0].blackhole = False
        world.proxies[0].only = "all"
        await publish(http, world.addresses[1], "silent", "heard")
        await line.until("update", headline="heard")


async def test_a_tail_that_redis_kept_from_a_sleeper_comes_without_another_word(
    world: RedisWorld, http: httpx.AsyncClient
) -> None:
    await open_story(http, world, "asleep")
    async with (
        reading(http, world.addresses[0], "asleep") as line,
        world.primary.client() as client,
    ):
        await world.primary.config_set(client_output_buffer_limit=LIMIT)
        world.workers[0].pause()
        listeners = len(await client.client_list(_type="pubsub"))
        last = 0

        async def is_dropped() -> bool:
            nonlocal last
            last += 1
            answer = await publish(http, world.addresses[1], "asleep", f"update {last}")
            assert answer.status_code == 201
            for _ in range(20):
                noise = b'["noise","' + b"-" * 100_000 + b'"]'
                await client.publish(Keys(PREFIX).signals, noise)
            return len(await client.client_list(_type="pubsub")) < listeners

        await until(is_dropped)
        world.workers[0].resume()
        await line.until("update", headline=f"update {last}")


async def test_half_a_batch_does_not_come_back_at_the_start_after_next(
    tmp_path: Path,
) -> None:
    async with redis_server(tmp_path) as server:
        async with worker(server.url) as one:
            await one.append("a")
            before = server.aof().stat().st_size
            await one.append("half", "half of it")
            after = server.aof().stat().st_size
        await forget_since(server, (before + after) // 2)
        async with worker(server.url) as one:
            await one.append("acknowledged")
        await server.restart()
        async with worker(server.url) as one:
            assert await one.keys() == ["a", "acknowledged"]


async def test_a_torn_record_is_a_whole_batch_or_none(tmp_path: Path) -> None:
    assert await tear(tmp_path, pieces=20) == 21
