"""What the service has against a request, as a client reads it (RFC 9457).

The law: no answer is an answer too. It says that the outcome is unknown, never that
nothing was done.
"""

from collections.abc import Mapping

import httpx
import orjson

from channels.errors import Fault
from channels.events import Data

LONGEST_RETRY = 120.0  # seconds; what a service asks for beyond is not believed


class Problem(Exception):
    """What the service has against a request (RFC 9457).

    `status` 0 means that no answer came: whether a write was carried out is unknown,
    and repeating it under the key that `detail` names is safe. `after` is how many
    seconds the service asks to be left in peace.
    """

    def __init__(
        self,
        status: int,
        type_: str,
        title: str,
        detail: str = "",
        errors: tuple[Fault, ...] = (),
        *,
        after: float = 0,
    ) -> None:
        super().__init__(f"{title}: {detail}" if detail else title)
        self.status = status
        self.type = type_
        self.title = title
        self.detail = detail
        self.errors = errors
        self.after = after

    @property
    def passing(self) -> bool:
        """Whether it says nothing against the request, which may be repeated."""
        return self.status in (0, 408, 429, 502, 503, 504)


def as_data(value: object) -> Data:
    """A JSON object. Raises ValueError."""
    if not isinstance(value, Mapping):
        raise ValueError("the service sent something other than an object")
    return value


def as_problem(said: Data, *, after: float = 0) -> Problem:
    """The members of `application/problem+json` as an error."""
    faults = said.get("errors")
    return Problem(
        int(str(said.get("status", 500))),
        str(said.get("type", "about:blank")),
        str(said.get("title", "")),
        str(said.get("detail", "")),
        tuple(
            Fault(str(each.get("pointer", "")), str(each.get("detail", "")))
            for each in (faults if isinstance(faults, list) else [])
            if isinstance(each, Mapping)
        ),
        after=after,
    )


def content_of(answer: httpx.Response) -> Data:
    """The JSON object of a success. Raises `Problem` for anything else."""
    try:
        return as_data(orjson.loads(answer.content))
    except ValueError as error:
        title = "The service sent something this client cannot read"
        raise Problem(answer.status_code, "about:blank", title) from error


def problem_in(answer: httpx.Response) -> Problem:
    """What an answer that is no success says."""
    given = answer.headers.get("Retry-After", "")
    # It may be a date too (RFC 9110, 10.2.3); ours never is, and one counts as none.
    after = min(float(given), LONGEST_RETRY) if given.isdecimal() else 0.0
    try:
        said = as_data(orjson.loads(answer.content))
    except ValueError:  # somebody before the service answered in its place
        said = {"title": answer.reason_phrase or "An answer without a reason"}
    return as_problem({**said, "status": answer.status_code}, after=after)


def unanswered(error: httpx.TransportError, key: str | None) -> Problem:
    """The problem of a request that got no answer, though it may have arrived."""
    known = f" Repeating it with the key {key} cannot do it twice." if key else ""
    return Problem(
        0,
        "about:blank",
        "No answer",
        f"{breakage(error)}; the outcome is unknown.{known}",
    )


def breakage(error: httpx.TransportError) -> str:
    """What became of a line, in the words of whoever saw it break."""
    return str(error) or type(error).__name__
