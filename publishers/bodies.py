"""Request bodies: bytes in, one JSON object or one named error out.

The law here: what two readers of JSON could understand differently is refused.
Bytes that are not one JSON value in UTF-8 are `NotJson` (RFC 8259, section 8.1), a
name used twice is `RepeatedName`, and what is JSON but too deep, too large or not
the same number everywhere (I-JSON, RFC 7493, section 2.2) is `Invalid` with an
RFC 6901 pointer for each fault. Every step takes time linear in the body.
"""

import hmac
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from json import JSONDecodeError, JSONDecoder

from channels.errors import Fault, Invalid, NotJson, RepeatedName

MAX_DEPTH = 32
MAX_NAMES = 1_000
MAX_NAME_LENGTH = 256
MAX_STRING_LENGTH = 32_768
MAX_INTEGER = 2**53 - 1
MAX_FAULTS = 20
"""A body can hold thousands of faults; an answer need not be longer than its body."""

_BOM = b"\xef\xbb\xbf"
# Possessive, and content with an unclosed string: it can never scan anything twice.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|(?P<half>u[dD][89a-fA-F]\w\w)|.)"
)

_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class _Refused:
    """Stands in the parsed value where a number was that is refused."""

    detail: str


def parse(body: bytes) -> dict[str, object]:
    """The JSON object a request body holds.

    Limits: 32 levels, 1,000 names in all, names of 256 and strings of 32,768
    characters, integers of at most 2**53 - 1 either way. The size in bytes is
    limited before the body is read.

    Raises `NotJson`, `RepeatedName` or `Invalid` (with at most 20 faults).
    """
    text = _decode(body)
    _check_depth(text)
    value = _load(text)
    _check_surrogates(text)
    faults = tuple(islice(_faults(value), MAX_FAULTS))
    if faults:
        raise Invalid(errors=faults)
    if not isinstance(value, dict):
        raise Invalid(errors=[Fault("", "must be a JSON object")])
    return value


def fingerprint(body: Mapping[str, object], secret: bytes) -> str:
    """The HMAC-SHA256 of what a body means, as 64 hexadecimal digits.

    Order of names, white space, escapes and the spelling of numbers (`1`, `1.0`) do
    not matter. Keyed with `secret`, because the text it stands for may be purged and
    must not be guessed from it.
    """
    canonical = json.dumps(
        _plain_numbers(body), sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return digest(canonical.encode(), secret)


def digest(content: bytes, secret: bytes) -> str:
    """The HMAC-SHA256 of bytes that are no JSON, as 64 hexadecimal digits."""
    return hmac.digest(secret, content, "sha256").hex()


def _plain_numbers(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _plain_numbers(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_numbers(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _decode(body: bytes) -> str:
    if not body.strip(b" \t\r\n"):
        raise NotJson("The body is empty")
    if body.startswith(_BOM):
        raise NotJson("The body starts with a byte order mark, at byte 0")
    if (offset := body.find(b"\0")) >= 0:
        raise NotJson(f"There is a NUL at byte {offset}")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotJson(f"The body is not UTF-8 at byte {error.start}") from error


def _check_depth(text: str) -> None:
    """Refuse nesting before the parser, which recurses, meets it."""
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        token = match[0]
        if token in ("[", "{"):
            depth += 1
            if depth > MAX_DEPTH:
                raise Invalid(errors=[Fault("", f"nests deeper than {MAX_DEPTH}")])
        elif token in ("]", "}"):
            depth -= 1


def _load(text: str) -> object:
    try:
        value: object = _DECODER.decode(text)
    except JSONDecodeError as error:
        offset = len(text[: error.pos].encode())
        place = f"line {error.lineno}, column {error.colno} (byte {offset})"
        raise NotJson(f"{error.msg} at {place}") from error
    return value


def _check_surrogates(text: str) -> None:
    """Refuse escapes of half a surrogate pair, which no UTF-8 could carry on."""
    for match in _ESCAPE.finditer(text):
        if match["half"]:
            offset = len(text[: match.start()].encode())
            raise NotJson(f"{match[0]} at byte {offset} is half of a surrogate pair")


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for name, value in pairs:
        if name in members:
            raise RepeatedName(f"An object names {_shown(name)} twice")
        members[name] = value
    return members


def _shown(name: str) -> str:
    """A name as JSON in ASCII, safe to repeat in an answer whatever it holds."""
    return json.dumps(name if len(name) <= 64 else name[:63] + "…")


def _integer(digits: str) -> int | _Refused:
    if digits == "-0":
        return _Refused("minus zero is not an integer")
    # 2**53 has 16 digits; int() would take quadratic time on thousands of them.
    if len(digits) > 17 or abs(number := int(digits)) > MAX_INTEGER:
        return _Refused("integers beyond 2**53 - 1 lose digits in browsers")
    return number


def _float(digits: str) -> float | _Refused:
    number = float(digits)
    return number if math.isfinite(number) else _Refused("is too large for a number")


def _constant(name: str) -> _Refused:
    return _Refused(f"{name} is not a number in JSON")


_DECODER = JSONDecoder(
    object_pairs_hook=_members,
    parse_int=_integer,
    parse_float=_float,
    parse_constant=_constant,
)


def _faults(value: object) -> Iterator[Fault]:
    names = _count_names(value)
    if names > MAX_NAMES:
        yield Fault("", f"holds {names} names, and at most {MAX_NAMES} are read")
        return
    yield from _faults_within(value, ())


def _count_names(value: object) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(_count_names, value.values()))
    if isinstance(value, list):
        return sum(map(_count_names, value))
    return 0


def _faults_within(value: object, path: _Path) -> Iterator[Fault]:
    match value:
        case _Refused(detail):
            yield Fault(_pointer(path), detail)
        case str() if len(value) > MAX_STRING_LENGTH:
            yield Fault(
                _pointer(path), f"is longer than {MAX_STRING_LENGTH} characters"
            )
        case list():
            for index, item in enumerate(value):
                yield from _faults_within(item, (*path, index))
        case dict():
            for name, member in value.items():
                if len(name) > MAX_NAME_LENGTH:
                    detail = f"a name is longer than {MAX_NAME_LENGTH} characters"
                    yield Fault(_pointer(path), detail)
                else:
                    yield from _faults_within(member, (*path, name))


def _pointer(path: _Path) -> str:
    tokens = (str(step).replace("~", "~0").replace("/", "~1") for step in path)
    return "".join(f"/{token}" for token in tokens)
