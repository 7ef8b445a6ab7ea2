"""Servers in processes of their own, so that the load does not share their loop."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

SECRET = "a secret of the benchmarks, long enough to be taken"

PLAIN = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
async def plain(request): return PlainTextResponse("ok")
app = Starlette(routes=[Route("/", plain)])
uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools",
            log_level="warning", access_log=False)
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A running server: where, and a token for its API."""

    port: int
    token: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@asynccontextmanager
async def service(**settings: str) -> AsyncIterator[Served]:
    """`livewire serve` with an empty log on this disk, unless `settings` say where."""
    with TemporaryDirectory(prefix="livewire-bench-", dir=Path.cwd()) as folder:
        environment = os.environ | {
            "LIVEWIRE_DATA_DIR": folder,
            "LIVEWIRE_SECRET": SECRET,
        }
        for name, value in settings.items():
            environment[f"LIVEWIRE_{name.upper()}"] = value
        port = free_port()
        command = [sys.executable, "-m", "livewire"]
        options = ["token", "--name", "bench", "--scope", "chief"]
        signing = await asyncio.create_subprocess_exec(
            *command, *options, env=environment, stdout=asyncio.subprocess.PIPE
        )
        token = (await signing.communicate())[0].decode().strip()
        arguments = [*command, "serve", "--port", str(port)]
        async with process(arguments, environment, port):
            yield Served(port, token)


@asynccontextmanager
async def plainest() -> AsyncIterator[Served]:
    """The plainest Starlette route there is, on the same uvicorn."""
    port = free_port()
    arguments = [sys.executable, "-c", PLAIN, str(port)]
    async with process(arguments, dict(os.environ), port):
        yield Served(port)


@asynccontextmanager
async def process(
    command: list[str], environment: dict[str, str], port: int
) -> AsyncIterator[None]:
    started = await asyncio.create_subprocess_exec(*command, env=environment)
    try:
        async with httpx.AsyncClient() as http:
            for _ in range(500):
                try:
                    await http.get(f"http://127.0.0.1:{port}/")
                    break
                except httpx.ConnectError:
                    await asyncio.sleep(0.02)
        yield
    finally:
        started.terminate()
        await started.wait()
