"""Stories over HTTP: open, list, show, change, withdraw."""

from dataclasses import dataclass
from typing import cast

from starlette.requests import Request
from starlette.responses import Response

from channels.errors import Fault, Invalid
from channels.events import NEWSROOM, Data
from publishers.api.deeds import (
    change_story,
    open_story,
    require_for,
    withdraw_story,
)
from publishers.api.publishing import Publishing, answer, etag
from publishers.api.reading import if_match
from publishers.api.updates import limit_of, may_publish


@dataclass(frozen=True, slots=True)
class Stories:
    """The endpoints of `/api/stories`."""

    publishing: Publishing

    async def open(self, request: Request) -> Response:
        """`POST`: a new story, perhaps with its first update."""
        ask = self.publishing
        grant = ask.entrance.grant(request)
        if not grant.ever("publish"):
            grant.require("publish", "story/")
        content = await ask.entrance.json(request)
        action = ask.entrance.action(request, grant, content, status=201)
        keyed = "idempotency-key" in request.headers
        outcome = await open_story(ask, grant, content, action, keyed=keyed)
        location = f"/api/stories/{outcome.thing['slug']}"
        return ask.written("story", outcome, location=location)

    async def list(self, request: Request) -> Response:
        """`GET`: public stories, or with `follow:newsroom` those of any status."""
        ask = self.publishing
        grant = ask.entrance.grant(request)
        channel = NEWSROOM if grant.covers("follow", NEWSROOM) else "stories"
        view = await ask.hub.view(channel)
        status, section, cursor, limit = _asked(request)
        found = [
            story
            for story in _newest_first(event.data for event in view if event.data)
            if status in (None, story["status"])
            and section in (None, story["section"])
            and (cursor is None or _place(story) < cursor)
        ]
        page, rest = found[:limit], found[limit:]
        following = "~".join(_place(page[-1])) if rest else None
        body = {
            "stories": page,
            "next": following,
            "position": str(view.extent.end),
        }
        return answer(body, private=bool(grant.subject))

    async def show(self, request: Request) -> Response:
        """`GET .../{slug}`: one story as it is now."""
        story = await self.publishing.story_view(request)
        body = {"story": story.story, "position": story.position}
        headers = {"ETag": etag(story.story)}
        return answer(body, headers=headers, private=story.private)

    async def change(self, request: Request) -> Response:
        """`PATCH .../{slug}`: a new version, by JSON Merge Patch."""
        ask, slug = self.publishing, request.path_params["slug"]
        grant = may_publish(ask, request)
        tags = if_match(request, required=True)
        content = await ask.entrance.json(request)
        require_for(grant, f"story/{slug}", content)
        action = ask.entrance.action(request, grant, content, status=200)
        outcome = await change_story(ask, slug, content, tags, action)
        return ask.written("story", outcome)

    async def withdraw(self, request: Request) -> Response:
        """`POST .../{slug}/withdraw`: the story and every update of it."""
        ask, slug = self.publishing, request.path_params["slug"]
        grant = may_publish(ask, request)
        content = await ask.entrance.json(request)
        require_for(grant, f"story/{slug}", content)
        action = ask.entrance.action(request, grant, content, status=200)
        outcome = await withdraw_story(ask, slug, content, action)
        return await ask.withdrawn("story", outcome)


def _newest_first(stories: object) -> list[Data]:
    return sorted(cast("list[Data]", stories), key=_place, reverse=True)


def _place(story: Data) -> tuple[str, str]:
    return str(story["modified"]), str(story["slug"])


def _asked(
    request: Request,
) -> tuple[str | None, str | None, tuple[str, str] | None, int]:
    query, faults = request.query_params, list[Fault]()
    count = limit_of(query, faults)
    cursor = query.get("cursor")
    modified, separator, slug = (cursor or "").partition("~")
    if cursor is not None and not separator:
        faults.append(Fault("?cursor", "A cursor is what next said."))
    if faults:
        raise Invalid(errors=faults)
    place = (modified, slug) if cursor is not None else None
    return query.get("status"), query.get("section"), place, count
