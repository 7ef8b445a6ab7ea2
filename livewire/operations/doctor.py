"""What the machine and the settings are fit for, each thing in a sentence.

The law: nothing here changes anything, and each finding says what is so, what can be
lost by it and which line to change.
"""

import os
import platform
import resource
import shutil
import stat
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit

import apsw
import httpx

from channels.findings import Finding
from livewire.operations.mounts import MOUNTS, OVER_THE_NETWORK, file_system
from livewire.settings import BadSettings, Settings, is_loopback, load
from publishers.tokens import SHORTEST_SECRET

OLDEST_PYTHON = (3, 11)
OLDEST_SQLITE = (3, 51, 3)  # before it, a checkpoint could corrupt the log
LEAST_SPACE = 200_000_000  # bytes; less is gone in one evening of pictures
FEW_FILES = 4096  # open files; each reader is one
RELEASED = datetime(2026, 11, 1, tzinfo=UTC)  # no right clock is before this


def examine(now: datetime) -> Iterator[Finding]:
    """Everything there is to find; `now` is what the clock says."""
    yield _python()
    yield _other_channels()
    yield _sqlite()
    yield _clock(now)
    yield _open_files()
    yield from _service()


def _service() -> Iterator[Finding]:
    try:
        settings = load()
    except BadSettings as error:
        yield Finding(
            f"The settings do not load: {error}",
            "The service does not start.",
            "Change the line or the variable named here.",
            grave=True,
        )
        return
    yield Finding("The settings load.")
    yield _address(settings)
    place = _directory(settings)
    yield place
    if place.grave:
        return  # the rest is in there, where we cannot look
    yield _secret(settings)
    yield _privacy(settings)
    yield _space(settings)
    if settings.redis_url:
        yield from _many_machines(settings)
        return  # the log is elsewhere, and pictures may lie on a shared disk
    yield _file_system(settings)
    yield _log(settings)


def _python() -> Finding:
    what = f"Python is {platform.python_version()}."
    if sys.version_info >= OLDEST_PYTHON:
        return Finding(what)
    remedy = "Make the environment anew with Python 3.11 or newer."
    return Finding(what, "The service does not start.", remedy, grave=True)


def _other_channels() -> Finding:
    try:
        found = distribution("channels").version
    except PackageNotFoundError:
        return Finding("Django Channels is not installed beside Livewire.")
    return Finding(
        f"Django Channels {found} is installed here, and has our import name.",
        "Either of the two may load the other's code, and stop.",
        "Run `pip uninstall channels`, then install Livewire again: it wants an"
        " environment of its own.",
        grave=True,
    )


def _sqlite() -> Finding:
    version = apsw.sqlite_lib_version()
    what = f"SQLite is {version}."
    if tuple(int(part) for part in version.split(".")) >= OLDEST_SQLITE:
        return Finding(what)
    remedy = "Run `pip install -U apsw`."
    return Finding(what, "It can corrupt the log.", remedy, grave=True)


def _clock(at: datetime) -> Finding:
    if at > RELEASED:
        return Finding(f"The clock says {at:%Y-%m-%d %H:%M} UTC.")
    return Finding(
        f"The clock says {at:%Y-%m-%d %H:%M} UTC, which is before this release.",
        "Updates get wrong times and tokens are refused.",
        "Run `timedatectl set-ntp true`.",
        grave=True,
    )


def _open_files() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    what = f"A process that is started here may open {soft} files."
    if soft == resource.RLIM_INFINITY or soft >= FEW_FILES:
        return Finding(what)
    return Finding(
        what,
        "Each reader is one: further ones are turned away.",
        "Put LimitNOFILE=65536 into the unit, or run `ulimit -n 65536` before.",
        grave=soft < 256,
    )


def _address(settings: Settings) -> Finding:
    what = f"Readers reach the site at {settings.address}."
    if settings.is_secure or is_loopback(urlsplit(settings.address).hostname or ""):
        return Finding(what)
    return Finding(
        what,
        "Whoever is on the way can read an editor's token, and withdraw with it.",
        "Put a proxy that does TLS before it, and https:// into base_url.",
        grave=True,
    )


def _secret(settings: Settings) -> Finding:
    file = settings.data_dir / "secret"
    refused = "The service does not start."
    longer = f"Set LIVEWIRE_SECRET to {SHORTEST_SECRET} random bytes or more."
    if settings.secret:
        size = len(settings.secret.encode())
        what = f"LIVEWIRE_SECRET has {size} bytes."
        if size >= SHORTEST_SECRET:
            return Finding(what)
        return Finding(what, refused, longer, grave=True)
    if not is_loopback(settings.host):
        what = (
            f"There is no LIVEWIRE_SECRET, and the service listens on {settings.host}."
        )
        return Finding(what, refused, longer, grave=True)
    if not file.exists():
        return Finding(f"The secret will be made in {file} at the first start.")
    return _secret_file(file)


def _secret_file(file: Path) -> Finding:
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        return Finding(
            f"{file} has mode {mode:04o}: others on this machine can read it.",
            "Whoever does can sign tokens, and withdraw every story.",
            f"Run `chmod 600 {file}`.",
            grave=True,
        )
    try:
        size = len(file.read_text().strip().encode())
    except (OSError, UnicodeDecodeError) as error:
        size, what = 0, f"{file} cannot be read: {error}."
    else:
        what = f"The secret in {file} has {size} bytes and mode {mode:04o}."
    if size >= SHORTEST_SECRET:
        return Finding(what)
    remedy = f"Delete {file}: a new one is made, and everybody signs in again."
    return Finding(what, "The service does not start.", remedy, grave=True)


