"""What signals within one process promise beyond the contract."""

from channels.signals import Value
from channels.sqlite.signals import LocalSignals
from tests.contracts.signals_contract import Heard


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_nobody_hears_before_the_sender_has_finished() -> None:
    signals, heard = LocalSignals(Clock()), Heard()
    signals.listen("t", heard)
    await signals.send("t", {"n": 1})
    await signals.send("t", {"n": 2})
    assert heard.values == []
    assert await heard.until(2) == [{"n": 1}, {"n": 2}]


async def test_who_stops_before_a_word_arrives_does_not_hear_it() -> None:
    signals, leaves, stays = LocalSignals(Clock()), Heard(), Heard()
    stop = signals.listen("t", leaves)
    signals.listen("t", stays)
    await signals.send("t", {"n": 1})
    stop()
    await stays.until(1)
    assert leaves.values == []


async def test_claims_end_by_the_clock_they_were_given() -> None:
    clock = Clock()
    signals = LocalSignals(clock)
    value: Value = {"n": 1}
    assert await signals.lease("worker/a", "a", seconds=6, value=value)
    clock.now += 5.9
    assert not await signals.lease("worker/a", "b", seconds=6, value=value)
    assert await signals.leases("worker/") == {"worker/a": value}
    clock.now += 0.1
    assert await signals.leases("worker/") == {}
    assert await signals.lease("worker/a", "b", seconds=6, value=value)
