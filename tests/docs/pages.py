"""The pages of the documentation, read as what they are: prose, blocks, links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_PART = re.compile(
    r"^```(?P<kind>[a-z]*)(?P<note>[^\n]*)\n(?P<text>.*?)^```$"
    r"|^<!-- (?P<cue>[^\n]*) -->$",
    re.DOTALL | re.MULTILINE,
)
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Part:
    """A fenced block, or a comment on a line of its own (kind `cue`)."""

    kind: str
    note: str  # what follows the language on the opening line
    text: str
    line: int


def read(page: str) -> str:
    """A page of `docs/` by its name without the suffix."""
    return (DOCS / f"{page}.md").read_text()


def parts(text: str) -> Iterator[Part]:
    """Blocks and cues in the order of the page."""
    for found in _PART.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        if found["cue"] is not None:
            yield Part("cue", "", found["cue"], line)
        else:
            yield Part(found["kind"], found["note"].strip(), found["text"], line)


def prose(text: str) -> str:
    """The page without its blocks and cues."""
    return _PART.sub("", text)


def anchors(text: str) -> set[str]:
    """What a link into the page may name, made from headings as forges do it."""
    headings = _HEADING.findall(prose(text))
    return {
        _NOT_IN_ANCHORS.sub("", heading.lower()).replace(" ", "-")
        for heading in headings
    }


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    found = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    assert found is not None, f"there is no heading {heading!r}"
    rest = text[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def rows(text: str) -> list[list[str]]:
    """The cells of every table row in `text`, without headers and rules."""
    lines = [line.strip() for line in text.splitlines() if line.startswith("|")]
    cells = [
        [
            cell.strip().replace(r"\|", "|")
            for cell in re.split(r"(?<!\\)\|", line)[1:-1]
        ]
        for line in lines
    ]
    rules = {i for i, row in enumerate(cells) if all(set(c) <= set("-: ") for c in row)}
    heads = {i - 1 for i in rules}
    return [row for i, row in enumerate(cells) if i not in rules | heads]