def _directory(settings: Settings) -> Finding:
    folder = settings.data_dir.absolute()
    nearest = _existing(folder)
    if not os.access(nearest, os.W_OK | os.X_OK) or not nearest.is_dir():
        return Finding(
            f"{nearest} cannot be written.",
            "The service does not start: its data has no place.",
            f"Run `chown` on it for the user of the service, or change data_dir"
            f" ({settings.data_dir}).",
            grave=True,
        )
    if nearest != folder:
        return Finding(f"{folder} will be made at the first start.")
    return Finding(f"{folder} can be written.")


def _privacy(settings: Settings) -> Finding:
    folder = settings.data_dir
    kept = (folder, folder / "livewire.db", folder / "livewire.db-wal")
    found = [path for path in kept if _is_open(path)]
    files = [path for path in found if path != folder]
    if not found:
        return Finding("Nobody else on this machine can read the data.")
    remedies = [f"`chmod {600 if path in files else 700} {path}`" for path in found]
    risk = "Drafts, withdrawn text and pictures can be read there."
    if not files:
        risk = "Pictures can be seen there, those of drafts too."
    elif folder not in found:
        risk = "Its directory keeps them out; a copy of it elsewhere does not."
    return Finding(
        f"Others on this machine may read {', '.join(map(str, found))}.",
        risk,
        f"Run {' and '.join(remedies)}.",
        grave=files != [] and folder in found,
    )


def _is_open(path: Path) -> bool:
    return path.exists() and path.stat().st_mode & 0o077 != 0


def _file_system(settings: Settings) -> Finding:
    try:
        text = MOUNTS.read_text()
    except OSError:
        return Finding("This system does not tell on what disk the data lies.")
    folder = _existing(settings.data_dir.resolve())
    kind = file_system(folder, text)
    if kind not in OVER_THE_NETWORK:
        return Finding(f"The data lies on a disk of this machine ({kind}).")
    return Finding(
        f"The data lies on a network file system ({kind}).",
        "Its locks and its syncs are not reliable: acknowledged updates can be lost.",
        "Let data_dir name a disk of this machine.",
        grave=True,
    )


def _space(settings: Settings) -> Finding:
    free = shutil.disk_usage(_existing(settings.data_dir.absolute())).free
    what = f"There are {free / 1e9:,.1f} GB free for the data."
    if free >= LEAST_SPACE:
        return Finding(what)
    risk = "When the disk is full, nothing can be published."
    if settings.redis_url:
        risk = "When the disk is full, no picture can be taken."
    return Finding(what, risk, "Make room, or move data_dir.", grave=True)


def _many_machines(settings: Settings) -> Iterator[Finding]:
    """What has to be the same everywhere, where Redis can be reached from others."""
    hosts = urlsplit(settings.redis_url).netloc.rpartition("@")[2].split(",")
    names = [_host(each) for each in hosts]
    if settings.secret or all(is_loopback(name) for name in names if name):
        return
    yield Finding(
        "The secret is made on this machine, and other machines may serve this site.",
        "Each makes its own: editors who sign in at one are strangers at the next.",
        "Set LIVEWIRE_SECRET to the same random bytes on all of them.",
    )


def _host(text: str) -> str:
    try:
        return urlsplit(f"//{text}").hostname or ""
    except ValueError:
        return ""  # told of where the URL is read


def _log(settings: Settings) -> Finding:
    file = settings.data_dir / "livewire.db"
    if not file.exists():
        return Finding("There is no log yet.")
    try:
        connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            # Exclusive, as the service holds it: no index file is left beside it.
            connection.pragma("locking_mode", "exclusive")
            # What a crash left unfinished stays as it is: the service recovers it.
            unfinished = file.with_name(f"{file.name}-wal").exists()
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, int(unfinished))
            found = str(connection.pragma("integrity_check"))
        finally:
            connection.close()
    except apsw.BusyError:
        return _running(settings)
    except apsw.Error as error:
        found = str(error)
    if found == "ok":
        return Finding(f"The log in {file} is whole.")
    return Finding(
        f"The log in {file} is damaged: {found}.",
        "Stories may be missing, and the service may not start.",
        f"Keep a copy of {file.parent}, then put the newest backup in its place.",
        grave=True,
    )


def _running(settings: Settings) -> Finding:
    """The log is in use, so the service that holds it is asked."""
    try:
        status = httpx.get(f"{settings.address}/", timeout=5).status_code
        trouble = "" if status < 500 else f"answers {status}"
    except httpx.HTTPError as error:
        trouble = f"does not answer: {error}"
    if not trouble:
        return Finding("The log is in use, and the service that holds it answers.")
    return Finding(
        f"The log is in use, but {settings.address}/ {trouble}.",
        "Readers do not get there, and a second service would not start.",
        "Compare base_url, host and port with the running service, or restart it.",
        grave=True,
    )


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(each for each in (folder, *folder.parents) if os.path.exists(each))
