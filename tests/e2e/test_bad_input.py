"""What a stranger, a broken client or a tired editor may send, and what comes of it.

Every row asserts the status, a problem that says what is wrong, and that the log is
as it was.
"""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from httpx_sse import EventSource

from tests.serving import Service, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

UPDATES = "/api/stories/night/updates"
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Desk:
    """A service that no row may change: a live story, an ended and a withdrawn one."""

    service: Service
    update: str  # the path of an update
    gone: str  # the path of a withdrawn one
    position: str  # of the live story
    elsewhere: str  # of another story

    async def tops(self) -> dict[str, int]:
        """The newest number of every channel that there is."""
        names = ["latest", "breaking", "stories", "newsroom"]
        names += [f"section/{s}" for s in self.service.parts.settings.sections]
        names += [f"story/{slug}" for slug in ("night", "over", "away", "nobody")]
        log = self.service.parts.log
        return {name: (await log.read(name)).extent.top for name in names}

    async def send(
        self, method: str, path: str, *, match: str | None = None, **more: Any
    ) -> httpx.Response:
        """A request of a chief editor."""
        headers = self.service.auth() | more.pop("headers", {})
        if match is not None:
            headers["If-Match"] = match
        return await self.service.http.request(method, path, headers=headers, **more)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def room(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with running(tmp_path_factory.mktemp("data"), max_body=65_536) as service:
        opened = [await service.open(slug) for slug in ("night", "over", "away")]
        published = [await service.publish("night", headline=str(n)) for n in "ab"]
        paths = [f"{UPDATES}/{each['update']['id']}" for each in published]
        auth = service.auth() | {"If-Match": "*"}
        over = {"status": "ended"}
        await service.http.patch("/api/stories/over", json=over, headers=auth)
        why = {"reason": "Not so."}
        for path in (paths[1], "/api/stories/away"):
            await service.http.post(f"{path}/withdraw", json=why, headers=auth)
        yield Desk(
            service,
            update=paths[0],
            gone=paths[1],
            position=published[1]["position"],
            elsewhere=opened[1]["position"],
        )


@pytest_asyncio.fixture(loop_scope="module")
async def desk(room: Desk) -> AsyncIterator[Desk]:
    """The room, which has to be left as it was found."""
    before = await room.tops()
    yield room
    assert await room.tops() == before


def is_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The problem of an answer, once it is a well-formed one of that status."""
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert "Traceback" not in answer.text
    return problem


def pointers(answer: httpx.Response) -> set[str]:
    faults = is_problem(answer, 422)["errors"]
    assert all(fault["detail"] for fault in faults)
    return {fault["pointer"] for fault in faults}


def deep(levels: int) -> bytes:
    return b'{"body":' + b"[" * levels + b"]" * levels + b"}"


NOT_JSON = {
    "empty": b"",
    "white": b"  \n",
    "a word": b"hello",
    "cut off": b'{"body":"x"',
    "trailing": b'{"body":"x"} x',
    "two values": b'{"body":"x"}{"body":"y"}',
    "byte order mark": b'\xef\xbb\xbf{"body":"x"}',
    "single quotes": b"{'body':'x'}",
    "a comment": b'{"body":"x" /* y */}',
    "no UTF-8": b'{"body":"\xff"}',
    "overlong": b'{"body":"\xc0\xaf"}',
    "UTF-16": '{"body":"x"}'.encode("utf-16"),
    "half a pair": b'{"body":"\\ud800"}',
    "raw half a pair": b'{"body":"\xed\xa0\x80"}',
    "raw NUL": b'{"body":"a\x00b"}',
    "raw line break": b'{"headline":"a\nb"}',
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
async def test_what_is_not_json_is_400_and_says_where(desk: Desk, body: bytes) -> None:
    answer = await desk.send("POST", UPDATES, content=body, headers=JSON)
    problem = is_problem(answer, 400)
    assert problem["type"] == "urn:livewire:problem:not-json"
    assert problem["detail"]


async def test_a_name_used_twice_is_400(desk: Desk) -> None:
    for body in (b'{"body":"a","body":"b"}', b'{"quote":{"text":"a","text":"b"}}'):
        answer = await desk.send("POST", UPDATES, content=body, headers=JSON)
        problem = is_problem(answer, 400)
        assert problem["type"] == "urn:livewire:problem:repeated-name"
        assert "twice" in problem["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": ""},
        {"Content-Type": "application/x-www-form-urlencoded"},
        JSON | {"Content-Encoding": "gzip"},
        JSON | {"Content-Encoding": "br"},
    ],
)
async def test_another_media_type_or_coding_is_415(
    desk: Desk, headers: dict[str, str]
) -> None:
    body = gzip.compress(b'{"body":"x"}')
    answer = await desk.send("POST", UPDATES, content=body, headers=headers)
    assert is_problem(answer, 415)["detail"]


async def test_a_body_over_the_limit_is_413_at_the_limit(desk: Desk) -> None:
    million = json.dumps({"headline": "x" * 10**6}).encode()
    answer = await desk.send("POST", UPDATES, content=million, headers=JSON)
    assert "65536 bytes" in is_problem(answer, 413)["detail"]
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 8192
            yield b" " * 8192

    try:
        answer = await desk.send("POST", UPDATES, content=endless(), headers=JSON)
        is_problem(answer, 413)
    except httpx.TransportError:
        pass  # the answer may be lost on one who never stops to listen
    assert sent < 2**26  # what the sockets between us hold, and no more


STRANGE_JSON = {
    "too deep": deep(40),
    "far too deep": deep(20_000),
    "many names": json.dumps({f"n{n}": n for n in range(1001)}).encode(),
    "a long string": json.dumps({"body": "x" * 32_769}).encode(),
    "a large integer": b'{"urgency":9007199254740993}',
    "a huge integer": b'{"urgency":' + b"9" * 5000 + b"}",
    "a huge float": b'{"urgency":1e400}',
    "minus zero": b'{"urgency":-0}',
    "NaN": b'{"urgency":NaN}',
    "a list": b"[]",
    "null": b"null",
    "a string": b'"x"',
}


@pytest.mark.parametrize("body", STRANGE_JSON.values(), ids=STRANGE_JSON.keys())
async def test_json_that_no_two_read_alike_is_422(desk: Desk, body: bytes) -> None:
    answer = await desk.send("POST", UPDATES, content=body, headers=JSON)
    assert pointers(answer) <= {"", "/body", "/urgency"}


PAST = "2020-01-01T00:00:00Z"
UPDATE_FAULTS: dict[str, tuple[dict[str, object], set[str]]] = {
    "NUL": ({"headline": "a\x00b"}, {"/headline"}),
    "a control": ({"headline": "a\x1bb"}, {"/headline"}),
    "a bidi override": ({"headline": "a\u202eb"}, {"/headline"}),
    "an open isolate": ({"headline": "a\u2067b"}, {"/headline"}),
    "a tag": ({"headline": "a\U000e0041b"}, {"/headline"}),
    "zero width flood": ({"headline": "a" + "\u200b" * 50}, {"/headline"}),
    "stacked marks": ({"headline": "a" + "\u0301" * 50}, {"/headline"}),
    "two lines": ({"headline": "a\nb"}, {"/headline"}),
    "hidden in the body": ({"body": "a\u202eb"}, {"/body"}),
    "a headline of 30,000": ({"headline": "x" * 30_000}, {"/headline"}),
    "unknown": ({"body": "x", "bdoy": 1, "html": "x"}, {"/bdoy", "/html"}),
    "wrong types": (
        {"body": 1, "pinned": "yes", "tags": {}, "qa": [1]},
        {"/body", "/pinned", "/tags", "/qa/0"},
    ),
    "missing": ({}, {"/body"}),
    "nested": ({"body": "x", "source": {"url": "https://a.b"}}, {"/source/name"}),
    "a script for a source": (
        {"body": "x", "source": {"name": "x", "url": "javascript:alert(1)"}},
        {"/source/url"},
    ),
    "credentials": (
        {"body": "x", "authors": [{"name": "x", "url": "https://a:b@c.d"}]},
        {"/authors/0/url"},
    ),
    "a picture elsewhere": (
        {"body": "x", "media": [{"url": "https://e.vil/a.svg", "alt": "x"}]},
        {"/media/0"},
    ),
    "a date without its zone": (
        {"body": "x", "breaking": True, "breaking_until": "2099-01-01T00:00:00"},
        {"/breaking_until"},
    ),
    "a date out of reach": (
        {
            "body": "x",
            "breaking": True,
            "breaking_until": "9999-12-31T23:59:59-23:59",
        },
        {"/breaking_until"},
    ),
    "breaking until the past": (
        {"body": "x", "breaking": True, "breaking_until": PAST},
        {"/breaking_until"},
    ),
}


@pytest.mark.parametrize(
    ("body", "wrong"), UPDATE_FAULTS.values(), ids=UPDATE_FAULTS.keys()
)
async def test_an_update_that_breaks_rules_is_422_and_names_them_all(
    desk: Desk, body: dict[str, object], wrong: set[str]
) -> None:
    assert pointers(await desk.send("POST", UPDATES, json=body)) == wrong
    edit = await desk.send("PATCH", desk.update, match="*", json=body)
    if body:
        assert pointers(edit) == wrong


STORY_FAULTS: dict[str, tuple[dict[str, object], set[str]]] = {
    "dots": ({"slug": ".."}, {"/slug"}),
    "a slash": ({"slug": "a/b"}, {"/slug"}),
    "braces": ({"slug": "{a}"}, {"/slug"}),
    "spaces": ({"slug": "a b"}, {"/slug"}),
    "too long": ({"slug": "a" * 300}, {"/slug"}),
    "look-alikes": ({"slug": "nіght"}, {"/slug"}),  # a Cyrillic i
    "capitals": ({"slug": "Night"}, {"/slug"}),
    "a line break": ({"slug": "night\n"}, {"/slug"}),
    "a star": ({"slug": "*"}, {"/slug"}),
    "an unknown section": ({"section": "sports"}, {"/section"}),
    "an unknown zone": ({"timezone": "../../etc/passwd"}, {"/timezone"}),
    "scheduled for never": ({"status": "scheduled"}, {"/starts_at"}),
    "resumes before it starts": (
        {"starts_at": "2099-01-02T00:00:00Z", "resumes_at": "2099-01-01T00:00:00Z"},
        {"/resumes_at"},
    ),
    "a date without its zone": ({"starts_at": "2099-01-02"}, {"/starts_at"}),
    "a first update in the past": (
        {"update": {"body": "x", "breaking": True, "breaking_until": PAST}},
        {"/update/breaking_until"},
    ),
    "everything at once": (
        {"slug": "", "tags": [1], "update": {"kind": "qa"}, "image": {}},
        {"/slug", "/tags/0", "/update/qa", "/image", "/image/alt"},
    ),
}


@pytest.mark.parametrize(
    ("body", "wrong"), STORY_FAULTS.values(), ids=STORY_FAULTS.keys()
)
async def test_a_story_that_breaks_rules_is_422_and_names_them_all(
    desk: Desk, body: dict[str, object], wrong: set[str]
) -> None:
    given = {"headline": "Nobody", "slug": "nobody"} | body
    assert pointers(await desk.send("POST", "/api/stories", json=given)) == wrong


SLUGS = (
    "..%2fx",
    "%2e%2e",
    "{}",
    "a%20b",
    "a" * 300,
    "n%D1%96ght",
    "%00",
    "*",
    "Night",
)


@pytest.mark.parametrize("slug", SLUGS)
async def test_what_is_no_slug_is_404_on_every_route(desk: Desk, slug: str) -> None:
    story, body = f"/api/stories/{slug}", {"body": "x"}
    for method, path in (
        ("GET", story),
        ("GET", f"{story}/updates"),
        ("PATCH", story),
        ("POST", f"{story}/updates"),
        ("POST", f"{story}/withdraw"),
        ("GET", f"/live/{slug}"),
    ):
        sent = None if method == "GET" else body
        is_problem(await desk.send(method, path, match="*", json=sent), 404)


STATES: dict[str, tuple[str, str, dict[str, object], int]] = {
    "an unknown story": ("POST", "/api/stories/nobody/updates", {"body": "x"}, 404),
    "an ended story": ("POST", "/api/stories/over/updates", {"body": "x"}, 409),
    "a withdrawn story": ("POST", "/api/stories/away/updates", {"body": "x"}, 409),
    "an unknown update": ("PATCH", f"{UPDATES}/x", {"body": "x"}, 404),
    "a withdrawn update": ("PATCH", "{gone}", {"body": "x"}, 409),
    "a taken slug": ("POST", "/api/stories", {"slug": "night", "headline": "x"}, 409),
    "a withdrawn slug": (
        "POST",
        "/api/stories",
        {"slug": "away", "headline": "x"},
        409,
    ),
    "live to draft": ("PATCH", "/api/stories/night", {"status": "draft"}, 409),
    "ended to paused": ("PATCH", "/api/stories/over", {"status": "paused"}, 409),
    "back from withdrawn": ("PATCH", "/api/stories/away", {"status": "live"}, 409),
    "withdrawn by PATCH": ("PATCH", "/api/stories/night", {"status": "withdrawn"}, 422),
    "a withdrawal without reason": ("POST", "{update}/withdraw", {}, 422),
    "a withdrawal of nothing": ("POST", f"{UPDATES}/x/withdraw", {"reason": "x"}, 404),
}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"), STATES.values(), ids=STATES.keys()
)
async def test_what_the_state_forbids_is_said(
    desk: Desk, method: str, path: str, body: dict[str, object], status: int
) -> None:
    path = path.format(gone=desk.gone, update=desk.update)
    answer = await desk.send(method, path, match="*", json=body)
    problem = is_problem(answer, status)
    assert problem.get("detail") or problem["errors"]


@pytest.mark.parametrize(
    ("match", "status"), [(None, 428), ('"7"', 412), ('W/"1"', 412), ("1", 400)]
)
async def test_a_patch_names_the_version_it_changes(
    desk: Desk, match: str | None, status: int
) -> None:
    for path in (desk.update, "/api/stories/night"):
        answer = await desk.send("PATCH", path, match=match, json={"headline": "x"})
        problem = is_problem(answer, status)
        if status == 412:
            thing = problem.get("update") or problem["story"]
            assert answer.headers["etag"] == f'"{thing["version"]}"'


@pytest.mark.parametrize("key", ["", "a" * 129, "schlüssel", "a b"])
async def test_a_bad_idempotency_key_is_400(desk: Desk, key: str) -> None:
    headers = {"Idempotency-Key": key.encode()}
    answer = await desk.send(
        "POST", UPDATES, json={"body": "x"}, headers=headers | desk.service.auth()
    )
    assert "Idempotency-Key" in is_problem(answer, 400)["detail"]


async def test_a_key_used_with_other_content_is_422(room: Desk) -> None:
    headers = {"Idempotency-Key": "reused"}
    first = await room.send("POST", UPDATES, json={"body": "One."}, headers=headers)
    assert first.status_code == 201
    before = await room.tops()
    other = await room.send("POST", UPDATES, json={"body": "Two."}, headers=headers)
    problem = is_problem(other, 422)
    assert problem["type"] == "urn:livewire:problem:key-reused"
    assert "Idempotency-Key" in problem["title"]
    assert await room.tops() == before


POSITIONS = {
    "empty": ("", "malformed"),
    "garbage": ("garbage", "malformed"),
    "a bare number": ("7", "malformed"),
    "minus one": ("epoch001--1", "malformed"),
    "a float": ("epoch001-9e99", "malformed"),
    "a NUL": ("epoch001-1%00", "malformed"),
    "eight kilobytes": ("a" * 8192, "malformed"),
    "two positions": ("{position},{position}", "malformed"),
    "another story's": ("{elsewhere}", "epoch"),
    "another life's": ("zzzzzzzz-1", "epoch"),
    "ahead of the top": ("{epoch}-999999", "ahead"),
}


@pytest.mark.parametrize(
    ("position", "reason"), POSITIONS.values(), ids=POSITIONS.keys()
)
async def test_a_position_that_cannot_be_used_is_a_reset_and_never_an_error(
    desk: Desk, position: str, reason: str
) -> None:
    text = position.format(
        position=desk.position,
        elsewhere=desk.elsewhere,
        epoch=desk.position.partition("-")[0],
    )
    for name in ("since", "lastEventId", "last_event_id"):
        path = f"/stream?channel=story/night&{name}={text}"
        assert await _opening(desk, path) == ("reset", reason)
    answer = await desk.service.http.get(f"/changes?channel=story/night&since={text}")
    assert answer.status_code == 200
    assert answer.json()["reset"] == reason
    assert answer.json()["events"]
    if "%" not in text:
        path = f"/stream?channel=story/night&since={desk.position}"
        assert await _opening(desk, path, text) == ("reset", reason)


async def test_two_headers_that_name_a_position_are_none(desk: Desk) -> None:
    path, twice = "/stream?channel=story/night", [desk.position] * 2
    assert await _opening(desk, path, *twice) == ("reset", "malformed")


async def _opening(desk: Desk, path: str, *positions: str) -> tuple[str, str | None]:
    headers = [("Last-Event-ID", position) for position in positions]
    async with desk.service.http.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200
        async for event in EventSource(response).aiter_sse():
            if event.data:
                return event.event, json.loads(event.data).get("reason")
    raise AssertionError("the stream said nothing")


UNKNOWN = ("story/nobody", "story/..", "section/none", "nonsense", "story/a/b", "*", "")


@pytest.mark.parametrize("channel", UNKNOWN)
async def test_an_unknown_channel_is_404_and_no_silent_stream(
    desk: Desk, channel: str
) -> None:
    for path in ("/stream", "/changes"):
        query = {"channel": channel, "since": "0"}
        is_problem(await desk.service.http.get(path, params=query), 404)


@pytest.mark.parametrize(
    ("path", "pointer"),
    [
        ("/stream", "?channel"),
        ("/changes", "?channel"),
        ("/changes?channel=latest&channel=stories", "?channel"),
        ("/stream?" + "&".join(f"channel=story/s{n}" for n in range(21)), "?channel"),
        *(
            (f"/changes?channel=latest&wait={wait}", "?wait")
            for wait in ("0", "31", "-1", "1.5", "1e1", "x", "", "%D9%A3")
        ),
        *(
            (f"{UPDATES}?limit={limit}", "?limit")
            for limit in ("0", "-1", "1000000000", "abc", "9" * 5000)
        ),
        (f"{UPDATES}?cursor=x", "?cursor"),
        (f"{UPDATES}?key_event=1", "?key_event"),
    ],
)
async def test_a_query_out_of_range_is_422_and_names_its_part(
    desk: Desk, path: str, pointer: str
) -> None:
    assert pointers(await desk.service.http.get(path)) == {pointer}


BAD_TOKENS = ("x", "a.b.c", "e30.e30.", "x" * 9000, "W" * 6000 + ".e30.e30")


@pytest.mark.parametrize("token", BAD_TOKENS, ids=range(len(BAD_TOKENS)))
async def test_a_bad_token_is_401_everywhere(desk: Desk, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    for path in (
        "/api/stories",
        "/api/stories/night",
        UPDATES,
        "/stream?channel=story/night",
        "/changes?channel=story/night",
        "/live/night",
    ):
        answer = await desk.service.http.get(path, headers=headers)
        problem = is_problem(answer, 401)
        assert problem["detail"] == "The token is not valid."
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_a_token_that_is_over_or_for_something_else_is_refused(
    desk: Desk,
) -> None:
    service = desk.service
    over = {"Authorization": f"Bearer {service.token(seconds=-1)}"}
    for method, path in (("POST", UPDATES), ("GET", "/api/stories/night")):
        answer = await service.http.request(method, path, headers=over, json={})
        is_problem(answer, 401)
    other = service.auth("publish:story/other", "follow:*")
    for path in (UPDATES, "/api/stories/nobody/updates"):
        answer = await service.http.post(path, json={"body": "x"}, headers=other)
        assert "publish:story/" in is_problem(answer, 403)["detail"]
    basic = {"Authorization": "Basic aW5lczpwdw=="}
    is_problem(await service.http.get("/api/stories", headers=basic), 401)


async def test_a_token_in_the_address_is_no_token(desk: Desk) -> None:
    token = desk.service.token()
    query = {"token": token, "access_token": token}
    answer = await desk.service.http.post(UPDATES, params=query, json={"body": "x"})
    assert token not in answer.text
    is_problem(answer, 401)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/stories", {"GET", "HEAD", "POST"}),
        ("/api/stories/night", {"GET", "HEAD", "PATCH"}),
        (UPDATES, {"GET", "HEAD", "POST"}),
        (f"{UPDATES}/x", {"GET", "HEAD", "PATCH"}),
        (f"{UPDATES}/x/withdraw", {"POST"}),
        (f"{UPDATES}/x/versions", {"GET", "HEAD"}),
        ("/api/media", {"POST"}),
        ("/stream", {"GET", "HEAD"}),
        ("/changes", {"GET", "HEAD"}),
        ("/live/night", {"GET", "HEAD"}),
        ("/", {"GET", "HEAD"}),
    ],
)
async def test_another_method_is_405_and_says_which_there_are(
    desk: Desk, path: str, allowed: set[str]
) -> None:
    for method in {"PUT", "DELETE", "TRACE", "OPTIONS", "PROPFIND"} - allowed:
        answer = await desk.send(method, path)
        is_problem(answer, 405)
        assert set(answer.headers["allow"].split(", ")) == allowed
    for name in ("X-HTTP-Method-Override", "_method"):
        answer = await desk.send("GET", path, headers={name: "DELETE"})
        assert answer.status_code in (200, 404, 405, 422)


@pytest.mark.parametrize(
    "path",
    [
        *("//api/stories", "/api//stories", "/api/./stories", "/api/x/../stories"),
        *("/API/stories", "/api/stories;x=1", "/api\\stories"),
        *("/%2e%2e/%2e%2e/etc/passwd", "/static/../app.py", "/static/%2e%2e/app.py"),
        *("/static/..%2fapp.py", "/media/..%2f..%2fsecret/320", "//elsewhere.example"),
        *("/live/night/..%2f..", "/%00", "/static/%00", "/live/night/", "/stream/"),
    ],
)
async def test_tricks_with_paths_find_nothing(desk: Desk, path: str) -> None:
    status, headers, body = await _raw(desk, f"GET {path} HTTP/1.1", "Host: a")
    assert status == 404
    assert "location" not in headers
    assert "Traceback" not in body


@pytest.mark.parametrize(
    "host", ["elsewhere.example", "elsewhere.example/x?", "[", "a b", "", "a:b:c", "é"]
)
async def test_a_host_has_no_say_in_any_answer(desk: Desk, host: str) -> None:
    for path, kind in (
        ("/", "text/html"),
        ("/live/night", "text/html"),
        ("/nothing", "text/html"),
        ("/api/stories/night", "application/json"),
        ("/nothing", "application/problem+json"),
    ):
        accept = kind if kind == "text/html" else "*/*"
        status, headers, body = await _raw(
            desk, f"GET {path} HTTP/1.1", f"Host: {host}", f"Accept: {accept}"
        )
        assert status in (200, 404, 400), body
        assert "elsewhere.example" not in body + str(headers)


async def test_the_address_a_proxy_claims_is_not_believed(desk: Desk) -> None:
    for forwarded in ("1.2.3.4", "unknown", ", ".join(["10.0.0.1"] * 100), "\x01"):
        headers = {
            "X-Forwarded-For": forwarded,
            "X-Forwarded-Host": "elsewhere.example",
            "X-Forwarded-Proto": "gopher",
            "Forwarded": "for=1.2.3.4;host=elsewhere.example",
        }
        for path in ("/", "/live/night", "/api/stories/night"):
            plain = await desk.service.http.get(path)
            if forwarded.isprintable():
                claimed = await desk.service.http.get(path, headers=headers)
                assert claimed.text == plain.text
                assert claimed.headers.get("etag") == plain.headers.get("etag")


@pytest.mark.parametrize(
    "origin",
    ["null", "https://elsewhere.example", "http://127.0.0.1.elsewhere.example"],
)
async def test_any_origin_reads_and_none_brings_cookies(
    desk: Desk, origin: str
) -> None:
    headers = {"Origin": origin, "Cookie": "session=x"}
    answer = await desk.service.http.get("/api/stories/night", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    preflight = await desk.service.http.options(
        UPDATES, headers=headers | {"Access-Control-Request-Method": "POST"}
    )
    assert "POST" not in preflight.headers.get("access-control-allow-methods", "")


@pytest.mark.parametrize("accept", ["application/json", "text/html", "image/*"])
async def test_a_stream_is_given_only_to_those_who_take_one(
    desk: Desk, accept: str
) -> None:
    answer = await desk.service.http.get(
        "/stream?channel=latest", headers={"Accept": accept}
    )
    is_problem(answer, 406)


@pytest.mark.parametrize("query", ["before=x", "before=", "before=%00", "q=" + "x" * 9])
async def test_a_page_makes_the_best_of_a_strange_query(desk: Desk, query: str) -> None:
    answer = await desk.service.http.get(f"/live/night?{query}")
    assert answer.status_code in (200, 404, 422)


async def test_a_browser_gets_its_errors_as_a_page(desk: Desk) -> None:
    headers = {"Accept": "text/html"}
    for path, status in (("/live/nobody", 404), ("/live/away", 410), ("/x", 404)):
        answer = await desk.service.http.get(path, headers=headers)
        assert answer.status_code == status
        assert answer.headers["content-type"].startswith("text/html")
        is_problem(await desk.service.http.get(path), status)


async def test_markup_in_a_text_stays_text(room: Desk) -> None:
    body = (
        "<script>alert(1)</script> <img src=x onerror=alert(2)> "
        "[a](javascript:alert(3)) [b](JaVaScRiPt&colon;alert(4)) "
        "[c](data:text/html,x) [d](//elsewhere.example) <svg/onload=alert(5)>"
    )
    sent = {"headline": "<b onclick=x>Bold</b>", "body": body}
    answer = await room.send("POST", UPDATES, json=sent)
    html = answer.json()["update"]["html"]
    assert "<script" not in html
    assert "<img" not in html
    assert "<svg" not in html
    assert "href" not in html
    page = await room.service.http.get("/live/night")
    assert "<b onclick" not in page.text
    assert "<script>alert" not in page.text
    assert "<img src=x" not in page.text


async def test_line_separators_are_escaped_on_the_wire(room: Desk) -> None:
    text = "one\u2028two\u2029three\u0085four\r\nfive\rsix\n"
    answer = await room.send("POST", UPDATES, json={"body": text})
    update = answer.json()["update"]
    assert update["body"] == "one\u2028two\u2029three\u0085four\nfive\nsix\n"
    query = {"channel": "story/night", "since": "0"}
    changes = await room.service.http.get("/changes", params=query)
    for raw in ("\u2028", "\u2029", "\u0085", "\r"):
        assert raw not in changes.text
    told = {e["key"]: e["data"] for e in changes.json()["events"]}
    assert told[f"update/{update['id']}"]["body"] == update["body"]


async def _raw(desk: Desk, *lines: str) -> tuple[int, dict[str, str], str]:
    """An answer to a request as no client would write it."""
    _, _, port = desk.service.url.rpartition(":")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
    try:
        head = "\r\n".join([*lines, "Connection: close", "", ""])
        writer.write(head.encode())
        answer = (await reader.read()).decode()
    finally:
        writer.close()
        await writer.wait_closed()
    top, _, body = answer.partition("\r\n\r\n")
    first, *rest = top.split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in rest)
    return int(first.split(" ")[1]), headers, body
