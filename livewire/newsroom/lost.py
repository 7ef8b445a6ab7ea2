"""What the log could not keep, as the front page tells it until it is dealt with."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from channels.events import Data
from channels.records import Record
from livewire.newsroom.views import View, moment

PATH = "/newsroom/losses"


def lines(losses: Sequence[Record], *, zone: tzinfo, now: datetime) -> list[View]:
    """The losses as the front page shows them."""
    return [
        {
            "action": f"{PATH}/{loss.name.partition('/')[2]}",
            "at": moment(loss.value["at"], zone=zone, now=now),
            "unknown": loss.value["unknown"],
            "events": [_line(each) for each in _events(loss.value)],
        }
        for loss in losses
    ]


def _events(value: Data) -> list[Data]:
    events = value["events"]
    if not isinstance(events, list):
        return []
    return [each for each in events if isinstance(each, Mapping)]


def _line(event: Data) -> View:
    kind = str(event["key"]).partition("/")[0]
    return {
        "slug": event["story"],
        "kind": kind,
        "headline": event["headline"],
        "version": event["version"],
    }
