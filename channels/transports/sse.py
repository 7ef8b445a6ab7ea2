"""Server-sent events: `GET /stream` (WHATWG HTML, section 9.2).

The law: a native EventSource gives up for good on any status but 200, so everything
that may pass is said in the stream. A status of 4xx says that no channel asked for can
ever be served as asked.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from channels.access import Doorman, Reading
from channels.encoding import Encoded, opening, retry_frame, sse_frame
from channels.errors import Fault, Invalid, NotAcceptable
from channels.follow import Format
from channels.positions import Extent, Position, Reason, join_ids, split_id
from channels.transports.asgi import ABORT, AsgiSink
from channels.transports.connections import Connections

MEDIA_TYPE = "text/event-stream"
MOST_CHANNELS = 20


class SseFormat:
    """A stream of one channel: every reader gets the same bytes."""

    def change(self, encoded: Encoded) -> bytes:
        """The event's frame, made once for all readers."""
        return encoded.sse

    def opening(
        self, channel: str, extent: Extent, position: Position, reason: Reason | None
    ) -> bytes:
        """`ready` or `reset`; its id is where a reader that drops now goes on."""
        name, members = opening(channel, extent, position, reason)
        return sse_frame(name, members, str(position))

    def notice(self, name: str, members: Mapping[str, object]) -> bytes:
        """`heartbeat`, `problem`, `close`: no id, so the position stays."""
        return sse_frame(name, members)


class SseOfSeveral(SseFormat):
    """A stream of several channels: each id holds the positions of all of them."""

    def __init__(self, slots: Mapping[str, str]) -> None:
        self._slots = dict(sorted(slots.items()))

    def change(self, encoded: Encoded) -> bytes:
        """The shared data under this connection's id."""
        event = encoded.event
        return encoded.sse_with(self._at(event.channel, f"{event.epoch}-{event.seq}"))

    def opening(
        self, channel: str, extent: Extent, position: Position, reason: Reason | None
    ) -> bytes:
        """`ready` or `reset` of one of the channels."""
        name, members = opening(channel, extent, position, reason)
        return sse_frame(name, members, self._at(channel, str(position)))

    def _at(self, channel: str, position: str) -> str:
        self._slots[channel] = position
        return join_ids(list(self._slots.values()))


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """`retry` draws a connection's own milliseconds; `high_water` is in bytes.

    `most` streams are served at a time: what a process may open beyond them is for
    those who publish.
    """

    retry: Callable[[], int]
    high_water: int
    most: int


class Stream:
    """The door of `/stream`, as an ASGI application."""

    def __init__(
        self, doorman: Doorman, connections: Connections, limits: StreamLimits
    ) -> None:
        self._doorman = doorman
        self._connections = connections
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; returns when the stream has ended."""
        request = Request(scope, receive)
        _check_accept(request.headers.get("accept"))
        reading = self._doorman(request.headers.get("authorization"))
        starts = _starts(request, _channels(request))
        abort = scope.get("extensions", {}).get(ABORT, {}).get("abort")
        sink = AsgiSink(
            _format(starts), high_water=self._limits.high_water, abort=abort
        )
        sink.write(retry_frame(self._limits.retry()))
        joining, draining = self._connections.joining, self._connections.draining
        try:
            if len(self._connections) < self._limits.most:
                await joining.join(sink, starts, reading, draining=draining)
            await self._open(send, reading)
            if request.method == "HEAD":
                await send({"type": "http.response.body", "body": b""})
                return
            if self._connections.draining:
                sink.close("draining", reconnect=True)
            elif not (sink.follows or joining.held(sink)):
                sink.close("busy", reconnect=True)
            self._connections.add(sink)
            await sink.run(receive, send)
        finally:
            self._connections.discard(sink)
            joining.leave(sink)

    async def _open(self, send: Send, reading: Reading) -> None:
        kept = b"private, no-store" if reading.private else b"no-store"
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", MEDIA_TYPE.encode()),
                    # Proxies must neither keep, nor compress, nor hold back a stream.
                    (b"cache-control", kept + b", no-transform"),
                    (b"x-accel-buffering", b"no"),
                ],
            }
        )


def _check_accept(accept: str | None) -> None:
    parts = (accept or "*/*").lower().split(",")
    kinds = {part.split(";")[0].strip() for part in parts}
    if not kinds & {MEDIA_TYPE, "text/*", "*/*"}:
        raise NotAcceptable(f"A stream is {MEDIA_TYPE}.")


def _channels(request: Request) -> list[str]:
    names = sorted(set(request.query_params.getlist("channel")))
    if not names:
        fault = Fault("?channel", "Name at least one channel.")
        raise Invalid(errors=[fault])
    if len(names) > MOST_CHANNELS:
        fault = Fault("?channel", f"At most {MOST_CHANNELS} channels on a connection.")
        raise Invalid(errors=[fault])
    return names


def _starts(request: Request, names: list[str]) -> dict[str, str | None]:
    """Where each channel is to start: a position, "" (malformed) or None (now).

    The header beats the query: a native reconnect repeats its first address. The
    other two spellings of `since` are what polyfills of EventSource send.
    """
    given: str | None = None
    headers = request.headers.getlist("last-event-id")
    if headers:
        given = headers[0] if len(headers) == 1 else ""
    else:
        for spelling in ("since", "lastEventId", "last_event_id"):
            given = request.query_params.get(spelling, given)
    if given is None:
        return dict.fromkeys(names)
    return dict(zip(names, split_id(given, len(names)), strict=True))


def _format(starts: Mapping[str, str | None]) -> Format:
    if len(starts) == 1:
        return SseFormat()
    return SseOfSeveral({name: start or "" for name, start in starts.items()})
