"""The server and the browser make the same elements from the same data."""

from collections.abc import Sequence
from typing import cast

import pytest
from playwright.sync_api import Page

from tests.livewire.demo.coverage import written_night
from tests.livewire.reader.conftest import LiveSite
from tests.livewire.reader.samples import (
    NOW,
    Json,
    at,
    every_item,
    every_update,
    item,
    media,
    pages,
    story,
    stub,
    update,
)

COMPARE = """async ({html, template, kind, things, facts}) => {
  const { fill, morph } = await import("/static/render.js");
  const views = await import("/static/views.js");
  const { Zone } = await import("/static/times.js");
  const served = new DOMParser().parseFromString(html, "text/html");
  const main = served.querySelector("main").dataset;
  const scene = {
    zone: new Zone(main.zone),
    zoneTitle: main.zoneTitle,
    language: main.language,
    firstDay: main.firstDay ?? "",
    now: () => Date.parse(facts.now),
  };
  const make = {
    update: (u) => views.updateView(u, scene),
    key: (u) => views.keyView(u, scene),
    masthead: (s) => views.storyView(s, scene, facts),
    summary: (s) => views.summaryView(s, scene),
    line: (s) => views.lineView(s, scene, facts.sections),
  }[kind];
  const find = {
    update: (u) => served.getElementById(`u-${u.id}`),
    key: (u) => served.getElementById(`k-${u.id}`),
    masthead: () => served.querySelector(".masthead"),
    summary: () => served.querySelector(".summary"),
    line: (s) => served.getElementById(`s-${s.slug}`),
  }[kind];
  const tree = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data.replace(/\\s+/g, " ");
    const attributes = [...node.attributes]
      .filter(({ name }) => name !== "aria-posinset")
      .map(({ name, value }) => `${name}=${value}`);
    const children = [...node.childNodes].map(tree).filter((text) => text !== " ");
    return [node.tagName, attributes.sort(), children];
  };
  const form = served.getElementById(`${template}-template`);
  const filled = things.map((thing) => fill(form, make(thing)));
  const last = filled.at(-1);
  return things.map((thing, at) => {
    const changed = fill(form, make(things.at(at - 1)));
    morph(changed, fill(form, make(thing)));
    const made = tree(filled[at]);
    return { served: tree(find(thing)), made, morphed: tree(changed) };
  });
}"""


def both_ways(
    page: Page, html: str, kind: str, things: Sequence[Json], **facts: object
) -> list[dict[str, object]]:
    page.goto("/blank")
    given = {
        "html": html,
        "kind": kind,
        "template": kind,
        "things": list(things),
        "facts": {"now": NOW.isoformat(), **facts},
    }
    return cast("list[dict[str, object]]", page.evaluate(COMPARE, given))


def story_page(told: Json, updates: Sequence[Json]) -> str:
    return pages().story(
        story=told,
        updates=updates,
        position="abcdefgh-1",
        now=NOW,
        older=None,
        readers=12408,
        update_count=1041,
    )


def test_every_update_is_the_same_from_both(page: Page, site: LiveSite) -> None:
    updates = every_update()
    html = story_page(story(), updates)
    results = both_ways(page, html, "update", updates)
    assert len(results) == len(updates)
    for result in results:
        assert result["made"] == result["served"]
        assert result["morphed"] == result["served"]


def test_every_update_of_the_demo_is_the_same_from_both(
    page: Page, site: LiveSite
) -> None:
    told, updates = written_night()
    assert len(updates) > 70
    html = story_page(told, updates)
    for result in both_ways(page, html, "update", updates):
        assert result["made"] == result["served"]
        assert result["morphed"] == result["served"]


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "America/St_Johns", "Asia/Kolkata", "UTC", "No/Where"]
)
def test_times_are_the_same_in_every_zone(
    page: Page, site: LiveSite, zone: str
) -> None:
    updates = [update("a", "03:29"), update("b", "23:59"), stub("c", "12:00")]
    html = story_page(story(timezone=zone), updates)
    for result in both_ways(page, html, "update", updates):
        assert result["made"] == result["served"]


def test_key_events_are_the_same_from_both(page: Page, site: LiveSite) -> None:
    keys = [
        update("a", key_event=True),
        update("b", key_event=True, published=at("01:00", day=24)),
    ]
    html = story_page(story(), keys)
    for result in both_ways(page, html, "key", keys):
        assert result["made"] == result["served"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"status": "paused", "resumes_at": at("05:00", day=23)},
        {"status": "paused"},
        {"status": "ended"},
        {"status": "ended", "followed_by": {"headline": "After", "url": "/live/after"}},
        {"status": "scheduled", "starts_at": at("22:00"), "published": None},
        {"form": "analysis", "authors": []},
        {"correction": {"text": "It said <21>.", "at": at("20:31")}},
        {"image": media(), "standfirst": "", "summary": None},
    ],
)
def test_the_masthead_and_summary_are_the_same_from_both(
    page: Page, site: LiveSite, changes: Json
) -> None:
    told = story(**changes)
    html = story_page(told, [update("a")])
    facts = {"section": "Politics", "count": 1041, "readers": 12408}
    for kind in ("masthead", "summary"):
        (result,) = both_ways(page, html, kind, [told], **facts)
        assert result["made"] == result["served"]


def test_every_line_of_the_front_page_is_the_same_from_both(
    page: Page, site: LiveSite
) -> None:
    items = every_item()
    html = pages().front(stories=items, position="abcdefgh-1", now=NOW)
    sections = {"politics": "Politics", "sport": "Sport"}
    for result in both_ways(page, html, "line", items, sections=sections):
        assert result["made"] == result["served"]
        assert result["morphed"] == result["served"]


def test_the_templates_show_every_optional_part_once(
    page: Page, site: LiveSite
) -> None:
    html = pages().front(stories=[item("a")], position="0", now=NOW)
    page.goto("/blank")
    counts = page.evaluate(
        """(html) => {
          const page = new DOMParser().parseFromString(html, "text/html");
          const { content } = page.getElementById("line-template");
          return ["li", ".news", ".count", ".standfirst", "img"].map(
            (part) => content.querySelectorAll(part).length);
        }""",
        html,
    )
    assert counts == [1, 1, 1, 1, 1]
