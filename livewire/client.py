"""The Python client: write to a desk, and follow a channel without a gap.

    async with Client("https://live.example.org", token) as desk:
        written = await desk.publish("election-night", body="Polls **close**.")
        async with aclosing(desk.follow("story/election-night", "0")) as events:
            async for event in events:
                ...

The law: a write is repeated only under its own idempotency key, so it acts once; a
follow goes on only where the server has judged its position, so nothing is missed and
nothing is had twice.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self
from urllib.parse import quote, urlsplit
from uuid import uuid4

import httpx
from httpx_sse import ServerSentEvent, aconnect_sse

from channels.events import Data
from livewire.following import (
    Change,
    Closed,
    Event,
    Heartbeat,
    Live,
    Lost,
    Reader,
    Reset,
    Trimmed,
)
from livewire.problems import (
    LONGEST_RETRY,
    Problem,
    as_data,
    breakage,
    content_of,
    problem_in,
    unanswered,
)

__all__ = [
    "Change",
    "Client",
    "Closed",
    "Event",
    "Heartbeat",
    "Live",
    "Lost",
    "Problem",
    "Reset",
    "Trimmed",
    "Written",
]

SILENCE = 37.5
"""Seconds without a byte after which a line is given up: 2.5 heartbeats."""

LONGEST_WAIT = 30.0  # seconds, the most that jitter adds before a reconnect
LONGEST_PAUSE = 8.0  # seconds, the most between two tries of one write
TRIES = 5  # of one write


@dataclass(frozen=True, slots=True)
class Written:
    """What a write came to."""

    thing: Data  # the update or story as it is now
    position: str  # of its event in the story's channel
    durability: str  # what it would survive, as `fsync`
    readers: int  # who followed the story in the worker that answered
    replayed: bool  # whether an earlier try had done it already


class Client:
    """One desk. `token` may be a function that makes a fresh one for each request.

    `timeout` (seconds) is for one try of a request. `draw` gives numbers from 0 to 1,
    `sleep` waits some seconds; both are here to be replaced in tests.
    """

    def __init__(
        self,
        base_url: str,
        token: str | Callable[[], str] | None = None,
        *,
        timeout: float = 10,
        draw: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{base_url!r} is not an address of the web")
        self._http = httpx.AsyncClient(base_url=base_url, timeout=timeout)
        self._timeout = timeout
        self._token = token
        self._draw = draw
        self._sleep = sleep

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *gone: object) -> None:
        await self._http.aclose()

    async def open(
        self, slug: str | None = None, /, *, key: str | None = None, **story: object
    ) -> Written:
        """Open a story; without a slug the desk makes one. Raises `Problem`."""
        body = story if slug is None else {"slug": slug, **story}
        return await self._write("POST", "/api/stories", body, key=key)

    async def publish(
        self, story: str, /, *, key: str | None = None, **update: object
    ) -> Written:
        """Publish an update in a story. Raises `Problem`."""
        path = f"{_path(story, None)}/updates"
        return await self._write("POST", path, update, key=key)

    async def change(
        self,
        story: str,
        id_: str | None,
        version: int | str,
        /,
        *,
        key: str | None = None,
        **patch: object,
    ) -> Written:
        """Change an update, or the story itself where `id_` is None (RFC 7396).

        `version` is the one that was read, or `*` to overwrite whatever is there. A
        `Problem` of status 412 says that somebody else was first.
        """
        match = "*" if version == "*" else f'"{version}"'
        path = _path(story, id_)
        return await self._write("PATCH", path, patch, key=key, match=match)

    async def withdraw(
        self,
        story: str,
        id_: str | None,
        reason: str,
        /,
        *,
        note: str | None = None,
        purge: bool = False,
        key: str | None = None,
    ) -> Written:
        """Withdraw an update for good, or the whole story. Raises `Problem`."""
        body = {"reason": reason, "note": note, "purge": purge}
        return await self._write("POST", f"{_path(story, id_)}/withdraw", body, key=key)

    async def show(self, story: str, /) -> Data:
        """A story as it is now. Raises `Problem`."""
        answer = await self._ask("GET", _path(story, None), None, self._headers())
        return as_data(content_of(answer)["story"])

    async def follow(
        self, channel: str, since: str | None = None, *, silence: float = SILENCE
    ) -> AsyncGenerator[Event, None]:
        """Follow a channel after `since`: a position, `0` (everything), None (now).

        Goes on by itself after every loss of the line; ends after `Closed`. Raises
        `Problem` where the channel can never be served as asked.
        """
        reader, failures = Reader(channel, since), 0
        while True:
            reader.connect()
            why, least = "the stream ended", 0.0
            try:
                async with self._line(reader, silence) as events:
                    async for event in events:
                        failures = 0 if reader.open else failures
                        yield event
                if reader.final:
                    return
                why = reader.left or why
            except httpx.TransportError as error:
                why = reader.left or breakage(error)
            except Problem as problem:
                if problem.status < 500 and not problem.passing:
                    raise
                why, least = str(problem), problem.after
            spread = self._draw() * min(LONGEST_WAIT, 2**failures)
            wait = max(least, reader.retry + spread)
            failures = min(failures + 1, 10)
            yield Lost(channel, why, wait)
            await self._sleep(wait)

    @asynccontextmanager
    async def _line(
        self, reader: Reader, silence: float
    ) -> AsyncIterator[AsyncIterator[Event]]:
        """What an open stream tells. Raises `Problem`."""
        params, headers = {"channel": reader.channel}, self._headers()
        if reader.position is not None:
            # Said twice, because proxies exist that drop headers they do not know.
            params["since"] = headers["Last-Event-ID"] = reader.position
        timeout = httpx.Timeout(self._timeout, read=silence)
        async with aconnect_sse(
            self._http,
            "GET",
            "/stream",
            params=params,
            headers=headers,
            timeout=timeout,
        ) as source:
            await _check(source.response)
            async with (
                aclosing(source.aiter_sse()) as frames,
                aclosing(_events(reader, frames)) as events,
            ):
                yield events

    async def _write(
        self,
        method: str,
        path: str,
        body: Data,
        *,
        key: str | None,
        match: str | None = None,
    ) -> Written:
        headers = self._headers() | {"Idempotency-Key": key or str(uuid4())}
        if match is not None:
            headers["If-Match"] = match
        answer = await self._ask(method, path, body, headers)
        said = content_of(answer)
        return Written(
            as_data(said["update"] if "update" in said else said["story"]),
            str(said["position"]),
            str(said["durability"]),
            int(str(said["readers"])),
            "Idempotent-Replayed" in answer.headers,
        )

    async def _ask(
        self, method: str, path: str, body: Data | None, headers: dict[str, str]
    ) -> httpx.Response:
        """The answer, after as many tries as it takes. Raises `Problem`."""
        tries = 0
        while True:
            tries += 1
            try:
                answer = await self._http.request(
                    method, path, json=body, headers=headers
                )
                if answer.is_success:
                    return answer
                problem = problem_in(answer)
            except httpx.TransportError as error:
                problem = unanswered(error, headers.get("Idempotency-Key"))
            if tries == TRIES or not problem.passing:
                raise problem
            spread = self._draw() * min(LONGEST_PAUSE, 0.5 * 2**tries)
            await self._sleep(problem.after + spread)

    def _headers(self) -> dict[str, str]:
        token = self._token() if callable(self._token) else self._token
        return {"Authorization": f"Bearer {token}"} if token else {}


async def _events(
    reader: Reader, frames: AsyncIterator[ServerSentEvent]
) -> AsyncGenerator[Event, None]:
    """What the frames of one connection become, until either side has had enough."""
    async for frame in frames:
        if frame.retry is not None:
            reader.retry = min(max(frame.retry, 0) / 1000, LONGEST_RETRY)
        if frame.data:  # without it, a frame is no event (WHATWG HTML, 9.2.6)
            for event in reader.hear(frame.event, frame.data):
                yield event
        if reader.left:
            return


async def _check(response: httpx.Response) -> None:
    if response.status_code != HTTPStatus.OK:
        await response.aread()
        raise problem_in(response)
    if "text/event-stream" not in response.headers.get("content-type", ""):
        raise Problem(200, "about:blank", "This is not an event stream")


def _path(story: str, id_: str | None) -> str:
    path = f"/api/stories/{quote(story, safe='')}"
    return path if id_ is None else f"{path}/updates/{quote(id_, safe='')}"
