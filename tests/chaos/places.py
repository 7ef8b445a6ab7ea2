"""Where a reader is in its channels: what a client has to keep to go on."""

from collections.abc import Mapping

from channels.positions import Position
from tests.chaos.history import position


class Places:
    """A position for each channel; None where the reader was told of none."""

    def __init__(self, channels: tuple[str, ...]) -> None:
        self.at: dict[str, str | None] = dict.fromkeys(channels)
        self._goals: dict[str, Position] = {}  # tops it is still on its way to

    def open(self, channel: str, at: str, top: str, *, anew: bool) -> bool:
        """Whether reading can go on from here; else all has to be asked for anew.

        What was left out on the way to a top is superseded only in a log that reaches
        so far: where the new top does not, what superseded it may be gone.
        """
        goal, reached = self._goals.get(channel), position(top)
        if goal is not None and not anew and not _reaches(reached, goal):
            return False
        self._goals[channel] = reached
        self.move(channel, at)
        return True

    def move(self, channel: str, at: str) -> None:
        """The reader has got to this position."""
        self.at[channel] = at
        goal = self._goals.get(channel)
        if goal is not None and position(at).seq >= goal.seq:
            del self._goals[channel]

    def forget(self) -> None:
        """Everything is to be asked for anew."""
        self.at = dict.fromkeys(self.at, "0")
        self._goals = {}

    def have_reached(self, tops: Mapping[str, str]) -> bool:
        """Whether the reader has come to all of these, and is on no way."""
        return not self._goals and all(at == tops[name] for name, at in self.at.items())


def _reaches(top: Position, goal: Position) -> bool:
    return top.epoch == goal.epoch and top.seq >= goal.seq
