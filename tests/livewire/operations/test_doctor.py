"""What the doctor makes of a machine it is only told of."""

from datetime import UTC, datetime
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from livewire.operations.doctor import OVER_THE_NETWORK, examine, file_system

MOUNTS = r"""/dev/sda1 / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
desk:/export /srv/news nfs4 rw 0 0
/dev/sdb1 /srv/news/local xfs rw 0 0
//nas/share /mnt/the\040desk cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/desk/data", "ext4"),
        ("/srv/news/data", "nfs4"),
        ("/srv/newsroom", "ext4"),
        ("/srv/news/local/data", "xfs"),
        ("/mnt/the desk/data", "cifs"),
    ],
)
def test_the_innermost_mount_says_where_the_data_lies(folder: str, kind: str) -> None:
    assert file_system(Path(folder), MOUNTS) == kind
    assert (kind in OVER_THE_NETWORK) == (kind in ("nfs4", "cifs"))


def test_django_channels_beside_us_is_grave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "channels-4.3.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: channels\nVersion: 4.3.1\n"
    )
    assert Distribution.at(info).version == "4.3.1"
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    found = [each for each in examine(datetime.now(UTC)) if each.grave]
    assert ["Django Channels 4.3.1" in each.what for each in found] == [True]


def test_a_clock_before_the_release_is_grave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = [each for each in examine(datetime(1970, 1, 1, tzinfo=UTC)) if each.grave]
    assert ["1970-01-01" in each.what for each in found] == [True]
