"""What all signals keep to: words in order, claims of one owner that end by themselves.

A suite to inherit. Each opening of `open_signals` is a worker of the same site; where
one process is all there is, they may be the same object. A word may take a while on its
way, so a test waits for what it expects and never takes silence for an answer.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from channels.signals import Signals, Value

OpenSignals = Callable[[], AbstractAsyncContextManager[Signals]]

LONG = 60.0
SHORT = 0.05
PATIENCE = 10.0  # seconds after which a word is lost


class Heard:
    """What one listener was told."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self._news = asyncio.Event()

    def __call__(self, value: Value) -> None:
        self.values.append(value)
        self._news.set()

    async def until(self, count: int) -> list[Value]:
        """The values, once there are so many."""
        async with asyncio.timeout(PATIENCE):
            while len(self.values) < count:
                self._news.clear()
                await self._news.wait()
        return self.values


async def ended(signals: Signals, name: str) -> None:
    """Return once nobody claims `name`."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if name not in await signals.leases(name):
                return
            await asyncio.sleep(0.005)


class SignalsContract:
    """The tests; a subclass overrides `open_signals`."""

    @pytest.fixture
    def open_signals(self) -> OpenSignals:
        raise NotImplementedError

    @pytest.fixture
    async def here(self, open_signals: OpenSignals) -> AsyncIterator[Signals]:
        async with open_signals() as opened:
            yield opened

    @pytest.fixture
    async def there(self, open_signals: OpenSignals) -> AsyncIterator[Signals]:
        async with open_signals() as opened:
            yield opened

    # Words

    async def test_every_listener_is_told_the_sender_too(
        self, here: Signals, there: Signals
    ) -> None:
        heard = [Heard(), Heard(), Heard()]
        for signals, hear in zip([here, here, there], heard, strict=True):
            signals.listen("applied?", hear)
        await here.send("applied?", {"ask": 1})
        assert [await each.until(1) for each in heard] == [[{"ask": 1}]] * 3

    async def test_a_word_is_told_to_those_of_its_topic(
        self, here: Signals, there: Signals
    ) -> None:
        one, other = Heard(), Heard()
        there.listen("applied/a", one)
        there.listen("applied/ab", other)
        await here.send("applied/ab", {"n": 1})
        await here.send("applied/a", {"n": 2})
        await here.send("applied/ab", {"n": 3})
        assert await one.until(1) == [{"n": 2}]
        assert await other.until(2) == [{"n": 1}, {"n": 3}]

    async def test_what_one_sender_says_is_heard_in_order(
        self, here: Signals, there: Signals
    ) -> None:
        heard = Heard()
        there.listen("t", heard)

        async def speak(signals: Signals, name: str) -> None:
            for n in range(100):
                await signals.send("t", {"by": name, "n": n})

        await asyncio.gather(speak(here, "here"), speak(there, "there"))
        told = await heard.until(200)
        for name in ("here", "there"):
            said = [value["n"] for value in told if value["by"] == name]
            assert said == list(range(100))

    async def test_nobody_hears_what_was_said_before_they_listened(
        self, here: Signals, there: Signals
    ) -> None:
        early, late = Heard(), Heard()
        there.listen("t", early)
        await here.send("t", {"n": 1})
        await early.until(1)
        there.listen("t", late)
        await here.send("t", {"n": 2})
        assert await late.until(1) == [{"n": 2}]
        assert await early.until(2) == [{"n": 1}, {"n": 2}]

    async def test_who_has_stopped_hears_nothing_more(
        self, here: Signals, there: Signals
    ) -> None:
        stays, leaves = Heard(), Heard()
        stop = there.listen("t", leaves)
        there.listen("t", stays)
        await here.send("t", {"n": 1})
        await leaves.until(1)
        await stays.until(1)
        stop()
        stop()
        await here.send("t", {"n": 2})
        await stays.until(2)
        assert leaves.values == [{"n": 1}]

    async def test_one_may_stop_while_hearing(self, here: Signals) -> None:
        once, always = Heard(), Heard()

        def hear(value: Value) -> None:
            once(value)
            stop()

        stop = here.listen("t", hear)
        here.listen("t", always)
        for n in range(3):
            await here.send("t", {"n": n})
        assert len(await always.until(3)) == 3
        assert once.values == [{"n": 0}]

    async def test_one_may_listen_and_send_while_hearing(self, here: Signals) -> None:
        answers, tasks = Heard(), set[asyncio.Task[None]]()

        def hear(value: Value) -> None:
            here.listen("answer", answers)
            tasks.add(asyncio.create_task(here.send("answer", value)))

        here.listen("ask", hear)
        await here.send("ask", {"n": 1})
        assert await answers.until(1) == [{"n": 1}]
        await asyncio.gather(*tasks)

    async def test_the_same_listener_may_listen_twice(self, here: Signals) -> None:
        heard = Heard()
        stop = here.listen("t", heard)
        here.listen("t", heard)
        await here.send("t", {"n": 1})
        assert await heard.until(2) == [{"n": 1}] * 2
        stop()
        await here.send("t", {"n": 2})
        await here.send("t", {"n": 3})
        assert (await heard.until(4))[2:] == [{"n": 2}, {"n": 3}]

    async def test_a_failing_listener_disturbs_nobody(
        self, here: Signals, there: Signals
    ) -> None:
        heard = Heard()

        def fail(value: Value) -> None:
            raise RuntimeError("the ear is broken")

        for signals in (here, there):
            signals.listen("t", fail)
            signals.listen("t", heard)
        await here.send("t", {"n": 1})
        await here.send("t", {"n": 2})
        assert sorted(str(value) for value in await heard.until(4)) == sorted(
            ["{'n': 1}", "{'n': 2}"] * 2
        )

    async def test_a_word_to_nobody_is_nothing(self, here: Signals) -> None:
        await here.send("nobody", {"n": 1})

    @pytest.mark.parametrize(
        "value",
        [
            {},
            {"text": "東京 🗳 a\u2028b\x00c", "none": None, "no": False},
            {"most": 2**63 - 1, "least": -(2**63), "list": [1, [2.5, {}]]},
            {"readers": {"story/night": 1_000_000, "": 0}, 'quo"te': "\\\r\n"},
            {"large": "wörd " * 40_000},
        ],
    )
    async def test_a_value_arrives_unchanged(
        self, here: Signals, there: Signals, value: Value
    ) -> None:
        heard = Heard()
        there.listen("tōpic 🗳/x y", heard)
        await here.send("tōpic 🗳/x y", value)
        assert await heard.until(1) == [value]
        assert await here.lease("läase/🗳", "é", seconds=LONG, value=value)
        assert await there.leases("lä") == {"läase/🗳": value}

    async def test_what_was_said_is_not_shared(self, here: Signals) -> None:
        heard, value = [Heard(), Heard()], {"counts": {"a": 1}}
        for each in heard:
            here.listen("t", each)
        await here.send("t", value)
        await here.lease("k/1", "a", seconds=LONG, value=value)
        value["counts"]["a"] = 2
        assert [await each.until(1) for each in heard] == [[{"counts": {"a": 1}}]] * 2
        assert await here.leases("k/") == {"k/1": {"counts": {"a": 1}}}

    # Claims

    async def test_what_is_claimed_is_claimed_by_nobody_else(
        self, here: Signals, there: Signals
    ) -> None:
        assert await here.lease("heal/1", "a", seconds=LONG, value={"n": 1})
        assert not await there.lease("heal/1", "b", seconds=LONG, value={"n": 2})
        assert not await here.lease("heal/1", "b", seconds=LONG, value={"n": 3})
        assert await there.lease("heal/2", "b", seconds=LONG, value={"n": 4})
        assert await there.leases("heal/") == {
            "heal/1": {"n": 1},
            "heal/2": {"n": 4},
        }

    async def test_a_claim_is_its_owners_wherever_they_are(
        self, here: Signals, there: Signals
    ) -> None:
        await here.lease("heal/1", "a", seconds=LONG, value={"n": 1})
        assert await there.lease("heal/1", "a", seconds=LONG, value={"n": 2})
        assert await here.leases("heal/") == {"heal/1": {"n": 2}}

    async def test_a_claim_ends_by_itself(self, here: Signals, there: Signals) -> None:
        await here.lease("heal/1", "a", seconds=SHORT, value={"n": 1})
        await here.lease("heal/2", "a", seconds=LONG, value={})
        await ended(there, "heal/1")
        assert await there.lease("heal/1", "b", seconds=LONG, value={"n": 2})
        assert not await here.lease("heal/1", "a", seconds=LONG, value={"n": 3})
        assert await here.leases("heal/") == {"heal/1": {"n": 2}, "heal/2": {}}

    async def test_a_claim_that_ended_is_free_whether_or_not_anybody_looked(
        self, here: Signals, there: Signals
    ) -> None:
        await here.lease("heal/1", "a", seconds=SHORT, value={})
        async with asyncio.timeout(PATIENCE):
            while True:
                if await there.lease("heal/1", "b", seconds=LONG, value={"n": 2}):
                    break
                await asyncio.sleep(0.005)
        assert await here.leases("heal/") == {"heal/1": {"n": 2}}

    async def test_a_claim_can_be_prolonged(
        self, here: Signals, there: Signals
    ) -> None:
        await here.lease("worker/a", "a", seconds=SHORT, value={"n": 1})
        assert await here.lease("worker/a", "a", seconds=LONG, value={"n": 2})
        # Begun later and for as long as the first: once it ends, that one would have.
        await here.lease("worker/b", "b", seconds=SHORT, value={})
        await ended(there, "worker/b")
        assert await there.leases("worker/") == {"worker/a": {"n": 2}}
        assert not await there.lease("worker/a", "b", seconds=LONG, value={})

    async def test_a_claim_can_be_cut_short(self, here: Signals) -> None:
        await here.lease("worker/a", "a", seconds=LONG, value={})
        assert await here.lease("worker/a", "a", seconds=SHORT, value={})
        await ended(here, "worker/a")

    async def test_who_let_go_holds_nothing(
        self, here: Signals, there: Signals
    ) -> None:
        await here.lease("heal/1", "a", seconds=LONG, value={})
        await here.release("heal/1", "a")
        await here.release("heal/1", "a")
        assert await there.leases("heal/") == {}
        assert await there.lease("heal/1", "b", seconds=LONG, value={"n": 2})

    async def test_nobody_lets_go_of_anothers_claim(
        self, here: Signals, there: Signals
    ) -> None:
        await here.lease("heal/1", "a", seconds=LONG, value={"n": 1})
        await there.release("heal/1", "b")
        await there.release("heal/2", "b")
        assert await there.leases("heal/") == {"heal/1": {"n": 1}}

    async def test_who_held_it_before_does_not_end_the_next_ones_claim(
        self, here: Signals, there: Signals
    ) -> None:
        await here.lease("heal/1", "a", seconds=SHORT, value={})
        await ended(here, "heal/1")
        await there.lease("heal/1", "b", seconds=LONG, value={"n": 2})
        await here.release("heal/1", "a")
        assert await here.leases("heal/") == {"heal/1": {"n": 2}}

    async def test_claims_are_told_by_prefix_in_order_of_their_names(
        self, here: Signals, there: Signals
    ) -> None:
        names = [
            "worker/b",
            "worker/a",
            "worker/ä",
            "worker/🗳",
            "worker/B",
            "workers/a",
        ]
        for name in names:
            await here.lease(name, name, seconds=LONG, value={"name": name})
        for signals in (here, there):
            found = await signals.leases("worker/")
            assert list(found) == sorted(names)[:-1]
            assert all(value == {"name": name} for name, value in found.items())
            assert list(await signals.leases("worker")) == sorted(names)
            assert list(await signals.leases("worker/ä")) == ["worker/ä"]
            assert await signals.leases("heal/") == {}

    @pytest.mark.parametrize(
        "prefix", ["k/%", "k/*", "k/[a]", "k/.", "k/é", "k/ ", "k/^"]
    )
    async def test_no_character_of_a_prefix_is_special(
        self, here: Signals, prefix: str
    ) -> None:
        for name in ("k/", "k/x", "k/a", "k/e\u0301", prefix, prefix + "1"):
            await here.lease(name, "a", seconds=LONG, value={})
        assert list(await here.leases(prefix)) == [prefix, prefix + "1"]

    async def test_of_fifty_who_claim_at_once_one_wins(
        self, here: Signals, there: Signals
    ) -> None:
        async def claim(n: int) -> bool:
            signals, value = (here, there)[n % 2], {"n": n}
            return await signals.lease("heal/1", f"w{n}", seconds=LONG, value=value)

        won = await asyncio.gather(*(claim(n) for n in range(50)))
        assert won.count(True) == 1
        assert await there.leases("heal/") == {"heal/1": {"n": won.index(True)}}
