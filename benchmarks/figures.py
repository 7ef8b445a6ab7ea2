"""What repeated measuring comes to: the middle, the spread, and the slow end."""

import statistics
from collections.abc import Sequence


def middle(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def late(values: Sequence[float], part: float = 0.99) -> float:
    """What all but the slowest hundredth stay below (or another part of them)."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def ratio(found: Sequence[float], baseline: Sequence[float]) -> str:
    """How many times the baseline: the median of the rounds, lowest and highest."""
    rounds = [one / other for one, other in zip(found, baseline, strict=True)]
    return f"{middle(rounds):5.2f} x ({min(rounds):.2f}-{max(rounds):.2f})"
