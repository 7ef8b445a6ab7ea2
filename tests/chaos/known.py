"""Everything anybody was told of the log, put together, and whether it agrees."""

from collections import defaultdict
from collections.abc import Collection, Iterator

from tests.chaos.findings import Findings
from tests.chaos.history import Event, Final, History, Seen, Version
from tests.chaos.lineage import Lineage


class Known:
    """The union of all that readers, answers and the final log told.

    `allows` are the reasons of resets that the faults of the run explain; `loses`,
    whether what was acknowledged may be gone, so that there may have been two logs.
    """

    def __init__(
        self,
        history: History,
        final: Final,
        allows: Collection[str],
        *,
        loses: bool = False,
    ) -> None:
        self.final = final
        self.loses = loses
        self.allows = frozenset(allows)
        self.events = frozenset(_events(history, final))
        self.lines: dict[str, Lineage] = {}
        by_channel: dict[str, list[Event]] = defaultdict(list)
        for event in self.events:
            by_channel[event.channel].append(event)
        for name, standing in final.standings.items():
            self.lines[name] = Lineage(standing, by_channel[name])

    def has(self, event: Event) -> bool:
        """Whether the final log has the event, as far as that can be known."""
        if self.lines[event.channel].is_dead(event):
            return False
        versions = self.final.versions.get((event.channel, event.key))
        if versions is None:  # only of updates in their story every version is told
            return not _is_update(event)
        version = versions.get(event.version)
        return version is not None and says(version, event)

    def check_positions(self, findings: Findings) -> None:
        """One position is of one event, and in one life one event has one position."""
        at: dict[tuple[str, str, int], Event] = {}
        of: dict[tuple[str, str, str, int], Event] = {}
        for event in sorted(self.events, key=str):
            before = at.setdefault((event.channel, event.epoch, event.seq), event)
            if before != event:
                findings.add("inconsistent-positions", f"{before} is {event}")
            if not _is_update(event):
                continue  # what is derived may be told again
            same = (event.channel, event.epoch, event.key, event.version)
            other = of.setdefault(same, event)
            if other.seq != event.seq:
                findings.add("inconsistent-positions", f"{other} again as {event}")


def says(version: Version, event: Event) -> bool:
    """Whether the version is what the event told; of a purged one nobody knows."""
    return version.removed or version.body == event.body


def _is_update(event: Event) -> bool:
    return event.channel.startswith("story/") and event.key.startswith("update/")


def _events(history: History, final: Final) -> Iterator[Event]:
    for reading in history.readings:
        for each in reading.observations:
            if isinstance(each, Seen):
                yield each.event
    for operation in history.operations:
        if operation.event is not None:
            yield operation.event
    for standing in final.standings.values():
        yield from standing.state.values()
