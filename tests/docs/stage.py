"""Plays the examples of a page, in order, against a real service.

A block ```` ```http ```` is a request, or the answer to the one before. After
`GET /stream` the blocks ```` ```sse ```` are what the stream says next, heartbeats
passed over unless one is shown. Cues are comments on a line of their own:

    <!-- scene: bound=10 -->   a new service with an empty log, and these settings
    <!-- the service stops -->
    <!-- the service starts again -->

`‹token›` is a chief's; a request marked `http 12 times` is sent so often.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from http import HTTPStatus
from itertools import count
from pathlib import Path

import httpx

from tests.docs.likeness import differences, fill
from tests.docs.pages import Part
from tests.serving import Service, running

_ANSWER = re.compile(r"HTTP/1\.1 (\d{3}) (.+)")


class Stage:
    """One run through the examples of a page."""

    def __init__(self, folder: Path) -> None:
        self._folders: Iterator[Path] = (folder / str(n) for n in count())
        self._folder = folder
        self._settings: dict[str, object] = {}
        self._service: Service | None = None
        self._open = AsyncExitStack()
        self._known: dict[str, str] = {}
        self._answer: httpx.Response | None = None
        # All of them are kept: a stream that nobody holds is closed.
        self._streams: list[AsyncIterator[list[str]]] = []

    async def play(self, part: Part) -> list[str]:
        """Play one part of the page; what differs from what it shows, in words."""
        if part.kind == "cue":
            await self._follow_cue(part.text)
        elif part.kind == "http" and _ANSWER.match(part.text):
            return [*self._compare_answer(part.text)]
        elif part.kind == "http":
            times = int(part.note.removesuffix(" times") or 1)
            for _ in range(times):
                await self._request(part.text)
        elif part.kind == "sse":
            return [line async for line in self._compare_stream(part.text)]
        return []

    async def close(self) -> None:
        """The end of the play."""
        self._service = None
        self._streams.clear()
        await self._open.aclose()

    async def _follow_cue(self, cue: str) -> None:
        name, _, given = cue.partition(":")
        if name == "scene":
            await self.close()
            self._folder = next(self._folders)
            pairs = [pair.split("=") for pair in given.split()]
            self._settings = {key: int(value) for key, value in pairs}
            self._known = {}
            await self._start()
        elif cue == "the service stops":
            assert self._service is not None
            self._service.server.should_exit = True
        elif cue == "the service starts again":
            await self.close()
            await self._start()

    async def _start(self) -> None:
        service = running(self._folder, 0, vfs=None, **self._settings)
        self._service = await self._open.enter_async_context(service)
        self._known["token"] = self._service.token()
        self._known["address"] = self._service.url

    async def _request(self, text: str) -> None:
        assert self._service is not None, "the page sets no scene"
        head, _, body = fill(text, self._known).partition("\n\n")
        first, *lines = head.strip().splitlines()
        method, target = first.split(" ", 1)
        headers = dict(line.split(": ", 1) for line in lines)
        # The page breaks lines where it likes; what is sent is what it means.
        content = json.dumps(json.loads(body)).encode() if body.strip() else b""
        http = self._service.http
        request = http.build_request(method, target, headers=headers, content=content)
        if target.startswith("/stream"):
            self._answer = await http.send(request, stream=True)
            self._open.push_async_callback(self._answer.aclose)
            self._streams.append(_frames(self._answer))
            if not self._answer.is_success:
                await self._answer.aread()
        else:
            self._answer = await http.send(request)

    def _compare_answer(self, text: str) -> Iterator[str]:
        assert self._answer is not None, "nothing was asked"
        head, _, body = text.partition("\n\n")
        first, *lines = head.strip().splitlines()
        status = self._answer.status_code
        said = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
        if first != said:
            yield f"the page shows {first}, it is {said}: {self._answer.text[:400]}"
            return
        for name, value in (line.split(": ", 1) for line in lines):
            found = self._answer.headers.get(name)
            yield from differences(value, found, self._known, f"{name}: ")
        if body.strip():
            shown, found = json.loads(body), self._answer.json()
            yield from differences(shown, found, self._known)
        elif status == HTTPStatus.NOT_MODIFIED and self._answer.content:
            yield "a 304 has no body"

    async def _compare_stream(self, text: str) -> AsyncIterator[str]:
        assert self._streams, "no stream was asked for"
        frames = self._streams[-1]
        for shown in text.strip().split("\n\n"):
            lines = shown.splitlines()
            said = await anext(frames)
            while said[0] == "event: heartbeat" and lines[0] != said[0]:
                said = await anext(frames)
            if [_name(line) for line in lines] != [_name(line) for line in said]:
                yield f"the page shows {lines}, it is {said}"
                continue
            for one, other in zip(lines, said, strict=True):
                for each in differences(_value(one), _value(other), self._known):
                    yield f"{lines[0]}: {each}"


async def _frames(answer: httpx.Response) -> AsyncIterator[list[str]]:
    rest = ""
    async for chunk in answer.aiter_text():
        *whole, rest = (rest + chunk).split("\n\n")
        for frame in whole:
            yield frame.splitlines()


def _name(line: str) -> str:
    return line.partition(": ")[0]


def _value(line: str) -> object:
    name, _, value = line.partition(": ")
    loaded: object = json.loads(value) if name == "data" else value
    return loaded
