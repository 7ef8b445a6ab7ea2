"""A story's life: opened, changed, paused, ended, withdrawn.

Pure decisions over the fold. The statuses and the moves between them are one table;
what it does not list is forbidden.
"""

from collections.abc import Iterator, Mapping, Sequence

from channels.errors import Invalid, WrongState
from channels.events import Data, timestamp
from publishers.batches import Change, Decision
from publishers.faults import within
from publishers.fold import PUBLIC, STORY, Action, Fold, later
from publishers.requests import NewStory, Revision, StoryBody, Withdrawal
from publishers.rich_text import render
from publishers.updates import Terms, need_open, need_story, publish, stub
from publishers.updates import removed_versions as removed

MOVES: Mapping[str, frozenset[str]] = {
    "": frozenset({"draft", "scheduled", "live"}),
    "draft": frozenset({"scheduled", "live"}),
    "scheduled": frozenset({"draft", "live"}),
    "live": frozenset({"paused", "ended"}),
    "paused": frozenset({"live", "ended"}),
    "ended": frozenset({"live"}),
    "withdrawn": frozenset(),
}
"""Which status may follow which; `withdrawn` follows any, but by its own request."""


def open_story(
    fold: Fold,
    body: NewStory,
    image: Data | None,
    first_media: Sequence[Data],
    action: Action,
    terms: Terms,
) -> Decision:
    """A new story, and in the same batch perhaps its first update."""
    if fold.story is not None:
        raise WrongState(f"The slug {fold.slug} is taken.")
    data = _story(fold, None, body, image, action, terms)
    changes: tuple[Change, ...] = (Change(STORY, data),)
    if body.update is not None:
        opened = Fold(fold.slug, story=data)
        try:
            first = publish(opened, body.update, first_media, action, terms)
        except Invalid as error:
            raise Invalid(errors=within("/update", error.errors)) from error
        changes += first.changes
    return Decision(STORY, changes)


def change_story(
    fold: Fold,
    body: StoryBody,
    image: Data | None,
    revision: Revision,
    action: Action,
    terms: Terms,
) -> Decision:
    """A new version of the story: its words, its status, what we know so far."""
    need_open(fold)
    current = fold.story or {}
    data = _story(fold, current, body, image, action, terms)
    if revision.correction is not None:
        data["correction"] = {"text": revision.correction, "at": timestamp(action.at)}
    passing = ("version", "modified")
    same = all(current.get(k) == v for k, v in data.items() if k not in passing)
    if same and not (revision.purge or revision.note):
        return Decision(STORY)
    gone = removed(fold, STORY) if revision.purge else ()
    return Decision(STORY, (Change(STORY, data, gone),))


def withdraw_story(
    fold: Fold, withdrawal: Withdrawal, action: Action, terms: Terms
) -> Decision:
    """The whole story: no text of it stays, not of its updates, not of its cards."""
    need_story(fold)
    if fold.status == "withdrawn" and not _left_to_purge(fold, withdrawal):
        return Decision(STORY)
    story = fold.story or {}
    at = timestamp(action.at)
    gone = story.get("withdrawn") or {"reason": withdrawal.reason, "at": at}
    data: dict[str, object] = {
        "slug": fold.slug,
        "version": fold.version_of(STORY) + 1,
        **{
            name: story[name]
            for name in ("section", "form", "language", "direction", "timezone")
        },
        "status": "withdrawn",
        "withdrawn": gone,
        "published": story["published"],
        "modified": at,
        "permalink": story["permalink"],
    }
    text = removed(fold, STORY) if withdrawal.purge else ()
    stubs = _stubs(fold, withdrawal, action, terms)
    cards = _no_cards(fold, withdrawal)
    return Decision(STORY, (Change(STORY, data, text), *stubs, *cards))


def editable(story: Data) -> dict[str, object]:
    """The members of a story that a PATCH is merged into."""
    names = StoryBody.model_fields
    members = {k: v for k, v in story.items() if k in names and v is not None}
    summary = story.get("summary")
    if isinstance(summary, Mapping):
        members["summary"] = summary["text"]
    return members


def _stubs(
    fold: Fold, withdrawal: Withdrawal, action: Action, terms: Terms
) -> Iterator[Change]:
    for id_, update in fold.updates.items():
        key, fresh = f"update/{id_}", update["status"] != "withdrawn"
        gone = removed(fold, key) if withdrawal.purge else ()
        if fresh or gone:
            reason = withdrawal.reason if fresh else None
            yield Change(key, stub(fold, update, reason, action, terms), gone)


def _no_cards(fold: Fold, withdrawal: Withdrawal) -> Iterator[Change]:
    for key, card in fold.cards.items():
        gone = removed(fold, key) if withdrawal.purge else ()
        if card or gone:
            yield Change(key, None, gone)


def _left_to_purge(fold: Fold, withdrawal: Withdrawal) -> bool:
    return withdrawal.purge and len(fold.versions.get(STORY, [])) > 1


def _story(
    fold: Fold,
    before: Data | None,
    body: StoryBody,
    image: Data | None,
    action: Action,
    terms: Terms,
) -> dict[str, object]:
    was = str(before["status"]) if before else ""
    if body.status != was and body.status not in MOVES[was]:
        raise WrongState(f"A story that is {was or 'new'} cannot become {body.status}.")
    given = body.model_dump(mode="json")
    at = timestamp(action.at)
    return {
        "slug": fold.slug,
        "version": fold.version_of(STORY) + 1,
        **{name: given[name] for name in ("headline", "standfirst", "section")},
        **{name: given[name] for name in ("form", "tags")},
        "image": image,
        **{name: given[name] for name in ("language", "direction", "timezone")},
        "status": body.status,
        "starts_at": body.starts_at and timestamp(body.starts_at),
        **{name: given[name] for name in ("authors", "body")},
        "html": render(body.body) if body.body else "",
        "summary": _summary(before, body.summary, at),
        "urgency": body.urgency,
        "resumes_at": body.resumes_at and timestamp(body.resumes_at),
        "followed_by": given["followed_by"],
        "correction": before.get("correction") if before else None,
        "published": _published(fold, before, body, action),
        "ended": _ended(before, body, at),
        "modified": at,
        "permalink": f"{terms.base_url}/live/{fold.slug}",
    }


def _summary(before: Data | None, text: str | None, at: str) -> Data | None:
    if not text:
        return None
    now = before.get("summary") if before else None
    if isinstance(now, Mapping) and now["text"] == text:
        return now
    return {"text": text, "html": render(text), "at": at}


def _published(
    fold: Fold, before: Data | None, body: StoryBody, action: Action
) -> str | None:
    """When the story first became public: after everything written before that."""
    was = before["published"] if before else None
    if was is not None or body.status not in PUBLIC:
        return str(was) if was is not None else None
    return timestamp(later(action.at, fold.newest_published()))


def _ended(before: Data | None, body: StoryBody, at: str) -> str | None:
    if body.status != "ended":
        return None
    was = before.get("ended") if before else None
    return str(was) if was is not None else at
