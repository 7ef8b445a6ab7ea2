"""A store is opened and closed whatever Redis does, and leaves nothing behind."""

import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from channels.errors import LogUnavailable
from channels.events import Append
from tests.channels.redis.workers import NIGHT, Worker, new, proxied, worker
from tests.proxy import HOST, Proxy
from tests.redis_servers import RedisServer, redis_server


@pytest.fixture(autouse=True)
def _nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # A worker does not wait longer than that for a Redis that is away.
    monkeypatch.setattr("channels.redis.store._OPENING", 0.1)
    yield
    gc.collect()  # what was not closed warns now, and a warning is an error


async def nothing_stays(port: int) -> None:
    """Return once no task but ours and no connection to the port is left."""
    own = psutil.Process()
    async with asyncio.timeout(5):
        while True:
            ports = {
                each.raddr[1]
                for each in own.net_connections()
                if each.status != psutil.CONN_LISTEN
            }
            if port not in ports and len(asyncio.all_tasks()) == 1:
                return
            await asyncio.sleep(0.01)


async def use(one: Worker, times: int = 500) -> None:
    for n in range(times):
        await one.store.log.append([Append(NIGHT, (new(f"k{n}"),))])
        await one.store.records.put(f"k/{n}", {}, seen=0)


async def test_while_redis_answers(redis: RedisServer) -> None:
    for n in range(50):
        async with worker(redis.url, f"up{n % 3}", gather=0.05) as one:
            await one.append("a")
    await nothing_stays(redis.port)


async def test_while_redis_is_down(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server:
        await server.stop()
        for _ in range(10):
            async with worker(server.url, answer=0.2) as one:
                with pytest.raises(LogUnavailable):
                    await one.store.log.read("story/night")
        await nothing_stays(server.port)


@pytest.mark.parametrize("answer", [0.05, 1])
async def test_while_redis_is_paused(redis: RedisServer, answer: float) -> None:
    for n in range(4):
        redis.pause()
        try:
            async with asyncio.timeout(10), worker(redis.url, answer=answer) as one:
                asking = asyncio.gather(
                    *(one.store.records.get(f"k/{n}") for n in range(40)),
                    return_exceptions=True,
                )
                await asyncio.sleep(0.03 * n)
                if n == 3:
                    redis.resume()
            await asking
        finally:
            redis.resume()
    await nothing_stays(redis.port)


async def test_while_redis_is_killed_and_started_again(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server:
        for n in range(6):
            async with asyncio.timeout(20), worker(server.url, answer=0.3) as one:
                await one.append("a")
                using = asyncio.create_task(use(one))
                await server.kill()
                if n % 2:
                    await server.start()
                await asyncio.sleep(0.05 * n)
            using.cancel()
            await asyncio.gather(using, return_exceptions=True)
            if not n % 2:
                await server.start()
        await nothing_stays(server.port)


async def test_while_it_is_healed(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server:
        for n in range(8):
            async with asyncio.timeout(10):
                async with worker(server.url, gather=60) as one:
                    await asyncio.sleep(0.02 * n)
                    assert one.store.log.heard.seq == 0
        await nothing_stays(server.port)


async def test_through_tls_that_no_longer_answers(tmp_path: Path) -> None:
    async with redis_server(tmp_path, tls=True) as server:
        url = f"{server.url}?ssl_ca_certs={server.ca}"
        for _ in range(2):
            async with asyncio.timeout(10), worker(url, answer=0.3) as one:
                await one.append("a")
                server.pause()
            server.resume()
        await nothing_stays(server.port)


async def test_who_is_cut_off_at_any_byte(redis: RedisServer) -> None:
    async with Proxy(HOST, redis.port) as proxy:
        for count in (1, 5, 30, 120, 400, 900):
            proxy.cut_after(count)
            async with asyncio.timeout(10):
                async with worker(proxied(redis.url, proxy), answer=0.2) as one:
                    with pytest.raises(LogUnavailable):
                        await use(one)
        await nothing_stays(proxy.port)
