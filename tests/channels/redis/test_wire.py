from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from channels.events import EVENT_TYPES, Data, NewEvent
from channels.positions import Epoch, Extent, Position
from channels.redis.wire import (
    Batch,
    Part,
    body,
    entry,
    extent,
    history,
    new_event,
    received,
    tell_epochs,
)
from tests.channels.redis.samples import part
from tests.channels.redis.workers import NIGHT

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner),
    max_leaves=8,
)
DATA: st.SearchStrategy[Data] = st.dictionaries(TEXTS, VALUES, max_size=4)
TIMES = st.integers(0, 4_000_000_000_000).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)
EVENTS = st.builds(
    NewEvent,
    TEXTS,
    st.integers(1, 2**31),
    st.sampled_from(list(EVENT_TYPES.values())),
    TEXTS,
    TIMES,
    st.none() | DATA,
    DATA,
)
NAMES = st.from_regex(r"[0-9a-z]{8}", fullmatch=True)
EPOCHS = st.lists(st.tuples(NAMES, st.integers(1, 9)), max_size=4)


@st.composite
def extents(draw: st.DrawFn, least: int = 0) -> Extent:
    first, epochs = 1, []
    for name, more in draw(EPOCHS):
        epochs.append(Epoch(name, first))
        first += more
    top = draw(st.integers(max(first, least), 2**53))
    return Extent(tuple(epochs), top, draw(st.integers(0, top)))


@st.composite
def parts(draw: st.DrawFn) -> Part:
    events = draw(st.lists(EVENTS, max_size=3))
    reached = draw(extents(least=len(events)))
    removed = tuple(draw(st.lists(st.integers(1, 2**40), max_size=3)))
    told = tuple([body(each, each.private) for each in events])
    return Part(draw(st.sampled_from([NIGHT, "latest"])), reached, told, removed)


@given(
    st.builds(
        Batch,
        st.integers(0, 10**6),
        st.builds(Position, NAMES, st.integers(1, 2**40)),
        TEXTS,
        NAMES,
        st.lists(parts(), max_size=3).map(tuple),
    )
)
def test_a_batch_arrives_as_it_was_sent(batch: Batch) -> None:
    assert received(batch.message()) == batch


@given(EVENTS, extents(least=3))
def test_an_event_is_read_as_it_was_written(new: NewEvent, reached: Extent) -> None:
    told = body(new, new.private)
    assert b"\n" not in told
    assert new_event(told) == new
    found = entry(NIGHT, reached, 3, told)
    assert found.private == new.private
    event = found.event
    assert (event.channel, event.seq, event.key) == (NIGHT, 3, new.key)
    assert event.epoch == reached.epoch_of(3)
    assert (event.version, event.type, event.id) == (new.version, new.type, new.id)
    assert (event.at, event.data) == (new.at, new.data)
    assert body(event, found.private) == told


@given(extents())
def test_epochs_are_read_as_they_are_told(reached: Extent) -> None:
    told = tell_epochs(reached.epochs)
    numbers = str(reached.top), str(reached.floor)
    assert extent(told, *numbers) == reached
    assert extent(told.encode(), *(each.encode() for each in numbers)) == reached


def test_a_delivery_numbers_the_events_up_to_the_top() -> None:
    delivery = part("a", "b", top=7).delivery()
    assert [(e.event.key, e.event.seq) for e in delivery.entries] == [
        ("a", 6),
        ("b", 7),
    ]
    assert part(top=7).delivery().entries == ()


def test_what_is_purged_leaves_the_numbers_of_the_others() -> None:
    whole = part("a", "b", "c", top=7)
    less = whole.without(NIGHT, [Position("aaaaaaaa", 6)])
    assert less.bodies == (whole.bodies[0], b"", whole.bodies[2])
    assert whole.without("latest", [Position("aaaaaaaa", 6)]) == whole
    assert whole.without(NIGHT, [Position("bbbbbbbb", 6)]) == whole


def test_a_history_is_read_from_its_entries() -> None:
    (told,) = part("a", top=3).bodies
    found = history(NIGHT, b"aaaaaaaa@1,", b"3", b"0", [(b"3-0", (b"d", told))])
    assert found.extent == Extent((Epoch("aaaaaaaa", 1),), 3, 0)
    assert [(e.event.key, e.event.seq) for e in found.entries] == [("a", 3)]
