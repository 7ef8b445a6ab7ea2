"""The written night: it loads, it holds together, and a broken one is refused."""

import re
from collections import Counter
from typing import cast

import pytest

from livewire.demo.night import Body, BrokenNight, Night, load, parse, pictures_of
from publishers.requests import (
    NewStory,
    Revision,
    Rules,
    UpdateBody,
    Withdrawal,
    check,
    merge,
)

RULES = Rules(
    sections=(
        "electoral-processes",
        "international-relations",
        "domestic-policies",
        "economic-developments",
        "legislative-updates",
    ),
    timezones=frozenset({"Europe/Vienna", "UTC"}),
)

STORY = """
[bylines]
maud = "Maud Ellery"
[story]
slug = "night"
headline = "A night"
by = ["maud"]
"""


@pytest.fixture(scope="module")
def night() -> Night:
    return load()


def step(minute: int, do: str, ref: str = "", more: str = "") -> str:
    named = f'ref = "{ref}"\n' if ref else ""
    return f'[[step]]\nminute = {minute}\ndo = "{do}"\n{named}{more}\n'


def sent(body: Body) -> dict[str, object]:
    """The body with its pictures replaced as a player does after uploading them."""

    def uploaded(item: Body) -> Body:
        rest = {name: value for name, value in item.items() if name != "picture"}
        return rest | {"url": f"/media/{item['picture']}"}

    whole = {name: value for name, value in body.items() if name != "resumes_after"}
    if "image" in whole:
        whole["image"] = uploaded(cast(Body, whole["image"]))
    if "media" in whole:
        whole["media"] = [uploaded(item) for item in cast(list[Body], whole["media"])]
    return whole


def test_the_publish_api_takes_every_body_of_the_night(night: Night) -> None:
    story, updates = sent(night.story), dict[str, Body]()
    check(NewStory, story, RULES)
    for act in night.steps:
        body = sent(act.body)
        if act.do == "publish":
            check(UpdateBody, body, RULES)
            updates[act.ref] = body
        elif act.do == "correct":
            about = {name: body.pop(name) for name in ("correction", "note")}
            check(Revision, about, RULES)
            check(UpdateBody, merge(updates[act.ref], body), RULES)
        elif act.do == "withdraw":
            check(Withdrawal, body, RULES)
        else:
            story = merge(story, body)
            check(NewStory, story, RULES)


def test_the_publish_api_takes_the_sides(night: Night) -> None:
    for side in night.sides:
        check(NewStory, sent(side.body), RULES)
        for update in side.updates:
            check(UpdateBody, sent(update), RULES)


def test_the_night_lasts_from_half_past_five_to_a_quarter_past_two(
    night: Night,
) -> None:
    assert night.steps[0].minute == 0
    assert night.minutes == 525


def test_the_night_has_what_a_real_one_has(night: Night) -> None:
    acts = Counter(step.do for step in night.steps)
    assert acts["publish"] >= 75
    assert (acts["correct"], acts["withdraw"]) == (2, 1)
    published = [step.body for step in night.steps if step.do == "publish"]
    kinds = Counter(body.get("kind", "text") for body in published)
    assert kinds["quote"] >= 6
    assert kinds["qa"] == 1
    assert kinds["media"] >= 6
    assert 8 <= sum(bool(body.get("key_event")) for body in published) <= 16
    assert sum(bool(body.get("breaking")) for body in published) == 2
    assert sum(bool(body.get("pinned")) for body in published) == 2
    verified = {body["verification"] for body in published if "verification" in body}
    assert verified == {"confirmed", "reported", "unverified"}


def test_every_update_is_signed_and_tagged_and_says_something(night: Night) -> None:
    bylines = set()
    for act in night.steps:
        if act.do == "publish":
            assert act.body["authors"], act.ref
            assert {"headline", "body", "quote"} & set(act.body), act.ref
            bylines.add(str(act.body["authors"]))
        assert "by" not in act.body
    assert len(bylines) >= 6


def test_corrections_and_the_withdrawal_say_why_in_public_and_inside(
    night: Night,
) -> None:
    for act in night.steps:
        if act.do == "correct":
            assert act.body["correction"]
            assert act.body["note"]
            assert len(act.body) > 2
        if act.do == "withdraw":
            assert act.body["reason"]
            assert act.body["note"]


