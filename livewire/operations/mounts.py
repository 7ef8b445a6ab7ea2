"""On what kind of disk a folder lies, by what the kernel says of its mounts."""

from pathlib import Path

MOUNTS = Path("/proc/mounts")
OVER_THE_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "ceph", "glusterfs"}
)


def file_system(folder: Path, mounts: str) -> str:
    """The type of file system `folder` is on, by the text of /proc/mounts (proc(5))."""
    best, kind = -1, "unknown"
    for line in mounts.splitlines():
        _, point, found, *_ = line.split(" ")
        for escaped, char in (("\\040", " "), ("\\011", "\t"), ("\\134", "\\")):
            point = point.replace(escaped, char)
        # Of several mounts on one point, the last one is seen.
        if folder.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), found
    return kind
