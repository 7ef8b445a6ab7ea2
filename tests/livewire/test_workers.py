"""One supervisor, N workers: real processes, real signals."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from livewire.workers import LONGEST_PAUSE, SHORTEST_PAUSE, pause_after
from tests.livewire.staff import MODULE

Asked = tuple[asyncio.StreamReader, asyncio.StreamWriter]
PATIENCE = 30  # seconds, for what takes as long as it takes


@dataclass(slots=True)
class Staff:
    """A supervisor in a process of its own, and what its workers answer."""

    process: Process
    port: int

    async def ask(self) -> int:
        """The pid of whoever answers; asks again only if it died with the question."""
        while True:
            said = await answer(await self.connected())
            if said is not None:
                return said

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def connected(self) -> Asked:
        """A connection, with the question on its way."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"who?\n")
        return reader, writer

    async def ask_on(self) -> None:
        """Ask until cancelled; no connection may be refused."""
        while True:
            await self.ask()

    async def pids(self, count: int, *, but: frozenset[int] = frozenset()) -> set[int]:
        """Ask until so many have answered that are not among those."""
        seen: set[int] = set()
        async with asyncio.timeout(PATIENCE):
            while len(seen) < count:
                seen |= {await self.ask()} - but
        return seen

    async def said(self, word: str) -> int:
        """The number that comes after the word, in the next line that has it."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while True:
                line = (await self.process.stdout.readline()).decode()
                assert line, "it ended"
                if line.startswith(word):
                    return int(line.split()[1])

    async def ended(self) -> int:
        """How the supervisor ended."""
        return await asyncio.wait_for(self.process.wait(), PATIENCE)


async def answer(asked: Asked) -> int | None:
    """The pid that came back; none if whoever had the question died with it."""
    reader, writer = asked
    try:
        said = await reader.readline()
    except ConnectionResetError:
        return None
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    return int(said) if said else None


async def stopped(pid: int) -> None:
    """Return once the process is stopped, which the kernel tells nobody but parents."""
    while True:
        if psutil.Process(pid).status() == psutil.STATUS_STOPPED:
            return
        await asyncio.sleep(0.001)


def staff(kind: str, count: int) -> AbstractAsyncContextManager[Staff]:
    """A supervisor with workers of that kind."""
    return supervising(*MODULE, "supervise", kind, str(count))


@asynccontextmanager
async def supervising(*command: str, **more: str) -> AsyncIterator[Staff]:
    """A supervisor in a process group of its own; nobody is left at the end."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | more,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        process_group=0,
    )
    started = Staff(process, 0)
    try:
        started.port = await started.said("port")
        yield started
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


TERMINAL = """
import os, pty, sys

pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], [*sys.argv[1:], "supervise", "serving", "2"])
print(os.read(terminal, 1000).decode().strip(), flush=True)
print("pid", pid, flush=True)
sys.stdin.read()
os.close(terminal)
os.waitpid(pid, 0)
"""
"""A terminal with a supervisor in it, closed when the input ends."""


