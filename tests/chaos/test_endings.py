"""However a service is told to end, it ends, and nobody of it is left.

All the while an editor publishes, and has each update answered in the end.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random
from signal import SIGHUP, SIGINT, SIGKILL, SIGTERM

import httpx
import psutil
import pytest

from tests.chaos.captured import Capture, connect, get, until
from tests.chaos.worker_faults import PLAIN, REPLACED, Handled, Kind, Site, site

THREE = Kind(arguments=("--workers", "3"))
STARTS = 4
PATH = "/api/stories/night/updates"

Ending = Callable[[Handled, Random], Awaitable[None]]


def family(worker: Handled) -> set[int]:
    """The processes of its session: itself, and whom it started."""
    return {pid for pid in psutil.pids() if _session(pid) == worker.pid}


def _session(pid: int) -> int | None:
    with suppress(ProcessLookupError, psutil.NoSuchProcess):
        if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            return os.getsid(pid)
    return None


async def gone(worker: Handled) -> None:
    """Return once nobody of it is there."""
    await until(lambda: not family(worker))


async def told_twice(worker: Handled, random: Random) -> None:
    worker.send(SIGTERM)
    await asyncio.sleep(random.uniform(0, 0.5))
    if worker.is_running:
        worker.send(random.choice((SIGTERM, SIGINT)))
    assert await worker.ended() == 0, worker.words()


async def killed_while_it_drains(worker: Handled, random: Random) -> None:
    worker.send(SIGTERM)
    await asyncio.sleep(random.uniform(0, 0.3))
    if worker.is_running:
        worker.send(SIGKILL)
    assert await worker.ended() in (0, -SIGKILL)


async def hung_up(worker: Handled, random: Random) -> None:
    if "--workers" not in worker.arguments:
        worker.send(SIGHUP)
        assert await worker.ended() == 0, worker.words()
        return
    before = family(worker) - {worker.pid}
    worker.send(SIGHUP, ends=False)
    await until(lambda: REPLACED in worker.words())
    after = family(worker) - {worker.pid}
    assert len(after) == 3
    assert not before & after
    await told_twice(worker, random)


@asynccontextmanager
async def publishing(here: Site) -> AsyncIterator[list[str]]:
    """One update after the other, each repeated until it is answered."""
    answered: list[str] = []
    over = asyncio.Event()

    async def publish() -> None:
        while not over.is_set():
            word = f"word {len(answered)}"
            await _publish(here, word)
            answered.append(word)

    async with asyncio.TaskGroup() as group:
        group.create_task(publish())
        yield answered
        over.set()


def _are(answered: Sequence[str], some: int) -> bool:
    return len(answered) >= some


async def _publish(here: Site, word: str) -> None:
    headers = {"Idempotency-Key": word.replace(" ", "-")}
    while True:
        with suppress(httpx.TransportError):
            async with here.editor() as editor:
                update = {"headline": word}
                answer = await editor.post(PATH, json=update, headers=headers)
                if answer.status_code < 500:
                    assert answer.status_code == 201, answer.text
                    return
        await asyncio.sleep(0.02)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", [PLAIN, THREE], ids=["one", "three"])
async def test_it_ends_in_whichever_way_it_is_told(tmp_path: Path, kind: Kind) -> None:
    random = Random(28)
    async with site(tmp_path, kind) as here:
        await here.open()
        (worker,) = here.staff
        async with publishing(here) as answered:
            for ending in (told_twice, killed_while_it_drains, hung_up):
                reader = Capture("", get("/stream?channel=story/night", {}))
                await connect(worker.address, reader)
                some = len(answered) + 3
                await until(partial(_are, answered, some))
                await ending(worker, random)
                await gone(worker)
                assert b"200 OK" in reader.received
                await worker.start()
        async with here.editor() as editor:
            query = {"channel": "story/night", "since": "0"}
            told = (await editor.get("/changes", params=query)).json()
    assert not told["more"]
    words = Counter(event["data"]["headline"] for event in told["events"])
    assert words == Counter([*answered, "Story night"])


@pytest.mark.timeout(120)
async def test_it_can_be_stopped_at_any_instant_of_its_start(tmp_path: Path) -> None:
    async def stop_and_go(worker: Handled, random: Random) -> None:
        await worker.terminate()
        for _ in range(STARTS):
            await worker.launch()
            await asyncio.sleep(random.uniform(0, 1.5))
            worker.send(SIGTERM)
            assert await worker.ended() in (0, -SIGTERM), worker.words()
            await gone(worker)
        await worker.start()

    async with site(tmp_path, PLAIN, THREE) as here:
        randoms = Random(1), Random(3)
        await asyncio.gather(*map(stop_and_go, here.staff, randoms))
