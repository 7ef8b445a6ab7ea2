"""The server as people start it: a process, a port, an end."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.serving import Service


@asynccontextmanager
async def serving(folder: Path, port: int) -> AsyncIterator[Process]:
    """`livewire serve`, killed at the end if it is still there."""
    environment = os.environ | {"LIVEWIRE_DATA_DIR": str(folder)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "livewire", "serve", "--port", str(port)),
        env=environment,
        stderr=PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def answering(port: int) -> None:
    """Return once the service answers."""
    async with httpx.AsyncClient() as http, asyncio.timeout(20):
        while True:
            try:
                await http.get(f"http://127.0.0.1:{port}/")
            except httpx.ConnectError:
                await asyncio.sleep(0.02)
            else:
                return


async def test_a_taken_port_is_told_in_one_sentence(
    service: Service, tmp_path: Path
) -> None:
    port = service.parts.settings.port
    async with serving(tmp_path / "other", port) as process:
        _, said = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    assert said.decode().startswith(f"Error: Cannot listen on 127.0.0.1:{port}")
    assert len(said.decode().splitlines()) == 1


async def test_a_log_in_use_is_told_in_one_sentence(service: Service) -> None:
    folder = service.parts.settings.data_dir
    async with serving(folder, 0) as process:
        _, said = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    assert "open in another process" in said.decode()
    assert len(said.decode().splitlines()) == 1


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_after_its_readers_were_told(
    tmp_path: Path, unused_tcp_port: int, sent: signal.Signals
) -> None:
    port = unused_tcp_port
    async with serving(tmp_path, port) as process:
        await answering(port)
        address = f"http://127.0.0.1:{port}/stream?channel=latest"
        async with (
            httpx.AsyncClient(timeout=20) as http,
            http.stream("GET", address) as stream,
        ):
            text = stream.aiter_text()
            heard = await anext(text)
            process.send_signal(sent)
            try:
                async for more in text:
                    heard += more
            except httpx.RemoteProtocolError:
                ended = "truncated"
            else:
                ended = "cleanly"
        assert await asyncio.wait_for(process.wait(), 20) == 0
    assert '"reason":"draining","reconnect":true' in heard
    assert ended == "truncated"
