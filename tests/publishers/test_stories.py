"""publishers/stories.py: opened, changed, paused, ended, withdrawn."""

from datetime import timedelta
from itertools import product

import pytest

from channels.errors import Invalid, NotFound, WrongState
from channels.events import Append, NewEvent, number
from publishers.fold import Fold
from publishers.requests import Revision, StoryBody
from publishers.stories import (
    MOVES,
    change_story,
    editable,
    open_story,
    withdraw_story,
)
from tests.publishers.samples import (
    EPOCH,
    NOW,
    TERMS,
    action,
    carry,
    new_story,
    opened,
    published,
    said,
    story_changed,
    story_withdrawn,
    told,
    withdrawal,
    withdrawn,
)

STATUSES = ("draft", "scheduled", "live", "paused", "ended")
ALLOWED = {
    *(("draft", "scheduled"), ("draft", "live")),
    *(("scheduled", "draft"), ("scheduled", "live")),
    *(("live", "paused"), ("live", "ended")),
    *(("paused", "live"), ("paused", "ended")),
    ("ended", "live"),
}
MEMBERS = {
    *("slug", "version", "headline", "standfirst", "section", "form", "tags"),
    *("image", "language", "direction", "timezone", "status", "starts_at", "authors"),
    *("body", "html", "summary", "urgency", "resumes_at", "followed_by", "published"),
    *("modified", "permalink"),
}
STARTS = {"starts_at": "2026-11-22T21:00:00Z"}


def in_status(status: str) -> Fold:
    """A story that came to its status by allowed moves."""
    first = status if status in ("draft", "scheduled") else "live"
    fold = opened(status=first, **STARTS)
    if status != first:
        story_changed(fold, "reach", status=status)
    return fold


@pytest.mark.parametrize(("before", "after"), [*product(STATUSES, STATUSES)])
def test_a_status_follows_only_those_the_table_names(before: str, after: str) -> None:
    fold = in_status(before)
    if before == after or (before, after) in ALLOWED:
        story_changed(fold, status=after)
        assert fold.status == after
    else:
        with pytest.raises(WrongState, match=f"{before} cannot become {after}"):
            story_changed(fold, status=after)
        assert fold.status == before


@pytest.mark.parametrize("status", STATUSES)
def test_a_story_is_opened_as_draft_scheduled_or_live(status: str) -> None:
    body = new_story(status=status, **STARTS)
    if status in ("draft", "scheduled", "live"):
        assert opened(status=status, **STARTS).status == status
    else:
        with pytest.raises(WrongState, match="new cannot become"):
            open_story(Fold("night"), body, None, (), action(), TERMS)


@pytest.mark.parametrize("status", STATUSES)
def test_a_story_is_withdrawn_from_any_status_and_for_good(status: str) -> None:
    fold = in_status(status)
    story_withdrawn(fold)
    assert fold.status == "withdrawn"
    assert MOVES["withdrawn"] == frozenset()
    body = StoryBody(headline="Back", section="politics", status="live")
    with pytest.raises(WrongState, match="withdrawn"):
        change_story(fold, body, None, Revision(), action("back"), TERMS)


def test_a_story_has_the_members_the_protocol_names() -> None:
    fold = opened(body="*What* we do.", summary="**So** far.", tags=["polls"])
    story = told(fold)
    assert story.keys() - {"ended", "correction"} == MEMBERS
    assert story["html"] == "<p><em>What</em> we do.</p>"
    assert story["summary"] == {
        "text": "**So** far.",
        "html": "<p><strong>So</strong> far.</p>",
        "at": "2026-11-22T20:00:00.000Z",
    }
    assert story["published"] == "2026-11-22T20:00:00.000Z"
    assert story["permalink"] == "https://news.example/live/night"


def test_a_slug_is_taken_once_and_never_free_again() -> None:
    fold = opened()
    with pytest.raises(WrongState, match="taken"):
        open_story(fold, new_story(), None, (), action("other"), TERMS)
    story_withdrawn(fold)
    with pytest.raises(WrongState, match="taken"):
        open_story(fold, new_story(), None, (), action("other"), TERMS)


def test_a_story_may_be_opened_with_its_first_update() -> None:
    fold = opened(update={"headline": "First", "pinned": True})
    (update,) = fold.updates.values()
    assert update["headline"] == "First"
    assert fold.is_listed(update)
    assert fold.seq == 2


def test_what_is_wrong_with_the_first_update_is_named_within_it() -> None:
    late = {"body": "x", "breaking": True, "breaking_until": "2020-01-01T00:00:00Z"}
    with pytest.raises(Invalid) as refused:
        open_story(Fold("a"), new_story(update=late), None, (), action(), TERMS)
    assert [f.pointer for f in refused.value.errors] == ["/update/breaking_until"]


