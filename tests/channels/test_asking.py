"""Turns at the log: how many, and after what pause."""

import asyncio

import pytest

from channels.asking import Asking
from channels.errors import LogUnavailable
from tests.channels.scripted import ScriptedLog

NIGHT, DAY = "story/night", "story/day"


class Desk:
    """A log that may be away, and a clock."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.log = ScriptedLog(lambda: self.now)
        self.asking = Asking(self.log, cut_off=600, clock=lambda: self.now)

    async def read(self, channel: str = NIGHT) -> None:
        async with self.asking.turn(channel):
            await self.log.read(channel)

    async def fail(self, channel: str = NIGHT) -> int:
        """How often the log was asked."""
        before = self.log.reads
        with pytest.raises(LogUnavailable):
            await self.read(channel)
        return self.log.reads - before


async def test_what_failed_is_tried_again_after_a_pause() -> None:
    d = Desk()
    d.log.away = True
    assert await d.fail() == 1
    assert await d.fail() == 0
    d.now += 1
    assert await d.fail() == 1
    d.log.away = False
    d.now += 1
    await d.read()
    await d.read()


async def test_a_log_that_is_away_is_away_for_every_channel() -> None:
    d = Desk()
    d.log.away = True
    assert await d.fail(NIGHT) == 1
    assert await d.fail(DAY) == 0
    d.log.away = False
    d.now += 0.1
    # It has proven itself since: the pause is for the channel that failed.
    await d.read(DAY)
    assert await d.fail(NIGHT) == 0


async def test_another_fault_is_of_its_channel_alone() -> None:
    d = Desk()
    with pytest.raises(ZeroDivisionError):
        async with d.asking.turn(NIGHT):
            raise ZeroDivisionError
    assert await d.fail(NIGHT) == 0
    await d.read(DAY)


async def test_eight_read_at_a_time() -> None:
    d = Desk()
    d.log.gate.clear()
    reading = [asyncio.create_task(d.read(f"story/{n}")) for n in range(20)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert d.log.reads == 8
    d.log.gate.set()
    await asyncio.gather(*reading)
    assert d.log.reads == 20


async def test_a_silence_is_told_and_in_the_end_cuts_off() -> None:
    d = Desk()
    d.log.away = True
    told: list[tuple[bool, bool]] = []
    for seconds in (5, 1, 594, 1):
        d.now += seconds
        told.append((d.asking.is_silent, d.asking.is_cut_off))
    assert told == [(False, False), (True, False), (True, False), (True, True)]
    d.log.away = False
    assert (d.asking.is_silent, d.asking.is_cut_off) == (False, False)


async def test_failures_of_long_ago_are_forgotten() -> None:
    d = Desk()
    d.log.away = True
    await d.fail()
    d.asking.forget()
    assert await d.fail() == 0
    d.now += 1
    d.asking.forget()
    assert d.asking._failed == {}


async def test_who_asks_after_a_read_has_begun_waits_for_the_others() -> None:
    now = 100.0
    asking = Asking(ScriptedLog(), cut_off=600, clock=lambda: now, spread=0.02)
    loop = asyncio.get_running_loop()
    before = loop.time()
    await asking.gather("story/night")
    async with asking.turn("story/night"):
        pass
    await asyncio.gather(*(asking.gather("story/night") for _ in range(100)))
    assert loop.time() - before >= 0.02
    now += 1
    waiting = asyncio.create_task(asking.gather("story/night"))
    await asyncio.sleep(0)
    assert waiting.done(), "a read long ago holds nobody back"
