"""What holds a worker to its supervisor: a pair of sockets, an end for each.

The worker writes one byte when it serves, and ends when the other end is closed: so no
worker outlives its supervisor, however that ended.
"""

import asyncio
import os
import signal
import socket
import threading
import time
from contextlib import suppress


class Leash:
    """A worker's end; `grace` is how many seconds it has to end in good order."""

    def __init__(self, fd: int, *, grace: float) -> None:
        self._socket = socket.socket(fileno=fd)
        self._grace = grace

    def watch(self) -> None:
        """From now on, end this process when its supervisor is gone.

        First as SIGTERM does; what is still there after the grace is cut. It takes a
        thread: neither a slow start nor a stuck loop may leave an orphan.
        """
        threading.Thread(target=self._watch, name="leash", daemon=True).start()

    def serving(self) -> None:
        """Tell the supervisor that this worker serves."""
        with suppress(OSError):  # it is gone, and the watch knows
            self._socket.send(b"+")

    def _watch(self) -> None:
        with suppress(OSError):
            while self._socket.recv(1):
                pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(self._grace)
        os._exit(1)


async def hear(leash: socket.socket, up: asyncio.Event) -> None:
    """At the supervisor's end: set `up` once the worker serves; it may end before."""
    leash.setblocking(False)
    if await asyncio.get_running_loop().sock_recv(leash, 1):
        up.set()
