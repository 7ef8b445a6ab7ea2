"""Each event into bytes, once per format; the law: nothing here is per reader.

Injection is impossible by construction: event names come from a fixed set, an id is a
position, and data is one line of JSON. U+2028, U+2029 and U+0085 are escaped because
clients exist that take them for line ends (they split lines as Unicode does, not as
the event stream grammar: WHATWG HTML, 9.2.5).
"""

from collections.abc import Mapping, Sequence

import orjson

from channels.events import Event, timestamp
from channels.positions import Extent, Position, Reason

_LINE_ENDS = (
    (b"\xe2\x80\xa8", b"\\u2028"),
    (b"\xe2\x80\xa9", b"\\u2029"),
    (b"\xc2\x85", b"\\u0085"),
)


def dump(value: object) -> bytes:
    """One line of JSON in UTF-8 that no known client splits."""
    text = orjson.dumps(value)
    # Two lead bytes decide whether any of the three can be there at all.
    if b"\xe2\x80" in text or b"\xc2" in text:
        for raw, escaped in _LINE_ENDS:
            text = text.replace(raw, escaped)
    return text


class Encoded:
    """An event with its bytes, made when first asked for."""

    __slots__ = ("_json", "_sse", "event")

    def __init__(self, event: Event) -> None:
        self.event = event
        self._json: bytes | None = None
        self._sse: bytes | None = None

    @property
    def json(self) -> bytes:
        """The object WebSocket and `/changes` carry."""
        if self._json is None:
            event = self.event
            self._json = dump({"event": event.type, **_members(event)})
        return self._json

    @property
    def sse(self) -> bytes:
        """The frame of a stream that follows this channel alone."""
        if self._sse is None:
            event = self.event
            self._sse = sse_frame(
                event.type, _members(event), f"{event.epoch}-{event.seq}"
            )
        return self._sse

    def sse_with(self, id_: str) -> bytes:
        """The same frame under the id of a stream of several channels."""
        _, _, rest = self.sse.partition(b"\nid: ")
        _, _, data = rest.partition(b"\n")
        return b"event: %b\nid: %b\n%b" % (
            self.event.type.encode(),
            id_.encode(),
            data,
        )


def _members(event: Event) -> dict[str, object]:
    return {
        "channel": event.channel,
        "position": f"{event.epoch}-{event.seq}",
        "key": event.key,
        "at": timestamp(event.at),
        "data": event.data,
    }


def sse_frame(name: str, data: Mapping[str, object], id_: str | None = None) -> bytes:
    """One event of a stream. `name` is one of ours; `id_` a position or several."""
    head = f"event: {name}\n" if id_ is None else f"event: {name}\nid: {id_}\n"
    return b"%bdata: %b\n\n" % (head.encode(), dump(data))


def retry_frame(milliseconds: int) -> bytes:
    """How long this one connection is to wait before it comes back."""
    return b"retry: %d\n\n" % milliseconds


def opening(
    channel: str, extent: Extent, position: Position, reason: Reason | None
) -> tuple[str, dict[str, object]]:
    """`ready` or `reset`: the name and members of the event that opens a channel."""
    members: dict[str, object] = {"channel": channel}
    if reason is not None:
        members["reason"] = reason
    members |= {
        "position": str(position),
        "top": str(extent.end),
        "floor": extent.floor,
    }
    return ("ready" if reason is None else "reset"), members


def changes(
    channel: str,
    extent: Extent,
    position: Position,
    reason: Reason | None,
    events: Sequence[Encoded],
    *,
    more: bool,
) -> bytes:
    """The body of `GET /changes`; its events are joined, not encoded again."""
    head = dump(
        {
            "channel": channel,
            "position": str(position),
            "top": str(extent.end),
            "floor": extent.floor,
            "reset": reason,
            "more": more,
        }
    )
    listed = b",".join([encoded.json for encoded in events])
    return b'%b,"events":[%b]}' % (head[:-1], listed)
