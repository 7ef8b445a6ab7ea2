"""One file, one process, one thread; many writers share one commit."""

import asyncio
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import apsw
import pytest

from channels.errors import Conflict, LogInUse, LogUnavailable
from channels.sqlite.file import SqliteFile
from channels.sqlite.records import SqliteRecords
from tests.chaos.disk import Disk

HOLDER = """
import asyncio, sys
from pathlib import Path
from channels.errors import LogInUse
from channels.sqlite.file import SqliteFile
from channels.sqlite.records import SqliteRecords

async def hold():
    file = SqliteFile(Path(sys.argv[1]))
    try:
        await file.open()
    except LogInUse as error:
        print("in use", flush=True)
        return
    await SqliteRecords(file).put("k/1", {"by": "the other process"}, seen=0)
    print("open", flush=True)
    await asyncio.Event().wait()

asyncio.run(hold())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "livewire.db"


@pytest.fixture
async def file(path: Path) -> AsyncIterator[SqliteFile]:
    opened = SqliteFile(path)
    await opened.open()
    yield opened
    await opened.close()


@asynccontextmanager
async def another_process(path: Path) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """What a second process says of the file, and how to kill it with SIGKILL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip(), process.kill
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def busy(file: SqliteFile) -> AsyncIterator[None]:
    """Inside, the file's thread is held up and jobs queue; then it takes them all."""
    go, began = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(connection: apsw.Connection) -> None:
        loop.call_soon_threadsafe(began.set)
        go.wait()

    held = asyncio.create_task(file.run(hold))
    await began.wait()
    try:
        yield
    finally:
        go.set()
        await held


def insert(name: str) -> Callable[[apsw.Connection], str]:
    def work(connection: apsw.Connection) -> str:
        connection.execute("INSERT INTO records VALUES (?, 1, x'7b7d')", (name,))
        return name

    return work


def names(connection: apsw.Connection) -> list[str]:
    return [str(name) for (name,) in connection.execute("SELECT name FROM records")]


# One process


async def test_a_second_process_is_refused_while_the_first_lives(path: Path) -> None:
    async with another_process(path) as (said, kill):
        assert said == "open"
        for _ in range(2):
            with pytest.raises(LogInUse, match="One process"):
                await SqliteFile(path).open()
        kill()
    file = SqliteFile(path)
    await file.open()
    record = await SqliteRecords(file).get("k/1")
    await file.close()
    assert record is not None
    assert record.value == {"by": "the other process"}


async def test_this_process_refuses_others_until_it_closes(path: Path) -> None:
    file = SqliteFile(path)
    await file.open()
    async with another_process(path) as (said, _):
        assert said == "in use"
    await file.close()
    async with another_process(path) as (said, _):
        assert said == "open"


async def test_a_file_opened_and_never_written_is_held_too(
    file: SqliteFile, path: Path
) -> None:
    with pytest.raises(LogInUse):
        await SqliteFile(path).open()


async def test_an_unknown_format_is_refused_and_left_as_it_was(
    path: Path, file: SqliteFile
) -> None:
    await file.close()
    _set_format(path, 2)
    before = _bytes(path)
    with pytest.raises(LogUnavailable, match="format 2; this version reads 1"):
        await SqliteFile(path).open()
    assert _bytes(path) == before
    _set_format(path, 1)  # nothing holds the file that was refused
    await file.open()


@pytest.mark.parametrize("content", [b"not a database" * 100, b"{}", b"\0" * 4096])
async def test_what_is_no_database_is_refused_and_left_as_it_was(
    tmp_path: Path, content: bytes
) -> None:
    path = _file_of(tmp_path, content)
    with pytest.raises(LogUnavailable, match="cannot be opened"):
        await SqliteFile(path).open()
    assert _bytes(path) == content


async def test_a_closed_file_takes_no_jobs(path: Path) -> None:
    file = SqliteFile(path)
    with pytest.raises(LogUnavailable):
        await file.run(names)
    await file.open()
    await file.close()
    with pytest.raises(LogUnavailable):
        await file.run(names)
    await file.close()


