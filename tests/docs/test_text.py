"""What holds for all texts of the repository: links lead somewhere, names stay here."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, anchors, prose

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
_LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(([^)\s]+)\)")
_NOT_OURS = {"node_modules", "__pycache__", "data", "dist"}
_TEXT = {".py", ".md", ".toml", ".js", ".css", ".html", ".json", ".svg", ".txt", ""}

# Written in pieces, so that this file does not hold them.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("crates", "io"),
        ("proxy", "golang"),
        ("deb", "debian"),
    )
)
MACHINES = tuple(f"/{folder}/" for folder in ("work", "root", "Users"))


def texts() -> Iterator[Path]:
    pending = [ROOT]
    while pending:
        for path in sorted(pending.pop().iterdir()):
            if path.is_dir():
                hidden = path.name.startswith(".") and path.name != ".ci"
                if not hidden and path.name not in _NOT_OURS:
                    pending.append(path)
            elif path.suffix in _TEXT and not path.name.startswith("."):
                yield path


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_within_the_repository_lead_somewhere(page: Path) -> None:
    lost: list[str] = []
    for link in _LINK.findall(prose(page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.is_file() or (
            anchor and anchor not in anchors(target.read_text())
        ):
            lost.append(link)
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_lines_of_prose_fit_a_screen(page: Path) -> None:
    lines = prose(page.read_text()).splitlines()
    assert [line for line in lines if len(line) > 100 and line[0] != "|"] == []


@pytest.mark.parametrize("said", [*REGISTRIES, *MACHINES])
def test_no_text_names_a_registry_or_a_place_of_one_machine(said: str) -> None:
    found = [ids(file) for file in texts() if said in _read(file)]
    assert found == []


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")
