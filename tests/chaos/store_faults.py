"""What can happen to Redis in a night, and to the lines that lead to it, by name.

Each says which row of the fault matrix it stands for and which resets it explains. A
log that lost its tail gets it back from the workers that live: who had read of that
tail is reset, and nothing is lost.
"""

import asyncio
from contextlib import suppress
from pathlib import Path
from random import Random

from redis.exceptions import ResponseError

from channels.redis.keys import Keys
from channels.redis.scripts import APPEND
from tests.chaos.faults import Fault
from tests.chaos.redis_world import PREFIX, RedisWorld
from tests.chaos.world import World
from tests.proxy import HOST
from tests.redis_processes import until
from tests.redis_servers import RedisServer

Mark = tuple[Path, int]
"""A file of a server's, and where it ended."""

MOMENT = 0.5  # seconds
NOISE = 20_000_000  # bytes nobody wants: more than all the buffers on their way
LIMIT = "pubsub 1mb 0 0"  # at which Redis drops a subscriber


async def kill_store(world: World, random: Random) -> None:
    """Redis is gone without a word, and comes back with its files."""
    primary = _redis(world).primary
    await primary.kill()
    await asyncio.sleep(random.uniform(0, 2))
    await primary.start()


async def cut_power(world: World, random: Random) -> None:
    """Redis loses its power, and of its file what nobody was told is kept in part.

    Nobody is told anything for a moment, so that there is something nobody was told:
    the cut goes anywhere through it.
    """
    redis = _redis(world)
    for proxy in redis.proxies:
        proxy.drop_replies = 1_000_000
    told = _mark(redis.primary)
    with suppress(TimeoutError):  # who has not found it yet asks before it appends
        async with asyncio.timeout(MOMENT):
            await _growth(redis.primary, told)
    await asyncio.sleep(random.uniform(0, 0.2))
    await redis.primary.kill()
    _cut(redis.primary, told, random.random())
    for proxy in redis.proxies:
        proxy.drop_replies = 0
        proxy.cut()
    await redis.primary.start()


async def lose_tail(world: World, random: Random) -> None:
    """Redis dies, and its file lacks what came last, though it was acknowledged."""
    primary = _redis(world).primary
    kept = await _let_it_grow(primary, random)
    await primary.kill()
    _cut(primary, kept, random.random())
    await primary.start()


async def lose_tail_and_workers(world: World, random: Random) -> None:
    """The same, and whoever could remember dies at the same moment."""
    primary = _redis(world).primary
    kept = await _let_it_grow(primary, random)
    await asyncio.gather(primary.kill(), *(each.kill() for each in world.workers))
    _cut(primary, kept, 0)
    await primary.start()
    await asyncio.gather(*(each.start() for each in world.workers))


async def pause_store(world: World, random: Random) -> None:
    """Redis is frozen, and does what it was asked when it wakes."""
    await _freeze(world, random.uniform(1, 5))


async def pause_store_for_ten(world: World, random: Random) -> None:
    """The same for ten seconds."""
    await _freeze(world, 10)


async def pause_store_for_a_minute(world: World, random: Random) -> None:
    """The same for a minute."""
    await _freeze(world, 60)


async def kill_subscribers(world: World, random: Random) -> None:
    """Redis drops every subscriber every 100 ms."""
    async with _redis(world).primary.client() as client:
        for _ in range(random.randint(10, 30)):
            await client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            await asyncio.sleep(0.1)


async def silence(world: World, random: Random) -> None:
    """What Redis publishes does not reach a worker, and nobody says so."""
    proxy = random.choice(_redis(world).proxies)
    proxy.only = "subscriber"
    proxy.blackhole = True
    await asyncio.sleep(random.uniform(1, 6))
    proxy.blackhole = False
    proxy.only = "all"


async def blackhole(world: World, random: Random) -> None:
    """Nothing passes between a worker and Redis, and nobody says so."""
    link = random.choice(world.links)
    link.blackhole = True
    await asyncio.sleep(random.uniform(1, 6))
    link.blackhole = False


async def cut_link(world: World, random: Random) -> None:
    """A worker loses its connections to Redis."""
    random.choice(world.links).cut()


async def lose_replies(world: World, random: Random) -> None:
    """Redis appends, and its answer never comes, many times in a row."""
    proxies = _redis(world).proxies
    for proxy in proxies:
        proxy.replies_to = APPEND.digest.encode()
    for _ in range(random.randint(10, 40)):
        proxy = random.choice(proxies)
        proxy.drop_replies = 1
        await asyncio.sleep(random.uniform(0.01, 0.1))
    for proxy in proxies:
        proxy.drop_replies, proxy.replies_to = 0, b""


