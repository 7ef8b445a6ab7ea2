"""The API described by what validates it: OpenAPI 3.1, from the models and one table.

A route that the table does not name is not described, and a test holds the table to
the routes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict
from pydantic.json_schema import JsonSchemaMode, JsonSchemaValue, models_json_schema

from publishers.api.schemas import (
    Changes,
    MediaCreated,
    Problem,
    StoryAnswer,
    StoryList,
    StoryWritten,
    UpdateAnswer,
    UpdateList,
    UpdateWritten,
    VersionList,
)
from publishers.requests import (
    Body,
    NewStory,
    Revision,
    StoryBody,
    UpdateBody,
    Withdrawal,
)

Method = Literal["get", "post", "patch"]
Names = Mapping[tuple[type, JsonSchemaMode], JsonSchemaValue]


def _optional(schema: JsonDict) -> None:
    """A patch requires none of the members it may change."""
    schema.pop("required", None)


class StoryPatch(StoryBody, Revision):
    """JSON Merge Patch of a story: any of these members; null removes one."""

    model_config = ConfigDict(json_schema_extra=_optional)


class UpdatePatch(UpdateBody, Revision):
    """JSON Merge Patch of an update: any of these members; null removes one."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: Method
    path: str
    summary: str
    answer: type[BaseModel]
    status: int = 200
    body: type[Body] | None = None
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    failures: tuple[int, ...] = ()
    signed: bool = True


_WRITE = (400, 401, 403, 413, 415, 422, 503, 507)
_KEY, _MATCH = "Idempotency-Key", "If-Match"
_STORY = "/api/stories/{slug}"
_UPDATE = f"{_STORY}/updates/{{id}}"

OPERATIONS = (
    Operation(
        "post", "/api/stories", "Open a story, perhaps with its first update",
        StoryWritten, 201, NewStory, headers=(_KEY,), failures=(*_WRITE, 409),
    ),
    Operation(
        "get", "/api/stories", "List stories, newest change first", StoryList,
        query=("status", "section", "cursor", "limit"), failures=(401, 422),
        signed=False,
    ),
    Operation(
        "get", _STORY, "Show a story", StoryAnswer, failures=(401, 404), signed=False
    ),
    Operation(
        "patch", _STORY, "Change a story: its words, its status, what we know so far",
        StoryWritten, body=StoryPatch, headers=(_MATCH, _KEY),
        failures=(*_WRITE, 404, 409, 412, 428),
    ),
    Operation(
        "post", f"{_STORY}/withdraw", "Withdraw a story and all its updates",
        StoryWritten, body=Withdrawal, headers=(_KEY,), failures=(*_WRITE, 404),
    ),
    Operation(
        "post", f"{_STORY}/updates", "Publish an update", UpdateWritten, 201,
        UpdateBody, headers=(_KEY,), failures=(*_WRITE, 404, 409),
    ),
    Operation(
        "get", f"{_STORY}/updates", "List updates, newest first", UpdateList,
        query=("cursor", "limit", "tag", "key_event", "q"), failures=(401, 404, 422),
        signed=False,
    ),
    Operation(
        "get", _UPDATE, "Show an update", UpdateAnswer, failures=(401, 404),
        signed=False,
    ),
    Operation(
        "patch", _UPDATE, "Edit or correct an update", UpdateWritten,
        body=UpdatePatch, headers=(_MATCH, _KEY),
        failures=(*_WRITE, 404, 409, 412, 428),
    ),
    Operation(
        "get", f"{_UPDATE}/versions", "Every version of an update, for editors",
        VersionList, failures=(401, 403, 404),
    ),
    Operation(
        "post", f"{_UPDATE}/withdraw", "Withdraw an update", UpdateWritten,
        body=Withdrawal, headers=(_KEY,), failures=(*_WRITE, 404, 409),
    ),
    Operation(
        "post", "/api/media", "Upload a picture: the image itself, or a form's file",
        MediaCreated, 201, headers=(_KEY,), failures=_WRITE,
    ),
    Operation(
        "get", "/changes", "What changed in a channel since a position", Changes,
        query=("channel", "since", "wait"), failures=(401, 403, 404, 422),
        signed=False,
    ),
)  # fmt: skip


def document(*, title: str, version: str, server: str) -> dict[str, object]:
    """The OpenAPI document of this service."""
    models = {Problem: "serialization"} | {
        each.answer: "serialization" for each in OPERATIONS
    }
    bodies = {each.body: "validation" for each in OPERATIONS if each.body}
    names, definitions = models_json_schema(
        [(m, "serialization") for m in models] + [(b, "validation") for b in bodies],
        ref_template="#/components/schemas/{model}",
    )
    paths: dict[str, dict[str, object]] = {}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.method] = _operation(each, names)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                }
            },
        },
    }


def _operation(each: Operation, names: Names) -> dict[str, object]:
    operation: dict[str, object] = {
        "summary": each.summary,
        "operationId": _id(each),
        "security": [{"token": []}] if each.signed else [{}, {"token": []}],
        "parameters": _parameters(each),
        "responses": {
            str(each.status): _content(
                each.summary, "application/json", each.answer, names
            )
        }
        | {
            str(status): _content(
                "A problem (RFC 9457)", "application/problem+json", Problem, names
            )
            for status in each.failures
        },
    }
    if each.body is not None:
        kind = "application/merge-patch+json" if each.method == "patch" else None
        schema = names[each.body, "validation"]
        kinds = [kind, "application/json"] if kind else ["application/json"]
        operation["requestBody"] = {
            "required": True,
            "content": {name: {"schema": schema} for name in kinds},
        }
    elif each.path == "/api/media":
        binary = {"schema": {"type": "string", "contentMediaType": "image/*"}}
        operation["requestBody"] = {"required": True, "content": {"image/*": binary}}
    return operation


def _content(
    summary: str, kind: str, model: type[BaseModel], names: Names
) -> dict[str, object]:
    schema = names[model, "serialization"]
    return {"description": summary, "content": {kind: {"schema": schema}}}


def _parameters(each: Operation) -> list[dict[str, object]]:
    places = [("path", part[1:-1]) for part in each.path.split("/") if part[:1] == "{"]
    places += [("query", name) for name in each.query]
    places += [("header", name) for name in each.headers]
    needed = {_MATCH, "channel"}
    return [
        {
            "name": name,
            "in": place,
            "required": place == "path" or name in needed,
            "schema": {"type": "string"},
        }
        for place, name in places
    ]


def _id(each: Operation) -> str:
    words = [word.strip("{}") for word in each.path.split("/") if word]
    return "-".join([each.method, *words])
