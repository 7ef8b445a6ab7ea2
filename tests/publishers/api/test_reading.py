"""publishers/api/reading.py: what a request carries, before anybody acts on it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from starlette.requests import Request
from starlette.types import Message

from channels.errors import (
    BadRequest,
    CallerError,
    TooLarge,
    TooSlow,
    VersionRequired,
    WrongMediaType,
)
from publishers.access import Tokens
from publishers.api.reading import Entrance, Limits, idempotency_key, if_match
from publishers.permissions import Grant
from publishers.tokens import Keyring

SECRET = b"0123456789abcdef0123456789abcdef"
JSON = ("content-type", "application/json; charset=utf-8")
INES = Grant("ines", frozenset({"publish:*"}))


def entrance(*, deadline: float = 5) -> Entrance:
    return Entrance(
        Tokens(Keyring(SECRET, "livewire", "livewire")),
        Limits(body=64, upload=128, deadline=deadline),
        SECRET,
        lambda: datetime(2026, 11, 22, tzinfo=UTC),
        lambda: "00000000-0000-7000-8000-000000000000",
    )


def request(
    *headers: tuple[str, str],
    chunks: tuple[bytes, ...] = (),
    path: str = "/api/stories",
    ends: str = "whole",
) -> Request:
    async def messages() -> AsyncIterator[Message]:
        for chunk in chunks:
            yield {"type": "http.request", "body": chunk, "more_body": True}
        if ends == "never":
            await asyncio.Event().wait()
        if ends == "early":
            yield {"type": "http.disconnect"}
        yield {"type": "http.request", "body": b"", "more_body": False}

    stream = messages()
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(k.encode(), v.encode("latin-1")) for k, v in headers],
        "server": ("news.example", 80),
        "scheme": "http",
    }
    return Request(scope, stream.__anext__)


async def test_a_body_is_one_json_object() -> None:
    asked = request(JSON, chunks=(b'{"a"', b": 1}"))
    assert await entrance().json(asked) == {"a": 1}
    patch = ("content-type", "Application/Merge-Patch+JSON")
    assert await entrance().json(request(patch, chunks=(b"{}",))) == {}


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ([], WrongMediaType),
        ([("content-type", "text/json")], WrongMediaType),
        ([("content-type", "application/jsonx")], WrongMediaType),
        ([JSON, ("content-encoding", "gzip")], WrongMediaType),
        ([JSON, ("content-length", "65")], TooLarge),
    ],
)
async def test_a_body_is_refused_by_its_headers(
    headers: list[tuple[str, str]], error: type[CallerError]
) -> None:
    with pytest.raises(error):
        await entrance().json(request(*headers, ends="never"))


async def test_a_body_without_end_is_refused_at_the_limit() -> None:
    asked = request(JSON, chunks=(b"x" * 40,) * 2, ends="never")
    with pytest.raises(TooLarge):
        await entrance().json(asked)


async def test_a_body_arrives_in_time_and_whole() -> None:
    with pytest.raises(TooSlow):
        await entrance(deadline=0.01).json(request(JSON, ends="never"))
    with pytest.raises(BadRequest, match="early"):
        await entrance().json(request(JSON, chunks=(b"{",), ends="early"))


def test_a_request_is_known_by_editor_method_path_and_key() -> None:
    door, key = entrance(), ("idempotency-key", "one")
    known = door.request_id(request(key), INES)
    assert UUID(known).version == 5
    assert door.request_id(request(("idempotency-key", '"one"')), INES) == known
    # The client's Host is no part of the path, whatever it holds.
    odd = request(key, ("host", "news.example/else?"))
    assert door.request_id(odd, INES) == known
    assert door.request_id(request(key, ("host", "[")), INES) == known
    others = {
        door.request_id(request(("idempotency-key", "two")), INES),
        door.request_id(request(key, path="/api/media"), INES),
        door.request_id(request(key), Grant("omar")),
        door.request_id(request(), INES),
    }
    assert len(others | {known}) == 5


def test_an_action_says_who_when_and_what() -> None:
    content: dict[str, object] = {"note": "Call the court.", "body": "x"}
    action = entrance().action(request(), INES, content, status=201)
    assert (action.by, action.status, action.note) == ("ines", 201, "Call the court.")
    assert action.at == datetime(2026, 11, 22, tzinfo=UTC)
    assert len(action.fingerprint) == 64
    assert entrance().action(request(), INES, {"note": 1}, status=200).note is None


def test_without_a_key_there_is_none() -> None:
    assert idempotency_key(request()) is None


@pytest.mark.parametrize("key", ["", '""', "a b", "x" * 129, "ü", "a\tb"])
def test_a_bad_idempotency_key_is_refused(key: str) -> None:
    with pytest.raises(BadRequest, match="1 to 128"):
        idempotency_key(request(("idempotency-key", key)))


def test_two_idempotency_keys_are_none() -> None:
    with pytest.raises(BadRequest):
        idempotency_key(request(("idempotency-key", "a"), ("idempotency-key", "b")))


def test_if_match_is_read_as_the_rfc_writes_it() -> None:
    assert if_match(request(("if-match", "*")), required=True) == ["*"]
    several = request(("if-match", '"1", W/"2"'), ("if-match", '"3"'))
    assert if_match(several, required=True) == ['"1"', 'W/"2"', '"3"']
    assert if_match(request(), required=False) == ["*"]
    with pytest.raises(VersionRequired):
        if_match(request(), required=True)
    for broken in ("1", "", '"1', "x*", '*, "1"'):
        with pytest.raises(BadRequest, match="If-Match"):
            if_match(request(("if-match", broken)), required=True)
