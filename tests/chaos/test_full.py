"""The disk is full: nothing half stored, readers keep reading, room mends it."""

import asyncio
from pathlib import Path

import pytest

from channels.errors import StorageFull
from channels.events import Append, NewEvent
from channels.sqlite.file import SqliteFile
from channels.sqlite.log import SqliteLog
from livewire.app import epoch_name, now
from tests.chaos.disk import Disk
from tests.serving import running, streaming

CHANNELS = ("story/night", "newsroom")


def batch(n: int, *, size: int, expected: int | None = None) -> list[Append]:
    event = NewEvent(f"update/{n}", 1, "update", f"{n}", now(), {"text": "x" * size})
    return [
        Append(CHANNELS[0], (event,), expected_seq=expected),
        Append(CHANNELS[1], (event,)),
    ]


async def fill(log: SqliteLog, size: int) -> list[int]:
    """The numbers of the batches that were acknowledged before one had no room."""
    acked: list[int] = []
    while True:
        try:
            await log.append(batch(len(acked) + 1, size=size))
        except StorageFull:
            return acked
        acked.append(len(acked) + 1)


async def stored(log: SqliteLog) -> list[int]:
    """The numbers of the batches in the log, checked to be the same everywhere."""
    held = [
        [int(entry.event.id) for entry in (await log.read(channel)).entries]
        for channel in CHANNELS
    ]
    assert held[0] == held[1]
    return held[0]


@pytest.mark.parametrize("size", [100, 6_000, 3_000_000, 9_000_000])
async def test_nothing_of_what_had_no_room_is_stored(tmp_path: Path, size: int) -> None:
    disk = Disk()
    file = SqliteFile(tmp_path / "livewire.db", vfs=disk.name)
    await file.open()
    log = SqliteLog(file, token=epoch_name, bound=10)
    disk.room = 400_000 + 2 * size
    acked = await fill(log, size)
    assert await stored(log) == acked
    assert not file.broken
    disk.room = None
    await log.append(batch(99, size=size, expected=len(acked)))
    assert await stored(log) == [*acked, 99]
    assert await file.run(lambda c: c.pragma("integrity_check")) == "ok"
    await file.close()


async def test_what_was_acknowledged_on_a_filling_disk_is_read_after_a_restart(
    tmp_path: Path,
) -> None:
    disk = Disk()
    acked: set[int] = set()
    file = SqliteFile(tmp_path / "livewire.db", vfs=disk.name)
    await file.open()
    log = SqliteLog(file, token=epoch_name, bound=10)
    for n in range(120):
        disk.room = 100_000 + 9_000 * n if n % 3 else 0
        try:
            await log.append(batch(n, size=2_000))
            acked.add(n)
        except StorageFull:
            assert n not in await stored(log)
    disk.room = 0  # not even the journal can be moved into the file
    await file.close()
    again = SqliteFile(tmp_path / "livewire.db", vfs=disk.name)
    await again.open()  # what is there can be read on a full disk
    assert set(await stored(SqliteLog(again, token=epoch_name, bound=10))) == acked
    await again.close()
    assert 0 < len(acked) < 120


async def test_a_write_without_room_spoils_no_other_job(tmp_path: Path) -> None:
    disk = Disk()
    file = SqliteFile(tmp_path / "livewire.db", vfs=disk.name)
    await file.open()
    log = SqliteLog(file, token=epoch_name, bound=10)
    await log.append(batch(1, size=100))
    disk.room = sum(each.length for each in disk.files.values()) + 60_000
    before = await log.read(CHANNELS[0])
    answers = await asyncio.gather(
        log.append(batch(2, size=500_000)),
        log.read(CHANNELS[0]),
        log.append(batch(3, size=100)),
        return_exceptions=True,
    )
    assert isinstance(answers[0], StorageFull)
    assert answers[1] == before
    assert isinstance(answers[2], dict)
    assert await stored(log) == [1, 3]
    await file.close()


async def test_a_full_disk_answers_507_while_readers_read_on(tmp_path: Path) -> None:
    disk = Disk()
    async with running(tmp_path, vfs=disk.name) as service:
        await service.open("night")
        await service.publish("night", headline="Before")
        async with streaming(service, "story/night", since="0") as frames:
            assert (await frames.until("update"))[-1].event == "update"
            disk.room = 0
            path = "/api/stories/night/updates"
            headers = service.auth() | {"Idempotency-Key": "full"}
            body = {"headline": "Without room"}
            refused = await service.http.post(path, json=body, headers=headers)
            assert refused.status_code == 507
            assert refused.headers["Content-Type"] == "application/problem+json"
            assert refused.headers["Retry-After"] == "30"
            assert refused.json()["type"] == "urn:livewire:problem:storage-full"
            for read in (path, "/live/night", "/changes?channel=story/night&since=0"):
                answer = await service.http.get(read)
                assert answer.status_code == 200
                assert "Before" in answer.text
                assert "Without room" not in answer.text
            # A channel that no view holds yet is read from the full disk.
            latest = await service.http.get("/changes?channel=latest&since=0")
            assert "Before" in latest.text
            disk.room = None
            stored = await service.http.post(path, json=body, headers=headers)
            assert stored.status_code == 201
            assert "Idempotent-Replayed" not in stored.headers
            frame = await frames.next()
        assert frame.data["data"]["headline"] == "Without room"
        listed = (await service.http.get(path)).json()["updates"]
        assert [each["headline"] for each in listed] == ["Without room", "Before"]
