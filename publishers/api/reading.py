"""What a request to the API carries: its body, its token, its conditions.

The order is a promise: 401, then 403, and only then is the body read or a story looked
up, so that nobody without a right learns what exists.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from starlette.requests import ClientDisconnect, Request

from channels.errors import (
    BadRequest,
    TooLarge,
    TooSlow,
    VersionRequired,
    WrongMediaType,
)
from publishers.access import Tokens
from publishers.bodies import fingerprint, parse
from publishers.fold import Action
from publishers.permissions import Grant

_NAMESPACE = UUID("6f2b8f4e-0a8f-5c0e-9f0b-6d1c7a52e3aa")
_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_ETAG = r'(?:W/)?"[^"]*"'
_IF_MATCH = re.compile(rf"\*|{_ETAG}(?:\s*,\s*{_ETAG})*")


@dataclass(frozen=True, slots=True)
class Limits:
    """`body` and `upload` in bytes, `deadline` in seconds for a body to arrive."""

    body: int
    upload: int
    deadline: float


@dataclass(frozen=True, slots=True)
class Entrance:
    """Turns requests into what the desk is asked. Clock and ids are passed in."""

    tokens: Tokens
    limits: Limits
    secret: bytes
    now: Callable[[], datetime]
    new_id: Callable[[], str]  # a UUIDv7

    def grant(self, request: Request) -> Grant:
        """Who asks."""
        return self.tokens.grant(request.headers.get("authorization"))

    async def json(self, request: Request) -> dict[str, object]:
        """The body, one JSON object; an empty one stands for no members."""
        kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind not in ("application/json", "application/merge-patch+json"):
            raise WrongMediaType("The body is application/json.")
        return parse(await self.content(request, self.limits.body))

    async def content(self, request: Request, limit: int) -> bytes:
        """The body's bytes. Raises `TooLarge` at the limit, not after it."""
        if request.headers.get("content-encoding", "identity") != "identity":
            raise WrongMediaType("The body is not compressed.")
        declared = request.headers.get("content-length", "0")
        if declared.isdigit() and int(declared) > limit:
            raise TooLarge(f"At most {limit} bytes.")
        body = bytearray()
        try:
            async with asyncio.timeout(self.limits.deadline):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > limit:
                        raise TooLarge(f"At most {limit} bytes.")
        except TimeoutError as error:
            raise TooSlow from error
        except ClientDisconnect as error:
            raise BadRequest("The body ended early.") from error
        return bytes(body)

    def action(
        self,
        request: Request,
        grant: Grant,
        content: dict[str, Any],
        *,
        status: int,
        key: str = "",
    ) -> Action:
        """The action a request asks for, with the id by which it is known again.

        `key` is an idempotency key that came otherwise than in its header.
        """
        note = content.get("note")
        return Action(
            by=grant.subject,
            at=self.now(),
            request=self.request_id(request, grant, key=key),
            fingerprint=fingerprint(content, self.secret),
            status=status,
            note=note if isinstance(note, str) else None,
            keyed=bool(key) or "idempotency-key" in request.headers,
        )

    def request_id(self, request: Request, grant: Grant, *, key: str = "") -> str:
        """The same for the same editor, request and key; new without a key."""
        sent = _key(key) if key else idempotency_key(request)
        if sent is None:
            return self.new_id()
        # Not the path of `request.url`, in which the client's Host has its say.
        path = request.scope["path"]
        known = f"{grant.subject}\n{request.method} {path}\n{sent}"
        return str(uuid5(_NAMESPACE, known))


def idempotency_key(request: Request) -> str | None:
    """The `Idempotency-Key`, bare or as a quoted string. Raises `BadRequest`."""
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    key = given[0].strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    return _key(key if len(given) == 1 else "")


def _key(key: str) -> str:
    if _KEY.fullmatch(key) is None:
        raise BadRequest("Idempotency-Key is 1 to 128 printable ASCII characters.")
    return key


def if_match(request: Request, *, required: bool) -> list[str]:
    """The entity tags of `If-Match`; `*` where it may be missing and is.

    Raises `VersionRequired`, and `BadRequest` where it breaks its grammar.
    """
    given = request.headers.getlist("if-match")
    if not given:
        if required:
            raise VersionRequired('Send If-Match: "<version>", or * to overwrite.')
        return ["*"]
    tags = ", ".join(given).strip()
    if _IF_MATCH.fullmatch(tags) is None:
        raise BadRequest('If-Match is * or a version in quotes, as "3".')
    return ["*"] if tags == "*" else re.findall(_ETAG, tags)
