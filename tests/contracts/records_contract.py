"""What every keeper of records keeps to: the last word belongs to who saw the last.

A suite to inherit. `open_records` opens the same store anew each time it is called.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from channels.records import Record, Records, Value

OpenRecords = Callable[[], AbstractAsyncContextManager[Records]]


def names(records: tuple[Record, ...]) -> list[str]:
    return [record.name for record in records]


class RecordsContract:
    """The tests; a subclass overrides `open_records`."""

    @pytest.fixture
    def open_records(self) -> OpenRecords:
        raise NotImplementedError

    @pytest.fixture
    async def records(self, open_records: OpenRecords) -> AsyncIterator[Records]:
        async with open_records() as opened:
            yield opened

    async def test_what_was_not_put_is_none(self, records: Records) -> None:
        assert await records.get("token/1") is None

    async def test_what_was_put_is_got(self, records: Records) -> None:
        kept = await records.put("token/1", {"name": "ines"}, seen=0)
        assert kept == Record("token/1", 1, {"name": "ines"})
        assert await records.get("token/1") == kept

    @pytest.mark.parametrize(
        "value",
        [
            {},
            {"text": "東京 🗳 a\u2028b\x00c", "none": None, "no": False},
            {"most": 2**63 - 1, "least": -(2**63), "list": [1, [2.5, {}]]},
            {"long": "word " * 40_000},
        ],
    )
    async def test_a_value_comes_back_unchanged(
        self, records: Records, value: Value
    ) -> None:
        await records.put("k/1", value, seen=0)
        record = await records.get("k/1")
        assert record is not None
        assert record.value == value

    async def test_versions_count_up(self, records: Records) -> None:
        for seen in range(4):
            record = await records.put("k/1", {"n": seen}, seen=seen)
            assert record == Record("k/1", seen + 1, {"n": seen})
        assert await records.get("k/1") == Record("k/1", 4, {"n": 3})

    async def test_nobody_creates_what_is_there(self, records: Records) -> None:
        first = await records.put("k/1", {"who": "first"}, seen=0)
        assert await records.put("k/1", {"who": "second"}, seen=0) is None
        assert await records.get("k/1") == first

    @pytest.mark.parametrize("seen", [1, 3, 99])
    async def test_nobody_changes_what_they_have_not_seen(
        self, records: Records, seen: int
    ) -> None:
        await records.put("k/1", {"n": 1}, seen=0)
        kept = await records.put("k/1", {"n": 2}, seen=1)
        assert await records.put("k/1", {"n": 3}, seen=seen) is None
        assert await records.get("k/1") == kept

    async def test_a_change_of_what_is_not_there_keeps_nothing(
        self, records: Records
    ) -> None:
        assert await records.put("k/1", {"n": 1}, seen=1) is None
        assert await records.get("k/1") is None

    async def test_of_fifty_who_saw_the_same_one_wins(self, records: Records) -> None:
        for seen in range(3):
            answers = await asyncio.gather(
                *(records.put("k/1", {"n": n}, seen=seen) for n in range(50))
            )
            (won,) = [answer for answer in answers if answer is not None]
            assert await records.get("k/1") == won
            assert won.version == seen + 1

    async def test_counting_together_loses_nothing(self, records: Records) -> None:
        async def count() -> None:
            for _ in range(5):
                while True:
                    record = await records.get("counter/1")
                    before = int(str(record.value["n"])) if record else 0
                    seen = record.version if record else 0
                    if await records.put("counter/1", {"n": before + 1}, seen=seen):
                        break

        await asyncio.gather(*(count() for _ in range(8)))
        assert await records.get("counter/1") == Record("counter/1", 40, {"n": 40})

    async def test_a_deleted_record_is_gone(self, records: Records) -> None:
        await records.put("k/1", {}, seen=0)
        await records.put("k/2", {}, seen=0)
        await records.delete("k/1")
        await records.delete("k/1")
        assert await records.get("k/1") is None
        assert names(await records.scan("k/")) == ["k/2"]
        assert await records.put("k/1", {"again": True}, seen=0) is not None

    async def test_a_scan_gives_what_begins_so_by_name(self, records: Records) -> None:
        for name in ("token/b", "token/a", "tokens/c", "upload/a", "Token/a"):
            await records.put(name, {"name": name}, seen=0)
        found = await records.scan("token/")
        assert names(found) == ["token/a", "token/b"]
        assert [record.value["name"] for record in found] == names(found)
        assert names(await records.scan("token")) == ["token/a", "token/b", "tokens/c"]
        assert await records.scan("nothing/") == ()
        assert len(await records.scan("")) == 5

    @pytest.mark.parametrize(
        "prefix",
        [
            "k/%",
            "k/_",
            "k/*",
            "k/?",
            "k/[a]",
            "k/\\",
            "k/'",
            'k/"',
            "k/é",
            "k/🗳",
            "k/ ",
        ],
    )
    async def test_no_character_of_a_prefix_is_special(
        self, records: Records, prefix: str
    ) -> None:
        for name in (
            "k/",
            "k/x",
            "k/a",
            "k/e\u0301",
            "k/\U0001f5f4",
            prefix + "1",
            prefix,
        ):
            await records.put(name, {}, seen=0)
        assert names(await records.scan(prefix)) == [prefix, prefix + "1"]

    async def test_a_long_name_is_a_name(self, records: Records) -> None:
        name = "request/" + "é" * 192
        await records.put(name, {"n": 1}, seen=0)
        assert await records.get(name) == Record(name, 1, {"n": 1})

    async def test_what_was_kept_is_there_when_opened_again(
        self, open_records: OpenRecords
    ) -> None:
        async with open_records() as records:
            await records.put("k/1", {"n": 1}, seen=0)
            await records.put("k/1", {"n": 2}, seen=1)
            await records.put("k/2", {"n": 1}, seen=0)
            await records.delete("k/2")
        async with open_records() as records:
            assert await records.scan("k/") == (Record("k/1", 2, {"n": 2}),)
            assert await records.put("k/1", {"n": 3}, seen=1) is None
            assert await records.put("k/1", {"n": 3}, seen=2) is not None
