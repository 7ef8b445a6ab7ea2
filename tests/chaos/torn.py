"""The last record of Redis's file, torn: a batch is there as a whole, or not at all.

One batch to several channels is appended, and the file is cut inside its record. What
Redis makes of the rest is compared with the log before the batch and after it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from channels.events import Append
from tests.channels.redis.workers import COAST, NIGHT, new, worker
from tests.redis_servers import RedisServer, redis_server

EVERY = 1_000_000
"""More pieces than a record has bytes."""

Kept: TypeAlias = dict[bytes, object]
"""What stands under each key."""


async def tear(folder: Path, *, pieces: int) -> int:
    """Cut in that many places, or at every byte; how many cuts there were.

    Raises `AssertionError` where half of a batch is there.
    """
    async with redis_server(folder) as server:
        async with worker(server.url) as one:
            log = one.store.log
            await log.append([Append(NIGHT, (new("a"),)), Append(COAST, (new("p"),))])
            await server.kill()
            await server.start()
            await one.append("b")
            before, first = await _kept(server), _size(server)
            batch = [
                Append(NIGHT, (new("c"), new("b", 2)), remove=(1,)),
                Append(COAST, (new("q"),)),
                Append("latest", (new("c"), new("q"))),
            ]
            await log.append(batch)
            after, last = await _kept(server), _size(server)
        whole = server.aof().read_bytes()[:last]
        cuts = list(_cuts(first, last, pieces))
        for cut in cuts:
            await _check(server, whole[:cut], after if cut == last else before)
    return len(cuts)


async def _check(server: RedisServer, content: bytes, expected: Kept) -> None:
    await server.kill()
    server.aof().write_bytes(content)
    await server.start()
    kept = await _kept(server)
    differing = [key for key in kept | expected if kept.get(key) != expected.get(key)]
    assert not differing, f"cut at {len(content)}, these are otherwise: {differing}"


def _cuts(first: int, last: int, pieces: int) -> Iterator[int]:
    count = min(pieces, last - first)
    return (first + (last - first) * number // count for number in range(count + 1))


async def _kept(server: RedisServer) -> Kept:
    """Everything an append touches: the site, and each channel's meta and log."""
    kept: Kept = {}
    async with server.client() as client:
        keys: list[bytes] = await client.execute_command("KEYS", "*")
        for key in keys:
            if b":meta:" in key or key.endswith(b":site"):
                kept[key] = await client.hgetall(key.decode())
            elif b":log:" in key:
                kept[key] = await client.xrange(key)
    return kept


def _size(server: RedisServer) -> int:
    return server.aof().stat().st_size
