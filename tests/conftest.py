"""What every test has: a running service, and property tests without a clock."""

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.serving import Service, running

settings.register_profile(
    "livewire", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("livewire")

# A process that is started by one that ignores it (nohup) ignores it, too.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable and no file of the developer's reaches a test."""
    for name in [name for name in os.environ if name.startswith("LIVEWIRE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """A service with an empty log."""
    async with running(tmp_path / "data") as started:
        yield started
