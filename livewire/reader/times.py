"""How a moment is written on a page: by the clock of one zone, in English words.

`livewire/static/view.js` writes the same strings with Intl; neither may use names that
the other cannot make, which is why zones inside a stamp appear as offsets and zone
abbreviations only in the masthead, which the server alone writes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = (
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
)
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True, slots=True)
class Stamp:
    """One moment as the templates write it."""

    iso: str  # as it came: UTC, RFC 3339
    clock: str  # 21:04
    full: str  # Sunday 22 November 2026, 21:04 UTC+01:00
    day: str | None  # Mon 23 Nov, when it is not the day the story began


def zone_called(name: str) -> ZoneInfo:
    """The IANA zone of that name; UTC for a name nobody knows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def instant(iso: str) -> datetime:
    """An RFC 3339 string as an aware datetime."""
    return datetime.fromisoformat(iso)


def date_in_words(moment: datetime) -> str:
    """Sunday 22 November 2026."""
    month = MONTHS[moment.month - 1]
    return f"{DAYS[moment.weekday()]} {moment.day} {month} {moment.year}"


def local_day(iso: str, *, zone: ZoneInfo) -> str:
    """The calendar day of a moment in a zone, 2026-11-22; "" for no moment."""
    return instant(iso).astimezone(zone).date().isoformat() if iso else ""


def stamp(iso: str, *, zone: ZoneInfo, first_day: str = "") -> Stamp | None:
    """How to write a moment; None for no moment.

    `first_day` is the calendar day on which the story began: moments of that day are
    written without it, and the same way in every copy of the page, whenever made.
    """
    if not iso:
        return None
    here = instant(iso).astimezone(zone)
    clock = f"{here.hour:02}:{here.minute:02}"
    full = f"{date_in_words(here)}, {clock} {offset_of(here)}"
    later = first_day not in ("", here.date().isoformat())
    return Stamp(iso, clock, full, short_day(here) if later else None)


def short_day(moment: datetime) -> str:
    """Mon 23 Nov."""
    weekday, month = DAYS[moment.weekday()][:3], MONTHS[moment.month - 1][:3]
    return f"{weekday} {moment.day} {month}"


def offset_of(moment: datetime) -> str:
    """The distance from UTC, UTC+01:00; plain UTC for none."""
    offset = moment.utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    if minutes == 0:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '-'}{hours:02}:{rest:02}"


def zone_title(zone: ZoneInfo, *, now: datetime) -> str:
    """The zone's abbreviation where it has one (CET), else its offset."""
    here = now.astimezone(zone)
    name = here.tzname() or ""
    return name if name.isalpha() else offset_of(here)
