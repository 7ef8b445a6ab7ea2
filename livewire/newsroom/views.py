"""What the newsroom shows of stories and updates. Pure: the time is passed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from markupsafe import Markup

from channels.errors import (
    Invalid,
    KeyReused,
    LivewireError,
    ServiceError,
    StaleVersion,
    WrongState,
)
from channels.events import Data, instant, timestamp
from livewire.newsroom.forms import Form, faults_by_field
from publishers.permissions import Grant
from publishers.stories import MOVES

View = Mapping[str, object]

_RANK = ("live", "paused", "draft", "scheduled", "ended", "withdrawn")
_STEPS = {
    ("draft", "live"): "Go live",
    ("scheduled", "live"): "Go live now",
    ("scheduled", "draft"): "Back to draft",
    ("live", "paused"): "Pause",
    ("live", "ended"): "End",
    ("paused", "live"): "Go on",
    ("paused", "ended"): "End",
    ("ended", "live"): "Reopen",
}
"""What the button says; a status it could take but has no word for has no button."""


@dataclass(frozen=True, slots=True)
class May:
    """What somebody may do in one story."""

    publish: bool
    breaking: bool
    purge: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """A form that was not carried out, to be shown again as it was typed."""

    at: str  # the path it was sent to
    form: Form
    words: str
    faults: Mapping[str, str]  # by field
    current: Data | None = None  # the thing as it is, where somebody was faster


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as it is shown."""

    iso: str
    text: str  # 21:04, or Sun 22 Nov 21:04 on other days


def may(grant: Grant, slug: str) -> May:
    """What a grant allows in a story."""
    actions = ("publish", "breaking", "purge")
    publish, breaking, purge = (grant.covers(a, f"story/{slug}") for a in actions)
    return May(publish, publish and breaking, publish and purge)


def failure(at: str, form: Form, error: LivewireError) -> Failure:
    """Why a form was not carried out, in words."""
    current = error.members.get("update") or error.members.get("story")
    told = current if isinstance(current, Mapping) else None
    return Failure(at, form, words_of(error), faults_by_field(error), told)


def words_of(error: LivewireError) -> str:
    """An error as a sentence to the person whose text it is."""
    match error:
        case StaleVersion():
            return (
                "Not saved: somebody else changed this first. Both texts are below,"
                " and nothing was overwritten."
            )
        case KeyReused():
            return (
                "This page sent other words before, and they were published: see the"
                " timeline. Send again to publish these too."
            )
        case Invalid():
            return "Not sent. " + " ".join(_sentence(f.detail) for f in error.errors)
        case WrongState():
            return f"Not done. {error.detail}"
        case ServiceError():
            return (
                f"Perhaps not sent: {error.title.lower()}. Your text is kept, and"
                " sending it again cannot publish it twice."
            )
        case _:
            return f"{error.title}. {error.detail}".strip()


def _shown(item: Data) -> object:
    """A story's status; an article is never live, it is published."""
    written = item.get("form") != "live"
    return "published" if written and item["status"] == "live" else item["status"]


def story_line(
    item: Data, *, sections: Mapping[str, str], zone: tzinfo, now: datetime
) -> View:
    """A story in the list; all of a list tell time by one zone."""
    latest = item.get("latest_update")
    newest = latest if isinstance(latest, Mapping) else None
    return {
        "slug": item["slug"],
        "headline": item.get("headline") or item["slug"],
        "status": _shown(item),
        "section": sections.get(str(item.get("section")), ""),
        "count": item.get("update_count") or 0,
        "latest": newest and (newest.get("headline") or "An update"),
        "at": moment(newest["published"] if newest else None, zone=zone, now=now),
        "modified": moment(item.get("modified"), zone=zone, now=now),
    }


def in_order(items: Sequence[Data]) -> list[Data]:
    """What needs hands first: live ones, then by their last change."""
    newest_first = sorted(items, key=lambda s: str(s.get("modified")), reverse=True)
    return sorted(newest_first, key=lambda story: _RANK.index(str(story["status"])))


def update_view(update: Data, *, zone: tzinfo, now: datetime) -> View:
    """An update in the timeline."""
    gone, mended = update.get("withdrawn"), update.get("correction")
    until = str(update.get("breaking_until") or "")
    return {
        "data": update,
        "id": update["id"],
        "version": update["version"],
        "at": moment(update["published"], zone=zone, now=now),
        # Our own renderer made it safe before it was stored.
        "html": Markup(str(update.get("html") or "")),  # noqa: S704 - as said above
        "withdrawn": gone,
        "breaking": bool(update.get("breaking")) and until > timestamp(now),
        "correction": mended,
        "corrected": moment(_at(mended), zone=zone, now=now),
        "gone_at": moment(_at(gone), zone=zone, now=now),
        "pictures": [_picture(each) for each in _parts(update.get("media"))],
        "quote": update.get("quote"),
    }


def steps(status: str) -> list[tuple[str, str]]:
    """The statuses a story could take next, each with the word on its button."""
    ordered = sorted(MOVES[status], key=_RANK.index)
    return [(to, _STEPS[status, to]) for to in ordered if (status, to) in _STEPS]


def zone_of(story: Data) -> ZoneInfo:
    """The story's own zone; UTC where it names none that is known."""
    try:
        return ZoneInfo(str(story.get("timezone") or "UTC"))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def moment(at: object, *, zone: tzinfo, now: datetime) -> Moment | None:
    """A wire time by the clock of a zone; None for no time."""
    if not isinstance(at, str) or not at:
        return None
    here = instant(at).astimezone(zone)
    same_day = here.date() == now.astimezone(zone).date()
    return Moment(at, f"{here:%H:%M}" if same_day else f"{here:%a %-d %b %H:%M}")


def _at(thing: object) -> object:
    return thing.get("at") if isinstance(thing, Mapping) else None


def _picture(media: Data) -> View:
    # By path: the newsroom may be served from another origin than the site's.
    return {**media, "src": urlsplit(str(media["url"])).path}


def _parts(value: object) -> list[Data]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [each for each in value if isinstance(each, Mapping)]


def _sentence(detail: str) -> str:
    return detail if detail.endswith((".", "!", "?")) else f"{detail}."
