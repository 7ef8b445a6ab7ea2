"""The three contracts on one file, put together, opened and closed."""

from collections.abc import Callable
from pathlib import Path

from channels.sqlite.file import SqliteFile
from channels.sqlite.log import SqliteLog, Token
from channels.sqlite.records import SqliteRecords
from channels.sqlite.signals import LocalSignals


class SqliteStore:
    """Log, records and signals of the one process that a file serves.

    `token` and `bound` are as for `SqliteLog`, `clock` as for `LocalSignals`; `vfs`
    names the way SQLite takes to the disk.
    """

    def __init__(
        self,
        path: Path,
        *,
        token: Token,
        bound: int,
        clock: Callable[[], float],
        vfs: str | None = None,
    ) -> None:
        self.file = SqliteFile(path, vfs=vfs)
        self.log = SqliteLog(self.file, token=token, bound=bound)
        self.records = SqliteRecords(self.file)
        self.signals = LocalSignals(clock)

    async def open(self) -> None:
        """Open and recover the file. Raises `LogInUse`, `LogUnavailable`."""
        await self.file.open()

    async def close(self) -> None:
        """Finish what was asked, then give the file back."""
        await self.file.close()
