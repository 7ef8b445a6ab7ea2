"""The log contract on a SQLite file.

The guard is a fresh id per opening: the first append to a channel after that starts a
new epoch, so a file that was put back from a copy can never give a number that some
reader already holds under the same name.

A row is never deleted, only blanked where it stands: a deletion makes SQLite move the
neighbours together, and copies of them stay behind in the pages' slack, where no later
purge finds them (`secure_delete` does not cover these).
"""

from collections.abc import Callable, Sequence

import apsw
import orjson

from channels.errors import Conflict
from channels.events import (
    EVENT_TYPES,
    Append,
    Entry,
    Event,
    instant,
    is_bounded,
    number,
    timestamp,
)
from channels.listeners import Listeners
from channels.log import Deliver, Delivery, History, Stop, Stored
from channels.positions import Epoch, Extent
from channels.sqlite.file import SqliteFile

Token = Callable[[], str]

_READ = (
    "SELECT epoch, seq, key, version, type, id, at, data, private FROM events"
    " WHERE channel = ? AND seq > ? AND private > x'01' ORDER BY seq"
)
# Zeros, which no JSON begins with, and as many as the bytes they replace: only then
# does SQLite write over the row where it is.
_BLANK = (
    "UPDATE events SET data = zeroblob(length(data)),"
    " private = zeroblob(length(private)) WHERE channel = ? AND seq = ?"
)


class SqliteLog:
    """Channels of events in one file.

    `token` gives a new random epoch name (eight of 0-9a-z) at each call; `bound` is
    how many numbers a bounded channel keeps.
    """

    durability = "fsync"

    def __init__(self, file: SqliteFile, *, token: Token, bound: int) -> None:
        self._file = file
        self._token = token
        self._guard = token()
        self._bound = bound
        self._listeners = Listeners[Delivery]()

    async def append(self, batch: Sequence[Append]) -> Stored:
        """Store the batch in one commit, tell the listeners, return the new tops."""

        def work(connection: apsw.Connection) -> list[Delivery]:
            return self._append(connection, batch)

        deliveries = await self._file.run(
            work, then=self._deliver, scrub=any(each.remove for each in batch)
        )
        tops = {each.channel: each.extent.end for each in deliveries}
        return Stored(tops, self.durability)

    async def read(self, channel: str, after: int = 0) -> History:
        """The entries of `channel` above `after`, and its extent, at one instant."""

        def work(connection: apsw.Connection) -> History:
            extent, _ = _extent(connection, channel)
            rows = connection.execute(
                _READ,
                (channel, max(after, extent.floor)),
            )
            return History(extent, tuple([_entry(channel, *row) for row in rows]))

        history: History = await self._file.run(work)
        return history

    async def listen(self, channel: str, deliver: Deliver) -> Stop:
        """Hear every append to `channel`, in order, until the stop is called."""
        return self._listeners.add(channel, deliver)

    def proven(self) -> float:
        """Now, for as long as the file is trusted."""
        return self._file.proven()

    def _deliver(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            self._listeners.tell(delivery.channel, delivery)

    def _append(
        self, connection: apsw.Connection, batch: Sequence[Append]
    ) -> list[Delivery]:
        extents = {each.channel: _extent(connection, each.channel) for each in batch}
        for each in batch:
            extent = extents[each.channel][0]
            if not _is_expected(each, extent):
                raise Conflict(each.channel, extent.top)
        return [
            self._append_to(connection, each, *extents[each.channel]) for each in batch
        ]

    def _append_to(
        self, connection: apsw.Connection, append: Append, extent: Extent, guard: str
    ) -> Delivery:
        epochs = extent.epochs
        if guard != self._guard:
            epochs = (*epochs, Epoch(self._token(), extent.top + 1))
        entries = number(append, epochs[-1].name, extent.top)
        top = extent.top + len(entries)
        floor = extent.floor
        if is_bounded(append.channel):
            floor = max(floor, top - self._bound)
        after = Extent(epochs, top, floor)
        connection.executemany(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [_row(entry) for entry in entries],
        )
        forgotten = range(extent.floor + 1, floor + 1)
        connection.executemany(
            _BLANK, [(append.channel, seq) for seq in (*append.remove, *forgotten)]
        )
        _keep_extent(connection, append.channel, after, self._guard)
        return Delivery(append.channel, after, entries)


def _is_expected(append: Append, extent: Extent) -> bool:
    if append.expected_seq is not None and append.expected_seq != extent.top:
        return False
    epoch = append.expected_epoch
    return epoch is None or extent.top == 0 or epoch == extent.end.epoch


def _row(entry: Entry) -> tuple[str | int | bytes | None, ...]:
    event = entry.event
    data = None if event.data is None else orjson.dumps(event.data)
    return (
        event.channel,
        event.seq,
        event.epoch,
        event.key,
        event.version,
        event.type,
        event.id,
        timestamp(event.at),
        data,
        orjson.dumps(entry.private),
    )


def _entry(
    channel: str,
    epoch: str,
    seq: int,
    key: str,
    version: int,
    type_: str,
    id_: str,
    at: str,
    data: bytes | None,
    private: bytes,
) -> Entry:
    return Entry(
        Event(
            channel,
            epoch,
            seq,
            key,
            version,
            EVENT_TYPES[type_],
            id_,
            instant(at),
            None if data is None else orjson.loads(data),
        ),
        orjson.loads(private),
    )


def _extent(connection: apsw.Connection, channel: str) -> tuple[Extent, str]:
    row = connection.execute(
        "SELECT top, floor, guard, epochs FROM channels WHERE name = ?", (channel,)
    ).fetchone()
    if row is None:
        return Extent(), ""
    top, floor, guard, epochs = row
    lives = tuple(Epoch(name, first) for name, first in orjson.loads(epochs))
    return Extent(lives, top, floor), guard


def _keep_extent(
    connection: apsw.Connection, channel: str, extent: Extent, guard: str
) -> None:
    epochs = orjson.dumps([(epoch.name, epoch.first) for epoch in extent.epochs])
    connection.execute(
        "INSERT OR REPLACE INTO channels VALUES (?, ?, ?, ?, ?)",
        (channel, extent.top, extent.floor, guard, epochs.decode()),
    )
