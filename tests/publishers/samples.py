"""A desk's terms, editors' actions and a log in memory, for tests of the pure core."""

from collections.abc import Coroutine, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, uuid5

from channels.errors import Conflict
from channels.events import Append, Data, Entry, number
from channels.log import Deliver, History, Stop, Stored
from channels.positions import Epoch, Extent, Position
from publishers import stories, updates
from publishers.batches import Decision, batch
from publishers.fold import Action, Fold
from publishers.requests import (
    NewStory,
    Revision,
    Rules,
    StoryBody,
    UpdateBody,
    Withdrawal,
)
from publishers.updates import Terms

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
TERMS = Terms("https://news.example", timedelta(minutes=45))
RULES = Rules(("politics", "world"), frozenset({"UTC", "Europe/Vienna"}))
EPOCH = "epoch001"

T = TypeVar("T")


def request_id(name: str) -> str:
    """A UUID for a request that tests call by a name."""
    return str(uuid5(NAMESPACE_URL, name))


def action(
    name: str = "open",
    *,
    at: datetime = NOW,
    status: int = 200,
    note: str | None = None,
    content: str = "content",
) -> Action:
    """One request of Ines, known by its name."""
    return Action("ines", at, request_id(name), content, status, note)


def new_story(**members: object) -> NewStory:
    """The body that opens a story, live in politics unless told otherwise."""
    given = {"headline": "A night", "section": "politics", "status": "live"}
    return NewStory.model_validate(given | members)


def new_update(**members: object) -> UpdateBody:
    """The body of an update, a text unless told otherwise."""
    return UpdateBody.model_validate({"body": "Polls close."} | members)


def withdrawal(*, purge: bool = False) -> Withdrawal:
    """The body of a withdrawal."""
    return Withdrawal(reason="Not so.", purge=purge)


def carry(fold: Fold, decision: Decision, by: Action) -> list[Append]:
    """Carry a decision out on the fold alone; its batch."""
    appends = batch(fold, decision, by, {})
    if decision.changes:
        fold.take(number(appends[0], EPOCH, fold.seq))
    return appends


def opened(slug: str = "night", **members: object) -> Fold:
    """The fold of a story that was just opened."""
    fold, by = Fold(slug), action(f"open {slug}", status=201)
    decision = stories.open_story(fold, new_story(**members), None, (), by, TERMS)
    carry(fold, decision, by)
    return fold


def told(fold: Fold) -> Data:
    """What a story says now."""
    assert fold.story is not None
    return fold.story


def published(
    fold: Fold, name: str = "one", *, at: datetime = NOW, **members: object
) -> str:
    """Publish an update; its id."""
    by = action(name, at=at, status=201)
    decision = updates.publish(fold, new_update(**members), (), by, TERMS)
    carry(fold, decision, by)
    return decision.key.removeprefix("update/")


def changed(
    fold: Fold,
    id_: str,
    name: str = "edit",
    *,
    at: datetime = NOW,
    revision: Revision | None = None,
    **members: object,
) -> list[Append]:
    """Give an update a new version; the batch."""
    given = updates.editable(fold.updates[id_], at) | members
    by, body = action(name, at=at), UpdateBody.model_validate(given)
    said = revision or Revision()
    decision = updates.change(fold, id_, body, (), said, by, TERMS)
    return carry(fold, decision, by)


def withdrawn(fold: Fold, id_: str, name: str = "withdraw") -> list[Append]:
    """Withdraw an update; the batch."""
    by = action(name)
    return carry(fold, updates.withdraw(fold, id_, withdrawal(), by, TERMS), by)


def story_changed(
    fold: Fold,
    name: str = "change",
    *,
    at: datetime = NOW,
    revision: Revision | None = None,
    **members: object,
) -> list[Append]:
    """Give the story a new version; the batch."""
    given = stories.editable(fold.story or {}) | members
    by = action(name, at=at)
    body = StoryBody.model_validate(given)
    said = revision or Revision()
    decision = stories.change_story(fold, body, None, said, by, TERMS)
    return carry(fold, decision, by)


def story_withdrawn(
    fold: Fold, name: str = "withdraw story", *, purge: bool = False
) -> list[Append]:
    """Withdraw the story; the batch."""
    by = action(name)
    decision = stories.withdraw_story(fold, withdrawal(purge=purge), by, TERMS)
    return carry(fold, decision, by)


def said(appends: Iterable[Append]) -> dict[str, dict[str, Data | None]]:
    """What a batch says, by channel and key."""
    return {
        append.channel: {event.key: event.data for event in append.events}
        for append in appends
    }


def state_of(entries: Iterable[Entry]) -> dict[str, Data]:
    """The fold of a channel as a reader makes it: newest data by key, no tombstones."""
    newest = {entry.event.key: entry.event.data for entry in entries}
    return {key: data for key, data in newest.items() if data is not None}


def drive(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never has to wait."""
    try:
        work.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("it waited")


class Ledger:
    """The log contract on a dictionary: no listener, no loop, no disk."""

    durability = "none"

    def __init__(self) -> None:
        self.channels: dict[str, list[Entry]] = {}
        self.tops: dict[str, int] = {}

    async def append(self, batch: Sequence[Append]) -> Stored:
        for each in batch:
            top = self.tops.get(each.channel, 0)
            if each.expected_seq not in (None, top):
                raise Conflict(each.channel, top)
        tops = {each.channel: self._append(each) for each in batch}
        return Stored(tops, self.durability)

    def _append(self, append: Append) -> Position:
        top = self.tops.get(append.channel, 0)
        kept = [
            entry
            for entry in self.channels.get(append.channel, [])
            if entry.event.seq not in append.remove
        ]
        self.channels[append.channel] = [*kept, *number(append, EPOCH, top)]
        self.tops[append.channel] = top + len(append.events)
        return Position(EPOCH, self.tops[append.channel])

    async def read(self, channel: str, after: int = 0) -> History:
        entries = self.channels.get(channel, [])
        top = self.tops.get(channel, 0)
        extent = Extent((Epoch(EPOCH, 1),), top) if top else Extent()
        return History(extent, tuple(e for e in entries if e.event.seq > after))

    def proven(self) -> float:
        return 0.0

    async def listen(self, channel: str, deliver: Deliver) -> Stop:
        raise NotImplementedError
