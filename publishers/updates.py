"""Publish, correct, withdraw, pin: what an editor's wish makes of one update.

Pure decisions over the fold: each answers with the changes of the story's channel, or
raises what forbids it. Order is (`published`, `id`), and no edit changes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from channels.errors import Fault, Invalid, NotFound, StaleVersion, WrongState
from channels.events import Data, instant, timestamp
from publishers.batches import Change, Decision
from publishers.fold import Action, Fold, has_lapsed, later, removed_by
from publishers.requests import Revision, UpdateBody, Withdrawal
from publishers.rich_text import render


@dataclass(frozen=True, slots=True)
class Terms:
    """What this desk has configured of publishing."""

    base_url: str  # without a slash at the end
    breaking_for: timedelta  # how long an alert is breaking, where it does not say


def update_id(request: str) -> str:
    """The id of the update that a request creates."""
    return str(uuid5(UUID(request), "update"))


def publish(
    fold: Fold, body: UpdateBody, media: Sequence[Data], action: Action, terms: Terms
) -> Decision:
    """A new update of an open story."""
    need_story(fold)
    if fold.status in ("ended", "withdrawn"):
        raise WrongState(f"The story is {fold.status}: it takes no new updates.")
    published = later(action.at, fold.newest_published())
    id_ = update_id(action.request)
    data = _update(fold, id_, None, body, media, published, action, terms)
    key = f"update/{id_}"
    return Decision(key, (*_unpin_for(fold, id_, data), Change(key, data)))


def change(
    fold: Fold,
    id_: str,
    body: UpdateBody,
    media: Sequence[Data],
    revision: Revision,
    action: Action,
    terms: Terms,
) -> Decision:
    """A new version of an update: an edit, or a correction that says so."""
    current = open_update(fold, id_)
    published = instant(str(current["published"]))
    data = _update(fold, id_, current, body, media, published, action, terms)
    if revision.correction is not None:
        data["correction"] = {
            "text": revision.correction,
            "at": timestamp(action.at),
        }
    key = f"update/{id_}"
    if _says_the_same(current, data) and not (revision.purge or revision.note):
        return Decision(key)
    removed = removed_versions(fold, key) if revision.purge else ()
    changes = (*_unpin_for(fold, id_, data), Change(key, data, removed))
    return Decision(key, changes)


def withdraw(
    fold: Fold, id_: str, withdrawal: Withdrawal, action: Action, terms: Terms
) -> Decision:
    """The stub in place of the text. Final; repeating it changes nothing."""
    need_story(fold)
    current = find_update(fold, id_)
    key = f"update/{id_}"
    removed = removed_versions(fold, key) if withdrawal.purge else ()
    if current["status"] == "withdrawn":
        if not removed:
            return Decision(key)
        again = stub(fold, current, None, action, terms)
        return Decision(key, (Change(key, again, removed),))
    data = stub(fold, current, withdrawal.reason, action, terms)
    return Decision(key, (Change(key, data, removed),))


def stub(
    fold: Fold, update: Data, reason: str | None, action: Action, terms: Terms
) -> Data:
    """What is left of a withdrawn update. Reason None: withdrawn before."""
    at = timestamp(action.at)
    gone = update["withdrawn"] if reason is None else {"reason": reason, "at": at}
    return {
        "id": update["id"],
        "story": fold.slug,
        "version": fold.version_of(f"update/{update['id']}") + 1,
        "status": "withdrawn",
        "withdrawn": gone,
        "published": update["published"],
        "modified": at,
        "permalink": _permalink(fold, str(update["id"]), terms),
    }


def editable(update: Data, at: datetime) -> dict[str, object]:
    """The members of an update that a PATCH is merged into.

    An alert that ended by the clock is none any more: it is not sent again with an
    edit, and can be raised anew.
    """
    names = UpdateBody.model_fields
    told = _calmed(update) if has_lapsed(update, at) else update
    return {k: v for k, v in told.items() if k in names and v is not None}


def removed_versions(fold: Fold, key: str) -> tuple[Data, ...]:
    """The versions that a purge of `key` removes; none where only the stub is left."""
    versions = fold.versions.get(key, [])
    current = fold.updates.get(key.removeprefix("update/"), {})
    if current.get("status") == "withdrawn" and len(versions) < 2:
        return ()
    removed: list[Data] = []
    for version in versions:
        # What an earlier purge removed stays on record with the later one.
        removed += [*removed_by(version.private), version.removed()]
    return tuple(removed)


def need_story(fold: Fold) -> None:
    """Raises `NotFound` for a story nobody opened."""
    if fold.story is None:
        raise NotFound(f"There is no story {fold.slug}.")


def need_open(fold: Fold) -> None:
    """Raises `NotFound`, or `WrongState` for a story withdrawn as a whole."""
    need_story(fold)
    if fold.status == "withdrawn":
        raise WrongState("The story is withdrawn.")


def find_update(fold: Fold, id_: str) -> Data:
    """The newest data of an update. Raises `NotFound`."""
    if id_ not in fold.updates:
        raise NotFound(f"There is no update {id_} in this story.")
    return fold.updates[id_]


def open_update(fold: Fold, id_: str) -> Data:
    """An update that can still be changed. Raises `NotFound`, `WrongState`."""
    need_open(fold)
    update = find_update(fold, id_)
    if update["status"] == "withdrawn":
        raise WrongState("The update is withdrawn; its text comes back as a new one.")
    return update


def need_match(name: str, current: Data, if_match: Sequence[str]) -> None:
    """Judge `If-Match` (RFC 9110, 13.1.1) by the thing's version.

    Raises `StaleVersion` carrying the current thing.
    """
    etag = f'"{current["version"]}"'
    if "*" not in if_match and etag not in if_match:
        raise StaleVersion(
            f"The newest version is {current['version']}.",
            headers={"ETag": etag},
            members={name: current},
        )


def _unpin_for(fold: Fold, id_: str, data: Mapping[str, object]) -> tuple[Change, ...]:
    """One pin per story: a new pin takes the old one's place."""
    before = fold.pin
    if not data.get("pinned") or before is None or before == id_:
        return ()
    key, pinned = f"update/{before}", fold.updates[before]
    if has_lapsed(pinned, instant(str(data["modified"]))):
        pinned = _calmed(pinned)
    unpinned = {
        **pinned,
        "pinned": False,
        "version": fold.version_of(key) + 1,
        "modified": data["modified"],
    }
    return (Change(key, unpinned),)


