"""Where pictures are kept: the contract, and the disk that fulfils it.

    <folder>/<first two of id>/<id>/<width>.jpg
                                    image.json

The law: a picture is on the disk whole or not at all. It is written aside, synced and
moved into place with one rename, and never changed afterwards. An id is matched
against its grammar before it becomes a path, so no id leads out of the folder.

Blocking: callers run these methods in a thread. Threads and processes may share a
folder.
"""

import errno
import os
import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from pydantic import TypeAdapter

from channels.errors import StorageFull
from publishers.media.images import Image

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png"}

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY)


@dataclass(frozen=True, slots=True)
class Rendition:
    """One picture in one width, as it is served."""

    type: str  # media type
    content: bytes


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of a kept picture without reading it."""

    width: int  # px of the upload once upright
    height: int
    type: str  # media type of every rendition
    widths: tuple[int, ...]  # px, rising: the renditions there are


class MediaStorage(Protocol):
    """Where pictures are kept; blocking. Ids are UUIDs in lower case."""

    def save(self, media_id: str, image: Image) -> None:
        """Keep the picture durably; an id kept before stays as it is.

        Raises `StorageFull` with nothing kept, and `ValueError` for what is no UUID.
        """

    def load(self, media_id: str, width: int) -> Rendition | None:
        """The picture in exactly this width, or None."""

    def describe(self, media_id: str) -> Description | None:
        """Size, media type and widths, or None if there is no such picture."""


_STORED = TypeAdapter(Description)


@dataclass(frozen=True, slots=True)
class DiskMedia:
    """Pictures in a folder of a local disk, which is made when needed."""

    folder: Path

    def save(self, media_id: str, image: Image) -> None:
        """Keep the picture; see `MediaStorage.save`."""
        home = self._home(media_id)
        if home is None:
            raise ValueError(f"not a UUID in lower case: {media_id!r}")
        try:
            home.parent.mkdir(parents=True, exist_ok=True)
            if not home.exists():
                self._place(home, image)
            # Also for a picture already there: whoever moved it may not be done yet.
            _sync(home.parent)
            _sync(self.folder)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise StorageFull from error
            raise

    def load(self, media_id: str, width: int) -> Rendition | None:
        """The picture in exactly this width, or None."""
        home, stored = self._home(media_id), self.describe(media_id)
        if home is None or stored is None or width not in stored.widths:
            return None
        path = home / _name(width, stored.type)
        return Rendition(stored.type, path.read_bytes())

    def describe(self, media_id: str) -> Description | None:
        """Size, media type and widths, or None if there is no such picture."""
        home = self._home(media_id)
        if home is None:
            return None
        try:
            return _STORED.validate_json((home / "image.json").read_bytes())
        except FileNotFoundError:
            return None

    def _home(self, media_id: str) -> Path | None:
        if not UUID.fullmatch(media_id):
            return None
        return self.folder / media_id[:2] / media_id

    def _place(self, home: Path, image: Image) -> None:
        # Inside the folder, because a rename does not cross file systems.
        with TemporaryDirectory(prefix=".saving-", dir=self.folder) as aside:
            made = Path(aside) / home.name
            made.mkdir()
            _fill(made, image)
            try:
                made.rename(home)
            except OSError as error:
                if error.errno not in _TAKEN:
                    raise  # taken means: somebody else just saved the same picture


def _fill(home: Path, image: Image) -> None:
    widths = tuple(sorted(image.renditions))
    stored = Description(image.width, image.height, image.type, widths)
    for width in widths:
        _write(home / _name(width, image.type), image.renditions[width])
    _write(home / "image.json", _STORED.dump_json(stored))
    _sync(home)


def _name(width: int, media_type: str) -> str:
    return f"{width}.{EXTENSIONS[media_type]}"


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make the names in a folder durable, which syncing the files does not."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
