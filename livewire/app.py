"""The one place where the parts meet: settings in, a running application out."""

import asyncio
import random
import secrets
import string
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from zoneinfo import available_timezones

import orjson
import uuid_utils
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from channels.hub import Hub
from channels.sqlite.file import SqliteFile
from channels.sqlite.log import SqliteLog
from channels.sqlite.records import SqliteRecords
from channels.transports.connections import Connections
from channels.transports.poll import Poll
from channels.transports.sse import Stream, StreamLimits
from livewire.errors import Problems
from livewire.headers import Headers
from livewire.newsroom.floor import Floor
from livewire.newsroom.gate import Gate, origin_of
from livewire.newsroom.pages import Pages as NewsroomPages
from livewire.newsroom.routes import Newsroom
from livewire.newsroom.sessions import Sessions
from livewire.reader.pages import Pages, Site
from livewire.reader.routes import Reader
from livewire.settings import Settings
from livewire.static_files import Static
from publishers.access import Tokens
from publishers.api.media import Pictures
from publishers.api.openapi import document
from publishers.api.publishing import Publishing
from publishers.api.reading import Entrance, Limits
from publishers.api.routes import routes as api_routes
from publishers.desk import Desk
from publishers.media.storage import DiskMedia
from publishers.requests import Rules
from publishers.tokens import Keyring
from publishers.updates import Terms

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one running service, for those who serve, test or play on it."""

    settings: Settings
    file: SqliteFile
    log: SqliteLog
    records: SqliteRecords
    hub: Hub
    connections: Connections
    keyring: Keyring
    publishing: Publishing
    pages: Pages
    sessions: Sessions


def now() -> datetime:
    """The clock: UTC in whole milliseconds, as the wire tells time."""
    at = datetime.now(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def new_id() -> str:
    """A UUIDv7 (RFC 9562, 5.7)."""
    return str(uuid_utils.uuid7())


def epoch_name() -> str:
    """A name that no epoch had before."""
    alphabet = string.ascii_lowercase + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(8))


def assemble(settings: Settings, *, vfs: str | None = None) -> Parts:
    """The parts, not yet running. `vfs` names the way SQLite takes to the disk."""
    secret = settings.signing_secret()
    file = SqliteFile(settings.data_dir / "livewire.db", vfs=vfs)
    log = SqliteLog(file, token=epoch_name, bound=settings.bound)
    records = SqliteRecords(file)
    hub = Hub(
        log,
        exists=["breaking", "latest", "stories", "newsroom"]
        + [f"section/{section}" for section in settings.sections],
        idle=settings.idle,
        clock=lambda: asyncio.get_running_loop().time(),
    )
    keyring = Keyring(
        secret, settings.token_issuer, settings.token_audience, settings.token_keys
    )
    limits = Limits(settings.max_body, settings.max_upload, settings.body_deadline)
    publishing = Publishing(
        entrance=Entrance(Tokens(keyring), limits, secret, now, new_id),
        desk=Desk(log, sections=tuple(settings.sections), records=records),
        hub=hub,
        records=records,
        media=DiskMedia(settings.data_dir / "media"),
        rules=Rules(tuple(settings.sections), frozenset(available_timezones())),
        terms=Terms(settings.address, timedelta(minutes=settings.breaking_minutes)),
    )
    site = Site(settings.site_name, settings.address, settings.language, build())
    return Parts(
        settings,
        file,
        log,
        records,
        hub,
        Connections(hub, now=now, heartbeat=settings.heartbeat, stall=settings.stall),
        keyring,
        publishing,
        Pages(site, sections=settings.sections),
        Sessions(
            keyring,
            records,
            settings.address,
            new_id,
            timedelta(hours=settings.session_hours),
        ),
    )


def create_app(settings: Settings, parts: Parts | None = None) -> Starlette:
    """The service as an ASGI application; its lifespan opens and closes the log."""
    parts = parts or assemble(settings)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await parts.file.open()
        beating = asyncio.create_task(parts.connections.run())
        try:
            yield
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)
            await parts.hub.close()
            await parts.file.close()

    problems = Problems(parts.pages)
    app = Starlette(
        routes=_routes(parts),
        lifespan=lifespan,
        middleware=[
            Middleware(
                Headers,
                doorman=parts.publishing.entrance.tokens,
                refuse=problems.refusal,
                secure=settings.is_secure,
            )
        ],
        exception_handlers=problems.handlers(),
    )
    # Its redirects would go to whatever Host a request names.
    app.router.redirect_slashes = False
    app.state.parts = parts
    return app


def build() -> str:
    """A token that changes with the release and with every static file and template."""
    digest = sha256(version("livewire").encode())
    for folder in (HERE / "static", HERE / "templates"):
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                digest.update(file.read_bytes())
    return digest.hexdigest()[:10]


def _routes(parts: Parts) -> list[BaseRoute]:
    settings = parts.settings
    doorman = parts.publishing.entrance.tokens
    limits = StreamLimits(_Draw(settings.retry), settings.high_water)
    pictures = Pictures(parts.publishing, settings.max_pixels, settings.media_widths)
    reader = Reader(parts.hub, doorman, parts.pages, now=now, build=build())
    stream = Stream(parts.hub, doorman, parts.connections, limits)
    poll = Poll(parts.hub, doorman, parts.connections, build=build())
    newsroom = Newsroom(_floor(parts, pictures))
    return [
        Route("/stream", stream, methods=["GET"]),
        Route("/changes", poll.answer, methods=["GET"]),
        # What readers ask for comes first: routes are tried in turn.
        *reader.routes(),
        *api_routes(parts.publishing, pictures),
        Route("/api/openapi.json", _openapi(settings), methods=["GET"]),
        *newsroom.routes(),
        Mount("/static", Static(directory=HERE / "static")),
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
    return Floor(gate, pages, parts.publishing, pictures)


@dataclass(frozen=True, slots=True)
class _Draw:
    """Draws each connection's own reconnect time, so that a herd disperses."""

    about: int  # milliseconds

    def __call__(self) -> int:
        return round(self.about * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
