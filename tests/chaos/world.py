"""What a night happens to: workers, and what stands behind them.

A SQLite world is one worker. A Redis world (`tests.chaos.redis_world`) is several with
one log, the server that keeps it in `stores`, and in `links` the lines between the two.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from channels.positions import Epoch
from tests.chaos.service import Worker


class Store(Protocol):
    """A server that keeps the log; `tests.redis_servers.RedisServer` is one."""

    async def kill(self) -> None:
        """End it with SIGKILL."""

    async def restart(self) -> None:
        """End it if it runs, and start it on the same port with the same files."""

    def pause(self) -> None:
        """Freeze it."""

    def resume(self) -> None:
        """Let it go on."""


class Link(Protocol):
    """A line between a worker and a store; `tests.proxy.Proxy` is one."""

    blackhole: bool

    def cut(self) -> None:
        """End every connection through it."""


class Line(Protocol):
    """A reader whose connection can be cut; `tests.chaos.readers.Reader` is one."""

    def cut(self) -> None:
        """Lose the line, wherever in a frame it is."""


@dataclass(slots=True)
class World:
    """Everything that can be broken. `lines` are there once a crew reads."""

    workers: Sequence[Worker]
    stores: Sequence[Store] = ()
    links: Sequence[Link] = ()
    lines: list[Line] = field(default_factory=list)

    @property
    def addresses(self) -> list[str]:
        """Where the service answers."""
        return [worker.address for worker in self.workers]

    async def epochs(self, channel: str) -> tuple[Epoch, ...]:
        """The lives of a channel, where the store tells them; nothing here."""
        return ()

    async def recover(self) -> None:
        """Everything runs again. Raises `AssertionError` for what ended by itself."""
        for link in self.links:
            link.blackhole = False
        for worker in self.workers:
            worker.check()
            worker.resume()
            if not worker.is_running:
                await worker.start()


@asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    """The world with every worker started; none outlives the block."""
    try:
        await asyncio.gather(*(worker.start() for worker in world.workers))
        yield world
    finally:
        for worker in world.workers:
            if worker.is_running:
                await worker.kill()


def on_sqlite(folder: Path) -> World:
    """One worker, whose log is a file in the folder."""
    return World([Worker(folder)])
