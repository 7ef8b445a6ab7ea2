"""What a page says about a thing: flat, worded, ready to be written.

A view holds only strings, null, true, and lists and objects of these; every decision
(which words, which picture sizes, is it still breaking) is made here, so templates
only place it. `livewire/static/view.js` makes the same views from the same data, and
`tests/livewire/reader/test_one_renderer.py` holds the two together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from markupsafe import Markup

from livewire.reader import times
from livewire.reader.fields import Data, link, number, part, parts, text
from livewire.reader.pictures import media_view, picture

View = dict[str, object]

FEW_READERS = 50  # below this a number of readers says nothing, so none is shown

VERIFICATIONS = {
    "reported": "Reported, not yet confirmed by us",
    "unverified": "Not verified",
}
STATES = {"live": "Live", "paused": "Paused", "ended": "Ended"}
FORMS = {"analysis": "Analysis", "interview": "Interview", "feature": "Feature"}
RANKS = {"live": "0", "paused": "1"}


@dataclass(frozen=True, slots=True)
class Scene:
    """Where and when things are told: what a view needs beside the thing itself."""

    zone: ZoneInfo
    language: str
    first_day: str  # the story's first calendar day, 2026-11-22; "" on the front page
    now: datetime

    @property
    def zone_title(self) -> str:
        """The zone as the masthead names it, CET."""
        return times.zone_title(self.zone, now=self.now)


def scene_of(story: Data, *, now: datetime) -> Scene:
    """The scene of one story's page."""
    zone = times.zone_called(text(story, "timezone") or "UTC")
    began = text(story, "starts_at") or text(story, "published")
    day = times.local_day(began, zone=zone)
    return Scene(zone, text(story, "language"), day, now)


def update_view(update: Data, *, scene: Scene) -> View:
    """One update in the stream, whole or withdrawn."""
    withdrawn = part(update, "withdrawn")
    stamp = _stamp(text(update, "published"), scene)
    headline = text(update, "headline")
    correction = part(update, "correction")
    breaking = is_breaking(update, now=scene.now)
    quiet = f"Update, {stamp.clock}" if stamp else "Update"
    language = text(update, "language")
    view: View = {
        "id": f"u-{text(update, 'id')}",
        "heading": f"h-{text(update, 'id')}",
        "permalink": link(update, "permalink"),
        "classes": _update_classes(update, breaking=breaking),
        "published": text(update, "published") or None,
        "until": (text(update, "breaking_until") or None) if breaking else None,
        "lang": language if language not in ("", scene.language) else None,
        "stamp": stamp,
        "breaking": breaking,
        "pinned": _flag(update, "pinned"),
        "key_event": _flag(update, "key_event"),
        "headline": headline or quiet,
        "headline_classes": "headline" if headline else "headline unseen",
        "correction": correction and _told(correction, "text", scene),
        "withdrawn": withdrawn and _told(withdrawn, "reason", scene),
        "whole": None if withdrawn else _whole(update),
    }
    return view


def _whole(update: Data) -> View:
    quote = part(update, "quote")
    source = part(update, "source")
    media = (media_view(item) for item in parts(update, "media"))
    return {
        "authors": _byline(update),
        "quote": quote
        and {n: text(quote, n) or None for n in ("text", "name", "role")},
        "html": _markup(text(update, "html")),
        "qa": [
            {name: text(item, name) for name in ("question", "answer")}
            for item in parts(update, "qa")
        ],
        "media": [item for item in media if item],
        "verification": VERIFICATIONS.get(text(update, "verification")),
        "source": source
        and {"name": text(source, "name") or None, "url": link(source, "url")},
    }


def is_breaking(update: Data, *, now: datetime) -> bool:
    """Whether an update is breaking still: that ends by the clock, without an event."""
    until = text(update, "breaking_until")
    lapsed = until != "" and times.instant(until) <= now
    return bool(update.get("breaking")) and not lapsed and not update.get("withdrawn")


def key_view(update: Data, *, scene: Scene) -> View:
    """One key event in the short timeline beside the stream."""
    return {
        "id": f"k-{text(update, 'id')}",
        "target": f"#u-{text(update, 'id')}",
        "published": text(update, "published") or None,
        "stamp": _stamp(text(update, "published"), scene),
        "headline": text(update, "headline"),
    }


def is_key(update: Data) -> bool:
    """Whether an update has a line in the key events."""
    named = bool(update.get("key_event")) and text(update, "headline") != ""
    return named and part(update, "withdrawn") is None