async def test_closing_finishes_what_was_asked_and_refuses_what_comes_later(
    path: Path,
) -> None:
    file = SqliteFile(path)
    await file.open()
    async with busy(file):
        asked = asyncio.create_task(file.run(insert("asked")))
        await asyncio.sleep(0)
        closing = asyncio.create_task(file.close())
        await asyncio.sleep(0)
        with pytest.raises(LogUnavailable):
            await file.run(insert("too late"))
    assert await asked == "asked"
    await closing
    await file.open()
    assert await file.run(names) == ["asked"]
    await file.close()


# One commit for many


async def test_jobs_that_wait_share_one_commit_and_one_sync(path: Path) -> None:
    disk, commits = Disk(), list[bool]()
    file = SqliteFile(path, vfs=disk.name)
    await file.open()
    for name in ("first", "second"):  # an emptied journal's head is synced too
        await file.run(insert(name))

    def count() -> bool:
        commits.append(True)
        return False

    await file.run(lambda connection: connection.set_commit_hook(count))
    async with busy(file):
        syncs = disk.syncs
        jobs = [asyncio.create_task(file.run(insert(f"k/{n}"))) for n in range(200)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*jobs) == [f"k/{n}" for n in range(200)]
    assert len(commits) == 1
    assert disk.syncs == syncs + 1
    assert len(await file.run(names)) == 202
    await file.close()


async def test_no_group_is_so_long_that_its_first_waits_for_ever(
    file: SqliteFile,
) -> None:
    commits: list[bool] = []

    def count() -> bool:
        commits.append(True)
        return False

    await file.run(lambda connection: connection.set_commit_hook(count))
    async with busy(file):
        jobs = [asyncio.create_task(file.run(insert(f"k/{n}"))) for n in range(600)]
        await asyncio.sleep(0)
    await asyncio.gather(*jobs)
    assert len(commits) == 3


@pytest.mark.parametrize(
    "error", [Conflict("story/night", 7), ValueError("a bug"), OverflowError()]
)
async def test_a_job_that_fails_takes_back_its_own_changes_alone(
    file: SqliteFile, error: Exception
) -> None:
    def fail(connection: apsw.Connection) -> None:
        insert("half")(connection)
        raise error

    async with busy(file):
        jobs = [
            asyncio.create_task(file.run(work))
            for work in (insert("before"), fail, insert("after"), insert("before"))
        ]
        await asyncio.sleep(0)
    answers = await asyncio.gather(*jobs, return_exceptions=True)
    assert answers[:3] == ["before", error, "after"]
    assert isinstance(answers[3], apsw.ConstraintError)
    assert await file.run(names) == ["after", "before"]
    assert not file.broken


async def test_what_was_asked_by_someone_who_left_is_still_done(
    file: SqliteFile,
) -> None:
    heard: list[str] = []
    async with busy(file):
        asked = asyncio.create_task(file.run(insert("left"), heard.append))
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
    assert await file.run(names) == ["left"]
    assert heard == ["left"]


async def test_others_are_told_in_the_order_of_the_commits(file: SqliteFile) -> None:
    order: list[str] = []

    async def ask(name: str) -> None:
        await file.run(insert(name), lambda result: order.append(f"told {result}"))
        order.append(f"answered {name}")

    await asyncio.gather(*(ask(f"k/{n:02}") for n in range(30)))
    told = [each for each in order if each.startswith("told")]
    assert told == sorted(told)
    for n in range(30):
        assert order.index(f"told k/{n:02}") < order.index(f"answered k/{n:02}")


async def test_the_journal_does_not_grow_for_ever(path: Path) -> None:
    class Short(SqliteFile):
        journal = 20

    file = Short(path)
    await file.open()
    for n in range(200):
        await file.run(insert(f"k/{n}"))
    length = path.with_name("livewire.db-wal").stat().st_size
    await file.close()
    assert length < 3 * Short.journal * 4096


def _file_of(folder: Path, content: bytes) -> Path:
    path = folder / "livewire.db"
    path.write_bytes(content)
    return path


def _bytes(path: Path) -> bytes:
    return path.read_bytes()


def _set_format(path: Path, number: int) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {number}")
    connection.close()
