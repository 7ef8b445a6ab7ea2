"""One number for every append of the site tells whether anything was missed."""

import asyncio

import pytest

from channels.events import Append
from channels.log import Delivery
from channels.positions import Position
from channels.redis.address import address
from channels.redis.appending import Author
from channels.redis.keys import Keys
from channels.redis.link import Link
from channels.redis.listener import Listener
from channels.redis.log import RedisLog
from channels.redis.memory import Memory
from channels.redis.primary import Primary
from tests.channels.redis.samples import batch, part
from tests.channels.redis.workers import COAST, NIGHT, new, until, worker
from tests.redis_servers import RedisServer


@pytest.fixture
async def log() -> RedisLog:
    """A log that hears what a test tells it and asks nobody."""
    primary = Primary(address("redis://127.0.0.1:1/0"), tag="t", timeout=0.1)
    link = Link(primary, timeout=0.1, replicas=0, milliseconds=1)
    author = Author(Keys("t"), "author", lambda: "token", 5, False)
    memory = Memory(asyncio.get_running_loop().time)
    return RedisLog(link, author, memory, Listener(link, primary))


async def test_numbers_in_a_row_miss_nothing(log: RedisLog) -> None:
    log.catch_up(Position("sitesite", 4))
    for seq in (5, 6, 7):
        log.hear(batch(seq).message())
    assert not log.missed
    assert log.heard == Position("sitesite", 7)


@pytest.mark.parametrize(("epoch", "seq"), [("sitesite", 6), ("other123", 5)])
async def test_a_hole_or_another_life_is_missed(
    log: RedisLog, epoch: str, seq: int
) -> None:
    log.catch_up(Position("sitesite", 4))
    log.hear(batch(seq, epoch=epoch).message())
    assert log.missed
    assert log.heard == Position(epoch, seq)


async def test_a_word_that_comes_late_moves_nothing_back(log: RedisLog) -> None:
    log.catch_up(Position("sitesite", 9))
    log.catch_up(Position("sitesite", 8))
    log.hear(batch(5).message())
    assert log.heard == Position("sitesite", 9)
    assert log.has_heard(Position("sitesite", 9))
    assert not log.has_heard(Position("sitesite", 10))
    assert not log.has_heard(Position("other123", 1))
    assert not log.missed


async def test_what_nobody_follows_is_remembered_and_told_to_nobody(
    log: RedisLog,
) -> None:
    heard: list[Delivery] = []
    stop = await log.listen(COAST, heard.append)
    assert log.channels == [COAST]
    log.hear(batch(1, part("a", top=1), part("x", top=1, channel=COAST)).message())
    assert [each.channel for each in heard] == [COAST]
    stop()
    assert log.channels == []


async def test_an_append_waits_for_its_word_and_not_for_a_comparison(
    redis: RedisServer, prefix: str
) -> None:
    async with worker(redis.url, prefix, gather=0.05) as one:
        heard: list[Delivery] = []
        await one.store.log.listen(NIGHT, heard.append)
        hears = one.store.log.listener._hears
        batches = f"{{{prefix}}}:batches".encode()
        hear, hears[batches] = hears[batches], lambda word: None
        appending = asyncio.create_task(
            one.store.log.append([Append(NIGHT, (new("a"),))])
        )
        # The tops are told before the word comes, which it never does.
        async with redis.client() as client:
            while not await client.exists(f"{{{prefix}}}:meta:{NIGHT}"):
                pass
        one.store.log.miss()
        await appending
        assert ["a"] in [[e.event.key for e in each.entries] for each in heard]
        hears[batches] = hear


async def test_who_asked_may_go_away_and_the_append_stands(
    redis: RedisServer, prefix: str
) -> None:
    async with worker(redis.url, prefix, gather=0.05) as one:
        heard: list[Delivery] = []
        await one.store.log.listen(NIGHT, heard.append)
        asking = asyncio.create_task(one.store.log.append([Append(NIGHT, (new("a"),))]))
        await asyncio.sleep(0)
        asking.cancel()
        await until(lambda: bool(heard))
        assert await one.keys() == ["a"]
