"""The reader's pages over HTTP, rendered from the view and cached by position.

One render per change, whatever the number of readers. Shared caches keep a page for
two seconds at most and never serve it stale: what is withdrawn is gone.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from channels.access import Doorman
from channels.errors import NotFound, UnknownChannel, Withdrawn
from channels.events import Data, is_channel, timestamp
from channels.hub import Hub
from channels.view import View
from livewire.reader.pages import Pages

PAGE = 30
"""Updates on one page of a story."""

_KEPT = 1_000
"""Rendered pages kept in memory."""

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A rendered page, good for one position until something ends by the clock."""

    position: str
    until: str
    body: bytes
    etag: str


class Reader:
    """The routes of the reader's side."""

    def __init__(
        self, hub: Hub, doorman: Doorman, pages: Pages, *, now: Clock, build: str
    ) -> None:
        self._hub = hub
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

        def render() -> str:
            stories = [event.data for event in view if event.data is not None]
            return self._pages.front(
                stories=stories, position=str(view.extent.end), now=self._now()
            )

        return self._page(request, view, "/", [], render, private=False)

    async def section(self, request: Request) -> Response:
        """`/section/{section}`: the stories of one section."""
        section = request.path_params["section"]
        if not is_channel(f"section/{section}"):
            raise NotFound("There is no such section.")
        await self._hub.view(f"section/{section}")  # 404 for one nobody configured
        view = await self._hub.view("stories")

        def render() -> str:
            stories = [event.data for event in view if event.data is not None]
            return self._pages.front(
                stories=[each for each in stories if each["section"] == section],
                position=str(view.extent.end),
                now=self._now(),
                section=section,
            )

        path = f"/section/{section}"
        return self._page(request, view, path, [], render, private=False)

    async def story(self, request: Request) -> Response:
        """`/live/{slug}`: the story and its newest updates, or older ones."""
        view, story, updates, private = await self._story(request)
        before = request.query_params.get("before")
        older = [u for u in updates if before is None or _place(u) < before]
        shown = older[:PAGE]
        if before is None:
            shown += [u for u in older[PAGE:] if u.get("pinned")]
        path = f"/live/{request.path_params['slug']}"
        following = None
        if len(older) > PAGE:
            following = f"{path}?before={_place(older[PAGE - 1])}"

        def render() -> str:
            return self._pages.story(
                story=story,
                updates=shown,
                position=str(view.extent.end),
                now=self._now(),
                older=following,
                newer=path if before is not None else None,
                readers=self._hub.readers(view.channel),
                update_count=_count(updates),
            )

        key = f"{path}?before={before}" if before else path
        return self._page(request, view, key, updates, render, private=private)

    async def update(self, request: Request) -> Response:
        """`/live/{slug}/{update}`: one update, with the way to its story."""
        view, story, updates, private = await self._story(request)
        id_ = request.path_params["update"]
        update = next((u for u in updates if u["id"] == id_), None)
        if update is None:
            raise NotFound("There is no such update in this story.")
        found = update

        def render() -> str:
            return self._pages.permalink(
                story=story,
                update=found,
                position=str(view.extent.end),
                now=self._now(),
            )

        path = f"/live/{request.path_params['slug']}/{id_}"
        return self._page(request, view, path, [found], render, private=private)

    async def _story(self, request: Request) -> tuple[View, Data, list[Data], bool]:
        reading = self._doorman(request.headers.get("authorization"))
        channel = f"story/{request.path_params['slug']}"
        reading.ask(channel)
        view = await self._hub.view(channel)
        reading.see(view)
        data = {event.key: event.data for event in view if event.data is not None}
        story = data.pop("story", None)
        if story is None:
            raise UnknownChannel
        if story["status"] == "withdrawn":
            raise Withdrawn("This story was withdrawn.")
        updates = [each for key, each in data.items() if key.startswith("update/")]
        updates.sort(key=_place, reverse=True)
        return view, story, updates, reading.private

    def _page(
        self,
        request: Request,
        view: View,
        key: str,
        updates: list[Data],
        render: Callable[[], str],
        *,
        private: bool,
    ) -> Response:
        position, now = str(view.extent.end), timestamp(self._now())
        kept = self._kept.get(key)
        if kept is None or kept.position != position or kept.until <= now:
            body = render().encode()
            until = _until(updates, now)
            etag = f"{position}|{self._build}|{until}|{key}"
            kept = _Kept(position, until, body, _tag(etag))
            self._keep(key, kept)
        headers = _headers(kept, private=private)
        if request.headers.get("if-none-match") == kept.etag:
            return Response(status_code=304, headers=headers)
        return Response(kept.body, media_type="text/html", headers=headers)

    def _keep(self, key: str, kept: _Kept) -> None:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


def _headers(kept: _Kept, *, private: bool) -> Mapping[str, str]:
    keep = "private, no-store" if private else "public, max-age=0, s-maxage=2"
    return {"Cache-Control": keep, "ETag": kept.etag, "Vary": "Authorization"}


def _tag(text: str) -> str:
    return f'"{sha256(text.encode()).hexdigest()[:24]}"'


def _until(updates: list[Data], now: str) -> str:
    """When the first alert on the page stops being breaking."""
    ends = [str(each["breaking_until"]) for each in updates if each.get("breaking")]
    return min((end for end in ends if end > now), default="9999")


def _place(update: Data) -> str:
    return f"{update['published']}~{update['id']}"


def _count(updates: list[Data]) -> int:
    return sum(update["status"] == "published" for update in updates)
