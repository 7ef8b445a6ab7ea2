import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import TimeoutError as Unanswered

from tests.proxy import HOST, Proxy
from tests.redis_processes import until
from tests.redis_servers import RedisServer, redis_server


@asynccontextmanager
async def proxied(folder: Path) -> AsyncIterator[tuple[RedisServer, Proxy, Redis]]:
    """A server, a proxy in front of it, and a client of the proxy."""
    async with (
        redis_server(folder) as server,
        Proxy(HOST, server.port) as proxy,
        Redis(port=proxy.port, socket_timeout=1, retry=Retry(NoBackoff(), 0)) as client,
    ):
        await client.ping()
        yield server, proxy, client


async def subscribed(client: Redis, channel: str) -> PubSub:
    pubsub = client.pubsub()
    await pubsub.subscribe(channel)
    message = await pubsub.get_message(timeout=5)
    assert message is not None
    assert message["type"] == "subscribe"
    return pubsub


async def test_it_carries_both_ways_more_than_one_chunk(tmp_path: Path) -> None:
    async with proxied(tmp_path) as (_, proxy, client):
        body = bytes(range(256)) * 4096
        await client.set("key", body)
        assert await client.get("key") == body
        assert proxy.connections == 1


async def test_a_reply_is_lost_after_the_execution(tmp_path: Path) -> None:
    async with proxied(tmp_path) as (server, proxy, client):
        proxy.drop_replies = 1
        with pytest.raises(Unreachable):
            await client.incr("count")
        assert proxy.drop_replies == 0
        async with server.client() as direct:
            assert await direct.get("count") == b"1"
        assert await client.incr("count") == 2


async def test_only_the_reply_to_what_is_named_is_lost(tmp_path: Path) -> None:
    async with proxied(tmp_path) as (_, proxy, client):
        proxy.replies_to, proxy.drop_replies = b"INCR", 1
        await client.ping()
        with pytest.raises(Unreachable):
            await client.incr("count")
        assert await client.get("count") == b"1"


async def test_a_black_hole_takes_only_the_subscriber(tmp_path: Path) -> None:
    async with proxied(tmp_path) as (_, proxy, client):
        pubsub = await subscribed(client, "news")
        proxy.only, proxy.blackhole = "subscriber", True
        assert proxy.connections == 1
        for number in range(3):
            assert await client.publish("news", number) == 1
        assert await pubsub.get_message(timeout=0.2) is None
        proxy.blackhole = False
        heard = [await pubsub.get_message(timeout=5) for _ in range(3)]
        assert [each and each["data"] for each in heard] == [b"0", b"1", b"2"]
        await pubsub.aclose()


async def test_a_black_hole_takes_only_the_commands(tmp_path: Path) -> None:
    async with proxied(tmp_path) as (server, proxy, client):
        pubsub = await subscribed(client, "news")
        proxy.only, proxy.blackhole = "commands", True
        with pytest.raises(Unanswered):
            await client.ping()
        async with server.client() as direct:
            await direct.publish("news", "heard")
        message = await pubsub.get_message(timeout=5)
        assert message is not None
        assert message["data"] == b"heard"
        await pubsub.aclose()


async def test_a_black_hole_answers_no_new_connection_and_hides_an_end(
    tmp_path: Path,
) -> None:
    async with proxied(tmp_path) as (server, proxy, client):
        proxy.blackhole = True
        reader, writer = await asyncio.open_connection(HOST, proxy.port)
        writer.write(b"PING\r\n")
        await server.kill()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.2)
        with pytest.raises(Unanswered):
            await client.ping()
        proxy.blackhole = False
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_a_cut_ends_the_connections_that_stand(tmp_path: Path) -> None:
    async with proxied(tmp_path) as (_, proxy, _client):
        reader, writer = await asyncio.open_connection(HOST, proxy.port)
        writer.write(b"PING\r\n")
        assert await reader.readline() == b"+PONG\r\n"
        proxy.cut()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()
        async with Redis(port=proxy.port) as later:
            assert await later.ping()


async def test_a_connection_is_cut_after_exactly_so_many_bytes(tmp_path: Path) -> None:
    async with proxied(tmp_path) as (_, proxy, _client):
        proxy.cut_after(10)
        for _ in range(2):
            reader, writer = await asyncio.open_connection(HOST, proxy.port)
            writer.write(b"PING\r\n" * 3)
            assert await reader.read() == b"+PONG\r\n+PO"
            writer.close()
            await writer.wait_closed()


async def test_a_command_torn_on_its_way_up_is_not_executed(tmp_path: Path) -> None:
    async with proxied(tmp_path) as (server, proxy, client):
        proxy.cut_after(12, way="up")
        with pytest.raises(Unreachable):
            await client.set("key", "value")
        proxy.cut_after(None, way="up")
        async with server.client() as direct:
            assert await direct.exists("key") == 0
        assert await client.set("key", "value")


async def test_who_is_refused_finds_a_closed_door(tmp_path: Path) -> None:
    async with proxied(tmp_path) as (_, proxy, client):
        proxy.refuse = True
        assert await client.ping()  # this connection stands
        proxy.cut()
        for _ in range(2):
            with pytest.raises(Unreachable):
                await client.ping()
        proxy.refuse = False
        assert await client.ping()


async def test_a_delay_moves_every_byte_and_keeps_their_order(tmp_path: Path) -> None:
    clock = asyncio.get_running_loop().time
    async with proxied(tmp_path) as (_, proxy, client):
        proxy.delay = 0.1
        before = clock()
        assert await client.ping()
        assert clock() - before >= 0.2
        reader, writer = await asyncio.open_connection(HOST, proxy.port)
        for number in range(20):
            writer.write(b"ECHO %d\r\n" % number)
            await asyncio.sleep(0)
        heard = [await reader.readline() for _ in range(40)]
        assert heard[1::2] == [b"%d\r\n" % number for number in range(20)]
        writer.close()
        await writer.wait_closed()


async def test_a_dead_target_closes_the_connection(tmp_path: Path) -> None:
    async with proxied(tmp_path) as (server, proxy, client):
        await server.kill()
        for _ in range(2):
            with pytest.raises(Unreachable):
                await client.ping()
        await server.start()
        assert await client.ping()
        assert proxy.connections == 1


async def test_nothing_is_left_when_the_proxy_ends(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with redis_server(tmp_path) as server:
        async with Proxy(HOST, server.port) as proxy:
            proxy.blackhole = True
            reader, writer = await asyncio.open_connection(HOST, proxy.port)
            writer.write(b"PING\r\n")
            await until(lambda: _stands(proxy))
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()
        assert asyncio.all_tasks() == before


async def _stands(proxy: Proxy) -> bool:
    return proxy.connections == 1
