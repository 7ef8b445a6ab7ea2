"""What pub/sub dropped in silence is found by looking."""

import pytest

from channels.log import Delivery
from tests.channels.redis.workers import NIGHT, until, worker
from tests.redis_servers import RedisServer


async def test_a_tail_that_was_dropped_is_found_by_comparing_tops(
    redis: RedisServer, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.redis.watch._EVERY", 0.1)
    async with (
        worker(redis.url, prefix, gather=0.05) as one,
        worker(redis.url, prefix, gather=0.05) as other,
    ):
        heard: list[Delivery] = []
        await one.store.log.listen(NIGHT, heard.append)
        await other.append("a")
        await until(lambda: bool(heard))
        # Redis drops the words for a subscriber, and leaves its line.
        hear = one.store.log.hear
        hears = one.store.log.listener._hears
        hears[f"{{{prefix}}}:batches".encode()] = lambda word: None
        await other.append("b", "c")
        await until(lambda: heard[-1].extent.top == 3)
        assert heard[-1].entries == ()
        hears[f"{{{prefix}}}:batches".encode()] = hear
        await other.append("d")
        await until(lambda: [e.event.key for e in heard[-1].entries] == ["d"])


async def test_many_channels_are_compared_in_few_round_trips(
    redis: RedisServer, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.redis.watch._AT_ONCE", 7)
    async with worker(redis.url, prefix, gather=0.05) as one:
        names = [f"story/s{n}" for n in range(20)]
        tops: dict[str, int] = {}

        def told(delivery: Delivery) -> None:
            tops[delivery.channel] = delivery.extent.top

        for name in names:
            await one.append("a", channel=name)
            await one.store.log.listen(name, told)
        one.store.log.miss()
        await until(lambda: tops == dict.fromkeys(names, 1))


async def test_the_watch_goes_on_after_whatever_happens(
    redis: RedisServer, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.redis.watch._EVERY", 0.05)
    async with worker(redis.url, prefix, gather=0.05) as one:
        before = one.store.log.proven()
        async with redis.client() as client:
            await client.set(f"{{{prefix}}}:site", "no hash")
            await until(lambda: one.store.log.missed or True)
            await client.delete(f"{{{prefix}}}:site")
        await one.append("a")
        assert one.store.log.proven() > before
        assert await one.keys() == ["a"]
