"""Redis keeps the contracts, however it is set up."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import pytest
import pytest_asyncio

from channels.log import Log
from channels.losses import Loss
from channels.records import Records
from channels.redis.store import RedisStore, Terms
from channels.signals import Signals
from livewire.app import epoch_name
from tests.contracts.log_contract import LogContract, OpenLog
from tests.contracts.records_contract import OpenRecords, RecordsContract
from tests.contracts.signals_contract import OpenSignals, SignalsContract
from tests.redis_groups import redis_cluster, redis_with_sentinel
from tests.redis_servers import redis_server

PREFIX = "site"  # what every prefix here begins with, for the user who may no more

LEAST = (
    "-@all +ping +select +eval +evalsha +info +time +publish +subscribe +wait"
    " +pubsub|numsub +config|get +bgrewriteaof +exists +del"
    " +hget +hmget +hset +hdel +hincrby"
    " +xadd +xrange +xinfo|stream +xtrim"
    " +zadd +zrem +zscore +zrangebyscore +zrangebylex"
)
"""Of the ACL: all that a worker asks of one server."""


KINDS = ("server", "sentinel", "cluster", "tls", "user")
PLAIN = (
    "server",
    "sentinel",
    "cluster",
    "user",
)  # TLS is slow, and the log's is enough


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=KINDS, autouse=True)
async def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    async with AsyncExitStack() as stack:
        opening = OPENINGS[request.param](tmp_path_factory.mktemp("redis"))
        yield await stack.enter_async_context(opening)


@asynccontextmanager
async def plain(folder: Path) -> AsyncIterator[str]:
    async with redis_server(folder) as server:
        yield server.url


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[str]:
    async with redis_with_sentinel(folder) as group:
        yield group.url


@asynccontextmanager
async def cluster(folder: Path) -> AsyncIterator[str]:
    async with redis_cluster(folder) as nodes:
        yield nodes.url


@asynccontextmanager
async def tls(folder: Path) -> AsyncIterator[str]:
    async with redis_server(folder, tls=True) as server:
        trusted = urlencode({"ssl_ca_certs": str(server.ca)})
        yield f"{server.url}?{trusted}"


@asynccontextmanager
async def user(folder: Path) -> AsyncIterator[str]:
    """Who may no more than needed, in a database of another number."""
    line = f"live on >p@ss/word ~{{{PREFIX}* &{{{PREFIX}* {LEAST}"
    async with redis_server(folder, users=[line]) as server:
        yield server.url_of("live", "p@ss/word").removesuffix("0") + "3"


OPENINGS = dict(zip(KINDS, (plain, watched, cluster, tls, user), strict=True))


@asynccontextmanager
async def opened(
    site: str, prefix: str, bound: int = 2000
) -> AsyncIterator[RedisStore]:
    losses: list[Loss] = []
    store = RedisStore(
        Terms(site, prefix, timeout=10, gather=0.05),
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


@pytest.fixture
def home() -> str:
    return PREFIX + uuid4().hex


@pytest.mark.parametrize("site", KINDS, indirect=True, scope="module")
class TestRedisLog(LogContract):
    @pytest.fixture
    def open_log(self, site: str, home: str) -> OpenLog:
        @asynccontextmanager
        async def open_log(bound: int) -> AsyncIterator[Log]:
            async with opened(site, home, bound) as store:
                yield store.log

        return open_log


@pytest.mark.parametrize("site", PLAIN, indirect=True, scope="module")
class TestRedisRecords(RecordsContract):
    @pytest.fixture
    def open_records(self, site: str, home: str) -> OpenRecords:
        @asynccontextmanager
        async def open_records() -> AsyncIterator[Records]:
            async with opened(site, home) as store:
                yield store.records

        return open_records


@pytest.mark.parametrize("site", PLAIN, indirect=True, scope="module")
class TestRedisSignals(SignalsContract):
    @pytest.fixture
    def open_signals(self, site: str, home: str) -> OpenSignals:
        @asynccontextmanager
        async def open_signals() -> AsyncIterator[Signals]:
            async with opened(site, home) as store:
                yield store.signals

        return open_signals
