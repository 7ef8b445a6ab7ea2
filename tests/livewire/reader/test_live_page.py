"""The pages while news arrives: what moves, what stays, what is said."""

from collections.abc import Sequence

import pytest
from playwright.sync_api import Page, expect

from tests.livewire.reader.conftest import LiveSite
from tests.livewire.reader.samples import (
    NOW,
    Json,
    at,
    item,
    pages,
    story,
    stub,
    update,
)

EPOCH = "abcdefgh"


def minutes(count: int) -> list[Json]:
    """Updates of the last minutes, newest first, tall enough to scroll."""
    words = "<p>" + "Counting goes on. " * 30 + "</p>"
    return [
        update(f"n{n:03}", f"{18 + n // 60}:{n % 60:02}", html=words)
        for n in reversed(range(count))
    ]


class Desk:
    """A story page in a browser, and the newsroom's end of its stream."""

    def __init__(self, page: Page, site: LiveSite) -> None:
        self.page, self.site = page, site
        self.seq = 10

    def open(
        self,
        updates: Sequence[Json],
        *,
        older: str | None = None,
        newer: str | None = None,
        **told: object,
    ) -> None:
        self.site.pages["/live/night"] = pages().story(
            story=story(**told),
            updates=updates,
            position=f"{EPOCH}-{self.seq}",
            now=NOW,
            older=older,
            newer=newer,
            readers=10,
            update_count=len(updates),
        )
        self.page.goto("/live/night")
        self.site.wait_for_requests(1)
        self.ready()
        self.until_live()

    def ready(self, channel: str = "story/night") -> None:
        here = f"{EPOCH}-{self.seq}"
        self.site.event("ready", channel=channel, position=here, top=here, floor=0)

    def until_live(self) -> None:
        expect(self.page.locator("#bar")).to_have_attribute("data-state", "live")

    def send(
        self, name: str, key: str, data: object, channel: str = "story/night"
    ) -> None:
        self.seq += 1
        position = f"{EPOCH}-{self.seq}"
        self.site.event(name, channel=channel, position=position, key=key, data=data)

    def publish(self, data: Json) -> None:
        self.send("update", f"update/{data['id']}", data)

    def order(self) -> list[str]:
        found = self.page.locator("#stream > article").evaluate_all(
            "all => all.map((one) => one.id)"
        )
        return [str(name).removeprefix("u-") for name in found]

    def scroll_to(self, name: str) -> None:
        self.page.evaluate(
            "id => document.getElementById(id).scrollIntoView({block: 'start'})",
            f"u-{name}",
        )
        self.page.evaluate("new Promise((done) => requestAnimationFrame(done))")

    def top_of(self, name: str) -> float:
        return float(
            self.page.evaluate(
                "id => document.getElementById(id).getBoundingClientRect().top",
                f"u-{name}",
            )
        )


@pytest.fixture
def desk(page: Page, site: LiveSite) -> Desk:
    return Desk(page, site)


def test_at_the_top_news_enters_at_once(desk: Desk) -> None:
    desk.open(minutes(3))
    desk.publish(update("new", "20:30", key_event=True))
    expect(desk.page.locator("#u-new h2")).to_have_text("Headline of new")
    assert desk.order() == ["new", "n002", "n001", "n000"]
    expect(desk.page.locator("#pill")).to_be_hidden()
    expect(desk.page.locator("#keys li")).to_have_text(["21:30 Headline of new"])
    expect(desk.page.locator(".count")).to_have_text("4 updates")
    expect(desk.page.locator("#u-n002")).to_have_attribute("aria-posinset", "2")
    expect(desk.page.locator("#announcer")).to_contain_text("1 new update.")


def test_further_down_news_waits_behind_the_pill(desk: Desk) -> None:
    desk.open(minutes(20))
    desk.scroll_to("n010")
    before = desk.top_of("n010")
    desk.publish(update("one", "20:30"))
    desk.publish(update("two", "20:31"))
    desk.publish(update("one", "20:30", headline="One again", version=2))
    pill = desk.page.locator("#pill")
    expect(pill).to_have_text("2 new updates")
    expect(desk.page).to_have_title("(2) The night of the count · The Meridian")
    assert desk.order()[0] == "n019"
    assert desk.top_of("n010") == before
    pill.click()
    expect(pill).to_be_hidden()
    assert desk.order()[:3] == ["two", "one", "n019"]
    expect(desk.page.locator("#h-one")).to_be_focused()
    expect(desk.page.locator("#h-one")).to_have_text("One again")
    expect(desk.page.locator("#u-one + .since")).to_have_text("New since 19:19")
    expect(desk.page).to_have_title("The night of the count · The Meridian")


