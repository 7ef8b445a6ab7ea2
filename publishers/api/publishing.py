"""What every endpoint of the API has at hand, and how it answers."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TypeVar, cast

import orjson
from starlette.requests import Request
from starlette.responses import Response

from channels.audience import Applied, Audience
from channels.errors import Fault, Invalid, LivewireError
from channels.events import Data, slug_of
from channels.hub import Hub
from channels.records import Records
from publishers.access import GrantReading
from publishers.api.reading import Entrance
from publishers.batches import Decision
from publishers.desk import Desk, Outcome
from publishers.fold import place
from publishers.media.storage import UUID, MediaStorage
from publishers.requests import Body, Revision, Rules, check, merge
from publishers.updates import Terms

B = TypeVar("B", bound=Body)

_QUICK = 4_000
"""Characters of Markdown that render in about a millisecond, whatever they are."""


@dataclass(frozen=True, slots=True)
class Publishing:
    """The desk, and what it takes to ask it something over HTTP."""

    entrance: Entrance
    desk: Desk
    hub: Hub
    audience: Audience
    records: Records
    media: MediaStorage
    rules: Rules
    terms: Terms

    async def check(
        self,
        model: type[B],
        data: Mapping[str, object],
        target: Mapping[str, object] | None = None,
    ) -> tuple[B, dict[str, list[Data]]]:
        """The body as a model, and the pictures it names, by where it names them.

        What a `target` has that is changed here may stay, though it could not be
        chosen anew. Raises `Invalid` naming every fault of the body and its pictures.
        """
        faults: list[Fault] = []
        body: B | None = None
        target = target or {}
        try:
            body = check(model, data, self.rules.with_those_of(target))
        except Invalid as error:
            faults += error.errors
        pictures = {}
        # A valid body has its words put right; a faulty one is looked at as it came.
        named = data if body is None else body.model_dump(mode="json")
        for pointer, given in _media_lists(named):
            pictures[pointer], wrong = await asyncio.to_thread(
                self._resolve, pointer, given, _kept_pictures(target)
            )
            known = {fault.pointer for fault in faults}
            faults += [fault for fault in wrong if fault.pointer not in known]
        if body is None or faults:
            raise Invalid(errors=faults)
        return body, pictures

    async def check_patch(
        self,
        model: type[B],
        target: Mapping[str, object],
        content: Mapping[str, object],
    ) -> tuple[B, dict[str, list[Data]], Revision]:
        """A PATCH merged into what it changes, and what it says about itself.

        Raises `Invalid` naming every fault of both.
        """
        own = Revision.model_fields
        patch = {name: value for name, value in content.items() if name not in own}
        said = {name: value for name, value in content.items() if name in own}
        faults = list(_unremovable(patch))
        revision = Revision()
        try:
            revision = check(Revision, said, self.rules)
        except Invalid as error:
            faults += error.errors
        merged = merge(target, patch)
        if not merged.get("breaking") and "breaking_until" not in patch:
            merged.pop("breaking_until", None)  # an alert's end goes with the alert
        try:
            body, media = await self.check(model, merged, target)
        except Invalid as error:
            raise Invalid(errors=[*faults, *error.errors]) from error
        if faults:
            raise Invalid(errors=faults)
        return body, media, revision

    def _resolve(
        self, pointer: str, given: Sequence[object], kept: Mapping[object, Data]
    ) -> tuple[list[Data], list[Fault]]:
        """Pictures as they are stored: only ours, with their true size."""
        resolved: list[Data] = []
        faults: list[Fault] = []
        for index, each in enumerate(given):
            at = pointer if pointer.endswith("/image") else f"{pointer}/{index}"
            found = self._picture(each, kept) if isinstance(each, Mapping) else None
            if isinstance(each, Mapping) and each.get("type") in ("video", "audio"):
                faults.append(Fault(f"{at}/type", "Only images can be uploaded yet."))
            elif found is None:
                faults.append(Fault(at, "Name a picture that POST /api/media gave."))
            else:
                resolved.append(found)
        return resolved, faults

    def _picture(
        self, given: Mapping[str, object], kept: Mapping[object, Data]
    ) -> Data | None:
        id_ = given.get("id") or _id_in(given.get("url"), self.terms.base_url)
        stored = self.media.describe(id_) if isinstance(id_, str) else None
        words = {name: given.get(name) for name in ("alt", "caption", "credit")}
        if stored is None:
            return {**kept[id_], **words} if id_ in kept else None
        width = max(stored.widths)
        return {
            "type": "image",
            "id": id_,
            "url": f"{self.terms.base_url}/media/{id_}/{width}",
            **words,
            "width": width,
            "height": round(stored.height * width / stored.width),
            "poster": None,
        }

    async def applied(self, outcome: Outcome) -> Applied:
        """How many workers have let go of what was withdrawn, as soon as all have."""
        if outcome.tops:
            return await self.audience.applied(outcome.tops)
        # Another worker did it: its word on the derived channels may not have come.
        for name in [each for each in self.hub if not slug_of(each)]:
            with suppress(LivewireError):
                await self.hub.renewed(name)
        return await self.audience.applied({_channel(outcome): outcome.position})

    async def withdrawn(self, name: str, outcome: Outcome) -> Response:
        """The answer to a withdrawal, which waits for the other workers a while."""
        return self.written(name, outcome, applied=await self.applied(outcome))

    def written(
        self,
        name: str,
        outcome: Outcome,
        *,
        location: str | None = None,
        applied: Applied | None = None,
    ) -> Response:
        """The answer to a publish."""
        body: dict[str, object] = {
            name: outcome.thing,
            "position": str(outcome.position),
            "durability": outcome.durability,
            "readers": self.audience.readers(_channel(outcome)),
        }
        if applied is not None:
            body["applied"] = asdict(applied)
        headers = {"ETag": etag(outcome.thing)}
        if location is not None:
            headers["Location"] = location
        if outcome.replayed:
            headers["Idempotent-Replayed"] = "true"
        return answer(body, status=outcome.status, headers=headers)

    async def story_view(self, request: Request) -> "Story":
        """A story as this request may see it. Raises `NotFound`, 401."""
        reading = GrantReading(self.entrance.grant(request))
        channel = f"story/{request.path_params['slug']}"
        reading.ask(channel)
        view = await self.hub.view(channel)
        reading.see(view)
        data = {event.key: event.data for event in view if event.data is not None}
        story = data.pop("story", None) or {}
        updates = [each for key, each in data.items() if key.startswith("update/")]
        return Story(story, updates, str(view.extent.end), private=reading.private)


@dataclass(frozen=True, slots=True)
class Story:
    """What a view says of a story now. Updates are newest first."""

    story: Data
    updates: Sequence[Data]
    position: str
    private: bool

    def newest_first(self) -> list[Data]:
        """The updates in reverse order of (`published`, `id`)."""
        return sorted(self.updates, key=place, reverse=True)


async def decided(work: Callable[[], Decision], *, characters: int) -> Decision:
    """A decision; one that renders much Markdown is made beside the event loop."""
    if characters < _QUICK:
        return work()
    return await asyncio.to_thread(work)


def _channel(outcome: Outcome) -> str:
    return f"story/{outcome.thing.get('story') or outcome.thing.get('slug')}"


def etag(thing: Data) -> str:
    """A thing's entity tag: its version."""
    return f'"{thing["version"]}"'


