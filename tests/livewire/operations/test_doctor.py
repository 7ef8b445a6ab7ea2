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
