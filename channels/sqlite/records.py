"""The records contract on a SQLite file."""

import apsw
import orjson

from channels.records import Record, Value
from channels.sqlite.file import SqliteFile


class SqliteRecords:
    """Values by name, in the file that holds the log."""

    def __init__(self, file: SqliteFile) -> None:
        self._file = file

    async def get(self, name: str) -> Record | None:
        """The record, or None."""

        def work(connection: apsw.Connection) -> Record | None:
            row = connection.execute(
                "SELECT name, version, value FROM records WHERE name = ?", (name,)
            ).fetchone()
            return None if row is None else _record(*row)

        record: Record | None = await self._file.run(work)
        return record

    async def put(self, name: str, value: Value, *, seen: int) -> Record | None:
        """Keep `value` if the record is still at version `seen` (0: absent)."""
        text = orjson.dumps(value)

        def work(connection: apsw.Connection) -> Record | None:
            if seen == 0:
                connection.execute(
                    "INSERT OR IGNORE INTO records VALUES (?, 1, ?)", (name, text)
                )
            else:
                connection.execute(
                    "UPDATE records SET version = version + 1, value = ?"
                    " WHERE name = ? AND version = ?",
                    (text, name, seen),
                )
            kept = connection.changes() == 1
            return Record(name, seen + 1, value) if kept else None

        record: Record | None = await self._file.run(work)
        return record

    async def scan(self, prefix: str) -> tuple[Record, ...]:
        """All records whose name begins with `prefix`, by name."""

        def work(connection: apsw.Connection) -> tuple[Record, ...]:
            rows = connection.execute(
                "SELECT name, version, value FROM records"
                " WHERE substr(name, 1, ?) = ? ORDER BY name",
                (len(prefix), prefix),
            )
            return tuple([_record(*row) for row in rows])

        records: tuple[Record, ...] = await self._file.run(work)
        return records

    async def delete(self, name: str) -> None:
        """Forget the record, if there is one."""

        def work(connection: apsw.Connection) -> None:
            connection.execute("DELETE FROM records WHERE name = ?", (name,))

        await self._file.run(work)


def _record(name: str, version: int, value: bytes) -> Record:
    return Record(name, version, orjson.loads(value))
