"""The fence against a brute-force model: a reader holds a prefix, or it does not."""

from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.positions import (
    START,
    Epoch,
    Extent,
    Position,
    join_ids,
    judge,
    parse,
    split_id,
)
from tests.channels.samples import ONE, TWO, extent

EPOCHS = st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=8, max_size=8)
POSITIONS = st.builds(Position, EPOCHS, st.integers(0, 10**16 - 1)) | st.just(START)


@given(POSITIONS)
def test_what_is_printed_is_read_back(position: Position) -> None:
    assert parse(str(position)) == position


@given(st.text("0a9-, \n\u0663\u00e9A", max_size=12))
def test_what_is_read_prints_as_it_was(text: str) -> None:
    position = parse(text)
    assert position is None or str(position) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "00", "1", "-", "aaaaaaaa", "aaaaaaaa-", "aaaaaaa-1", "aaaaaaaaa-1"),
        *("aaaaaaaa-01", "aaaaaaaa--1", "aaaaaaaa-+1", "aaaaaaaa-1 ", " aaaaaaaa-1"),
        *("AAAAAAAA-1", "aaaaaaaa-1\n", "aaaaaaaa-\u0663", "aaaaaaaa-" + "1" * 17),
        *("aaaaaaaa-1,bbbbbbbb-2", "null", "0\n"),
    ],
)
def test_what_breaks_the_grammar_is_none(text: str) -> None:
    assert parse(text) is None


@dataclass
class Lives:
    """A log as a list of what it holds, and every position it ever gave out."""

    held: list[int] = field(default_factory=list)
    epochs: tuple[Epoch, ...] = ()
    restarted: bool = True
    given: dict[Position, tuple[int, ...]] = field(default_factory=dict)
    serial: "count[int]" = field(default_factory=count)

    @property
    def extent(self) -> Extent:
        return Extent(self.epochs, len(self.held))

    def append(self) -> None:
        if self.restarted:
            name = f"{next(self.serial):08d}"
            self.epochs = (*self.epochs, Epoch(name, len(self.held) + 1))
            self.restarted = False
        self.held.append(next(self.serial))

    def hand_out(self) -> None:
        for seq in range(len(self.held) + 1):
            self.given[self.extent.position(seq)] = tuple(self.held[:seq])

    def restore(self, copy: tuple[list[int], tuple[Epoch, ...]]) -> None:
        self.held, self.epochs, self.restarted = list(copy[0]), copy[1], True


@given(st.data())
def test_a_position_is_good_exactly_where_its_prefix_still_stands(
    data: st.DataObject,
) -> None:
    log = Lives()
    copies = [(list(log.held), log.epochs)]
    for step in data.draw(st.lists(st.sampled_from("aaaacrr"), max_size=30)):
        if step == "a":
            log.append()
        elif step == "c":
            copies.append((list(log.held), log.epochs))
        else:
            log.restore(data.draw(st.sampled_from([*copies, (log.held, log.epochs)])))
        log.hand_out()
    for position, prefix in log.given.items():
        stands = tuple(log.held[: len(prefix)]) == prefix
        assert (judge(position, log.extent) is None) == stands, position


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0", None),
        (f"{ONE}-0", None),
        ("garbage0-0", None),
        ("garbage0-1", "epoch"),
        (f"{ONE}-2", "trimmed"),
        (f"{ONE}-3", None),
        (f"{ONE}-4", None),
        (f"{ONE}-5", "epoch"),
        (f"{TWO}-5", None),
        (f"{TWO}-9", None),
        (f"{TWO}-10", "ahead"),
    ],
)
def test_the_fence_names_what_is_wrong(text: str, reason: str | None) -> None:
    position = parse(text)
    assert position is not None
    assert judge(position, extent(9, floor=3, **{TWO: 5})) == reason


def test_a_channel_without_events_knows_only_the_start() -> None:
    assert str(extent(0).end) == "0"
    assert judge(START, extent(0)) is None
    assert judge(Position(ONE, 1), extent(0)) == "epoch"


def test_a_number_belongs_to_the_life_it_was_given_in() -> None:
    two_lives = extent(9, **{TWO: 5})
    names = [two_lives.epoch_of(seq) for seq in (0, 1, 4, 5, 9)]
    assert names == [TWO, ONE, ONE, TWO, TWO]
    assert str(two_lives.end) == f"{TWO}-9"
    # An extent that does not say where its first life began still names the present.
    assert Extent((Epoch(ONE, 5),), 9).epoch_of(3) == ONE


@given(st.lists(POSITIONS, min_size=2, max_size=20))
def test_an_id_of_several_channels_is_read_back(positions: list[Position]) -> None:
    slots = [str(position) for position in positions]
    assert split_id(join_ids(slots), len(slots)) == slots


def test_a_lone_zero_means_every_channel() -> None:
    assert split_id("0", 1) == ["0"]
    assert split_id("0", 3) == ["0", "0", "0"]


def test_a_spoiled_slot_spoils_itself_alone() -> None:
    assert split_id(f"{ONE}-1,,x,0", 4) == [f"{ONE}-1", "", "", "0"]


@pytest.mark.parametrize("text", ["", f"{ONE}-1", f"{ONE}-1,{ONE}-2,{ONE}-3", ","])
def test_a_wrong_number_of_slots_spoils_them_all(text: str) -> None:
    assert split_id(text, 2) == ["", ""]
