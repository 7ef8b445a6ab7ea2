import pytest

from channels.errors import Conflict
from channels.events import Append
from channels.redis.appending import Author
from channels.redis.keys import Keys
from channels.redis.wire import body
from tests.channels.redis.workers import BOUND, COAST, NIGHT, Worker, new
from tests.redis_servers import RedisServer


def author(*, sharded: bool = False) -> Author:
    return Author(Keys("site"), "me", lambda: "token", 7, sharded)


def test_a_batch_is_told_in_words() -> None:
    a, b = new("a"), new("b")
    batch = [
        Append(NIGHT, (a, b), 4, (1, 3), "aaaaaaaa"),
        Append("latest", (), remove=(2,)),
    ]
    command = author().command(batch)
    assert command.keys == (
        "{site}:site",
        *(f"{{site}}:meta:{NIGHT}", f"{{site}}:log:{NIGHT}"),
        *("{site}:meta:latest", "{site}:log:latest"),
    )
    told = body(a, {}), body(b, {})
    assert command.words == (
        *("PUBLISH", "{site}:batches", "me", "", "token", 0),
        *(NIGHT, 4, "aaaaaaaa", "token", 0, 2, *told, 2, 1, 3),
        *("latest", "", "", "token", 7, 0, 1, 2),
    )
    assert command.bodies == told


def test_a_healer_says_what_it_heals() -> None:
    command = author(sharded=True).command([], healing="run:repl", count=3)
    words = ("SPUBLISH", "{site}:batches", "me", "run:repl", "token", 3)
    assert (command.keys, command.words) == (("{site}:site",), words)


# What the script does with them


async def told(redis: RedisServer, prefix: str, channel: str, field: str) -> str:
    async with redis.client() as client:
        found = await client.hget(f"{{{prefix}}}:meta:{channel}", field)
    return found.decode() if isinstance(found, bytes) else ""


async def test_numbers_go_on_though_the_meta_is_gone(
    redis: RedisServer, prefix: str, one: Worker
) -> None:
    before = await one.append("a", "b", "c")
    async with redis.client() as client:
        await client.delete(f"{{{prefix}}}:meta:{NIGHT}")
    after = await one.append("d")
    assert (before.seq, after.seq) == (3, 4)
    assert before.epoch != after.epoch
    assert await one.keys() == ["a", "b", "c", "d"]
    assert await one.verdict(before) == "epoch"


async def test_a_stream_without_entries_or_meta_still_knows_its_last_number(
    redis: RedisServer, prefix: str, one: Worker
) -> None:
    await one.append("a")
    async with redis.client() as client:
        await client.delete(f"{{{prefix}}}:meta:{NIGHT}")
        await client.xtrim(f"{{{prefix}}}:log:{NIGHT}", maxlen=0, approximate=False)
    assert (await one.append("b")).seq == 2
    assert await one.keys() == ["b"]


async def test_a_batch_may_only_remove(one: Worker) -> None:
    before = await one.append("a", "b", "c")
    stored = await one.store.log.append([Append(NIGHT, (), remove=(1, 3))])
    assert stored[NIGHT] == before
    assert await one.keys() == ["b"]
    assert (await one.append("d")).seq == 4
    assert len((await one.store.log.read(NIGHT)).extent.epochs) == 1
    await one.store.log.append([Append(COAST, (), remove=(1,))])
    assert await one.keys(COAST) == []
    assert (await one.append("x", channel=COAST)).seq == 1


async def test_all_entries_may_be_removed(one: Worker) -> None:
    await one.append("a", "b")
    await one.store.log.append([Append(NIGHT, (), remove=(1, 2))])
    assert await one.keys() == []
    assert (await one.append("c")).seq == 3


async def test_a_bounded_channel_forgets_in_redis_too(
    redis: RedisServer, prefix: str, one: Worker
) -> None:
    for n in range(3):
        await one.append(*[f"{n}:{m}" for m in range(BOUND - 10)], channel="latest")
    async with redis.client() as client:
        assert await client.xlen(f"{{{prefix}}}:log:latest") == BOUND
    assert await told(redis, prefix, "latest", "floor") == "70"


async def test_an_expected_number_is_of_one_epoch(one: Worker) -> None:
    top = await one.append("a")
    log = one.store.log
    for seq, epoch in ((1, "zzzzzzzz"), (0, top.epoch), (2, top.epoch)):
        with pytest.raises(Conflict) as caught:
            await log.append([Append(NIGHT, (new("b"),), seq, (), epoch)])
        assert (caught.value.channel, caught.value.top) == (NIGHT, 1)
    await log.append([Append(NIGHT, (new("b"),), 1, (), top.epoch)])
    assert await one.keys() == ["a", "b"]


async def test_a_thousand_events_are_one_batch(one: Worker) -> None:
    names = [f"k{n}" for n in range(1000)]
    before = one.store.log.heard
    await one.append(*names)
    assert await one.keys() == names
    assert one.store.log.heard.seq == before.seq + 1


async def test_an_epoch_begins_with_a_guard_and_with_nothing_else(
    redis: RedisServer, prefix: str, one: Worker
) -> None:
    for key in "abc":
        await one.append(key)
    assert (await told(redis, prefix, NIGHT, "epochs")).count("@") == 1
    async with redis.client() as client:
        for _ in range(2):
            # As if another server had written all there is.
            await client.hset(f"{{{prefix}}}:meta:{NIGHT}", "guard", "other")
            for key in "de":
                await one.append(key)
    epochs = (await told(redis, prefix, NIGHT, "epochs")).removesuffix(",").split(",")
    assert [each.partition("@")[2] for each in epochs] == ["1", "4", "6"]
    assert len({each.partition("@")[0] for each in epochs}) == 3
