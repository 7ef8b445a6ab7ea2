"""Whatever outside clients and operators may meet is named in its page, and rightly."""

import importlib
import json
import pkgutil
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic_core import to_jsonable_python
from starlette.routing import Mount, Route

import channels
import livewire
import publishers
from channels.errors import LivewireError
from channels.events import ALWAYS, EVENT_TYPES
from channels.positions import Reason
from livewire.app import create_app
from livewire.cli import main
from livewire.settings import CLIENT, PREFIX, Settings
from publishers.permissions import ACTIONS, ADMIN, ROLES
from publishers.requests import NewStory, Revision, StoryBody, UpdateBody, Withdrawal
from publishers.stories import MOVES
from tests.docs.pages import ROOT, parts, read, rows, section
from tests.serving import settings_for

PROTOCOL = read("protocol")
_ROUTE = re.compile(r"`((?:GET|POST|PATCH|PUT|DELETE) (/[^`\s]*))`")


def first_cells(text: str) -> list[str]:
    return [row[0].strip("`") for row in rows(text)]


# Settings


def test_every_setting_has_its_line_with_unit_default_and_variable() -> None:
    lines = {row[0].strip("`"): row for row in rows(read("settings"))}
    assert list(lines) == list(Settings.model_fields)
    for name, (_, unit, default, variable, meaning) in lines.items():
        assert unit
        assert meaning
        assert variable == f"`{PREFIX}{name.upper()}`"
        value = to_jsonable_python(Settings.model_fields[name].default)
        if isinstance(value, dict) and value:
            assert default == "[below](#sections-and-roles)"
        else:
            assert json.loads(default.strip("`")) == value, name


def test_the_structured_defaults_are_those_of_the_page() -> None:
    told = section(read("settings"), "Sections and roles")
    (block,) = (part for part in parts(told) if part.kind == "toml")
    shown = tomllib.loads(block.text)
    for name, value in shown.items():
        assert value == to_jsonable_python(Settings.model_fields[name].default)
    assert set(shown) == {"sections", "roles"}


@pytest.mark.parametrize("variable", sorted(CLIENT))
def test_the_variables_of_commands_are_named(variable: str) -> None:
    assert f"`{variable}`" in read("settings")


# Commands


def test_every_command_is_named_and_no_other() -> None:
    named = first_cells(section(read("operating"), "Commands"))
    assert sorted(name.split()[1] for name in named) == sorted(main.commands)


@pytest.mark.parametrize("command", sorted(main.commands))
def test_the_options_named_of_a_command_are_there(command: str) -> None:
    known = {name for each in main.commands[command].params for name in each.opts}
    lines = [
        line
        for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
        for line in page.read_text().splitlines()
        if f"livewire {command} " in line
    ]
    for line in lines:
        used = re.findall(
            r"(?<![\w-])--[a-z-]+", line.partition(f"livewire {command}")[2]
        )
        assert set(used) <= known, line


# Routes


def app_routes(folder: Path) -> Iterator[str]:
    for route in create_app(settings_for(folder)).routes:
        if isinstance(route, Mount):
            yield f"GET {route.path}/…"
        elif isinstance(route, Route):
            path = re.sub(r":\w+}", "}", route.path)
            for method in sorted((route.methods or set()) - {"HEAD"}):
                yield f"{method} {path}"


def test_every_route_is_in_a_table_of_the_protocol_and_no_other(tmp_path: Path) -> None:
    named = [found[0] for cell in rows(PROTOCOL) for found in _ROUTE.findall(cell[0])]
    queries = [cell for cell in first_cells(PROTOCOL) if cell.startswith("query of")]
    assert not queries
    assert sorted(set(named)) == sorted(
        each for each in app_routes(tmp_path) if each not in _DOORS
    )


_DOORS = ("GET /stream", "GET /changes")  # these have chapters of their own


