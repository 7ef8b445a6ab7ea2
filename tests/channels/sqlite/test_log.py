"""What only the log on a file can get wrong: its bytes, its copies, its values."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from channels.errors import LogUnavailable
from channels.events import Append, Data, NewEvent
from channels.positions import Position, judge
from channels.sqlite.file import SqliteFile
from channels.sqlite.log import SqliteLog
from livewire.app import epoch_name, now
from tests.chaos.disk import Disk, Image

STORIES = ("story/night", "story/coast", "story/north", "newsroom")


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[SqliteFile]:
    opened = SqliteFile(tmp_path / "livewire.db")
    await opened.open()
    yield opened
    await opened.close()


def log_on(file: SqliteFile, bound: int = 40) -> SqliteLog:
    return SqliteLog(file, token=epoch_name, bound=bound)


def event(text: str, key: str = "update/1", private: str = "") -> NewEvent:
    data: Data = {"body": text}
    return NewEvent(key, 1, "update", key, now(), data, {"note": private})


def raw(folder: Path) -> bytes:
    """Every byte of the file and of its journal."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


# What is purged is gone


async def test_a_purged_text_is_in_no_byte_of_the_file_or_its_journal(
    file: SqliteFile, tmp_path: Path
) -> None:
    log = log_on(file)
    texts = (event("SECRET" * 1000, private="NOTE-SECRET"), event("open", "update/2"))
    await log.append([Append(name, texts) for name in STORIES])
    assert b"SECRET" in raw(tmp_path)
    stub = event("stub")
    await log.append([Append(name, (stub,), remove=(1,)) for name in STORIES])
    assert b"SECRET" not in raw(tmp_path)
    assert b"open" in raw(tmp_path)


@pytest.mark.parametrize("seed", [32, 33, 34])
async def test_no_order_of_appends_and_purges_leaves_a_copy_behind(
    file: SqliteFile, tmp_path: Path, seed: int
) -> None:
    """With rows deleted instead of blanked, each of these seeds finds a copy."""
    log, random = log_on(file), Random(seed)
    kept: dict[tuple[str, int], bytes] = {}
    for step in range(300):
        story = random.choice(STORIES)
        marks = [f"MARK{step:03}/{n}." for n in range(random.randrange(1, 6))]
        new = tuple(event(mark * random.choice((1, 2, 3, 8, 40))) for mark in marks)
        mine = [at for at in kept if at[0] == story]
        gone = random.sample(mine, min(len(mine), random.randrange(8)))
        remove = tuple(seq for _, seq in gone)
        tops = await log.append([Append(story, new, remove=remove)])
        if gone:
            bytes_ = raw(tmp_path)
            left = [at for at in gone if kept.pop(at) in bytes_]
            assert left == [], f"seed {seed}, step {step}"
        first = tops[story].seq - len(marks) + 1
        kept |= {(story, first + n): mark.encode() for n, mark in enumerate(marks)}


async def test_what_a_bounded_channel_forgot_is_in_no_byte_after_a_purge(
    file: SqliteFile, tmp_path: Path
) -> None:
    log = log_on(file, bound=10)
    await log.append([Append("latest", (event("FORGOTTEN"),))])
    for _ in range(10):
        await log.append([Append("latest", (event("open"),))])
    await log.append([Append("story/night", (event("stub"),), remove=(1,))])
    assert b"FORGOTTEN" not in raw(tmp_path)


async def test_a_purge_without_room_is_finished_when_there_is_room(
    tmp_path: Path,
) -> None:
    disk = Disk()
    file = SqliteFile(tmp_path / "livewire.db", vfs=disk.name)
    await file.open()
    log = log_on(file)
    for n in range(4):
        text = f"SECRET-{n}-" * 50_000
        await log.append([Append("story/night", (event(text),))])
    used = sum(each.length for each in disk.files.values())
    disk.room = used + 700_000  # for the journal, not for the file to grow as well
    heard: list[int] = []
    await log.listen("story/night", lambda each: heard.append(each.extent.top))
    with pytest.raises(LogUnavailable):
        await log.append([Append("story/night", (event("stub"),), remove=(2,))])
    history = await log.read("story/night")
    assert [entry.event.seq for entry in history.entries] == [1, 3, 4, 5]
    assert heard == [5]  # what is stored is told, whoever is unsure of it
    disk.room = None
    await log.append([Append("story/night", (event("next"),))])
    assert b"SECRET-0" in raw(tmp_path)
    assert b"SECRET-1" not in raw(tmp_path)
    await file.close()


async def test_a_purge_cut_short_by_a_crash_is_finished_by_the_next_life(
    tmp_path: Path,
) -> None:
    disk, images = Disk(), list[Image]()
    file = SqliteFile(tmp_path / "livewire.db", vfs=disk.name)
    await file.open()
    await log_on(file).append([Append("story/night", (event("SECRET" * 1000),))])
    disk.watch = lambda: images.append(disk.image())
    purge = [Append("story/night", (event("stub"),), remove=(1,))]
    await log_on(file).append(purge)
    await file.close()
    carried_out = 0
    for n, image in enumerate(images):
        folder = tmp_path / f"crash-{n}"
        image.cut(folder, "all", Random(n))
        again = SqliteFile(folder / "livewire.db")
        await again.open()
        history = await log_on(again).read("story/night")
        if [entry.event.seq for entry in history.entries] == [2]:
            carried_out += 1
            assert b"SECRET" not in raw(folder)
        await again.close()
    assert 0 < carried_out < len(images)


# A file that was put back


async def test_a_file_put_back_from_a_copy_gives_no_number_twice(
    tmp_path: Path,
) -> None:
    path, copy = tmp_path / "livewire.db", tmp_path / "copy.db"
    kept = await _append_to(path, "one", "two")
    shutil.copy(path, copy)
    lost = await _append_to(path, "three", "four")
    shutil.copy(copy, path)
    again = await _append_to(path, "other", "words")
    assert [each.seq for each in lost] == [each.seq for each in again] == [3, 4]
    file = SqliteFile(path)
    await file.open()
    extent = (await log_on(file).read("story/night")).extent
    await file.close()
    assert [judge(each, extent) for each in (*kept, *again)] == [None] * 4
    assert [judge(each, extent) for each in lost] == ["epoch", "epoch"]


async def _append_to(path: Path, *texts: str) -> list[Position]:
    file = SqliteFile(path)
    await file.open()
    log = log_on(file)
    tops = [await log.append([Append("story/night", (event(t),))]) for t in texts]
    await file.close()
    return [top["story/night"] for top in tops]


# Values that cannot be kept


@pytest.mark.parametrize("value", [2**64, "\ud800", object(), {1: "a number's name"}])
async def test_a_value_that_is_not_json_fails_its_own_append_alone(
    file: SqliteFile, value: object
) -> None:
    log = log_on(file)
    bad = NewEvent("update/2", 1, "update", "2", now(), {"value": value})
    answers = await asyncio.gather(
        log.append([Append("story/coast", (event("a"),))]),
        log.append([Append("story/coast", (event("b"),)), Append("latest", (bad,))]),
        log.append([Append("story/coast", (event("c"),))]),
        return_exceptions=True,
    )
    assert isinstance(answers[1], TypeError)
    history = await log.read("story/coast")
    texts = [(e.event.data or {})["body"] for e in history.entries]
    assert texts == ["a", "c"]
    assert not file.broken