def test_breaking_news_is_on_the_pill_and_spoken(desk: Desk) -> None:
    desk.open(minutes(20))
    desk.scroll_to("n010")
    desk.publish(update("now", "20:39", breaking=True, headline="It is decided"))
    expect(desk.page.locator("#pill")).to_have_text("Breaking: It is decided")
    expect(desk.page.locator("#alarm")).to_have_text("Breaking: It is decided")


def test_an_edit_above_moves_nothing_that_is_read(desk: Desk) -> None:
    desk.open(minutes(20))
    desk.scroll_to("n005")
    before = desk.top_of("n005")
    long = "<p>" + "Much more is known now. " * 200 + "</p>"
    correction = {"text": "It was another hall.", "at": at("20:39")}
    desk.publish(update("n012", "18:12", html=long, correction=correction, version=2))
    expect(desk.page.locator("#u-n012 .correction")).to_contain_text("another hall")
    assert abs(desk.top_of("n005") - before) < 1
    desk.publish(stub("n013", "18:13"))
    expect(desk.page.locator("#u-n013")).to_have_class("update withdrawn")
    assert abs(desk.top_of("n005") - before) < 1
    expect(desk.page.locator("#u-n013")).not_to_contain_text("Counting")
    expect(desk.page.locator("#u-n013")).to_contain_text(
        "Withdrawn 21:30: It was not so."
    )
    expect(desk.page.locator("#pill")).to_be_hidden()


def test_what_grows_above_the_stream_moves_nothing_that_is_read(desk: Desk) -> None:
    desk.page.set_viewport_size({"width": 390, "height": 800})
    desk.open(minutes(20))
    desk.scroll_to("n010")
    before = desk.top_of("n010")
    known = {"text": "x", "html": "<p>Known by now.</p>" * 20, "at": at("20:39")}
    desk.send("story", "story", story(summary=known, headline="Longer " * 20))
    desk.publish(update("key", "20:30", key_event=True))
    expect(desk.page.locator("#keys li")).to_have_count(1)
    expect(desk.page.locator(".summary p")).to_have_count(21)
    assert abs(desk.top_of("n010") - before) < 1
    desk.page.evaluate("document.querySelector('#keys a').click()")
    expect(desk.page.locator("#u-key")).to_be_visible()


def test_a_pinned_update_moves_to_the_head(desk: Desk) -> None:
    desk.open(minutes(4))
    desk.publish(update("n001", "18:01", pinned=True, version=2))
    expect(desk.page.locator("#u-n001")).to_have_class("update kind-text pinned")
    assert desk.order() == ["n001", "n003", "n002", "n000"]
    desk.publish(update("n001", "18:01", version=3))
    expect(desk.page.locator("#u-n001")).to_have_class("update kind-text")
    assert desk.order() == ["n003", "n002", "n001", "n000"]


def test_updates_of_older_pages_stay_there(desk: Desk) -> None:
    desk.open(minutes(4)[:2], older="/live/night?before=n002")
    desk.publish(update("n000", "18:00", version=2))
    desk.publish(update("new", "20:30"))
    expect(desk.page.locator("#u-new")).to_be_visible()
    assert desk.order() == ["new", "n003", "n002"]


def test_a_tombstone_takes_an_update_away(desk: Desk) -> None:
    desk.open(minutes(3))
    desk.send("update", "update/n001", None)
    expect(desk.page.locator("#u-n001")).to_have_count(0)
    assert desk.order() == ["n002", "n000"]


def test_a_reset_drops_what_it_does_not_name(desk: Desk) -> None:
    desk.open(minutes(3))
    desk.site.event(
        "reset",
        channel="story/night",
        reason="epoch",
        position="bbbbbbbb-0",
        top="bbbbbbbb-2",
        floor=0,
    )
    kept = minutes(3)[0]
    for seq, data in enumerate((kept, update("new", "20:30")), start=1):
        desk.site.event(
            "update",
            channel="story/night",
            position=f"bbbbbbbb-{seq}",
            key=f"update/{data['id']}",
            data=data,
        )
    expect(desk.page.locator("#u-n000")).to_have_count(0)
    assert desk.order() == ["new", "n002"]