def test_a_story_is_published_when_it_becomes_public_and_only_once() -> None:
    fold = opened(status="draft")
    assert told(fold)["published"] is None
    published(fold, "early", at=NOW + timedelta(hours=1))
    story_changed(fold, "live", status="live")
    first = told(fold)["published"]
    assert first == "2026-11-22T21:00:00.001Z"  # after what was written before
    story_changed(fold, "pause", at=NOW + timedelta(hours=2), status="paused")
    story_changed(fold, "on", at=NOW + timedelta(hours=3), status="live")
    assert told(fold)["published"] == first


def test_a_story_says_since_when_it_is_ended() -> None:
    fold = opened()
    story_changed(fold, "end", at=NOW + timedelta(hours=1), status="ended")
    story_changed(fold, "fix", at=NOW + timedelta(hours=2), headline="Fixed")
    assert told(fold)["ended"] == "2026-11-22T21:00:00.000Z"
    story_changed(fold, "on", status="live")
    assert told(fold)["ended"] is None


def test_a_summary_keeps_its_own_time() -> None:
    fold = opened(summary="So far.")
    before = told(fold)["summary"]
    story_changed(fold, "head", at=NOW + timedelta(hours=1), headline="Later")
    assert told(fold)["summary"] == before
    story_changed(fold, "sum", at=NOW + timedelta(hours=2), summary="And now.")
    after = told(fold)["summary"]
    assert isinstance(after, dict)
    assert after["at"] == "2026-11-22T22:00:00.000Z"
    story_changed(fold, "none", summary=None)
    assert told(fold)["summary"] is None
    story_changed(fold, "new", summary="Anew.")
    assert told(fold)["summary"] is not None


def test_a_change_that_says_the_same_is_none_unless_it_purges() -> None:
    fold = opened()
    assert story_changed(fold, at=NOW + timedelta(hours=1))[0].events == ()
    story_changed(fold, "words", headline="Other")
    story_changed(fold, "purge", revision=Revision(purge=True))
    assert [v.number for v in fold.versions["story"]] == [3]


def test_only_an_open_story_is_changed_or_withdrawn() -> None:
    body = StoryBody(headline="x")
    with pytest.raises(NotFound):
        change_story(Fold("a"), body, None, Revision(), action(), TERMS)
    with pytest.raises(NotFound):
        withdraw_story(Fold("a"), withdrawal(), action(), TERMS)


def test_what_a_patch_is_merged_into_is_what_a_body_may_say() -> None:
    fold = opened(summary="So far.", standfirst="Why.", **STARTS)
    members = editable(told(fold))
    assert members["summary"] == "So far."
    assert not members.keys() & {"slug", "html", "published", "ended", "urgency"}
    assert StoryBody.model_validate(members).headline == "A night"


def card(
    fold: Fold, data: dict[str, object] | None, version: int, *, name: str = "seats"
) -> None:
    event = NewEvent(f"card/{name}", version, "card", str(version), NOW, data)
    fold.take(number(Append(fold.channel, (event,)), EPOCH, fold.seq))


def test_a_withdrawn_story_leaves_stubs_and_no_cards() -> None:
    fold = opened(headline="Secret", summary="Secret", body="Secret")
    one, two = published(fold, "one", body="Secret"), published(fold, "two")
    withdrawn(fold, two, "before")
    earlier = fold.updates[two]
    card(fold, {"headline": "Secret"}, 1)
    card(fold, None, 1, name="gone")
    batch = story_withdrawn(fold)
    story = told(fold)
    assert story.keys() == {
        *("slug", "version", "section", "form", "language", "direction", "timezone"),
        *("status", "withdrawn", "published", "modified", "permalink"),
    }
    assert fold.updates[one]["status"] == "withdrawn"
    assert fold.updates[two] == earlier  # a stub already
    found = said(batch)["story/night"]
    assert found["card/seats"] is None
    assert "card/gone" not in found
    assert "Secret" not in str(batch)


def test_a_repeated_withdrawal_changes_nothing_but_for_a_purge_left_to_do() -> None:
    fold = opened()
    one, two = published(fold, "one"), published(fold, "two")
    by = action("purge two")
    gone = withdrawal(purge=True)
    card(fold, {"headline": "Seats"}, 1)
    story_withdrawn(fold)
    reason = told(fold)["withdrawn"]
    assert withdraw_story(fold, withdrawal(), action("2"), TERMS).changes == ()
    decision = withdraw_story(fold, gone, by, TERMS)
    assert {change.key for change in decision.changes} == {
        *("story", "card/seats"),
        *(f"update/{one}", f"update/{two}"),
    }
    assert all(change.removed for change in decision.changes)
    carry(fold, decision, by)
    assert told(fold)["withdrawn"] == reason
    assert [len(kept) for kept in fold.versions.values()] == [1, 1, 1, 1]
    assert withdraw_story(fold, gone, action("3"), TERMS).changes == ()


def test_withdrawing_with_a_purge_removes_every_earlier_version() -> None:
    fold = opened()
    one = published(fold, "one")
    withdrawn(fold, one, "before")
    card(fold, {"headline": "Seats"}, 1)
    card(fold, None, 2)
    story_withdrawn(fold, purge=True)
    assert [len(kept) for kept in fold.versions.values()] == [1, 1, 1]
    assert fold.updates[one]["version"] == 3
