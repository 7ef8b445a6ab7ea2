"""The description is true: every route is in it, every answer is as it says."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for
from starlette.routing import Route

from livewire.app import create_app
from publishers.api.openapi import OPERATIONS, Operation
from tests.serving import Service, settings_for


async def described(service: Service) -> dict[str, Any]:
    return dict((await service.http.get("/api/openapi.json")).json())


def schema_of(document: dict[str, Any], path: str, method: str, status: int) -> Any:
    answer = document["paths"][path][method]["responses"][str(status)]
    (content,) = answer["content"].values()
    return content["schema"] | {"components": document["components"]}


def test_every_route_of_the_api_is_described() -> None:
    app = create_app(settings_for(Path("unused")))
    routed = {
        (route.path, method.lower())
        for route in app.routes
        if isinstance(route, Route) and route.path.startswith("/api/")
        for method in route.methods or ()
        if method != "HEAD"
    }
    described = {(each.path, each.method) for each in OPERATIONS}
    assert routed - {("/api/openapi.json", "get")} <= described


async def test_the_schemas_are_schemas(service: Service) -> None:
    document = await described(service)
    assert document["openapi"] == "3.1.0"
    for schema in document["components"]["schemas"].values():
        validator_for(schema, default=Draft202012Validator).check_schema(schema)


async def test_a_patch_requires_no_member(service: Service) -> None:
    document = await described(service)
    assert "required" not in document["components"]["schemas"]["StoryPatch"]
    assert "headline" in document["components"]["schemas"]["NewStory"]["required"]


STEPS: list[tuple[str, str, dict[str, Any] | None, int]] = [
    ("post", "/api/stories", {"slug": "night", "headline": "Night"}, 201),
    ("post", "/api/stories", {"slug": "night", "headline": "Night"}, 409),
    ("post", "/api/stories", {"headline": 5}, 422),
    ("get", "/api/stories", None, 200),
    ("patch", "/api/stories/{slug}", {"status": "live", "summary": "*So far.*"}, 200),
    ("get", "/api/stories/{slug}", None, 200),
    ("post", "/api/stories/{slug}/updates", {"body": "One.", "breaking": True}, 201),
    ("get", "/api/stories/{slug}/updates/{id}", None, 200),
    (
        "patch",
        "/api/stories/{slug}/updates/{id}",
        {"correction": "Not one.", "quote": {"text": "One", "name": "Ada"}},
        200,
    ),
    ("get", "/api/stories/{slug}/updates", None, 200),
    ("get", "/changes", {"channel": "story/night", "since": "0"}, 200),
    ("post", "/api/stories/{slug}/updates/{id}/withdraw", {"reason": "No."}, 200),
    ("get", "/api/stories/{slug}/updates/{id}/versions", None, 200),
    ("get", "/api/stories", None, 200),
    ("post", "/api/stories/{slug}/withdraw", {"reason": "No.", "purge": True}, 200),
    ("get", "/api/stories", None, 200),
    ("get", "/changes", {"channel": "newsroom", "since": "0"}, 200),
    ("get", "/changes", {"channel": "story/night", "since": "x"}, 200),
    ("get", "/api/stories/{slug}/updates/{id}/versions", None, 200),
]


async def test_every_answer_is_as_described(service: Service) -> None:
    document = await described(service)
    update = ""
    for method, path, given, status in STEPS:
        where = path.format(slug="night", id=update)
        answer = await service.http.request(
            method,
            where,
            json=given if method != "get" else None,
            params=given if method == "get" else None,
            headers=service.auth() | {"If-Match": "*"},
        )
        assert answer.status_code == status, (method, path, answer.text)
        body = answer.json()
        schema = schema_of(document, path, method, status)
        Draft202012Validator(schema).validate(body)
        if path.endswith("/updates") and method == "post":
            update = body["update"]["id"]


@pytest.mark.parametrize(
    "each", [each for each in OPERATIONS if each.signed], ids=lambda each: each.summary
)
async def test_whoever_needs_a_token_is_refused_without_one(
    service: Service, each: Operation
) -> None:
    where = each.path.format(slug="night", id="x")
    answer = await service.http.request(each.method, where, json={})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