@pytest.mark.parametrize("door", _DOORS)
def test_the_doors_of_the_hub_have_their_chapters(door: str, tmp_path: Path) -> None:
    assert door in set(app_routes(tmp_path))
    assert f"`{door}?channel=" in PROTOCOL


# What a stream says


@pytest.mark.parametrize("event", [*EVENT_TYPES, "ready", "reset", "heartbeat"])
def test_every_event_has_a_heading(event: str) -> None:
    headings = re.findall(r"^### (.+)$", PROTOCOL, re.MULTILINE)
    assert event in ", ".join(headings).split(", ")


def test_every_reason_of_a_reset_is_explained() -> None:
    assert first_cells(section(PROTOCOL, "reset")) == list(get_args(Reason))


def test_every_reason_of_a_close_is_explained() -> None:
    named = {row[0].strip("`"): row[2] for row in rows(section(PROTOCOL, "close"))}
    said = {name for name, version in named.items() if version == "yes"}
    assert said == set(reasons_in_the_code())
    assert set(named) == {"draining", "busy", "revoked", "token-expired", "unknown"}


def reasons_in_the_code() -> Iterator[str]:
    """What a stream may be closed with."""
    for file in sorted((ROOT / "channels").rglob("*.py")):
        yield from re.findall(r'\.close\("([a-z-]+)", reconnect=', file.read_text())


@pytest.mark.parametrize("channel", ALWAYS)
def test_every_standing_channel_is_named(channel: str) -> None:
    assert channel in first_cells(section(PROTOCOL, "Words"))


# Errors


def errors() -> Iterator[type[LivewireError]]:
    for package in (channels, publishers, livewire):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    pending = [LivewireError]
    while pending:
        error = pending.pop()
        pending += error.__subclasses__()
        if error.__module__.split(".")[0] in ("channels", "publishers", "livewire"):
            yield error


def test_every_error_has_its_line_with_code_status_and_close_code() -> None:
    named = [
        (row[0].strip("`"), row[1].strip("`"), int(row[2]), int(row[3]))
        for row in rows(section(PROTOCOL, "Problems"))
    ]
    there = [(e.__name__, e.code, e.status, e.close_code) for e in set(errors())]
    assert sorted(named) == sorted(there)


# The publish API


@pytest.mark.parametrize(
    ("heading", "members"),
    [
        ("Opening a story", set(NewStory.model_fields)),
        ("Publishing", set(UpdateBody.model_fields)),
        ("Changing", set(Revision.model_fields)),
    ],
)
def test_every_member_of_a_body_has_its_line(heading: str, members: set[str]) -> None:
    text = section(PROTOCOL, heading)
    table = text[text.index("| member |") :].split("\n\n")[0]
    assert set(first_cells(table)) == members


def test_the_first_table_of_a_story_holds_what_a_patch_may_change() -> None:
    assert set(StoryBody.model_fields) < set(NewStory.model_fields)


def test_every_member_of_a_withdrawal_is_named() -> None:
    text = section(PROTOCOL, "Withdrawing")
    assert all(name in text for name in Withdrawal.model_fields)


def test_the_moves_of_a_story_are_those_of_the_table() -> None:
    text = section(PROTOCOL, "Changing")
    shown = {
        row[0].strip("`").replace("(new)", ""): set(re.findall(r"`(\w+)`", row[1]))
        for row in rows(text[text.index("| from |") :])
        if row[0] != "any"
    }
    assert shown == {status: set(to) for status, to in MOVES.items() if to}


def test_scopes_and_roles_are_those_of_the_page() -> None:
    cells = {row[0].strip("`"): row[1] for row in rows(section(PROTOCOL, "Tokens"))}
    for action in (*ACTIONS, ADMIN):
        assert action in cells
    for role, scopes in ROLES.items():
        assert cells[role] == f"`{' '.join(scopes)}`"
    assert set(cells) == {*ACTIONS, ADMIN, *ROLES}
