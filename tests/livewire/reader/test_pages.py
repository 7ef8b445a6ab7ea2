import re
from html.parser import HTMLParser

import pytest

from tests.livewire.reader.samples import (
    NOW,
    Json,
    every_item,
    every_update,
    item,
    media,
    pages,
    story,
    stub,
    update,
)


def story_page(*updates: Json, older: str | None = None, **changes: object) -> str:
    return pages().story(
        story=story(**changes),
        updates=updates,
        position="abcdefgh-41",
        now=NOW,
        older=older,
        readers=12408,
        update_count=len(updates),
    )


class Policy(HTMLParser):
    """Collects what a strict content security policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        inline = tag == "style" or (tag == "script" and "src" not in names)
        if inline or any(name == "style" or name.startswith("on") for name in names):
            self.refused.append(tag)


@pytest.mark.parametrize(
    "html",
    [
        story_page(*every_update()),
        pages().front(stories=every_item(), position="0", now=NOW),
        pages().error(status=404, title="Not here", detail="Nobody opened it."),
        pages().permalink(story=story(), update=stub("a"), position="0", now=NOW),
    ],
)
def test_pages_hold_under_a_strict_policy(html: str) -> None:
    policy = Policy()
    policy.feed(html)
    assert policy.refused == []


def test_a_story_page_carries_what_its_script_needs() -> None:
    html = story_page(update("a"))
    assert 'data-channel="story/night"' in html
    assert 'data-position="abcdefgh-41"' in html
    assert 'data-zone="Europe/Berlin"' in html
    assert '<script type="module" src="/static/reader.js?v=b1">' in html


def test_text_is_escaped_and_safe_html_is_not() -> None:
    html = story_page(update("a", headline="<script>x</script>"))
    assert "&lt;script&gt;x&lt;/script&gt;" in html
    assert "<p>Text of <em>a</em>.</p>" in html


def test_the_pinned_update_stands_first() -> None:
    html = story_page(update("new", "20:10"), update("old", "19:00", pinned=True))
    assert re.findall(r'<article id="u-(\w+)"', html)[:2] == ["old", "new"]


def test_a_page_links_to_older_ones_without_script() -> None:
    html = story_page(update("a"), older="/live/night?before=x&y")
    assert 'rel="next" href="/live/night?before=x&amp;y"' in html


def test_head_names_the_page_for_others() -> None:
    html = story_page(update("a"), image=media())
    assert '<link rel="canonical" href="https://meridian.example/live/night">' in html
    assert 'content="https://meridian.example/media/m1"' in html
    assert '<meta name="description" content="Forty districts are still open.">' in html


def test_language_and_direction_are_the_story_s() -> None:
    html = story_page(update("a"), language="ar", direction="rtl")
    assert '<html lang="ar" dir="rtl">' in html


def test_a_written_story_shows_its_text() -> None:
    html = story_page(form="analysis", html="<p>One vote.</p>", status="ended")
    assert '<div class="article prose"><p>One vote.</p></div>' in html
    assert "This coverage ended" not in html.split("<template")[0]


def test_a_withdrawn_update_s_page_is_not_indexed() -> None:
    html = pages().permalink(story=story(), update=stub("a"), position="0", now=NOW)
    assert 'name="robots" content="noindex"' in html
    assert "It was not so." in html


def test_the_front_page_is_in_order() -> None:
    stories = [
        item("ended", status="ended"),
        item("calm"),
        item("urgent", urgency=1),
    ]
    html = pages().front(stories=stories, position="0", now=NOW)
    assert re.findall(r'<li id="s-(\w+)"', html) == ["urgent", "calm", "ended"]
    assert "Sunday 22 November 2026" in html


def test_an_empty_front_page_says_so() -> None:
    html = pages().front(stories=[], position="0", now=NOW)
    assert '<p class="nothing" id="nothing">' in html


def test_an_error_says_what_happened() -> None:
    html = pages().error(status=410, title="Gone", detail="story/x")
    assert "<title>This story was withdrawn · The Meridian</title>" in html
    assert "story/x" not in html
