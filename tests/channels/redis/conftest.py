"""One Redis for the tests of a module, and a site of its own for each of them."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.channels.redis.workers import Worker, worker
from tests.redis_servers import RedisServer, redis_server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def redis(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[RedisServer]:
    async with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def prefix() -> str:
    return uuid4().hex


@pytest.fixture
async def one(redis: RedisServer, prefix: str) -> AsyncIterator[Worker]:
    async with worker(redis.url, prefix, gather=0.05) as opened:
        yield opened
