"""publishers/desk.py: fold, decide, append; after a conflict, again."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from channels.errors import KeyReused, LogUnavailable, NotFound, StorageFull
from channels.events import Append, NewEvent
from channels.log import Deliver, History, Log, Stop, Stored
from channels.sqlite.file import SqliteFile
from channels.sqlite.log import SqliteLog
from publishers import stories, updates
from publishers.batches import Decision
from publishers.desk import Decide, Desk, Outcome
from publishers.fold import Action, Fold
from publishers.requests import Revision, StoryBody, UpdateBody
from tests.publishers.samples import (
    NOW,
    RULES,
    TERMS,
    Ledger,
    action,
    new_story,
    new_update,
    state_of,
    withdrawal,
)


@asynccontextmanager
async def opened_log(folder: Path) -> AsyncIterator[SqliteLog]:
    names = iter(f"epoch{n:03}" for n in range(1000))
    file = SqliteFile(folder / "log.db")
    await file.open()
    try:
        yield SqliteLog(file, token=lambda: next(names), bound=2000)
    finally:
        await file.close()


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[SqliteLog]:
    async with opened_log(tmp_path) as opened:
        yield opened


def desk_of(log: Log) -> Desk:
    return Desk(log, sections=RULES.sections)


async def open_story(desk: Desk, slug: str = "night") -> Outcome:
    by = action(f"open {slug}", status=201)

    async def decide(fold: Fold) -> Decision:
        return stories.open_story(fold, new_story(), None, (), by, TERMS)

    return await desk.write(slug, by, decide)


def publishing(by: Action, **members: object) -> Decide:
    async def decide(fold: Fold) -> Decision:
        return updates.publish(fold, new_update(**members), (), by, TERMS)

    return decide


async def publish(
    desk: Desk, name: str, *, slug: str = "night", content: str = "x", **members: object
) -> Outcome:
    by = action(name, status=201, content=content)
    return await desk.write(slug, by, publishing(by, **members))


async def withdraw(desk: Desk, id_: str, name: str, *, purge: bool) -> Outcome:
    by = action(name)

    async def decide(fold: Fold) -> Decision:
        return updates.withdraw(fold, id_, withdrawal(purge=purge), by, TERMS)

    return await desk.write("night", by, decide)


async def correct(desk: Desk, id_: str, name: str, **members: object) -> Outcome:
    by = action(name)

    async def decide(fold: Fold) -> Decision:
        current = updates.open_update(fold, id_)
        given = updates.editable(current, by.at) | members
        body = UpdateBody.model_validate(given)
        revision = Revision(purge=True)
        return updates.change(fold, id_, body, (), revision, by, TERMS)

    return await desk.write("night", by, decide)


async def never(fold: Fold) -> Decision:
    raise AssertionError("this request was carried out before")


async def tops(log: Log) -> dict[str, int]:
    names = ("story/night", "newsroom", "stories", "latest", "section/politics")
    return {name: (await log.read(name)).extent.top for name in names}


async def test_what_the_desk_acknowledges_is_in_the_log(log: SqliteLog) -> None:
    desk = desk_of(log)
    story = await open_story(desk)
    update = await publish(desk, "one", headline="One")
    history = await log.read("story/night")
    assert [e.event.seq for e in history.entries] == [1, 2]
    assert history.extent.end == update.position
    assert (story.status, story.key) == (201, "story")
    assert set(story.tops) >= {"story/night", "newsroom"}
    assert update.thing == history.entries[1].event.data
    assert not update.replayed


async def test_a_repeated_request_has_its_first_answer(log: SqliteLog) -> None:
    desk = desk_of(log)
    await open_story(desk)
    first = await publish(desk, "one", headline="One")
    await publish(desk, "two")
    before = await tops(log)
    for asked in (desk, desk_of(log)):  # this process, and one that starts now
        again = await asked.write("night", action("one", content="x"), never)
        assert again.replayed
        assert (again.key, again.status) == (first.key, 201)
        assert again.position == first.position
        assert again.thing == first.thing
    assert await tops(log) == before


async def test_a_repeated_request_shows_the_thing_as_it_is_now(
    log: SqliteLog,
) -> None:
    desk = desk_of(log)
    await open_story(desk)
    first = await publish(desk, "one", headline="Secret")
    id_ = first.key.removeprefix("update/")
    await withdraw(desk, id_, "gone", purge=True)
    for asked in (desk, desk_of(log)):
        again = await asked.write("night", action("one", content="x"), never)
        assert again.thing["status"] == "withdrawn"
        assert (again.status, again.position) == (201, first.position)


async def test_a_request_is_known_after_two_purges(log: SqliteLog) -> None:
    desk = desk_of(log)
    await open_story(desk)
    first = await publish(desk, "one", headline="One")
    id_ = first.key.removeprefix("update/")
    second = await correct(desk, id_, "second", headline="Two")
    await withdraw(desk, id_, "gone", purge=True)
    for asked in (desk, desk_of(log)):
        again = await asked.write("night", action("one", content="x"), never)
        assert again.position == first.position
        again = await asked.write("night", action("second"), never)
        assert again.position == second.position


async def test_a_request_repeated_with_other_content_is_refused(
    log: SqliteLog,
) -> None:
    desk = desk_of(log)
    await open_story(desk)
    await publish(desk, "one")
    before = await tops(log)
    with pytest.raises(KeyReused):
        await desk.write("night", action("one", content="other"), never)
    assert await tops(log) == before


async def test_requests_are_known_after_the_service_was_restarted(
    tmp_path: Path,
) -> None:
    async with opened_log(tmp_path) as log:
        await open_story(desk_of(log))
        first = await publish(desk_of(log), "one")
    async with opened_log(tmp_path) as log:
        desk = desk_of(log)
        again = await desk.write("night", action("one", content="x"), never)
        assert again.position == first.position
        later = await publish(desk, "two")
        assert later.position.seq == first.position.seq + 1


async def test_two_desks_on_one_log_lose_nothing_to_each_other(
    log: SqliteLog,
) -> None:
    desks = (desk_of(log), desk_of(log))
    await open_story(desks[0])
    outcomes = await asyncio.gather(
        *(
            publish(desk, f"{who} {n}", headline=f"{who} {n}", pinned=True)
            for n in range(16)
            for who, desk in enumerate(desks)
        )
    )
    history = await log.read("story/night")
    assert [e.event.seq for e in history.entries] == [*range(1, history.extent.top + 1)]
    fold = await desk_of(log).read("night")
    assert {o.key.removeprefix("update/") for o in outcomes} == fold.updates.keys()
    assert len({str(u["headline"]) for u in fold.updates.values()}) == 32
    assert sum(u["pinned"] is True for u in fold.updates.values()) == 1
    assert len({str(u["published"]) for u in fold.updates.values()}) == 32
    latest = state_of((await log.read("latest")).entries)
    assert {k for k in latest if k.startswith("update/")} == {o.key for o in outcomes}
    assert await desks[0].read("night") == await desks[1].read("night") == fold


async def test_two_desks_with_one_request_carry_it_out_once(log: SqliteLog) -> None:
    desks = (desk_of(log), desk_of(log))
    await open_story(desks[0])
    outcomes = await asyncio.gather(
        *(publish(desk, "one", body="Once.") for desk in desks * 5)
    )
    assert len({outcome.key for outcome in outcomes}) == 1
    assert sum(not outcome.replayed for outcome in outcomes) == 1
    assert (await log.read("story/night")).extent.top == 2


async def test_nothing_changed_is_nothing_written(log: SqliteLog) -> None:
    desk = desk_of(log)
    await open_story(desk)
    first = await publish(desk, "one")
    id_ = first.key.removeprefix("update/")
    gone = await withdraw(desk, id_, "gone", purge=False)
    before = await tops(log)
    again = await withdraw(desk, id_, "again", purge=False)
    assert not again.tops
    assert (again.status, again.position) == (200, gone.position)
    assert await tops(log) == before


async def test_a_refusal_leaves_nothing_behind(log: SqliteLog) -> None:
    desk = desk_of(log)
    for n in range(3):
        with pytest.raises(NotFound):
            await publish(desk, "one", slug=f"nobody-{n}")
    await open_story(desk)
    assert list(desk._seats) == ["night"]
    assert (await log.read("story/nobody-1")).extent.top == 0


async def test_the_desk_keeps_only_so_many_folds(
    log: SqliteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publishers.desk._SEATS", 2)
    desk = desk_of(log)
    for slug in ("a", "b", "c"):
        await open_story(desk, slug)
    assert list(desk._seats) == ["b", "c"]
    assert (await publish(desk, "one", slug="a")).position.seq == 2


class Unsure:
    """A log whose next append goes wrong, before or after it is stored."""

    durability = "fsync"

    def __init__(self, log: Log, *, stored: bool, error: Exception) -> None:
        self._log = log
        self._stored = stored
        self.error: Exception | None = error

    async def append(self, batch: Sequence[Append]) -> Stored:
        error, self.error = self.error, None
        if error is None or self._stored:
            stored = await self._log.append(batch)
        if error is not None:
            raise error
        return stored

    async def read(self, channel: str, after: int = 0) -> History:
        return await self._log.read(channel, after)

    def proven(self) -> float:
        return asyncio.get_running_loop().time()

    async def listen(self, channel: str, deliver: Deliver) -> Stop:
        return await self._log.listen(channel, deliver)


@pytest.mark.parametrize("stored", [True, False])
async def test_a_request_of_unknown_outcome_is_carried_out_once(
    log: SqliteLog, stored: bool
) -> None:
    await open_story(desk_of(log))
    unsure = Unsure(log, stored=stored, error=LogUnavailable())
    desk = desk_of(unsure)
    with pytest.raises(LogUnavailable):
        await publish(desk, "one", headline="One")
    again = await publish(desk, "one", headline="One")
    assert again.replayed is stored
    assert again.position.seq == 2
    assert (await publish(desk, "two")).position.seq == 3
    assert len((await desk.read("night")).updates) == 2


async def test_a_full_disk_is_said_and_later_forgotten(log: SqliteLog) -> None:
    await open_story(desk_of(log))
    desk = desk_of(Unsure(log, stored=False, error=StorageFull()))
    with pytest.raises(StorageFull):
        await publish(desk, "one")
    assert not (await publish(desk, "one")).replayed


class Crowded(Ledger):
    """A log on which somebody else is always first."""

    async def append(self, batch: Sequence[Append]) -> Stored:
        number = self.tops.get("story/night", 0) + 1
        event = NewEvent("card/seats", number, "card", str(number), NOW, {})
        await super().append([Append("story/night", (event,))])
        return await super().append(batch)


async def test_a_desk_that_never_wins_gives_up_aloud() -> None:
    ledger = Crowded()
    with pytest.raises(LogUnavailable, match="faster"):
        await open_story(desk_of(ledger))
    assert ledger.channels.keys() == {"story/night"}


async def test_a_log_that_lost_its_tail_is_folded_anew() -> None:
    ledger = Ledger()
    desk = desk_of(ledger)
    await open_story(desk)
    await publish(desk, "one")
    ledger.channels["story/night"].pop()
    ledger.tops["story/night"] = 1
    fold = await desk.read("night")
    assert (fold.seq, fold.updates) == (1, {})
    assert (await publish(desk, "one")).position.seq == 2


async def test_a_purge_removes_the_text_from_every_channel(log: SqliteLog) -> None:
    desk = desk_of(log)
    await open_story(desk)
    first = await publish(desk, "one", headline="Secret", breaking=True)
    other = await publish(desk, "two", headline="Other")
    id_ = first.key.removeprefix("update/")
    await correct(desk, id_, "calm", headline="Secret too", breaking=False)
    await withdraw(desk, id_, "gone", purge=True)
    for name in ("story/night", "newsroom", "stories", "latest", "breaking"):
        entries = (await log.read(name)).entries
        assert "Secret" not in str(entries), name
    latest = state_of((await log.read("latest")).entries)
    assert latest.keys() == {"story/night", other.key}


# Two workers, one log


async def test_a_desk_knows_what_another_has_just_published(log: SqliteLog) -> None:
    ours, theirs = desk_of(log), desk_of(log)
    await open_story(ours)
    await publish(ours, "one")
    two = await publish(theirs, "two", headline="Two")
    id_ = two.key.removeprefix("update/")
    corrected = await correct(ours, id_, "mend", headline="Two, corrected")
    assert (corrected.status, corrected.thing["version"]) == (200, 2)


async def test_a_refusal_is_by_the_story_as_it_is_now(log: SqliteLog) -> None:
    ours, theirs = desk_of(log), desk_of(log)
    await open_story(ours)
    await set_status(ours, "ended", "end")
    await set_status(theirs, "live", "reopen")
    assert (await publish(ours, "late")).status == 201


async def test_what_changes_nothing_here_may_change_what_another_wrote(
    log: SqliteLog,
) -> None:
    ours, theirs = desk_of(log), desk_of(log)
    await open_story(ours)
    await set_status(theirs, "ended", "end")
    again = await set_status(ours, "live", "keep it live")
    assert again.tops
    assert again.thing["status"] == "live"


async def test_a_replay_tells_the_thing_as_another_has_left_it(log: SqliteLog) -> None:
    ours, theirs = desk_of(log), desk_of(log)
    await open_story(ours)
    one = await publish(ours, "one", headline="One")
    await correct(theirs, one.key.removeprefix("update/"), "mend", headline="Mended")
    again = await publish(ours, "one", headline="One")
    assert again.replayed
    assert again.thing["headline"] == "Mended"


async def set_status(desk: Desk, status: str, name: str) -> Outcome:
    by = action(name)

    async def decide(fold: Fold) -> Decision:
        given = stories.editable(fold.story or {}) | {"status": status}
        body = StoryBody.model_validate(given)
        return stories.change_story(fold, body, None, Revision(), by, TERMS)

    return await desk.write("night", by, decide)
