"""publishers/requests.py and faults.py: bodies, validated, every fault at once."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import Invalid
from publishers.requests import (
    Body,
    NewStory,
    Revision,
    UpdateBody,
    Withdrawal,
    check,
    merge,
)
from tests.publishers.samples import RULES

STORY = {"headline": "A night", "section": "politics"}


def faults(model: type[Body], data: Mapping[str, object]) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        check(model, data, RULES)
    return {fault.pointer: fault.detail for fault in refused.value.errors}


def test_a_story_needs_only_its_headline() -> None:
    story = check(NewStory, STORY, RULES)
    assert (story.status, story.form, story.language) == ("draft", "live", "en")


def test_every_fault_of_a_story_is_named_at_once() -> None:
    wrong = {
        "headline": "",
        "slug": "Night!",
        "section": "sports",
        "timezone": "Mars/Olympus",
        "status": "scheduled",
        "tags": ["", *["t"] * 10],
        "urgency": 10,
        "followed_by": {"headline": "Next", "url": "javascript:alert(1)"},
        "autor": [],
        "a/b~c": 1,
        "update": {"kind": "quote", "quote": None, "pinned": "yes"},
    }
    assert faults(NewStory, wrong).keys() == {
        "/headline",
        "/slug",
        "/section",
        "/timezone",
        "/starts_at",
        "/tags",
        "/urgency",
        "/followed_by/url",
        "/autor",
        "/a~1b~0c",
        "/update/quote",
        "/update/pinned",
    }


def test_faults_say_what_to_do() -> None:
    found = faults(NewStory, {"slug": "a", "headline": "x" * 201, "tagz": 1})
    assert found["/headline"] == "At most 200 characters."
    assert found["/tagz"] == "There is no such member."
    found = faults(UpdateBody, {"headline": "", "tags": ["t"] * 11, "qa": [{}]})
    assert found["/headline"] == "At least 1 characters."
    assert found["/tags"] == "At most 10 items."
    assert found["/qa/0/question"] == "This member is required."
    found = faults(NewStory, STORY | {"section": "sports"})
    assert found["/section"] == "The sections of this desk are politics, world."
    found = faults(UpdateBody, {"body": "a\x00b"})
    assert found["/body"].startswith("Must not hold U+0000")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("headline", 7),
        ("headline", None),
        ("tags", "one"),
        ("urgency", "3"),
        ("urgency", 3.0),
        ("urgency", True),
        ("starts_at", 1_900_000_000),
        ("authors", [{"name": "Ines", "email": "i@example.org"}]),
        ("direction", "up"),
        ("language", "english please"),
        ("language", "en\n"),
        ("image", "https://example.org/a.jpg"),
        ("body", "x" * 30_001),
        ("status", "withdrawn"),
    ],
)
def test_nothing_is_coerced(name: str, value: object) -> None:
    pointers = faults(NewStory, STORY | {name: value})
    assert all(pointer.startswith(f"/{name}") for pointer in pointers)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22",
        "2026-11-22T20:04:05",
        "2026-11-22 20:04",
        "20261122T200405Z",
        "2026-13-22T20:04:05Z",
        "2026-11-22T20:04:05+99:00",
        "tomorrow",
        "1795377845",
        "",
        "2026-11-22T20:04:05Z\n",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "0999-01-01T00:00:00Z",
    ],
)
def test_a_time_has_its_zone_and_is_a_date(text: str) -> None:
    assert faults(UpdateBody, {"body": "x", "breaking_until": text}).keys() == {
        "/breaking_until"
    }


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T20:04:05Z",
        "2026-11-22t21:04:05+01:00",
        "2026-11-22 20:04:05.000000000z",
        "2026-11-22T14:34:05.000-05:30",
    ],
)
def test_every_spelling_of_a_time_is_the_same_time(text: str) -> None:
    alert = {"body": "x", "breaking": True, "breaking_until": text}
    body = check(UpdateBody, alert, RULES)
    assert body.breaking_until == datetime(2026, 11, 22, 20, 4, 5, tzinfo=UTC)


def test_a_story_does_not_resume_before_it_starts() -> None:
    times = {
        "starts_at": "2026-11-22T20:00:00+01:00",
        "resumes_at": "2026-11-22T19:00:00Z",
    }
    assert faults(NewStory, STORY | times).keys() == {"/resumes_at"}
    later = times | {"resumes_at": "2026-11-22T19:00:01Z"}
    check(NewStory, STORY | later, RULES)
    # What is no time at all is a fault of its own, and only that.
    broken = times | {"resumes_at": "2026-11-99T19:00:00Z"}
    assert faults(NewStory, STORY | broken).keys() == {"/resumes_at"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/body"),
        ({"headline": None, "body": ""}, "/body"),
        ({"kind": "quote", "body": "x"}, "/quote"),
        ({"kind": "qa", "body": "x"}, "/qa"),
        ({"kind": "qa", "qa": []}, "/qa"),
        ({"kind": "media", "body": "x"}, "/media"),
    ],
)
def test_an_update_holds_what_its_kind_needs(
    body: dict[str, object], pointer: str
) -> None:
    assert faults(UpdateBody, body).keys() == {pointer}
    assert faults(NewStory, STORY | {"update": body}).keys() == {f"/update{pointer}"}


def test_each_kind_is_taken_with_what_it_needs() -> None:
    quote = {"text": "We won.", "name": "A. Candidate"}
    pair = {"question": "When?", "answer": "Soon."}
    picture = {"id": "x", "alt": "A square"}
    for body in (
        {"headline": "x"},
        {"kind": "quote", "quote": quote},
        {"kind": "qa", "qa": [pair]},
        {"kind": "media", "media": [picture]},
    ):
        check(UpdateBody, body, RULES)


def test_a_kind_nobody_knows_is_the_only_fault_of_its_body() -> None:
    assert faults(UpdateBody, {"kind": "poll", "body": "x"}).keys() == {"/kind"}


def test_a_picture_needs_its_description() -> None:
    found = faults(UpdateBody, {"kind": "media", "media": [{"id": "x"}]})
    assert found == {"/media/0/alt": "This member is required."}
    blank = {"kind": "media", "media": [{"id": "x", "alt": "  "}]}
    assert faults(UpdateBody, blank).keys() == {"/media/0/alt"}


def test_lines_are_put_right_before_they_are_measured() -> None:
    body = check(UpdateBody, {"headline": "  Polls \u2028 close " + " " * 300}, RULES)
    assert body.headline == "Polls close"


@pytest.mark.parametrize(
    "headline",
    [
        "a\x00b",
        "a\x07b",
        "a\u202eb",
        "a\nb",
        "a" + "\u200b" * 4,
        "a\U000e0041",
        "\u2066a",
    ],
)
def test_a_headline_hides_nothing(headline: str) -> None:
    assert faults(UpdateBody, {"headline": headline}).keys() == {"/headline"}


def test_isolates_in_pairs_are_kept() -> None:
    headline = "Der Sprecher \u2067שלום\u2069 sagt"
    assert check(UpdateBody, {"headline": headline}, RULES).headline == headline


def test_a_correction_says_something_and_a_withdrawal_why() -> None:
    assert faults(Revision, {"correction": "", "purge": "no"}).keys() == {
        "/correction",
        "/purge",
    }
    assert faults(Withdrawal, {"note": 1}).keys() == {"/reason", "/note"}
    assert faults(Withdrawal, {"reason": " "}).keys() == {"/reason"}
    assert faults(Withdrawal, {"reason": "x" * 501}).keys() == {"/reason"}
    assert check(Withdrawal, {"reason": "Not so."}, RULES).purge is False


# RFC 7396, appendix A: the original, the patch, the result.
APPENDIX = [
    ('{"a":"b"}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'),
    ('{"a":"b"}', '{"a":null}', "{}"),
    ('{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'),
    ('{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'),
    ('{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'),
    ('{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'),
    ('{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'),
    ('{"e":null}', '{"a":1}', '{"e":null,"a":1}'),
    ('{"a":[1,2]}', '{"a":{"b":"c"}}', '{"a":{"b":"c"}}'),
    ("{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'),
]


@pytest.mark.parametrize(("target", "patch", "result"), APPENDIX)
def test_a_patch_merges_as_the_rfc_says(target: str, patch: str, result: str) -> None:
    before = json.loads(target)
    assert merge(before, json.loads(patch)) == json.loads(result)
    assert before == json.loads(target)


members = st.recursive(
    st.integers() | st.text(max_size=3) | st.none(),
    lambda inner: (
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
        | st.lists(inner, max_size=2)
    ),
    max_leaves=12,
)
objects = st.dictionaries(st.sampled_from("abc"), members, max_size=3)


@given(objects, objects)
def test_a_patch_may_be_repeated(
    target: dict[str, object], patch: dict[str, object]
) -> None:
    once = merge(target, patch)
    assert merge(once, patch) == once


@given(objects)
def test_an_empty_patch_changes_nothing(target: dict[str, object]) -> None:
    assert merge(target, {}) == target
