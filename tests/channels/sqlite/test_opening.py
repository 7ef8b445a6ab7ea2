"""What the log makes on the disk is its owner's alone."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.errors import LogUnavailable
from channels.sqlite.opening import connect


@pytest.fixture(autouse=True)
def _permissive() -> Iterator[None]:
    """A umask that takes nothing away: what is private is so by our doing."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_directory_file_and_journal_are_made_for_their_owner(tmp_path: Path) -> None:
    path = tmp_path / "data" / "livewire.db"
    connection = connect(path)
    connection.execute("INSERT INTO records VALUES ('k/1', 1, x'00')")
    modes = {each.name: mode(each) for each in path.parent.iterdir()}
    connection.close()
    assert modes == {"livewire.db": 0o600, "livewire.db-wal": 0o600}
    assert mode(path.parent) == 0o700


def test_what_was_there_before_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "data" / "livewire.db"
    connect(path).close()
    path.chmod(0o640)
    path.parent.chmod(0o750)
    connect(path).close()
    assert (mode(path.parent), mode(path)) == (0o750, 0o640)


def test_a_file_that_cannot_be_made_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable, match="cannot be opened"):
        connect(tmp_path / ("x" * 300))
