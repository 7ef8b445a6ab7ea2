"""Redis keeps the contracts."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from channels.log import Log
from channels.losses import Loss
from channels.records import Records
from channels.redis.store import RedisStore, Terms
from livewire.app import epoch_name
from tests.contracts.log_contract import LogContract, OpenLog
from tests.contracts.records_contract import OpenRecords, RecordsContract


@asynccontextmanager
async def opened(prefix: str, bound: int = 2000) -> AsyncIterator[RedisStore]:
    losses: list[Loss] = []
    store = RedisStore(
        Terms("redis://127.0.0.1:7801/0", prefix),
        worker=uuid4().hex[:8],
        token=epoch_name,
        bound=bound,
        lost=losses.append,
    )
    await store.open()
    try:
        yield store
    finally:
        await store.close()
    assert not losses


class TestRedisLog(LogContract):
    @pytest.fixture
    def open_log(self) -> OpenLog:
        prefix = uuid4().hex

        @asynccontextmanager
        async def open_log(bound: int) -> AsyncIterator[Log]:
            async with opened(prefix, bound) as store:
                yield store.log

        return open_log


class TestRedisRecords(RecordsContract):
    @pytest.fixture
    def open_records(self) -> OpenRecords:
        prefix = uuid4().hex

        @asynccontextmanager
        async def open_records() -> AsyncIterator[Records]:
            async with opened(prefix) as store:
                yield store.records

        return open_records
