"""`livewire init`: what it writes loads, and serves."""

import asyncio
import re
import socket
import tomllib
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest

from livewire.client import Client, Live
from livewire.settings import SECTIONS, load
from tests.livewire.cli.commands import run, started

OPTIONS = (
    "--site-name=The “Lindhaven” Courier",
    "--base-url=https://live.example.org",
    "--section=elections=Elections & Polls",
    '--section=city="City"',
    "--editor=ines",
)


async def test_what_options_say_is_what_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = await run("init", *OPTIONS, cwd=tmp_path)
    assert done.code == 0, done.err
    monkeypatch.chdir(tmp_path)
    settings = load()
    assert settings.site_name == "The “Lindhaven” Courier"
    assert settings.address == "https://live.example.org"
    assert settings.sections == {"elections": "Elections & Polls", "city": '"City"'}
    assert list(settings.sections) == ["elections", "city"]
    assert "https://live.example.org/newsroom/sign-in?ticket=" in done.out
    assert (tmp_path / "data" / "secret").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


async def test_questions_have_answers_ready(tmp_path: Path) -> None:
    done = await run("init", cwd=tmp_path, text="The Courier\n\n\nines\n")
    assert done.code == 0, done.err
    written = tomllib.loads((tmp_path / "livewire.toml").read_text())
    assert written["site_name"] == "The Courier"
    assert written["sections"] == SECTIONS


async def test_every_line_is_explained(tmp_path: Path) -> None:
    await run("init", *OPTIONS, cwd=tmp_path)
    text = (tmp_path / "livewire.toml").read_text()
    paragraphs = [part for part in text.split("\n\n") if part.strip()]
    assert all(paragraph.startswith("# ") for paragraph in paragraphs)


async def test_what_is_there_stays_unless_forced(tmp_path: Path) -> None:
    await run("init", *OPTIONS, cwd=tmp_path)
    secret = (tmp_path / "data" / "secret").read_text()
    again = ("init", *OPTIONS, "--site-name=Other")
    refused = await run(*again, cwd=tmp_path)
    assert refused.code == 1
    assert "--force" in refused.err
    assert "Other" not in (tmp_path / "livewire.toml").read_text()
    forced = await run(*again, "--force", cwd=tmp_path)
    assert forced.code == 0, forced.err
    assert "Other" in (tmp_path / "livewire.toml").read_text()
    assert (tmp_path / "data" / "secret").read_text() == secret


async def test_a_file_that_does_not_load_is_taken_back(tmp_path: Path) -> None:
    env = {"LIVEWIRE_SITENAME": "The Courier"}
    done = await run("init", *OPTIONS, cwd=tmp_path, env=env)
    assert done.code == 1
    assert "LIVEWIRE_SITENAME" in done.err
    assert not (tmp_path / "livewire.toml").exists()


@pytest.mark.parametrize(
    "option",
    [
        "--base-url=live.example.org",
        "--base-url=https://live.example.org/blog",
        "--base-url=https://live.example.org:many",
        "--base-url=https://ines@live.example.org",
        "--base-url=https://live.example.org?a=b",
        "--section=Big City=City",
        "--site-name=\x1b[2J",
    ],
)
async def test_what_cannot_be_is_refused(tmp_path: Path, option: str) -> None:
    done = await run("init", *OPTIONS, option, cwd=tmp_path)
    assert done.code == 2
    assert not (tmp_path / "livewire.toml").exists()


async def until_live(url: str) -> None:
    """Follow until the service is there: the client comes back by itself."""
    async with (
        Client(url, sleep=lambda _: asyncio.sleep(0.05)) as desk,
        aclosing(desk.follow("latest")) as events,
    ):
        async for event in events:
            if isinstance(event, Live):
                return


async def test_what_it_wrote_serves_and_takes_an_update(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    options = ("--site-name=The Courier", f"--base-url={url}", "--section=city=City")
    done = await run("init", *options, "--editor=ines", cwd=tmp_path)
    link = re.search(r"http\S+", done.out)
    assert link is not None
    assert link[0].startswith(f"{url}/newsroom/sign-in?ticket=")
    async with started("serve", cwd=tmp_path):
        await until_live(url)
        published = await run(
            "publish",
            "storm",
            "It is here.",
            "--open",
            "--headline=Storm",
            cwd=tmp_path,
        )
        assert published.code == 0, published.err
        async with httpx.AsyncClient(base_url=url) as http:
            story = (await http.get("/api/stories/storm")).json()["story"]
            page = (await http.get("/")).text
        assert story["section"] == "city"
        assert "The Courier" in page
