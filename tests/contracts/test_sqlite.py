"""The SQLite file keeps the contracts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from channels.log import Log
from channels.records import Records
from channels.signals import Signals
from channels.sqlite.file import SqliteFile
from channels.sqlite.log import SqliteLog
from channels.sqlite.records import SqliteRecords
from channels.sqlite.signals import LocalSignals
from livewire.app import epoch_name
from tests.contracts.log_contract import LogContract, OpenLog
from tests.contracts.records_contract import OpenRecords, RecordsContract
from tests.contracts.signals_contract import OpenSignals, SignalsContract


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


class TestLocalSignals(SignalsContract):
    @pytest.fixture
    def open_signals(self) -> OpenSignals:
        signals = LocalSignals(lambda: asyncio.get_running_loop().time())

        @asynccontextmanager
        async def open_signals() -> AsyncIterator[Signals]:
            yield signals

        return open_signals
