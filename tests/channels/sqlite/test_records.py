"""What only records on a file can get wrong: they share it with the log."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from channels.errors import Conflict
from channels.events import Append, NewEvent
from channels.records import Record
from channels.sqlite.file import SqliteFile
from channels.sqlite.log import SqliteLog
from channels.sqlite.records import SqliteRecords
from livewire.app import epoch_name, now


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[SqliteFile]:
    opened = SqliteFile(tmp_path / "livewire.db")
    await opened.open()
    yield opened
    await opened.close()


async def test_a_record_and_an_append_share_a_commit_but_not_a_fate(
    file: SqliteFile,
) -> None:
    records = SqliteRecords(file)
    log = SqliteLog(file, token=epoch_name, bound=10)
    event = NewEvent("story", 1, "story", "1", now(), {})
    answers = await asyncio.gather(
        records.put("k/1", {}, seen=0),
        log.append([Append("story/night", (event,), expected_seq=5)]),
        records.put("k/1", {}, seen=0),
        records.put("k/2", {}, seen=0),
        return_exceptions=True,
    )
    assert answers[0] == Record("k/1", 1, {})
    assert isinstance(answers[1], Conflict)
    assert answers[2] is None
    assert answers[3] == Record("k/2", 1, {})


@pytest.mark.parametrize("value", [2**64, "\ud800", object()])
async def test_a_value_that_is_not_json_is_not_put(
    file: SqliteFile, value: object
) -> None:
    records = SqliteRecords(file)
    with pytest.raises(TypeError):
        await records.put("k/1", {"value": value}, seen=0)
    assert await records.get("k/1") is None


async def test_a_put_does_not_see_what_another_statement_changed(
    file: SqliteFile,
) -> None:
    """A put that changes nothing must not count the change made just before it."""
    records = SqliteRecords(file)
    await records.put("k/1", {}, seen=0)
    answers = await asyncio.gather(
        records.put("k/2", {}, seen=0),
        records.put("k/1", {"late": True}, seen=0),
        records.put("k/1", {"stale": True}, seen=7),
        records.delete("k/2"),
        records.put("k/1", {"late": True}, seen=0),
    )
    assert [answer is not None for answer in answers] == [True, *[False] * 4]
    assert await records.get("k/1") == Record("k/1", 1, {})
