"""The words in which a run is judged, and the table that says how it went.

They are those of Jepsen's Kafka checker, and ours for what it cannot see.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

WORDS = (
    "lost-write",  # acknowledged, and not in the final log
    "aborted-read",  # seen, not in the final log, and never taken back by a reset
    "duplicate",  # one number delivered twice, or one key of a request stored twice
    "poll-skip",  # a reader at its top lacks what it has to hold
    "nonmonotonic",  # a number that does not rise
    "inconsistent-positions",  # one position of two events, or one event of two
    "unequal-final-state",  # at the end a reader or the log tells another story
    "unallowed-reset",  # a reset that no fault of the run explains
)


@dataclass(slots=True)
class Findings:
    """What was found, by word."""

    by_word: dict[str, list[str]] = field(
        default_factory=lambda: {word: [] for word in WORDS}
    )

    def add(self, word: str, what: object) -> None:
        """One more of a kind."""
        self.by_word[word].append(str(what))


@dataclass(frozen=True, slots=True)
class Audit:
    """How a run went. `loses`: a fault of it may lose what was acknowledged."""

    figures: Mapping[str, int]
    resets: Counter[str]
    findings: Findings
    loses: bool = False

    @property
    def problems(self) -> dict[str, int]:
        """Everything that has to be 0 and is not."""
        return {
            word: len(found)
            for word, found in self.findings.by_word.items()
            if found and not (self.loses and word == "lost-write")
        }

    @property
    def is_green(self) -> bool:
        """Whether nothing was found that must not be."""
        return not self.problems

    def table(self, *, examples: int = 3) -> str:
        """The audit as plain text: what was counted, then what has to be 0."""
        rows = [(name, str(count), "") for name, count in self.figures.items()]
        rows += [(f"reset {r}", str(n), "") for r, n in sorted(self.resets.items())]
        rows += [
            (word, str(len(found)), self._mark(word))
            for word, found in self.findings.by_word.items()
        ]
        width = max(len(name) for name, _, _ in rows)
        lines = [
            f"{name:<{width}}  {count:>7}  {mark}".rstrip()
            for name, count, mark in rows
        ]
        for word in self.problems:
            lines += [f"{word}: {x}" for x in self.findings.by_word[word][:examples]]
        return "\n".join(lines)

    def _mark(self, word: str) -> str:
        if word in self.problems:
            return "RED"
        return "allowed" if self.findings.by_word[word] else "ok"
