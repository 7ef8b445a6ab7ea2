"""A withdrawal races everything that shows the text, on two workers.

Every byte that any connection receives is kept. After the acknowledgement none of it
may be of the text; the same search has to find the text that was not withdrawn.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx
import orjson
import pytest

from tests.chaos.captured import Capture, Crowd, connect, crowd, post, until
from tests.chaos.publishers import signed
from tests.chaos.redis_world import RedisWorld, on_redis
from tests.proxy import Touched

ROUNDS = 6
PROMISED = 5  # seconds for a worker that reaches the log again
STORY = "/api/stories/night"
STREAM = "/stream?channel=story/night"
SEVERAL = "/stream?channel=story/night&channel=latest&channel=breaking"
DOCUMENTS = (
    "/",
    "/section/electoral-processes",
    "/live/night",
    "/changes?channel=story/night&since=0",
    "/changes?channel=latest&since=0",
    "/changes?channel=breaking&since=0",
    f"{STORY}/updates",
)
EDITOR = signed("ines")


@dataclass(frozen=True, slots=True)
class Told:
    """An update that was published, and the words that stand in it alone."""

    id: str
    words: bytes


async def open_story(world: RedisWorld) -> None:
    story = {"slug": "night", "headline": "Election night", "status": "live"}
    async with httpx.AsyncClient(headers=EDITOR, timeout=10) as http:
        answer = await http.post(f"{world.addresses[0]}/api/stories", json=story)
    assert answer.status_code == 201, answer.text


async def publish(address: str, words: str) -> Told:
    update = {"headline": words, "body": f"They said {words}.", "breaking": True}
    async with httpx.AsyncClient(headers=EDITOR, timeout=10) as http:
        answer = await http.post(f"{address}{STORY}/updates", json=update)
    assert answer.status_code == 201, answer.text
    return Told(answer.json()["update"]["id"], words.encode())


@asynccontextmanager
async def crowds(
    addresses: Sequence[str], *shown: Told, since: str, purge: bool
) -> AsyncIterator[list[Crowd]]:
    """At every worker, readers of all that shows the updates, who have seen them."""
    async with AsyncExitStack() as stack:
        entered = stack.enter_async_context
        gathered = [await entered(crowd(each)) for each in addresses]
        for each in gathered:
            attend(each, shown[0], since=since, purge=purge)
            async with asyncio.timeout(10):
                await each.hear_of(shown[0].words)
        yield gathered


def attend(here: Crowd, shown: Told, *, since: str, purge: bool) -> None:
    for path in DOCUMENTS:
        here.read(path)
    here.read(f"/live/night/{shown.id}")
    here.read(f"{STORY}/updates/{shown.id}")
    here.read(f"/changes?channel=story/night&since={since}")
    if purge:  # until then editors may look at what it said
        here.read(f"{STORY}/updates/{shown.id}/versions", EDITOR)
    for path in (STREAM, SEVERAL):
        here.follow(path, "0")
        here.follow(path, "0", seconds=0.02)
    here.follow(STREAM, since, seconds=0.02)


async def withdraw(
    address: str, told: Told, marked: Sequence[Crowd], *, purge: bool
) -> dict[str, object]:
    """Withdraw, and draw the line in the instant the answer arrives."""

    def draw_the_line() -> None:
        for each in marked:
            each.mark()

    body = orjson.dumps({"reason": "It was not so.", "purge": purge})
    path = f"{STORY}/updates/{told.id}/withdraw"
    answer = Capture(path, post(path, EDITOR, body), heard=draw_the_line)
    await connect(address, answer)
    await until(lambda: answer.body() is not None)
    answer.leave()
    members = dict(orjson.loads(answer.body() or b"{}"))
    assert members["update"]["status"] == "withdrawn", members
    return members


async def position_of(address: str) -> str:
    async with httpx.AsyncClient(timeout=10) as http:
        answer = await http.get(f"{address}{STORY}/updates")
    return str(answer.json()["position"])


@pytest.mark.parametrize("purge", [False, True])
async def test_after_the_answer_no_worker_sends_a_byte_of_it(
    tmp_path: Path, *, purge: bool
) -> None:
    random = Random(20261122)
    async with on_redis(tmp_path) as world:
        await open_story(world)
        for number in range(ROUNDS):
            here, there = random.sample(world.addresses, 2)
            since = await position_of(here)
            rumour = await publish(here, f"rumour{number}x")
            report = await publish(there, f"report{number}x")
            async with crowds(
                world.addresses, rumour, since=since, purge=purge
            ) as gathered:
                await asyncio.sleep(random.uniform(0, 0.05))
                told = await withdraw(here, rumour, gathered, purge=purge)
                assert told["applied"] == {"workers": 2, "of": 2}
                for each in gathered:
                    await each.turn()
                    assert each.told_since(rumour.words) == set()
                    assert each.told_since(report.words) >= {
                        *DOCUMENTS,
                        f"{STREAM} since 0",
                    }


@pytest.mark.parametrize("silent", ["subscriber", "all"])
async def test_a_worker_that_cannot_hear_of_it_is_counted_and_follows(
    tmp_path: Path, silent: Touched
) -> None:
    async with on_redis(tmp_path) as world:
        await open_story(world)
        near = world.addresses[0]
        since = await position_of(near)
        rumour = await publish(near, "rumourx")
        async with crowds(world.addresses, rumour, since=since, purge=False) as (
            heard,
            deaf,
        ):
            world.proxies[1].only = silent
            world.proxies[1].blackhole = True
            told = await withdraw(near, rumour, [heard], purge=False)
            assert told["applied"] == {"workers": 1, "of": 2}
            await heard.turn()
            assert heard.told_since(rumour.words) == set()
            if silent == "all":
                deaf.mark()
                await deaf.turn()
                assert deaf.told_since(rumour.words), "it knows, and was told by nobody"
            world.proxies[1].blackhole = False
            async with asyncio.timeout(PROMISED):
                await until_clean(deaf, rumour)
            deaf.mark()
            await deaf.turn()
            assert deaf.told_since(rumour.words) == set()


async def until_clean(here: Crowd, told: Told) -> None:
    """Return once the worker sends nothing of it any more."""
    while True:
        here.mark()
        await here.turn()
        if not here.told_since(told.words):
            return
