"""What is asked of Redis is answered or refused in bounded time, and never repeated."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from channels.errors import Healing, LogUnavailable, StorageFull
from channels.events import Append
from tests.channels.redis.workers import (
    COAST,
    NIGHT,
    Worker,
    new,
    proxied,
    until,
    worker,
)
from tests.proxy import HOST, Proxy
from tests.redis_groups import redis_cluster, redis_with_sentinel
from tests.redis_processes import until as server_until
from tests.redis_servers import RedisServer, redis_server

BATCH = [Append(NIGHT, (new("a"),)), Append(COAST, (new("x"),))]


@asynccontextmanager
async def through(redis: RedisServer) -> AsyncIterator[tuple[Proxy, Worker]]:
    async with (
        Proxy(HOST, redis.port) as proxy,
        worker(proxied(redis.url, proxy), f"p{proxy.port}", gather=0.05) as one,
    ):
        yield proxy, one


async def test_a_paused_server_holds_nobody_long(redis: RedisServer) -> None:
    async with through(redis) as (_, one):
        await one.append("a")
        redis.pause()
        try:
            async with asyncio.timeout(10):
                publishing = [one.store.log.append([BATCH[0]]) for _ in range(100)]
                answers = await asyncio.gather(*publishing, return_exceptions=True)
                assert {type(each) for each in answers} == {LogUnavailable}
                # Whoever comes later is refused at once, without a round trip.
                async with asyncio.timeout(0.05):
                    for ask in (one.store.log.read, one.store.records.get):
                        with pytest.raises(LogUnavailable):
                            await ask("story/night")
        finally:
            redis.resume()
        await one.append("b")


async def test_a_write_whose_answer_is_lost_is_not_repeated(redis: RedisServer) -> None:
    async with through(redis) as (proxy, one):
        await one.append("a")
        proxy.replies_to, proxy.drop_replies = b"update", 1
        with pytest.raises(LogUnavailable):
            await one.store.log.append([Append(NIGHT, (new("b"),))])
        assert await one.keys() == ["a", "b"]


async def test_who_gives_up_leaves_no_answer_to_others(redis: RedisServer) -> None:
    async with through(redis) as (proxy, one):
        await one.append("a", "b")
        proxy.delay = 0.05
        for _ in range(5):
            reading = asyncio.create_task(one.store.log.read(NIGHT))
            getting = asyncio.create_task(one.store.records.get("k/1"))
            await asyncio.sleep(0.07)
            reading.cancel()
            assert await getting is None
            assert await one.store.records.get("k/2") is None
        assert await one.keys() == ["a", "b"]


async def test_without_memory_left_nothing_is_stored_by_halves(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server, worker(server.url) as one:
        await one.append("a")
        await server.config_set(maxmemory=1)
        with pytest.raises(StorageFull):
            await one.store.log.append(BATCH)
        with pytest.raises(StorageFull):
            await one.store.records.put("k/1", {}, seen=0)
        # What is there can still be read.
        assert await one.keys() == ["a"]
        await server.config_set(maxmemory=0)
        assert await one.keys(COAST) == []
        await one.store.log.append(BATCH)


async def test_without_its_replicas_nothing_is_stored(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server, worker(server.url) as one:
        await one.append("a")
        await server.config_set(min_replicas_to_write=1)
        with pytest.raises(LogUnavailable, match="good replicas"):
            await one.store.log.append(BATCH)
        assert await one.keys() == ["a"]
        assert await one.keys(COAST) == []
        await server.config_set(min_replicas_to_write=0)
        await one.store.log.append(BATCH)


@pytest.mark.parametrize("replicas", [0, 1])
async def test_scripts_that_redis_forgot_are_sent_again(
    redis: RedisServer, prefix: str, replicas: int
) -> None:
    async with worker(
        redis.url, prefix, gather=0.05, replicas=replicas, milliseconds=1
    ) as one:
        await one.append("a")
        async with redis.client() as client:
            await client.script_flush()
        await one.store.log.append([Append(NIGHT, (new("b"),))])
        assert await one.keys() == ["a", "b"]


async def test_a_primary_that_was_demoted_is_left(tmp_path: Path) -> None:
    async with (
        redis_with_sentinel(tmp_path, sentinels=1) as group,
        worker(group.url, answer=2) as one,
    ):
        await one.append("a")
        after = await group.failover()
        await one.append("b")
        # The old primary may have taken it before it was demoted: then it is put back.
        async with after.client() as client:
            log = f"{{livewire}}:log:{NIGHT}"
            await server_until(lambda: _is(client.xlen(log), 2))
        assert await one.keys() == ["a", "b"]
        assert one.losses == []


async def test_sentinels_that_are_gone_cost_nobody_the_primary(tmp_path: Path) -> None:
    async with redis_with_sentinel(tmp_path) as group:
        for each in group.sentinels[:2]:
            each.pause()
        async with worker(group.url, answer=0.5) as one:
            await one.append("a")
            assert not one.store.log.missed


async def test_a_slot_that_moved_is_followed(tmp_path: Path) -> None:
    async with redis_cluster(tmp_path) as cluster, worker(cluster.url) as one:
        await one.append("a")
        async with cluster.nodes[0].client() as client:
            slot = await client.execute_command("CLUSTER", "KEYSLOT", "{livewire}")
        owner = cluster.nodes[min(2, slot * 3 // 16384)]
        other = next(node for node in cluster.nodes if node is not owner)
        await _move(slot, owner, other)
        await one.append("b")
        assert await one.keys() == ["a", "b"]
        async with other.client() as client:
            assert await client.xlen(f"{{livewire}}:log:{NIGHT}") == 2


async def _is(asked: Awaitable[int], count: int) -> bool:
    return await asked == count


async def _move(slot: int, owner: RedisServer, other: RedisServer) -> None:
    async with owner.client() as source, other.client() as target:
        ids = [
            (await client.execute_command("CLUSTER", "MYID")).decode()
            for client in (source, target)
        ]
        setslot = ("CLUSTER", "SETSLOT", slot)
        await target.execute_command(*setslot, "IMPORTING", ids[0])
        await source.execute_command(*setslot, "MIGRATING", ids[1])
        keys = await source.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1000)
        move = ("MIGRATE", "127.0.0.1", other.port, "", 0, 5000, "KEYS", *keys)
        await source.execute_command(*move)
        for client in (target, source):
            await client.execute_command(*setslot, "NODE", ids[1])


async def test_an_append_waits_for_its_replica(tmp_path: Path) -> None:
    async with (
        redis_server(tmp_path / "a") as primary,
        redis_server(tmp_path / "b") as replica,
    ):
        await replica.replicate(primary)
        async with worker(primary.url, answer=1, replicas=1, milliseconds=1500) as one:
            log = one.store.log
            stored = await log.append([Append(NIGHT, (new("a"),))])
            assert (stored.durability, log.durability) == ("fsync+1", "fsync")
            replica.pause()
            # Longer than an answer may take otherwise: it is late, not unknown.
            stored = await log.append([Append(NIGHT, (new("b"),))])
            assert stored.durability == "fsync"
            assert await one.keys() == ["a", "b"]


async def test_who_waits_for_healing_in_vain_is_told_that_nothing_was_stored(
    redis: RedisServer, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.redis.log._PATIENCE", 0.2)
    async with worker(redis.url, prefix, gather=0.05) as one:
        await one.append("a")
        # Somebody holds the lease, and does nothing.
        await one.store.signals.lease("healing", "x", seconds=60, value={})
        async with redis.client() as client:
            await client.hdel(f"{{{prefix}}}:site", "guard")
        with pytest.raises(Healing):
            await one.store.log.append([Append(NIGHT, (new("b"),))])
        with pytest.raises(Healing):
            await one.store.log.read(NIGHT)
        await one.store.signals.release("healing", "x")
        await one.append("c")
        assert await one.keys() == ["a", "c"]


async def test_a_closed_store_opens_no_connection(
    redis: RedisServer, prefix: str
) -> None:
    async with worker(redis.url, prefix, gather=0.05) as one:
        await one.append("a")
    with pytest.raises(LogUnavailable):
        await one.store.log.read(NIGHT)
    assert not one.store.log.listener.subscribed.is_set()
    await until(lambda: len(asyncio.all_tasks()) == 1)
