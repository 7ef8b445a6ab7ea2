"""The SQLite file keeps the contracts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from channels.log import Log
from channels.records import Records
from channels.sqlite.file import SqliteFile
from channels.sqlite.log import SqliteLog
from channels.sqlite.records import SqliteRecords
from livewire.app import epoch_name
from tests.contracts.log_contract import LogContract, OpenLog
from tests.contracts.records_contract import OpenRecords, RecordsContract


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteFile]:
    file = SqliteFile(path)
    await file.open()
    try:
        yield file
    finally:
        await file.close()


class TestSqliteLog(LogContract):
    @pytest.fixture
    def open_log(self, tmp_path: Path) -> OpenLog:
        @asynccontextmanager
        async def open_log(bound: int) -> AsyncIterator[Log]:
            async with opened(tmp_path / "livewire.db") as file:
                yield SqliteLog(file, token=epoch_name, bound=bound)

        return open_log


class TestSqliteRecords(RecordsContract):
    @pytest.fixture
    def open_records(self, tmp_path: Path) -> OpenRecords:
        @asynccontextmanager
        async def open_records() -> AsyncIterator[Records]:
            async with opened(tmp_path / "livewire.db") as file:
                yield SqliteRecords(file)

        return open_records
