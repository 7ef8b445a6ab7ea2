"""What may be asked of the desk: request bodies, validated, every fault at once.

The models are also what `/api/openapi.json` is made of, so what is described is what
is checked. Rules that a model cannot hold (they span members, or need the desk's
configuration) stand in `_rules`, and are judged together with the rest.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from channels.errors import Fault, Invalid
from channels.events import SLUG
from publishers.faults import faults_of, within
from publishers.text import Line, Prose, web_address

_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)"
)


def _instant(value: object) -> object:
    if not isinstance(value, str) or _RFC_3339.fullmatch(value) is None:
        raise ValueError("a time is RFC 3339 with its zone, as 2026-11-22T20:04:05Z")
    return value


def _in_reach(value: datetime) -> datetime:
    if not 1970 <= value.year <= 9998:  # with any zone's offset it is still a date
        raise ValueError("a time is between the years 1970 and 9998")
    return value


Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_instant),
    AfterValidator(_in_reach),
    Field(strict=False),
]
Slug = Annotated[str, StringConstraints(pattern=f"^{SLUG.pattern}$")]
Headline = Annotated[Line, StringConstraints(min_length=1, max_length=200)]
Label = Annotated[Line, StringConstraints(min_length=1, max_length=100)]
Sentence = Annotated[Line, StringConstraints(min_length=1, max_length=600)]
Markdown = Annotated[Prose, StringConstraints(max_length=30_000)]
Remark = Annotated[Prose, StringConstraints(max_length=2_000)]
Address = Annotated[str, AfterValidator(web_address)]
Tag = Annotated[Line, StringConstraints(min_length=1, max_length=40)]
Tags = Annotated[list[Tag], Field(max_length=10)]
Language = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}$")
]
Urgency = Annotated[int, Field(ge=1, le=9)]

Form = Literal["live", "interview", "analysis", "feature"]
Status = Literal["draft", "scheduled", "live", "paused", "ended"]


class Body(BaseModel):
    """What all bodies share: no unknown members, no coercion, frozen."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Author(Body):
    """Whose byline it is."""

    name: Label
    url: Address | None = None


class Source(Body):
    """Where the news comes from."""

    name: Label
    url: Address | None = None


class Link(Body):
    """What came after: a headline and where to read it."""

    headline: Headline
    url: Address


class Quote(Body):
    """What somebody said."""

    text: Annotated[Prose, StringConstraints(min_length=1, max_length=2_000)]
    name: Label
    role: Label | None = None


class Exchange(Body):
    """One question of an interview, and its answer."""

    question: Annotated[Prose, StringConstraints(min_length=1, max_length=1_000)]
    answer: Annotated[Prose, StringConstraints(min_length=1, max_length=6_000)]


class Media(Body):
    """A picture of ours; `id` or `url` as `POST /api/media` gave it."""

    type: Literal["image", "video", "audio"] = "image"
    id: str | None = None
    url: str | None = None
    alt: Sentence
    caption: Sentence | None = None
    credit: Label | None = None
    width: int | None = None
    height: int | None = None
    poster: str | None = None


class UpdateBody(Body):
    """What `POST .../updates` takes, and what a PATCH yields once merged."""

    kind: Literal["text", "quote", "qa", "media"] = "text"
    headline: Headline | None = None
    body: Markdown | None = None
    quote: Quote | None = None
    qa: Annotated[list[Exchange], Field(max_length=40)] = []
    authors: Annotated[list[Author], Field(max_length=10)] = []
    media: Annotated[list[Media], Field(max_length=10)] = []
    tags: Tags = []
    cards: Annotated[list[Slug], Field(max_length=10)] = []
    key_event: bool = False
    pinned: bool = False
    breaking: bool = False
    breaking_until: Instant | None = None
    source: Source | None = None
    verification: Literal["confirmed", "reported", "unverified"] | None = None
    urgency: Urgency | None = None
    language: Language | None = None


class Revision(Body):
    """What a PATCH says about itself, beside the members it changes."""

    correction: Annotated[Remark, StringConstraints(min_length=1)] | None = None
    note: Remark | None = None
    purge: bool = False


class Withdrawal(Body):
    """The body of a withdrawal."""

    reason: Annotated[Sentence, StringConstraints(max_length=500)]
    note: Remark | None = None
    purge: bool = False