def test_the_story_pauses_resumes_and_ends(night: Night) -> None:
    acts = [step for step in night.steps if step.do == "story"]
    statuses = [act.body["status"] for act in acts if "status" in act.body]
    assert statuses == ["paused", "live", "ended"]
    paused = next(act for act in acts if act.body.get("status") == "paused")
    resumed = next(act for act in acts if act.body.get("status") == "live")
    promised = paused.body["resumes_after"]
    assert isinstance(promised, int)
    assert paused.minute < resumed.minute <= paused.minute + promised
    quiet = [s for s in night.steps if paused.minute < s.minute < resumed.minute]
    assert quiet == []
    assert acts[-1] == night.steps[-1]
    assert "followed_by" in acts[-1].body
    assert sum("summary" in act.body for act in acts) == 3


def test_every_picture_has_an_alternative_text(night: Night) -> None:
    for act in night.steps:
        media = act.body.get("media", [])
        assert isinstance(media, list)
        assert all(item["alt"] and item["credit"] for item in media)


def test_links_lead_to_the_reserved_domain_only(night: Night) -> None:
    links = re.findall(r"https?://[^\s\"')]+", str(night))
    assert links
    assert all(link.startswith("https://example.org/") for link in links)


def test_the_seats_of_every_projection_fill_the_assembly(night: Night) -> None:
    tables = 0
    for act in night.steps:
        rows = re.findall(r"^- .+\*\*[\d.]+\*\* · .*$", str(act.body.get("body")), re.M)
        if len(rows) == 6:
            tables += 1
            seats = [
                re.findall(r"· (\d+)(?: seats)?(?: \(|$)", row)[-1] for row in rows
            ]
            assert sum(map(int, seats)) == 150, act.ref
    assert tables == 4


def test_the_sides_are_four_stories_in_four_sections(night: Night) -> None:
    assert {side.body["section"] for side in night.sides} == {
        "international-relations",
        "domestic-policies",
        "economic-developments",
        "legislative-updates",
    }
    forms = Counter(side.body["form"] for side in night.sides)
    assert forms == {"analysis": 1, "interview": 1, "feature": 1, "live": 1}
    for side in night.sides:
        assert list(pictures_of(side.body)), side.slug
        if side.body["form"] == "live":
            assert (side.status, len(side.updates)) == ("ended", 4)
        else:
            assert 150 <= len(str(side.body["body"]).split()) <= 300, side.slug


def test_half_of_the_night_is_counted_in_minutes(night: Night) -> None:
    assert night.steps[night.half].minute >= night.minutes / 2
    assert night.steps[night.half - 1].minute < night.minutes / 2


def test_bylines_are_written_out_as_authors() -> None:
    small = parse(STORY + step(3, "publish", "first", 'by = "maud"'))
    assert small.slug == "night"
    assert small.story["authors"] == [{"name": "Maud Ellery"}]
    assert small.steps[0].body == {"authors": [{"name": "Maud Ellery"}]}


@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        ("", "nothing happens"),
        (step(1, "shout", "a"), "a minute and a verb"),
        (step(1, "publish"), "needs a ref"),
        (step(2, "publish", "a") + step(1, "publish", "b"), "already over"),
        (step(1, "publish", "a") + step(2, "publish", "a"), "published twice"),
        (step(1, "correct", "a"), "never published"),
        (step(1, "withdraw", "a") + step(2, "publish", "a"), "never published"),
        (
            step(1, "publish", "a")
            + step(2, "withdraw", "a")
            + step(3, "correct", "a"),
            "withdrawn before",
        ),
        (step(1, "publish", "a", 'by = "nobody"'), "nobody is called nobody"),
        (step(1, "publish", "a", 'media = [{ picture = "x" }]'), "no picture 'x'"),
    ],
)
def test_a_night_that_cannot_be_played_is_refused(steps: str, fault: str) -> None:
    with pytest.raises(BrokenNight, match=fault):
        parse(STORY + steps)


def test_a_night_without_a_story_is_refused() -> None:
    with pytest.raises(BrokenNight, match=r"no \[story\]"):
        parse(step(1, "publish", "a"))


def test_sides_that_are_no_list_are_refused() -> None:
    with pytest.raises(BrokenNight, match="side"):
        parse(STORY + '[side]\nslug = "a"\n' + step(1, "publish", "a"))
