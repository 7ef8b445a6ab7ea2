"""The recipes run in a shell as they are printed, against a real service."""

import asyncio
import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Self

import PIL.Image

from tests.docs.likeness import differences, fill
from tests.docs.pages import ROOT, Part, parts, read
from tests.serving import SECRET, running

_END = "\x1e"  # a record separator: no answer holds one unescaped

_TYPED = ("sh", "python")

RECIPES = list(parts(read("publishing")))


class Shell:
    """One shell in which the blocks of the page run, so that variables stay."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "LIVEWIRE_URL": url,
            "LIVEWIRE_SECRET": SECRET,
        }

    async def __aenter__(self) -> Self:
        self._process = await self._bash()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def run(self, block: str) -> str:
        """What a block prints. Fails where its last command does."""
        assert self._process.stdin is not None
        script = f"{{ {block}\n}} </dev/null; printf '%s{_END}' \"{_END}$?\"\n"
        self._process.stdin.write(script.encode())
        answer = await _until(self._process, _END)
        status = await _until(self._process, _END)
        assert status == "0", f"exit status {status} of {block}"
        return answer

    async def begin(self, block: str, frames: int) -> list[str]:
        """The first frames that a block without an end prints."""
        process = await self._bash("-c", f"exec {block.strip()}")
        try:
            return [await _until(process, "\n\n") for _ in range(frames)]
        finally:
            process.kill()
            await process.wait()

    async def _bash(self, *arguments: str) -> asyncio.subprocess.Process:
        bash = shutil.which("bash")
        assert bash is not None
        return await asyncio.create_subprocess_exec(
            bash,
            "--noprofile",
            "--norc",
            *arguments,
            cwd=self._folder,
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )


async def _until(process: asyncio.subprocess.Process, end: str) -> str:
    assert process.stdout is not None
    text = await process.stdout.readuntil(end.encode())
    return text.decode().removesuffix(end)


async def test_the_recipes_run_as_they_are_printed(tmp_path: Path) -> None:
    PIL.Image.new("RGB", (640, 400), "#57514a").save(tmp_path / "harbour.jpg")
    wrong: list[str] = []
    async with running(tmp_path / "data") as service:
        known = {"address": service.url}
        async with Shell(tmp_path, service.url) as shell:
            for recipe, result in _with_results(RECIPES):
                found = await _try(shell, recipe, result, known)
                wrong += [f"line {recipe.line}: {each}" for each in found]
    assert not wrong, "\n".join(wrong)


def _with_results(blocks: list[Part]) -> list[tuple[Part, Part | None]]:
    pairs = zip(blocks, [*blocks[1:], None], strict=True)
    return [
        (block, after if after and after.kind not in _TYPED else None)
        for block, after in pairs
        if block.kind in _TYPED
    ]


async def _try(
    shell: Shell, recipe: Part, result: Part | None, known: dict[str, str]
) -> list[str]:
    script = fill(recipe.text, known)
    if result is not None and result.kind == "sse":
        shown = result.text.strip().split("\n\n")
        return _compare_frames(shown, await shell.begin(script, len(shown)), known)
    if recipe.kind == "python":
        script = f"python - <<'END'\n{recipe.text}\nEND"
    printed = await shell.run(script)
    if result is None:
        return []
    if result.kind == "text":
        return list(differences(result.text, printed, known))
    try:
        said = json.loads(printed)
    except ValueError:
        return [f"the answer is no JSON: {printed[:300]!r}"]
    return list(differences(json.loads(result.text), said, known))


def _compare_frames(
    shown: list[str], said: list[str], known: dict[str, str]
) -> list[str]:
    wrong: list[str] = []
    for one, other in zip(shown, said, strict=True):
        for expected, line in zip(one.splitlines(), other.splitlines(), strict=True):
            wrong += differences(_read(expected), _read(line), known)
    return wrong


def _read(line: str) -> list[object]:
    name, _, value = line.partition(": ")
    return [name, json.loads(value) if name == "data" else value]


async def test_the_line_of_the_readme_publishes(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    (line,) = (p.text for p in parts(readme) if p.text.startswith("curl"))
    async with running(tmp_path / "data") as service:
        await service.open("night")
        typed = (
            line.replace("http://127.0.0.1:8000", service.url)
            .replace("STORY", "night")
            .replace("TOKEN", service.token())
        )
        async with Shell(tmp_path, service.url) as shell:
            printed = json.loads(await shell.run(typed))
        listed = (await service.http.get("/api/stories/night/updates")).json()
    assert listed["updates"] == [printed["update"]]
    assert printed["update"]["headline"] == "It works"


def test_every_recipe_shows_what_it_answers() -> None:
    answered = [recipe for recipe, result in _with_results(RECIPES) if result]
    silent = [recipe for recipe, result in _with_results(RECIPES) if not result]
    assert len(answered) > 8
    assert all(recipe.text.startswith("export ") for recipe in silent)


def test_the_javascript_uses_names_that_the_client_has() -> None:
    client = (ROOT / "livewire" / "static" / "livewire.js").read_text()
    (script,) = (recipe.text for recipe in RECIPES if recipe.kind == "js")
    assert "export function follow(channels, options" in client
    for option in re.findall(r"^  (\w+):", script, re.M):
        assert re.search(rf"@property .* \[{option}\]", client), option
