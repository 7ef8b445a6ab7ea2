"""The reader's pages over HTTP, rendered from the view and cached by position.

One render per change, whatever the number of readers. Shared caches keep a page for
two seconds at most and never serve it stale: what is withdrawn is gone.
"""

import gzip
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from channels.access import Doorman
from channels.audience import Audience
from channels.errors import NotFound, UnknownChannel, Withdrawn
from channels.events import Data, instant, is_channel
from channels.hub import Hub
from channels.positions import Extent
from channels.transports.poll import is_held
from channels.view import View
from livewire.reader.pages import Pages

PAGE = 30
"""Updates on one page of a story."""

_KEPT = 1_000
"""Rendered pages kept in memory."""

_PRIVATE = "private, no-store"
_SHARED = "public, max-age=0, s-maxage=2"

_NEVER = datetime.max.replace(tzinfo=UTC)

Clock = Callable[[], datetime]
_Made = tuple[str, list[Data]]  # a page, and the updates whose alerts it shows


@dataclass(frozen=True, slots=True)
class _Kept:
    """A rendered page, good for one state of a view until an alert ends."""

    extent: Extent  # of the view it was made from: a new one for every change
    until: datetime
    body: bytes
    packed: bytes  # the same, compressed once for all who take gzip
    tag: str


class Reader:
    """The routes of the reader's side."""

    def __init__(
        self,
        hub: Hub,
        audience: Audience,
        doorman: Doorman,
        pages: Pages,
        *,
        now: Clock,
        build: str,
    ) -> None:
        self._hub = hub
        self._audience = audience
        self._doorman = doorman
        self._pages = pages
        self._now = now
        self._build = build
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def routes(self) -> list[Route]:
        """The reader's routes."""
        return [
            Route("/", self.front),
            Route("/section/{section}", self.section),
            Route("/live/{slug}", self.story),
            Route("/live/{slug}/{update}", self.update),
        ]

    async def front(self, request: Request) -> Response:
        """`/`: the stories, live ones first."""
        view = await self._hub.view("stories")

        def render(now: datetime) -> _Made:
            return self._pages.front(
                stories=_stories(view), position=str(view.extent.end), now=now
            ), []

        return self._page(request, view, "/", render, private=False)

    async def section(self, request: Request) -> Response:
        """`/section/{section}`: the stories of one section."""
        section = request.path_params["section"]
        if not is_channel(f"section/{section}"):
            raise NotFound("There is no such section.")
        await self._hub.view(f"section/{section}")  # 404 for one nobody configured
        view = await self._hub.view("stories")

        def render(now: datetime) -> _Made:
            return self._pages.front(
                stories=[each for each in _stories(view) if each["section"] == section],
                position=str(view.extent.end),
                now=now,
                section=section,
            ), []

        return self._page(request, view, f"/section/{section}", render, private=False)

    async def story(self, request: Request) -> Response:
        """`/live/{slug}`: the story and its newest updates, or older ones."""
        view, private = await self._story(request)
        before = request.query_params.get("before")
        path = f"/live/{request.path_params['slug']}"

        def render(now: datetime) -> _Made:
            updates = _updates(view)
            older = [u for u in updates if before is None or _place(u) < before]
            shown = older[:PAGE]
            if before is None:
                shown += [u for u in older[PAGE:] if u.get("pinned")]
            following = None
            if len(older) > PAGE:
                following = f"{path}?before={_place(older[PAGE - 1])}"
            return self._pages.story(
                story=_story(view),
                updates=shown,
                position=str(view.extent.end),
                now=now,
                older=following,
                newer=path if before is not None else None,
                readers=self._audience.readers(view.channel),
                update_count=_count(updates),
            ), shown

        key = path if before is None else f"{path}?before={before}"
        return self._page(request, view, key, render, private=private)

    async def update(self, request: Request) -> Response:
        """`/live/{slug}/{update}`: one update, with the way to its story."""
        view, private = await self._story(request)
        id_ = request.path_params["update"]
        event = view.get(f"update/{id_}")
        if event is None or event.data is None:
            raise NotFound("There is no such update in this story.")
        update = event.data

        def render(now: datetime) -> _Made:
            return self._pages.permalink(
                story=_story(view),
                update=update,
                position=str(view.extent.end),
                now=now,
            ), [update]

        path = f"/live/{request.path_params['slug']}/{id_}"
        return self._page(request, view, path, render, private=private)

    async def _story(self, request: Request) -> tuple[View, bool]:
        reading = self._doorman(request.headers.get("authorization"))
        channel = f"story/{request.path_params['slug']}"
        reading.ask(channel)
        view = await self._hub.view(channel)
        reading.see(view)
        if _story(view)["status"] == "withdrawn":
            raise Withdrawn("This story was withdrawn.")
        return view, reading.private

    def _page(
        self,
        request: Request,
        view: View,
        key: str,
        render: Callable[[datetime], "_Made"],
        *,
        private: bool,
    ) -> Response:
        kept = self._kept.get(key)
        now = self._now()
        if kept is None or kept.extent is not view.extent or kept.until <= now:
            body, updates = render(now)
            until = _until(updates, now)
            named = f"{view.extent.end}|{self._build}|{until}|{key}"
            tag = sha256(named.encode()).hexdigest()[:24]
            text = body.encode()
            kept = _Kept(view.extent, until, text, gzip.compress(text, 6, mtime=0), tag)
            self._keep(key, kept)
        return _answer(request, kept, private=private)

    def _keep(self, key: str, kept: _Kept) -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


def _answer(request: Request, kept: _Kept, *, private: bool) -> Response:
    packed = "gzip" in request.headers.get("accept-encoding", "")
    etag = f'"{kept.tag}{"-gzip" if packed else ""}"'
    headers = {
        "Cache-Control": _PRIVATE if private else _SHARED,
        "ETag": etag,
        "Vary": "Accept-Encoding, Authorization",
    }
    if is_held(request, etag):
        return Response(status_code=304, headers=headers)
    if packed:
        headers["Content-Encoding"] = "gzip"
    body = kept.packed if packed else kept.body
    return Response(body, media_type="text/html", headers=headers)


def _until(updates: list[Data], now: datetime) -> datetime:
    """When the first alert on the page stops being breaking."""
    ends = [instant(str(u["breaking_until"])) for u in updates if u.get("breaking")]
    return min((end for end in ends if end > now), default=_NEVER)


def _stories(view: View) -> list[Data]:
    return [event.data for event in view if event.data is not None]


def _story(view: View) -> Data:
    event = view.get("story")
    if event is None or event.data is None:
        raise UnknownChannel(f"Nobody has opened {view.channel}.")
    return event.data


def _updates(view: View) -> list[Data]:
    """The story's updates, newest first."""
    found = [
        event.data
        for event in view
        if event.data is not None and event.type == "update"
    ]
    return sorted(found, key=_place, reverse=True)


def _place(update: Data) -> str:
    return f"{update['published']}~{update['id']}"


def _count(updates: list[Data]) -> int:
    return sum(update["status"] == "published" for update in updates)
