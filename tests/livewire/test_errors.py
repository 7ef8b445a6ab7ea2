"""livewire/errors.py: problem+json for programs, a page for people."""

import logging
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from channels.errors import Fault, Invalid, TooLarge, TooSlow, Withdrawn
from livewire.errors import Problems
from livewire.reader.pages import Pages, Site

RAISED: dict[str, Exception] = {
    "unforeseen": RuntimeError("secret of the house"),
    "invalid": Invalid(errors=[Fault("/headline", "At most 200 characters.")]),
    "withdrawn": Withdrawn("This story was withdrawn."),
    "large": TooLarge(),
    "slow": TooSlow(),
    "teapot": HTTPException(418, "Short and stout."),
    "plain": HTTPException(404),
}


async def fail(request: Request) -> Response:
    raise RAISED[request.path_params["name"]]


def client() -> httpx.AsyncClient:
    pages = Pages(Site("Livewire", "https://news.example", "en", "build"), sections={})
    app = Starlette(
        routes=[
            Route("/{name}", fail, methods=["GET"]),
            Route("/{name}", fail, methods=["POST"]),
            Route("/api/{name}", fail, methods=["POST"]),
            Mount("/inside", routes=[Route("/only", fail, methods=["PATCH"])]),
        ],
        exception_handlers=Problems(pages).handlers(),
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="https://news.example")


async def test_what_nobody_foresaw_is_an_incident_that_tells_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with client() as http:
        answer = await http.get("/unforeseen")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
    (record,) = (r for r in caplog.records if r.levelno == logging.ERROR)
    assert answer.json()["detail"].removeprefix("Incident ")[:-1] in record.message
    assert record.exc_info is not None


async def test_our_errors_say_what_is_wrong_and_are_kept_by_nobody() -> None:
    async with client() as http:
        answer = await http.post("/api/invalid")
    assert answer.status_code == 422
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "type": "urn:livewire:problem:invalid",
        "title": "The request breaks the rules named in errors",
        "status": 422,
        "errors": [{"pointer": "/headline", "detail": "At most 200 characters."}],
    }


async def test_people_get_a_page_where_there_are_pages() -> None:
    headers = {"Accept": "text/html,*/*"}
    async with client() as http:
        page = await http.get("/withdrawn", headers=headers)
        api = await http.post("/api/withdrawn", headers=headers)
    assert page.status_code == api.status_code == 410
    assert page.headers["content-type"].startswith("text/html")
    assert "This story was withdrawn" in page.text
    assert api.headers["content-type"] == "application/problem+json"


async def test_errors_of_the_framework_are_problems_too() -> None:
    async with client() as http:
        teapot, plain = await http.get("/teapot"), await http.get("/plain")
    assert teapot.json() == {
        "type": "about:blank",
        "title": "I'm a Teapot",
        "status": 418,
        "detail": "Short and stout.",
    }
    assert "detail" not in plain.json()


async def test_another_method_is_told_every_one_there_is() -> None:
    async with client() as http:
        answer = await http.delete("/plain")
        inside = await http.get("/inside/only")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert (inside.status_code, inside.headers["allow"]) == (405, "PATCH")


async def test_the_rest_of_a_body_without_end_is_not_read() -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b"x"

    async with client() as http:
        declared = await http.post("/large", content=b"x")
        chunked = await http.post("/large", content=endless())
        slow = await http.post("/slow", content=b"x")
    assert "connection" not in declared.headers
    assert chunked.headers["connection"] == "close"
    assert slow.headers["connection"] == "close"
