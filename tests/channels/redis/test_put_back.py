"""What Redis lost comes back from what the workers remember."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from channels.errors import LogUnavailable
from channels.events import Append
from tests.channels.redis.workers import (
    COAST,
    NIGHT,
    claim,
    forget_since,
    new,
    proxied,
    until,
    worker,
)
from tests.proxy import HOST, Proxy
from tests.redis_processes import until as server_until
from tests.redis_servers import RedisServer, redis_server


def size_of(server: RedisServer) -> int:
    return server.aof().stat().st_size


async def test_a_clean_restart_starts_an_epoch_and_resets_nobody(
    tmp_path: Path,
) -> None:
    async with redis_server(tmp_path) as server, worker(server.url) as one:
        before = await one.append("a", "b")
        await server.restart()
        after = await one.append("c")
        assert before.epoch != after.epoch
        assert after.seq == 3
        assert [await one.verdict(each) for each in (before, after)] == [None, None]
        assert await one.keys() == ["a", "b", "c"]
        assert one.losses == []


async def test_a_lost_tail_comes_back_under_its_ids_and_versions(
    tmp_path: Path,
) -> None:
    async with redis_server(tmp_path) as server, worker(server.url) as one:
        kept = await one.append("a")
        size = size_of(server)
        lost = await one.append("b", "c")
        told = await one.entries()
        await forget_since(server, size)
        after = await one.append("d")
        entries = await one.entries()
        assert [e.event.key for e in entries] == ["a", "b", "c", "d"]
        assert [e.event.id for e in entries[:3]] == [e.event.id for e in told]
        assert [e.private for e in entries[:3]] == [e.private for e in told]
        assert await one.verdict(kept) is None
        assert await one.verdict(after) is None
        # Its number was given to another event of another life.
        assert await one.verdict(lost) == "epoch"
        assert one.losses == []


async def test_whole_batches_come_back_in_their_old_order(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server, worker(server.url) as one:
        await one.append("a")
        size = size_of(server)
        log = one.store.log
        await log.append([Append(NIGHT, (new("x", 1),)), Append(COAST, (new("p"),))])
        await log.append([Append(NIGHT, (new("x", 2),)), Append(COAST, (new("q"),))])
        await one.append("y")
        await forget_since(server, size)
        entries = await one.entries()
        told = [(e.event.key, e.event.version) for e in entries]
        assert told == [("a", 1), ("x", 1), ("x", 2), ("y", 1)]
        assert await one.keys(COAST) == ["p", "q"]


async def test_what_one_worker_wrote_another_puts_back(tmp_path: Path) -> None:
    async with (
        redis_server(tmp_path) as server,
        worker(server.url) as writer,
        worker(server.url) as other,
    ):
        await writer.append("a")
        size = size_of(server)
        await writer.append("b")
        await until(lambda: other.store.log.heard == writer.store.log.heard)
        await writer.store.close()
        await forget_since(server, size)
        assert await other.keys() == ["a", "b"]


async def test_a_healer_waits_for_those_it_knows_to_live(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server, worker(server.url, gather=3) as writer:
        await writer.append("a")
        size = size_of(server)
        await writer.append("b")
        async with worker(server.url, gather=3) as late:
            for each in (writer, late, writer):
                await claim(each)
            await forget_since(server, size)
            assert await late.keys() == ["a", "b"]
            assert await writer.keys() == ["a", "b"]


async def test_after_everything_was_erased_nothing_is_taken_for_what_it_was(
    tmp_path: Path,
) -> None:
    async with redis_server(tmp_path) as server, worker(server.url) as one:
        held = [await one.append(key) for key in "abc"]
        await server.flushall()
        after = await one.append("d")
        assert await one.keys() == ["a", "b", "c", "d"]
        assert [await one.verdict(each) for each in held] == ["epoch"] * 3
        assert await one.verdict(after) is None


async def test_a_second_failure_loses_no_more_than_the_first(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server, worker(server.url) as one:
        await one.append("a")
        size = size_of(server)
        await one.append("b")
        for key in "cde":
            await forget_since(server, size)
            await one.append(key)
        assert await one.keys() == ["a", "b", "c", "d", "e"]
        assert one.losses == []


async def test_a_purge_that_was_lost_is_carried_out_again(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server, worker(server.url) as one:
        await one.append("a", "b")
        size = size_of(server)
        log = one.store.log
        await log.append([Append(NIGHT, (new("c", data={"text": "SECRET"}),))])
        stub = Append(NIGHT, (new("a", 2),), remove=(1, 3))
        await log.append([stub])
        await forget_since(server, size)
        assert await one.keys() == ["b", "a"]
        async with server.client() as client:
            for key in await client.keys("*"):
                if b":log:" in key:
                    assert b"SECRET" not in (await client.dump(key) or b"")


async def test_a_purged_text_is_nowhere_in_the_stream(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server, worker(server.url) as one:
        log = one.store.log
        secret = {"text": "SECRET-WORDS"}
        await log.append([Append(NIGHT, (new("a", data=secret), new("b")))])
        async with server.client() as client:
            key = f"{{livewire}}:log:{NIGHT}"
            assert b"SECRET-WORDS" in (await client.dump(key) or b"")
            await log.append([Append(NIGHT, (new("a", 2),), remove=(1,))])
            assert b"SECRET-WORDS" not in (await client.dump(key) or b"")
        assert await one.keys() == ["b", "a"]


async def test_promotion_there_and_back_without_a_restart(tmp_path: Path) -> None:
    async with (
        redis_server(tmp_path / "a") as first,
        redis_server(tmp_path / "b") as second,
        worker(first.url) as one,
    ):
        await one.append("a")
        await second.replicate(first)
        # B is promoted, takes a write that A never has, and A is promoted again.
        await second.promote()
        await first.replicate(second)
        async with worker(second.url) as other:
            there = await other.append("b")
            assert there.seq == 2
        await first.promote()
        back = await one.append("c")
        held = await one.entries()
        positions = [(e.event.epoch, e.event.seq) for e in held]
        assert len(set(positions)) == len(positions)
        assert [e.event.key for e in held] == ["a", "b", "c"]
        assert await one.verdict(there) is None
        assert await one.verdict(back) is None


async def test_what_only_a_late_worker_knows_is_told_as_lost(
    tmp_path: Path,
) -> None:
    async with (
        redis_server(tmp_path) as server,
        Proxy(HOST, server.port) as proxy,
        worker(proxied(server.url, proxy), answer=0.3) as late,
    ):
        await late.append("a")
        size = size_of(server)
        lost = await late.append("b", "c")
        # It is cut off when the log fails, and somebody else heals.
        proxy.refuse = True
        proxy.cut()
        await forget_since(server, size)
        async with worker(server.url, gather=0.1) as other:
            await other.append("d")
            proxy.refuse = False
            await until(lambda: bool(late.losses))
            assert await late.keys() == ["a", "d"]
            assert await late.verdict(lost) == "epoch"
            (loss,) = late.losses
            assert [(e.key, e.seq, e.epoch) for e in loss.events] == [
                ("b", lost.seq - 1, lost.epoch),
                ("c", lost.seq, lost.epoch),
            ]
            # Nor does it come back, or is told again, when the log fails once more.
            await forget_since(server, size_of(server))
            assert await late.keys() == ["a", "d"]
            assert await other.keys() == ["a", "d"]
            assert len(late.losses) == 1
            assert other.losses == []


async def test_what_was_erased_is_told_by_who_was_not_asked(tmp_path: Path) -> None:
    async with (
        redis_server(tmp_path) as server,
        Proxy(HOST, server.port) as proxy,
        worker(proxied(server.url, proxy), answer=0.3) as late,
    ):
        await late.append("a")
        proxy.refuse = True
        proxy.cut()
        # The server is the same as before: only the epoch of the site tells.
        await server.flushall()
        async with worker(server.url, gather=0.1) as other:
            await other.append("b")
            proxy.refuse = False
            await until(lambda: bool(late.losses))
            assert await late.keys() == ["b"]
        assert [[e.key for e in each.events] for each in late.losses] == [["a"]]


async def test_a_healer_that_dies_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.redis.put_back._SECONDS", 0.5)
    async with redis_server(tmp_path) as server, worker(server.url, gather=3) as one:
        await one.append("a")
        await claim(one)
        size = size_of(server)
        await one.append("b")
        await server.kill()
        server.truncate_aof(size)
        async with worker(server.url, gather=3) as other:
            # Somebody claims the healing, and is never heard of again.
            await server.start()
            signals = other.store.signals
            with suppress(LogUnavailable):
                await signals.lease("healing", "dead", seconds=0.5, value={})
            assert await one.keys() == ["a", "b"]
            assert await other.keys() == ["a", "b"]


async def test_of_two_who_heal_at_once_one_does(tmp_path: Path) -> None:
    async with (
        redis_server(tmp_path) as server,
        worker(server.url, gather=0.2) as one,
        worker(server.url, gather=0.2) as other,
    ):
        await one.append("a")
        size = size_of(server)
        await one.append("b", "c")
        await until(lambda: other.store.log.heard == one.store.log.heard)
        for _ in range(3):
            for each in (one, other, one):
                await claim(each)
            await forget_since(server, size)
            for held in await asyncio.gather(one.keys(), other.keys()):
                assert held == ["a", "b", "c"]
            extent = (await one.store.log.read(NIGHT)).extent
            assert len({epoch.name for epoch in extent.epochs}) == len(extent.epochs)
        assert one.losses == other.losses == []


async def test_redis_may_fail_again_in_the_middle_of_the_healing(
    tmp_path: Path,
) -> None:
    async with redis_server(tmp_path) as server, worker(server.url) as one:
        await one.append("a")
        size = size_of(server)
        await one.append("b")
        async with worker(server.url) as ghost:
            await claim(ghost)
            await one.store.signals.leases("worker/")
        for _ in range(3):
            # It waits for the worker that has gone, and has put nothing back yet.
            await forget_since(server, size)
            await healing(server)
        assert await one.keys() == ["a", "b"]
        assert one.losses == []


async def test_much_is_told_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.redis.gathering._MOST", 2_000)
    async with (
        redis_server(tmp_path) as server,
        Proxy(HOST, server.port) as proxy,
        worker(server.url) as other,
        worker(proxied(server.url, proxy), gather=5) as healer,
    ):
        for each in (other, healer):
            await claim(each)
        await other.append("a")
        # Who is to heal is settled, and has heard nothing of what is lost.
        await healer.store.signals.lease("healing", healer.name, seconds=60, value={})
        size = size_of(server)
        proxy.refuse = True
        proxy.cut()
        names = [f"k{n}" for n in range(20)]
        for name in names:
            text = {"text": name * 150}
            await other.store.log.append([Append(NIGHT, (new(name, data=text),))])
        await forget_since(server, size)
        proxy.refuse = False
        assert await healer.keys() == ["a", *names]
        assert other.losses == healer.losses == []


async def test_what_nobody_remembers_is_counted(tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server:
        async with worker(server.url) as before:
            await before.append("a")
            size = size_of(server)
            await before.append("b")
            await before.append("c")
        async with worker(server.url) as one:
            await one.append("d")
            await forget_since(server, size)
            assert await one.keys() == ["a", "d"]
            (loss,) = one.losses
            assert (loss.events, loss.unknown) == ((), 2)


async def test_nothing_from_before_an_intended_restore_is_put_back(
    tmp_path: Path,
) -> None:
    async with (
        redis_server(tmp_path) as server,
        Proxy(HOST, server.port) as proxy,
        worker(proxied(server.url, proxy)) as one,
    ):
        await one.append("a")
        size = size_of(server)
        await one.append("b")
        # Nobody may be there while it is restored and marked.
        proxy.refuse = True
        await forget_since(server, size)
        async with server.client() as client:
            await client.hset("{livewire}:site", "life", "another")
        proxy.refuse = False
        assert await one.keys() == ["a"]
        await one.append("c")
        assert await one.keys() == ["a", "c"]
        assert one.losses == []


async def healing(server: RedisServer) -> None:
    """Return once somebody has claimed the healing."""
    async with server.client() as client:
        await server_until(lambda: client.hexists("{livewire}:leases", "healing"))


async def test_who_has_just_begun_waits_for_those_it_cannot_know(
    tmp_path: Path,
) -> None:
    async with redis_server(tmp_path) as server, worker(server.url, gather=3) as one:
        await one.append("a")
        size = size_of(server)
        await one.append("b")
        await forget_since(server, size)
        async with worker(server.url, gather=3) as young:
            assert await young.keys() == ["a", "b"]
        assert one.losses == []


async def test_what_an_earlier_healing_judged_does_not_come_over_what_is_newer(
    tmp_path: Path,
) -> None:
    async with (
        redis_server(tmp_path) as server,
        Proxy(HOST, server.port) as proxy,
        worker(proxied(server.url, proxy)) as cut_off,
    ):
        await cut_off.append("a")
        size = size_of(server)
        libel = Append(NIGHT, (new("a", 2, data={"text": "LIBEL"}),))
        await cut_off.store.log.append([libel])
        proxy.refuse = True
        proxy.cut()
        await forget_since(server, size)
        async with worker(server.url) as one:
            await one.append("stub")
            proxy.refuse = False
            await server.restart()
            await one.answering()
            await cut_off.answering()
            assert await one.keys() == ["a", "stub"]
        await until(lambda: cut_off.losses != [])
        (loss,) = cut_off.losses
        assert [event.data for event in loss.events] == [{"text": "LIBEL"}]
