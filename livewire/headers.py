"""What every answer says besides its content: who may frame, read and keep it.

Public resources are open to every origin and never read cookies, so `*` gives nothing
away (Fetch standard, 3.2). The newsroom, which does, is open to none.
"""

from collections.abc import Iterable

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

_EXPOSED = (b"ETag", b"Retry-After")

Header = tuple[bytes, bytes]


class Headers:
    """Adds the headers of all answers; opens the public ones to other origins."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        # Told to everybody, whether or not a browser says whence it asks: an answer
        # that depended on it could not be kept by a shared cache.
        self._open = [
            (b"access-control-allow-origin", b"*"),
            (b"access-control-expose-headers", b", ".join(_EXPOSED)),
        ]
        self._always = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"strict-origin-when-cross-origin"),
        ]
        if secure:
            self._always.append((b"strict-transport-security", b"max-age=31536000"))
        self._policy = [(b"content-security-policy", PAGE_POLICY.encode())]
        self._preflight = CORSMiddleware(
            app,
            allow_origins=("*",),
            allow_methods=("GET", "HEAD"),
            allow_headers=("Authorization", "Last-Event-ID", "If-None-Match"),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        public = not scope["path"].startswith(_PRIVATE)

        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = self._with(message["headers"], public=public)
                message = {**message, "headers": headers}
            await send(message)

        app = self._app
        if public and scope["method"] == "OPTIONS":
            app = self._preflight
        await app(scope, receive, send_with)

    def _with(self, headers: Iterable[Header], *, public: bool) -> list[Header]:
        """The headers of an answer, with ours where it does not say otherwise."""
        given = dict(headers)
        ours = self._always + self._open if public else self._always
        if given.get(b"content-type", b"").startswith(b"text/html"):
            ours = ours + self._policy
        return [*headers, *(each for each in ours if each[0] not in given)]
