"""What can happen to a worker that a kill does not show: signals, clock, a stuck loop.

A site is a world on one Redis whose workers need not be alike: one has a clock that
jumps, another a loop that can be stuck, a third few descriptors.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx
import psutil

from tests.chaos.captured import until
from tests.chaos.faults import Fault
from tests.chaos.publishers import signed
from tests.chaos.service import COMMAND, PATIENCE, Worker
from tests.chaos.world import World
from tests.redis_servers import RedisServer, redis_server

BLOCKED = 3  # seconds
JUMP = 3600  # seconds
GROWTH = 8 * 2**20  # bytes
REPLACED = "All workers are replaced."  # says a supervisor
STUCK = signal.SIGUSR1
"""What makes the loop of a worker of kind `STOPPABLE` stand still."""

STOPPABLE = (
    sys.executable,
    "-c",
    f"""
import signal, time
from livewire.cli import main
signal.signal(signal.{STUCK.name}, lambda number, frame: time.sleep({BLOCKED}))
main(prog_name="livewire")
""",
)
"""A service whose loop, told so by a signal, does nothing for `BLOCKED` seconds."""


def _faketime() -> str:
    """The library that lies about the time; `make programs` installs it."""
    return str(next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")))


@dataclass(frozen=True, slots=True)
class Kind:
    """How a worker is started, on top of what all have."""

    command: Sequence[str] = COMMAND
    arguments: Sequence[str] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    has_clock: bool = False  # of its own, which can be set


PLAIN = Kind()


class Handled(Worker):
    """A worker that can be told any signal, and asked how it ended."""

    def __init__(self, folder: Path, kind: Kind, redis: str) -> None:
        settings = {"LIVEWIRE_REDIS_URL": redis, **kind.settings}
        self.command, self.arguments = kind.command, kind.arguments
        self.clock = folder / "clock" if kind.has_clock else None
        if self.clock is not None:
            settings |= {
                "LD_PRELOAD": _faketime(),
                "FAKETIME_TIMESTAMP_FILE": str(self.clock),
                "FAKETIME_NO_CACHE": "1",  # a jump counts at once
                # Sleeping and waiting go by the monotonic clock, which never jumps.
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
            folder.mkdir(parents=True)
            self.set_clock(0)
        super().__init__(
            folder, settings, command=kind.command, arguments=kind.arguments
        )

    @property
    def pid(self) -> int:
        """The process; it has been started."""
        assert self._process is not None
        return self._process.pid

    def send(self, number: signal.Signals, *, ends: bool = True) -> None:
        """Send the process a signal. `ends`: whether it may end of it."""
        assert self._process is not None
        self._meant = self._meant or ends
        self._process.send_signal(number)

    async def ended(self) -> int:
        """Wait until it has ended, and say how; minus a signal's number if by one."""
        assert self._process is not None
        async with asyncio.timeout(PATIENCE):
            return await self._process.wait()

    def memory(self) -> int:
        """Bytes of it that are in memory; 0 where it does not run."""
        with suppress(psutil.NoSuchProcess):
            return int(psutil.Process(self.pid).memory_info().rss)
        return 0

    def words(self) -> str:
        """What it and its earlier lives have said."""
        return (self.folder / "worker.log").read_text()

    def set_clock(self, seconds: int) -> None:
        """Let its clock be so many seconds off."""
        assert self.clock is not None
        moved = self.clock.with_suffix(".new")
        moved.write_text(f"{seconds:+d}\n")
        moved.replace(self.clock)  # at no instant is it empty


@dataclass(slots=True, kw_only=True)
class Site(World):
    """Workers of several kinds on one Redis."""

    server: RedisServer
    staff: Sequence[Handled]

    async def open(self, slug: str = "night") -> None:
        """Open a live story."""
        body = {"slug": slug, "headline": f"Story {slug}", "status": "live"}
        async with self.editor() as editor:
            answer = await editor.post("/api/stories", json=body)
        assert answer.status_code == 201, answer.text

    def editor(self, number: int = 0, *, name: str = "ines") -> httpx.AsyncClient:
        """A client with a chief's token, at one of the workers."""
        return httpx.AsyncClient(
            base_url=self.staff[number].address, headers=signed(name), timeout=10
        )


@asynccontextmanager
async def site(folder: Path, *kinds: Kind) -> AsyncIterator[Site]:
    """A running site with a worker of each kind; none outlives the block."""
    async with redis_server(folder / "redis") as server:
        staff = [
            Handled(folder / f"worker-{number}", kind, server.url)
            for number, kind in enumerate(kinds)
        ]
        made = Site(staff, [server], server=server, staff=staff)
        try:
            await asyncio.gather(*(worker.start() for worker in staff))
            yield made
        finally:
            for worker in staff:
                if worker.is_running:
                    await worker.kill()


def _staff(world: World) -> Sequence[Handled]:
    return [worker for worker in world.workers if isinstance(worker, Handled)]


async def block(world: World, random: Random) -> None:
    """The loop of a worker that can be stuck is stuck, while the kernel serves on."""
    worker = next(each for each in _staff(world) if each.command is STOPPABLE)
    worker.send(STUCK, ends=False)
    await asyncio.sleep(BLOCKED + random.uniform(0.5, 1.5))


async def starve(world: World, random: Random) -> None:
    """Drafts come in until a worker has grown fat, and the kernel would kill it."""
    worker = random.choice(_staff(world))
    slug = f"draft-{random.randrange(10**9)}"
    story, before = {"slug": slug, "headline": "Nobody reads this"}, worker.memory()
    async with httpx.AsyncClient(
        base_url=worker.address, headers=signed("eve")
    ) as http:
        await http.post("/api/stories", json=story)
        update = {"headline": "Long", "body": "x" * 29_000}
        path, hungry = f"/api/stories/{slug}/updates", asyncio.Event()

        async def feed() -> None:
            while not hungry.is_set():
                with suppress(httpx.TransportError):
                    answer = await http.post(path, json=update, timeout=10)
                    assert answer.status_code != 422, answer.text
                if not 0 < worker.memory() < before + GROWTH:
                    hungry.set()

        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(feed())
            await hungry.wait()
            await worker.kill()
    await worker.start()


async def jump(world: World, random: Random) -> None:
    """The clock of a worker that has its own is an hour off, then right again."""
    worker = next(each for each in _staff(world) if each.clock is not None)
    for seconds in (random.choice((-JUMP, JUMP)), 0):
        worker.set_clock(seconds)
        await asyncio.sleep(random.uniform(0.5, 2))


async def replace(world: World, random: Random) -> None:
    """A supervisor is told to replace its workers, and does."""
    worker = next(each for each in _staff(world) if "--workers" in each.arguments)
    done = worker.words().count(REPLACED)
    worker.send(signal.SIGHUP, ends=False)
    await until(lambda: worker.words().count(REPLACED) > done)


_STAFF = frozenset({"staff"})

WORKER_FAULTS = {
    each.name: each
    for each in (
        Fault("replace", replace, _STAFF, row=27),
        Fault("jump", jump, _STAFF, row=31, lasts=1),
        Fault("starve", starve, _STAFF, row=34),
        Fault("block", block, _STAFF, row=32, lasts=BLOCKED + 0.5),
    )
}
"""Faults of workers of some kind, by name; a site with such a worker has them."""
