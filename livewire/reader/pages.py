"""The pages readers see, made from data alone: nothing is fetched, no clock is read.

Pages promise three things. They are whole without JavaScript. They hold under a policy
of `default-src 'none'` with scripts, styles and pictures from the site itself: what the
scripts need travels in data attributes and `<template>`. And every time on them is
absolute, so a cached copy stays true; "18 min ago" is said only by a script.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from livewire.reader import times, views
from livewire.reader.fields import Data, part, text
from livewire.reader.markup import Blank, bind

# What an error says to readers, by status; for programs the error words it itself.
_ERRORS = {
    401: ("Please sign in", "This page is only for readers who are signed in."),
    404: (
        "This page is not here",
        "The address may be mistyped, or the story was never opened.",
    ),
    410: ("This story was withdrawn", "The newsroom has taken it back."),
    503: ("We cannot be reached just now", "Please try again in a moment."),
}

TEMPLATES = Path(__file__).parent.parent / "templates"


@dataclass(frozen=True, slots=True)
class Site:
    """The publication the pages belong to."""

    name: str
    base_url: str  # https://example.org, without a slash at the end
    language: str = "en"
    build: str = ""  # changes with the static files, so that they cache for ever


class Pages:
    """Writes pages of one site. `sections` is slug to title, in the site's order."""

    def __init__(self, site: Site, *, sections: Mapping[str, str]) -> None:
        self._site = site
        self._sections = sections
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            auto_reload=False,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(
            site=site, bind=bind, blank=Blank(), static=self.static
        )

    def static(self, name: str) -> str:
        """The address of a static file of this build."""
        return f"/static/{name}?v={self._site.build}"

    def story(
        self,
        *,
        story: Data,
        updates: Sequence[Data],
        position: str,
        now: datetime,
        older: str | None,
        readers: int,
        update_count: int,
        newer: str | None = None,
        keys: Sequence[Data] | None = None,
    ) -> str:
        """The live page of a story.

        `updates` are newest first; `position` is the one of the story's channel they
        were read at; `older` is the address of the next page of older updates. A page
        of older updates has `newer`, the address of the live page: new updates do not
        enter it, they are only counted. `keys` are all key events of the story, newest
        first; without them, those among the updates shown.
        """
        scene = views.scene_of(story, now=now)
        newest = text(updates[0], "published") if updates and not newer else ""
        among = updates if keys is None else keys
        return self._write(
            "story.html",
            **self._telling(story, scene, position=position),
            masthead=self._masthead(story, scene, count=update_count, readers=readers),
            updates=[views.update_view(u, scene=scene) for u in _pin_first(updates)],
            keys=[views.key_view(u, scene=scene) for u in among if views.is_key(u)],
            newest=times.stamp(newest, zone=scene.zone),
            count=update_count,
            older=older,
            newer=newer,
            only=None,
        )

    def permalink(
        self, *, story: Data, update: Data, position: str, now: datetime
    ) -> str:
        """The page of one update, with the way back to its story."""
        scene = views.scene_of(story, now=now)
        view = views.update_view(update, scene=scene)
        published = text(update, "published")
        telling = self._telling(story, scene, position=position)
        named = text(update, "headline")
        return self._write(
            "story.html",
            **telling
            | {"canonical": self._absolute(text(update, "permalink"))}
            | ({"title": named} if named else {}),
            masthead=self._masthead(story, scene, count=0, readers=0),
            updates=[view],
            keys=[],
            newest=times.stamp(published, zone=scene.zone),
            count=0,
            older=None,
            newer=None,
            only=view["id"],
        )

    def front(
        self,
        *,
        stories: Sequence[Data],
        position: str,
        now: datetime,
        section: str | None = None,
    ) -> str:
        """The front page: every public story, what matters most first.

        `stories` are the items of the `stories` channel with `update_count` and
        `latest_update`. All times on the page are in the zone of the first story. With
        a `section` it is that section's front, and follows its stories alone.
        """
        ordered = sorted(stories, key=views.latest_of, reverse=True)
        ordered.sort(key=views.rank)
        name = text(ordered[0], "timezone") if ordered else ""
        zone = times.zone_called(name or "UTC")
        scene = views.Scene(zone, self._site.language, "", now)
        return self._write(
            "front.html",
            lines=[
                views.line_view(s, scene=scene, sections=self._sections)
                for s in ordered
            ],
            sections=self._sections,
            section=section,
            position=position,
            zone=zone.key,
            zone_title=scene.zone_title,
            today=times.date_in_words(now.astimezone(zone)),
            canonical=self._absolute(f"/section/{section}" if section else "/"),
        )

    def error(self, *, status: int, title: str, detail: str) -> str:
        """What is shown instead of a page: status, title, one sentence.

        A status readers meet has words of its own; `detail` of a 500, with the
        incident's id, is kept.
        """
        if status == 500:
            title = "Something went wrong here"
        title, detail = _ERRORS.get(status, (title, detail))
        return self._write("error.html", status=status, title=title, detail=detail)

    def _telling(
        self, story: Data, scene: views.Scene, *, position: str
    ) -> dict[str, object]:
        """What both pages of a story share."""
        slug = text(story, "slug")
        path = text(story, "permalink") or f"/live/{slug}"
        image = part(story, "image")
        return {
            "story": story,
            "slug": slug,
            "title": text(story, "headline"),
            "description": text(story, "standfirst"),
            "language": scene.language or self._site.language,
            "direction": text(story, "direction") or "ltr",
            "canonical": self._absolute(path),
            "story_path": f"/live/{slug}",
            "card": self._absolute(text(image, "url")) if image else None,
            "position": position,
            "zone": scene.zone.key,
            "zone_title": scene.zone_title,
            "first_day": scene.first_day,
            "written": text(story, "form") in views.FORMS,
            "article": views.body_view(story),
            "summary": views.summary_view(story, scene=scene),
        }

    def _masthead(
        self, story: Data, scene: views.Scene, *, count: int, readers: int
    ) -> views.View:
        slug = text(story, "section")
        return views.story_view(
            story,
            scene=scene,
            section=self._sections.get(slug, slug),
            count=count,
            readers=readers,
        )

    def _absolute(self, address: str) -> str:
        outside = address.startswith(("https://", "http://"))
        return address if outside else f"{self._site.base_url.rstrip('/')}{address}"

    def _write(self, template: str, **values: object) -> str:
        return self._templates.get_template(template).render(**values)


def _pin_first(updates: Sequence[Data]) -> list[Data]:
    return sorted(updates, key=lambda u: not (u.get("pinned") and _stands(u)))


def _stands(update: Data) -> bool:
    return part(update, "withdrawn") is None
