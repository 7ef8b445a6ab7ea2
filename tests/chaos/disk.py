"""A disk that can be cut off, be full, or fail a sync, under a real SQLite.

Writes reach the real file at once, as they reach the page cache; what would survive a
power cut is kept beside it: the bytes as of the last good sync of each file, and the
writes since, any of which may be lost, or torn. A failed sync makes the writes it was
to save unsavable, as Linux does: a later sync succeeds without them.
"""

import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal

import apsw

Loss = Literal["all", "tail", "some", "torn"]
"""What a power cut takes of the writes not synced: each, the last ones, any, parts."""

_count = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Change:
    """One write, or a new length where there is no `data`."""

    offset: int
    data: bytes | None

    def apply(self, to: bytearray) -> None:
        if self.data is None:
            del to[self.offset :]
        else:
            to.extend(bytes(max(0, self.offset - len(to))))
            to[self.offset : self.offset + len(self.data)] = self.data

    def torn(self, random: Random) -> "Change":
        if self.data is None:
            return self
        return Change(self.offset, self.data[: random.randrange(len(self.data) + 1)])


@dataclass(slots=True)
class Stored:
    """What the platter has of one file, and what is on its way there."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Change] = field(default_factory=list)
    length: int = 0  # as the process sees it

    def after(self, loss: Loss, random: Random) -> bytes:
        kept = bytearray(self.durable)
        for change in _surviving(self.pending, loss, random):
            change.apply(kept)
        return bytes(kept)


@dataclass(frozen=True, slots=True)
class Image:
    """The disk at one instant."""

    files: dict[str, Stored]

    def cut(self, folder: Path, loss: Loss, random: Random) -> None:
        """Write down what a power cut at that instant leaves."""
        folder.mkdir()
        for name, stored in self.files.items():
            (folder / name).write_bytes(stored.after(loss, random))


class Disk(apsw.VFS):
    """The disk, as a VFS of the name `disk.name`."""

    def __init__(self) -> None:
        self.name = f"disk-{next(_count)}"
        super().__init__(self.name, "")
        self.files: dict[str, Stored] = {}
        self.syncs = 0
        self.room: int | None = None  # bytes that all files may have together
        self.fail_sync: int | None = None  # which sync is to fail, counting from 1
        self.failed = False
        self.watch: Callable[[], None] = lambda: None  # before each write and sync

    def xOpen(
        self, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> apsw.VFSFile:
        assert name is not None, "a temporary file would escape the disk"
        path = name if isinstance(name, str) else name.filename()
        return _File(self, path, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        super().xDelete(filename, syncdir)
        self.files.pop(os.path.basename(filename), None)

    def image(self) -> Image:
        """A copy of the disk as it is now."""
        return Image(
            {
                name: Stored(bytearray(each.durable), list(each.pending))
                for name, each in self.files.items()
            }
        )

    def take(self, stored: Stored, length: int) -> None:
        """Room for a file of that length, or `FullError`."""
        used = sum(each.length for each in self.files.values())
        if self.room is not None and used - stored.length + length > self.room:
            raise apsw.FullError("no space left on this disk")
        stored.length = length


class _File(apsw.VFSFile):
    """One open file of the disk."""

    def __init__(self, disk: Disk, path: str, flags: list[int]) -> None:
        super().__init__("", path, flags)
        self._disk = disk
        self._stored = disk.files.setdefault(os.path.basename(path), Stored())

    def xWrite(self, data: bytes, offset: int) -> None:
        self._disk.watch()
        end = offset + len(data)
        if end > self._stored.length:
            self._disk.take(self._stored, end)
        super().xWrite(data, offset)
        self._stored.pending.append(Change(offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        self._disk.watch()
        super().xTruncate(newsize)
        self._stored.length = newsize
        self._stored.pending.append(Change(newsize, None))

    def xSync(self, flags: int) -> None:
        self._disk.watch()
        self._disk.syncs += 1
        if self._disk.syncs == self._disk.fail_sync:
            self._disk.failed = True
            self._stored.pending.clear()
            raise apsw.IOError("the disk lost what was to be synced")
        super().xSync(flags)
        for change in self._stored.pending:
            change.apply(self._stored.durable)
        self._stored.pending.clear()


def _surviving(pending: list[Change], loss: Loss, random: Random) -> list[Change]:
    if loss == "all":
        return []
    if loss == "tail":
        return pending[: random.randrange(len(pending) + 1)]
    kept = [change for change in pending if random.random() < 0.5]
    if loss == "torn":
        return [
            change.torn(random) if random.random() < 0.3 else change for change in kept
        ]
    return kept
