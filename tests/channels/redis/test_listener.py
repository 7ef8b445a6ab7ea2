"""Whatever breaks the line is a gap, and a gap is said."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from channels.log import Delivery
from tests.channels.redis.workers import (
    COAST,
    NIGHT,
    Worker,
    claim,
    proxied,
    until,
    worker,
)
from tests.proxy import HOST, Proxy
from tests.redis_servers import RedisServer


@asynccontextmanager
async def through(
    redis: RedisServer, prefix: str
) -> AsyncIterator[tuple[Proxy, Worker]]:
    async with (
        Proxy(HOST, redis.port) as proxy,
        worker(proxied(redis.url, proxy), prefix, gather=0.05) as one,
    ):
        await until(lambda: not one.store.log.missed)
        proxy.only = "subscriber"
        yield proxy, one


async def test_a_subscription_counts_once_redis_said_so(
    redis: RedisServer, prefix: str
) -> None:
    async with (
        Proxy(HOST, redis.port) as proxy,
        worker(redis.url, prefix, gather=0.05) as other,
    ):
        await other.append("a")
        proxy.delay = 0.1
        async with worker(proxied(redis.url, proxy), prefix) as one:
            assert one.store.log.listener.subscribed.is_set()
            async with redis.client() as client:
                (told,) = await client.pubsub_numsub(f"{{{prefix}}}:batches")
            assert told[1] == 2


async def test_a_line_that_redis_ends_is_a_gap(redis: RedisServer, prefix: str) -> None:
    async with through(redis, prefix) as (_, one):
        tops: list[Delivery] = []
        await one.store.log.listen(NIGHT, tops.append)
        await one.append("a")
        count = len(tops)
        async with redis.client() as client:
            await client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        # The tops are told anew, though nobody publishes.
        await until(lambda: len(tops) > count)
        assert (tops[-1].extent.top, tops[-1].entries) == (1, ())
        await until(one.store.log.listener.subscribed.is_set)
        await one.append("b")
        assert [e.event.key for e in tops[-1].entries] == ["b"]


async def test_a_line_that_is_silent_is_given_up(
    redis: RedisServer, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.redis.listener._PULSE", 0.1)
    monkeypatch.setattr("channels.redis.listener._SILENCE", 0.4)
    async with through(redis, prefix) as (proxy, one):
        listener = one.store.log.listener
        proxy.blackhole = True
        # Nobody publishes, and the connection stands: only its pulse is missing.
        await until(lambda: not listener.subscribed.is_set(), seconds=5)
        proxy.blackhole = False
        await until(listener.subscribed.is_set)
        await until(lambda: not one.store.log.missed)


async def test_an_append_whose_word_does_not_come_is_told_here(
    redis: RedisServer, prefix: str
) -> None:
    async with through(redis, prefix) as (proxy, one):
        heard: list[Delivery] = []
        await one.store.log.listen(NIGHT, heard.append)
        proxy.blackhole = True
        for key in "ab":
            async with asyncio.timeout(2):
                await one.append(key)
            told = [e.event.key for each in heard for e in each.entries]
            assert told[-1] == key
        proxy.blackhole = False
        await until(one.store.log.listener.subscribed.is_set)
        await one.append("c")
        # Late or not, no word of an append is told twice.
        told = [e.event.key for each in heard for e in each.entries]
        assert told == ["a", "b", "c"]


@pytest.mark.parametrize("only", ["batches", "signals"])
async def test_a_subscription_that_redis_takes_away_is_a_gap(
    redis: RedisServer, prefix: str, only: str
) -> None:
    # As when a slot of a Cluster moves: the channel ends, the connection does not.
    async with through(redis, prefix) as (_, one):
        listener = one.store.log.listener
        connection = listener._connection
        assert connection is not None
        await connection.send_command("UNSUBSCRIBE", f"{{{prefix}}}:{only}")
        await until(lambda: listener._connection is not connection)
        await until(listener.subscribed.is_set)
        await one.append("a")


@pytest.mark.parametrize("channel", ["batches", "signals"])
async def test_a_word_nobody_understands_leaves_the_line(
    redis: RedisServer, prefix: str, channel: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with through(redis, prefix) as (_, one):
        listener = one.store.log.listener
        connection = listener._connection
        async with redis.client() as client:
            for word in (b"", b"{}", b"[]", b"[[1,2],[]]\nx", b"\xff"):
                await client.publish(f"{{{prefix}}}:{channel}", word)
        await one.append("a")
        await claim(one)
        assert listener._connection is connection
        assert caplog.text.count("was not understood") == 5


async def test_a_word_that_was_lost_is_found_though_nobody_publishes_again(
    redis: RedisServer, prefix: str
) -> None:
    async with (
        worker(redis.url, prefix, gather=0.05) as other,
        through(redis, prefix) as (proxy, one),
    ):
        heard: list[Delivery] = []
        await one.store.log.listen(COAST, heard.append)
        await other.append("a", channel=COAST)
        await until(lambda: bool(heard))
        proxy.blackhole = True
        await other.append("b", channel=COAST)
        proxy.cut()  # what was on its way is lost
        proxy.blackhole = False
        await until(lambda: heard[-1].extent.top == 2)
        await until(lambda: one.store.log.heard == other.store.log.heard)
