"""How far a reader has got: positions, the ids made of them, and the fence's rule.

A position is `<epoch>-<seq>`. The epoch names the life of the log in which the number
was given, so that a log which lost its tail and gives the same numbers again can never
pass for the one a reader knew. `0` is before everything.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

_POSITION = re.compile(r"([0-9a-z]{8})-(0|[1-9][0-9]{0,15})")
_START = "0"

Reason = Literal["epoch", "ahead", "trimmed", "malformed"]


@dataclass(frozen=True, slots=True)
class Position:
    """`seq` of the last event a reader holds, and the epoch it was numbered in."""

    epoch: str
    seq: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.seq}" if self.epoch else _START


START = Position("", 0)


@dataclass(frozen=True, slots=True)
class Epoch:
    """One life of the log: its name, and the first number given in it."""

    name: str
    first: int


@dataclass(frozen=True, slots=True)
class Extent:
    """What a channel's numbers span: its epochs in order, its top and its floor."""

    epochs: tuple[Epoch, ...] = ()
    top: int = 0  # the newest number; 0 for a channel without events
    floor: int = 0  # numbers at or below are forgotten

    def epoch_of(self, seq: int) -> str:
        """The epoch in which `seq` was given; of 0, the present one."""
        if seq > 0:
            for epoch in reversed(self.epochs):
                if epoch.first <= seq:
                    return epoch.name
        return self.epochs[-1].name if self.epochs else ""

    def position(self, seq: int) -> Position:
        """The position of a reader that holds everything up to `seq`."""
        return Position(self.epoch_of(seq), seq)

    @property
    def end(self) -> Position:
        """The position of the top."""
        return self.position(self.top)


def parse(text: str) -> Position | None:
    """A position, or None where the text breaks the grammar."""
    if text == _START:
        return START
    match = _POSITION.fullmatch(text)
    return Position(match[1], int(match[2])) if match else None


def judge(position: Position, extent: Extent) -> Reason | None:
    """The fence: None where reading may go on after `position`, else why not.

    `(e, n)` is good where `n` is 0, or where `e` is one of the channel's epochs, `n`
    is below the first number of the next epoch (at most the top, in the last one) and
    not below the floor.
    """
    if position.seq == 0:
        return None
    names = [epoch.name for epoch in extent.epochs]
    if position.epoch not in names:
        return "epoch"
    later = extent.epochs[names.index(position.epoch) + 1 :]
    if later and position.seq >= later[0].first:
        return "epoch"
    if position.seq > extent.top:
        return "ahead"
    return "trimmed" if position.seq < extent.floor else None


def join_ids(slots: Sequence[str]) -> str:
    """The id of a stream of several channels: their positions, in channel order."""
    return ",".join(slots)


def split_id(text: str, count: int) -> list[str]:
    """One slot for each of `count` channels, in the order of their names.

    A lone `0` means every channel. A slot that cannot be used is returned as an empty
    string, which no position equals: a wrong number of slots spoils them all.
    """
    if text == _START:
        return [_START] * count
    slots = text.split(",")
    if len(slots) != count:
        return [""] * count
    return [slot if parse(slot) is not None else "" for slot in slots]
