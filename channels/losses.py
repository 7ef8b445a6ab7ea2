"""What a log could not keep, told to those who can write it again."""

from collections.abc import Callable
from dataclasses import dataclass

from channels.events import Event


@dataclass(frozen=True, slots=True)
class Loss:
    """Events that were acknowledged and that the log does not hold any more.

    `events` are those that somebody still remembers, under the numbers they had;
    `unknown` counts the publishes of which nothing is known but that they were.
    """

    events: tuple[Event, ...]
    unknown: int = 0


Lost = Callable[[Loss], None]
"""Who is told of a loss; called on the event loop, must not block."""
