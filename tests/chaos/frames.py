"""Server-sent events out of bytes as they arrive (WHATWG HTML, section 9.2).

Only what our service writes: one `data` line, `\\n` line ends. It is told apart from
the service's own encoder on purpose, and from the clients of ours that are under test.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a stream."""

    event: str
    id: str | None
    data: bytes


class Frames:
    """What arrived on one connection; half a frame never happened."""

    def __init__(self) -> None:
        self.retry: float | None = None  # seconds
        self._rest = b""

    def feed(self, received: bytes) -> Iterator[Frame]:
        """The frames that are whole now."""
        *whole, self._rest = (self._rest + received).split(b"\n\n")
        for text in whole:
            pairs = [line.partition(b": ") for line in text.split(b"\n")]
            fields = {name: value for name, _, value in pairs}
            if b"retry" in fields:
                self.retry = int(fields[b"retry"]) / 1000
            if b"data" in fields:
                id_ = fields.get(b"id")
                name = fields[b"event"].decode()
                yield Frame(name, id_.decode() if id_ else None, fields[b"data"])
