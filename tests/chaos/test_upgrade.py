"""Two releases of Livewire on one Redis, while the one replaces the other.

What is frozen, from the first release on Redis on:

- A site stands under `{PREFIX}:`. `site` is a hash of `guard`, `epochs`, `batches`,
  `count`, `life`; `meta:CHANNEL` of `guard`, `epochs`, `top`, `floor`; `epochs` is
  `NAME@FIRST,` for each. `log:CHANNEL` is a stream whose ids are `SEQ-0` and whose
  entries have one field, `d`: the array key, version, type, id, at, data, private.
- On `batches` a message is lines: the head, an array of two (where the batch stands:
  count, epoch, number, life, sender; and for each channel: name, epochs, top, floor,
  how many events, numbers removed), then each event as in the stream. On `signals` it
  is the array topic, value.

A later release adds members to data, private and the values of signals and leases, and
topics; it adds nothing to an array and no type of event while earlier ones run.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson

from channels.events import Append, NewEvent
from tests.channels.redis.workers import Worker as Newer
from tests.channels.redis.workers import worker as newer_worker
from tests.chaos.captured import Capture, connect, get, until
from tests.chaos.publishers import signed
from tests.chaos.service import Worker
from tests.chaos.worker_faults import PLAIN, site
from tests.chaos.world import World, running
from tests.redis_servers import RedisServer, redis_server

STORY = "/api/stories/night"
EDITOR = signed("ines")
ADDED = {"mood": {"of": "the crowd", "words": ["calm"]}}
REQUEST = "0192f0c4-5b1e-7000-8000-000000000002"


async def write_as_newer(here: Newer, update: str) -> None:
    """A new version of an update, by a worker that knows more than we do."""
    history = await here.store.log.read("story/night")
    last = next(e for e in reversed(history.entries) if e.event.key == update)
    told, private = last.event.data or {}, dict(last.private)
    event = NewEvent(
        update,
        last.event.version + 1,
        last.event.type,
        str(uuid4()),
        last.event.at,
        {**told, **ADDED, "version": last.event.version + 1, "headline": "By a newer"},
        {**private, "request": str(uuid4()), "seen": {"by": ["web", "app"]}},
    )
    item = replace(event, type="item", id=str(uuid4()))
    batch = [Append("story/night", (event,)), Append("latest", (item,))]
    await here.store.log.append(batch)


async def say_as_newer(here: Newer) -> None:
    """Signals and a lease with more in them, and of a kind nobody knows here."""
    signals, name = here.store.signals, here.name
    value = {"readers": {"story/night": 5}, "load": [0.5, 0.7]}
    await signals.lease(f"worker/{name}", name, seconds=20, value=value)
    await signals.send("weather", {"wind": 12})
    position = str((await here.store.log.read("latest")).extent.end)
    asked = {"ask": "1", "by": name, "positions": {"latest": position}, "why": "x"}
    heard = asyncio.Event()
    stop = signals.listen(f"applied/{name}", lambda value: heard.set())
    await signals.send("applied?", asked)
    async with asyncio.timeout(5):
        await heard.wait()
    stop()


async def test_what_a_newer_worker_adds_is_passed_on_and_disturbs_nobody(
    tmp_path: Path,
) -> None:
    async with (
        site(tmp_path, PLAIN, PLAIN) as here,
        newer_worker(here.server.url) as newer,
        httpx.AsyncClient(headers=EDITOR, timeout=10) as http,
    ):
        await here.open()
        address = here.addresses[0]
        answer = await http.post(f"{address}{STORY}/updates", json={"headline": "Old"})
        id_ = answer.json()["update"]["id"]
        readers = [await follow(each) for each in here.addresses]
        await write_as_newer(newer, f"update/{id_}")
        await say_as_newer(newer)
        for each, reader in zip(here.addresses, readers, strict=True):
            await until(partial(has, reader))
            await check_served(http, each, id_)
        for each in here.addresses:  # and the older ones go on writing
            patch = {"headline": f"Corrected at {each}", "note": "As before."}
            path, match = f"{each}{STORY}/updates/{id_}", {"If-Match": "*"}
            answer = await http.patch(path, json=patch, headers=match)
            assert answer.status_code == 200, answer.text
            assert answer.json()["durability"] == "fsync"
        purged = {"reason": "Enough.", "purge": True}
        answer = await http.post(
            f"{address}{STORY}/updates/{id_}/withdraw", json=purged
        )
        assert answer.json()["applied"] == {"workers": 2, "of": 3}, (
            "a newer one is deaf"
        )
        for reader in readers:
            assert b"event: reset" not in reader.received
            reader.leave()


async def follow(address: str) -> Capture:
    path = "/stream?channel=story/night&channel=latest"
    reader = Capture(path, get(path, {"Last-Event-ID": "0"}))
    await connect(address, reader)
    return reader


def has(reader: Capture) -> bool:
    return orjson.dumps(ADDED)[1:-1] in reader.received


async def check_served(http: httpx.AsyncClient, address: str, id_: str) -> None:
    answer = await http.get(f"{address}{STORY}/updates/{id_}")
    update = answer.json()["update"]
    assert update["headline"] == "By a newer"
    assert update["mood"] == ADDED["mood"]
    for path in ("/live/night", f"/live/night/{id_}", "/"):
        answer = await http.get(address + path)
        assert answer.status_code == 200
    told = await http.get(f"{address}{STORY}/updates/{id_}/versions")
    assert [each["version"] for each in told.json()["versions"]] == [1, 2]


STORED: list[list[Any]] = [
    [
        "story",
        1,
        "story",
        "ec2b73db-190f-54df-9fed-cddf062fba3f",
        "2026-11-22T16:27:05.254Z",
        {
            "slug": "night",
            "version": 1,
            "headline": "Election night",
            "standfirst": None,
            "section": "electoral-processes",
            "form": "live",
            "tags": [],
            "image": None,
            "language": "en",
            "direction": "ltr",
            "timezone": "UTC",
            "status": "live",
            "starts_at": None,
            "authors": [],
            "body": None,
            "html": "",
            "summary": None,
            "urgency": None,
            "resumes_at": None,
            "followed_by": None,
            "correction": None,
            "published": "2026-11-22T16:27:05.254Z",
            "ended": None,
            "modified": "2026-11-22T16:27:05.254Z",
            "permalink": "http://127.0.0.1:8000/live/night",
        },
        {
            "by": "ines",
            "request": REQUEST,
            "fingerprint": "fc7b9a0d64f5175b04fe1a3fb82e2ad0f3332fe66b5a942f402e5512",
            "status": 201,
            "answer": "story",
        },
    ]
]
"""What the first release kept of a story that was opened, in its channel."""

Kept = dict[bytes | bytearray | memoryview | str | int | float, Any]
GUARD = f"{'1' * 40}:{'2' * 40}"  # of a Redis that ran before this one


async def store_as_the_first_release(server: RedisServer) -> None:
    channel, epochs = "{livewire}:%s:story/night", "q7f3k2m9@1,"
    meta: Kept = {"guard": GUARD, "epochs": epochs, "top": len(STORED), "floor": 0}
    life: Kept = {"guard": GUARD, "epochs": "k2m9q7f3@1,", "batches": 1, "count": 1}
    async with server.client() as client:
        await client.hset("{livewire}:site", mapping=life)
        await client.hset(channel % "meta", mapping=meta)
        for number, event in enumerate(STORED, start=1):
            entry: Kept = {"d": orjson.dumps(event)}
            await client.xadd(channel % "log", entry, id=f"{number}-0")


async def test_what_the_first_release_kept_is_read_and_written_to_as_ever(
    tmp_path: Path,
) -> None:
    async with (
        redis_server(tmp_path / "redis") as server,
        httpx.AsyncClient(headers=EDITOR, timeout=10) as http,
    ):
        await store_as_the_first_release(server)
        settings = {"LIVEWIRE_REDIS_URL": server.url}
        world = World([Worker(tmp_path / name, settings) for name in ("one", "two")])
        async with running(world), told_on(server, "batches") as batches:
            for each in world.addresses:
                query = {"channel": "story/night", "since": "q7f3k2m9-0"}
                told = (await http.get(f"{each}/changes", params=query)).json()
                assert (told["reset"], told["position"]) == (None, "q7f3k2m9-1")
                assert [event["data"] for event in told["events"]] == [STORED[0][5]]
            path = f"{world.addresses[0]}{STORY}/updates"
            answer = await http.post(path, json={"headline": "Polls close"})
            assert answer.json()["position"].endswith("-2")
            await check_kept(server, answer.json()["update"])
            async with asyncio.timeout(5):
                check_word((await anext(batches))["data"], answer.json()["update"])


@asynccontextmanager
async def told_on(
    server: RedisServer, channel: str
) -> AsyncIterator[AsyncIterator[dict[str, bytes]]]:
    """What is said on a channel of Redis from now on."""
    async with server.client() as client, client.pubsub() as heard:
        await heard.subscribe(f"{{livewire}}:{channel}")
        messages = aiter(heard.listen())
        await anext(messages)  # the word that it is subscribed
        yield messages


RANGE = "XRANGE", "{livewire}:log:story/night", "2-0", "+"


async def check_kept(server: RedisServer, update: dict[str, object]) -> None:
    """What this release keeps can be read by the first one."""
    async with server.client() as client:
        site_ = await client.hgetall("{livewire}:site")
        meta = await client.hgetall("{livewire}:meta:story/night")
        ((id_, entry),) = await client.execute_command(*RANGE)
    assert {b"guard", b"epochs", b"batches", b"count"} <= site_.keys()
    assert {b"guard", b"epochs", b"top", b"floor"} <= meta.keys()
    assert re.fullmatch(r"b'q7f3k2m9@1,[a-z0-9]{8}@2,'", str(meta[b"epochs"]))
    assert (id_, list(entry)) == (b"2-0", [b"d"])
    key, version, type_, _, at, data, private = orjson.loads(entry[b"d"])
    assert (key, version, type_) == (f"update/{update['id']}", 1, "update")
    assert (data, at) == (update, update["published"])
    assert STORED[0][6].keys() <= private.keys()


def check_word(message: bytes, update: dict[str, object]) -> None:
    """What this release says can be understood by the first one."""
    head, *events = message.split(b"\n")
    (count, epoch, number, life, sender), parts = orjson.loads(head)
    assert (count, number, life) == (2, 3, "")
    assert re.fullmatch(r"[a-z0-9]{8} [a-z0-9]{8}", f"{epoch} {sender}")
    channel, epochs, top, floor, many, removed = parts[0]
    assert (channel, top, floor, many, removed) == ("story/night", "2", "0", 1, "")
    assert re.fullmatch(r"q7f3k2m9@1,[a-z0-9]{8}@2,", epochs)
    assert len(events) == sum(part[4] for part in parts)
    assert orjson.loads(events[0])[5] == update
