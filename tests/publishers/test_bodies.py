"""publishers/bodies.py: one JSON object, or one named error."""

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.errors import Fault, Invalid, NotJson, RepeatedName
from publishers.bodies import (
    MAX_FAULTS,
    MAX_INTEGER,
    MAX_NAME_LENGTH,
    MAX_NAMES,
    MAX_STRING_LENGTH,
    fingerprint,
    parse,
)

SECRET = b"a secret of the newsroom"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.integers(-MAX_INTEGER, MAX_INTEGER) | st.floats(
    allow_nan=False, allow_infinity=False
)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
    ),
    max_leaves=20,
)
objects = st.dictionaries(texts, values, max_size=6)


def faults(body: bytes) -> tuple[Fault, ...]:
    with pytest.raises(Invalid) as caught:
        parse(body)
    return caught.value.errors


@given(objects, st.booleans(), st.sampled_from([None, 2]))
def test_what_was_written_is_read(
    value: dict[str, object], ascii_only: bool, indent: int | None
) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert parse(body.encode()) == value


@given(st.binary(max_size=60) | texts.map(str.encode))
def test_any_bytes_are_an_object_or_a_named_error(body: bytes) -> None:
    try:
        value = parse(body)
    except (NotJson, RepeatedName, Invalid):
        return
    assert json.loads(body) == value


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "The body is empty"),
        (b" \r\n\t", "The body is empty"),
        (b"\xef\xbb\xbf{}", "The body starts with a byte order mark, at byte 0"),
        (b'{"a":"b\0"}', "There is a NUL at byte 7"),
        ("{}".encode("utf-16-le"), "There is a NUL at byte 1"),
        ("{}".encode("utf-16"), "There is a NUL at byte 3"),
        ('{"a":1}'.encode("utf-32-be"), "There is a NUL at byte 0"),
        (b'{"a":"\xff"}', "The body is not UTF-8 at byte 6"),
        (b'{"a":"\xed\xa0\x80"}', "The body is not UTF-8 at byte 6"),
        (b"{} {}", "Extra data at line 1, column 4 (byte 3)"),
        ('{"ä":\n x}'.encode(), "Expecting value at line 2, column 2 (byte 8)"),
        (b'{"a":"\\ud800"}', "\\ud800 at byte 6 is half of a surrogate pair"),
        (b'{"\\uDC00":1}', "\\uDC00 at byte 2 is half of a surrogate pair"),
        (b'["\\ud83d\\ud83d\\ude00"]', "\\ud83d at byte 2 is half of a surrogate pair"),
    ],
)
def test_what_is_not_json_is_told_where(body: bytes, detail: str) -> None:
    with pytest.raises(NotJson) as caught:
        parse(body)
    assert caught.value.detail == detail


@pytest.mark.parametrize(
    "body",
    [
        b"hello",
        b"{'a': 1}",
        b'{"a":1,}',
        b'{"a":01}',
        b'{"a":"\n"}',
        b'{"a":"\\x"}',
        b'{"a":"\\u12"}',
        b'{"a":"',
        b'{"a":"\\',
        b'{"a":1}]',
        b"[[[",
        b"{\xc2\xa0}",
    ],
)
def test_almost_json_is_not_json(body: bytes) -> None:
    with pytest.raises(NotJson):
        parse(body)


def test_a_surrogate_pair_and_an_escaped_backslash_are_text() -> None:
    body = rb'{"a":"\ud83d\ude00", "b":"\\ud800"}'
    assert parse(body) == {"a": "😀", "b": "\\ud800"}


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"a":1,"a":1}', '"a"'),
        (b'{"x":[{"a":1,"\\u0061":2}]}', '"a"'),
        ('{"ä\\"":1,"ä\\"":2}'.encode(), '"\\u00e4\\""'),
        (
            b'{"%b":1,"%b":2}' % (b"n" * 90, b"n" * 90),
            '"' + "n" * 63 + '\\u2026"',
        ),
    ],
)
def test_a_name_used_twice_is_named(body: bytes, name: str) -> None:
    with pytest.raises(RepeatedName) as caught:
        parse(body)
    assert caught.value.detail == f"An object names {name} twice"


def test_the_same_name_in_two_objects_is_no_repetition() -> None:
    assert parse(b'{"a":{"a":[{"a":1},{"a":2}]}}')


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"null", b"true"])
def test_only_an_object_is_a_body(body: bytes) -> None:
    assert faults(body) == (Fault("", "must be a JSON object"),)


@pytest.mark.parametrize(
    ("number", "detail"),
    [
        ("9007199254740992", "integers beyond 2**53 - 1 lose digits in browsers"),
        ("-9007199254740992", "integers beyond 2**53 - 1 lose digits in browsers"),
        ("9" * 60_000, "integers beyond 2**53 - 1 lose digits in browsers"),
        ("1e400", "is too large for a number"),
        ("-1e400", "is too large for a number"),
        ("-0", "minus zero is not an integer"),
        ("NaN", "NaN is not a number in JSON"),
        ("Infinity", "Infinity is not a number in JSON"),
        ("-Infinity", "-Infinity is not a number in JSON"),
    ],
)
def test_a_number_not_the_same_everywhere_is_pointed_at(
    number: str, detail: str
) -> None:
    body = f'{{"a/b":[{{"c~d":0}},{{"c~d":{number}}}]}}'.encode()
    assert faults(body) == (Fault("/a~1b/1/c~0d", detail),)