def story_view(
    story: Data, *, scene: Scene, section: str, count: int, readers: int
) -> View:
    """A story's masthead."""
    status = text(story, "status")
    form = text(story, "form")
    follows = part(story, "followed_by") if status == "ended" else None
    correction = part(story, "correction")
    words = FORMS.get(form) or STATES.get(status)
    return {
        "section": section,
        "headline": text(story, "headline"),
        "standfirst": text(story, "standfirst") or None,
        "correction": correction and _told(correction, "text", scene),
        "classes": f"state is-{status if form not in FORMS else 'written'}",
        "state": "Starts" if status == "scheduled" else words,
        "starts": _stamp(text(story, "starts_at"), scene)
        if status == "scheduled"
        else None,
        "began": _stamp(text(story, "published"), scene),
        "began_words": "published" if form in FORMS else "started",
        "zone": scene.zone_title,
        "count": counted(count),
        "readers": reading(readers),
        "authors": _byline(story),
        "image": picture(part(story, "image"), sizes="(min-width: 56rem) 32rem, 100vw"),
        "paused": status == "paused" or None,
        "resumes": _stamp(text(story, "resumes_at"), scene)
        if status == "paused"
        else None,
        "ended": _stamp(text(story, "ended"), scene)
        if status == "ended" and form not in FORMS
        else None,
        "follows": follows
        and {"headline": text(follows, "headline"), "url": link(follows, "url")},
    }


def summary_view(story: Data, *, scene: Scene) -> View:
    """What we know so far, with its own time; an empty one has no `html`."""
    summary = part(story, "summary")
    html = text(summary, "html") if summary else ""
    stamp = _stamp(text(summary, "at"), scene) if summary else None
    return {"html": _markup(html), "stamp": stamp}


def body_view(story: Data) -> Markup | None:
    """A written story's own text, or None."""
    return _markup(text(story, "html"))


def line_view(story: Data, *, scene: Scene, sections: Mapping[str, str]) -> View:
    """One story on the front page."""
    status, form = text(story, "status"), text(story, "form")
    latest = part(story, "latest_update")
    section = text(story, "section")
    language = text(story, "language")
    written = form in FORMS
    shown = latest is not None and text(latest, "headline") != "" and not written
    return {
        "id": f"s-{text(story, 'slug')}",
        "classes": f"line is-{'written' if written else status}",
        "rank": rank(story),
        "latest": latest_of(story),
        "lang": language if language not in ("", scene.language) else None,
        "dir": text(story, "direction") if text(story, "direction") == "rtl" else None,
        "permalink": link(story, "permalink") or f"/live/{text(story, 'slug')}",
        "section": sections.get(section, section) or None,
        "state": FORMS.get(form) or STATES.get(status),
        "headline": text(story, "headline"),
        "standfirst": text(story, "standfirst") or None,
        "image": picture(part(story, "image"), sizes="(min-width: 56rem) 44rem, 100vw"),
        "news": _news(latest, scene) if latest and shown else None,
        "count": counted(number(story, "update_count")) if not written else None,
    }


def rank(story: Data) -> str:
    """Where a story stands on the front page, smallest first: live before quiet."""
    return f"{RANKS.get(text(story, 'status'), '2')}.{number(story, 'urgency') or 5}"


def latest_of(story: Data) -> str:
    """When a story last had news."""
    update = part(story, "latest_update")
    return (text(update, "published") if update else "") or text(story, "published")


def _news(update: Data, scene: Scene) -> View:
    return {
        "stamp": _stamp(text(update, "published"), scene),
        "headline": text(update, "headline"),
    }


def counted(count: int) -> str | None:
    """41 updates, 1 update; None for none."""
    words = f"{count:,} update{'' if count == 1 else 's'}"
    return words if count > 0 else None


def reading(readers: int) -> str | None:
    """12,408 reading; None for too few to mean anything."""
    return f"{readers:,} reading" if readers >= FEW_READERS else None


def _stamp(iso: str, scene: Scene) -> times.Stamp | None:
    return times.stamp(iso, zone=scene.zone, first_day=scene.first_day)


def _told(note: Data, name: str, scene: Scene) -> View:
    words = text(note, name)
    stamp = _stamp(text(note, "at"), scene)
    return {"stamp": stamp, "words": f": {words}" if words else "."}


def _markup(html: str) -> Markup | None:
    return Markup(html) if html else None  # noqa: S704 - sanitised when published


def _flag(data: Data, name: str) -> bool | None:
    return True if data.get(name) and not data.get("withdrawn") else None


def _byline(data: Data) -> Sequence[View]:
    """Authors with the words before each: By A, B and C."""
    authors = [a for a in parts(data, "authors") if text(a, "name")]
    last = len(authors) - 1
    return [
        {
            "before": "By " if at == 0 else " and " if at == last else ", ",
            "name": text(author, "name"),
            "url": link(author, "url"),
        }
        for at, author in enumerate(authors)
    ]


def _update_classes(update: Data, *, breaking: bool) -> str:
    """The classes of an article, always in this order."""
    kind = text(update, "kind")
    if update.get("withdrawn"):
        return "update withdrawn"
    marks = {
        f"kind-{kind}": kind != "",
        "key": bool(update.get("key_event")),
        "breaking": breaking,
        "pinned": bool(update.get("pinned")),
        "corrected": bool(update.get("correction")),
    }
    return " ".join(["update", *(name for name, shown in marks.items() if shown)])
