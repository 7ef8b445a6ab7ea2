"""`livewire doctor` on machines in good and in bad health; `livewire token`."""

import re
import shutil
from pathlib import Path

import pytest

from tests.livewire.cli.commands import Done, beside, run
from tests.redis_servers import redis_server
from tests.serving import Service, running


def wrong(done: Done) -> list[str]:
    return [line for line in done.out.splitlines() if line.startswith("WRONG")]


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


async def test_a_token_is_all_that_is_printed(service: Service, tmp_path: Path) -> None:
    args = ("token", "--name=ines", "--scope=editor")
    done = await run(*args, cwd=tmp_path, env=beside(service))
    assert service.parts.keyring.grant(done.out.strip()).subject == "ines"


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--days=1e12", "0.001 to 3650 days"),
        ("--days=inf", "0.001 to 3650 days"),
        ("--days=nan", "0.001 to 3650 days"),
        ("--days=-1", "0.001 to 3650 days"),
        ("--days=0", "0.001 to 3650 days"),
        ("--name=", "'' is no name"),
        ("--name=  ", "is no name"),
        ("--name=\x1b[2J", "is no name"),
    ],
)
async def test_a_token_that_cannot_be_is_refused_in_a_sentence(
    tmp_path: Path, option: str, told: str
) -> None:
    args = ("token", "--name=ines", "--scope=editor", option)
    done = await run(*args, cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert told in " ".join(done.err.split())
    assert names(tmp_path) == []


async def test_a_fresh_desk_is_in_good_health(tmp_path: Path) -> None:
    done = await run("doctor", cwd=tmp_path)
    assert done.code == 0, done.out
    assert wrong(done) == []
    assert names(tmp_path) == []


async def test_a_log_at_rest_is_read_through(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with running(data) as service:
        await service.open("night")
    before = names(data)
    done = await run("doctor", cwd=tmp_path)
    assert done.code == 0, done.out
    assert "is whole" in done.out
    assert names(data) == before


async def test_a_log_in_use_is_left_alone_and_its_service_asked(
    service: Service, tmp_path: Path
) -> None:
    env = beside(service, LIVEWIRE_BASE_URL=service.url)
    del env["LIVEWIRE_URL"]
    found = await run("doctor", cwd=tmp_path, env=env)
    elsewhere = env | {"LIVEWIRE_BASE_URL": "http://127.0.0.1:9"}
    lost = await run("doctor", cwd=tmp_path, env=elsewhere)
    assert found.code == 0, found.out
    assert "the service that holds it answers" in found.out
    assert lost.code == 1
    assert "base_url, host and port" in wrong(lost)[0]


async def test_what_a_crash_left_is_read_and_left_for_the_service(
    tmp_path: Path,
) -> None:
    async with running(tmp_path / "lost") as service:
        await service.open("night")
        # What lies on the disk now is what a machine without power would leave.
        shutil.copytree(tmp_path / "lost", tmp_path / "data")
    before = names(tmp_path / "data")
    done = await run("doctor", cwd=tmp_path)
    assert "livewire.db-wal" in before
    assert done.code == 0, done.out
    assert names(tmp_path / "data") == before


async def test_a_broken_directory_is_told_of_in_full(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with running(data) as service:
        await service.open("night")
    log = data / "livewire.db"
    content = bytearray(log.read_bytes())
    content[4096:8192] = b"\xff" * 4096
    log.write_bytes(content)
    secret = data / "secret"
    secret.write_text("short and open to everybody who looks at it\n")
    secret.chmod(0o644)
    done = await run("doctor", cwd=tmp_path)
    assert done.code == 1
    exposed, damaged = wrong(done)
    assert "mode 0644" in exposed
    assert "chmod 600" in exposed
    assert "is damaged" in damaged
    assert "backup" in damaged


@pytest.mark.parametrize(
    ("folder", "file", "mark", "risk", "remedies"),
    [
        (0o700, 0o600, "ok   ", "Nobody else", []),
        (0o755, 0o644, "WRONG", "Drafts", ["700 data", "600 data/livewire.db"]),
        (0o750, 0o640, "WRONG", "Drafts", ["700 data", "600 data/livewire.db"]),
        (0o755, 0o600, "note ", "Pictures", ["700 data"]),
        (0o700, 0o644, "note ", "a copy", ["600 data/livewire.db"]),
    ],
)
async def test_data_that_others_can_read_is_told_of(
    tmp_path: Path, folder: int, file: int, mark: str, risk: str, remedies: list[str]
) -> None:
    data = tmp_path / "data"
    async with running(data) as service:
        await service.open("night")
    (data / "livewire.db").chmod(file)
    data.chmod(folder)
    done = await run("doctor", cwd=tmp_path)
    (line,) = [
        each
        for each in done.out.splitlines()
        if "on this machine" in each and "read" in each
    ]
    assert line.startswith(mark)
    assert risk in line
    assert re.findall("chmod ([^`]+)", line) == remedies
    assert done.code == int(mark == "WRONG")


@pytest.mark.parametrize(
    ("env", "word"),
    [
        ({"LIVEWIRE_SITENAME": "x"}, "LIVEWIRE_SITENAME"),
        ({"LIVEWIRE_HEARTBEAT": "soon"}, "heartbeat"),
        ({"LIVEWIRE_CONFIG": "none.toml"}, "none.toml"),
        ({"LIVEWIRE_SECRET": "short"}, "LIVEWIRE_SECRET has 5 bytes"),
        ({"LIVEWIRE_HOST": "0.0.0.0"}, "There is no LIVEWIRE_SECRET"),
        ({"LIVEWIRE_BASE_URL": "http://live.example.org"}, "does TLS"),
        ({"LIVEWIRE_DATA_DIR": "/proc/data"}, "data_dir"),
    ],
)
async def test_what_can_lose_something_is_wrong(
    tmp_path: Path, env: dict[str, str], word: str
) -> None:
    done = await run("doctor", cwd=tmp_path, env=env)
    assert done.code == 1
    assert any(word in line for line in wrong(done)), done.out


async def test_a_short_secret_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    secret = tmp_path / "data" / "secret"
    secret.write_text("short")
    secret.chmod(0o600)
    done = await run("doctor", cwd=tmp_path)
    assert "has 5 bytes" in wrong(done)[0]


async def test_the_redis_at_hand_is_examined_too(tmp_path: Path) -> None:
    async with redis_server(tmp_path / "redis") as redis:
        env = {"LIVEWIRE_REDIS_URL": redis.url}
        sound = await run("doctor", cwd=tmp_path, env=env)
        await redis.config_set(appendfsync="everysec")
        unsound = await run("doctor", cwd=tmp_path, env=env)
    gone = await run("doctor", cwd=tmp_path, env=env)
    assert sound.code == 0, sound.out
    assert "before it answers" in sound.out
    assert unsound.code == 1
    assert "appendfsync always" in wrong(unsound)[0]
    assert gone.code == 1
    assert "LIVEWIRE_REDIS_URL" in wrong(gone)[0]
    assert gone.err == ""
