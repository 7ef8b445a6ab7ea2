"""Every error of the house, in one tree.

An error is named by its condition and knows how each door answers it: `status` for
HTTP, `close_code` for WebSocket. 4000-4099 say "do not come back", 4100-4199 "come
back with backoff"; 1008, 1009, 1011 and 1013 are used where RFC 6455 fits.

    LivewireError                   500
    ├── CallerError                 400 the caller can mend it
    │   ├── BadRequest              400
    │   │   └── NotJson 400, RepeatedName 400
    │   ├── NotSignedIn             401
    │   ├── NotAllowed              403
    │   │   └── NotFromHere         403
    │   ├── NotFound                404
    │   │   └── UnknownChannel      404
    │   ├── NotAcceptable 406, TooSlow 408, WrongState 409
    │   ├── Withdrawn 410, UsedTicket 410, StaleVersion 412
    │   ├── TooLarge 413, WrongMediaType 415
    │   ├── Invalid                 422
    │   │   └── KeyReused           422
    │   └── VersionRequired         428
    └── ServiceError                503 we can mend it
        ├── Conflict                503
        ├── LogUnavailable          503
        │   └── Healing             503
        └── Draining 503, LogInUse 503, StorageFull 507
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request: where (RFC 6901 pointer) and what."""

    pointer: str
    detail: str


class LivewireError(Exception):
    """The root. `members` are further members of the problem (RFC 9457, 3.2)."""

    status: ClassVar[int] = 500
    close_code: ClassVar[int] = 1011
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong here"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.members = dict(members or {})

    def problem(self) -> dict[str, object]:
        """The members of `application/problem+json` (RFC 9457, section 3.1)."""
        problem: dict[str, object] = {
            "type": f"urn:livewire:problem:{self.code}",
            "title": self.title,
            "status": self.status,
        }
        more = {"detail": self.detail, "errors": [asdict(each) for each in self.errors]}
        return problem | {k: v for k, v in more.items() if v} | self.members


class CallerError(LivewireError):
    """The request is at fault: repeating it unchanged will not help."""

    status = 400
    close_code = 4000
    code = "bad-request"
    title = "The request cannot be understood"


class BadRequest(CallerError):
    """A header, a query or a body breaks its grammar."""


class NotJson(BadRequest):
    """The body is not one JSON value in UTF-8 (RFC 8259)."""

    code = "not-json"
    title = "The body is not JSON"


class RepeatedName(BadRequest):
    """An object names a member twice, so its meaning is anybody's guess."""

    code = "repeated-name"
    title = "A member is named twice"


class NotSignedIn(CallerError):
    """No token where one is needed, or one that does not verify."""

    status = 401
    close_code = 4001
    code = "not-signed-in"
    title = "A valid token is needed"

    def __init__(self, detail: str = "", *, sent: bool = False) -> None:
        # RFC 6750, section 3: the error is named only where a token was sent.
        challenge = 'Bearer error="invalid_token"' if sent else "Bearer"
        super().__init__(detail, headers={"WWW-Authenticate": challenge})


class NotAllowed(CallerError):
    """The token is good, but does not cover this."""

    status = 403
    close_code = 4003
    code = "not-allowed"
    title = "The token does not cover this"


class NotFromHere(NotAllowed):
    """A form that no page of this session's newsroom sent."""

    code = "not-from-here"
    title = "This was not sent from your newsroom page"


class NotFound(CallerError):
    """There is nothing under this name, or nothing this reader may know of."""

    status = 404
    close_code = 4004
    code = "not-found"
    title = "There is nothing here"


class UnknownChannel(NotFound):
    """Nobody opened this channel."""

    code = "unknown-channel"
    title = "There is no such channel"


class NotAcceptable(CallerError):
    """The client accepts none of the media types this resource has."""

    status = 406
    close_code = 4006
    code = "not-acceptable"
    title = "This resource has no such media type"


class TooSlow(CallerError):
    """The body did not arrive in time."""

    status = 408
    close_code = 4108
    code = "too-slow"
    title = "The body did not arrive in time"


class WrongState(CallerError):
    """What is asked is well formed, but the state of the thing forbids it."""

    status = 409
    close_code = 4009
    code = "wrong-state"
    title = "The present state forbids this"


class Withdrawn(CallerError):
    """The story was withdrawn: its pages are gone for good."""

    status = 410
    close_code = 4010
    code = "withdrawn"
    title = "This was withdrawn"


class UsedTicket(CallerError):
    """The sign-in link was used before; it works once."""

    status = 410
    close_code = 4010
    code = "used-ticket"
    title = "This sign-in link was used already"


class StaleVersion(CallerError):
    """`If-Match` names a version that is no longer the newest."""

    status = 412
    close_code = 4012
    code = "stale-version"
    title = "Somebody else changed this first"


class TooLarge(CallerError):
    """The body, or what it inflates to, is over the limit."""

    status = 413
    close_code = 1009
    code = "too-large"
    title = "The body is too large"


class WrongMediaType(CallerError):
    """The body has a media type or coding that is not read here."""

    status = 415
    close_code = 1003
    code = "wrong-media-type"
    title = "This media type is not read here"


class Invalid(CallerError):
    """The request is JSON, but breaks rules; `errors` names every one."""

    status = 422
    close_code = 4022
    code = "invalid"
    title = "The request breaks the rules named in errors"


class KeyReused(Invalid):
    """The idempotency key was used before, with other content."""

    code = "key-reused"
    title = "This Idempotency-Key was used with other content"


class VersionRequired(CallerError):
    """`If-Match` is missing (RFC 6585, section 3)."""

    status = 428
    close_code = 4028
    code = "version-required"
    title = "Say which version you are changing"


class ServiceError(LivewireError):
    """The service is at fault: the same request may succeed `wait` seconds later."""

    status = 503
    close_code = 1013
    code = "unavailable"
    title = "Not now"
    wait: ClassVar[int] = 1

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail, headers={"Retry-After": str(self.wait)})


class Conflict(ServiceError):
    """An append expected another `seq`; `top` is the channel's newest."""

    code = "conflict"
    title = "The log moved on"

    def __init__(self, channel: str, top: int) -> None:
        super().__init__()
        self.channel, self.top = channel, top


class LogUnavailable(ServiceError):
    """The log did not answer: what was asked may or may not have happened."""

    code = "log-unavailable"
    title = "The log does not answer"
    wait = 2


class Healing(LogUnavailable):
    """The log is being put back after a failure: nothing was stored meanwhile."""

    code = "healing"
    title = "The log is being put back after a failure"
    wait = 3


class Draining(ServiceError):
    """The process is about to end; another one, or the next, will answer."""

    code = "draining"
    title = "This worker is going away"


class LogInUse(ServiceError):
    """Another process has the log's file open."""

    code = "log-in-use"
    title = "The log is in use by another process"


class StorageFull(ServiceError):
    """There is no room to store the event; nothing of it was stored."""

    status = 507
    code = "storage-full"
    title = "The disk is full"
    wait = 30
