"""Updates over HTTP: publish, list, show, correct, versions, withdraw."""

import re
from dataclasses import dataclass

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from channels.errors import Fault, Invalid, NotFound
from channels.events import SLUG, Data, timestamp
from publishers.api.deeds import (
    change_update,
    publish_update,
    require_for,
    withdraw_update,
)
from publishers.api.publishing import Publishing, answer, etag
from publishers.api.reading import if_match
from publishers.fold import Version, place, removed_by
from publishers.permissions import Grant
from publishers.rich_text import plain
from publishers.updates import find_update, need_story

MOST_LISTED = 100
USUALLY_LISTED = 30

_FEW_DIGITS = re.compile("[0-9]{1,4}")
"""Thousands of them would take int() long, and past a limit it raises."""


@dataclass(frozen=True, slots=True)
class Updates:
    """The endpoints below `/api/stories/{slug}/updates`."""

    publishing: Publishing

    async def publish(self, request: Request) -> Response:
        """`POST`: a new update."""
        ask, slug = self.publishing, request.path_params["slug"]
        grant = may_publish(ask, request)
        content = await ask.entrance.json(request)
        require_for(grant, f"story/{slug}", content)
        action = ask.entrance.action(request, grant, content, status=201)
        outcome = await publish_update(ask, slug, content, action)
        id_ = outcome.key.removeprefix("update/")
        location = f"/api/stories/{slug}/updates/{id_}"
        return ask.written("update", outcome, location=location)

    async def change(self, request: Request) -> Response:
        """`PATCH`: a new version, by JSON Merge Patch."""
        ask, slug = self.publishing, request.path_params["slug"]
        id_, grant = request.path_params["id"], may_publish(ask, request)
        tags = if_match(request, required=True)
        content = await ask.entrance.json(request)
        require_for(grant, f"story/{slug}", content)
        action = ask.entrance.action(request, grant, content, status=200)
        outcome = await change_update(ask, slug, id_, content, tags, action)
        return ask.written("update", outcome)

    async def withdraw(self, request: Request) -> Response:
        """`POST .../withdraw`: the stub in place of the text."""
        ask, slug = self.publishing, request.path_params["slug"]
        id_, grant = request.path_params["id"], may_publish(ask, request)
        content = await ask.entrance.json(request)
        require_for(grant, f"story/{slug}", content)
        action = ask.entrance.action(request, grant, content, status=200)
        outcome = await withdraw_update(ask, slug, id_, content, action)
        return await ask.withdrawn("update", outcome)

    async def list(self, request: Request) -> Response:
        """`GET`: the updates, newest first, withdrawn ones as stubs."""
        story = await self.publishing.story_view(request)
        asked = _asked(request)
        found = [each for each in story.newest_first() if asked.wants(each)]
        page, rest = found[: asked.limit], found[asked.limit :]
        following = "~".join(place(page[-1])) if rest else None
        body = {"updates": page, "next": following, "position": story.position}
        return answer(body, private=story.private)

    async def show(self, request: Request) -> Response:
        """`GET .../{id}`: one update as it is now."""
        story = await self.publishing.story_view(request)
        id_ = request.path_params["id"]
        for update in story.updates:
            if update["id"] == id_:
                body = {"update": update, "position": story.position}
                headers = {"ETag": etag(update)}
                return answer(body, headers=headers, private=story.private)
        raise NotFound(f"There is no update {id_} in this story.")

    async def versions(self, request: Request) -> Response:
        """`GET .../{id}/versions`: for editors, what it said and who changed it."""
        ask, slug = self.publishing, request.path_params["slug"]
        grant = may_publish(ask, request)
        fold = await ask.desk.read(slug)
        need_story(fold)
        if not (fold.is_public or grant.covers("follow", fold.channel)):
            raise NotFound(f"There is no story {slug}.")
        id_ = request.path_params["id"]
        find_update(fold, id_)
        kept = fold.versions[f"update/{id_}"]
        gone = [removed for each in kept for removed in removed_by(each.private)]
        listed = [_removed(each) for each in gone] + [_kept(each) for each in kept]
        return answer({"versions": listed})


@dataclass(frozen=True, slots=True)
class _Asked:
    """Which updates a list is to hold."""

    before: tuple[str, str] | None
    limit: int
    tag: str | None
    key_event: bool | None
    words: tuple[str, ...]

    def wants(self, update: Data) -> bool:
        if self.before is not None and place(update) >= self.before:
            return False
        tags = update.get("tags") or []
        if self.tag is not None and not (isinstance(tags, list) and self.tag in tags):
            return False
        if self.key_event is not None and update.get("key_event") is not self.key_event:
            return False
        if not self.words:
            return True
        text = f"{update.get('headline') or ''} {plain(str(update.get('html', '')))}"
        return all(word in text.casefold() for word in self.words)


def may_publish(ask: Publishing, request: Request) -> Grant:
    """Who asks, if they may publish in the story. Raises 401, then 403, then 404."""
    grant, slug = ask.entrance.grant(request), request.path_params["slug"]
    grant.require("publish", f"story/{slug}")
    if SLUG.fullmatch(slug) is None:
        raise NotFound(f"{slug[:100]!r} is not the name of a story.")
    return grant


def limit_of(query: QueryParams, faults: list[Fault]) -> int:
    """How many things a list is to hold at most; another fault where it is wrong."""
    limit = query.get("limit", str(USUALLY_LISTED))
    count = int(limit) if _FEW_DIGITS.fullmatch(limit) else 0
    if not 1 <= count <= MOST_LISTED:
        faults.append(Fault("?limit", f"A whole number, 1 to {MOST_LISTED}."))
    return count


def _asked(request: Request) -> _Asked:
    query, faults = request.query_params, list[Fault]()
    count = limit_of(query, faults)
    cursor = query.get("cursor")
    published, separator, id_ = (cursor or "").partition("~")
    if cursor is not None and not separator:
        faults.append(Fault("?cursor", "A cursor is what next said."))
    key_event = query.get("key_event")
    if key_event not in (None, "true", "false"):
        faults.append(Fault("?key_event", "true or false."))
    if faults:
        raise Invalid(errors=faults)
    return _Asked(
        (published, id_) if cursor is not None else None,
        count,
        query.get("tag"),
        None if key_event is None else key_event == "true",
        tuple(query.get("q", "").casefold().split()),
    )


def _kept(version: Version) -> dict[str, object]:
    return {
        "version": version.number,
        "at": timestamp(version.at),
        "by": version.private.get("by"),
        "note": version.private.get("note"),
        "removed": False,
        "update": version.data,
    }


def _removed(removed: Data) -> dict[str, object]:
    return {
        "version": removed["version"],
        "at": removed["at"],
        "by": removed.get("by"),
        "note": removed.get("note"),
        "removed": True,
        "update": None,
    }
