"""The one place where the parts meet: settings in, a running application out."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

import uuid_utils
from starlette.applications import Starlette
from starlette.middleware import Middleware

from channels.audience import Audience
from channels.findings import Finding
from channels.hub import Hub
from channels.losses import Loss, Lost
from channels.redis.address import BadAddress
from channels.redis.store import RedisStore
from channels.redis.store import Terms as RedisTerms
from channels.sqlite.store import SqliteStore
from channels.transports.connections import Connections
from livewire.errors import Problems
from livewire.headers import Headers
from livewire.losses import Losses
from livewire.newsroom.sessions import Sessions
from livewire.parts import Parts, Store
from livewire.reader.pages import Pages, Site
from livewire.routes import routes
from livewire.settings import BadSettings, Settings
from livewire.static_files import build
from publishers.access import Tokens
from publishers.api.publishing import Publishing
from publishers.api.reading import Entrance, Limits
from publishers.desk import Desk
from publishers.media.storage import DiskMedia
from publishers.requests import Rules
from publishers.tokens import Keyring
from publishers.updates import Terms

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def now() -> datetime:
    """The clock: UTC in whole milliseconds, as the wire tells time."""
    at = datetime.now(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def new_id() -> str:
    """A UUIDv7 (RFC 9562, 5.7)."""
    return str(uuid_utils.uuid7())


def clock() -> float:
    """Seconds, by the running loop."""
    return asyncio.get_running_loop().time()


def epoch_name() -> str:
    """A name that no epoch had before, nor any worker."""
    # One draw for all eight: a publish needs a name for each of its channels.
    drawn = secrets.randbelow(36**8)
    return "".join([_BASE36[drawn // 36**place % 36] for place in range(8)])


def assemble(settings: Settings, *, vfs: str | None = None) -> Parts:
    """The parts, not yet running. `vfs` names the way SQLite takes to the disk."""
    secret = settings.signing_secret()
    worker = epoch_name()

    def lost(loss: Loss) -> None:
        # They stand on the store that tells of them.
        losses.tell(loss)

    store = _store(settings, worker, lost, vfs)
    losses = Losses(store.records, now=now, new_id=new_id)

    def readers(channel: str) -> int:
        # Hub and audience know each other: one has readers, the other counts them all.
        return audience.readers(channel)

    hub = Hub(
        store.log,
        exists=["breaking", "latest", "stories", "newsroom"]
        + [f"section/{section}" for section in settings.sections],
        idle=settings.idle,
        cut_off=settings.cut_off,
        clock=clock,
        readers=readers,
    )
    audience = Audience(hub, store.signals, worker=worker, clock=clock)
    keyring = Keyring(
        secret, settings.token_issuer, settings.token_audience, settings.token_keys
    )
    limits = Limits(settings.max_body, settings.max_upload, settings.body_deadline)
    publishing = Publishing(
        entrance=Entrance(Tokens(keyring), limits, secret, now, new_id),
        desk=Desk(store.log, sections=tuple(settings.sections), records=store.records),
        hub=hub,
        audience=audience,
        records=store.records,
        media=DiskMedia(settings.data_dir / "media"),
        rules=Rules(tuple(settings.sections), frozenset(available_timezones())),
        terms=Terms(settings.address, timedelta(minutes=settings.breaking_minutes)),
    )
    site = Site(settings.site_name, settings.address, settings.language, build())
    return Parts(
        settings,
        store,
        hub,
        audience,
        Connections(hub, now=now, heartbeat=settings.heartbeat, stall=settings.stall),
        keyring,
        publishing,
        losses,
        Pages(site, sections=settings.sections),
        Sessions(
            keyring,
            store.records,
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
        await parts.store.open()
        beating = [
            asyncio.create_task(parts.connections.run()),
            asyncio.create_task(parts.audience.run()),
        ]
        try:
            yield
        finally:
            for task in beating:
                task.cancel()
            await asyncio.gather(*beating, return_exceptions=True)
            await parts.hub.close()
            await parts.losses.close()
            await parts.store.close()

    problems = Problems(parts.pages)
    app = Starlette(
        routes=routes(parts, now=now),
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


async def inspect(settings: Settings) -> list[Finding]:
    """What the Redis of the settings is fit for; nothing without one.

    Raises `LogUnavailable` where it does not answer, `BadSettings` for its URL.
    """
    if not settings.redis_url:
        return []
    store = _redis(settings, epoch_name(), lambda loss: None)
    try:
        return await store.inspect()
    finally:
        await store.close()


def _store(settings: Settings, worker: str, lost: Lost, vfs: str | None) -> Store:
    if settings.redis_url:
        return _redis(settings, worker, lost)
    return SqliteStore(
        settings.data_dir / "livewire.db",
        token=epoch_name,
        bound=settings.bound,
        clock=clock,
        vfs=vfs,
    )


def _redis(settings: Settings, worker: str, lost: Lost) -> RedisStore:
    terms = RedisTerms(
        settings.redis_url,
        settings.redis_prefix,
        settings.redis_timeout,
        settings.redis_wait,
        settings.redis_wait_ms,
    )
    try:
        return RedisStore(
            terms,
            worker=worker,
            token=epoch_name,
            bound=settings.bound,
            lost=lost,
        )
    except BadAddress as error:
        raise BadSettings(str(error)) from error
