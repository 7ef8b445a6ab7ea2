from zoneinfo import ZoneInfo

from livewire.reader import times
from tests.livewire.reader.samples import NOW, at

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_moment_is_written_by_the_story_s_clock() -> None:
    written = times.stamp(at("20:04"), zone=BERLIN, first_day="2026-11-22")
    assert written == times.Stamp(
        iso=at("20:04"),
        clock="21:04",
        full="Sunday 22 November 2026, 21:04 UTC+01:00",
        day=None,
    )


def test_a_later_day_is_named() -> None:
    written = times.stamp(at("23:30"), zone=BERLIN, first_day="2026-11-22")
    assert written is not None
    assert (written.clock, written.day) == ("00:30", "Mon 23 Nov")


def test_no_moment_is_no_stamp() -> None:
    assert times.stamp("", zone=BERLIN) is None


def test_a_zone_nobody_knows_is_utc() -> None:
    assert times.zone_called("No/Where").key == "UTC"
    assert times.zone_called("../etc").key == "UTC"


def test_a_zone_is_called_by_its_letters_or_its_offset() -> None:
    assert times.zone_title(BERLIN, now=NOW) == "CET"
    assert times.zone_title(ZoneInfo("America/Sao_Paulo"), now=NOW) == "UTC-03:00"
    assert times.zone_title(ZoneInfo("UTC"), now=NOW) == "UTC"
