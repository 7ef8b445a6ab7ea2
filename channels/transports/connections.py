"""Every open connection of this process: its heartbeat, its stall limit, its end."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from channels.events import timestamp
from channels.follow import Sink
from channels.hub import Hub
from channels.transports.joining import Joining

_logger = logging.getLogger(__name__)

Now = Callable[[], datetime]


class Connections:
    """The connections, spread over as many slots as a heartbeat has seconds.

    `heartbeat` and `stall` are in seconds: how often a reader hears that the line is
    alive, and how long one may take nothing before it is cut.
    """

    def __init__(self, hub: Hub, *, now: Now, heartbeat: int, stall: float) -> None:
        self.joining = Joining(hub)
        self._hub = hub
        self._now = now
        self._stall = stall
        self._slots: list[dict[Sink, None]] = [{} for _ in range(heartbeat)]
        self._slot_of: dict[Sink, int] = {}
        self._next = 0
        self._gone = asyncio.Event()
        self.draining = False

    def __len__(self) -> int:
        return len(self._slot_of)

    def add(self, sink: Sink) -> None:
        """Give the connection its slot: in turn, so that the slots fill evenly."""
        self._next = (self._next + 1) % len(self._slots)
        self._slot_of[sink] = self._next
        self._slots[self._next][sink] = None

    def discard(self, sink: Sink) -> None:
        """Forget a connection that has ended."""
        slot = self._slot_of.pop(sink, None)
        if slot is not None:
            self._slots[slot].pop(sink, None)
        if not self._slot_of:
            self._gone.set()

    async def empty(self) -> None:
        """Wait until no connection is open."""
        while self._slot_of:
            self._gone.clear()
            await self._gone.wait()

    async def run(self) -> None:
        """Turn once a second, until cancelled."""
        slot = 0
        try:
            while True:
                await asyncio.sleep(1)
                try:
                    self.turn(slot)
                except Exception:
                    # One round's fault must not end the heartbeats of all.
                    _logger.exception("A round of heartbeats failed")
                slot = (slot + 1) % len(self._slots)
        finally:
            self.joining.stop()

    def turn(self, slot: int) -> None:
        """One second's round: beat a slot, let go of what is idle, try what waits."""
        self.beat(slot)
        self._hub.sweep()
        self.joining.retry()

    def beat(self, slot: int) -> None:
        """Tell every reader of a slot how its channels stand; cut who is stalled."""
        at = timestamp(self._now())
        since = asyncio.get_running_loop().time() - self._stall
        said: dict[tuple[object, ...], bytes] = {}
        for sink in tuple(self._slots[slot]):
            if sink.held_since is not None:
                if sink.held_since < since:
                    sink.cut()
                continue
            names, held = tuple(sink.follows), self.joining.held(sink)
            kind = (type(sink.format), names, held)
            if kind not in said:
                pulses = {name: self._hub.pulse(name) for name in (*names, *held)}
                for name in held:
                    pulses[name]["stalled"] = True
                members: dict[str, object] = {"at": at, "channels": pulses}
                said[kind] = sink.format.notice("heartbeat", members)
            sink.write(said[kind])

    def drain(self) -> None:
        """Tell everybody to come back elsewhere, and end the streams."""
        self.draining = True
        for sink in tuple(self._slot_of):
            self.joining.release(sink)
            sink.close("draining", reconnect=True)