def test_the_story_changes_in_place(desk: Desk) -> None:
    desk.open(minutes(3))
    after = {"headline": "The morning after", "url": "/live/morning"}
    desk.send(
        "story", "story", story(status="ended", followed_by=after, headline="Over")
    )
    expect(desk.page.locator("h1")).to_have_text("Over")
    expect(desk.page.locator(".turning-point")).to_contain_text("ended")
    expect(desk.page.locator(".turning-point a")).to_have_attribute(
        "href", "/live/morning"
    )
    expect(desk.page).to_have_title("Over · The Meridian")
    expect(desk.page.locator("#state")).to_contain_text("Ended · checked just now")


def test_many_readers_are_counted(desk: Desk) -> None:
    desk.open(minutes(3))
    for readers, words in ((49, []), (12408, ["12,408 reading"])):
        desk.site.event(
            "heartbeat",
            at=at("20:41"),
            channels={"story/night": {"readers": readers, "floor": 0}},
        )
        expect(desk.page.locator(".readers")).to_have_text(words)


def test_a_withdrawn_story_clears_the_page(desk: Desk) -> None:
    desk.open(minutes(1))
    desk.publish(stub("n000", "18:00"))
    gone = {"slug": "night", "status": "withdrawn", "withdrawn": {"reason": "Untrue."}}
    desk.send("story", "story", gone)
    expect(desk.page.locator("h1")).to_have_text("This story was withdrawn: Untrue.")
    expect(desk.page.locator("main")).not_to_contain_text("Counting")
    expect(desk.page.locator("main")).not_to_contain_text("Forty districts")


def test_a_paused_page_holds_news_until_resumed(desk: Desk) -> None:
    desk.open(minutes(3))
    desk.page.locator("#pause").click()
    desk.publish(update("new", "20:30"))
    expect(desk.page.locator("#state")).to_have_text("Paused by you just now · 1 new")
    assert desk.order()[0] == "n002"
    desk.page.locator("#pause").click()
    expect(desk.page.locator("#u-new")).to_be_visible()


def test_the_page_keeps_two_hundred_and_loses_none(desk: Desk) -> None:
    desk.open(minutes(120))
    for n in range(100):
        desk.publish(update(f"x{n:03}", f"{20 + n // 60}:{n % 60:02}"))
    expect(desk.page.locator("#u-x099")).to_be_visible()
    assert len(desk.order()) == 200
    desk.page.locator("#folded").click()
    assert desk.order()[-1] == "n000"
    assert len(desk.order()) == 220
    expect(desk.page.locator("#folded")).to_be_hidden()


def test_a_loss_is_said_and_so_is_the_way_back(desk: Desk) -> None:
    desk.page.clock.install()
    desk.open(minutes(3))
    desk.site.statuses.extend([503] * 40)
    desk.site.hang_up()
    desk.site.wait_for_requests(2)
    strip = desk.page.locator("#strip")
    expect(strip).to_be_hidden()
    desk.page.clock.run_for(7_000)
    expect(strip).to_contain_text("Reconnecting… Last update 19:02")
    desk.page.clock.run_for(65_000)
    expect(strip).to_contain_text("Not live. Showing updates to")
    desk.site.statuses.clear()
    seen = len(desk.site.asked)
    strip.get_by_role("button").click()
    desk.site.wait_for_requests(seen + 1)
    here = desk.seq
    desk.site.event(
        "ready",
        channel="story/night",
        position=f"{EPOCH}-{here}",
        top=f"{EPOCH}-{here + 1}",
        floor=0,
    )
    desk.publish(update("new", "20:30"))
    expect(strip).to_have_text("Back online, 1 update loaded")


def test_one_update_s_page_points_to_what_is_newer(desk: Desk) -> None:
    own = update("own", "20:00")
    desk.site.pages["/live/night/own"] = pages().permalink(
        story=story(), update=own, position=f"{EPOCH}-10", now=NOW
    )
    desk.page.goto("/live/night/own")
    desk.site.wait_for_requests(1)
    desk.ready()
    desk.publish(update("new", "20:30"))
    expect(desk.page.locator("#pill")).to_have_text("1 newer update")
    desk.publish(update("own", "20:00", headline="Own, mended", version=2))
    expect(desk.page.locator("#h-own")).to_have_text("Own, mended")
    assert desk.order() == ["own"]