def _update(
    fold: Fold,
    id_: str,
    before: Data | None,
    body: UpdateBody,
    media: Sequence[Data],
    published: datetime,
    action: Action,
    terms: Terms,
) -> dict[str, object]:
    story = fold.story or {}
    given = body.model_dump(mode="json")
    until = _breaking_until(body, published, action, terms)
    return {
        "id": id_,
        "story": fold.slug,
        "version": fold.version_of(f"update/{id_}") + 1,
        **{name: given[name] for name in ("kind", "headline", "body")},
        "html": render(body.body) if body.body else "",
        **{name: given[name] for name in ("quote", "qa", "authors")},
        "media": list(media),
        **{
            name: given[name]
            for name in ("tags", "cards", "key_event", "pinned", "breaking")
        },
        "breaking_until": until and timestamp(until),
        "verification": given["verification"],
        "source": given["source"],
        "urgency": given["urgency"],
        "published": timestamp(published),
        "modified": timestamp(max(action.at, published)),
        "correction": before["correction"] if before else None,
        "status": "published",
        "withdrawn": None,
        "permalink": _permalink(fold, id_, terms),
        "language": body.language or story.get("language"),
    }


def _calmed(update: Data) -> Data:
    return {**update, "breaking": False, "breaking_until": None}


def _breaking_until(
    body: UpdateBody,
    published: datetime,
    action: Action,
    terms: Terms,
) -> datetime | None:
    if not body.breaking:
        return None
    until = body.breaking_until
    if until is None:
        return max(action.at, published) + terms.breaking_for
    if until <= action.at:
        raise Invalid(errors=[Fault("/breaking_until", "It ends before it begins.")])
    return until


def _says_the_same(before: Data, after: Data) -> bool:
    passing = ("version", "modified")
    return all(
        before.get(name) == value
        for name, value in after.items()
        if name not in passing
    )


def _permalink(fold: Fold, id_: str, terms: Terms) -> str:
    return f"{terms.base_url}/live/{fold.slug}/{id_}"
