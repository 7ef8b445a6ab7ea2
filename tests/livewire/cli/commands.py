"""The `livewire` command as people run it: a process of its own."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.serving import SECRET, Service


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended, and what it said."""

    code: int | None
    out: str
    err: str


def beside(service: Service, **more: str) -> dict[str, str]:
    """The variables of somebody on the machine of the service."""
    data = str(service.parts.settings.data_dir)
    return {
        "LIVEWIRE_URL": service.url,
        "LIVEWIRE_DATA_DIR": data,
        "LIVEWIRE_SECRET": SECRET,
        **more,
    }


async def run(
    *args: str, cwd: Path, env: dict[str, str] | None = None, text: str = ""
) -> Done:
    """Run a command to its end; `text` is its input."""
    process = await _start(args, cwd, env or {})
    out, err = await process.communicate(text.encode())
    return Done(process.returncode, out.decode(), err.decode())


@asynccontextmanager
async def started(
    *args: str, cwd: Path, env: dict[str, str] | None = None
) -> AsyncIterator[Process]:
    """A command that runs on; it is ended at the end, if it still runs."""
    process = await _start(args, cwd, env or {})
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def said(stream: asyncio.StreamReader | None, word: str) -> list[str]:
    """The lines of a stream up to the first one that holds `word`."""
    assert stream is not None
    lines: list[str] = []
    while not (lines and word in lines[-1]):
        line = (await stream.readline()).decode()
        assert line, f"it ended before {word!r}: {lines}"
        lines.append(line.rstrip("\n"))
    return lines


async def _start(args: tuple[str, ...], cwd: Path, env: dict[str, str]) -> Process:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("LIVEWIRE_")}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "livewire",
        *args,
        cwd=cwd,
        env=inherited | env,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )
