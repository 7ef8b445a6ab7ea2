"""One publish is one batch: what goes to which channel, in one step.

The story's own events; its entry in `newsroom`; and, while the story is public, its
entry in `stories` and the items derived from it on its section, `latest` and
`breaking`. What must no longer be seen there is said with a tombstone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast
from uuid import UUID, uuid5

from channels.events import (
    NEWSROOM,
    Append,
    Data,
    EventType,
    NewEvent,
)
from publishers.after import After, index_item, story_item
from publishers.fold import STORY, Action, Fold, has_lapsed

INDEXES = (NEWSROOM, "stories")
"""Derived channels with one key per story, told anew at every publish."""


@dataclass(frozen=True, slots=True)
class Change:
    """One new version of a key of the story. `data` None is a tombstone."""

    key: str
    data: Data | None
    removed: tuple[Mapping[str, object], ...] = ()  # the versions a purge removes


@dataclass(frozen=True, slots=True)
class Decision:
    """What a request comes to: changes of the story, and what it is about."""

    key: str
    changes: tuple[Change, ...] = ()


@dataclass(slots=True)
class _Derived:
    """Items on their way to one derived channel; the last word on a key counts."""

    items: dict[str, tuple[int, Data | None]] = field(default_factory=dict)

    def say(self, key: str, version: int, data: Data | None) -> None:
        self.items.pop(key, None)
        self.items[key] = (version, data)


def batch(
    fold: Fold,
    decision: Decision,
    action: Action,
    removals: Mapping[str, tuple[int, ...]],
) -> list[Append]:
    """The appends of a decision. `removals` are numbers to delete by channel."""
    after = _after(fold, decision.changes)
    derived: dict[str, _Derived] = {}
    _index(derived, fold, after)
    _list_story(derived, fold, after, decision, action.at)
    _list_updates(derived, fold, after, decision)
    for channel in removals.keys() - {fold.channel}:
        # Where there is text to remove, there may be nothing new to say.
        derived.setdefault(channel, _Derived())
    own = Append(
        fold.channel,
        tuple([_own(fold, change, decision, action) for change in decision.changes]),
        expected_seq=fold.seq,
        remove=removals.get(fold.channel, ()),
    )
    private = _private(decision, action)
    private.pop("note", None)  # said once, where the versions are
    others = [
        Append(
            channel,
            tuple(
                [_item(channel, k, *said, action, private) for k, said in items.items()]
            ),
            remove=removals.get(channel, ()),
        )
        for channel, items in sorted((name, d.items) for name, d in derived.items())
        if items or removals.get(channel)
    ]
    return [own, *others]


def event_id(request: str, channel: str, key: str) -> str:
    """An event's id: the same however often the request is repeated."""
    return str(uuid5(UUID(request), f"{channel}\n{key}"))


def derived_channels(fold: Fold) -> tuple[str, ...]:
    """Every channel that may hold something of the story, besides its own."""
    section = str(fold.story["section"]) if fold.story else ""
    return (*INDEXES, f"section/{section}", "latest", "breaking")


def _after(fold: Fold, changes: Iterable[Change]) -> After:
    story, changed = fold.story or {}, {}
    for change in changes:
        if change.key == STORY and change.data is not None:
            story = change.data
        elif change.key.startswith("update/") and change.data is not None:
            changed[change.key.removeprefix("update/")] = change.data
    return After(fold, story, changed)


def _index(derived: dict[str, _Derived], fold: Fold, after: After) -> None:
    key, version = f"story/{fold.slug}", _version(after.story)
    item = index_item(after)
    derived.setdefault(NEWSROOM, _Derived()).say(key, version, item)
    if after.is_public:
        derived.setdefault("stories", _Derived()).say(key, version, item)
    elif fold.is_public:
        derived.setdefault("stories", _Derived()).say(key, version, None)


def _list_story(
    derived: dict[str, _Derived],
    fold: Fold,
    after: After,
    decision: Decision,
    at: datetime,
) -> None:
    """The story's item on its section and on `latest`, where it changed."""
    if not any(change.key == STORY for change in decision.changes):
        return
    key, version = f"story/{fold.slug}", _version(after.story)
    before = f"section/{fold.story['section']}" if fold.story else ""
    now = f"section/{after.story['section']}"
    item = story_item(after.story)
    if fold.is_public and (before != now or not after.is_public):
        left = (before,) if after.is_public else (before, "latest", "breaking")
        for channel in left:
            _clear(derived.setdefault(channel, _Derived()), fold, channel, key, version)
    if after.is_public:
        for channel in (now, "latest"):
            derived.setdefault(channel, _Derived()).say(key, version, item)
        if fold.is_public and before != now:
            _repeat(derived.setdefault(now, _Derived()), after, now, at)
        for channel in _to_repeat(fold, after, decision, now):
            _repeat(derived.setdefault(channel, _Derived()), after, channel, at)


