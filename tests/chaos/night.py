"""A night: everybody at work, one fault after another, then quiet, then the audit.

Everything random comes from the seed: which faults, when, and what everybody does. What
a run makes of it depends on the instants at which things really happen.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from random import Random

from tests.chaos.audit import audit
from tests.chaos.crew import Crew, Size, crew
from tests.chaos.ending import final_log
from tests.chaos.faults import Fault
from tests.chaos.findings import Audit
from tests.chaos.habits import HABITS, Habit
from tests.chaos.history import Final
from tests.chaos.readers import Reader
from tests.chaos.world import World

ANSWERS = 20  # seconds for the editors to be answered once all is well
READS = 60  # seconds for the readers to reach the end
PAUSES = 0.2, 1.5  # seconds between two faults, at least and at most

Say = Callable[[str], None]


def quietly(text: str) -> None:
    """Nobody wants to hear it."""


async def run(
    world: World,
    *,
    seed: int,
    seconds: float,
    faults: Sequence[Fault],
    size: Size = Size(),  # noqa: B008 - frozen
    habits: Sequence[Habit] = HABITS,
    reader: type[Reader] = Reader,
    before_the_end: Callable[[World], Awaitable[None]] | None = None,
    edition: str = "",
    say: Say = quietly,
) -> Audit:
    """Break a running world for some seconds, and judge what came of it.

    `before_the_end` is something more that happens once the faults are over, while
    everybody is still at work; `edition` as for `crew`.
    """
    async with crew(
        world.addresses, seed, size, habits=habits, reader=reader, edition=edition
    ) as everybody:
        await everybody.open_stories()
        world.lines = list(everybody.readers)
        reading = [asyncio.create_task(each.run()) for each in everybody.readers]
        writing = [asyncio.create_task(each.run()) for each in everybody.publishers]
        try:
            injected = await _break(world, Random(seed), seconds, faults, say)
            if before_the_end is not None:
                await before_the_end(world)
            await world.recover()
            return await _judge(world, everybody, reading, writing, injected)
        finally:
            await _dismiss([*reading, *writing])


async def _break(
    world: World, random: Random, seconds: float, faults: Sequence[Fault], say: Say
) -> list[Fault]:
    possible = [each for each in faults if each.is_possible(world)]
    loop = asyncio.get_running_loop()
    start, injected = loop.time(), list[Fault]()
    while True:
        await asyncio.sleep(random.uniform(*PAUSES))
        if loop.time() - start > seconds:
            return injected
        if possible:
            fault = random.choice(possible)
            say(f"{loop.time() - start:7.1f} s  {fault}")
            injected.append(fault)
            await fault.act(world, random)


async def _judge(
    world: World,
    everybody: Crew,
    reading: Sequence[asyncio.Task[None]],
    writing: Sequence[asyncio.Task[None]],
    injected: Sequence[Fault],
) -> Audit:
    everybody.desk.leaving.set()
    for each in everybody.readers:
        each.hurry()
    await asyncio.wait(writing, timeout=ANSWERS)
    everybody.desk.over.set()
    await asyncio.gather(*writing)
    final = await final_log(
        everybody.http, everybody.addresses, everybody.channels, everybody.history
    )
    final = await _with_epochs(world, final)
    tops = {name: standing.top for name, standing in final.standings.items()}
    await _reach(everybody.readers, reading, tops)
    await _dismiss(reading)
    return audit(
        everybody.history,
        final,
        allows={reason for fault in injected for reason in fault.allows},
        loses=any(fault.loses for fault in injected),
    )


async def _with_epochs(world: World, final: Final) -> Final:
    standings = {
        name: replace(standing, epochs=await world.epochs(name))
        for name, standing in final.standings.items()
    }
    return replace(final, standings=standings)


async def _reach(
    readers: Sequence[Reader],
    reading: Sequence[asyncio.Task[None]],
    tops: Mapping[str, str],
) -> None:
    """Wait until every reader stands at the end; who does not is the auditor's."""
    end = asyncio.get_running_loop().time() + READS
    while asyncio.get_running_loop().time() < end:
        for task in reading:
            if task.done():
                task.result()  # a reader that failed is a fault of ours
        if all(each.places.have_reached(tops) for each in readers):
            return
        await asyncio.sleep(0.05)


async def _dismiss(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
