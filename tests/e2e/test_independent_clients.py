"""Clients that others wrote read our stream, and come back after a restart."""

import asyncio
import json
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.serving import Service, running

CLIENTS = Path(__file__).parent / "clients"
NAMES = ("ready", "reset", "update", "story")
HARD = "Line\u2028and\u2029and\u0085end \r\n\t: id: 7\ndata: x\n\nevent: close"


class Told:
    """What a client prints: one line of JSON for each event."""

    def __init__(self, output: asyncio.StreamReader) -> None:
        self._output = output

    async def bodies(self, count: int) -> list[str]:
        """The bodies of the next `count` updates."""
        found: list[str] = []
        while len(found) < count:
            event = await self.next()
            assert event["event"] not in ("reset", "stopped"), event
            if event["event"] == "update":
                assert event["id"] == event["data"]["position"]
                found.append(event["data"]["data"]["body"])
        return found

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(20):
            return dict(json.loads(await self._output.readline()))


@asynccontextmanager
async def client(*command: str) -> AsyncIterator[Told]:
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    assert process.stdout is not None
    try:
        yield Told(process.stdout)
    finally:
        process.kill()
        await process.wait()


async def publish(service: Service, *bodies: str) -> list[str]:
    answers = [await service.publish("night", body=body) for body in bodies]
    return [answer["update"]["body"] for answer in answers]


@pytest.mark.parametrize(
    "script", ["eventsource", "eventsource-parser", "fetch-event-source"]
)
async def test_a_client_misses_nothing_over_a_restart(
    tmp_path: Path, script: str
) -> None:
    async with AsyncExitStack() as stack:
        async with running(tmp_path, retry=100) as service:
            port = service.parts.settings.port
            await service.open("night")
            first = await publish(service, "One", HARD)
            url = f"{service.url}/stream?channel=story/night&since=0"
            command = ("node", str(CLIENTS / f"{script}.mjs"), url, *NAMES)
            told = await stack.enter_async_context(client(*command))
            assert await told.bodies(2) == first
            second = await publish(service, "Two", "Three")
            assert await told.bodies(2) == second
        async with running(tmp_path, port=port, retry=100) as service:
            third = await publish(service, HARD + " again", "Four")
            assert await told.bodies(2) == third


async def test_curl_shows_each_event_as_it_happens(service: Service) -> None:
    await service.open("night")
    url = f"{service.url}/stream?channel=story/night"
    process = await asyncio.create_subprocess_exec("curl", "-sN", url, stdout=PIPE)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(10):
            await process.stdout.readuntil(b"event: ready\n")
            published = await service.publish("night", body=HARD)
            await process.stdout.readuntil(b"event: update\n")
            id_ = (await process.stdout.readline()).decode()
            data = (await process.stdout.readline()).decode()
    finally:
        process.kill()
        await process.wait()
    assert id_ == f"id: {published['position']}\n"
    assert json.loads(data.removeprefix("data: "))["data"] == published["update"]
