"""One SQLite file, one connection, one thread; many writers share one commit.

The law: nothing is reported done before the commit that holds it was synced to disk
(WAL, `synchronous=FULL`), and after the first failed sync the file is not trusted
again until the process starts anew: a later success would prove nothing about the
pages the kernel may have dropped.

The WAL is moved into the file by this thread and not by SQLite's own hook, which hides
failed syncs.
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

from channels.errors import LivewireError, LogUnavailable, StorageFull
from channels.sqlite.opening import connect

_logger = logging.getLogger(__name__)

_GROUP = 256
"""At most this many jobs share one commit, so that none waits long for the rest."""

_FILE_FAILED = (
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.IOError,
    apsw.NoMemError,
    apsw.NotADBError,
    apsw.PermissionsError,
    apsw.ReadOnlyError,
)
"""What says that the file is not to be trusted; other errors are one job's own."""

Work = Callable[[apsw.Connection], Any]
Then = Callable[[Any], None]


@dataclass(slots=True)
class _Job:
    work: Work
    then: Then | None
    scrub: bool
    done: "asyncio.Future[Any]"
    result: Any = None
    stored: bool = False
    error: Exception | None = None


class SqliteFile:
    """The file, and the thread that alone touches it."""

    journal = 1_000
    """Pages that the WAL may hold before they are moved into the file."""

    def __init__(self, path: Path, *, vfs: str | None = None) -> None:
        self._path = path
        self._vfs = vfs
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._broken = False
        self._broke = 0.0  # loop's time
        self._pages = 0  # in the WAL now
        # Whether purged text may stand in the WAL: an earlier life may have left some.
        self._scrub = True

    async def open(self) -> None:
        """Open and recover the file, if closed. Raises `LogInUse`, `LogUnavailable`."""
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
        thread, self._thread = self._thread, None
        if thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(thread.join)

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

    def proven(self) -> float:
        """The loop's time at which the file was last known to be sound."""
        return self._broke if self._broken else asyncio.get_running_loop().time()

    def _connect(self) -> apsw.Connection:
        connection = connect(self._path, vfs=self._vfs)
        connection.set_wal_hook(self._count)
        return connection

    def _count(self, connection: apsw.Connection, name: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK

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
                self._move_journal(connection)
        if self._broken or not self._empty_journal(connection):
            # The journal holds what the file lacks, and is read at the next opening.
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        connection.close()

    def _commit(self, connection: apsw.Connection, jobs: list[_Job]) -> None:
        """Run the jobs in one transaction; each fails alone, the commit for all."""
        if self._broken:
            _fail(jobs, LogUnavailable)
            return
        try:
            _transact(connection, jobs)
        except apsw.FullError:
            self._commit_singly(connection, jobs)
        except apsw.Error as error:
            self._distrust(error)
            _fail(jobs, LogUnavailable)
        else:
            self._settle(connection, [job for job in jobs if job.error is None])

    def _settle(self, connection: apsw.Connection, stored: list[_Job]) -> None:
        for job in stored:
            job.stored = True
        self._scrub |= any(job.scrub for job in stored)
        if self._scrub and not self._empty_journal(connection):
            # Stored, but not yet gone from the disk: who asks again finds it done.
            unsure = [job for job in stored if job.scrub or self._broken]
            _fail(unsure, LogUnavailable)

    def _commit_singly(self, connection: apsw.Connection, jobs: list[_Job]) -> None:
        """On a full disk what has room, and what only reads, must not fail too."""
        if len(jobs) == 1:
            _fail(jobs, StorageFull)
            return
        for job in jobs:
            self._commit(connection, [job])

    def _empty_journal(self, connection: apsw.Connection) -> bool:
        """Overwrite in the file, and cut off the WAL, what a purge removed."""
        try:
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.FullError:
            return False  # tried again after the next commit
        except apsw.Error as error:
            self._distrust(error)
            return False
        self._scrub = False
        self._pages = 0
        return True

    def _move_journal(self, connection: apsw.Connection) -> None:
        if self._broken or self._pages < self.journal:
            return
        try:
            connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        except apsw.FullError:
            return  # the WAL serves meanwhile
        except apsw.Error as error:
            self._distrust(error)
        self._pages = 0

    def _distrust(self, error: apsw.Error) -> None:
        self._broken = True
        self._broke = self._loop.time() if self._loop else 0.0
        _logger.critical("The log's file failed and is no longer trusted: %s", error)


def _transact(connection: apsw.Connection, jobs: list[_Job]) -> None:
    # Not apsw's `with`: where SQLite has rolled back by itself, as it does on a full
    # disk, that raises an error of its own over the one that counts.
    connection.execute("BEGIN")
    try:
        for job in jobs:
            _run(connection, job)
        connection.execute("COMMIT")
    except apsw.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _run(connection: apsw.Connection, job: _Job) -> None:
    job.error = None
    connection.execute("SAVEPOINT job")
    try:
        job.result = job.work(connection)
    except (apsw.FullError, *_FILE_FAILED):
        raise
    except Exception as error:
        job.error = error
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")


def _fail(jobs: list[_Job], error: Callable[[], LivewireError]) -> None:
    for job in jobs:
        job.error = error()


def _report(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.stored and job.then is not None:
            job.then(job.result)
        if job.done.done():  # whoever asked has gone; what was stored stays
            continue
        if job.error is None:
            job.done.set_result(job.result)
        else:
            job.done.set_exception(job.error)
