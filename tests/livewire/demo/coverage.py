"""What the written night comes to: its updates as readers get them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from channels.events import Data, number
from livewire.demo.night import Step, load
from publishers.batches import Decision, batch
from publishers.fold import Action, Fold
from publishers.requests import (
    NewStory,
    Revision,
    Rules,
    UpdateBody,
    Withdrawal,
    check,
    merge,
)
from publishers.stories import open_story
from publishers.updates import Terms, change, editable, publish, update_id, withdraw

RULES = Rules(("electoral-processes",), frozenset({"Europe/Vienna"}))
TERMS = Terms("https://courier.example", timedelta(minutes=45))
BEGIN = datetime(2026, 11, 22, 16, 30, tzinfo=UTC)
_IDS = UUID("00000000-0000-4000-8000-000000000000")


def written_night() -> tuple[dict[str, object], list[dict[str, object]]]:
    """The story as it opened, and every update as it last stood."""
    night = load()
    fold = Fold(night.slug)
    story = {k: v for k, v in night.story.items() if k != "image"}
    opening = check(NewStory, story, RULES)
    action = _action("open", 0)
    _take(fold, open_story(fold, opening, None, (), action, TERMS), action)
    opened = dict(fold.story or {})
    ids: dict[str, str] = {}
    for index, step in enumerate(night.steps):
        if step.do != "story":
            action = _action(str(index), step.minute)
            ids.setdefault(step.ref, update_id(action.request))
            _take(fold, _decision(fold, step, ids[step.ref], action), action)
    return opened, [dict(update) for update in fold.updates.values()]


def _decision(fold: Fold, step: Step, id_: str, action: Action) -> Decision:
    if step.do == "withdraw":
        return withdraw(fold, id_, check(Withdrawal, step.body, RULES), action, TERMS)
    if step.do == "correct":
        said = {k: v for k, v in step.body.items() if k in Revision.model_fields}
        patch = {k: v for k, v in step.body.items() if k not in said}
        target = editable(fold.updates[id_], action.at)
        merged = check(UpdateBody, merge(target, patch), RULES)
        media = _listed(fold.updates[id_]["media"])
        revision = check(Revision, said, RULES)
        return change(fold, id_, merged, media, revision, action, TERMS)
    pictures = [_picture(each) for each in _listed(step.body.get("media", []))]
    body = check(UpdateBody, {**step.body, "media": pictures}, RULES)
    return publish(fold, body, pictures, action, TERMS)


def _listed(value: object) -> list[Data]:
    assert isinstance(value, list)
    return value


def _picture(given: Mapping[str, object]) -> Data:
    shown = {k: v for k, v in given.items() if k != "picture"}
    id_ = str(uuid5(_IDS, str(given["picture"])))
    url = f"https://courier.example/media/{id_}/1600"
    size = {"width": 1600, "height": 1067, "poster": None}
    return {"type": "image", "id": id_, "url": url, "caption": None, **shown, **size}


def _action(name: str, minute: int) -> Action:
    at = BEGIN + timedelta(minutes=minute)
    return Action("demo", at, str(uuid5(_IDS, name)), "", 201)


def _take(fold: Fold, decision: Decision, action: Action) -> None:
    (own, *_) = batch(fold, decision, action, {})
    fold.take(number(own, "aaaaaaaa", fold.seq))
