"""A sync fails once: nothing is acknowledged on the word of a later one."""

from pathlib import Path
from random import Random

import pytest

from channels.errors import LogUnavailable
from channels.events import Append, NewEvent
from channels.sqlite.file import SqliteFile
from channels.sqlite.log import SqliteLog
from livewire.app import epoch_name, now
from tests.chaos.disk import Disk
from tests.serving import running

STORY = "story/night"


class Checkpointing(SqliteFile):
    """Moves its journal so often that syncs of the file itself fail too."""

    journal = 10


async def append(log: SqliteLog, n: int) -> None:
    event = NewEvent(f"update/{n}", 1, "update", f"{n}", now(), {"text": "x" * 5000})
    remove = (n - 1,) if n % 10 == 0 else ()
    await log.append([Append(STORY, (event,), remove=remove)])


async def test_no_append_is_acknowledged_after_a_failed_sync(tmp_path: Path) -> None:
    """Whichever sync it is, of a commit, of a checkpoint, of the journal's start."""
    failures = 0
    for failing in range(1, 60):
        disk = Disk()
        folder = tmp_path / f"{failing}"
        file = Checkpointing(folder / "livewire.db", vfs=disk.name)
        await file.open()
        disk.fail_sync = disk.syncs + failing
        log = SqliteLog(file, token=epoch_name, bound=10)
        acked: list[int] = []
        for n in range(1, 31):
            failed_before = disk.failed
            try:
                await append(log, n)
            except LogUnavailable:
                assert disk.failed
                continue
            assert not failed_before, f"sync {failing}: {n} was acknowledged after it"
            acked.append(n)
        assert file.broken == disk.failed
        failures += disk.failed
        disk.image().cut(folder / "cut", "all", Random(failing))
        await file.close()
        for where in (folder, folder / "cut"):
            gone = {n - 1 for n in range(10, 31, 10)}
            assert set(acked) - gone <= await found(where), f"sync {failing}"
    assert failures >= 40


async def found(folder: Path) -> set[int]:
    file = SqliteFile(folder / "livewire.db")
    await file.open()
    assert await file.run(lambda c: c.pragma("integrity_check")) == "ok"
    log = SqliteLog(file, token=epoch_name, bound=10)
    entries = (await log.read(STORY)).entries
    await file.close()
    return {int(entry.event.id) for entry in entries}


async def test_after_a_failed_sync_publishing_answers_503_and_pages_are_served(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk()
    path = "/api/stories/night/updates"
    async with running(tmp_path / "data", vfs=disk.name) as service:
        await service.open("night")
        await service.publish("night", headline="Before")
        assert (await service.http.get("/live/night")).status_code == 200
        disk.fail_sync = disk.syncs + 1
        headers = service.auth() | {"Idempotency-Key": "unknown"}
        for _ in range(3):
            answer = await service.http.post(
                path, json={"headline": "Unknown"}, headers=headers
            )
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "2"
            assert answer.json()["type"] == "urn:livewire:problem:log-unavailable"
        for read in (path, "/live/night"):
            page = await service.http.get(read)
            assert page.status_code == 200
            assert "Before" in page.text
            assert "Unknown" not in page.text
    assert "no longer trusted" in caplog.text
    # Started anew, the same key says what became of it, or does it now: once.
    async with running(tmp_path / "data") as service:
        answer = await service.http.post(
            path, json={"headline": "Unknown"}, headers=headers
        )
        assert answer.status_code == 201
        listed = (await service.http.get(path)).json()["updates"]
        assert [each["headline"] for each in listed] == ["Unknown", "Before"]
