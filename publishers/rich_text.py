"""Markdown to safe HTML, and safe HTML to plain text.

The law here: nothing an author types becomes markup that is not in `ELEMENTS`. The
Markdown reader knows no HTML and no images (media is a field of its own), and what
it makes is cleaned against the list once more. All work is bounded: nesting and the
length of all links are limited, so neither time nor output grows beyond a multiple
of the input.
"""

import re
import unicodedata
from html import unescape
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, blockquote, list_block
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline, entity
from markdown_it.token import Token
from nh3 import Cleaner

from publishers.text import prose

INLINE = frozenset({"a", "code", "em", "s", "strong"})
BLOCKS = frozenset({"blockquote", "br", "h3", "h4", "hr", "li", "ol", "p", "ul"})
ELEMENTS = INLINE | BLOCKS
SCHEMES = frozenset({"http", "https", "mailto"})

MAX_BLOCK_LEVEL = 10
"""Ten quotes within each other, or five lists (a list and its item are two levels)."""
MAX_INLINE_LEVEL = 10
MAX_LINKED = 100_000
"""Characters of all link targets: a reference could repeat a long one for ever."""

_HEADINGS = {"h1": "h3", "h2": "h3", "h3": "h4", "h4": "h4", "h5": "h4", "h6": "h4"}
_ABSOLUTE = re.compile(r"https?://|mailto:", re.IGNORECASE)
_START = re.compile(r"[0-9]{1,9}")
_ENTITY = re.compile(r"&[#0-9A-Za-z]{1,32};")
_WHITE = re.compile(r"[ \t\n\f\r]+")


def render(markdown: str) -> str:
    """The HTML of a Markdown text (CommonMark and `~~struck~~`).

    Headings become h3 (first and second level) and h4, as they stand inside an
    article. Typed HTML, images and code blocks are shown as text; a link that is
    not absolute http, https or mailto loses its target.
    """
    return _CLEANER.clean(_MARKDOWN.render(markdown)).strip()


def plain(html: str) -> str:
    """The text of HTML that `render` made, one line per block.

    Entities are decoded, so the result may hold `<`: it is text, and must be escaped
    wherever it is written into markup again.
    """
    reader = _TextReader()
    reader.feed(_CLEANER.clean(html))
    reader.close()
    words = (line.split(" ") for line in "".join(reader.pieces).split("\n"))
    lines = (" ".join(filter(None, line)) for line in words)
    return "\n".join(filter(None, lines))


def excerpt(text: str, limit: int) -> str:
    """The beginning of a plain text on one line, in at most `limit` characters.

    What is cut ends with an ellipsis, after a whole word unless that would leave less
    than a quarter (a long address, a script without spaces). `limit` is at least 1.
    """
    flat = " ".join(text.split())
    if len(flat) <= limit:
        return flat
    # One character more than fits: if it is the space, the word before it is whole.
    cut = flat.rfind(" ", 0, limit)
    if cut * 4 < limit:
        cut = _letter_start(flat, limit - 1)
    return flat[:cut].rstrip(" ,;:–—-") + "…"


def _letter_start(text: str, index: int) -> int:
    """The last index up to `index` that does not part a letter from its marks."""
    while index and (_is_mark(text[index]) or "\u200d" in text[index - 1 : index + 1]):
        index -= 1
    return index


def _is_mark(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


class _TextReader(HTMLParser):
    """Collects text; where a block begins or ends, a line does."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        if tag in BLOCKS:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        self.pieces.append(_WHITE.sub(" ", data))


def _quote(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A quote, or plain text where it is too deep: the reader would drop the rest."""
    return state.level < MAX_BLOCK_LEVEL and blockquote(state, start, end, silent)


def _list(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    return state.level < MAX_BLOCK_LEVEL and list_block(state, start, end, silent)


def _entity(state: StateInline, silent: bool) -> bool:
    """An entity, unless it writes what may not be typed: that is left as it is."""
    found = _ENTITY.match(state.src, state.pos)
    if not found:
        return False
    written = unescape(found[0])
    try:
        prose(written)
    except ValueError:
        return False
    return not _is_mark(written[0]) and entity(state, silent)


def _bound(state: StateCore) -> None:
    """Lower the headings, flatten deep emphasis, and empty links past the budget."""
    linked = 0
    for token in state.tokens:
        token.tag = _HEADINGS.get(token.tag, token.tag)
        if token.children:
            token.children = _flattened(token.children)
            linked = _budgeted(token.children, linked)


def _flattened(tokens: list[Token]) -> list[Token]:
    """`tokens` without the marks that open or close past `MAX_INLINE_LEVEL`."""
    kept = []
    level = 0
    for token in tokens:
        level += max(token.nesting, 0)
        if not token.nesting or level <= MAX_INLINE_LEVEL:
            kept.append(token)
        level += min(token.nesting, 0)
    return kept


def _budgeted(tokens: list[Token], linked: int) -> int:
    for token in tokens:
        if token.type == "link_open":
            linked += len(str(token.attrs["href"]))
            if linked > MAX_LINKED:
                token.attrs.clear()
    return linked


def _allowed(tag: str, name: str, value: str) -> str | None:
    """The last gate of each attribute, behind the cleaner's own list."""
    match tag, name:
        case "a", "href":
            return value if _ABSOLUTE.match(value) else None
        case "ol", "start":
            return value if _START.fullmatch(value) else None
        case "a", "rel":
            return value  # the cleaner's own: one that was typed never gets here
    return None


class _Markdown(MarkdownIt):
    def normalizeLinkText(self, link: str) -> str:
        """`<https://…>` shows what was typed: decoded, it could flip or hide text."""
        return link


def _reader() -> MarkdownIt:
    # `_quote` and `_list` keep blocks below `maxNesting`; it bounds the rest.
    reader = _Markdown("commonmark", {"html": False, "maxNesting": 20})
    # Without code blocks a line that happens to be indented stays a paragraph.
    reader.disable(["image", "code", "fence"]).enable("strikethrough")
    ends = ["paragraph", "reference", "blockquote"]
    reader.block.ruler.at("blockquote", _quote, {"alt": [*ends, "list"]})
    reader.block.ruler.at("list", _list, {"alt": ends})
    reader.inline.ruler.at("entity", _entity)
    reader.core.ruler.push("bound", _bound)
    return reader


_MARKDOWN = _reader()
_CLEANER = Cleaner(
    tags=set(ELEMENTS),
    clean_content_tags={
        "script",
        "style",
        "svg",
        "math",
        "template",
        "textarea",
        "title",
    },
    # "*" is named because the cleaner's own default for it allows lang and title.
    attributes={"*": set(), "a": {"href"}, "ol": {"start"}},
    attribute_filter=_allowed,
    strip_comments=True,
    link_rel="noopener",
    url_schemes=set(SCHEMES),
    url_relative="deny",
)
