"""Everybody who is there in a night: the editors, and the readers with their habits."""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from random import Random

import httpx

from tests.chaos.habits import HABITS, SLUGS, Habit
from tests.chaos.history import History
from tests.chaos.publishers import Desk, Publisher, signed
from tests.chaos.readers import Reader


@dataclass(frozen=True, slots=True)
class Size:
    """How many there are. `pause`: seconds, the most between an editor's two writes."""

    publishers: int = 8
    readers: int = 24
    pause: float = 0.1


@dataclass(frozen=True, slots=True)
class Crew:
    """Editors and readers over the same workers, with one history."""

    history: History
    desk: Desk
    publishers: Sequence[Publisher]
    readers: Sequence[Reader]
    http: httpx.AsyncClient
    addresses: Sequence[str]

    @property
    def channels(self) -> tuple[str, ...]:
        """Every channel that somebody reads, and every story."""
        read = {name for each in self.readers for name in each.reading.channels}
        return tuple(sorted(read | {f"story/{slug}" for slug in self.desk.slugs}))

    async def open_stories(self) -> None:
        """Something stands in every channel before anything breaks."""
        headers = signed("editor")
        for slug in self.desk.slugs:
            story = {"slug": slug, "headline": f"Story {slug}", "status": "live"}
            answer = await self.http.post(
                f"{self.addresses[0]}/api/stories", json=story, headers=headers
            )
            assert answer.status_code == 201, answer.text
        for publisher in self.publishers:
            await publisher.begin()


@asynccontextmanager
async def crew(
    addresses: Sequence[str],
    seed: int,
    size: Size,
    *,
    habits: Sequence[Habit] = HABITS,
    reader: type[Reader] = Reader,
    edition: str = "",
) -> AsyncIterator[Crew]:
    """A crew that knows where the service is, and has not begun. Random by `seed`.

    `edition` is added to the names of the stories, so that one service may have
    several nights.
    """
    history, desk = History(), Desk(tuple([slug + edition for slug in SLUGS]))
    habits = [_in_edition(habit, edition) for habit in habits]
    async with _client() as http, _client(narrow=True) as slow:
        publishers = [
            Publisher(
                history,
                f"editor {number}",
                desk,
                addresses,
                Random(f"{seed} editor {number}"),
                http,
                pause=size.pause,
            )
            for number in range(size.publishers)
        ]
        readers = [
            reader(
                history,
                f"reader {number}",
                habit,
                addresses,
                Random(f"{seed} reader {number}"),
                slow if habit.slow else http,
            )
            for number, habit in enumerate(
                habits[number % len(habits)] for number in range(size.readers)
            )
        ]
        history.readings += [each.reading for each in readers]
        yield Crew(history, desk, publishers, readers, http, addresses)


def _in_edition(habit: Habit, edition: str) -> Habit:
    channels = [
        name + edition if name.startswith("story/") else name for name in habit.channels
    ]
    return replace(habit, channels=tuple(channels))


def _client(*, narrow: bool = False) -> httpx.AsyncClient:
    """A client without a bound on connections; `narrow`: the system buffers little."""
    options = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)] if narrow else []
    transport = httpx.AsyncHTTPTransport(
        verify=False,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=20),
        socket_options=options,
    )
    return httpx.AsyncClient(transport=transport)
