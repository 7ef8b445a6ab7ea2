"""publishers/batches.py: one publish is one batch, and every channel tells the same."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from channels.errors import WrongState
from channels.events import Append, Data, timestamp
from publishers import stories, updates
from publishers.after import After, index_item
from publishers.batches import Decision, batch, derived_channels, event_id
from publishers.desk import Desk, Outcome
from publishers.fold import PUBLIC, Action, Fold
from publishers.requests import Revision, StoryBody, UpdateBody
from tests.publishers.samples import (
    NOW,
    TERMS,
    Ledger,
    action,
    changed,
    drive,
    new_story,
    new_update,
    opened,
    published,
    request_id,
    said,
    state_of,
    story_changed,
    story_withdrawn,
    told,
    withdrawal,
    withdrawn,
)

ITEM = "story/night"


def channels(appends: list[Append]) -> list[str]:
    return sorted(append.channel for append in appends)


def publish(fold: Fold, name: str = "one", **members: object) -> list[Append]:
    by = action(name, status=201)
    decision = updates.publish(fold, new_update(**members), (), by, TERMS)
    return batch(fold, decision, by, {})


def opening(**members: object) -> list[Append]:
    fold, by = Fold("night"), action(status=201)
    body = new_story(**members)
    decision = stories.open_story(fold, body, None, (), by, TERMS)
    return batch(fold, decision, by, {})


def test_a_public_story_is_told_everywhere_in_one_batch() -> None:
    found = said(opening(update={"headline": "First", "breaking": True}))
    assert found.keys() == {
        *("story/night", "newsroom", "stories"),
        *("section/politics", "latest", "breaking"),
    }
    (update,) = (key for key in found["story/night"] if key != "story")
    assert found["stories"].keys() == found["newsroom"].keys() == {ITEM}
    assert found["latest"].keys() == found["section/politics"].keys() == {ITEM, update}
    assert found["breaking"].keys() == {update}


def test_a_draft_is_told_to_the_newsroom_alone() -> None:
    assert channels(opening(status="draft")) == ["newsroom", "story/night"]
    fold = opened(status="draft")
    assert channels(publish(fold, breaking=True)) == ["newsroom", "story/night"]
    assert channels(story_withdrawn(fold)) == ["newsroom", "story/night"]


def test_only_the_storys_own_channel_expects_a_number() -> None:
    fold = opened()
    expected = {each.channel: each.expected_seq for each in publish(fold)}
    assert expected.pop("story/night") == 1
    assert set(expected.values()) == {None}


def test_going_live_lists_the_story_and_not_what_was_written_before() -> None:
    fold = opened(status="draft")
    early = published(fold, "early", breaking=True)
    found = said(story_changed(fold, status="live"))
    assert found["latest"].keys() == found["section/politics"].keys() == {ITEM}
    assert "breaking" not in found
    edit = changed(fold, early, headline="Still unlisted")
    assert channels(edit) == ["newsroom", "stories", "story/night"]
    gone = withdrawn(fold, early)
    assert channels(gone) == ["newsroom", "stories", "story/night"]


def test_an_item_is_the_thing_with_where_it_stands() -> None:
    fold = opened(body="Long.")
    found = said(publish(fold, headline="One"))
    (key,) = (key for key in found["latest"] if key != ITEM)
    item, own = found["latest"][key], found["story/night"][key]
    assert item is not None
    assert own is not None
    assert item == {**own, "story_headline": "A night", "section": "politics"}
    story = said(story_changed(fold, headline="Other"))
    listed, whole = story["latest"][ITEM], story["story/night"]["story"]
    assert listed is not None
    assert whole is not None
    assert listed == {k: v for k, v in whole.items() if k not in ("body", "html")}


def test_a_storys_item_is_told_when_the_story_changes_and_not_with_each_update() -> (
    None
):
    fold = opened()
    assert ITEM not in said(publish(fold))["latest"]


def test_a_change_of_section_takes_everything_along() -> None:
    fold = opened()
    early = published(fold, "one", breaking=True)
    gone = published(fold, "two")
    withdrawn(fold, gone)
    found = said(story_changed(fold, section="world"))
    assert found["section/politics"] == {ITEM: None, f"update/{early}": None}
    assert found["section/world"].keys() == {ITEM, f"update/{early}"}
    item = found["section/world"][f"update/{early}"]
    assert item is not None
    assert item["section"] == "world"
    assert found["latest"].keys() == {ITEM, f"update/{early}"}
    assert found["breaking"][f"update/{early}"] == item


def test_a_new_headline_reaches_alerts_at_once_and_ends_those_that_are_over() -> None:
    fold, later = opened(), NOW + timedelta(minutes=1)
    over = published(fold, "one", breaking=True, breaking_until=timestamp(later))
    on = published(fold, "two", breaking=True)
    after = NOW + timedelta(minutes=2)
    found = said(story_changed(fold, at=after, headline="Another night"))
    assert found["breaking"][f"update/{over}"] is None
    item = found["breaking"][f"update/{on}"]
    assert item is not None
    assert item["story_headline"] == "Another night"
    assert found["latest"].keys() == {ITEM}


def test_an_alert_that_ends_leaves_a_tombstone_on_breaking() -> None:
    fold = opened()
    one = published(fold, "one", breaking=True)
    two = published(fold, "two", breaking=True)
    assert said(changed(fold, one, breaking=False))["breaking"] == {
        f"update/{one}": None
    }
    assert said(withdrawn(fold, two))["breaking"] == {f"update/{two}": None}
    assert "breaking" not in said(changed(fold, one, "edit", headline="Calm"))
    again = said(changed(fold, one, "again", breaking=True))["breaking"]
    assert again[f"update/{one}"] is not None


def test_a_withdrawn_update_leaves_tombstones_where_it_was_listed() -> None:
    fold = opened()
    id_ = published(fold)
    found = said(withdrawn(fold, id_))
    key = f"update/{id_}"
    assert found["latest"] == found["section/politics"] == {key: None}
    stub = found["story/night"][key]
    assert stub is not None
    assert stub["status"] == "withdrawn"
    index = found["stories"][ITEM]
    assert index is not None
    assert index["latest_update"] is None
    assert index["update_count"] == 0


def test_a_withdrawn_story_leaves_tombstones_on_every_derived_channel() -> None:
    fold = opened()
    one = published(fold, "one", breaking=True)
    two = published(fold, "two")
    found = said(story_withdrawn(fold))
    keys = {f"update/{one}", f"update/{two}"}
    assert found["stories"] == {ITEM: None}
    assert found["latest"] == found["section/politics"]
    assert found["latest"] == dict.fromkeys({ITEM} | keys)
    assert found["breaking"] == {f"update/{one}": None}
    stubs = {key: found["story/night"][key] for key in keys}
    assert all(stub and stub["status"] == "withdrawn" for stub in stubs.values())
    index = found["newsroom"][ITEM]
    assert index is not None
    assert index["status"] == "withdrawn"


def index_of(fold: Fold) -> Data:
    """The index entry by counting, as it is meant."""
    shown = [u for u in fold.updates.values() if u["status"] == "published"]
    newest = max(shown, key=lambda u: (str(u["published"]), str(u["id"])), default=None)
    named = ("id", "headline", "published")
    item = {k: v for k, v in told(fold).items() if k not in ("body", "html")}
    return item | {
        "update_count": len(shown),
        "latest_update": newest and {name: newest.get(name) for name in named},
    }


def test_the_index_names_the_newest_update_that_stands() -> None:
    fold = opened()
    one = published(fold, "one", headline="One")
    two = published(fold, "two", headline="Two")
    assert index_of(fold)["update_count"] == 2
    withdrawn(fold, two)
    found = index_item(After(fold, told(fold), {}))
    assert found["latest_update"] == {
        "id": one,
        "headline": "One",
        "published": "2026-11-22T20:00:00.000Z",
    }
    assert not found.keys() & {"body", "html"}


def test_an_event_is_known_again_by_request_channel_and_key() -> None:
    fold = opened()
    (first, *_), (again, *_) = publish(fold), publish(fold)
    assert [e.id for e in first.events] == [e.id for e in again.events]
    request = request_id("one")
    ids = {
        event_id(request, channel, key)
        for channel in ("latest", "stories")
        for key in ("story/a", "update/a")
    }
    assert len(ids) == 4


def test_who_and_why_is_private() -> None:
    fold, by = opened(), action("one", status=201, note="From the scene")
    decision = updates.publish(fold, new_update(), (), by, TERMS)
    own, *others = batch(fold, decision, by, {})
    (event,) = own.events
    assert event.private == {
        "by": "ines",
        "request": by.request,
        "fingerprint": "content",
        "status": 201,
        "answer": decision.key,
        "note": "From the scene",
    }
    for other in others:
        assert "From the scene" not in str(other)
    assert "ines" not in str([e.data for each in (own, *others) for e in each.events])


def test_where_text_is_removed_nothing_new_need_be_said() -> None:
    fold, by = opened(), action("one")
    decision = updates.publish(fold, new_update(), (), by, TERMS)
    removals = {"story/night": (1,), "breaking": (4, 5), "section/world": ()}
    found = {each.channel: each for each in batch(fold, decision, by, removals)}
    assert found["breaking"].events == ()
    assert found["breaking"].remove == (4, 5)
    assert found["story/night"].remove == (1,)
    assert "section/world" not in found


def test_derived_channels_are_where_a_story_may_be_told() -> None:
    assert derived_channels(opened()) == (
        *("newsroom", "stories"),
        *("section/politics", "latest", "breaking"),
    )
    assert derived_channels(Fold("night"))[2] == "section/"


SECTIONS = ("politics", "world")
LISTED = ("section/politics", "section/world", "latest")
slugs = st.sampled_from(["night", "day"])
picks = st.integers(0, 10**6)


class Newsroom(RuleBasedStateMachine):
    """Any sequence of decisions; readers of every channel, from any moment on."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger()
        self.desk = Desk(self.ledger, sections=SECTIONS)
        self.now = NOW
        self.count = 0
        self.listed: set[str] = set()  # ids of updates written while public
        self.places: dict[str, list[tuple[str, str]]] = {"night": [], "day": []}
        self.answered: list[tuple[str, Action, Outcome]] = []
        self.purged: set[str] = set()
        self.readers: list[tuple[str, int, dict[str, Data]]] = []

    def word(self) -> str:
        self.count += 1
        return f"word-{self.count}-"

    def fold(self, slug: str) -> Fold:
        return drive(self.desk.read(slug))

    def write(self, slug: str, decide: Callable[[Fold, Action], Decision]) -> None:
        self.count += 1
        by = action(f"request {self.count}", at=self.now, status=200)

        async def work(fold: Fold) -> Decision:
            return decide(fold, by)

        tops = dict(self.ledger.tops)
        try:
            outcome = drive(self.desk.write(slug, by, work))
        except WrongState:
            assert self.ledger.tops == tops
            return
        if outcome.tops:
            self.answered.append((slug, by, outcome))

    @initialize()
    def open_one(self) -> None:
        self.open("night", "live")

    @rule(by=st.integers(-120_000, 120_000))
    def the_clock_moves(self, by: int) -> None:
        self.now += timedelta(milliseconds=by)

    @rule(slug=slugs, status=st.sampled_from(["draft", "live"]))
    def open(self, slug: str, status: str) -> None:
        headline, first = self.word(), {"headline": self.word(), "breaking": True}
        body = new_story(headline=headline, status=status, update=first)
        was = self.fold(slug).story
        self.write(slug, lambda f, by: stories.open_story(f, body, None, (), by, TERMS))
        if was is None:
            self.note_new(slug)

    @rule(slug=slugs, pinned=st.booleans(), breaking=st.booleans())
    def publish(self, slug: str, pinned: bool, breaking: bool) -> None:
        if self.fold(slug).story is None:
            return
        body = new_update(headline=self.word(), pinned=pinned, breaking=breaking)
        self.write(slug, lambda f, by: updates.publish(f, body, (), by, TERMS))
        self.note_new(slug)

    def note_new(self, slug: str) -> None:
        fold, known = self.fold(slug), self.places[slug]
        for id_, update in fold.updates.items():
            if id_ not in {each for _, each in known}:
                known.append((str(update["published"]), id_))
                if fold.is_public:
                    self.listed.add(id_)

    @rule(
        slug=slugs,
        pick=picks,
        pinned=st.booleans(),
        breaking=st.booleans(),
        purge=st.booleans(),
    )
    def correct(
        self, slug: str, pick: int, pinned: bool, breaking: bool, purge: bool
    ) -> None:
        fold = self.fold(slug)
        standing = [i for i, u in fold.updates.items() if u["status"] == "published"]
        if not standing:
            return
        id_ = standing[pick % len(standing)]
        members = updates.editable(fold.updates[id_], self.now)
        members.pop("breaking_until", None)
        given = members | {"headline": self.word()}
        given |= {"pinned": pinned, "breaking": breaking}
        body, revision = UpdateBody.model_validate(given), Revision(purge=purge)
        if purge:
            self.purged |= _texts(fold, f"update/{id_}")
        self.write(
            slug,
            lambda f, by: updates.change(f, id_, body, (), revision, by, TERMS),
        )

    @rule(slug=slugs, pick=picks, purge=st.booleans())
    def withdraw(self, slug: str, pick: int, purge: bool) -> None:
        fold = self.fold(slug)
        if not fold.updates:
            return
        id_ = list(fold.updates)[pick % len(fold.updates)]
        if purge:
            self.purged |= _texts(fold, f"update/{id_}")
        asked = withdrawal(purge=purge)
        self.write(slug, lambda f, by: updates.withdraw(f, id_, asked, by, TERMS))

    @rule(
        slug=slugs,
        section=st.sampled_from(SECTIONS),
        status=st.sampled_from(["live", "paused", "ended", "same", "same"]),
        purge=st.booleans(),
    )
    def change_story(self, slug: str, section: str, status: str, purge: bool) -> None:
        fold = self.fold(slug)
        if fold.story is None or fold.status == "withdrawn":
            return
        moves = stories.MOVES[fold.status]
        given = stories.editable(fold.story) | {
            "section": section,
            "headline": self.word(),
            "status": status if status in moves else fold.status,
        }
        body = StoryBody.model_validate(given)
        revision = Revision(purge=purge)
        if purge:
            self.purged |= _texts(fold, "story")
        self.write(
            slug,
            lambda f, by: stories.change_story(f, body, None, revision, by, TERMS),
        )

    @rule(slug=slugs, purge=st.booleans(), pick=st.integers(0, 3))
    def withdraw_story(self, slug: str, purge: bool, pick: int) -> None:
        fold = self.fold(slug)
        if fold.story is None or pick:  # seldom: nothing follows it
            return
        if purge:
            for key in fold.versions:
                self.purged |= _texts(fold, key)
        asked = withdrawal(purge=purge)
        self.write(slug, lambda f, by: stories.withdraw_story(f, asked, by, TERMS))

    @precondition(lambda self: self.answered)
    @rule(pick=picks, restarted=st.booleans())
    def repeat(self, pick: int, restarted: bool) -> None:
        slug, by, outcome = self.answered[pick % len(self.answered)]
        tops = dict(self.ledger.tops)
        desk = Desk(self.ledger, sections=SECTIONS) if restarted else self.desk

        async def never(fold: Fold) -> Decision:
            raise AssertionError("a repeated request is not decided again")

        again = drive(desk.write(slug, by, never))
        assert again.replayed
        assert (again.key, again.status) == (outcome.key, outcome.status)
        assert again.position == outcome.position
        assert self.ledger.tops == tops

    @rule()
    def readers_join(self) -> None:
        for channel, entries in self.ledger.channels.items():
            self.readers.append((channel, self.ledger.tops[channel], state_of(entries)))

    @invariant()
    def every_channel_tells_what_the_stories_say(self) -> None:
        wanted = _model([self.fold(slug) for slug in ("night", "day")], self.listed)
        for channel, state in wanted.items():
            found = state_of(self.ledger.channels.get(channel, ()))
            assert _plain(found) == _plain(state), channel

    @invariant()
    def readers_who_go_on_hold_what_new_ones_do(self) -> None:
        for channel, seq, state in self.readers:
            entries = self.ledger.channels[channel]
            held = dict(state)
            for entry in entries:
                if entry.event.seq > seq:
                    held.pop(entry.event.key, None)
                    if entry.event.data is not None:
                        held[entry.event.key] = entry.event.data
            assert held == state_of(entries), channel

    @invariant()
    def what_was_purged_is_nowhere(self) -> None:
        log = str(self.ledger.channels)
        found = {text for text in self.purged if text in log}
        assert not found

    @invariant()
    def one_pin_and_an_order_that_no_edit_changes(self) -> None:
        for slug, places in self.places.items():
            fold = self.fold(slug)
            now = [(str(u["published"]), id_) for id_, u in fold.updates.items()]
            assert now == places
            assert len({published for published, _ in places}) == len(places)
            assert places == sorted(places)
            assert sum(u.get("pinned") is True for u in fold.updates.values()) <= 1

    @invariant()
    def a_fold_read_anew_is_the_same(self) -> None:
        for slug in ("night", "day"):
            anew = drive(Desk(self.ledger, sections=SECTIONS).read(slug))
            assert anew == self.fold(slug)