def _to_repeat(
    fold: Fold, after: After, decision: Decision, section: str
) -> tuple[str, ...]:
    """Where updates' items, which name their story and section, are told anew.

    A new headline reaches the few alerts at once; the others wait for their next
    version, or one word would push everything else off `latest`.
    """
    before = fold.story or {}
    if any(change.key == STORY and change.removed for change in decision.changes):
        return (section, "latest", "breaking")
    if before.get("section") != after.story["section"]:
        return ("latest", "breaking")
    if before.get("headline") != after.story["headline"]:
        return ("breaking",)
    return ()


def _clear(derived: _Derived, fold: Fold, channel: str, key: str, version: int) -> None:
    if channel != "breaking":
        derived.say(key, version, None)
    for id_, update in fold.updates.items():
        if _is_shown(fold, update, channel):
            derived.say(f"update/{id_}", _version(update), None)


def _repeat(derived: _Derived, after: After, channel: str, at: datetime) -> None:
    for id_, update in reversed(list(after.updates())):
        if _is_shown(after.fold, update, channel):
            over = channel == "breaking" and has_lapsed(update, at)
            item = None if over else _listed(update, after)
            derived.say(f"update/{id_}", _version(update), item)


def _is_shown(fold: Fold, update: Data, channel: str) -> bool:
    if channel == "breaking" and not update.get("breaking"):
        return False
    return fold.is_listed(update) and update["status"] == "published"


def _list_updates(
    derived: dict[str, _Derived], fold: Fold, after: After, decision: Decision
) -> None:
    if not after.is_public:
        return
    opened = str(after.story["published"])
    section = f"section/{after.story['section']}"
    for change in decision.changes:
        if not change.key.startswith("update/") or change.data is None:
            continue
        if str(change.data["published"]) < opened:
            continue
        stays = change.data["status"] == "published"
        item = _listed(change.data, after) if stays else None
        for channel in (section, "latest"):
            derived.setdefault(channel, _Derived()).say(
                change.key, _version(change.data), item
            )
        _break(derived, fold, change.key, change.data, item)


def _break(
    derived: dict[str, _Derived], fold: Fold, key: str, data: Data, item: Data | None
) -> None:
    was = fold.updates.get(key.removeprefix("update/"), {}).get("breaking")
    if not (was or data.get("breaking")):
        return
    shown = item if data.get("breaking") else None
    derived.setdefault("breaking", _Derived()).say(key, _version(data), shown)


def _listed(update: Data, after: After) -> Data:
    return {
        **update,
        "story_headline": after.story["headline"],
        "section": after.story["section"],
    }


def _version(data: Data) -> int:
    return cast("int", data["version"])


def _private(decision: Decision, action: Action) -> dict[str, object]:
    private: dict[str, object] = {
        "by": action.by,
        "request": action.request,
        "fingerprint": action.fingerprint,
        "status": action.status,
        "answer": decision.key,
    }
    if action.note is not None:
        private["note"] = action.note
    return private


def _own(fold: Fold, change: Change, decision: Decision, action: Action) -> NewEvent:
    private = _private(decision, action)
    if change.removed:
        private["removed"] = list(change.removed)
    return NewEvent(
        key=change.key,
        version=fold.version_of(change.key) + 1,
        type=_type(change.key),
        id=event_id(action.request, fold.channel, change.key),
        at=action.at,
        data=change.data,
        private=private,
    )


def _type(key: str) -> EventType:
    if key == STORY:
        return "story"
    return "update" if key.startswith("update/") else "card"


def _item(
    channel: str,
    key: str,
    version: int,
    data: Data | None,
    action: Action,
    private: Data,
) -> NewEvent:
    return NewEvent(
        key=key,
        version=version,
        type="entry" if channel == NEWSROOM else "item",
        id=event_id(action.request, channel, key),
        at=action.at,
        data=data,
        private=private,
    )
