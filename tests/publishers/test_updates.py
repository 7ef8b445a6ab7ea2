"""publishers/updates.py: publish, correct, withdraw, pin."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from channels.errors import Invalid, NotFound, StaleVersion, WrongState
from channels.events import Data
from publishers.fold import Fold
from publishers.requests import Revision
from publishers.updates import (
    change,
    editable,
    find_update,
    need_match,
    open_update,
    publish,
    removed_versions,
    update_id,
    withdraw,
)
from tests.publishers.samples import (
    NOW,
    TERMS,
    action,
    carry,
    changed,
    new_update,
    opened,
    published,
    request_id,
    story_changed,
    story_withdrawn,
    withdrawal,
    withdrawn,
)

MEMBERS = {
    *("id", "story", "version", "kind", "headline", "body", "html", "quote", "qa"),
    *("authors", "media", "tags", "cards", "key_event", "pinned", "breaking"),
    *("breaking_until", "verification", "source", "urgency", "published", "modified"),
    *("correction", "status", "withdrawn", "permalink", "language"),
}
STUB = {
    *("id", "story", "version", "status", "withdrawn", "published", "modified"),
    "permalink",
}


def minutes(count: float) -> datetime:
    return NOW + timedelta(minutes=count)


def test_an_update_has_the_members_the_protocol_names() -> None:
    fold = opened()
    id_ = published(fold, "one", body="Polls **close**.", tags=["polls"])
    update = fold.updates[id_]
    assert update.keys() == MEMBERS
    assert update["id"] == id_ == update_id(request_id("one"))
    assert UUID(id_).version == 5
    assert update["html"] == "<p>Polls <strong>close</strong>.</p>"
    assert update["published"] == update["modified"] == "2026-11-22T20:00:00.000Z"
    assert update["permalink"] == f"https://news.example/live/night/{id_}"
    assert update["language"] == "en"
    assert (update["status"], update["version"]) == ("published", 1)


def test_an_update_is_in_the_storys_language_unless_it_says() -> None:
    fold = opened(language="de")
    assert fold.updates[published(fold, "one")]["language"] == "de"
    assert fold.updates[published(fold, "two", language="fr")]["language"] == "fr"


def test_an_update_without_a_body_has_no_html() -> None:
    fold = opened()
    assert fold.updates[published(fold, body=None, headline="One")]["html"] == ""


def test_nobody_publishes_in_an_unknown_ended_or_withdrawn_story() -> None:
    with pytest.raises(NotFound):
        publish(Fold("night"), new_update(), (), action(), TERMS)
    fold = opened()
    story_changed(fold, status="ended")
    with pytest.raises(WrongState, match="ended"):
        publish(fold, new_update(), (), action("late"), TERMS)
    story_withdrawn(fold)
    with pytest.raises(WrongState, match="withdrawn"):
        publish(fold, new_update(), (), action("late"), TERMS)


@pytest.mark.parametrize("status", ["draft", "scheduled", "live"])
def test_an_update_may_be_written_before_the_story_is_public(status: str) -> None:
    starts = "2026-11-22T21:00:00Z"
    fold = opened(status=status, starts_at=starts)
    assert published(fold) in fold.updates


def test_an_edit_changes_everything_but_its_place() -> None:
    fold = opened()
    id_ = published(fold, "one")
    before = fold.updates[id_]
    changed(fold, id_, at=minutes(-9), headline="New", key_event=True)
    after = fold.updates[id_]
    assert after["published"] == before["published"] == after["modified"]
    assert (after["version"], after["headline"]) == (2, "New")
    changed(fold, id_, "again", at=minutes(9), headline="Newer")
    assert fold.updates[id_]["published"] == before["published"]
    assert fold.updates[id_]["modified"] == "2026-11-22T20:09:00.000Z"


def test_corrections_are_made_in_an_ended_story_too() -> None:
    fold = opened()
    id_ = published(fold)
    story_changed(fold, status="ended")
    changed(fold, id_, revision=Revision(correction="It said no."), body="Yes.")
    assert fold.updates[id_]["body"] == "Yes."


def test_a_correction_is_kept_for_good() -> None:
    fold = opened()
    id_ = published(fold)
    correction = Revision(correction="It said no.")
    changed(fold, id_, at=minutes(1), revision=correction, body="Yes.")
    kept = {"text": "It said no.", "at": "2026-11-22T20:01:00.000Z"}
    assert fold.updates[id_]["correction"] == kept
    changed(fold, id_, "again", at=minutes(2), body="Yes!")
    assert fold.updates[id_]["correction"] == kept
    changed(fold, id_, "purge", revision=Revision(purge=True), body="Yes!!")
    assert fold.updates[id_]["correction"] == kept


def test_an_edit_that_says_the_same_changes_nothing() -> None:
    fold = opened()
    id_ = published(fold)
    assert changed(fold, id_, at=minutes(5), body="Polls close.")[0].events == ()
    assert fold.version_of(f"update/{id_}") == 1


def test_a_purge_is_a_new_version_even_of_the_same_words() -> None:
    fold = opened()
    id_ = published(fold)
    changed(fold, id_, body="Names nobody.")
    changed(fold, id_, "purge", revision=Revision(purge=True))
    assert [v.number for v in fold.versions[f"update/{id_}"]] == [3]


def test_there_is_one_pin_in_a_story() -> None:
    fold = opened()
    one = published(fold, "one", pinned=True)
    two = published(fold, "two", pinned=True)
    assert fold.pin == two
    assert fold.updates[one]["pinned"] is False
    assert fold.version_of(f"update/{one}") == 2
    changed(fold, one, "pin", pinned=True)
    assert fold.pin == one
    assert [u["pinned"] for u in fold.updates.values()] == [True, False]
    changed(fold, one, "keep", headline="Still pinned")
    assert fold.version_of(f"update/{two}") == 2
    withdrawn(fold, one)
    assert fold.pin is None


def test_an_alert_breaks_for_the_usual_time_unless_it_says() -> None:
    fold = opened()
    usual = fold.updates[published(fold, "one", breaking=True)]
    assert usual["breaking_until"] == "2026-11-22T20:45:00.000Z"
    said = published(fold, "two", breaking=True, breaking_until="2026-11-22T20:05:00Z")
    assert fold.updates[said]["breaking_until"] == "2026-11-22T20:05:00.000Z"
    quiet = published(fold, "three", breaking_until="2026-11-22T20:05:00Z")
    assert fold.updates[quiet]["breaking_until"] is None


def test_an_alert_keeps_its_end_when_edited() -> None:
    fold = opened()
    id_ = published(fold, breaking=True)
    changed(fold, id_, at=minutes(30), headline="Before its end")
    assert fold.updates[id_]["breaking_until"] == "2026-11-22T20:45:00.000Z"


def test_an_alert_that_is_over_is_not_sent_again_and_can_be_raised_anew() -> None:
    fold = opened()
    id_ = published(fold, breaking=True)
    changed(fold, id_, at=minutes(60), headline="After its end")
    assert fold.updates[id_]["breaking"] is False
    assert fold.updates[id_]["breaking_until"] is None
    changed(fold, id_, "anew", at=minutes(61), breaking=True)
    assert fold.updates[id_]["breaking_until"] == "2026-11-22T21:46:00.000Z"


def test_a_pin_that_goes_takes_an_alert_that_is_over_with_it() -> None:
    fold = opened()
    id_ = published(fold, "one", breaking=True, pinned=True)
    published(fold, "two", at=minutes(60), pinned=True)
    assert fold.updates[id_]["pinned"] is False
    assert fold.updates[id_]["breaking"] is False


def test_a_note_alone_is_a_version() -> None:
    fold = opened()
    id_ = published(fold)
    changed(fold, id_, revision=Revision(note="Checked with the office"))
    assert fold.version_of(f"update/{id_}") == 2


def test_an_alert_does_not_end_before_it_begins() -> None:
    past = new_update(breaking=True, breaking_until="2026-11-22T20:00:00Z")
    with pytest.raises(Invalid) as refused:
        publish(opened(), past, (), action("late"), TERMS)
    assert [fault.pointer for fault in refused.value.errors] == ["/breaking_until"]
    fold = opened()
    id_ = published(fold, breaking=True)
    with pytest.raises(Invalid):
        change(fold, id_, past, (), Revision(), action("late"), TERMS)


def test_a_withdrawn_update_is_exactly_its_stub() -> None:
    fold = opened()
    id_ = published(fold, headline="Secret", breaking=True, pinned=True)
    withdrawn(fold, id_)
    stub = fold.updates[id_]
    assert stub.keys() == STUB
    assert stub["withdrawn"] == {"reason": "Not so.", "at": "2026-11-22T20:00:00.000Z"}
    assert (stub["version"], stub["status"]) == (2, "withdrawn")
    assert "Secret" not in str(stub)


def test_a_withdrawal_is_final_and_may_be_repeated() -> None:
    fold = opened()
    id_ = published(fold)
    withdrawn(fold, id_)
    assert withdraw(fold, id_, withdrawal(), action("again"), TERMS).changes == ()
    with pytest.raises(WrongState, match="new one"):
        open_update(fold, id_)


def test_a_purge_after_the_withdrawal_appends_one_stub_and_then_no_more() -> None:
    fold = opened()
    id_ = published(fold)
    withdrawn(fold, id_)
    said = fold.updates[id_]["withdrawn"]
    by = action("purge", at=minutes(5))
    carry(fold, withdraw(fold, id_, withdrawal(purge=True), by, TERMS), by)
    assert fold.updates[id_]["withdrawn"] == said
    assert fold.updates[id_]["version"] == 3
    assert removed_versions(fold, f"update/{id_}") == ()
    again = withdraw(fold, id_, withdrawal(purge=True), action("again"), TERMS)
    assert again.changes == ()


def test_an_update_of_a_withdrawn_story_is_withdrawn_already() -> None:
    fold = opened()
    id_ = published(fold)
    story_withdrawn(fold)
    assert withdraw(fold, id_, withdrawal(), action("again"), TERMS).changes == ()
    purge = withdraw(fold, id_, withdrawal(purge=True), action("purge"), TERMS)
    assert [change.key for change in purge.changes] == [f"update/{id_}"]
    with pytest.raises(WrongState, match="story is withdrawn"):
        open_update(fold, id_)


def test_what_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        find_update(opened(), "nothing")
    with pytest.raises(NotFound):
        withdraw(Fold("night"), "nothing", withdrawal(), action(), TERMS)
    with pytest.raises(NotFound):
        open_update(Fold("night"), "nothing")


def test_what_a_patch_is_merged_into_is_what_a_body_may_say() -> None:
    fold = opened()
    id_ = published(fold, "one", tags=["a"], breaking=True)
    members = editable(fold.updates[id_], NOW)
    assert members["tags"] == ["a"]
    assert members["breaking_until"] == "2026-11-22T20:45:00.000Z"
    assert not members.keys() & {"id", "html", "published", "quote", "status"}
    assert new_update(**members).tags == ["a"]


@pytest.mark.parametrize("tags", [["*"], ['"1"', '"2"'], ['"2"']])
def test_the_present_version_may_be_changed(tags: list[str]) -> None:
    need_match("update", {"version": 2}, tags)


@pytest.mark.parametrize("tags", [[], ['"1"'], ['W/"2"'], ['"*"']])
def test_a_stale_version_is_refused_with_the_present_one(tags: list[str]) -> None:
    current: Data = {"version": 2, "headline": "Now"}
    with pytest.raises(StaleVersion) as refused:
        need_match("update", current, tags)
    assert refused.value.headers == {"ETag": '"2"'}
    assert refused.value.members == {"update": current}
