"""The pages about the house say what is there: modules, dependencies, versions."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, parts, read, rows

PACKAGES = ("channels", "publishers", "livewire")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def block(kind: str) -> str:
    (found,) = (p.text for p in parts(read("architecture")) if p.kind == kind)
    return found


def named_files() -> Iterator[tuple[str, bool]]:
    """The files of the tree, and whether they are marked as pure."""
    folders: list[str] = []
    for line in block("tree").splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        name, _, rest = line.strip().partition(" ")
        folders = folders[:depth]
        if name.endswith("/"):
            folders.append(name)
        else:
            assert rest.strip(" ●"), f"{name} has no line of its own"
            yield "".join(folders) + name, "●" in rest


def test_every_module_is_in_the_tree_and_every_file_of_it_is_there() -> None:
    there = {
        str(file.relative_to(ROOT))
        for package in PACKAGES
        for suffix in ("py", "js", "css", "svg", "toml")
        for file in (ROOT / package).rglob(f"*.{suffix}")
        if file.name != "__init__.py"
    }
    assert {name for name, _ in named_files()} == there


def test_what_is_marked_as_pure_is_what_the_linter_holds_to_it() -> None:
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    (pure,) = (each for each in contracts if "pure core" in each["name"])
    marked = {
        name.removesuffix(".py").replace("/", ".")
        for name, is_pure in named_files()
        if is_pure
    }
    assert marked == set(pure["source_modules"])


def test_the_walk_enters_each_file_once_and_each_is_there() -> None:
    files = [line.split()[0] for line in block("walk").splitlines()]
    assert len(files) == len(set(files))
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_what_the_pages_name_as_files_is_there() -> None:
    pages = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").glob("*.md"),
    ]
    text = "\n".join(page.read_text() for page in pages)
    names = re.findall(
        r"`((?:channels|publishers|livewire|tests)/[\w./-]+(?:/|\.\w+))`", text
    )
    assert names
    assert [name for name in names if not (ROOT / name).exists()] == []


def dependencies() -> Iterator[str]:
    project = PROJECT["project"]
    listed = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        listed += extra
    for each in listed:
        yield re.split(r"[\[<>=~! ]", each)[0]


def test_every_dependency_has_its_reason_and_no_other() -> None:
    text = read("decisions").partition("## Design")[0]
    named = [row[0].strip("`") for row in rows(text)]
    assert sorted(named) == sorted(dependencies())


def test_decisions_are_numbered_in_order_and_dated() -> None:
    headings = re.findall(
        r"^### (\d+)\. .+ \((\d{4}-\d\d-\d\d)\)$", read("decisions"), re.M
    )
    assert [int(number) for number, _ in headings] == list(range(1, len(headings) + 1))
    assert len(headings) == read("decisions").count("\n### ")


def test_the_promises_are_six() -> None:
    text = read("guarantees").partition("## The six promises")[2].partition("\n## ")[0]
    assert re.findall(r"^(\d)\. \*\*", text, re.M) == list("123456")


def test_the_changelog_has_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in text
    assert f"## [{PROJECT['project']['version']}]" in text


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "docs/publishing.md"])
def test_the_targets_of_make_that_are_named_are_there(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", (ROOT / page).read_text(), re.M))
    assert named
    assert named <= targets


def test_every_package_of_the_wheel_has_its_part_in_the_tree() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {Path(name).parts[0] for name, _ in named_files()} == set(wheel)
