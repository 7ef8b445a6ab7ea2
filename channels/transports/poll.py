"""Polling: `GET /changes`, the same changes as one JSON document."""

import asyncio
import re
from dataclasses import dataclass
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

from channels.access import Doorman
from channels.encoding import Encoded, changes
from channels.errors import Fault, Invalid
from channels.follow import Sink
from channels.hub import Hub
from channels.positions import Extent, Position, Reason, parse
from channels.transports.connections import Connections
from channels.view import View

LONGEST_WAIT = 30
_WHOLE = re.compile(r"[0-9]{1,2}")
MOST_EVENTS = 500
"""Events in one answer; `more` says that the next poll will bring further ones."""


@dataclass(frozen=True, slots=True)
class _Ask:
    channel: str
    since: str | None
    wait: int | None


class Poll:
    """The door of `/changes`. `build` tells apart what two releases would answer."""

    def __init__(
        self, hub: Hub, doorman: Doorman, connections: Connections, *, build: str
    ) -> None:
        self._hub = hub
        self._doorman = doorman
        self._connections = connections
        self._build = build

    async def answer(self, request: Request) -> Response:
        """Answer one request, at once or when something has changed."""
        reading = self._doorman(request.headers.get("authorization"))
        ask = _ask(request)
        reading.ask(ask.channel)
        position = parse(ask.since) if ask.since is not None else None
        view = await self._hub.view(ask.channel, position)
        reading.see(view)
        start = view.extent.end if ask.since is None else position
        if ask.wait and self._has_all(request, view, start):
            await self._wait(ask.channel, view.extent.end, ask.wait)
            view = await self._hub.view(ask.channel, start)
            reading.see(view)
        return self._respond(request, ask, view, start, private=reading.private)

    def _has_all(self, request: Request, view: View, start: Position | None) -> bool:
        if is_held(request, self._etag(view, start)):
            return True
        if start is None or view.judge(start) is not None:
            return False
        return not view.after(start.seq)

    async def _wait(self, channel: str, position: Position, seconds: int) -> None:
        if self._connections.draining:
            return
        bell = _Bell()
        follow = self._hub.follow(channel, bell, position)
        self._connections.add(bell)
        try:
            async with asyncio.timeout(seconds):
                await bell.rung.wait()
        except TimeoutError:
            pass
        finally:
            self._connections.discard(bell)
            self._hub.leave(follow)

    def _respond(
        self,
        request: Request,
        ask: _Ask,
        view: View,
        start: Position | None,
        *,
        private: bool,
    ) -> Response:
        reason = "malformed" if start is None else view.judge(start)
        seq = start.seq if start is not None and reason is None else 0
        found = view.after(seq)
        events, more = found[:MOST_EVENTS], len(found) > MOST_EVENTS
        end = events[-1].event.seq if more else view.extent.top
        headers = {
            "Cache-Control": _keep(
                private=private, passing=not events or ask.wait is not None
            ),
            "ETag": self._etag(view, start),
        }
        if is_held(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        body = changes(
            ask.channel,
            view.extent,
            view.extent.position(end),
            reason,
            events,
            more=more,
        )
        return Response(body, media_type="application/json", headers=headers)

    def _etag(self, view: View, start: Position | None) -> str:
        # The answer depends on where the reader stands and on where the channel does.
        text = f"{start}|{view.extent.end}|{view.extent.floor}|{self._build}"
        return f'"{sha256(text.encode()).hexdigest()[:24]}"'


def _ask(request: Request) -> _Ask:
    query = request.query_params
    faults: list[Fault] = []
    if len(query.getlist("channel")) != 1:
        faults.append(Fault("?channel", "Name exactly one channel."))
    wait = query.get("wait")
    seconds: int | None = None
    if wait is not None:
        seconds = int(wait) if _WHOLE.fullmatch(wait) else 0
        if not 1 <= seconds <= LONGEST_WAIT:
            fault = Fault("?wait", f"A whole number of seconds, 1 to {LONGEST_WAIT}.")
            faults.append(fault)
    if faults:
        raise Invalid(errors=faults)
    return _Ask(query["channel"], query.get("since"), seconds)


def is_held(request: Request, etag: str) -> bool:
    """Whether the reader has what bears this strong tag (RFC 9110, 13.1.2).

    A list, compared weakly, for proxies weaken what they zip.
    """
    sent = ",".join(request.headers.getlist("if-none-match")).split(",")
    return etag in {each.strip().removeprefix("W/") for each in sent}


def _keep(*, private: bool, passing: bool) -> str:
    if private:
        return "private, no-store"
    return "no-store" if passing else "public, max-age=0, s-maxage=2"


class _Silence:
    """The format of a reader that only wants to know that something changed."""

    def change(self, encoded: Encoded) -> bytes:
        return encoded.event.key.encode()

    def opening(
        self, channel: str, extent: Extent, position: Position, reason: Reason | None
    ) -> bytes:
        return channel.encode() if reason else b""

    def notice(self, name: str, members: dict[str, object]) -> bytes:
        return name.encode() if name == "close" else b""


class _Bell(Sink):
    """A line on which the first frame rings."""

    __slots__ = ("rung",)

    def __init__(self) -> None:
        super().__init__(_Silence())
        self.rung = asyncio.Event()

    def write(self, frame: bytes) -> None:
        if frame:
            self.rung.set()

    def end(self) -> None:
        self.rung.set()

    def cut(self) -> None:
        self.end()
