from pathlib import Path

import psutil
import pytest
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.exceptions import ConnectionError as Unreachable
from redis.exceptions import TimeoutError as Unanswered

from tests.redis_groups import SLOTS, redis_cluster, redis_with_sentinel
from tests.redis_processes import until
from tests.redis_servers import RedisServer, redis_server


async def value(server: RedisServer, key: str = "key") -> bytes | None:
    async with server.client() as client:
        found = await client.get(key)
    assert not isinstance(found, str)
    return found


async def put(server: RedisServer, text: str, key: str = "key") -> None:
    async with server.client() as client:
        await client.set(key, text)


async def test_a_server_is_configured_as_livewire_asks(tmp_path: Path) -> None:
    async with redis_server(tmp_path, maxclients=50) as server:
        async with server.client() as client:
            told = await client.config_get("append*", "save", "maxclients")
        assert told["appendonly"] == "yes"
        assert told["appendfsync"] == "always"
        assert (told["save"], told["maxclients"]) == ("", "50")
        await server.config_set(appendfsync="everysec")
        async with server.client() as client:
            assert (await client.config_get("appendfsync"))["appendfsync"] == "everysec"


async def test_what_was_answered_survives_stop_restart_and_kill(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server:
        port = server.port
        await put(server, "one")
        await server.stop()
        assert server.pid is None
        await server.start()
        assert await value(server) == b"one"
        await put(server, "two")
        await server.kill()
        assert not await server.answers()
        await server.start()
        assert await value(server) == b"two"
        await server.restart()
        assert await value(server) == b"two"
        assert server.port == port
        await server.flushall()
        assert await value(server) is None


async def test_a_truncated_file_is_a_lost_tail(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server:
        await put(server, "one")
        kept = server.aof().stat().st_size
        await put(server, "two")
        with pytest.raises(RuntimeError, match="goes on appending"):
            server.truncate_aof(kept)
        await server.kill()
        server.truncate_aof(kept)
        await server.start()
        assert await value(server) == b"one"


async def test_a_paused_server_answers_once_it_is_resumed(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server, server.client() as client:
        await client.ping()
        server.pause()
        with pytest.raises(Unanswered):
            await client.incr("count")
        server.resume()
        await until(lambda: _is(server, "count", b"1"))
        server.pause()
        await server.stop()  # paused or not
        assert server.pid is None


async def _is(server: RedisServer, key: str, expected: bytes) -> bool:
    return await value(server, key) == expected


async def test_a_process_never_outlives_its_block(tmp_path: Path) -> None:
    pids: list[int | None] = []

    async def failing() -> None:
        async with redis_server(tmp_path) as server:
            pids.append(server.pid)
            server.pause()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await failing()
    assert pids[0] is not None
    assert not psutil.pid_exists(pids[0])


async def test_a_setting_redis_does_not_know_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="Bad directive"):
        async with redis_server(tmp_path, no_such_setting="yes"):
            pass


async def test_a_replica_follows_across_its_restart_until_promoted(
    tmp_path: Path,
) -> None:
    async with (
        redis_server(tmp_path / "primary") as primary,
        redis_server(tmp_path / "replica") as replica,
    ):
        await put(primary, "before")
        await replica.replicate(primary)
        assert await value(replica) == b"before"
        await replica.restart()
        await put(primary, "after")
        await until(lambda: _is(replica, "key", b"after"))
        assert (await primary.role(), await replica.role()) == ("master", "slave")
        await replica.promote()
        await put(replica, "own")
        assert await value(primary) == b"after"


async def test_tls_refuses_who_does_not_trust_the_authority(tmp_path: Path) -> None:
    async with redis_server(tmp_path, tls=True) as server:
        assert server.url.startswith("rediss://")
        await put(server, "hidden")
        assert await value(server) == b"hidden"
        async with Redis.from_url(server.url) as client:
            with pytest.raises(Unreachable, match="certificate verify failed"):
                await client.ping()
        plain = server.url.replace("rediss", "redis")
        async with Redis.from_url(plain) as client:
            with pytest.raises(Unreachable):
                await client.ping()


async def test_a_user_may_what_its_line_says(tmp_path: Path) -> None:
    line = "live on >p@ss ~lw:* &lw:* +@all -@dangerous"
    async with redis_server(tmp_path, users=[line]) as server:
        async with server.client(user="live", password="p@ss") as client:
            await client.set("lw:key", "value")
            with pytest.raises(NoPermissionError):
                await client.set("other", "value")
        async with server.client(user="live", password="wrong") as client:
            with pytest.raises(AuthenticationError):
                await client.ping()


async def test_a_server_closed_to_strangers_still_starts(tmp_path: Path) -> None:
    async with redis_server(tmp_path, requirepass="secret") as server:
        assert await server.answers()


async def test_sentinels_agree_on_the_next_primary(tmp_path: Path) -> None:
    async with redis_with_sentinel(tmp_path) as group:
        assert group.url.count(",") == 2
        assert group.url.endswith("/livewire")
        assert await group.current() is group.primary
        await put(group.primary, "kept")
        await until(lambda: _is(group.replicas[0], "key", b"kept"))
        after = await group.failover()
        assert after is group.replicas[0]
        assert await group.current() is after
        await put(after, "next")
        assert await value(after) == b"next"


async def test_one_sentinel_replaces_a_killed_primary(tmp_path: Path) -> None:
    async with redis_with_sentinel(tmp_path, sentinels=1) as group:
        await group.primary.kill()
        assert await group.moved(group.primary) is group.replicas[0]


async def test_a_cluster_serves_every_slot(tmp_path: Path) -> None:
    async with redis_cluster(tmp_path) as cluster:
        assert cluster.url.startswith("redis+cluster://")
        assert len({node.port for node in cluster.nodes}) == 3
        assert await cluster.is_ok()
        async with cluster.nodes[0].client() as client:
            shards = await client.execute_command("CLUSTER", "SLOTS")
        assert sum(last - first + 1 for first, last, *_ in shards) == SLOTS
