"""The newsroom's door: who is signed in, and whether a form is one of our own.

The law: a request that changes something is judged in this order, and each step before
the next one learns anything. Where it comes from (Fetch Metadata, then `Origin`), whose
session it carries, what that session may do; then its body is read and its form token
compared; only then is a story looked up.
"""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from channels.errors import (
    BadRequest,
    NotFromHere,
    NotSignedIn,
    TooLarge,
    TooSlow,
    WrongMediaType,
)
from livewire.newsroom.forms import Form
from livewire.newsroom.sessions import Session, Sessions
from publishers.api.reading import Limits

COOKIE = "livewire_newsroom"
MULTIPART = "multipart/form-data"
PLAIN = "application/x-www-form-urlencoded"

_FIELDS = 100
_AROUND = 64 * 1024  # bytes of boundaries and part headers
_PERCENT = 3  # bytes that one byte becomes in a plain form


@dataclass(frozen=True, slots=True)
class Post:
    """One form, sent by somebody signed in from a page of theirs."""

    request: Request
    session: Session
    form: Form

    @property
    def path(self) -> str:
        """Where it was sent to."""
        return self.request.url.path


@dataclass(frozen=True, slots=True)
class Gate:
    """Judges requests. `origins` are those the newsroom is served from."""

    sessions: Sessions
    origins: frozenset[str]
    limits: Limits
    secure: bool

    def session(self, request: Request) -> Session:
        """Who is signed in. Raises `NotSignedIn`."""
        cookie = request.cookies.get(COOKIE)
        if cookie is None:
            raise NotSignedIn("Nobody is signed in.")
        return self.sessions.session(cookie)

    async def post(self, request: Request, channel: str | None) -> Post:
        """A form by somebody who may publish in `channel` (None: anywhere).

        Raises `NotFromHere`, `NotSignedIn`, `NotAllowed`, and for the body
        `BadRequest`, `TooLarge`, `TooSlow`, `WrongMediaType`.
        """
        self.require_origin(request)
        session = self.session(request)
        if channel is not None:
            session.grant.require("publish", channel)
        elif not session.grant.ever("publish"):
            session.grant.require("publish", "story/")
        return Post(request, session, await self._own_form(request, session))

    async def sign_out(self, request: Request) -> None:
        """Judge a sign-out, which needs no right but one's own form."""
        self.require_origin(request)
        await self._own_form(request, self.session(request))

    async def form(self, request: Request, *, known: bool) -> Form:
        """The form of a request; from strangers little is taken, and that in time."""
        form = await _read(request, self.limits, known=known)
        request.state.form = form
        return form

    def require_origin(self, request: Request) -> None:
        """Judge where a request comes from. Raises `NotFromHere`.

        `Origin: null` is what pages that send no referrer say of themselves; the
        browser's own word, `Sec-Fetch-Site`, then decides.
        """
        site = request.headers.get("sec-fetch-site")
        origin = request.headers.get("origin")
        ours = origin is None or origin in self.origins
        if origin == "null":
            ours = site == "same-origin"
        if not ours or site not in (None, "same-origin", "none"):
            raise NotFromHere("It came from another site. Nothing was changed.")

    def let_in(self, response: Response, token: str) -> None:
        """Give the session's cookie, for as long as the session lasts."""
        response.set_cookie(
            COOKIE,
            token,
            path="/newsroom",
            httponly=True,
            samesite="lax",
            secure=self.secure,
            max_age=round(self.sessions.lifetime.total_seconds()),
        )

    def let_out(self, response: Response) -> None:
        """Take the session's cookie back."""
        response.delete_cookie(
            COOKIE,
            path="/newsroom",
            httponly=True,
            samesite="lax",
            secure=self.secure,
        )

    async def _own_form(self, request: Request, session: Session) -> Form:
        form = await self.form(request, known=True)
        given = request.headers.get("x-csrf-token") or form.get("csrf")
        if not self.sessions.is_form_token(session, given):
            raise NotFromHere(
                "The page was made for another sign-in. Your text is below: reload the"
                " newsroom and send it from there."
            )
        return form


def origin_of(address: str) -> str:
    """The origin of an address, as browsers write it (RFC 6454, section 6.2)."""
    parts = urlsplit(address)
    port = {"http": 80, "https": 443}.get(parts.scheme)
    host = parts.netloc.lower().removesuffix(f":{port}")
    return f"{parts.scheme}://{host}"


def wants_json(request: Request) -> bool:
    """Whether a script asks, not somebody's browser."""
    return "application/json" in request.headers.get("accept", "")


async def _read(request: Request, limits: Limits, *, known: bool) -> Form:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in (MULTIPART, PLAIN):
        raise WrongMediaType("A form is sent as multipart/form-data or urlencoded.")
    upload = known and kind == MULTIPART
    limit = limits.upload + _AROUND if upload else limits.body * _PERCENT
    declared = request.headers.get("content-length", "")
    if not (declared.isascii() and declared.isdigit()) or int(declared) > limit:
        raise TooLarge(f"At most {limit} bytes, with their number declared.")
    try:
        # A picture may take its time on a phone; words may not.
        async with asyncio.timeout(None if upload else limits.deadline):
            return await _parsed(request, limits)
    except TimeoutError as error:
        raise TooSlow from error
    except ClientDisconnect as error:
        raise BadRequest("The form ended early.") from error
    except HTTPException as error:
        raise BadRequest(str(error.detail)) from error


async def _parsed(request: Request, limits: Limits) -> Form:
    fields: dict[str, list[str]] = {}
    picture = b""
    async with request.form(
        max_files=1, max_fields=_FIELDS, max_part_size=limits.body
    ) as parts:
        for name, value in parts.multi_items():
            if isinstance(value, UploadFile):
                picture = await value.read()
            else:
                fields.setdefault(name, []).append(_lines(value))
    return Form(fields, picture)


def _lines(text: str) -> str:
    """Browsers send CR LF (HTML, 4.10.21.4), whatever was typed."""
    return text.replace("\r\n", "\n")
