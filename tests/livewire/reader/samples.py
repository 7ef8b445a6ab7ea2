"""Data in the shapes of the protocol, for pages and events."""

from collections.abc import Mapping
from datetime import UTC, datetime

from livewire.reader.pages import Pages, Site

NOW = datetime(2026, 11, 22, 20, 40, tzinfo=UTC)
SECTIONS = {"politics": "Politics", "sport": "Sport"}

Json = dict[str, object]


def at(clock: str, *, day: int = 22) -> str:
    return f"2026-11-{day:02}T{clock}:00.000Z"


def pages() -> Pages:
    site = Site("The Meridian", "https://meridian.example", build="b1")
    return Pages(site, sections=SECTIONS)


def story(**changes: object) -> Json:
    return {
        "slug": "night",
        "version": 3,
        "headline": "The night of the count",
        "standfirst": "Forty districts are still open.",
        "section": "politics",
        "form": "live",
        "tags": [],
        "image": None,
        "language": "en",
        "direction": "ltr",
        "timezone": "Europe/Berlin",
        "status": "live",
        "starts_at": None,
        "authors": [{"name": "Mara Lind", "url": "https://meridian.example/mara"}],
        "body": "",
        "html": "",
        "summary": {"text": "x", "html": "<p>So far.</p>", "at": at("20:10")},
        "urgency": 2,
        "resumes_at": None,
        "followed_by": None,
        "correction": None,
        "published": at("17:00"),
        "ended": at("20:50") if changes.get("status") == "ended" else None,
        "modified": at("20:10"),
        "permalink": "/live/night",
    } | changes


def update(name: str, clock: str = "20:00", **changes: object) -> Json:
    return {
        "id": name,
        "story": "night",
        "version": 1,
        "kind": "text",
        "headline": f"Headline of {name}",
        "body": "",
        "html": f"<p>Text of <em>{name}</em>.</p>",
        "quote": None,
        "qa": [],
        "authors": [],
        "media": [],
        "tags": [],
        "cards": [],
        "key_event": False,
        "pinned": False,
        "breaking": False,
        "breaking_until": None,
        "verification": "confirmed",
        "source": None,
        "published": at(clock),
        "modified": at(clock),
        "correction": None,
        "status": "published",
        "withdrawn": None,
        "permalink": f"/live/night/{name}",
        "language": "en",
    } | changes


def stub(name: str, clock: str = "20:00") -> Json:
    return {
        "id": name,
        "story": "night",
        "version": 2,
        "status": "withdrawn",
        "withdrawn": {"reason": "It was not so.", "at": at("20:30")},
        "published": at(clock),
        "modified": at("20:30"),
        "permalink": f"/live/night/{name}",
    }


def media(kind: str = "image", **changes: object) -> Json:
    return {
        "type": kind,
        "id": "m1",
        "url": "/media/m1",
        "alt": 'A hall, "full"',
        "caption": "The hall <late>",
        "credit": "Ines Dahl",
        "width": 1300,
        "height": 800,
        "poster": None,
    } | changes


def every_update() -> list[Json]:
    """One update of every look there is."""
    quote = {"text": "We have heard.", "name": "H. Aurand", "role": "prime minister"}
    soon, gone = at("21:00"), at("20:20")
    turns = [{"question": "Why?", "answer": "Fog.\nAnd boats."}]
    turns += [{"question": "And <now>?", "answer": "No & never."}]
    writers = [{"name": name, "url": None} for name in ("A", "B & C", "D")]
    link = "https://example.org/?a=1&b=2"
    return [
        update("text"),
        update("silent", headline=""),
        update("empty", headline="", html=""),
        update("escaped", headline="<b>5 < 6</b> & 'so' \"on\""),
        update("next-day", published=at("23:30")),
        update("foreign", language="fr", headline="Fin de la soirée"),
        update("quote", kind="quote", quote=quote),
        update(
            "bare-quote", kind="quote", quote={"text": "No.", "name": "", "role": ""}
        ),
        update("interview", kind="qa", qa=turns, html=""),
        update("photo", kind="media", media=[media()]),
        update("small-photo", kind="media", media=[media(width=200, caption="")]),
        update("photos", media=[media(id="m2", credit=None), media(id="m3", alt="")]),
        update("film", media=[media("video", poster="/media/m9"), media("audio")]),
        update("unknown-media", media=[media("hologram")]),
        update("plain-media", media=[media(caption="", credit="", id="")]),
        update("by-one", authors=[{"name": "Mara", "url": "/mara"}]),
        update("by-three", authors=writers),
        update("corrected", correction={"text": "It said 21.", "at": at("20:31")}),
        stub("withdrawn"),
        update("pinned", pinned=True),
        update("key", key_event=True),
        update("breaking", breaking=True, breaking_until=soon, key_event=True),
        update("breaking-over", breaking=True, breaking_until=gone),
        update("breaking-open", breaking=True),
        update("reported", verification="reported"),
        update(
            "unverified", verification="unverified", source={"name": "X", "url": link}
        ),
        update("bad-links", source={"name": "Y", "url": "javascript:alert(1)"}),
        update("rich", html="<ul><li>One</li></ul><blockquote><p>Two</p></blockquote>"),
    ]


def item(slug: str, **changes: object) -> Json:
    latest = {"id": "x", "headline": "Half-time", "published": at("20:15")}
    own: Mapping[str, object] = {
        "slug": slug,
        "headline": f"Story {slug}",
        "permalink": f"/live/{slug}",
        "update_count": 12,
        "latest_update": latest,
    }
    return story() | dict(own) | changes


def every_item() -> list[Json]:
    """One front-page line of every look there is."""
    return [
        item("live"),
        item("urgent", urgency=1, image=media()),
        item("paused", status="paused"),
        item("ended", status="ended", update_count=1),
        item("new", latest_update=None, update_count=0),
        item("analysis", form="analysis", status="ended"),
        item("many", update_count=12408),
        item("elsewhere", section="weather", language="ar", direction="rtl"),
        item("bare", standfirst="", section="", permalink=None),
    ]
