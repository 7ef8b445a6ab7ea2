"""What every answer says besides its content: who may frame, read and keep it.

Public resources are open to every origin and never read cookies, so `*` gives nothing
away (Fetch standard, 3.2). The newsroom, which does, is open to none.
"""

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self'",
        "connect-src 'self'",
        "font-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

_PRIVATE = ("/newsroom",)


class Headers:
    """Adds the headers of all answers; opens the public ones to other origins."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._secure = secure
        self._public = CORSMiddleware(
            app,
            allow_origins=("*",),
            allow_methods=("GET", "HEAD"),
            allow_headers=("Authorization", "Last-Event-ID", "If-None-Match"),
            expose_headers=("ETag", "Retry-After"),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message))
            await send(message)

        private = scope["path"].startswith(_PRIVATE)
        app = self._app if private else self._public
        await app(scope, receive, send_with)

    def _add(self, headers: MutableHeaders) -> None:
        for name, value in self._all(headers.get("content-type", "")):
            headers.setdefault(name, value)

    def _all(self, kind: str) -> Iterable[tuple[str, str]]:
        yield "X-Content-Type-Options", "nosniff"
        yield "Referrer-Policy", "strict-origin-when-cross-origin"
        if kind.startswith("text/html"):
            yield "Content-Security-Policy", PAGE_POLICY
        if self._secure:
            yield "Strict-Transport-Security", "max-age=31536000"
