"""What every answer says besides its content."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.serving import Service, running

PUBLIC = ("/", "/live/night", "/changes?channel=latest", "/api/stories", "/nothing")


@pytest.mark.parametrize("path", PUBLIC)
async def test_what_is_public_is_open_to_every_origin(
    service: Service, path: str
) -> None:
    await service.open("night")
    answer = await service.http.get(path)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "ETag" in answer.headers["access-control-expose-headers"]
    assert "Retry-After" in answer.headers["access-control-expose-headers"]
    assert "origin" not in answer.headers.get("vary", "").lower()
    assert "set-cookie" not in answer.headers


async def test_the_newsroom_is_open_to_none(service: Service) -> None:
    answer = await service.http.get(
        "/newsroom", headers={"Origin": "https://x.example"}
    )
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize("header", ["Authorization", "Last-Event-ID", "If-None-Match"])
async def test_a_preflight_allows_what_readers_send(
    service: Service, header: str
) -> None:
    asked = {
        "Origin": "https://x.example",
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": header,
    }
    answer = await service.http.options("/stream", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert header in answer.headers["access-control-allow-headers"]


async def test_a_preflight_does_not_allow_writing(service: Service) -> None:
    asked = {
        "Origin": "https://x.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    answer = await service.http.options("/api/stories", headers=asked)
    assert answer.status_code == 400
    assert "access-control-allow-methods" not in answer.headers


@pytest.mark.parametrize(
    "asked", [{"Method": "POST"}, {"Method": "GET", "Headers": "authorization, x-own"}]
)
async def test_a_preflight_for_more_than_reading_is_a_problem(
    service: Service, asked: dict[str, str]
) -> None:
    named = {f"Access-Control-Request-{name}": said for name, said in asked.items()}
    headers = {"Origin": "https://x.example", **named}
    answer = await service.http.options("/api/stories", headers=headers)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    problem = answer.json()
    assert problem["type"] == "urn:livewire:problem:bad-request"
    assert problem["status"] == answer.status_code == 400
    assert problem["title"]


async def test_a_preflight_may_ask_for_several_headers_in_any_case(
    service: Service,
) -> None:
    asked = {
        "Origin": "https://x.example",
        "Access-Control-Request-Method": "HEAD",
        "Access-Control-Request-Headers": "authorization,LAST-EVENT-ID, if-none-match",
    }
    answer = await service.http.options("/changes", headers=asked)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD"
    assert answer.headers["access-control-max-age"] == "600"


async def test_options_that_are_no_preflight_are_a_method_like_any_other(
    service: Service,
) -> None:
    answer = await service.http.options("/api/stories")
    assert answer.status_code == 405


async def picture(service: Service) -> str:
    """The path of a picture just uploaded."""
    file = BytesIO()
    Image.new("RGB", (400, 300)).save(file, "PNG")
    answer = await service.http.post(
        "/api/media",
        content=file.getvalue(),
        headers={**service.auth(), "Content-Type": "image/png"},
    )
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


STATIC = "/static/livewire.css"
PAGES = ("/", "/section/legislative-updates", "/live/night")
DATA = ("/api/stories", "/api/stories/night", "/api/openapi.json")
POLL = "/changes?channel=story/night&since=0"


@pytest.mark.parametrize("authorization", ["Bearer x", "Bearer", "Basic eDp5"])
async def test_a_bad_token_is_refused_on_every_public_path(
    service: Service, authorization: str
) -> None:
    await service.open("night")
    shown = await picture(service)
    stream = "/stream?channel=latest"
    headers = {"Authorization": authorization}
    for path in (*PAGES, *DATA, POLL, STATIC, stream, shown, "/nothing"):
        for method in ("GET", "HEAD"):
            answer = await service.http.request(method, path, headers=headers)
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_browser_is_refused_with_a_page(service: Service) -> None:
    headers = {"Authorization": "Bearer x", "Accept": "text/html"}
    answer = await service.http.get("/", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert "content-security-policy" in answer.headers


async def test_what_is_served_by_token_is_kept_by_nobody(service: Service) -> None:
    await service.open("night")
    shown = await picture(service)
    for path in (*PAGES, *DATA, POLL, shown):
        answer = await service.http.get(path, headers=service.auth())
        assert answer.status_code == 200, path
        assert answer.headers.get_list("cache-control") == ["private, no-store"], path
        open_ = await service.http.get(path)
        assert open_.headers["cache-control"].startswith("public, "), path
    static = await service.http.get(f"{STATIC}?v=1", headers=service.auth())
    assert static.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_public_answers_say_that_a_token_changes_them(service: Service) -> None:
    await service.open("night")
    shown = await picture(service)
    for path in (*DATA, POLL, STATIC, shown, "/nothing"):
        answer = await service.http.get(path)
        assert answer.headers.get_list("vary") == ["Authorization"], path
    for path in PAGES:
        answer = await service.http.get(path)
        assert answer.headers.get_list("vary") == ["Accept-Encoding, Authorization"]
    again = {"If-None-Match": answer.headers["etag"]}
    answer = await service.http.get(path, headers=again)
    assert answer.status_code == 304
    assert answer.headers.get_list("vary") == ["Accept-Encoding, Authorization"]


@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_a_page_that_a_reader_holds_is_not_sent_again(
    service: Service, coding: str
) -> None:
    await service.open("night")
    for path in PAGES:
        coded = {"Accept-Encoding": coding}
        etag = (await service.http.get(path, headers=coded)).headers["etag"]
        for sent in (etag, f"W/{etag}", f'"other", W/{etag}', f'{etag},"other"'):
            headers = {**coded, "If-None-Match": sent}
            answer = await service.http.get(path, headers=headers)
            assert (answer.status_code, answer.content) == (304, b""), sent
            assert answer.headers["etag"] == etag
        headers = {**coded, "If-None-Match": '"other", W/"another"'}
        assert (await service.http.get(path, headers=headers)).status_code == 200


async def test_pages_have_a_policy_and_data_has_none(service: Service) -> None:
    page = await service.http.get("/")
    data = await service.http.get("/api/stories")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "content-security-policy" not in data.headers
    for answer in (page, data):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "strict-transport-security" not in answer.headers


async def test_behind_tls_it_stays_there(tmp_path: Path) -> None:
    async with running(tmp_path, base_url="https://news.example") as service:
        answer = await service.http.get("/")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
