"""Opening the file: its lock, its settings, its format.

The lock is SQLite's own, held for as long as the file is open, so that a second
process is refused. apsw brings a current SQLite along: the one in Debian 12 can
corrupt a WAL that two connections checkpoint (mended in 3.51.3).

What is made here, nobody else on the machine may read: it holds drafts, and what was
withdrawn.
"""

import os
from contextlib import suppress
from pathlib import Path

import apsw

from channels.errors import LogInUse, LogUnavailable

FORMAT = 1
"""Version of the stored format, kept in `PRAGMA user_version`."""

_SCHEMA = """
CREATE TABLE channels (
    name TEXT PRIMARY KEY, top INTEGER NOT NULL, floor INTEGER NOT NULL,
    guard TEXT NOT NULL, epochs TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE events (
    channel TEXT NOT NULL, seq INTEGER NOT NULL, epoch TEXT NOT NULL,
    key TEXT NOT NULL, version INTEGER NOT NULL, type TEXT NOT NULL, id TEXT NOT NULL,
    at TEXT NOT NULL, data BLOB, private BLOB NOT NULL, UNIQUE (channel, seq)
);
CREATE TABLE records (
    name TEXT PRIMARY KEY, version INTEGER NOT NULL, value BLOB NOT NULL
) WITHOUT ROWID;
"""


def connect(path: Path, *, vfs: str | None = None) -> apsw.Connection:
    """The file, recovered and locked. `vfs` names SQLite's way to the disk.

    Raises `LogInUse`, or `LogUnavailable` where the file is not ours to use.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        _make(path)
        connection = apsw.Connection(str(path), vfs=vfs)
        try:
            _set_up(connection)
        except BaseException:
            connection.close()
            raise
    except apsw.BusyError as error:
        raise LogInUse(
            f"{path} is open in another process. One process serves a SQLite log; set"
            " LIVEWIRE_REDIS_URL for more."
        ) from error
    except (apsw.Error, OSError, _UnknownFormat) as error:
        raise LogUnavailable(f"{path} cannot be opened: {error}") from error
    return connection


def _make(path: Path) -> None:
    """An empty file for its owner alone, if there is none.

    SQLite would make one by the umask; its journal gets the mode of the file.
    """
    with suppress(FileExistsError):
        # Only a new file: to close one that SQLite has open would drop its locks.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


class _UnknownFormat(Exception):
    """The file was written by another version."""


def _set_up(connection: apsw.Connection) -> None:
    # Exclusive before WAL: the lock outlives each transaction, and the WAL index
    # stays in memory instead of a file that others could map.
    connection.pragma("locking_mode", "exclusive")
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    # What a purge overwrites is copied to no temporary file on its way.
    connection.pragma("temp_store", "memory")
    connection.pragma("secure_delete", "on")
    with connection:
        found = connection.pragma("user_version")
        if found == 0:
            connection.execute(_SCHEMA)
            connection.pragma("user_version", FORMAT)
        elif found != FORMAT:
            raise _UnknownFormat(f"it has format {found}; this version reads {FORMAT}.")
    # Takes the lock without writing, which a full disk would forbid: a second process
    # learns at once that it is the second.
    connection.execute("BEGIN IMMEDIATE; COMMIT")
