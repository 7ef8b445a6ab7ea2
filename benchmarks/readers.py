"""Readers of a story over SSE that cost the load's side as little as can be.

They take no frame apart: they look for marks, words that stand in one update alone.
"""

import asyncio
import time
from typing import cast

from benchmarks.connection import get

_LONGEST = 64
"""Bytes of a mark; one that came in two pieces is found all the same."""


class Reader(asyncio.Protocol):
    """One stream, from its request on."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._tail = b""
        self._awaited: dict[bytes, asyncio.Future[float]] = {}
        self._transport: asyncio.Transport | None = None

    def sees(self, mark: bytes) -> asyncio.Future[float]:
        """When the mark came, by `time.perf_counter()`."""
        return self._awaited.setdefault(
            mark, asyncio.get_running_loop().create_future()
        )

    def leave(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not isinstance: uvloop's transport is none of asyncio's by descent.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        seen = self._tail + data
        for mark in [each for each in self._awaited if each in seen]:
            self._awaited.pop(mark).set_result(time.perf_counter())
        self._tail = seen[-_LONGEST:]

    def connection_lost(self, exc: Exception | None) -> None:
        for awaited in self._awaited.values():
            awaited.set_exception(exc or ConnectionError("the stream ended"))


def reader(slug: str, since: str = "") -> Reader:
    """A reader of the story after a position; from now on where there is none."""
    after = f"&since={since}" if since else ""
    return Reader(get(f"/stream?channel=story/{slug}{after}"))


async def follow(port: int, slug: str) -> Reader:
    """A reader whose stream has opened."""
    one = reader(slug)
    ready = one.sees(b"event: ready")
    await asyncio.get_running_loop().create_connection(lambda: one, "127.0.0.1", port)
    await ready
    return one
