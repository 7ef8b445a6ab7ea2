"""publishers/fold.py: a story is the fold of its channel."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from channels.events import Append, Entry, NewEvent, number
from channels.positions import Position
from publishers.fold import Fold, later
from publishers.requests import Revision
from tests.publishers.samples import (
    EPOCH,
    NOW,
    changed,
    opened,
    published,
    request_id,
    story_changed,
    story_withdrawn,
    withdrawn,
)


def test_nothing_is_known_of_a_story_nobody_opened() -> None:
    fold = Fold("night")
    assert fold.channel == "story/night"
    assert (fold.status, fold.is_public, fold.seq) == ("", False, 0)
    assert fold.version_of("story") == 0
    assert fold.newest_published() is None
    assert fold.pin is None
    assert not fold.is_listed({"published": "2026"})


def test_the_fold_knows_the_newest_of_each_key() -> None:
    fold = opened()
    one, two = published(fold, "one"), published(fold, "two", pinned=True)
    changed(fold, one, headline="One")
    assert fold.seq == 4
    assert fold.version_of(f"update/{one}") == 2
    assert fold.updates[one]["headline"] == "One"
    assert fold.pin == two
    assert fold.newest_published() == NOW + timedelta(milliseconds=1)
    assert fold.is_public


def test_what_was_written_before_a_story_was_public_is_not_listed() -> None:
    fold = opened(status="draft")
    early = published(fold, "early")
    assert not fold.is_listed(fold.updates[early])
    story_changed(fold, status="live")
    late = published(fold, "late", at=NOW - timedelta(hours=1))
    assert not fold.is_listed(fold.updates[early])
    assert fold.is_listed(fold.updates[late])


def test_every_request_has_its_receipt() -> None:
    fold = opened()
    id_ = published(fold, "one")
    receipt = fold.receipts[request_id("one")]
    assert receipt.key == f"update/{id_}"
    assert receipt.status == 201
    assert receipt.fingerprint == "content"
    assert receipt.position == Position(EPOCH, 2)


def test_a_receipt_names_the_last_event_of_its_batch() -> None:
    fold = opened()
    published(fold, "one", pinned=True)
    published(fold, "two", pinned=True)
    assert fold.receipts[request_id("two")].position == Position(EPOCH, 4)


def test_a_purged_version_leaves_its_receipt_and_not_its_text() -> None:
    fold = opened()
    one = published(fold, "one", pinned=True)
    two = published(fold, "two", pinned=True)  # unpins one in the same batch
    key = f"update/{one}"
    purge = Revision(purge=True)
    before = dict(fold.receipts)
    changed(fold, one, "edit", headline="New", revision=purge)
    assert [version.number for version in fold.versions[key]] == [3]
    for name in ("one", "two"):
        assert fold.receipts[request_id(name)] == before[request_id(name)]
    assert fold.pin == two


def test_two_purges_remember_what_both_removed() -> None:
    fold = opened()
    id_ = published(fold, "one")
    purge = Revision(purge=True)
    changed(fold, id_, "first", body="Two.", revision=purge)
    changed(fold, id_, "second", body="Three.", revision=purge)
    (kept,) = fold.versions[f"update/{id_}"]
    removed = kept.private["removed"]
    assert isinstance(removed, list)
    assert [each["version"] for each in removed] == [1, 2]
    anew = Fold("night")
    anew.take(_entries(fold))
    assert anew.receipts == fold.receipts
    assert anew.seq == fold.seq


def test_what_stays_of_a_removed_version_has_no_text() -> None:
    fold = opened()
    id_ = published(fold, "one", body="Secret.")
    (version,) = fold.versions[f"update/{id_}"]
    assert version.removed() == {
        "version": 1,
        "id": version.id,
        "epoch": EPOCH,
        "seq": 2,
        "at": "2026-11-22T20:00:00.000Z",
        "request": request_id("one"),
        "fingerprint": "content",
        "status": 201,
        "answer": f"update/{id_}",
        "by": "ines",
    }


def test_cards_and_held_updates_are_folded_too() -> None:
    fold = opened()
    id_ = published(fold, "one")
    card = NewEvent("card/seats", 1, "card", "a", NOW, {"headline": "Seats"})
    held = NewEvent(f"update/{id_}", 2, "update", "b", NOW, None)
    gone = NewEvent("card/seats", 2, "card", "c", NOW, None)
    fold.take(number(Append("story/night", (card, held)), EPOCH, fold.seq))
    assert fold.cards == {"card/seats": {"headline": "Seats"}}
    assert fold.version_of(f"update/{id_}") == 2
    fold.take(number(Append("story/night", (gone,)), EPOCH, fold.seq))
    assert fold.cards == {"card/seats": {}}


def test_a_fold_taken_anew_is_the_same_fold() -> None:
    fold = opened()
    one = published(fold, "one", pinned=True)
    published(fold, "two", pinned=True)
    changed(fold, one, pinned=True)
    withdrawn(fold, one)
    story_changed(fold, headline="Morning")
    story_withdrawn(fold)
    anew = Fold("night")
    anew.take(_entries(fold))
    assert anew == fold


def _entries(fold: Fold) -> tuple[Entry, ...]:
    """What is still in the log, as the fold itself remembers it."""
    versions = sorted(
        ((key, each) for key, kept in fold.versions.items() for each in kept),
        key=lambda pair: pair[1].seq,
    )
    return tuple(
        number(
            Append(
                fold.channel,
                (NewEvent(key, v.number, "update", v.id, v.at, v.data, v.private),),
            ),
            v.epoch,
            v.seq - 1,
        )[0]
        for key, v in versions
    )


times = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


@given(st.lists(times, min_size=2, max_size=20))
def test_published_rises_whatever_the_clock_does(clock: list[datetime]) -> None:
    fold = opened()
    ids = [published(fold, str(n), at=at) for n, at in enumerate(clock)]
    order = [str(fold.updates[id_]["published"]) for id_ in ids]
    assert order == sorted(set(order))


@given(times, times)
def test_later_is_now_or_a_millisecond_after(at: datetime, than: datetime) -> None:
    than = than.replace(microsecond=than.microsecond // 1000 * 1000)
    found = later(at, than)
    assert found > than
    assert found.microsecond % 1000 == 0
    assert found in (at.replace(microsecond=at.microsecond // 1000 * 1000),) or (
        found == than + timedelta(milliseconds=1)
    )
    assert later(at, None) <= at
