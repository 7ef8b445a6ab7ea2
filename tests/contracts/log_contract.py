"""What every log keeps to, whatever holds it: numbering, atomicity, order, durability.

A suite to inherit. `open_log` opens the same store anew each time it is called, as a
process does that starts; everything else is asked through the contract alone.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from channels.errors import Conflict
from channels.events import Append, Data, NewEvent, number
from channels.log import Delivery, History, Log
from channels.positions import START, Position, judge

OpenLog = Callable[[int], AbstractAsyncContextManager[Log]]
"""Opens the store; the argument is how many numbers a bounded channel keeps."""

BOUND = 5
NIGHT, COAST = "story/night", "story/coast"
AT = datetime(2026, 11, 22, 20, 4, 5, 123_000, UTC)


def event(
    key: str = "update/1",
    version: int = 1,
    *,
    data: Data | None = None,
    private: Data | None = None,
    at: datetime = AT,
) -> NewEvent:
    id_ = f"{key}:{version}"
    return NewEvent(key, version, "update", id_, at, data, private or {})


def append(channel: str, *keys: str, expected: int | None = None) -> Append:
    events = tuple(event(key, data={"key": key}) for key in keys or ("update/1",))
    return Append(channel, events, expected)


def keys(history: History | Delivery) -> list[str]:
    return [entry.event.key for entry in history.entries]


def numbers(history: History | Delivery) -> list[int]:
    return [entry.event.seq for entry in history.entries]


class LogContract:
    """The tests; a subclass overrides `open_log`."""

    @pytest.fixture
    def open_log(self) -> OpenLog:
        raise NotImplementedError

    @pytest.fixture
    async def log(self, open_log: OpenLog) -> AsyncIterator[Log]:
        async with open_log(BOUND) as opened:
            yield opened

    # Numbering

    async def test_numbers_are_dense_in_each_channel(self, log: Log) -> None:
        await log.append([append(NIGHT, "a", "b")])
        await log.append([append(COAST, "x"), append(NIGHT, "c")])
        assert numbers(await log.read(NIGHT)) == [1, 2, 3]
        assert numbers(await log.read(COAST)) == [1]

    async def test_an_append_answers_with_the_new_top_of_each_channel(
        self, log: Log
    ) -> None:
        tops = await log.append([append(NIGHT, "a", "b"), append(COAST, "x")])
        for channel, seq in ((NIGHT, 2), (COAST, 1)):
            extent = (await log.read(channel)).extent
            assert tops[channel] == extent.end
            assert extent.top == seq
        assert set(tops) == {NIGHT, COAST}

    async def test_a_read_goes_on_after_a_number(self, log: Log) -> None:
        await log.append([append(NIGHT, "a", "b", "c")])
        assert keys(await log.read(NIGHT, after=1)) == ["b", "c"]
        assert keys(await log.read(NIGHT, after=3)) == []
        assert keys(await log.read(NIGHT, after=99)) == []

    async def test_an_unwritten_channel_has_an_empty_extent(self, log: Log) -> None:
        await log.append([append(COAST)])
        history = await log.read(NIGHT)
        assert history.entries == ()
        assert history.extent.epochs == ()
        assert (history.extent.top, history.extent.floor) == (0, 0)
        assert history.extent.end == START

    # What goes in comes out

    @pytest.mark.parametrize(
        "data",
        [
            None,
            {},
            {"headline": "Zürich, 東京, 🗳, e\u0301", "rtl": "انتخابات"},
            {"text": "a\u2028b\u2029c\u0085d\ne\rf\tg\x00h\ufeff"},
            {"most": 2**63 - 1, "least": -(2**63), "share": 0.1 + 0.2, "tiny": 5e-324},
            {"nested": [{"deep": [[], {}, None, True, False, ""]}]},
            {"long": "word " * 40_000},
            {"": "no name", 'quo"te': "\\", "é": "\u00e9"},
        ],
    )
    async def test_what_was_appended_is_read_unchanged(
        self, log: Log, data: Data | None
    ) -> None:
        private: Data = {"by": "Ines Ünal", "note": "line\u2028end", "value": data}
        new = event("update/é", 7, data=data, private=private)
        asked = Append(NIGHT, (new, event("b")))
        tops = await log.append([asked])
        entries = (await log.read(NIGHT)).entries
        assert entries == number(asked, tops[NIGHT].epoch, 0)

    @pytest.mark.parametrize(
        "at",
        [
            AT,
            AT.replace(microsecond=0),
            AT.replace(microsecond=999_000),
            datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
            datetime(1999, 12, 31, 23, 59, 59, 1000, UTC),
        ],
    )
    async def test_a_time_keeps_its_milliseconds(self, log: Log, at: datetime) -> None:
        await log.append([Append(NIGHT, (event(at=at),))])
        (entry,) = (await log.read(NIGHT)).entries
        assert entry.event.at == at
        assert entry.event.at.utcoffset() == timedelta(0)

    async def test_every_type_of_event_is_kept(self, log: Log) -> None:
        kinds = [
            NewEvent("k", 1, "update", "1", AT, {}),
            NewEvent("k", 1, "story", "2", AT, {}),
            NewEvent("k", 1, "card", "3", AT, {}),
            NewEvent("k", 1, "item", "4", AT, {}),
            NewEvent("k", 1, "entry", "5", AT, {}),
        ]
        await log.append([Append(NIGHT, tuple(kinds))])
        read = [entry.event.type for entry in (await log.read(NIGHT)).entries]
        assert read == [each.type for each in kinds]

    # All or nothing

    async def test_a_wrong_expectation_raises_with_the_new_top(self, log: Log) -> None:
        await log.append([append(NIGHT, "a", "b")])
        for expected in (0, 1, 3):
            with pytest.raises(Conflict) as caught:
                await log.append([append(NIGHT, "c", expected=expected)])
            assert (caught.value.channel, caught.value.top) == (NIGHT, 2)
        assert keys(await log.read(NIGHT)) == ["a", "b"]
        await log.append([append(NIGHT, "c", expected=2)])
        assert keys(await log.read(NIGHT)) == ["a", "b", "c"]

    async def test_the_first_append_may_expect_nothing_there(self, log: Log) -> None:
        await log.append([append(NIGHT, "a", expected=0)])
        with pytest.raises(Conflict) as caught:
            await log.append([append(NIGHT, "b", expected=0)])
        assert caught.value.top == 1

    async def test_an_expectation_names_the_life_its_number_was_given_in(
        self, log: Log
    ) -> None:
        epoch = (await log.append([append(NIGHT, "a", "b")]))[NIGHT].epoch
        stale = replace(append(NIGHT, "c", expected=2), expected_epoch="zzzzzzzz")
        with pytest.raises(Conflict) as caught:
            await log.append([stale])
        assert (caught.value.channel, caught.value.top) == (NIGHT, 2)
        assert keys(await log.read(NIGHT)) == ["a", "b"]
        await log.append([replace(stale, expected_epoch=epoch)])
        first = replace(append(COAST, "x", expected=0), expected_epoch="")
        await log.append([first])
        assert keys(await log.read(NIGHT)) == ["a", "b", "c"]
        assert keys(await log.read(COAST)) == ["x"]

    async def test_an_append_says_what_it_survives(self, log: Log) -> None:
        stored = await log.append([append(NIGHT)])
        assert stored.durability == log.durability != ""

    async def test_an_open_log_proves_that_it_answers(self, log: Log) -> None:
        before = asyncio.get_running_loop().time()
        await log.append([append(NIGHT)])
        assert log.proven() >= before

    async def test_a_conflict_in_one_channel_leaves_the_others_unchanged(
        self, log: Log
    ) -> None:
        await log.append([append(NIGHT, "a"), append(COAST, "x")])
        before = [await log.read(channel) for channel in (NIGHT, COAST, "latest")]
        heard: list[Delivery] = []
        for channel in (NIGHT, COAST, "latest"):
            await log.listen(channel, heard.append)
        batch = [
            Append(NIGHT, (event("b"),), expected_seq=1, remove=(1,)),
            append("latest", "n"),
            append(COAST, "y", expected=0),
        ]
        with pytest.raises(Conflict):
            await log.append(batch)
        after = [await log.read(channel) for channel in (NIGHT, COAST, "latest")]
        assert after == before
        assert heard == []

    async def test_what_is_removed_leaves_a_hole_and_the_top_stands(
        self, log: Log
    ) -> None:
        await log.append([append(NIGHT, "a", "b", "c"), append(COAST, "x", "y")])
        new = event("a", 2, data=None)
        tops = await log.append(
            [
                Append(NIGHT, (new,), remove=(1, 3)),
                Append(COAST, (event("z"),), remove=(1,)),
            ]
        )
        assert numbers(await log.read(NIGHT)) == [2, 4]
        assert numbers(await log.read(COAST)) == [2, 3]
        assert tops[NIGHT].seq == 4
        assert judge(
            Position(tops[NIGHT].epoch, 3), (await log.read(NIGHT)).extent
        ) is (None)

    async def test_removing_what_is_not_there_is_nothing(self, log: Log) -> None:
        await log.append([append(NIGHT, "a", "b")])
        for _ in range(2):
            await log.append([Append(NIGHT, (event("c"),), remove=(1, 99))])
        assert numbers(await log.read(NIGHT)) == [2, 3, 4]

    async def test_the_newest_entry_can_be_removed_and_its_number_not_given_again(
        self, log: Log
    ) -> None:
        await log.append([append(NIGHT, "a", "b")])
        await log.append([Append(NIGHT, (event("b", 2),), remove=(2,))])
        assert numbers(await log.read(NIGHT)) == [1, 3]

    async def test_a_removal_stays_removed(self, open_log: OpenLog) -> None:
        async with open_log(BOUND) as log:
            await log.append([append(NIGHT, "a", "b")])
            await log.append([Append(NIGHT, (event("a", 2),), remove=(1,))])
        async with open_log(BOUND) as log:
            history = await log.read(NIGHT)
        assert numbers(history) == [2, 3]
        assert history.extent.top == 3

    # Floors

    @pytest.mark.parametrize("channel", ["latest", "breaking", "section/economy"])
    async def test_a_bounded_channel_forgets_its_oldest_numbers(
        self, log: Log, channel: str
    ) -> None:
        for seq in range(1, 4 * BOUND):
            await log.append([append(channel, f"k{seq}")])
            history = await log.read(channel)
            floor = max(0, seq - BOUND)
            assert history.extent.floor == floor
            assert numbers(history) == list(range(floor + 1, seq + 1))
        assert numbers(await log.read(channel, after=1)) == numbers(history)

    async def test_one_batch_may_be_longer_than_the_bound(self, log: Log) -> None:
        heard: list[Delivery] = []
        await log.listen("latest", heard.append)
        many = [f"k{n}" for n in range(3 * BOUND)]
        await log.append([append("latest", *many)])
        history = await log.read("latest")
        assert keys(history) == many[-BOUND:]
        assert heard[0].extent == history.extent
        assert set(keys(history)) <= set(keys(heard[0]))

    async def test_a_story_forgets_nothing(self, log: Log) -> None:
        for channel in (NIGHT, "stories", "newsroom", "newsroom/night"):
            await log.append([append(channel, *"abcdefghijkl")])
            history = await log.read(channel)
            assert history.extent.floor == 0
            assert len(history.entries) == 12

    async def test_a_floor_survives(self, open_log: OpenLog) -> None:
        async with open_log(BOUND) as log:
            await log.append([append("latest", *"abcdefgh")])
            before = await log.read("latest")
        async with open_log(BOUND) as log:
            assert await log.read("latest") == before
        assert before.extent.floor == 3

    # Epochs

    async def test_a_position_stays_good_when_the_log_is_opened_again(
        self, open_log: OpenLog
    ) -> None:
        held: list[Position] = []
        for life in range(4):
            async with open_log(BOUND) as log:
                for expected in (2 * life, 2 * life + 1):
                    tops = await log.append([append(NIGHT, expected=expected)])
                    held.append(tops[NIGHT])
                extent = (await log.read(NIGHT)).extent
                assert [judge(position, extent) for position in held] == [None] * len(
                    held
                )
        assert [position.seq for position in held] == list(range(1, 9))
        async with open_log(BOUND) as log:
            history = await log.read(NIGHT)
            positions = [Position(e.event.epoch, e.event.seq) for e in history.entries]
            assert positions == held
            assert [history.extent.position(seq) for seq in range(1, 9)] == held

    async def test_what_no_append_gave_is_not_a_good_position(
        self, open_log: OpenLog
    ) -> None:
        async with open_log(BOUND) as log:
            first = (await log.append([append(NIGHT, "a", "b")]))[NIGHT]
        async with open_log(BOUND) as log:
            last = (await log.append([append(NIGHT, "c")]))[NIGHT]
            extent = (await log.read(NIGHT)).extent
        if first.epoch != last.epoch:
            assert judge(Position(first.epoch, 3), extent) == "epoch"
        assert judge(Position(last.epoch, 4), extent) == "ahead"
        assert judge(Position("zzzzzzzz", 1), extent) == "epoch"

    async def test_reading_alone_starts_no_epoch(self, open_log: OpenLog) -> None:
        async with open_log(BOUND) as log:
            await log.append([append(NIGHT, "a")])
            before = (await log.read(NIGHT)).extent
        for _ in range(3):
            async with open_log(BOUND) as log:
                assert (await log.read(NIGHT)).extent == before

    async def test_one_life_is_one_epoch(self, log: Log) -> None:
        for _ in range(3):
            await log.append([append(NIGHT)])
        extent = (await log.read(NIGHT)).extent
        assert len(extent.epochs) == 1
        assert extent.epochs[0].first == 1

    async def test_no_two_channels_share_an_epoch_name(self, open_log: OpenLog) -> None:
        channels = [NIGHT, COAST, "latest", "stories", "newsroom"]
        for _ in range(3):
            async with open_log(BOUND) as log:
                await log.append([append(channel) for channel in channels])
        async with open_log(BOUND) as log:
            names = [
                epoch.name
                for channel in channels
                for epoch in (await log.read(channel)).extent.epochs
            ]
        assert len(names) == len(set(names))

    async def test_what_was_appended_is_there_when_the_log_is_opened_again(
        self, open_log: OpenLog
    ) -> None:
        async with open_log(BOUND) as log:
            await log.append([append(NIGHT, "a", "b"), append("latest", "a")])
            before = [await log.read(channel) for channel in (NIGHT, "latest")]
        async with open_log(BOUND) as log:
            after = [await log.read(channel) for channel in (NIGHT, "latest")]
        assert after == before

    # Listening

    async def test_a_listener_hears_before_the_append_returns(self, log: Log) -> None:
        heard: list[Delivery] = []
        await log.listen(NIGHT, heard.append)
        for seq in range(1, 4):
            tops = await log.append([append(NIGHT, f"k{seq}")])
            assert len(heard) == seq
            assert heard[-1].channel == NIGHT
            assert heard[-1].extent.end == tops[NIGHT]
            assert numbers(heard[-1]) == [seq]

    async def test_listeners_hear_what_a_reader_reads(self, log: Log) -> None:
        heard: list[Delivery] = []
        await log.listen(NIGHT, heard.append)
        await asyncio.gather(*(log.append([append(NIGHT, f"k{n}")]) for n in range(40)))
        history = await log.read(NIGHT)
        assert tuple(e for each in heard for e in each.entries) == history.entries
        assert heard[-1].extent == history.extent

    async def test_listeners_hear_every_channel_of_a_batch(self, log: Log) -> None:
        heard: list[tuple[str, list[str]]] = []
        for channel in (NIGHT, COAST, "latest"):
            await log.listen(
                channel, lambda each: heard.append((each.channel, keys(each)))
            )
        await log.append(
            [append(NIGHT, "a", "b"), append(COAST, "x"), append("stories")]
        )
        assert sorted(heard) == [(COAST, ["x"]), (NIGHT, ["a", "b"])]

    async def test_a_listener_hears_each_append_once_until_it_stops(
        self, log: Log
    ) -> None:
        heard: list[str] = []
        also: list[str] = []
        stop = await log.listen(NIGHT, lambda each: heard.extend(keys(each)))
        await log.listen(NIGHT, lambda each: also.extend(keys(each)))
        await log.append([append(NIGHT, "a")])
        stop()
        stop()
        await log.append([append(NIGHT, "b")])
        assert heard == ["a"]
        assert also == ["a", "b"]

    async def test_a_listener_may_stop_while_it_hears(self, log: Log) -> None:
        heard: list[str] = []

        def once(delivery: Delivery) -> None:
            heard.extend(keys(delivery))
            stop()

        stop = await log.listen(NIGHT, once)
        await log.listen(NIGHT, lambda each: heard.extend(keys(each)))
        await log.append([append(NIGHT, "a")])
        await log.append([append(NIGHT, "b")])
        assert heard == ["a", "a", "b"]

    async def test_a_failing_listener_disturbs_nobody(self, log: Log) -> None:
        heard: list[str] = []

        def fail(delivery: Delivery) -> None:
            raise RuntimeError("a listener's own fault")

        await log.listen(NIGHT, fail)
        await log.listen(NIGHT, lambda each: heard.extend(keys(each)))
        await log.append([append(NIGHT, "a")])
        await log.append([append(NIGHT, "b")])
        assert heard == ["a", "b"]

    async def test_listen_then_read_leaves_no_window(self, log: Log) -> None:
        writing = asyncio.gather(
            *(log.append([append(NIGHT, f"k{n}")]) for n in range(60))
        )
        heard: list[int] = []
        await log.listen(NIGHT, lambda each: heard.extend(numbers(each)))
        read = numbers(await log.read(NIGHT))
        await writing
        assert sorted({*read, *heard}) == list(range(1, 61))
        assert heard == sorted(set(heard))

    # Many at once

    async def test_of_fifty_who_expect_the_same_number_one_wins(self, log: Log) -> None:
        answers = await asyncio.gather(
            *(log.append([append(NIGHT, f"k{n}", expected=0)]) for n in range(50)),
            return_exceptions=True,
        )
        won = [each for each in answers if isinstance(each, dict)]
        lost = [each for each in answers if isinstance(each, Conflict)]
        assert (len(won), len(lost)) == (1, 49)
        assert {each.top for each in lost} == {1}
        assert numbers(await log.read(NIGHT)) == [1]

    async def test_racing_appends_get_dense_numbers_in_the_order_of_acks(
        self, log: Log
    ) -> None:
        async def publish(name: str) -> list[int]:
            given = []
            for n in range(10):
                tops = await log.append([append(NIGHT, f"{name}/{n}"), append(COAST)])
                given.append(tops[NIGHT].seq)
            return given

        given = await asyncio.gather(*(publish(f"w{n}") for n in range(32)))
        history = await log.read(NIGHT)
        assert numbers(history) == list(range(1, 321))
        assert sorted(seq for each in given for seq in each) == numbers(history)
        for name, seqs in enumerate(given):
            assert seqs == sorted(seqs)
            own = [history.entries[seq - 1].event.key for seq in seqs]
            assert own == [f"w{name}/{n}" for n in range(10)]

    async def test_losers_who_read_and_try_again_all_get_through(
        self, log: Log
    ) -> None:
        async def publish(key: str) -> None:
            top = 0
            while True:
                try:
                    await log.append([append(NIGHT, key, expected=top)])
                    return
                except Conflict as conflict:
                    top = conflict.top

        names = [f"k{n}" for n in range(20)]
        await asyncio.gather(*(publish(name) for name in names))
        history = await log.read(NIGHT)
        assert numbers(history) == list(range(1, 21))
        assert sorted(keys(history)) == sorted(names)

    async def test_a_reader_among_writers_sees_a_prefix(self, log: Log) -> None:
        writing = asyncio.gather(
            *(
                log.append([append(NIGHT, f"{n}/a", f"{n}/b"), append(COAST, f"{n}")])
                for n in range(60)
            )
        )
        seen: list[History] = []
        while not writing.done():
            seen.append(await log.read(NIGHT))
        await writing
        final = await log.read(NIGHT)
        for history in [*seen, final]:
            assert numbers(history) == list(range(1, history.extent.top + 1))
            assert history.extent.top % 2 == 0, "half a batch was seen"
            assert history.entries == final.entries[: history.extent.top]
        tops = [history.extent.top for history in seen]
        assert tops == sorted(tops)