async def overflow(world: World, random: Random) -> None:
    """A worker sleeps while more is published than Redis keeps for it."""
    redis, worker = _redis(world), random.choice(world.workers)
    async with redis.primary.client() as client:
        before = await client.config_get("client-output-buffer-limit")
        await redis.primary.config_set(client_output_buffer_limit=LIMIT)
        worker.pause()
        noise = b'["noise","' + b"-" * 100_000 + b'"]'
        for _ in range(NOISE // len(noise)):
            await client.publish(Keys(PREFIX).signals, noise)
            await asyncio.sleep(0.005)  # for those who are awake to take it
        worker.resume()
        limit = str(before["client-output-buffer-limit"])
        await redis.primary.config_set(client_output_buffer_limit=limit)


async def fail_over(world: World, random: Random) -> None:
    """The replica takes over once it holds the same, and the primary follows it."""
    redis = _redis(world)
    replica = _replica(redis)

    async def has_begun() -> bool:
        async with redis.primary.client() as client:
            try:
                await client.execute_command("FAILOVER", "TO", HOST, replica.port)
            except ResponseError:  # the replica has yet to find it after a restart
                return False
        return True

    async def is_primary() -> bool:
        return await replica.role() == "master"

    await until(has_begun)
    await until(is_primary)
    for server in redis.servers:
        async with server.client() as client:
            await client.config_rewrite()  # it is what it is after a restart, too
    await asyncio.sleep(random.uniform(0, 0.3))
    redis.swap()


async def fail_over_with_loss(world: World, random: Random) -> None:
    """The replica takes over without what came last, and the primary loses it too."""
    redis = _redis(world)
    old, replica = redis.primary, _replica(redis)
    await replica.promote()
    await _let_it_grow(old, random)
    await old.kill()
    redis.swap()
    await asyncio.sleep(random.uniform(0, 1))
    await old.start()
    await old.replicate(replica)


async def promote_there_and_back(world: World, random: Random) -> None:
    """Two lossy failovers without a restart: the first primary is it again."""
    redis = _redis(world)
    for _ in range(2):
        old, replica = redis.primary, _replica(redis)
        await replica.promote()
        await _let_it_grow(old, random)
        redis.swap()
        await old.replicate(replica)


async def split(world: World, random: Random) -> None:
    """One worker stays with the old primary, and both take what is written."""
    redis = _redis(world)
    old, replica = redis.primary, _replica(redis)
    await replica.promote()
    redis.swap()
    left = random.choice(redis.proxies)
    left.target = (HOST, old.port)
    left.cut()
    await asyncio.sleep(random.uniform(5, 6))  # those over there heal without it
    left.target = (HOST, replica.port)
    left.cut()
    await old.replicate(replica)


async def fail_over_by_sentinel(world: World, random: Random) -> None:
    """The sentinels make the replica the primary, nothing being down."""
    redis = _redis(world)
    assert redis.watched is not None
    await redis.watched.failover()
    redis.swap()


async def flush_everything(world: World, random: Random) -> None:
    """Somebody removes every key."""
    await _redis(world).primary.flushall()


async def flush_scripts(world: World, random: Random) -> None:
    """Redis forgets every script."""
    async with _redis(world).primary.client() as client:
        await client.script_flush()


async def _freeze(world: World, seconds: float) -> None:
    primary = _redis(world).primary
    primary.pause()
    await asyncio.sleep(seconds)
    primary.resume()


async def _let_it_grow(server: RedisServer, random: Random) -> Mark:
    """Where the server's file ended before something was appended to it."""
    before = _mark(server)
    await _growth(server, before)
    await asyncio.sleep(random.uniform(0, 0.5))
    return before


async def _growth(server: RedisServer, mark: Mark) -> None:
    """Wait until the server's file no longer ends there."""

    async def has_grown() -> bool:
        return _mark(server) != mark

    await until(has_grown)


def _cut(server: RedisServer, mark: Mark, part: float) -> None:
    """Leave of what the file has after the mark a part, wherever that tears it.

    A file that was written anew since the mark is left as it is.
    """
    path, least = mark
    now, size = _mark(server)
    if now == path:
        server.truncate_aof(least + int(part * (size - least)))


def _mark(server: RedisServer) -> Mark:
    path = server.aof()
    return path, path.stat().st_size


def _redis(world: World) -> RedisWorld:
    assert isinstance(world, RedisWorld)
    return world


def _replica(world: RedisWorld) -> RedisServer:
    assert world.replica is not None
    return world.replica


_ONE = frozenset({"primary"})
_LINES = frozenset({"primary", "proxies"})
_TWO = frozenset({"replica", "proxies"})
_SENTINELS = frozenset({"watched"})
_SHAKEN = frozenset({"epoch", "ahead"})
"""The resets of readers who know of a tail that was lost."""

STORE_FAULTS = {
    each.name: each
    for each in (
        Fault("kill-store", kill_store, _ONE, row=3),
        Fault("cut-power", cut_power, _LINES, row=4),
        Fault("lose-tail", lose_tail, _ONE, _SHAKEN, row=5),
        Fault(
            "lose-tail-and-workers",
            lose_tail_and_workers,
            _ONE,
            _SHAKEN,
            loses=True,
            row=5,
        ),
        Fault("pause-store", pause_store, _ONE, row=11),
        Fault("pause-store-10", pause_store_for_ten, _ONE, row=11, lasts=10),
        Fault("pause-store-60", pause_store_for_a_minute, _ONE, row=11, lasts=60),
        Fault("kill-subscribers", kill_subscribers, _ONE, row=12),
        Fault("silence", silence, _LINES, row=13),
        Fault("blackhole", blackhole, _LINES),
        Fault("cut-link", cut_link, _LINES),
        Fault("lose-replies", lose_replies, _LINES, row=14),
        Fault("overflow", overflow, _ONE, row=15),
        Fault("fail-over", fail_over, _TWO, row=16),
        Fault("fail-over-by-sentinel", fail_over_by_sentinel, _SENTINELS, row=16),
        Fault("fail-over-with-loss", fail_over_with_loss, _TWO, _SHAKEN, row=17),
        Fault("there-and-back", promote_there_and_back, _TWO, _SHAKEN, row=18),
        Fault("split", split, _TWO, _SHAKEN, loses=True, row=17, lasts=5),
        Fault("flush-scripts", flush_scripts, _ONE, row=20),
        Fault("flush-everything", flush_everything, _ONE, _SHAKEN, loses=True, row=20),
    )
}
"""What happens to Redis, by name."""
