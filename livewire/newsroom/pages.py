"""The newsroom's pages, made from data alone.

They are whole without JavaScript: every action is a form. Forms carry the session's
form token and a key by which a repeated sending is known.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from channels.events import Data
from channels.records import Record
from livewire.newsroom import lost, views
from livewire.newsroom.forms import Form
from livewire.newsroom.views import Failure, May, View

TEMPLATES = Path(__file__).parent.parent / "templates"
LISTED = 60
"""Updates on a story's page before one asks for all of them."""

SAID = {
    "published": "Published.",
    "changed": "Saved.",
    "corrected": "Corrected.",
    "withdrawn": "Withdrawn.",
    "opened": "The story is open.",
    "status": "The story's status is changed.",
    "settled": "Noted.",
}
"""What a page may be told to say of the action before it."""


_GONE = re.compile("[0-9]{1,3}-of-[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class Desk:
    """Whom a page is for, and what its forms carry."""

    subject: str
    csrf: str
    key: str  # idempotency key of the forms of this page


@dataclass(frozen=True, slots=True)
class Told:
    """What a page says of the action before it."""

    said: str = ""  # a name of SAID
    gone: str = ""  # `1-of-3`: the workers that let go of a text, where not all have
    failure: Failure | None = None
    everything: bool = False  # not only the newest updates


@dataclass(frozen=True, slots=True)
class Scene:
    """One story as it is now, and what this editor may do in it."""

    story: Data
    updates: Sequence[Data]  # newest first
    may: May
    readers: int
    alerted: int  # who follow breaking news


class Pages:
    """Writes the newsroom's pages. `sections` is slug to title, in the site's order."""

    def __init__(
        self,
        *,
        site_name: str,
        language: str,
        build: str,
        sections: Mapping[str, str],
        timezones: Sequence[str],
    ) -> None:
        self._sections = sections
        self._build = build
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(
            site_name=site_name,
            language=language,
            static=self._static,
            sections=sections,
            timezones=timezones,
            nothing=Form(),
        )

    def sign_in(self, *, name: str, ticket: str) -> str:
        """The page behind a link: one button."""
        return self._write("sign-in.html", name=name, ticket=ticket)

    def notice(self, *, title: str, detail: str, kept: Sequence[str]) -> str:
        """Anything that is said instead of a page; `kept` gives texts back."""
        return self._write("notice.html", title=title, detail=detail, kept=kept)

    def front(
        self,
        desk: Desk,
        stories: Sequence[Data],
        losses: Sequence[Record],
        *,
        now: datetime,
        told: Told,
        may_open: bool,
        may_alert: bool,
    ) -> str:
        """The list of stories, and the form that opens one."""
        failed, zone = told.failure, _zone(stories)
        return self._write(
            "front.html",
            desk=desk,
            stories=self._lines(stories, zone, now),
            losses=lost.lines(losses, zone=zone, now=now),
            zone=zone.key,
            may_open=may_open,
            may_alert=may_alert,
            typed=failed.form if failed else Form(),
            faults=failed.faults if failed else {},
            **_strip(told),
        )

    def story(
        self,
        desk: Desk,
        scene: Scene,
        stories: Sequence[Data],
        *,
        now: datetime,
        told: Told,
        tray: Sequence[View],
    ) -> str:
        """A story's composer and timeline. `tray` are the composer's pictures."""
        story, failed = scene.story, told.failure
        zone = views.zone_of(story)
        # The form that failed may stand anywhere.
        everything = told.everything or failed is not None
        listed = scene.updates if everything else scene.updates[:LISTED]
        path = f"/newsroom/{story['slug']}"
        composed = failed is not None and failed.at in (
            f"{path}/updates",
            "/newsroom/media",
        )
        newest = scene.updates[0]["published"] if scene.updates else None
        return self._write(
            "story.html",
            desk=desk,
            story=story,
            path=path,
            may=scene.may,
            readers=scene.readers,
            alerted=scene.alerted,
            newest=views.moment(newest, zone=zone, now=now),
            updates=[views.update_view(u, zone=zone, now=now) for u in listed],
            count=len(scene.updates),
            steps=views.steps(str(story["status"])),
            stories=self._lines(stories, zone, now),
            zone=zone.key,
            failed=failed,
            typed=failed.form if failed and composed else Form(),
            faults=failed.faults if failed and composed else {},
            tray=tray,
            orphans=_orphans(failed, path, scene),
            **_strip(told),
        )

    def _lines(
        self, stories: Sequence[Data], zone: ZoneInfo, now: datetime
    ) -> list[View]:
        return [
            views.story_line(item, sections=self._sections, zone=zone, now=now)
            for item in views.in_order(stories)
        ]

    def _static(self, name: str) -> str:
        return f"/static/{name}?v={self._build}"

    def _write(self, template: str, **values: object) -> str:
        return self._templates.get_template(f"newsroom/{template}").render(**values)


def _zone(stories: Sequence[Data]) -> ZoneInfo:
    """The zone of a list: the one of its first story."""
    return views.zone_of(next(iter(views.in_order(stories)), {}))


def _strip(told: Told) -> dict[str, str]:
    said = SAID.get(told.said, "")
    if said and _GONE.fullmatch(told.gone):
        said += f" Gone for {told.gone.replace('-', ' ')} workers so far."
    return {"wrong": told.failure.words if told.failure else "", "said": said}


def _orphans(failed: Failure | None, path: str, scene: Scene) -> list[str]:
    """What was written in a form that the page no longer has."""
    if failed is None:
        return []
    open_story = scene.story["status"] not in ("ended", "withdrawn")
    forms = {path, f"{path}/withdraw"}
    if open_story:
        forms |= {f"{path}/updates", "/newsroom/media"}
    for update in scene.updates:
        if update["status"] != "withdrawn":
            one = f"{path}/updates/{update['id']}"
            forms |= {one, f"{one}/withdraw"}
    gone = failed.at not in forms or scene.story["status"] == "withdrawn"
    return failed.form.words() if gone or not scene.may.publish else []
