"""The leash: a worker says that it serves, and ends when nobody holds it."""

import asyncio
import signal
import socket
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from livewire.leash import hear
from livewire.listening import listen
from tests.livewire.staff import MODULE

PATIENCE = 30  # seconds, for what takes as long as it takes


@asynccontextmanager
async def worker(kind: str) -> AsyncIterator[tuple[Process, socket.socket]]:
    """A worker of that kind, and the other end of its leash."""
    ours, theirs = socket.socketpair()
    with ours, listen("127.0.0.1", 0) as listening:
        with theirs:
            numbers = listening.fileno(), theirs.fileno()
            process = await asyncio.create_subprocess_exec(
                *MODULE, kind, *map(str, numbers), pass_fds=numbers, stdout=DEVNULL
            )
        try:
            yield process, ours
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


@pytest.mark.parametrize(
    ("kind", "code"),
    [("serving", 0), ("stubborn", 1)],
    ids=["drained", "cut after its grace"],
)
async def test_a_worker_that_serves_says_so_and_ends_with_its_supervisor(
    kind: str, code: int
) -> None:
    async with worker(kind) as (process, ours):
        up = asyncio.Event()
        await asyncio.wait_for(hear(ours, up), PATIENCE)
        assert up.is_set()
        ours.close()
        assert await asyncio.wait_for(process.wait(), PATIENCE) == code


async def test_one_that_never_served_ends_too() -> None:
    async with worker("starting") as (process, ours):
        ours.close()
        ended = await asyncio.wait_for(process.wait(), PATIENCE)
        assert ended == -signal.SIGTERM


async def test_one_that_ends_before_it_serves_is_heard_of_as_not_serving() -> None:
    async with worker("dying") as (_, ours):
        up = asyncio.Event()
        await asyncio.wait_for(hear(ours, up), PATIENCE)
        assert not up.is_set()
