"""publishers/text.py: text shows what it holds."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from publishers.text import Line, Prose, WebAddress, line, prose, web_address

ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
RULES = [line, prose]

# Text dense with the characters the rules are about.
tricky = st.text(
    st.sampled_from(
        "aé \t\n\r\x85\u2028\u2029\u200b\u200d\ufeff\u0301\u0344\u0958\u0308\u212b"
        "\u2066\u2069\u202e\0\x1f\u3000\xa0가ᄀ"
    )
    | st.characters(),
    max_size=40,
)


@given(tricky)
def test_a_line_is_one_normal_line_and_stays_as_it_is(value: str) -> None:
    try:
        once = line(value)
    except ValueError:
        return
    assert line(once) == once == once.strip()
    assert len(once.splitlines()) <= 1
    assert unicodedata.is_normalized("NFC", once)
    assert "  " not in once
    assert "\t" not in once


@given(tricky)
def test_prose_is_normal_and_stays_as_it_is(value: str) -> None:
    try:
        once = prose(value)
    except ValueError:
        return
    assert prose(once) == once
    assert "\r" not in once
    assert unicodedata.is_normalized("NFC", once)


@given(st.text(st.characters(codec="latin-1", exclude_categories=["Cc"])))
def test_western_text_is_kept(value: str) -> None:
    assert prose(value) == value
    assert line(value).split() == value.split()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("  Polls close \t at  10 p.m.\n", "Polls close at 10 p.m."),
        ("Cafe\u0301", "Café"),
        ("one\u2028two\u2029three\x85four", "one two three four"),
        ("one \u2028 two\x85", "one two"),
        ("20\u202f% « oui »", "20\u202f% « oui »"),
        (f"Goal for {ENGLAND}!", f"Goal for {ENGLAND}!"),
        ("👩🏽‍🚀 ❤️‍🔥 می‌خواهم क्‍ष", "👩🏽‍🚀 ❤️‍🔥 می‌خواهم क्‍ष"),
        (
            "Said \u2067שלום \u2068x\u2069\u2069.",
            "Said \u2067שלום \u2068x\u2069\u2069.",
        ),
        ("", ""),
    ],
)
def test_a_line_puts_form_right(value: str, expected: str) -> None:
    assert line(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("one\r\ntwo\rthree\n\n\tfour ", "one\ntwo\nthree\n\n\tfour "),
        ("\u2028\u2029\x85", "\u2028\u2029\x85"),
        ("Cafe\u0301\r\n", "Café\n"),
        ("a" + "\u0323" * 10, "ạ" + "\u0323" * 9),
        ("zero\u200b\u200b\u200bwidth", "zero\u200b\u200b\u200bwidth"),
    ],
)
def test_prose_puts_form_right(value: str, expected: str) -> None:
    assert prose(value) == expected


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("a\0", "must not hold U+0000 (character 2): NUL ends the text"),
        ("\x1f", "must not hold U+001F (character 1): a control character"),
        ("ab\x0b", "must not hold U+000B (character 3): a control character"),
        ("\x7f", "U+007F"),
        ("\x9f", "U+009F"),
        ("\x84", "U+0084"),
        ("\x86", "U+0086"),
        ("\u202a", "may flip the text around it"),
        ("abc\u202etxt.exe", "U+202E (character 4): may flip the text around it"),
        ("a\u2067b", "U+2067 (character 2): opens an isolate that is not closed"),
        ("a\u2067\u2068b\u2069", "U+2067 (character 2): opens an isolate"),
        ("\u2066\u2069\u2069", "U+2069 (character 3): closes an isolate"),
        ("a\u200b\u200c\u200d\u2060", "more than 3 invisible in a row"),
        ("\ufeff\u180e\ufeff\u180e", "more than 3 invisible in a row"),
        ("hi\U000e0041", "U+E0041 (character 3): an invisible tag outside a flag"),
        (ENGLAND + ENGLAND[1:], "(character 8): an invisible tag outside a flag"),
        (ENGLAND[:-1], "an invisible tag outside a flag"),
        ("\U0001f3f4" + "\U000e0061" * 7 + "\U000e007f", "tag outside a flag"),
        ("\ufdd0", "U+FDD0 (character 1): not a character"),
        ("\ufffe", "not a character"),
        ("\U0010ffff", "U+10FFFF (character 1): not a character"),
        ("\ud800", "half of a surrogate pair"),
        ("Z" + "\u0323" * 11, "more than 10 marks on a letter"),
        ("\u0301\u0316" * 16_000, "more than 10 marks on a letter"),
        ("a" + "\u0344" * 10, "more than 10 marks on a letter"),
    ],
)
def test_what_hides_flips_or_piles_up_is_refused(
    rule: Callable[[str], str], value: str, message: str
) -> None:
    with pytest.raises(ValueError, match="must not") as caught:
        rule(value)
    assert message in str(caught.value)


@pytest.mark.parametrize("value", ["a\nb", "a\r\nb", "a\rb"])
def test_a_line_does_not_break(value: str) -> None:
    with pytest.raises(ValueError, match="must be a single line"):
        line(value)


@pytest.mark.parametrize(
    "value",
    [
        "https://www.example.org",
        "HTTP://example.org:8080/a?b=c|d#e",
        "https://example.org./",
        "https://[2001:db8::1]:443/",
        "https://пример.рф/страница",
        "https://उदाहरण.भारत/",
        "https://a.example/{id}/~x'(1)",
        "https://a.example/@author",
        "https://a.example/" + "x" * 2_030,
    ],
)
def test_a_web_address_is_kept_as_it_is(value: str) -> None:
    assert web_address(value) == value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("https://a.example/" + "x" * 2_031, "at most 2048 characters"),
        ("ftp://a.example/", "must start with https:// or http://"),
        ("file:///etc/passwd", "must start with https:// or http://"),
        ("javascript:alert(1)", "must start with https:// or http://"),
        ("//a.example/x", "must start with https:// or http://"),
        ("/x", "must start with https:// or http://"),
        ("www.example.org", "must start with https:// or http://"),
        ("", "must start with https:// or http://"),
        ("https:a.example", "must name a host"),
        ("https:///a.example", "must name a host"),
        ("https://", "must name a host"),
        ("https://:80/", "must name a host"),
        ("https://./", "must name a host"),
        ("https://a..example/", "must name a host"),
        ("https://a%2eexample/", "must name a host"),
        ("https://me:secret@a.example/", "must not hold a user name or password"),
        ("https://me@a.example/", "must not hold a user name or password"),
        ("https://a.example:99999/", "must have a port"),
        ("https://a.example:x/", "must have a port"),
        ("https://[::1/", "must be a well-formed web address"),
        ("https://a\u2100b.example/", "must be a well-formed web address"),
        (" https://a.example", "must not hold U+0020"),
        ("https://a.example/a b", "must not hold U+0020"),
        ("java\tscript:alert(1)", "must not hold U+0009"),
        ("https://a.example/\0", "must not hold U+0000"),
        ("https://a.example/\u202e", "must not hold U+202E"),
        ("https://a.example/\u200b", "must not hold U+200B"),
        ("https://a.example/\xa0", "must not hold U+00A0"),
        ("https://a.example\\@evil.example", "must not hold U+005C"),
        ('https://a.example/"onclick="x', "must not hold U+0022"),
        ("https://a.example/<b>", "must not hold U+003C"),
    ],
)
def test_another_address_is_refused_in_words(value: str, message: str) -> None:
    with pytest.raises(ValueError, match="must") as caught:
        web_address(value)
    assert message in str(caught.value)


@given(st.text(max_size=30) | st.text(max_size=30).map("https://".__add__))
def test_an_address_is_kept_or_refused_with_a_rule(value: str) -> None:
    refusal = ""
    try:
        assert web_address(value) == value
    except ValueError as error:
        refusal = str(error)
    assert not refusal or refusal.startswith("must ")


def test_the_types_apply_the_rules_in_models() -> None:
    assert TypeAdapter[str](Line).validate_python(" a  b ") == "a b"
    assert TypeAdapter[str](Prose).validate_python("a\r\n") == "a\n"
    with pytest.raises(ValidationError, match="must start with https://"):
        TypeAdapter[str](WebAddress).validate_python("mailto:a@b.example")
