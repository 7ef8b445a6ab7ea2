"""Readers that behave as browsers do, and write down all they are told.

They keep the last id they were given and come back with it after `retry`, at whichever
worker. They judge nothing: what they keep of a position is what a client needs.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Any

import httpx
import orjson

from channels.events import EVENT_TYPES
from channels.positions import join_ids
from tests.chaos.frames import Frame, Frames
from tests.chaos.habits import Habit
from tests.chaos.history import Ended, History, Opened, Reached, Reading, Seen
from tests.chaos.places import Places

SILENCE = httpx.Timeout(2, read=4)
"""Seconds without a byte until a line is given up; heartbeats come every second."""

LONG_POLL = httpx.Timeout(2, read=6)


class Unserved(Exception):
    """An answer that is no stream and no page: come back later."""


class Reader:
    """One reader. `addresses` are the workers it may find itself at."""

    def __init__(
        self,
        history: History,
        name: str,
        habit: Habit,
        addresses: Sequence[str],
        random: Random,
        http: httpx.AsyncClient,
    ) -> None:
        self.reading = Reading(name, tuple(sorted(habit.channels)))
        self.places = Places(self.reading.channels)
        self._history = history
        self._habit = habit
        self._addresses = addresses
        self._random = random
        self._http = http
        self._retry = 0.2  # seconds, until the service has named its own
        self._last_id: str | None = None
        self._line: asyncio.Task[None] | None = None
        self._asked: Mapping[str, str | None] = {}
        self._begun = False
        self._polling = False

    def cut(self) -> None:
        """Lose the line, wherever in a frame it is."""
        if self._line is not None:
            self._line.cancel()

    def hurry(self) -> None:
        """Look away no more, and stay: the end is near."""
        self._habit = replace(self._habit, slow=0, flighty=0)

    async def run(self) -> None:
        """Read until cancelled, on one line after another."""
        while True:
            self._line = asyncio.create_task(self._read())
            try:
                await asyncio.wait({self._line})
            finally:
                self._line.cancel()
                with suppress(asyncio.CancelledError):
                    await self._line
            await asyncio.sleep(self._retry * self._random.uniform(1, 1.5))

    async def _read(self) -> None:
        try:
            if not self._begun:
                await self._begin()
            await (self._poll_on() if self._habit.polls else self._stream())
            self._write(Ended("left"))
        except (httpx.TransportError, Unserved) as error:
            self._write(Ended(str(error) or type(error).__name__))
        except asyncio.CancelledError:
            self._write(Ended("cut"))
            raise

    async def _begin(self) -> None:
        """Load the page; the stream will most likely come from another worker."""
        for name in self.reading.channels:
            match self._habit.start:
                case "all":
                    self.places.at[name] = "0"
                case "page":
                    self.places.at[name] = "0"
                    await self._poll(name)
                case "place":
                    self.places.at[name] = await self._place_of(name)
                case "now":
                    pass
        at = [each or "" for each in self.places.at.values()]
        self._last_id = join_ids(at) if any(at) else None
        self._begun = True

    async def _place_of(self, channel: str) -> str:
        if channel.startswith("story/"):
            path, query = f"/api/stories/{channel.removeprefix('story/')}", {}
        else:
            path, query = "/changes", {"channel": channel}
        return str((await self._get(path, query))["position"])

    async def _stream(self) -> None:
        headers = {} if self._last_id is None else {"Last-Event-ID": self._last_id}
        query = {"channel": self.reading.channels}
        self._asked = dict(self.places.at)
        frames, self._polling = Frames(), False
        async with self._http.stream(
            "GET", self._at("/stream"), params=query, headers=headers, timeout=SILENCE
        ) as answer:
            if answer.status_code != 200:
                raise Unserved(f"status {answer.status_code}")
            async for piece in answer.aiter_bytes():
                for frame in frames.feed(piece):
                    self._hear(frame)
                self._retry = frames.retry or self._retry
                if self._random.random() < self._habit.flighty:
                    return
                if self._random.random() < self._habit.slow:
                    await asyncio.sleep(self._random.uniform(0.2, 2))

    def _hear(self, frame: Frame) -> None:
        members = orjson.loads(frame.data)
        if frame.event in ("ready", "reset"):
            self._open(members, self._asked[members["channel"]])
        elif frame.event in EVENT_TYPES:
            self._take(members)
        elif frame.event == "problem":
            raise Unserved(f"{members['channel']}: {members['status']}")
        elif frame.event == "close":
            raise Unserved(f"close: {members['reason']}")
        if frame.id is not None:
            self._last_id = frame.id

    def _open(self, members: Mapping[str, Any], asked: str | None) -> None:
        opened = Opened(
            members["channel"],
            asked,
            members.get("reason"),
            members["position"],
            members["top"],
            members["floor"],
            polled=self._polling,
        )
        anew = opened.reason is not None or asked == "0"
        channel, top = opened.channel, opened.top
        if not self.places.open(channel, opened.position, top, anew=anew):
            self.places.forget()
            self._last_id = "0"
            raise Unserved("the log may have lost its end")
        self._write(opened)

    def _take(self, members: Mapping[str, Any]) -> None:
        event = self._history.event(members)
        self._write(Seen(event))
        self.places.move(event.channel, members["position"])

    async def _poll_on(self) -> None:
        while self._random.random() >= self._habit.flighty:
            for name in self.reading.channels:
                wait = self._random.choice(({}, {"wait": "1"}, {"wait": "2"}))
                await self._poll(name, **wait)
            await asyncio.sleep(1)

    async def _poll(self, channel: str, **wait: str) -> None:
        more = self._polling = True
        while more:
            asked = self.places.at[channel]
            since = {} if asked is None else {"since": asked}
            answer = await self._get("/changes", {"channel": channel, **since, **wait})
            reason, at = answer["reset"], answer["position"]
            beginning = at if asked is None else asked
            if reason is not None or asked == "0":
                beginning = "0"
            self._open(answer | {"reason": reason, "position": beginning}, asked)
            for members in answer["events"]:
                self._take(members)
            self._write(Reached(channel, at))
            self.places.move(channel, at)
            more = answer["more"]

    async def _get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        answer = await self._http.get(self._at(path), params=query, timeout=LONG_POLL)
        if answer.status_code != 200:
            raise Unserved(f"status {answer.status_code}")
        return dict(orjson.loads(answer.content))

    def _at(self, path: str) -> str:
        return self._random.choice(self._addresses) + path

    def _write(self, observation: Opened | Seen | Reached | Ended) -> None:
        self.reading.observations.append(observation)
