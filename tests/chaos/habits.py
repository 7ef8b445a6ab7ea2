"""How readers read: what, from where on, how fast, and how they lose the line."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Habit:
    """How a reader reads.

    `start`: with the whole state, with a page of it, with the position of a page alone,
    or with what comes next. `slow` and `flighty` are the chances, at each piece that
    arrives, to look away for a while and to drop the line.
    """

    channels: tuple[str, ...]
    start: Literal["all", "page", "place", "now"] = "all"
    slow: float = 0
    flighty: float = 0
    polls: bool = False


SLUGS = ("night", "coast", "north")
SECTION = "section/electoral-processes"
_ALL = tuple(f"story/{slug}" for slug in SLUGS)

HABITS = (
    Habit(("story/night",)),
    Habit(("story/coast",), start="page"),
    Habit(("story/north",), start="place", flighty=0.02),
    Habit(("story/night", "breaking")),
    Habit(("story/coast", "breaking", "latest"), start="page"),
    Habit(("breaking", "stories", "story/night"), start="now"),
    Habit((*_ALL, "latest"), slow=0.3),
    Habit((SECTION,), start="place"),
    Habit(("story/night",), polls=True, start="page"),
    Habit(("story/north", "latest"), polls=True),
    Habit(_ALL, flighty=0.05),
    Habit(("story/coast",), slow=0.5, flighty=0.02),
)
"""How readers read; a crowd has as many of each as there are."""