def answer(
    body: Mapping[str, object],
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    private: bool = True,
) -> Response:
    """JSON. What was served by token is kept by nobody, the rest for two seconds."""
    kept = "private, no-store" if private else "public, max-age=0, s-maxage=2"
    return Response(
        orjson.dumps(body),
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": kept, **(headers or {})},
    )


def fill(media: Mapping[str, list[Data]], pointer: str) -> list[Data]:
    """The resolved pictures of one place of a body."""
    return media.get(pointer, [])


def first(media: Mapping[str, list[Data]], pointer: str) -> Data | None:
    """The one resolved picture of a place, if the body names one."""
    return next(iter(fill(media, pointer)), None)


def _media_lists(data: Mapping[str, object]) -> list[tuple[str, list[object]]]:
    found: list[tuple[str, list[object]]] = []
    if data.get("image") is not None:
        found.append(("/image", [data["image"]]))
    media, update = data.get("media"), data.get("update")
    if isinstance(media, list):
        found.append(("/media", media))
    if isinstance(update, Mapping) and isinstance(update.get("media"), list):
        found.append(("/update/media", cast("list[object]", update["media"])))
    return found


def _kept_pictures(target: Mapping[str, object]) -> dict[object, Data]:
    """The pictures a thing shows already, by id."""
    shown = [each for _, given in _media_lists(target) for each in given]
    return {each.get("id"): each for each in shown if isinstance(each, Mapping)}


def _unremovable(patch: Mapping[str, object]) -> Iterator[Fault]:
    if "status" in patch and patch["status"] is None:
        yield Fault("/status", "A story always has a status.")


def _id_in(url: object, base_url: str) -> str | None:
    if not isinstance(url, str):
        return None
    path = url.removeprefix(base_url)
    kind, _, rest = path.removeprefix("/").partition("/")
    id_ = rest.partition("/")[0]
    return id_ if kind == "media" and UUID.fullmatch(id_) else None
