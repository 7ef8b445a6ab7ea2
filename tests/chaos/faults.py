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
    acknowledged may be gone after it; `lasts`, how many seconds it takes at least, so
    that no short night is spent on it alone. `row` is its number in the fault matrix
    of the project's notes on reliability.
    """

    name: str
    act: Act
    needs: frozenset[str] = frozenset()
    allows: frozenset[str] = frozenset()
    loses: bool = False
    row: int = 0
    lasts: float = 0

    def __str__(self) -> str:
        return f"{self.name} (row {self.row})" if self.row else self.name

    def is_possible(self, world: World) -> bool:
        """Whether the world has what it takes."""
        return all(getattr(world, name, None) for name in self.needs)


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


FAULTS = {
    each.name: each
    for each in (
        Fault("kill", kill, row=1),
        Fault("kill-all", kill_all, row=2),
        Fault("kill-while-starting", kill_while_starting, row=28),
        Fault("roll", roll, row=27),
        Fault("kill-while-draining", kill_while_draining, row=28),
        Fault("pause", pause),
        Fault("cut", cut),
    )
}
"""What happens to workers and readers, by name."""
