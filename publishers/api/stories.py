"""Stories over HTTP: open, list, show, change, withdraw."""

from dataclasses import dataclass
from typing import cast

from slugify import slugify
from starlette.requests import Request
from starlette.responses import Response

from channels.errors import Fault, Invalid, KeyReused, WrongState
from channels.events import NEWSROOM, Data
from publishers.api.publishing import (
    Publishing,
    answer,
    decided,
    etag,
    fill,
    first,
)
from publishers.api.reading import if_match
from publishers.api.updates import MOST_LISTED, may_publish, require_for
from publishers.batches import Decision
from publishers.desk import Outcome
from publishers.fold import Action, Fold
from publishers.permissions import Grant
from publishers.requests import NewStory, StoryBody, Withdrawal, check
from publishers.stories import change_story, editable, open_story, withdraw_story
from publishers.updates import need_match, need_open


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
        outcome = await self._open(request, grant, content)
        location = f"/api/stories/{outcome.thing['slug']}"
        return ask.written("story", outcome, location=location)

    async def _open(
        self, request: Request, grant: Grant, content: dict[str, object]
    ) -> Outcome:
        ask = self.publishing
        body, media = await ask.check(NewStory, self._with_section(content))
        action = ask.entrance.action(request, grant, content, status=201)
        wanted = body.slug or _slug_of(body.headline)
        if body.slug is not None:
            _require_opening(grant, wanted, content)
        keyed = "idempotency-key" in request.headers
        slug = await self._reserve(action, wanted) if keyed else wanted
        _require_opening(grant, slug, content)

        async def decide(fold: Fold) -> Decision:
            image, pictures = first(media, "/image"), fill(media, "/update/media")
            return await decided(
                lambda: open_story(fold, body, image, pictures, action, ask.terms),
                characters=len(body.body or ""),
            )

        try:
            return await ask.desk.write(slug, action, decide)
        except WrongState:
            if body.slug is not None or slug != wanted:
                raise
        # A slug that we chose ourselves gives way.
        other = _beside(wanted, action.request)
        if keyed:
            await self._reserve(action, other, instead=True)
        return await ask.desk.write(other, action, decide)

    async def _reserve(
        self, action: Action, slug: str, *, instead: bool = False
    ) -> str:
        """Keep the slug a request chose, so that repeating it finds its story."""
        records, name = self.publishing.records, f"request/{action.request}"
        value = {"fingerprint": action.fingerprint, "slug": slug}
        if not instead and await records.put(name, value, seen=0) is not None:
            return slug
        record = await records.get(name)
        if record is None or record.value["fingerprint"] != action.fingerprint:
            raise KeyReused
        if instead:
            await records.put(name, value, seen=record.version)
            return slug
        return str(record.value["slug"])

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

        async def decide(fold: Fold) -> Decision:
            need_open(fold)
            current = fold.story or {}
            need_match("story", current, tags)
            body, media, revision = await ask.check_patch(
                StoryBody, editable(current), content
            )
            image = first(media, "/image")
            return await decided(
                lambda: change_story(fold, body, image, revision, action, ask.terms),
                characters=len(body.body or "") + len(body.summary or ""),
            )

        return ask.written("story", await ask.desk.write(slug, action, decide))

    async def withdraw(self, request: Request) -> Response:
        """`POST .../{slug}/withdraw`: the story and every update of it."""
        ask, slug = self.publishing, request.path_params["slug"]
        grant = may_publish(ask, request)
        content = await ask.entrance.json(request)
        require_for(grant, f"story/{slug}", content)
        asked = check(Withdrawal, content, ask.rules)
        action = ask.entrance.action(request, grant, content, status=200)

        async def decide(fold: Fold) -> Decision:
            return withdraw_story(fold, asked, action, ask.terms)

        return ask.written("story", await ask.desk.write(slug, action, decide))

    def _with_section(self, content: dict[str, object]) -> dict[str, object]:
        """A story that names no section belongs to the first one."""
        if content.get("section") is not None:
            return content
        return {**content, "section": self.publishing.rules.sections[0]}


def _require_opening(grant: Grant, slug: str, content: dict[str, object]) -> None:
    channel, update = f"story/{slug}", content.get("update")
    grant.require("publish", channel)
    if isinstance(update, dict):
        require_for(grant, channel, update)


def _slug_of(headline: str) -> str:
    slug = slugify(headline, max_length=60, word_boundary=True)
    if not slug:
        raise Invalid(errors=[Fault("/slug", "The headline gives no slug: name one.")])
    return slug


def _beside(slug: str, request: str) -> str:
    return f"{slug[:56]}-{request[-6:]}"


def _newest_first(stories: object) -> list[Data]:
    return sorted(cast("list[Data]", stories), key=_place, reverse=True)


def _place(story: Data) -> tuple[str, str]:
    return str(story["modified"]), str(story["slug"])


def _asked(
    request: Request,
) -> tuple[str | None, str | None, tuple[str, str] | None, int]:
    query, faults = request.query_params, list[Fault]()
    limit = query.get("limit", "30")
    count = int(limit) if limit.isascii() and limit.isdigit() else 0
    if not 1 <= count <= MOST_LISTED:
        faults.append(Fault("?limit", f"A whole number, 1 to {MOST_LISTED}."))
    cursor = query.get("cursor")
    modified, separator, slug = (cursor or "").partition("~")
    if cursor is not None and not separator:
        faults.append(Fault("?cursor", "A cursor is what next said."))
    if faults:
        raise Invalid(errors=faults)
    place = (modified, slug) if cursor is not None else None
    return query.get("status"), query.get("section"), place, count
