"""A line to one reader through plain ASGI `send`.

The law: while a `send` is under way nothing is added. The follows are paused for just
that long and then catch up by position, so a stalled reader costs one full buffer and
a number for each channel, however much is published meanwhile.
"""

import asyncio
from collections.abc import Callable

from starlette.types import Receive, Send

from channels.follow import Format, Sink

ABORT = "livewire.abort"
"""The extension of the ASGI scope by which our server lets a connection be dropped."""

Abort = Callable[[], None]


class AsgiSink(Sink):
    """Frames on their way to `send`; full at `high_water` bytes.

    `abort` drops the connection with what the server holds for it.
    """

    __slots__ = (
        "_abort",
        "_ending",
        "_frames",
        "_high_water",
        "_pump",
        "_size",
        "_wake",
    )

    def __init__(
        self, format_: Format, *, high_water: int, abort: Abort | None = None
    ) -> None:
        super().__init__(format_)
        self._abort = abort
        self._high_water = high_water
        self._frames: list[bytes] = []
        self._size = 0
        self._ending = False
        self._wake = asyncio.Event()
        self._pump: asyncio.Task[None] | None = None

    def write(self, frame: bytes) -> None:
        """Take a frame for the next `send`."""
        if self._ending:
            return
        self._frames.append(frame)
        self._size += len(frame)
        self._wake.set()
        if self._size >= self._high_water:
            self._hold()

    def end(self) -> None:
        """Send what was taken, then stop; the server truncates the stream."""
        self._hold()
        self._ending = True
        self._wake.set()

    def cut(self) -> None:
        """Stop at once, in the middle of a `send` if need be."""
        self._ending = True
        if self._pump is not None:
            self._pump.cancel()
        if self._abort is not None:
            # A close would wait, for ever perhaps, until the reader takes the rest.
            self._abort()

    async def run(self, receive: Receive, send: Send) -> None:
        """Send until the reader leaves or the stream ends."""
        self._pump = asyncio.create_task(self._send_frames(send))
        gone = asyncio.create_task(_until_gone(receive))
        try:
            await asyncio.wait({self._pump, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._ending = True
            self._pump.cancel()
            gone.cancel()
            results = await asyncio.gather(self._pump, gone, return_exceptions=True)
        for result in results:
            # A vanished reader is an OSError on servers that say so.
            if isinstance(result, Exception) and not isinstance(result, OSError):
                raise result

    async def _send_frames(self, send: Send) -> None:
        while self._frames or not self._ending:
            await self._wake.wait()
            self._wake.clear()
            body, self._frames, self._size = b"".join(self._frames), [], 0
            if not body:
                continue
            self._hold()
            await send({"type": "http.response.body", "body": body, "more_body": True})
            self._flow()

    def _hold(self) -> None:
        if self.held_since is None:
            self.held_since = asyncio.get_running_loop().time()
        for follow in self.follows.values():
            follow.pause()

    def _flow(self) -> None:
        self.held_since = None
        for follow in tuple(self.follows.values()):
            if self._ending or self._size >= self._high_water:
                return
            follow.resume()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
