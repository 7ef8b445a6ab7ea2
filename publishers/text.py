"""The rules for text that people write.

The law here: text shows what it holds. What hides, flips or piles up is refused in
words its author can act on; what merely differs in form (Unicode normalisation, line
ends, outer space) is put right in silence. Each function returns the text it stores,
is idempotent, and raises `ValueError`, so that pydantic can name the field.
"""

import re
import unicodedata
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator

MAX_ADDRESS_LENGTH = 2_048
MAX_MARKS = 10
"""Combining marks in a row; the most any living orthography stacks is about five."""

_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(
    chr(plane + low)
    for plane in range(0, 0x110000, 0x10000)
    for low in (0xFFFE, 0xFFFF)
)
# A table of what no text may hold, and why. Isolates and tags follow further down:
# they are right in pairs and sequences.
_REFUSED = tuple(
    (re.compile(pattern), reason)
    for pattern, reason in (
        ("\0", "NUL ends the text for many readers"),
        ("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]", "a control character"),
        ("[\u202a-\u202e]", "may flip the text around it"),
        ("[\u200b-\u200d\u2060\ufeff\u180e]{4}", "more than 3 invisible in a row"),
        (f"[{_NONCHARACTERS}]", "not a character"),
        ("[\ud800-\udfff]", "half of a surrogate pair"),
    )
)
# Unicode TR51, ED-14a: the flags of England, Scotland, Wales and their like.
_FLAG = re.compile(
    "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
)
_TAG = re.compile("[\U000e0000-\U000e007f]")
_ISOLATE = re.compile("[\u2066-\u2069]")
_POP_ISOLATE = "\u2069"

_LINE_SEPARATORS = re.compile("[\x85\u2028\u2029]")
_SPACES = re.compile("[ \t]+")
_LINE_END = re.compile("\r\n?")


def line(value: str) -> str:
    """One line of text: a headline, a name.

    NFC, outer white space gone, runs of spaces and tabs become one space, as do
    U+0085, U+2028 and U+2029. Raises `ValueError` for what hides or flips text and
    for line breaks within it.
    """
    text = _readable(value).strip()
    if "\n" in text or "\r" in text:
        raise ValueError("must be a single line, without line breaks")
    return _SPACES.sub(" ", _LINE_SEPARATORS.sub(" ", text)).strip()


def prose(value: str) -> str:
    """Text of many lines, such as Markdown: NFC, with line feeds as its line ends.

    Raises `ValueError` for what hides or flips text.
    """
    return _LINE_END.sub("\n", _readable(value))


def web_address(value: str) -> str:
    """An absolute http or https address of at most 2,048 characters, unchanged.

    Raises `ValueError` for other schemes, credentials, a missing host or a bad port,
    and for characters that browsers drop or read as others (WHATWG URL, section 4.4).
    """
    if len(value) > MAX_ADDRESS_LENGTH:
        raise ValueError(f"must have at most {MAX_ADDRESS_LENGTH} characters")
    for character in value:
        if unicodedata.category(character)[0] in "CZ" or character in '<>"\\':
            raise ValueError(f"must not hold {_named(character)}: percent-encode it")
    parts = _split(value)
    if parts.scheme not in ("http", "https"):
        raise ValueError("must start with https:// or http://")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or password")
    _check_host(parts)
    return value


Line = Annotated[str, AfterValidator(line)]
Prose = Annotated[str, AfterValidator(prose)]
WebAddress = Annotated[str, AfterValidator(web_address)]


def _readable(value: str) -> str:
    """`value` in NFC, or `ValueError` naming the first thing that must not be in it."""
    for pattern, reason in _REFUSED:
        if found := pattern.search(value):
            raise _refusal(found, reason)
    if value.isascii():
        return value
    if found := _TAG.search(_FLAG.sub(_blank, value)):
        raise _refusal(found, "an invisible tag outside a flag")
    _check_isolates(value)
    # Before, as normalising long runs takes quadratic time; after, as some characters
    # normalise to several marks.
    _check_marks(value)
    text = unicodedata.normalize("NFC", value)
    _check_marks(text)
    return text


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


def _check_isolates(value: str) -> None:
    open_isolates: list[re.Match[str]] = []
    for found in _ISOLATE.finditer(value):
        if found[0] != _POP_ISOLATE:
            open_isolates.append(found)
        elif open_isolates:
            open_isolates.pop()
        else:
            raise _refusal(found, "closes an isolate that was not opened")
    if open_isolates:
        raise _refusal(open_isolates[-1], "opens an isolate that is not closed")


def _check_marks(value: str) -> None:
    run = 0
    for character in value:
        run = run + 1 if unicodedata.category(character).startswith("M") else 0
        if run > MAX_MARKS:
            raise ValueError(f"must not stack more than {MAX_MARKS} marks on a letter")


def _refusal(found: re.Match[str], reason: str) -> ValueError:
    place = f"character {found.start() + 1}"
    return ValueError(f"must not hold {_named(found[0][0])} ({place}): {reason}")


def _named(character: str) -> str:
    return f"U+{ord(character):04X}"


def _split(address: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError as error:
        raise ValueError("must be a well-formed web address") from error


def _check_host(parts: SplitResult) -> None:
    host = parts.hostname or ""
    labels = host.removesuffix(".").split(".")
    if not all(labels) or any(character in host for character in "%{}|^`"):
        raise ValueError("must name a host, such as www.example.org")
    try:
        _ = parts.port
    except ValueError as error:
        raise ValueError("must have a port from 0 to 65535, or none") from error
