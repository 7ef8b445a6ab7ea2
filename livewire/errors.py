"""Errors as answers: problem+json for programs, a page for people (RFC 9457)."""

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from channels.errors import LivewireError, TooSlow
from livewire.reader.pages import Pages

_logger = logging.getLogger(__name__)

_SHORT = 65_536
"""Bytes of a refused body that are read for the sake of the connection."""

_MACHINES = ("/api/", "/stream", "/changes", "/asyncapi", "/static/", "/health/")


class Problems:
    """Turns whatever was raised into an answer; the stack stays in our log."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def handlers(self) -> Mapping[Any, Callable[[Request, Exception], Response]]:
        """The handlers by what they handle."""
        return {
            LivewireError: self.refusal,
            HTTPException: self._http,
            Exception: self._unforeseen,
        }

    def refusal(self, request: Request, error: Exception) -> Response:
        """The answer to a `LivewireError`."""
        assert isinstance(error, LivewireError)  # noqa: S101 - Starlette's promise
        headers = error.headers
        if isinstance(error, TooSlow) or _has_long_body(request):
            # Or the server would go on reading what nobody wants.
            headers = {**headers, "Connection": "close"}
        return self._answer(request, error.problem(), error.status, headers)

    def _http(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - Starlette's promise
        status, title = error.status_code, HTTPStatus(error.status_code).phrase
        problem = {"type": "about:blank", "title": title, "status": status}
        if error.detail != title:
            problem["detail"] = error.detail
        headers = dict(error.headers or {})
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = _allowed(request) or headers.get("Allow", "")
        return self._answer(request, problem, status, headers)

    def _unforeseen(self, request: Request, error: Exception) -> Response:
        id_ = str(uuid4())
        _logger.error("Request failed, incident %s", id_, exc_info=error)
        problem = LivewireError(f"Incident {id_}.").problem()
        return self._answer(request, problem, 500, {})

    def _answer(
        self,
        request: Request,
        problem: Mapping[str, object],
        status: int,
        headers: Mapping[str, str],
    ) -> Response:
        headers = {"Cache-Control": "no-store", **headers}
        if _wants_page(request):
            page = self._pages.error(
                status=status,
                title=str(problem["title"]),
                detail=str(problem.get("detail", "")),
            )
            return Response(page, status, headers, media_type="text/html")
        return Response(
            orjson.dumps(problem), status, headers, "application/problem+json"
        )


def problem_handlers() -> Mapping[Any, Callable[[Request, Exception], Response]]:
    """Handlers for an API without pages."""
    return {LivewireError: _problem}


def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, LivewireError)  # noqa: S101 - Starlette's promise
    return Response(
        orjson.dumps(error.problem()),
        error.status,
        error.headers,
        "application/problem+json",
    )


def _has_long_body(request: Request) -> bool:
    """Whether more of the body may be on its way than is worth reading to the end."""
    if "transfer-encoding" in request.headers:
        return True
    declared = request.headers.get("content-length", "0")
    return not declared.isdigit() or int(declared[:20]) > _SHORT


def _allowed(request: Request) -> str:
    """The methods of every route of this path; a route knows only its own."""
    methods: set[str] = set()
    if request.scope.get("root_path"):
        return ""  # below a mount, whose routes are not ours to list
    for route in request.app.routes:
        match, _ = route.matches(request.scope)
        if match is Match.PARTIAL and isinstance(route, Route):
            methods |= route.methods or set()
    return ", ".join(sorted(methods))


def _wants_page(request: Request) -> bool:
    # Not the path of `request.url`, in which the client's Host has its say.
    if str(request.scope["path"]).startswith(_MACHINES):
        return False
    return "text/html" in request.headers.get("accept", "")
