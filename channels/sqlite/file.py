"""One SQLite file, one connection, one thread; many writers share one commit.

The law: nothing is reported done before the commit that holds it was synced to disk
(WAL, `synchronous=FULL`), and after the first failed sync the file is not trusted
again until the process starts anew: a later success would prove nothing about the
pages the kernel may have dropped.

The lock is SQLite's own, held for as long as the file is open, so that a second
process is refused. apsw brings a current SQLite along: the one in Debian 12 can
corrupt a WAL that two connections checkpoint (mended in 3.51.3).
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from channels.errors import LivewireError, LogInUse, LogUnavailable, StorageFull

_logger = logging.getLogger(__name__)

FORMAT = 1
"""Version of the stored format, kept in `PRAGMA user_version`."""

_GROUP = 256
"""At most this many jobs share one commit, so that none waits long for the rest."""

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

Work = Callable[[apsw.Connection], Any]
Then = Callable[[Any], None]


@dataclass(slots=True)
class _Job:
    work: Work
    then: Then | None
    scrub: bool
    done: "asyncio.Future[Any]"
    result: Any = None
    error: Exception | None = None


class SqliteFile:
    """The file, and the thread that alone touches it."""

    def __init__(self, path: Path, *, vfs: str | None = None) -> None:
        self._path = path
        self._vfs = vfs
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._broken = False

    async def open(self) -> None:
        """Open and recover the file, unless it is open. `LogInUse`, `LogUnavailable`."""
        if self._thread is not None:
            return
        self._loop = asyncio.get_running_loop()
        connection = await asyncio.to_thread(self._connect)
        self._thread = threading.Thread(
            target=self._work, args=(connection, self._loop), name="sqlite", daemon=True
        )
        self._thread.start()

    async def close(self) -> None:
        """Finish what was asked, then give the file back."""
        if self._thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    async def run(
        self, work: Work, then: Then | None = None, *, scrub: bool = False
    ) -> Any:
        """The result of `work`, once the commit that holds it is on disk.

        `then(result)` runs on the event loop first, in the order of the commits. With
        `scrub`, what was deleted is gone from the file's journal too.
        """
        if self._loop is None or self._thread is None:
            raise LogUnavailable("The log is not open.")
        if self._broken:
            raise LogUnavailable("The log's file failed; start the service again.")
        done = self._loop.create_future()
        self._jobs.put(_Job(work, then, scrub, done))
        return await done

    @property
    def broken(self) -> bool:
        """Whether a write or sync failed, so that the file is no longer trusted."""
        return self._broken

    def _connect(self) -> apsw.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = apsw.Connection(str(self._path), vfs=self._vfs)
            # Exclusive before WAL: the lock outlives each transaction, and the WAL
            # index stays in memory instead of a file that others could map.
            connection.pragma("locking_mode", "exclusive")
            connection.pragma("journal_mode", "wal")
            connection.pragma("synchronous", "full")
            # A purged text must not survive in the file's free pages.
            connection.pragma("secure_delete", "on")
            self._prepare(connection)
        except apsw.BusyError as error:
            raise LogInUse(
                f"{self._path} is open in another process. One process serves a SQLite "
                "log; set LIVEWIRE_REDIS_URL to run several."
            ) from error
        except apsw.Error as error:
            raise LogUnavailable(f"{self._path} cannot be opened: {error}") from error
        return connection

    def _prepare(self, connection: apsw.Connection) -> None:
        with connection:
            found = connection.pragma("user_version")
            if found == 0:
                connection.execute(_SCHEMA)
                connection.pragma("user_version", FORMAT)
            elif found != FORMAT:
                raise LogUnavailable(
                    f"{self._path} has format {found}; this version reads {FORMAT}."
                )
        # A write that changes nothing still takes the lock: a second process learns
        # at once that it is the second.
        with connection:
            connection.pragma("user_version", FORMAT)

    def _work(
        self, connection: apsw.Connection, loop: asyncio.AbstractEventLoop
    ) -> None:
        stopping = False
        while not stopping:
            jobs: list[_Job] = []
            job = self._jobs.get()
            while job is not None:
                jobs.append(job)
                if len(jobs) == _GROUP or self._jobs.empty():
                    break
                job = self._jobs.get()
            stopping = job is None
            if jobs:
                self._commit(connection, jobs)
                loop.call_soon_threadsafe(_report, jobs)
        connection.close()

    def _commit(self, connection: apsw.Connection, jobs: list[_Job]) -> None:
        """Run the jobs in one transaction; each fails alone, the commit for all."""
        if self._broken:
            _fail(jobs, LogUnavailable)
            return
        try:
            with connection:
                for job in jobs:
                    _run(connection, job)
            if any(job.scrub for job in jobs):
                # Pages that a purge zeroed in the file still stand in the WAL.
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.FullError:
            _fail(jobs, StorageFull)
        except apsw.Error as error:
            self._broken = True
            _logger.critical(
                "The log's file failed and is no longer trusted: %s", error
            )
            _fail(jobs, LogUnavailable)


def _run(connection: apsw.Connection, job: _Job) -> None:
    try:
        with connection:  # nested: a savepoint
            job.result = job.work(connection)
    except LivewireError as error:
        job.error = error


def _fail(jobs: list[_Job], error: Callable[[], LivewireError]) -> None:
    for job in jobs:
        job.error = error()


def _report(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.error is None and job.then is not None:
            job.then(job.result)
        if job.done.done():  # whoever asked has gone; what was stored stays
            continue
        if job.error is None:
            job.done.set_result(job.result)
        else:
            job.done.set_exception(job.error)
