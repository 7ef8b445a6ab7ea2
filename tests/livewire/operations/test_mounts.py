"""On what a folder lies, by the text the kernel gives."""

from pathlib import Path

import pytest

from livewire.operations.mounts import OVER_THE_NETWORK, file_system

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