def test_numbers_at_the_limits_are_read() -> None:
    body = b'{"a":[9007199254740991,-9007199254740991,0,1.5e300,-0.0,1e-400]}'
    numbers = [MAX_INTEGER, -MAX_INTEGER, 0, 1.5e300, 0.0, 0.0]
    assert parse(body) == {"a": numbers}


def test_every_fault_is_named_but_not_without_end() -> None:
    assert [fault.pointer for fault in faults(b'{"a":-0,"b":NaN}')] == ["/a", "/b"]
    many = b'{"a":[' + b",".join([b"-0"] * 20_000) + b"]}"
    assert len(faults(many)) == MAX_FAULTS


def test_strings_have_a_limit_in_characters() -> None:
    longest = "ä" * MAX_STRING_LENGTH
    assert parse(json.dumps({"a": longest}).encode()) == {"a": longest}
    (fault,) = faults(json.dumps({"a": [longest + "ä"]}).encode())
    assert fault == Fault("/a/0", "is longer than 32768 characters")


def test_names_have_a_limit_and_their_object_is_pointed_at() -> None:
    longest = "n" * MAX_NAME_LENGTH
    assert parse(json.dumps({longest: 1}).encode()) == {longest: 1}
    (fault,) = faults(json.dumps({"a": {longest + "n": 1}}).encode())
    assert fault == Fault("/a", "a name is longer than 256 characters")


def test_names_are_counted_at_every_level() -> None:
    most = {"a": [{str(n): None for n in range(MAX_NAMES - 1)}]}
    assert parse(json.dumps(most).encode()) == most
    (fault,) = faults(json.dumps(most | {"b": 1}).encode())
    assert fault == Fault("", "holds 1001 names, and at most 1000 are read")


def test_nesting_has_a_limit() -> None:
    deepest = b'{"a":' + b"[" * 31 + b"]" * 31 + b"}"
    assert parse(deepest)
    assert faults(b'{"a":' + deepest + b"}") == (Fault("", "nests deeper than 32"),)
    wide = b'{"a":[' + b",".join([b"[{}]"] * 5_000) + b"]}"
    assert parse(wide)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"":'])
def test_a_hundred_thousand_openings_are_invalid(opening: bytes) -> None:
    assert faults(opening * 100_000) == (Fault("", "nests deeper than 32"),)


def test_brackets_in_strings_do_not_nest() -> None:
    text = '[{\\"' * 100
    assert parse(json.dumps({"a": text}).encode()) == {"a": text}


@pytest.mark.parametrize("piece", [b'"\\', b'\\"', b'"', b"\\", b"\\u", b"9", b"-"])
def test_hostile_repetition_is_answered(piece: bytes) -> None:
    with pytest.raises((NotJson, Invalid)):
        parse(b'{"a":' + piece * (65_000 // len(piece)))


def shuffled(value: object) -> object:
    """The same meaning with the names of every object in the opposite order."""
    if isinstance(value, Mapping):
        return {name: shuffled(value[name]) for name in reversed(list(value))}
    if isinstance(value, list):
        return [shuffled(item) for item in value]
    return value


@given(objects)
def test_the_same_meaning_has_the_same_fingerprint(value: dict[str, object]) -> None:
    spaced = json.dumps(shuffled(value), indent=3, ensure_ascii=False).encode()
    assert fingerprint(parse(spaced), SECRET) == fingerprint(value, SECRET)


@given(objects, objects)
def test_another_meaning_has_another_fingerprint(
    one: dict[str, object], other: dict[str, object]
) -> None:
    same = fingerprint(one, SECRET) == fingerprint(other, SECRET)
    # Python holds 1 == True, JSON does not.
    assert same == (tagged(one) == tagged(other))


def tagged(value: object) -> object:
    if isinstance(value, dict):
        return {name: tagged(member) for name, member in value.items()}
    if isinstance(value, list):
        return [tagged(item) for item in value]
    return ("bool", value) if isinstance(value, bool) else value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b'{"a":1}', b'{ "a" : 1.0 }'),
        (b'{"a":[100]}', b'{"a":[1e2]}'),
        (b'{"a":0}', b'{"a":-0.0}'),
        ('{"a":"é"}'.encode(), b'{"\\u0061":"\\u00e9"}'),
    ],
)
def test_spelling_is_no_meaning(one: bytes, other: bytes) -> None:
    assert fingerprint(parse(one), SECRET) == fingerprint(parse(other), SECRET)


def test_order_of_items_and_type_are_meaning() -> None:
    bodies: list[dict[str, object]] = [
        {"a": [1, 2]},
        {"a": [2, 1]},
        {"a": "1"},
        {"a": 1},
        {"a": True},
        {"a": None},
        {},
    ]
    assert len({fingerprint(body, SECRET) for body in bodies}) == len(bodies)


def test_a_fingerprint_is_keyed_and_stable() -> None:
    known = "8e15deb0e0060a81"
    assert fingerprint({"b": 1, "a": "ä"}, SECRET) != fingerprint(
        {"b": 1, "a": "ä"}, b"another"
    )
    assert fingerprint({"b": 1, "a": "ä"}, SECRET).startswith(known)
