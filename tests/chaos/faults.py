"""What can happen in a night, by name.

A fault leaves the world as it found it: what it killed runs again, what it froze goes
on. It says which resets it explains; any other is a finding.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from tests.chaos.world import World

Act = Callable[[World, Random], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    `needs` names the parts of the world without which it cannot happen (`stores`,
    `links`). `allows` are the reasons of resets it explains; `loses`, whether what was
    acknowledged may be gone after it.
    """

    name: str
    act: Act
    needs: frozenset[str] = frozenset()
    allows: frozenset[str] = frozenset()
    loses: bool = False

    def is_possible(self, world: World) -> bool:
        """Whether the world has what it takes."""
        return all(getattr(world, name) for name in self.needs)


async def kill(world: World, random: Random) -> None:
    """A worker is gone without a word."""
    worker = random.choice(world.workers)
    await worker.kill()
    await asyncio.sleep(random.uniform(0, 0.3))
    await worker.start()


async def kill_all(world: World, random: Random) -> None:
    """Every worker at once."""
    await asyncio.gather(*(worker.kill() for worker in world.workers))
    await asyncio.sleep(random.uniform(0, 0.3))
    await asyncio.gather(*(worker.start() for worker in world.workers))


async def kill_while_starting(world: World, random: Random) -> None:
    """A worker is killed again before it is up."""
    worker = random.choice(world.workers)
    await worker.kill()
    await worker.launch()
    await asyncio.sleep(random.uniform(0, 1.5))
    await worker.kill()
    await worker.start()


async def roll(world: World, random: Random) -> None:
    """A deploy: every worker in turn, by SIGTERM."""
    for worker in world.workers:
        await worker.restart()


async def kill_while_draining(world: World, random: Random) -> None:
    """SIGTERM, and SIGKILL before it has come to its end."""
    worker = random.choice(world.workers)
    worker.ask_to_end()
    await asyncio.sleep(random.uniform(0, 0.8))
    await worker.kill()
    await worker.start()


async def pause(world: World, random: Random) -> None:
    """A worker is frozen for three seconds, and does not know it."""
    worker = random.choice(world.workers)
    worker.pause()
    await asyncio.sleep(3)
    worker.resume()


async def cut(world: World, random: Random) -> None:
    """Two readers of three lose their line."""
    for line in world.lines:
        if random.random() < 2 / 3:
            line.cut()


async def kill_store(world: World, random: Random) -> None:
    """A server of the log is gone without a word, and comes back with its files."""
    store = random.choice(world.stores)
    await store.kill()
    await asyncio.sleep(random.uniform(0, 2))
    await store.restart()


async def pause_store(world: World, random: Random) -> None:
    """A server of the log is frozen."""
    store = random.choice(world.stores)
    store.pause()
    await asyncio.sleep(random.uniform(1, 5))
    store.resume()


async def cut_link(world: World, random: Random) -> None:
    """A worker loses its connections to the log."""
    random.choice(world.links).cut()


async def blackhole(world: World, random: Random) -> None:
    """Nothing passes between a worker and the log, and nobody says so."""
    link = random.choice(world.links)
    link.blackhole = True
    await asyncio.sleep(random.uniform(1, 6))
    link.blackhole = False


_STORES, _LINKS = frozenset({"stores"}), frozenset({"links"})

FAULTS = {
    each.name: each
    for each in (
        Fault("kill", kill),
        Fault("kill-all", kill_all),
        Fault("kill-while-starting", kill_while_starting),
        Fault("roll", roll),
        Fault("kill-while-draining", kill_while_draining),
        Fault("pause", pause),
        Fault("cut", cut),
        Fault("kill-store", kill_store, _STORES),
        Fault("pause-store", pause_store, _STORES),
        Fault("cut-link", cut_link, _LINKS),
        Fault("blackhole", blackhole, _LINKS),
    )
}
"""Every fault by name."""
