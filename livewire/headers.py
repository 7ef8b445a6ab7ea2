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

Header = tuple[bytes, bytes]


class Headers:
    """Adds the headers of all answers; opens the public ones to other origins."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._always = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"strict-origin-when-cross-origin"),
        ]
        if secure:
            self._always.append((b"strict-transport-security", b"max-age=31536000"))
        policy = (b"content-security-policy", PAGE_POLICY.encode())
        self._of_pages = [*self._always, policy]
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
                message = {**message, "headers": self._with(message["headers"])}
            await send(message)

        private = scope["path"].startswith(_PRIVATE)
        app = self._app if private else self._public
        await app(scope, receive, send_with)

    def _with(self, headers: Iterable[Header]) -> list[Header]:
        """The headers of an answer, with ours where it does not say otherwise."""
        given = dict(headers)
        ours = self._always
        if given.get(b"content-type", b"").startswith(b"text/html"):
            ours = self._of_pages
        return [*headers, *(each for each in ours if each[0] not in given)]
