"""One reader in one channel, judged by what it was told.

The laws: numbers rise strictly within a follow and between resets; a reader at its top
holds what the log holds there; what a later life of the log does not have is held by
nobody who was not told so.
"""

from collections import Counter

from channels.positions import Position
from tests.chaos.findings import Findings
from tests.chaos.history import GONE, Event, Opened, Reached, position
from tests.chaos.known import Known


class Followed:
    """A reader's place in a channel, and what it holds."""

    def __init__(
        self, reader: str, channel: str, known: Known, findings: Findings
    ) -> None:
        self.resets: Counter[str] = Counter()
        self._name = f"{reader} in {channel}"
        self._known = known
        self._line = known.lines[channel]
        self._findings = findings
        self._held: dict[str, Event] = {}
        self._named: set[str] | None = None  # the keys since a reset, until its top
        self._base = 0  # at or below, it was never told anything
        self._at: Position | None = None
        self._top: Position | None = None  # until it is reached
        self._since: dict[Position, Event] = {}  # delivered since the last fresh start
        self._suspects: list[Event] = []  # not in the final log; a reset clears them
        self._polled = False
        self._is_first = True  # of its channel on this connection

    def end(self) -> None:
        """The line is gone: what opens next is judged by what the reader asked."""
        self._is_first = True

    def open(self, opened: Opened) -> None:
        """A connection opened the channel, or a poll was answered."""
        if self._top is None:
            self._look()
        start, top = position(opened.position), position(opened.top)
        self._is_first = self._is_first or opened.polled
        if opened.reason is not None or opened.asked == "0":
            self._begin_anew(opened)
        elif self._at is None:
            self._base = start.seq
        if opened.reason is None and opened.asked not in (None, "0", opened.position):
            self._add("poll-skip", f"asked {opened.asked}, got {opened.position}")
        self._at, self._top, self._polled = start, top, opened.polled
        self._is_first = False
        self._settle()

    def see(self, event: Event) -> None:
        """An event was delivered."""
        place = Position(event.epoch, event.seq)
        if place in self._since:
            self._add("duplicate", event)
        elif self._at is not None and event.seq <= self._at.seq:
            self._add("nonmonotonic", f"{event} after {self._at}")
        self._since[place] = event
        self._held[event.key] = event
        if self._named is not None:
            self._named.add(event.key)
        if not self._known.has(event):
            self._suspects.append(event)
        self._at = place
        self._settle()

    def reach(self, reached: Reached) -> None:
        """A poll said how far it went."""
        self._at = position(reached.position)
        self._settle()

    def finish(self) -> None:
        """Nothing more comes: what it holds has to be what the log holds."""
        top = self._line.top
        self._look()
        if self._at != top:
            self._add("poll-skip", f"stands at {self._at}, the log at {top}")
        for event in self._suspects:
            self._add("aborted-read", event)
        lowest = max(self._base, self._line.standing.floor)
        told, truth = (
            {key: e for key, e in state.items() if e.seq > lowest and e.body != GONE}
            for state in (self._held, self._line.standing.state)
        )
        if told != truth:
            keys = sorted(k for k in told | truth if told.get(k) != truth.get(k))
            first = keys[0]
            what = f"{len(keys)} keys, as {told.get(first)} for {truth.get(first)}"
            self._add("unequal-final-state", what)

    def _begin_anew(self, opened: Opened) -> None:
        if opened.reason is not None:
            self.resets[opened.reason] += 1
            self._judge_reset(opened)
        self._named = set()
        self._base = 0
        self._since = {}
        self._suspects = []

    def _judge_reset(self, opened: Opened) -> None:
        reason, asked = opened.reason or "", opened.asked
        if reason == "trimmed" and asked and position(asked).seq < opened.floor:
            return  # it was away for longer than the channel remembers
        if reason == "malformed" and asked is None:
            return  # its line was cut before the channel had opened: an empty slot
        if reason not in self._known.allows:
            self._add("unallowed-reset", f"{reason}, having asked {asked}")
        elif self._is_first and asked and self._is_proven(position(asked)):
            self._add("unallowed-reset", f"{reason}, though {asked} is of the log")

    def _is_proven(self, asked: Position) -> bool:
        # What is of the log at the end was of it all along, if there was but one.
        return self._line.proves(asked) and not self._known.loses

    def _settle(self) -> None:
        """At the top: drop what a reset did not name, and look."""
        if self._top is None or self._at is None or self._at.seq < self._top.seq:
            return
        self._top = None
        if self._named is not None:
            self._held = {k: e for k, e in self._held.items() if k in self._named}
            self._named = None
        self._look(exact=self._polled)

    def _look(self, *, exact: bool = False) -> None:
        """Whether everything is here that a reader with this position has to hold."""
        if self._at is None or not self._line.holds(self._at):
            return
        for event in self._line.due(self._base, self._at.seq, exact=exact):
            held = self._held.get(event.key)
            if held != event and not (held is None and event.body == GONE):
                self._add("poll-skip", f"at {self._at} {held} for {event}")

    def _add(self, word: str, what: object) -> None:
        self._findings.add(word, f"{self._name}: {what}")