class StoryBody(Body):
    """What a PATCH of a story yields once merged."""

    headline: Headline
    standfirst: Sentence | None = None
    section: Slug | None = None
    form: Form = "live"
    tags: Tags = []
    image: Media | None = None
    language: Language = "en"
    direction: Literal["ltr", "rtl"] = "ltr"
    timezone: str = "UTC"
    status: Status = "draft"
    starts_at: Instant | None = None
    authors: Annotated[list[Author], Field(max_length=10)] = []
    body: Markdown | None = None
    urgency: Urgency | None = None
    summary: Markdown | None = None
    resumes_at: Instant | None = None
    followed_by: Link | None = None


class NewStory(StoryBody):
    """What `POST /api/stories` takes: a story, and perhaps its first update."""

    slug: Slug | None = None
    update: UpdateBody | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """What this desk has configured: the first section is the default one."""

    sections: tuple[str, ...]
    timezones: frozenset[str]

    def with_those_of(self, target: Mapping[str, object]) -> "Rules":
        """What is configured, and what a thing has had since it was."""
        section, zone = target.get("section"), target.get("timezone")
        sections = (*self.sections, str(section)) if section else self.sections
        timezones = self.timezones | {str(zone)} if zone else self.timezones
        return Rules(sections, timezones)


M = TypeVar("M", bound=Body)


def check(model: type[M], data: Mapping[str, object], rules: Rules) -> M:
    """`data` as a `model`. Raises `Invalid` naming every fault."""
    faults = _rules(model, data, rules)
    try:
        body = model.model_validate(data)
    except ValidationError as error:
        raise Invalid(errors=[*faults_of(error), *faults]) from error
    if faults:
        raise Invalid(errors=faults)
    return body


def merge(
    target: Mapping[str, object], patch: Mapping[str, object]
) -> dict[str, object]:
    """JSON Merge Patch (RFC 7396, section 2)."""
    merged = dict(target)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            below = merged.get(name)
            merged[name] = merge(below if isinstance(below, Mapping) else {}, value)
        else:
            merged[name] = value
    return merged


def _rules(model: type[Body], data: Mapping[str, object], rules: Rules) -> list[Fault]:
    if issubclass(model, StoryBody):
        faults = _story_rules(data, rules)
        first = data.get("update")
        if isinstance(first, Mapping):
            faults += within("/update", _update_rules(first))
        return faults
    return _update_rules(data) if issubclass(model, UpdateBody) else []


def _story_rules(data: Mapping[str, object], rules: Rules) -> list[Fault]:
    faults: list[Fault] = []
    section, zone = data.get("section"), data.get("timezone", "UTC")
    if isinstance(section, str) and section not in rules.sections:
        known = ", ".join(rules.sections)
        faults.append(Fault("/section", f"The sections of this desk are {known}."))
    if isinstance(zone, str) and zone not in rules.timezones:
        faults.append(Fault("/timezone", "An IANA zone, as Europe/Vienna."))
    if data.get("status") == "scheduled" and data.get("starts_at") is None:
        faults.append(Fault("/starts_at", "A scheduled story says when it starts."))
    start, back = _time(data, "starts_at"), _time(data, "resumes_at")
    if start is not None and back is not None and back <= start:
        faults.append(Fault("/resumes_at", "It resumes before it starts."))
    return faults


def _update_rules(data: Mapping[str, object]) -> list[Fault]:
    if data.get("breaking_until") is not None and not data.get("breaking"):
        return [Fault("/breaking_until", "Only an alert ends: set breaking.")]
    needed = {"quote": "quote", "qa": "qa", "media": "media"}.get(
        str(data.get("kind", "text"))
    )
    if needed is not None and not data.get(needed):
        return [Fault(f"/{needed}", f"An update of this kind needs {needed}.")]
    told = [data.get(name) for name in ("headline", "body")]
    if needed is None and not any(
        isinstance(each, str) and each.strip() for each in told
    ):
        return [Fault("/body", "An update needs a headline or a body.")]
    return []


def _time(data: Mapping[str, object], name: str) -> datetime | None:
    value = data.get(name)
    if not isinstance(value, str) or _RFC_3339.fullmatch(value) is None:
        return None
    try:
        return datetime.fromisoformat(value.upper())
    except ValueError:
        return None