def test_a_page_of_older_updates_only_counts_what_is_new(desk: Desk) -> None:
    desk.open(minutes(4)[2:], newer="/live/night")
    desk.publish(update("new", "20:30"))
    desk.publish(update("n003", "18:03", version=2))
    desk.publish(update("n001", "18:01", headline="Mended", version=2))
    expect(desk.page.locator("#pill")).to_have_text("1 newer update")
    expect(desk.page.locator("#h-n001")).to_have_text("Mended")
    assert desk.order() == ["n001", "n000"]
    expect(desk.page.locator("#state")).not_to_contain_text("last update")


def test_a_section_s_front_leaves_other_sections_out(desk: Desk) -> None:
    desk.site.pages["/section/sport"] = pages().front(
        stories=[item("a", section="sport")],
        position=f"{EPOCH}-10",
        now=NOW,
        section="sport",
    )
    desk.page.goto("/section/sport")
    desk.site.wait_for_requests(1)
    desk.ready("stories")
    desk.send("item", "story/b", item("b"), "stories")
    desk.send("item", "story/c", item("c", section="sport"), "stories")
    expect(desk.page.locator("#s-c")).to_be_visible()
    expect(desk.page.locator(".line")).to_have_count(2)
    expect(desk.page.locator("h1")).to_have_text("Sport")


def test_the_front_page_follows_its_stories(desk: Desk) -> None:
    desk.site.pages["/"] = pages().front(
        stories=[item("a", urgency=1), item("b")], position=f"{EPOCH}-10", now=NOW
    )
    desk.page.goto("/")
    desk.site.wait_for_requests(1)
    assert desk.site.asked[0].query == f"channel=stories&since={EPOCH}-10"
    desk.ready("stories")
    news = {"id": "y", "headline": "Goal", "published": at("20:38")}
    desk.send("item", "story/b", item("b", latest_update=news), "stories")
    expect(desk.page.locator("#s-b .news .what")).to_have_text("Goal")
    desk.send("item", "story/c", item("c", urgency=1, latest_update=news), "stories")
    expect(desk.page.locator(".line").first).to_have_id("s-c")
    desk.send("item", "story/a", None, "stories")
    expect(desk.page.locator("#s-a")).to_have_count(0)
    bare = {
        k: v for k, v in item("b").items() if k not in ("latest_update", "update_count")
    }
    desk.send("item", "story/b", bare | {"headline": "Renamed"}, "stories")
    expect(desk.page.locator("#s-b h2")).to_have_text("Renamed")
    expect(desk.page.locator("#s-b .news .what")).to_have_text("Goal")
    expect(desk.page.locator("#s-b .count")).to_have_text("12 updates")
    expect(desk.page.locator("#state")).to_contain_text("Live · checked just now")


def test_news_enters_again_once_a_reader_goes_on_from_the_pill(desk: Desk) -> None:
    desk.open(minutes(20))
    desk.scroll_to("n010")
    desk.publish(update("one", "20:30"))
    desk.page.locator("#pill").click()
    expect(desk.page.locator("#h-one")).to_be_focused()
    desk.page.mouse.wheel(0, -20_000)
    expect(desk.page.locator("#h-one")).not_to_be_focused()
    desk.publish(update("two", "20:31"))
    expect(desk.page.locator("#u-two")).to_be_visible()
    expect(desk.page.locator("#pill")).to_be_hidden()


def test_what_was_spoken_of_a_withdrawn_update_is_unsaid(desk: Desk) -> None:
    desk.open(minutes(2))
    desk.publish(update("now", "20:39", breaking=True, headline="It is decided"))
    expect(desk.page.locator("#alarm")).to_have_text("Breaking: It is decided")
    desk.publish(stub("now", "20:39"))
    expect(desk.page.locator("#alarm")).to_be_empty()


def test_a_withdrawn_newer_update_is_no_longer_counted(desk: Desk) -> None:
    desk.open(minutes(4)[2:], newer="/live/night")
    desk.publish(update("new", "20:30"))
    expect(desk.page.locator("#pill")).to_have_text("1 newer update")
    desk.publish(stub("new", "20:30"))
    expect(desk.page.locator("#pill")).to_be_hidden()


def test_a_story_without_updates_says_so_until_the_first(desk: Desk) -> None:
    desk.open([])
    expect(desk.page.locator(".nothing")).to_be_visible()
    expect(desk.page.locator("#stream")).to_have_attribute("role", "region")
    desk.publish(update("first", "20:30"))
    expect(desk.page.locator("#stream")).to_have_attribute("role", "feed")
    expect(desk.page.locator(".nothing")).to_be_hidden()
