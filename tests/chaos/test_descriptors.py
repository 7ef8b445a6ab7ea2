"""A worker that may open no more descriptors: what it has goes on.

Who comes then is told that it is busy here, and to come back; nobody is left to wait,
the loop does not spin, and there is room for those who publish.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import psutil

from tests.chaos.captured import Capture, connect, get, until
from tests.chaos.service import COMMAND
from tests.chaos.worker_faults import PLAIN, Kind, Site, site

MOST = 256
FEW = Kind(("prlimit", f"--nofile={MOST}", *COMMAND))
EDITORS = 12  # with connections from before
PATH = "/api/stories/{}/updates"


@asynccontextmanager
async def full(folder: Path) -> AsyncIterator[tuple[Site, list[Capture]]]:
    """A site whose first worker has all the descriptors it may have; its readers."""
    async with site(folder, FEW, PLAIN) as here:
        for number in range(EDITORS):
            await here.open(f"story-{number}")
        readers: list[Capture] = []
        yield here, readers
        for each in readers:
            each.leave()


async def fill(here: Site) -> list[Capture]:
    """Readers until there is no descriptor left; those who were let in."""
    asked = get("/stream?channel=story/story-0", {"Last-Event-ID": "0"})
    readers = [Capture(str(number), asked) for number in range(MOST)]
    for each in readers:
        await connect(here.addresses[0], each)
    await until(
        lambda: all(e.ended.is_set() or b"ready" in e.received for e in readers)
    )
    stay = [each for each in readers if not each.ended.is_set()]
    assert len(stay) < MOST
    told = [each.received for each in readers if each.ended.is_set()]
    assert all(b'"reason":"busy","reconnect":true' in each for each in told)
    return stay


async def connected(here: Site) -> list[httpx.AsyncClient]:
    """Editors whose connections to the first worker stand."""
    editors = [here.editor() for _ in range(EDITORS)]
    answers = await asyncio.gather(*(each.get("/api/stories") for each in editors))
    assert {answer.status_code for answer in answers} == {200}
    return editors


async def hear(readers: Sequence[Capture], word: str) -> None:
    """Return once all have it, on the connections they had."""
    await until(lambda: all(word.encode() in each.received for each in readers))
    assert not any(each.ended.is_set() for each in readers)


async def publish(editor: httpx.AsyncClient, word: str, number: int = 0) -> None:
    path = PATH.format(f"story-{number}")
    answer = await editor.post(path, json={"headline": word})
    assert answer.status_code == 201, answer.text


async def test_those_who_are_in_stay_and_hear_everything(tmp_path: Path) -> None:
    async with full(tmp_path) as (here, readers):
        (editor, *others) = await connected(here)
        readers += await fill(here)
        async with here.editor(1) as elsewhere:
            await publish(elsewhere, "Said elsewhere")
        await publish(editor, "Said here")
        await hear(readers, "Said elsewhere")
        await hear(readers, "Said here")
        spent = psutil.Process(here.staff[0].pid).cpu_times()
        await asyncio.sleep(2)
        now = psutil.Process(here.staff[0].pid).cpu_times()
        assert now.user + now.system - spent.user - spent.system < 1, "it spins"
        for each in readers[::2]:
            each.leave()
        newcomer = Capture("", get("/stream?channel=story/story-0", {}))
        async with asyncio.timeout(10):
            while b"ready" not in newcomer.received:
                newcomer = Capture("", get("/stream?channel=story/story-0", {}))
                await connect(here.addresses[0], newcomer)
                await asyncio.sleep(0.1)
        await publish(editor, "Said again")
        await hear([*readers[1::2], newcomer], "Said again")
        newcomer.leave()
        for client in (editor, *others):
            await client.aclose()


async def test_editors_who_are_in_publish_at_once(tmp_path: Path) -> None:
    async with full(tmp_path) as (here, readers):
        editors = await connected(here)
        readers += await fill(here)
        try:
            for turn in range(3):
                async with asyncio.TaskGroup() as group:
                    for number, editor in enumerate(editors):
                        group.create_task(publish(editor, f"Word {turn}", number))
            await hear(readers, "Word 2")
        finally:
            for editor in editors:
                await editor.aclose()
