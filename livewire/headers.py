"""What every answer says besides its content: who may frame, read and keep it.

Public resources are open to every origin and never read cookies, so `*` gives nothing
away (Fetch standard, 3.2). The newsroom, which does, is open to none.

The law: a bad token is never served as if there were none, and what was served by a
good one is kept by no cache.
"""

from collections.abc import Callable, Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from channels.access import Doorman
from channels.errors import BadRequest, CallerError

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

_ASKING = ("/api/stories", "/changes", "/live/", "/stream")
"""Where the token is read in any case: it is not verified twice."""

_SAME_FOR_ALL = "/static/"

_EXPOSED = (b"ETag", b"Retry-After")

_METHODS = ("GET", "HEAD")
_SENT = ("Authorization", "Last-Event-ID", "If-None-Match")
_PREFLIGHT = {
    "Access-Control-Allow-Methods": ", ".join(_METHODS),
    "Access-Control-Allow-Headers": ", ".join(_SENT),
    "Access-Control-Max-Age": "600",
}

Header = tuple[bytes, bytes]
Refuse = Callable[[Request, Exception], Response]


class Headers:
    """Adds the headers of all answers; opens the public ones to other origins.

    `refuse` makes the answer to a token that fails and to a preflight for more than
    reading.
    """

    def __init__(
        self, app: ASGIApp, *, doorman: Doorman, refuse: Refuse, secure: bool
    ) -> None:
        self._app = app
        self._doorman = doorman
        self._refuse = refuse
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        public = not scope["path"].startswith(_PRIVATE)

        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = self._with(message["headers"], public=public)
                if public:
                    headers = _kept(headers, by_token=_is_by_token(request))
                message = {**message, "headers": headers}
            await send(message)

        app = self._door(request) if public else self._app
        await app(scope, receive, send_with)

    def _door(self, request: Request) -> ASGIApp:
        """What answers a public request: the service, or nobody behind this door."""
        try:
            if _is_preflight(request):
                return _preflight(request)
            if not request.scope["path"].startswith(_ASKING):
                self._doorman(request.headers.get("authorization"))
        except CallerError as error:
            return self._refuse(request, error)
        return self._app

    def _with(self, headers: Iterable[Header], *, public: bool) -> list[Header]:
        """The headers of an answer, with ours where it does not say otherwise."""
        given = dict(headers)
        ours = self._always + self._open if public else self._always
        if given.get(b"content-type", b"").startswith(b"text/html"):
            ours = ours + self._policy
        return [*headers, *(each for each in ours if each[0] not in given)]


def _is_by_token(request: Request) -> bool:
    """Whether what is served may be meant for the bearer of a token alone."""
    if request.scope["path"].startswith(_SAME_FOR_ALL):
        return False
    return "authorization" in request.headers


def _kept(headers: Iterable[Header], *, by_token: bool) -> list[Header]:
    """The headers of a public answer, with what every cache of it has to know."""
    rest, varies, control = [], [], b""
    for name, value in headers:
        if name == b"vary":
            varies += [each.strip() for each in value.split(b",")]
        elif name == b"cache-control":
            control = value
        else:
            rest.append((name, value))
    if by_token and b"no-store" not in control:
        control = b"private, no-store"
    if b"authorization" not in {each.lower() for each in varies}:
        varies.append(b"Authorization")
    if control:
        rest.append((b"cache-control", control))
    return [*rest, (b"vary", b", ".join(varies))]


def _is_preflight(request: Request) -> bool:
    """Fetch standard, 3.3.2."""
    return (
        request.method == "OPTIONS"
        and "origin" in request.headers
        and "access-control-request-method" in request.headers
    )


def _preflight(request: Request) -> Response:
    """Leave to read from elsewhere. Raises `BadRequest` where more is asked."""
    method = request.headers["access-control-request-method"]
    if method not in _METHODS:
        raise BadRequest(f"Other origins may send {' and '.join(_METHODS)} only.")
    asked = request.headers.get("access-control-request-headers", "").split(",")
    known = {"", *(name.lower() for name in _SENT)}
    if not known.issuperset(name.strip().lower() for name in asked):
        raise BadRequest(f"Other origins may send the headers {', '.join(_SENT)} only.")
    return Response(headers=_PREFLIGHT)
