"""What append.lua is told: a batch as keys and words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from channels.events import Append, is_bounded
from channels.redis.keys import Keys
from channels.redis.wire import body

Token = Callable[[], str]
"""Gives a name that no epoch had before."""


@dataclass(frozen=True, slots=True)
class Command:
    """One call of append.lua, and the events it carries, in order."""

    keys: tuple[str, ...]
    words: tuple[str | bytes | int, ...]
    bodies: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Author:
    """Who appends, and by which rules."""

    keys: Keys
    worker: str
    token: Token
    bound: int  # numbers that a bounded channel keeps
    sharded: bool  # whether words go by sharded pub/sub

    def command(
        self, batch: Sequence[Append], *, healing: str = "", count: int = 0
    ) -> Command:
        """The call for a batch.

        `healing` is the guard to heal, `count` how many epochs of the site the healer
        knows of.
        """
        keys, bodies = [self.keys.site], []
        words: list[str | bytes | int] = [
            "SPUBLISH" if self.sharded else "PUBLISH",
            self.keys.batches,
            self.worker,
            healing,
            self.token(),
            count,
        ]
        for append in batch:
            keys += [self.keys.meta(append.channel), self.keys.log(append.channel)]
            events = [body(event, event.private) for event in append.events]
            words += [*self._asks(append), len(events), *events]
            words += [len(append.remove), *append.remove]
            bodies += events
        return Command(tuple(keys), tuple(words), tuple(bodies))

    def _asks(self, append: Append) -> list[str | int]:
        expected, bounded = append.expected_seq, is_bounded(append.channel)
        return [
            append.channel,
            "" if expected is None else expected,
            append.expected_epoch or "",
            self.token(),
            self.bound if bounded else 0,
        ]
