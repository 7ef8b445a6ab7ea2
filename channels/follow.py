"""One reader's subscription to one channel, and the line its frames leave by.

The law: a follow is either live (in the hub's walk, holding everything up to the
view's top) or it keeps a number and nothing else. Frames are never queued for it: what
it missed is the newest state of each key after its number, found when the line is free.
"""

from abc import ABC, abstractmethod
from typing import Protocol

from channels.encoding import Encoded
from channels.positions import Extent, Position, Reason
from channels.view import View


class Format(Protocol):
    """How one connection says things. Stateless, unless an id joins channels."""

    def change(self, encoded: Encoded) -> bytes:
        """The frame of an event; the same bytes for all who share the format."""

    def opening(
        self, channel: str, extent: Extent, position: Position, reason: Reason | None
    ) -> bytes:
        """The frame of `ready` or `reset`."""

    def notice(self, name: str, members: dict[str, object]) -> bytes:
        """The frame of `heartbeat`, `problem` or `close`: without an id."""


class Sink(ABC):
    """The line to one reader: its follows, and a `write` that never blocks.

    A sink whose buffer is full calls `pause` on its follows, and `resume` once it has
    drained. `held_since` is the loop's time at which it filled, None while it flows.
    """

    __slots__ = ("follows", "format", "held_since")

    def __init__(self, format_: Format) -> None:
        self.format = format_
        self.follows: dict[str, Follow] = {}
        self.held_since: float | None = None

    @abstractmethod
    def write(self, frame: bytes) -> None:
        """Take one whole frame; may call `pause` before it returns."""

    @abstractmethod
    def end(self) -> None:
        """Let what was taken leave, then truncate the stream."""

    @abstractmethod
    def cut(self) -> None:
        """Drop the connection now: it has been stalled for too long."""

    def close(self, reason: str, *, reconnect: bool) -> None:
        """Say why the stream ends and whether to come back, and end it."""
        members: dict[str, object] = {"reason": reason, "reconnect": reconnect}
        self.write(self.format.notice("close", members))
        self.end()


class Walk(Protocol):
    """The channel, as its follows see it: who is told of each event as it comes."""

    def join(self, follow: "Follow") -> None:
        """Tell the follow of each event from now on."""

    def leave(self, follow: "Follow") -> None:
        """Tell it no more."""

    def holds_back(self, follow: "Follow") -> bool:
        """Whether the view must not be shown now; the follow is resumed when it may."""


class Follow:
    """A sink's place in a channel: the number of the last event written to it."""

    __slots__ = ("_walk", "goal", "live", "paused", "seq", "sink", "view")

    def __init__(self, view: View, sink: Sink, seq: int, walk: Walk) -> None:
        self.view = view
        self.sink = sink
        self.seq = seq
        # The top it was told of: what was left out on the way there is superseded
        # only in a log that reaches so far.
        self.goal = seq
        self.live = False
        self.paused = False
        self._walk = walk

    @property
    def position(self) -> Position:
        """How far this reader has got."""
        return self.view.extent.position(self.seq)

    def open(self, reason: Reason | None) -> None:
        """Say `ready` or `reset`, then everything after the position, then go live."""
        self.goal = self.view.extent.top
        frame = self.sink.format.opening(
            self.view.channel, self.view.extent, self.position, reason
        )
        self.sink.write(frame)
        if not self.paused:
            self.resume()

    def take(self, encoded: Encoded) -> None:
        """Write one event, unless the reader holds it."""
        if encoded.event.seq > self.seq:
            # Before the write: the sink may pause us in the middle of it, and the
            # position it keeps has to include what it was just given.
            self.seq = encoded.event.seq
            self.sink.write(self.sink.format.change(encoded))

    def pause(self) -> None:
        """Leave the walk; from here on only the number is kept."""
        self.paused = True
        if self.live:
            self.live = False
            self._walk.leave(self)

    def resume(self) -> None:
        """Write what changed after the position; go live if the sink took it all.

        One synchronous step: there is no moment between history and live. Where the
        channel holds back, the follow stays neither paused nor live.
        """
        self.paused = False
        if self._walk.holds_back(self):
            return
        self.goal = self.view.extent.top
        for encoded in self.view.after(self.seq):
            self.take(encoded)
            if self.paused:
                return
        if not self.live:
            self.live = True
            self._walk.join(self)
