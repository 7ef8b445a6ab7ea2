"""A supervisor and its workers, small: for the tests of leash.py and workers.py.

As a program, `staff supervise WORKER COUNT` says its port and has COUNT workers, and
`staff WORKER FD LEASH` is one of them:

- serving: answers each connection with its pid;
- stubborn: the same, and takes no SIGTERM;
- dying: says its pid, and ends;
- starting: says its pid, and never serves.
"""

import asyncio
import os
import signal
import socket
import sys

from livewire.leash import Leash
from livewire.listening import port_of, share
from livewire.workers import Supervisor

MODULE = (sys.executable, "-m", "tests.livewire.staff")


def _grace(kind: str) -> float:
    return 0.5 if kind == "stubborn" else 15


def _say(word: str, number: int) -> None:
    sys.stdout.write(f"{word} {number}\n")
    sys.stdout.flush()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(b"%d\n" % os.getpid())
    writer.close()


async def _serve(listening: socket.socket, leash: Leash, *, stubborn: bool) -> None:
    ended = asyncio.Event()
    act = (lambda: None) if stubborn else ended.set
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, act)
    async with await asyncio.start_server(_answer, sock=listening):
        leash.serving()
        await ended.wait()


def _work(kind: str, fd: int, number: int) -> None:
    leash = Leash(number, grace=_grace(kind))
    leash.watch()
    if kind in ("serving", "stubborn"):
        listening = socket.socket(fileno=fd)
        asyncio.run(_serve(listening, leash, stubborn=kind == "stubborn"))
        return
    _say("pid", os.getpid())
    if kind == "dying":
        sys.exit(3)
    signal.pause()


async def _supervise(kind: str, count: int) -> None:
    sockets = share("127.0.0.1", 0, count)
    _say("port", port_of(sockets[0]))

    def command(fd: int, leash: int) -> list[str]:
        return [*MODULE, kind, str(fd), str(leash)]

    await Supervisor(sockets, command, grace=_grace(kind)).run()


if __name__ == "__main__":
    if sys.argv[1] == "supervise":
        asyncio.run(_supervise(sys.argv[2], int(sys.argv[3])))
    else:
        _work(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
