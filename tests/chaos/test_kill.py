"""SIGKILL while eight clients publish: what was acknowledged is there exactly once."""

import asyncio
import os
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx
from httpx_sse import aconnect_sse

from livewire.app import new_id, now
from publishers.permissions import ROLES
from publishers.tokens import Keyring
from tests.serving import SECRET, settings_for

STORIES = ("night", "coast", "north", "south")
CLIENTS, UPDATES, KILLS = 8, 30, 5
COMMAND = Path(sys.executable).with_name("livewire")


@dataclass(slots=True)
class Serving:
    """`livewire serve` in a process of its own, on one port through all its lives."""

    folder: Path
    port: int
    process: asyncio.subprocess.Process | None = None
    lives: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start a process and wait until it answers."""
        environment = {
            **os.environ,
            "LIVEWIRE_DATA_DIR": str(self.folder),
            "LIVEWIRE_SECRET": SECRET,
        }
        self.process = await asyncio.create_subprocess_exec(
            str(COMMAND),
            "serve",
            "--port",
            str(self.port),
            env=environment,
            cwd=self.folder.parent,
        )
        self.lives += 1
        async with httpx.AsyncClient(base_url=self.url) as http:
            while True:
                assert self.process.returncode is None, "the service did not start"
                with suppress(httpx.TransportError):
                    await http.get("/api/stories")
                    return
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """End the process with SIGKILL."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()


@dataclass(slots=True)
class Ledger:
    """What the clients were told."""

    acked: dict[str, dict[str, Any]] = field(default_factory=dict)  # by marker
    tried_again: int = 0
    grown: asyncio.Event = field(default_factory=asyncio.Event)

    def note(self, marker: str, answer: dict[str, Any]) -> None:
        """Keep an acknowledgement."""
        self.acked[marker] = answer
        self.grown.set()

    async def reach(self, count: int) -> None:
        """Wait until so many updates are acknowledged."""
        while len(self.acked) < count:
            self.grown.clear()
            await self.grown.wait()


@dataclass(slots=True)
class Following:
    """A reader of one story, over as many connections as it takes."""

    slug: str
    last_id: str = "0"
    seen: dict[str, Any] = field(default_factory=dict)  # data by position, in order
    things: dict[str, Any] = field(default_factory=dict)  # the newest data by key
    connections: int = 0
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, url: str) -> None:
        """Read until cancelled, from the last event on after each loss."""
        while True:
            async with httpx.AsyncClient(base_url=url, timeout=None) as http:
                with suppress(httpx.TransportError):
                    await self._read_once(http)
            await asyncio.sleep(0.01)

    async def reach(self, position: str) -> None:
        """Wait until the reader holds everything up to the position."""
        while self.last_id != position:
            self.moved.clear()
            await self.moved.wait()

    async def _read_once(self, http: httpx.AsyncClient) -> None:
        channel, headers = f"story/{self.slug}", {"Last-Event-ID": self.last_id}
        async with aconnect_sse(
            http, "GET", "/stream", params={"channel": channel}, headers=headers
        ) as source:
            assert source.response.status_code == 200
            self.connections += 1
            async for sse in source.aiter_sse():
                if sse.event in ("update", "story"):
                    self._take(sse.id, sse.json())
                elif sse.data:
                    assert sse.event in ("ready", "heartbeat"), sse.data

    def _take(self, id_: str, members: dict[str, Any]) -> None:
        assert id_ not in self.seen
        self.seen[id_] = members["data"]
        self.things[members["key"]] = members["data"]
        self.last_id = id_
        self.moved.set()


async def test_no_kill_loses_or_doubles_an_acknowledged_update(tmp_path: Path) -> None:
    await kill_while_publishing(tmp_path, seed=20261122)


async def kill_while_publishing(folder: Path, *, seed: int) -> None:
    random, ledger = Random(seed), Ledger()
    async with serving(folder) as service, client(service) as http:
        for slug in STORIES:
            await open_story(http, slug)
        readers = [Following(slug) for slug in STORIES for _ in range(2)]
        async with asyncio.TaskGroup() as reading:
            tasks = [reading.create_task(each.read(service.url)) for each in readers]
            async with asyncio.TaskGroup() as writing:
                for n in range(CLIENTS):
                    work = publish_all(service, ledger, n, Random(seed + n))
                    writing.create_task(work)
                for kill_at in _instants(random):
                    await ledger.reach(kill_at)
                    await asyncio.sleep(random.uniform(0, 0.02))
                    await service.kill()
                    await service.start()
            told = await every_story(http)
            for reader in readers:
                await reader.reach(told[reader.slug].position)
            for task in tasks:
                task.cancel()
    assert service.lives == KILLS + 1
    assert ledger.tried_again > 0, f"seed {seed}: no kill hit a publish"
    check_stored(told, ledger)
    for reader in readers:
        check_reader(reader, told[reader.slug], ledger)


