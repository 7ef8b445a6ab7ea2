"""Every word of the audit: one history that is guilty of it, and its innocent twin."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.positions import Epoch
from tests.chaos.audit import audit
from tests.chaos.findings import Audit
from tests.chaos.history import (
    GONE,
    Ended,
    Event,
    Final,
    History,
    Observation,
    Opened,
    Operation,
    Reached,
    Reading,
    Seen,
    Standing,
    Version,
)

CHANNEL, EPOCH, LATER = "story/night", "aaaaaaaa", "bbbbbbbb"


def event(seq: int, name: str, version: int = 1, *, epoch: str = EPOCH) -> Event:
    key = f"update/{name}"
    return Event(CHANNEL, epoch, seq, key, version, f"{name} {version}")


ONE, TWO, MORE = event(1, "one"), event(2, "two"), event(3, "one", 2)
LOG = (ONE, TWO, MORE)
TOP = f"{EPOCH}-3"


def acknowledged(told: Event, *, deed: str = "publish") -> Operation:
    marker = f"{told.key} {told.version}"
    position = f"{told.epoch}-{told.seq}"
    done = Operation("ines", "publish" if deed == "publish" else "correct", "night", "")
    done.marker, done.key, done.outcome = marker, told.key, "acknowledged"
    done.status, done.position, done.event, done.tries = 200, position, told, 1
    return done


WRITES = (acknowledged(ONE), acknowledged(TWO), acknowledged(MORE, deed="correct"))


def final(log: Sequence[Event] = LOG, *, epoch: str = EPOCH) -> Final:
    """The end of a log in which each update was published and corrected."""
    versions: dict[tuple[str, str], dict[int, Version]] = {}
    for each in log:
        marker = f"{each.key} {each.version}"
        note = None if each.version == 1 else marker
        told = Version(each.version, note, marker, "published", each.body)
        versions.setdefault((CHANNEL, each.key), {})[each.version] = told
    state = {each.key: each for each in log}
    top = f"{epoch}-{log[-1].seq}" if log else "0"
    return Final({CHANNEL: Standing(CHANNEL, top, 0, state)}, versions)


def opened(
    asked: str | None = "0", top: str = TOP, reason: str | None = None
) -> Opened:
    at = f"{top.partition('-')[0]}-0" if reason or asked == "0" else asked or top
    return Opened(CHANNEL, asked, reason, at, top, 0)


def judged(
    told: Sequence[Observation],
    *,
    operations: Sequence[Operation] = WRITES,
    log: Final | None = None,
    allows: Sequence[str] = (),
    others: Sequence[Sequence[Observation]] = (),
) -> Audit:
    history = History([replace(each) for each in operations])
    for number, each in enumerate((told, *others)):
        history.readings.append(Reading(f"reader {number}", (CHANNEL,), list(each)))
    return audit(history, log or final(), allows=allows)


def live(*events: Event) -> list[Observation]:
    """A reader that was there from the beginning."""
    return [opened(top=f"{EPOCH}-1"), *map(Seen, events)]


def words(found: Audit) -> set[str]:
    return set(found.problems)


def test_who_saw_everything_is_innocent() -> None:
    found = judged(live(*LOG))
    assert found.is_green, found.table()
    assert found.figures["acknowledged"] == 3
    assert "lost-write" in found.table()


def test_who_came_late_need_not_see_what_was_superseded() -> None:
    assert judged([opened(), Seen(TWO), Seen(MORE)]).is_green


def test_who_goes_on_after_a_loss_of_the_line_is_innocent() -> None:
    told: list[Observation] = [
        *live(ONE),
        Ended("cut"),
        opened(f"{EPOCH}-1"),
        Seen(TWO),
        Seen(MORE),
    ]
    assert judged(told).is_green


def test_who_began_in_the_middle_need_not_hold_what_came_before() -> None:
    assert judged([opened(f"{EPOCH}-2"), Seen(MORE)]).is_green
    assert judged([opened(None)]).is_green


def test_an_acknowledged_write_that_is_not_in_the_log_is_lost() -> None:
    gone = acknowledged(event(4, "three"))
    assert words(judged(live(*LOG), operations=(*WRITES, gone))) == {"lost-write"}


def test_a_write_nobody_answered_may_be_there_or_not() -> None:
    there, absent = replace(WRITES[1]), replace(acknowledged(event(4, "three")))
    for each in (there, absent):
        each.outcome, each.event, each.position = "unknown", None, ""
    found = judged(live(*LOG), operations=(WRITES[0], there, WRITES[2], absent))
    assert found.is_green, found.table()
    assert found.figures["unknown, present"] == 1
    assert found.figures["unknown, absent"] == 1


def test_a_loss_that_the_fault_explains_is_told_and_is_no_problem() -> None:
    history = History([*WRITES, acknowledged(event(4, "three"))])
    found = audit(history, final(), loses=True)
    assert found.is_green
    assert found.findings.by_word["lost-write"]


def test_a_refused_write_that_is_in_the_log_is_an_aborted_read() -> None:
    refused = replace(WRITES[2], outcome="refused", status=412, event=None)
    found = judged(live(*LOG), operations=(*WRITES[:2], refused))
    assert words(found) == {"aborted-read"}


def test_a_refused_write_that_left_no_trace_is_innocent() -> None:
    refused = replace(acknowledged(event(4, "three")), outcome="refused", event=None)
    assert judged(live(*LOG), operations=(*WRITES, refused)).is_green


LOST = event(4, "three")
RESTORED = (*LOG, event(4, "four", epoch=LATER))
REWRITTEN = (*WRITES, acknowledged(RESTORED[3]))


def test_what_the_log_lost_and_nobody_took_back_is_an_aborted_read() -> None:
    on = opened(f"{EPOCH}-4", f"{EPOCH}-4")
    told = [*live(*LOG, LOST), Ended("cut"), on]
    log = final(RESTORED, epoch=LATER)
    found = judged(told, operations=REWRITTEN, log=log)
    assert "aborted-read" in words(found)


def test_what_the_log_lost_and_a_reset_took_back_is_innocent() -> None:
    reset = opened(f"{EPOCH}-4", f"{LATER}-4", "epoch")
    told = [*live(*LOG, LOST), Ended("cut"), reset]
    told += [Seen(TWO), Seen(MORE), Seen(RESTORED[3])]
    log = final(RESTORED, epoch=LATER)
    found = judged(told, operations=REWRITTEN, log=log, allows=["epoch"])
    assert found.is_green, found.table()
    assert found.resets["epoch"] == 1


def test_a_reset_that_no_fault_explains_is_a_finding() -> None:
    told = [*live(*LOG), opened(TOP, TOP, "ahead"), Seen(TWO), Seen(MORE)]
    assert words(judged(told)) == {"unallowed-reset"}


def test_a_reset_of_a_position_that_the_log_still_has_is_a_finding() -> None:
    log = final()
    standing = replace(log.standings[CHANNEL], epochs=(Epoch(EPOCH, 1),))
    told = replace(log, standings={CHANNEL: standing})
    reset = opened(f"{EPOCH}-2", TOP, "epoch")
    observed = [*live(*LOG), Ended("cut"), reset, Seen(TWO), Seen(MORE)]
    assert judged(observed, allows=["epoch"]).is_green
    found = judged(observed, log=told, allows=["epoch"])
    assert words(found) == {"unallowed-reset"}


def test_an_event_of_a_life_that_the_store_does_not_tell_is_dead() -> None:
    log = final()
    standing = replace(log.standings[CHANNEL], epochs=(Epoch(EPOCH, 1),))
    told = replace(log, standings={CHANNEL: standing})
    story = Event(CHANNEL, LATER, 4, "story", 2, "lost")
    found = judged([*live(*LOG), Seen(story)], log=told)
    assert "aborted-read" in words(found)


def test_who_was_away_for_longer_than_a_channel_remembers_is_reset() -> None:
    asked, log = f"{EPOCH}-1", final()
    told: list[Observation] = [opened(asked, TOP, "trimmed"), Seen(TWO), Seen(MORE)]
    assert words(judged(told, log=log)) == {"unallowed-reset"}
    trimmed = replace(opened(asked, TOP, "trimmed"), floor=2)
    assert judged([trimmed, Seen(TWO), Seen(MORE)], log=log).is_green


def test_a_number_delivered_twice_is_a_duplicate() -> None:
    assert words(judged(live(ONE, TWO, TWO, MORE))) == {"duplicate"}


def test_a_number_delivered_again_after_a_fresh_start_is_innocent() -> None:
    assert judged([*live(*LOG), opened(), Seen(TWO), Seen(MORE)]).is_green


def test_a_request_that_is_stored_twice_is_a_duplicate() -> None:
    log = final()
    key = (CHANNEL, "update/one")
    again = replace(log.versions[key][2], number=3)
    versions = {**log.versions, key: {**log.versions[key], 3: again}}
    found = judged(live(*LOG), log=Final(log.standings, versions))
    assert "duplicate" in words(found)


def test_an_event_that_is_missing_at_the_top_is_a_poll_skip() -> None:
    assert "poll-skip" in words(judged([opened(), Seen(MORE)]))


def test_an_event_that_was_missing_on_the_way_is_a_poll_skip() -> None:
    told: list[Observation] = [
        opened(top=f"{EPOCH}-2"),
        Seen(ONE),
        Seen(event(5, "two", 2)),
    ]
    log = final((*LOG, event(5, "two", 2)))
    assert "poll-skip" in words(judged(told, log=log))


def test_a_start_that_is_not_where_the_reader_was_is_a_poll_skip() -> None:
    skipping = replace(opened(f"{EPOCH}-1"), position=f"{EPOCH}-2")
    found = judged([*live(ONE), skipping, Seen(TWO), Seen(MORE)])
    assert "poll-skip" in words(found)


def test_a_poll_holds_every_key_as_it_was_at_that_moment() -> None:
    early = replace(opened(top=f"{EPOCH}-2"), polled=True)
    rest: list[Observation] = [
        replace(opened(f"{EPOCH}-2"), polled=True),
        Seen(MORE),
        Reached(CHANNEL, TOP),
    ]
    reached = Reached(CHANNEL, f"{EPOCH}-2")
    whole: list[Observation] = [early, Seen(ONE), Seen(TWO), reached, *rest]
    lacking: list[Observation] = [early, Seen(TWO), reached, *rest]
    assert judged(whole).is_green
    found = judged(lacking, others=[live(*LOG)])
    assert words(found) == {"poll-skip"}


def test_a_gap_that_a_fresh_start_healed_was_one_all_the_same() -> None:
    told = [*live(ONE, MORE), opened(), Seen(TWO), Seen(MORE)]
    assert words(judged(told)) == {"poll-skip"}


def test_who_has_not_come_to_the_end_is_found() -> None:
    assert "poll-skip" in words(judged(live(ONE, TWO)))


def test_a_number_that_falls_is_nonmonotonic() -> None:
    assert "nonmonotonic" in words(judged(live(TWO, ONE, MORE)))


def test_numbers_of_one_editor_that_do_not_rise_are_nonmonotonic() -> None:
    back = (WRITES[1], WRITES[0], WRITES[2])
    assert words(judged(live(*LOG), operations=back)) == {"nonmonotonic"}
    other = (WRITES[1], replace(WRITES[0], publisher="jonas"), WRITES[2])
    assert judged(live(*LOG), operations=other).is_green


def test_one_position_of_two_events_is_inconsistent() -> None:
    other = replace(TWO, body="otherwise")
    found = judged(live(*LOG), others=[live(ONE, other, MORE)])
    assert "inconsistent-positions" in words(found)


def test_an_answer_that_tells_another_position_is_inconsistent() -> None:
    moved = acknowledged(replace(TWO, seq=5))
    found = judged(live(*LOG), operations=(WRITES[0], moved))
    assert "inconsistent-positions" in words(found)


def test_an_event_put_back_in_a_later_life_has_a_position_there_too() -> None:
    back = replace(TWO, epoch=LATER)
    log = final((ONE, back, replace(MORE, epoch=LATER)), epoch=LATER)
    top = f"{LATER}-3"
    told = [*live(ONE, TWO), opened(f"{EPOCH}-2", top, "epoch"), Seen(back)]
    told += [Seen(replace(MORE, epoch=LATER))]
    found = judged(told, operations=WRITES[:2], log=log, allows=["epoch"])
    assert "inconsistent-positions" not in words(found)


def test_a_reader_that_holds_another_state_at_the_end_is_found() -> None:
    other = replace(TWO, body="otherwise")
    assert "unequal-final-state" in words(judged(live(ONE, other, MORE)))


def test_a_log_that_tells_another_story_than_the_editors_wrote_is_found() -> None:
    log = final()
    key = (CHANNEL, "update/two")
    said = {1: replace(log.versions[key][1], status="withdrawn")}
    found = judged(live(*LOG), log=Final(log.standings, {**log.versions, key: said}))
    assert words(found) == {"unequal-final-state"}


def test_workers_that_tell_different_logs_are_found() -> None:
    log = replace(final(), disagreements=("the second worker differs",))
    assert words(judged(live(*LOG), log=log)) == {"unequal-final-state"}


def test_a_tombstone_is_the_same_as_nothing() -> None:
    grave = Event("breaking", EPOCH, 2, "update/one", 0, GONE)
    alert = replace(grave, seq=1, version=1, body="one")
    standing = Standing("breaking", f"{EPOCH}-2", 0, {grave.key: grave})
    both, none = Reading("a", ("breaking",)), Reading("b", ("breaking",))
    start = Opened("breaking", "0", None, f"{EPOCH}-0", f"{EPOCH}-1", 0)
    now = Opened("breaking", None, None, f"{EPOCH}-1", f"{EPOCH}-1", 0)
    both.observations += [start, Seen(alert), Seen(grave)]
    none.observations += [now, Seen(grave)]
    history, log = History(readings=[both, none]), Final({"breaking": standing}, {})
    assert audit(history, log).is_green
    both.observations.pop()
    assert "unequal-final-state" in words(audit(history, log))


@st.composite
def follows(draw: st.DrawFn) -> tuple[list[Event], list[Observation]]:
    """A log, and a reader that drops its line at will and gets what is newest."""
    names = draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=12))
    log = [event(n, name, names[:n].count(name)) for n, name in enumerate(names, 1)]
    told, at = list[Observation](), 0
    for top in sorted({*draw(st.sets(st.integers(1, len(log)))), len(log)}):
        asked = f"{EPOCH}-{at}" if at else "0"
        told.append(opened(asked, f"{EPOCH}-{top}"))
        newest = {each.key: each for each in log[:top] if each.seq > at}
        told += [Seen(each) for each in sorted(newest.values(), key=lambda e: e.seq)]
        at = top
    return log, told


def writes_of(log: Sequence[Event]) -> list[Operation]:
    return [acknowledged(e, deed="publish" if e.version == 1 else "") for e in log]


@given(follows())
def test_no_honest_reader_is_found_guilty(
    follow: tuple[list[Event], list[Observation]],
) -> None:
    log, told = follow
    found = judged(told, operations=writes_of(log), log=final(log))
    assert found.is_green, found.table()


@given(follows(), st.data())
def test_whoever_is_kept_from_a_newest_event_is_noticed(
    follow: tuple[list[Event], list[Observation]], data: st.DataObject
) -> None:
    log, told = follow
    newest = {each.key: each for each in log}
    dropped = data.draw(st.sampled_from(list(newest.values())))
    kept = [each for each in told if each != Seen(dropped)]
    found = judged(kept, operations=writes_of(log), log=final(log))
    assert "poll-skip" in words(found)


@pytest.mark.parametrize("word", ["lost-write", "unallowed-reset"])
def test_the_table_marks_what_is_red_and_gives_examples(word: str) -> None:
    found = judged(live(*LOG))
    found.findings.add(word, "an example")
    table = found.table()
    assert f"{word}: an example" in table
    assert table.count("RED") == 1


EDIT = Event(CHANNEL, EPOCH, 4, "story", 2, "edited")


def edited(told: Event) -> Operation:
    done = Operation("ines", "edit", "night", f"edit {told.body}", "story")
    done.outcome, done.status, done.tries = "acknowledged", 200, 1
    done.position, done.event = f"{told.epoch}-{told.seq}", told
    return done


def with_story(newest: Event) -> Final:
    log = final()
    standing = log.standings[CHANNEL]
    state = {**standing.state, "story": newest}
    top = f"{newest.epoch}-{newest.seq}"
    return replace(log, standings={CHANNEL: replace(standing, top=top, state=state)})


def test_an_edit_that_stands_or_was_superseded_is_kept() -> None:
    later = replace(EDIT, seq=5, version=3, body="edited again")
    for newest in (EDIT, later):
        told = [*live(*LOG), Seen(newest)]
        operations = (*WRITES, edited(EDIT))
        found = judged(told, operations=operations, log=with_story(newest))
        assert found.is_green, found.table()


@pytest.mark.parametrize(
    ("newest", "acknowledged_edits"),
    [
        (replace(EDIT, version=1, body="as it was opened"), [EDIT]),
        (replace(EDIT, body="somebody else's"), [EDIT]),
        (EDIT, [replace(EDIT, seq=3, body="before"), EDIT]),
    ],
)
def test_an_edit_of_a_story_that_is_gone_is_lost(
    newest: Event, acknowledged_edits: list[Event]
) -> None:
    operations = (*WRITES, *map(edited, acknowledged_edits))
    told = [*live(*LOG), Seen(newest)]
    found = judged(told, operations=operations, log=with_story(newest))
    assert "lost-write" in words(found)
