"""Workers of one site that count each other's readers, and ask how far they are."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest

from channels.audience import Applied, Audience
from channels.errors import LogUnavailable
from channels.events import Append
from channels.hub import Hub
from channels.log import Log
from channels.positions import Position
from channels.signals import Value
from channels.sqlite.file import SqliteFile
from channels.sqlite.log import SqliteLog
from channels.sqlite.signals import LocalSignals
from tests.channels.samples import ONE, event, extent, new_event
from tests.channels.scripted import Line, ScriptedLog
from tests.contracts.signals_contract import PATIENCE, Heard

NIGHT, COAST = "story/night", "story/coast"
LATE = Position(ONE, 2)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Radio(LocalSignals):
    """Signals that fail while nobody can be told."""

    away = False

    async def send(self, topic: str, value: Value) -> None:
        self._reach()
        await super().send(topic, value)

    async def lease(
        self, name: str, owner: str, *, seconds: float, value: Value
    ) -> bool:
        self._reach()
        return await super().lease(name, owner, seconds=seconds, value=value)

    async def leases(self, prefix: str) -> dict[str, Value]:
        self._reach()
        return await super().leases(prefix)

    async def release(self, name: str, owner: str) -> None:
        self._reach()
        await super().release(name, owner)

    def _reach(self) -> None:
        if self.away:
            raise LogUnavailable


class Late(ScriptedLog):
    """A log whose reads wait for its gate, while a test waits for them to begin."""

    async def is_read(self, times: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                if self.reads >= times:
                    return
                await asyncio.sleep(0)


class Worker:
    """A hub with its audience."""

    def __init__(self, name: str, log: Log, radio: Radio, clock: Clock) -> None:
        time = asyncio.get_running_loop().time
        self.hub = Hub(log, exists=[NIGHT], idle=60, cut_off=600, clock=time, spread=0)
        self.audience = Audience(self.hub, radio, worker=name, clock=clock)
        self.name = name

    async def follow(self, channel: str = NIGHT) -> Line:
        line = Line()
        await self.hub.view(channel)
        self.hub.follow(channel, line, None)
        return line


class Site:
    """Workers on one log and one line between them."""

    def __init__(self, log: SqliteLog) -> None:
        self.log = log
        self.clock = Clock()
        self.radio = Radio(self.clock)
        self.workers: list[Worker] = []
        self._running: dict[Worker, asyncio.Task[None]] = {}

    async def start(self, name: str, log: Log | None = None) -> Worker:
        """A worker that runs, and is known to the site."""
        worker = Worker(name, log or self.log, self.radio, self.clock)
        self._running[worker] = asyncio.create_task(worker.audience.run())
        await asyncio.sleep(0)  # on this line nobody waits: it has spoken
        assert f"worker/{name}" in await self.radio.leases("worker/")
        self.workers.append(worker)
        return worker

    async def behind(self, name: str) -> tuple[Worker, Late]:
        """A worker that holds one event of the night and cannot read the next."""
        log = Late(asyncio.get_running_loop().time)
        log.hold(event(1, "a"), extent=extent(1))
        worker = await self.start(name, log)
        await worker.follow()
        log.hold(event(1, "a"), event(2, "b"), extent=extent(2))
        log.gate.clear()
        return worker, log

    async def stop(self, worker: Worker) -> None:
        task = self._running.pop(worker)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await worker.hub.close()

    async def close(self) -> None:
        self.radio.away = False
        for worker in list(self._running):
            await self.stop(worker)

    async def told(self) -> None:
        """Let every worker speak, then every worker hear."""
        for _ in range(2):
            for worker in self._running:
                await worker.audience.renew()

    async def append(self, channel: str = NIGHT) -> Mapping[str, Position]:
        return await self.log.append([Append(channel, (new_event("a"),))])


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(opened(tmp_path))
        yield site


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Site]:
    file, tokens = (
        SqliteFile(folder / "livewire.db"),
        iter(f"{n:08}" for n in range(99)),
    )
    await file.open()
    site = Site(SqliteLog(file, token=lambda: next(tokens), bound=100))
    try:
        yield site
    finally:
        await site.close()
        await file.close()


# Readers


async def test_readers_are_those_of_all_workers(site: Site) -> None:
    a, b, c = [await site.start(name) for name in "abc"]
    await site.append(COAST)
    for worker, channel in ((a, NIGHT), (b, NIGHT), (b, NIGHT), (b, COAST)):
        await worker.follow(channel)
    await site.told()
    for worker in (a, b, c):
        assert worker.audience.readers(NIGHT) == 3
        assert worker.audience.readers(COAST) == 1
        assert worker.audience.readers("latest") == 0


async def test_readers_here_are_counted_without_asking_anybody(site: Site) -> None:
    a, b = [await site.start(name) for name in "ab"]
    await b.follow()
    await site.told()
    line = await a.follow()
    assert a.audience.readers(NIGHT) == 2
    assert b.audience.readers(NIGHT) == 1
    a.hub.leave(line.follows[NIGHT])
    assert a.audience.readers(NIGHT) == 1


async def test_the_readers_of_a_worker_that_stops_leave_the_count_at_once(
    site: Site,
) -> None:
    a, b = [await site.start(name) for name in "ab"]
    await b.follow()
    await site.told()
    await site.stop(b)
    await a.audience.renew()
    assert a.audience.readers(NIGHT) == 0


async def test_the_readers_of_a_worker_that_died_leave_the_count_with_its_lease(
    site: Site,
) -> None:
    a = await site.start("a")
    value = {"readers": {NIGHT: 7}}
    await site.radio.lease("worker/dead", "dead", seconds=6, value=value)
    site.clock.now += 5.9
    await a.audience.renew()
    assert a.audience.readers(NIGHT) == 7
    site.clock.now += 0.1
    await a.audience.renew()
    assert a.audience.readers(NIGHT) == 0


async def test_hearsay_is_believed_for_as_long_as_a_lease(site: Site) -> None:
    a, b = [await site.start(name) for name in "ab"]
    for worker in (a, b):
        await worker.follow()
    await site.told()
    site.radio.away = True
    site.clock.now += 5.9
    await a.audience.renew()
    assert a.audience.readers(NIGHT) == 2
    site.clock.now += 0.1
    await a.audience.renew()
    assert a.audience.readers(NIGHT) == 1
    site.radio.away = False
    await site.told()
    assert a.audience.readers(NIGHT) == 2


async def test_a_worker_speaks_again_once_it_can() -> None:
    clock = asyncio.get_running_loop().time
    radio, log = Radio(clock), ScriptedLog(clock)
    hub = Hub(log, exists=[NIGHT], idle=60, cut_off=600, clock=clock, spread=0)
    audience = Audience(hub, radio, worker="a", clock=clock, lease=0.03)
    radio.away = True
    running = asyncio.create_task(audience.run())
    await asyncio.sleep(0)
    assert not running.done()
    radio.away = False
    async with asyncio.timeout(PATIENCE):
        while True:
            if await radio.leases("worker/"):
                break
            await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert await radio.leases("worker/") == {}


# How far an event has got


async def test_a_worker_alone_is_one_of_one(site: Site) -> None:
    a = await site.start("a")
    await a.follow()
    assert await a.audience.applied(await site.append()) == Applied(1, 1)


async def test_all_workers_that_hold_it_are_counted(site: Site) -> None:
    a, b, _ = [await site.start(name) for name in "abc"]
    for worker in (a, b):
        await worker.follow()
    tops = await site.append()
    for worker in site.workers:
        assert await worker.audience.applied(tops, within=PATIENCE) == Applied(3, 3)


async def test_many_may_ask_at_once(site: Site) -> None:
    a, b = [await site.start(name) for name in "ab"]
    tops = [await site.append() for _ in range(20)]
    asking = [
        worker.audience.applied(each, within=PATIENCE)
        for worker in (a, b)
        for each in tops
    ]
    assert await asyncio.gather(*asking) == [Applied(2, 2)] * 40


async def test_a_worker_that_is_behind_is_not_counted(site: Site) -> None:
    a = await site.start("a")
    await site.behind("b")
    assert await a.audience.applied({NIGHT: LATE}, within=0.05) == Applied(1, 2)


async def test_a_worker_answers_once_it_has_caught_up(site: Site) -> None:
    a = await site.start("a")
    _, log = await site.behind("b")
    asking = asyncio.create_task(a.audience.applied({NIGHT: LATE}, within=PATIENCE))
    await log.is_read(2)
    assert not asking.done()
    log.gate.set()
    assert await asking == Applied(2, 2)


async def test_a_worker_that_cannot_read_the_log_is_not_counted(site: Site) -> None:
    a = await site.start("a")
    _, log = await site.behind("b")
    log.away = True
    log.gate.set()
    assert await a.audience.applied({NIGHT: LATE}, within=0.05) == Applied(1, 2)


async def test_a_worker_that_died_is_waited_for_in_vain(site: Site) -> None:
    a = await site.start("a")
    await site.radio.lease("worker/dead", "dead", seconds=6, value={"readers": {}})
    assert await a.audience.applied(await site.append(), within=0.05) == Applied(1, 2)
    site.clock.now += 6
    await a.audience.renew()
    assert await a.audience.applied(await site.append()) == Applied(1, 1)


async def test_where_nobody_can_be_asked_one_knows_of_oneself(site: Site) -> None:
    a, _ = [await site.start(name) for name in "ab"]
    await site.told()
    site.radio.away = True
    tops = await site.append()
    assert await a.audience.applied(tops, within=0.05) == Applied(1, 2)
    site.clock.now += 6
    assert await a.audience.applied(tops) == Applied(1, 1)


async def test_a_worker_that_is_behind_itself_counts_the_others(site: Site) -> None:
    await site.start("a")
    b, log = await site.behind("b")
    log.away = True
    log.gate.set()
    assert await b.audience.applied({NIGHT: LATE}, within=0.05) == Applied(1, 2)


async def test_a_worker_that_only_just_began_is_counted(site: Site) -> None:
    a, b = [await site.start(name) for name in "ab"]
    await b.audience.leave()
    # Somebody is waited for, so that there is time to hear of others.
    await site.radio.lease("worker/dead", "dead", seconds=6, value={"readers": {}})
    assert await a.audience.applied({NIGHT: LATE}, within=0.05) == Applied(2, 3)


async def test_a_worker_that_stops_leaves_no_answer_under_way(site: Site) -> None:
    a = await site.start("a")
    b, log = await site.behind("b")
    asking = asyncio.create_task(a.audience.applied({NIGHT: LATE}, within=0.2))
    await log.is_read(2)
    await site.stop(b)
    assert await asking == Applied(1, 2)


async def test_an_asking_that_cannot_be_read_is_not_answered(site: Site) -> None:
    await site.start("a")
    answers = Heard()
    site.radio.listen("applied/x", answers)
    for id_, position in (("1", "nonsense"), ("2", "0")):
        asked = {"ask": id_, "by": "x", "positions": {NIGHT: position}}
        await site.radio.send("applied?", asked)
    assert await answers.until(1) == [{"ask": "2", "worker": "a"}]