async def gone(pids: set[int]) -> None:
    """Return once none of the processes is there."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if not any(is_there(pid) for pid in pids):
                return
            await asyncio.sleep(0.01)


def is_there(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def children(started: Staff) -> set[int]:
    return {child.pid for child in psutil.Process(started.process.pid).children()}


async def test_each_of_the_workers_answers_on_the_one_port() -> None:
    async with staff("serving", 3) as started:
        assert await started.pids(3) == children(started)


async def test_a_killed_worker_is_replaced_and_nobody_is_refused() -> None:
    async with staff("serving", 2) as started, asyncio.TaskGroup() as group:
        before = await started.pids(2)
        asking = [group.create_task(started.ask_on()) for _ in range(4)]
        victim = before.pop()
        os.kill(victim, signal.SIGKILL)
        (successor,) = await started.pids(1, but=frozenset({victim, *before}))
        for task in asking:
            task.cancel()
        assert successor in children(started)


async def test_who_waits_for_a_dead_worker_is_served_by_its_successor() -> None:
    async with staff("serving", 1) as started:
        (before,) = await started.pids(1)
        os.kill(before, signal.SIGSTOP)
        async with asyncio.timeout(PATIENCE):
            await stopped(before)
            # Nobody accepts them now: their connections wait in the socket.
            asked = [await started.connected() for _ in range(20)]
            os.kill(before, signal.SIGKILL)
            after = {await answer(each) for each in asked}
        assert len(after) == 1
        assert not after & {before, None}


async def test_workers_do_not_outlive_their_supervisor() -> None:
    async with staff("serving", 2) as started:
        pids = await started.pids(2)
        started.process.kill()
        await gone(pids)


async def test_nor_do_those_that_never_came_to_serve() -> None:
    async with staff("starting", 2) as started:
        pids = {await started.said("pid"), await started.said("pid")}
        started.process.kill()
        await gone(pids)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_all_of_them(sent: signal.Signals) -> None:
    async with staff("serving", 2) as started:
        pids = await started.pids(2)
        started.process.send_signal(sent)
        assert await started.ended() == 0
        await gone(pids)


async def test_ctrl_c_in_a_terminal_leaves_no_stack() -> None:
    async with staff("serving", 2) as started:
        pids = await started.pids(2)
        os.killpg(started.process.pid, signal.SIGINT)
        _, said = await asyncio.wait_for(started.process.communicate(), PATIENCE)
        assert (started.process.returncode, said) == (0, b"")
        await gone(pids)


async def test_a_closed_terminal_ends_all_of_them() -> None:
    async with supervising(sys.executable, "-c", TERMINAL, *MODULE) as started:
        supervisor = await started.said("pid")
        pids = await started.pids(2) | {supervisor}
        assert started.process.stdin is not None
        started.process.stdin.close()
        await gone(pids)


async def test_a_worker_that_takes_no_signal_is_killed_in_the_end() -> None:
    async with staff("stubborn", 2) as started:
        pids = await started.pids(2)
        started.process.send_signal(signal.SIGTERM)
        assert await started.ended() == 0
        await gone(pids)


async def test_a_second_signal_waits_for_nobody() -> None:
    async with staff("serving", 2) as started:
        pids = await started.pids(2)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)  # SIGTERM has to wait; SIGKILL does not
        started.process.send_signal(signal.SIGTERM)
        started.process.send_signal(signal.SIGINT)
        assert await started.ended() == 0
        await gone(pids)


@pytest.mark.parametrize("waited_for", ["port", "pid"])
async def test_it_can_be_stopped_while_they_start(waited_for: str) -> None:
    async with staff("starting", 3) as started:
        if waited_for == "pid":
            await started.said("pid")
        started.process.send_signal(signal.SIGTERM)
        # Its output ends when nobody is left who could write to it.
        await asyncio.wait_for(started.process.communicate(), PATIENCE)
        if waited_for == "pid":
            assert started.process.returncode == 0


async def test_a_worker_that_keeps_dying_is_started_again_and_told_of() -> None:
    async with staff("dying", 1) as started:
        pids = {await started.said("pid") for _ in range(4)}
        assert len(pids) == 4
        started.process.send_signal(signal.SIGTERM)
        _, said = await asyncio.wait_for(started.process.communicate(), PATIENCE)
        assert started.process.returncode == 0
    told = [line for line in said.decode().splitlines() if "exit code 3" in line]
    assert len(told) >= 3


async def test_a_hangup_replaces_one_after_the_other_while_they_serve() -> None:
    async with staff("serving", 3) as started, asyncio.TaskGroup() as group:
        before = frozenset(await started.pids(3))
        asking = [group.create_task(started.ask_on()) for _ in range(4)]
        started.process.send_signal(signal.SIGHUP)
        fewest = await watched(started, lambda: bool(before & children(started)))
        after = await started.pids(3, but=before)
        for task in asking:
            task.cancel()
        assert after == children(started)
        assert fewest >= 2


async def watched(started: Staff, going_on: Callable[[], bool]) -> int:
    """The fewest workers that were there at a time while it went on."""
    fewest = len(children(started))
    async with asyncio.timeout(PATIENCE):
        while going_on():
            fewest = min(fewest, len(children(started)))
            await asyncio.sleep(0.002)
    return fewest


async def test_a_hangup_goes_no_further_than_a_worker_that_does_not_serve() -> None:
    async with staff("starting", 2) as started:
        first = {await started.said("pid"), await started.said("pid")}
        started.process.send_signal(signal.SIGHUP)
        await started.said("pid")
        assert len(first & children(started)) == 1
        started.process.send_signal(signal.SIGTERM)
        assert await started.ended() == 0


def test_pauses_grow_up_to_a_limit() -> None:
    most = [pause_after(deaths, 1.0) for deaths in range(1, 2000)]
    assert most == sorted(most)
    assert most[0] == SHORTEST_PAUSE
    assert most[-1] == LONGEST_PAUSE
    assert pause_after(5, 0.0) == 0


# The service as a worker


LIVEWIRE = """
import asyncio, sys
from livewire.listening import port_of, share
from livewire.workers import Supervisor

(listening,) = share("127.0.0.1", 0, 1)
print("port", port_of(listening), flush=True)

def command(fd, leash):
    options = f"--fd={fd}", f"--leash={leash}"
    return [sys.executable, "-P", "-m", "livewire", "serve", *options]

asyncio.run(Supervisor([listening], command, grace=15).run())
"""


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
async def test_the_service_drains_when_its_supervisor_ends_or_says_so(
    tmp_path: Path, sent: signal.Signals
) -> None:
    command = (sys.executable, "-c", LIVEWIRE)
    data = str(tmp_path)
    async with (
        supervising(*command, LIVEWIRE_DATA_DIR=data) as started,
        httpx.AsyncClient(base_url=started.url, timeout=PATIENCE) as http,
    ):
        async with http.stream("GET", "/stream?channel=latest") as stream:
            text = stream.aiter_text()
            heard = await anext(text)
            pids = children(started)
            started.process.send_signal(sent)
            with suppress(httpx.RemoteProtocolError):
                async for more in text:
                    heard += more
        assert '"reason":"draining","reconnect":true' in heard
        await gone(pids)
        if sent is signal.SIGHUP:
            assert (await http.get("/")).is_success
            started.process.send_signal(signal.SIGTERM)
        assert await started.ended() == (-sent if sent is signal.SIGKILL else 0)
