"""Which address is answered by whom."""

import random
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from channels.transports.poll import Poll
from channels.transports.sse import Stream, StreamLimits
from livewire.newsroom.floor import Floor
from livewire.newsroom.gate import Gate, origin_of
from livewire.newsroom.pages import Pages as NewsroomPages
from livewire.newsroom.routes import Newsroom
from livewire.parts import Parts
from livewire.reader.routes import Reader
from livewire.settings import Settings
from livewire.static_files import STATIC, Static, build
from publishers.api.media import Pictures
from publishers.api.openapi import document
from publishers.api.routes import routes as api_routes

_RESERVED = 96
"""Files that readers may not take: the log, pictures, who publishes or polls."""

Now = Callable[[], datetime]


def routes(parts: Parts, *, now: Now) -> list[BaseRoute]:
    """Every address of the service. Routes are tried in turn."""
    settings = parts.settings
    doorman = parts.publishing.entrance.tokens
    limits = StreamLimits(_Draw(settings.retry), settings.high_water, _most_streams())
    pictures = Pictures(parts.publishing, settings.max_pixels, settings.media_widths)
    reader = Reader(
        parts.hub, parts.audience, doorman, parts.pages, now=now, build=build()
    )
    stream = Stream(doorman, parts.connections, limits)
    poll = Poll(parts.hub, doorman, parts.connections, build=build())
    newsroom = Newsroom(_floor(parts, pictures))
    return [
        Route("/stream", stream, methods=["GET"]),
        Route("/changes", poll.answer, methods=["GET"]),
        # What readers ask for comes first.
        *reader.routes(),
        *api_routes(parts.publishing, pictures),
        Route("/api/openapi.json", _openapi(settings), methods=["GET"]),
        *newsroom.routes(),
        Mount("/static", Static(directory=STATIC)),
    ]


def _openapi(settings: Settings) -> Callable[[Request], Response]:
    body = orjson.dumps(
        document(
            title=settings.site_name,
            version=version("livewire"),
            server=settings.address,
        )
    )

    def answer(request: Request) -> Response:
        headers = {"Cache-Control": "public, max-age=300"}
        return Response(body, media_type="application/json", headers=headers)

    return answer


def _floor(parts: Parts, pictures: Pictures) -> Floor:
    settings = parts.settings
    gate = Gate(
        parts.sessions,
        frozenset((origin_of(settings.address), *settings.origins)),
        parts.publishing.entrance.limits,
        secure=settings.is_secure,
    )
    pages = NewsroomPages(
        site_name=settings.site_name,
        language=settings.language,
        build=build(),
        sections=settings.sections,
        timezones=sorted(parts.publishing.rules.timezones),
    )
    return Floor(gate, pages, parts.publishing, pictures, parts.losses)


def _most_streams() -> int:
    """As many as this process may open files, less what publishing needs of them."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft - _RESERVED


@dataclass(frozen=True, slots=True)
class _Draw:
    """Draws each connection's own reconnect time, so that a herd disperses."""

    about: int  # milliseconds

    def __call__(self) -> int:
        return round(self.about * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
