"""What the doctor makes of a machine it is only told of."""

from datetime import UTC, datetime
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from livewire.operations.doctor import examine


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


def test_on_redis_there_is_no_file_to_complain_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIVEWIRE_REDIS_URL", "redis://127.0.0.1:9/0")
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "livewire.db").write_text("of another time")
    (tmp_path / "data" / "livewire.db").chmod(0o600)
    found = list(examine(datetime.now(UTC)))
    assert [each for each in found if each.remedy] == []
    assert not any("log" in each.what for each in found)


@pytest.mark.parametrize(
    ("url", "secret", "told"),
    [
        ("redis://redis.example.org/0", "", 1),
        ("redis+sentinel://127.0.0.1,10.0.0.7:26379/news", "", 1),
        ("redis://redis.example.org/0", "random bytes, thirty-two or more", 0),
        ("redis://u:p@[::1]:6379/0", "", 0),
        ("unix:///run/redis.sock", "", 0),
    ],
)
def test_a_secret_of_one_machine_is_told_where_there_may_be_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, secret: str, told: int
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIVEWIRE_REDIS_URL", url)
    monkeypatch.setenv("LIVEWIRE_SECRET", secret)
    found = [each for each in examine(datetime.now(UTC)) if each.remedy]
    assert ["LIVEWIRE_SECRET" in each.remedy for each in found] == [True] * told