def _instants(random: Random) -> Iterator[int]:
    step = CLIENTS * UPDATES // (KILLS + 1)
    for kill in range(KILLS):
        yield kill * step + random.randrange(step)


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Serving]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    service = Serving(folder / "data", port)
    try:
        await service.start()
        yield service
    finally:
        if service.process is not None and service.process.returncode is None:
            await service.kill()


def client(service: Serving) -> httpx.AsyncClient:
    settings = settings_for(service.folder)
    ring = Keyring(SECRET.encode(), settings.token_issuer, settings.token_audience)
    token = ring.sign(
        "ines", ROLES["chief"], now=now(), lifetime=timedelta(hours=1), id_=new_id()
    )
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=service.url, headers=headers, timeout=10)


async def open_story(http: httpx.AsyncClient, slug: str) -> None:
    body = {"slug": slug, "headline": f"Story {slug}", "status": "live"}
    answer = await http.post("/api/stories", json=body)
    assert answer.status_code == 201, answer.text


async def publish_all(
    service: Serving, ledger: Ledger, number: int, random: Random
) -> None:
    """One client: its updates one after the other, each until it is acknowledged."""
    async with client(service) as http:
        for n in range(UPDATES):
            marker = f"client {number} update {n}"
            ledger.note(marker, await publish(http, ledger, marker, random))


async def publish(
    http: httpx.AsyncClient, ledger: Ledger, marker: str, random: Random
) -> dict[str, Any]:
    path = f"/api/stories/{random.choice(STORIES)}/updates"
    headers = {"Idempotency-Key": marker.replace(" ", "-")}
    while True:
        with suppress(httpx.TransportError):
            answer = await http.post(path, json={"headline": marker}, headers=headers)
            assert answer.status_code == 201, answer.text
            return dict(answer.json())
        ledger.tried_again += 1
        await asyncio.sleep(0.02)


@dataclass(frozen=True, slots=True)
class Told:
    """What the API says of a story."""

    position: str
    updates: dict[str, Any]  # by id


async def every_story(http: httpx.AsyncClient) -> dict[str, Told]:
    return {slug: await _told(http, slug) for slug in STORIES}


async def _told(http: httpx.AsyncClient, slug: str) -> Told:
    updates: list[dict[str, Any]] = []
    query = {"limit": "100"}
    while True:
        answer = await http.get(f"/api/stories/{slug}/updates", params=query)
        page = answer.json()
        updates += page["updates"]
        if page["next"] is None:
            assert len({each["id"] for each in updates}) == len(updates)
            return Told(page["position"], {each["id"]: each for each in updates})
        query["cursor"] = page["next"]


def check_stored(told: dict[str, Told], ledger: Ledger) -> None:
    """Every update was acknowledged in the end, so each is there exactly once."""
    stored = {id_: u for each in told.values() for id_, u in each.updates.items()}
    markers = Counter(update["headline"] for update in stored.values())
    assert set(markers.values()) == {1}
    assert set(markers) == set(ledger.acked)
    assert len(markers) == CLIENTS * UPDATES
    for answer in ledger.acked.values():
        assert stored[answer["update"]["id"]] == answer["update"]


def check_reader(reader: Following, told: Told, ledger: Ledger) -> None:
    """The reader holds the story as the API lists it, and saw each number once."""
    assert reader.connections > 1
    seqs = [int(position.partition("-")[2]) for position in reader.seen]
    assert seqs == list(range(1, len(told.updates) + 2))
    epochs = [position.partition("-")[0] for position in reader.seen]
    lives = [
        name
        for name, before in zip(epochs, ["", *epochs], strict=False)
        if name != before
    ]
    assert len(lives) == len(set(lives)), "an old epoch came back"
    assert reader.things.pop("story")["slug"] == reader.slug
    held = {key.removeprefix("update/"): data for key, data in reader.things.items()}
    assert held == told.updates
    for answer in ledger.acked.values():
        if answer["update"]["story"] == reader.slug:
            assert reader.seen[answer["position"]] == answer["update"]
