"""A story as the fold of its channel: what it says, what was asked, what may follow.

The law: the log is the only state. Whatever a rule needs to know (the newest version,
the pin, whether a request was carried out before) is in the fold or is not known.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from channels.events import Data, Entry, instant, timestamp
from channels.positions import Position

STORY = "story"
PUBLIC = frozenset({"live", "paused", "ended"})


@dataclass(frozen=True, slots=True)
class Action:
    """One request of one editor: who, when, and how to know it again."""

    by: str  # the token's subject
    at: datetime
    request: str  # the request id, a UUID
    fingerprint: str  # HMAC of the content
    status: int  # of the answer, should it succeed
    note: str | None = None  # internal
    keyed: bool = False  # whether it may be repeated under the same id


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of a request that was carried out."""

    key: str  # of the thing it was about: `story` or `update/<id>`
    status: int
    fingerprint: str
    position: Position


@dataclass(frozen=True, slots=True)
class Version:
    """One entry of a key: where it stands, what it said, who wrote it and why."""

    number: int
    epoch: str
    seq: int
    id: str
    at: datetime
    data: Data | None
    private: Data

    def removed(self) -> Data:
        """What stays on record of a version whose text is purged."""
        kept = ("request", "fingerprint", "status", "answer", "by", "note")
        return {
            "version": self.number,
            "id": self.id,
            "epoch": self.epoch,
            "seq": self.seq,
            "at": timestamp(self.at),
        } | {name: self.private[name] for name in kept if name in self.private}


@dataclass(slots=True)
class Fold:
    """A story's channel, folded up to `seq`."""

    slug: str
    seq: int = 0
    story: Data | None = None
    updates: dict[str, Data] = field(default_factory=dict)  # newest data by update id
    cards: dict[str, Data] = field(default_factory=dict)  # by key
    versions: dict[str, list[Version]] = field(default_factory=dict)  # still in the log
    receipts: dict[str, Receipt] = field(default_factory=dict)  # by request id
    standing: int = 0  # updates that are not withdrawn
    pin: str | None = None  # id of the pinned update

    @property
    def channel(self) -> str:
        """The story's channel."""
        return f"story/{self.slug}"

    @property
    def status(self) -> str:
        """The story's status; empty where nobody opened it."""
        return str(self.story["status"]) if self.story else ""

    @property
    def is_public(self) -> bool:
        """Whether readers without a token see the story."""
        return self.status in PUBLIC

    def take(self, entries: Iterable[Entry]) -> None:
        """Fold further entries, in the order of the log."""
        for entry in entries:
            self._take(entry)

    def version_of(self, key: str) -> int:
        """The newest version of a key, 0 for an unknown one."""
        versions = self.versions.get(key)
        return versions[-1].number if versions else 0

    def newest_published(self) -> datetime | None:
        """When the newest update was published: the last to be folded first."""
        newest = next(reversed(self.updates.values()), None)
        return instant(str(newest["published"])) if newest else None

    def is_listed(self, update: Data) -> bool:
        """Whether the update stands in derived channels: written while public."""
        opened = self.story.get("published") if self.story else None
        return opened is not None and str(update["published"]) >= str(opened)

    def _take(self, entry: Entry) -> None:
        event = entry.event
        self.seq = event.seq
        kind, _, id_ = event.key.partition("/")
        if event.key == STORY:
            self.story = event.data
        elif kind == "update" and event.data is not None:
            self._place(id_, event.data)
        elif kind == "card":
            self.cards[event.key] = event.data or {}
        self._forget_removed(event.key, entry.private)
        version = Version(
            event.version,
            event.epoch,
            event.seq,
            event.id,
            event.at,
            event.data,
            entry.private,
        )
        self.versions.setdefault(event.key, []).append(version)
        self._receive(entry.private, Position(event.epoch, event.seq))

    def _place(self, id_: str, update: Data) -> None:
        before = self.updates.get(id_)
        newest = next(reversed(self.updates.values()), None)
        self.updates[id_] = update
        if before is None and newest is not None and place(update) < place(newest):
            # Its first version was purged: it is met only now, out of its turn.
            self.updates = dict(sorted(self.updates.items(), key=lambda u: place(u[1])))
        self.standing += update["status"] == "published"
        self.standing -= before is not None and before["status"] == "published"
        if update.get("pinned"):
            self.pin = id_
        elif self.pin == id_:
            self.pin = None

    def _forget_removed(self, key: str, private: Data) -> None:
        for removed in removed_by(private):
            seq = cast("int", removed["seq"])
            kept = [each for each in self.versions.get(key, []) if each.seq != seq]
            self.versions[key] = kept
            # The request of a purged version must still be known when repeated.
            self._receive(removed, Position(str(removed["epoch"]), seq))

    def _receive(self, private: Data, position: Position) -> None:
        request = private.get("request")
        if request is None:
            return
        known = self.receipts.get(str(request))
        if known is not None and known.position.seq > position.seq:
            return  # the answer named the last event of its batch
        self.receipts[str(request)] = Receipt(
            str(private["answer"]),
            cast("int", private["status"]),
            str(private["fingerprint"]),
            position,
        )


def place(update: Data) -> tuple[str, str]:
    """Where an update stands in its story."""
    return str(update["published"]), str(update["id"])


def has_lapsed(update: Data, at: datetime) -> bool:
    """Whether an alert has ended by the clock."""
    end = update.get("breaking_until")
    return end is not None and instant(str(end)) <= at


def removed_by(private: Data) -> list[Data]:
    """The versions that the event with this private part removed."""
    return cast("list[Data]", private.get("removed", []))


def later(at: datetime, than: datetime | None) -> datetime:
    """`at` in whole milliseconds, or one after `than`: no two share their place."""
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    if than is None or at > than:
        return at
    return than + timedelta(milliseconds=1)
