"""What every answer says besides its content."""

from pathlib import Path

import pytest

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