def _texts(fold: Fold, key: str) -> set[str]:
    """What the versions of a key say in their headlines."""
    found = {(each.data or {}).get("headline") for each in fold.versions.get(key, [])}
    return {text for text in found if isinstance(text, str)}


def _model(folds: list[Fold], listed: set[str]) -> Mapping[str, dict[str, Data]]:
    """What the derived channels have to say, from the stories alone."""
    wanted: dict[str, dict[str, Data]] = {
        name: {} for name in (*LISTED, "newsroom", "stories", "breaking")
    }
    for fold in folds:
        if fold.story is None:
            continue
        key = f"story/{fold.slug}"
        item = index_of(fold)
        wanted["newsroom"][key] = item
        if fold.status not in PUBLIC:
            continue
        wanted["stories"][key] = item
        for channel in ("latest", f"section/{fold.story['section']}"):
            wanted[channel][key] = fold.story
            for id_, update in fold.updates.items():
                if id_ in listed and update["status"] == "published":
                    wanted[channel][f"update/{id_}"] = update
                    if update["breaking"]:
                        wanted["breaking"][f"update/{id_}"] = update
    return wanted


def _plain(state: Mapping[str, Data]) -> dict[str, Data]:
    """Items without what they repeat of their story, which may have moved on."""
    apart = {"story_headline", "section", "body", "html"}
    return {
        key: {name: value for name, value in data.items() if name not in apart}
        for key, data in state.items()
    }


TestNewsroom = Newsroom.TestCase
TestNewsroom.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
