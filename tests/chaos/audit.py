"""The auditor: a history and the final log in, what was lost or made up out.

Pure: the same history is judged the same way every time.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator

from channels.positions import Position
from tests.chaos.findings import Audit, Findings
from tests.chaos.follows import Followed
from tests.chaos.history import (
    Ended,
    Final,
    History,
    Opened,
    Operation,
    Reading,
    Seen,
    Version,
    position,
)
from tests.chaos.known import Known


def audit(
    history: History,
    final: Final,
    *,
    allows: Collection[str] = (),
    loses: bool = False,
) -> Audit:
    """Judge a run whose faults explain resets for the reasons that `allows` names.

    `loses`: they may lose what was acknowledged, as a store that syncs once a second
    does. Then lost writes are told, and are no problem.
    """
    findings, known = Findings(), Known(history, final, allows, loses=loses)
    known.check_positions(findings)
    for each in final.disagreements:
        findings.add("unequal-final-state", each)
    stored = _find_writes(history, final, findings)
    _judge_writes(history, stored, findings, lossy=loses or bool(known.allows))
    _judge_story(history, final, stored, findings)
    _judge_edits(history, final, findings)
    resets: Counter[str] = Counter()
    for reading in history.readings:
        resets += _judge_reading(reading, known, findings)
    return Audit(_figures(history, stored), resets, findings, loses)


Stored = dict[str, Version]
"""The version that each operation became, by marker."""


def _find_writes(history: History, final: Final, findings: Findings) -> Stored:
    """Which operations the final log has. Finds those it has twice."""
    found: dict[tuple[str, str], list[tuple[str, Version]]] = defaultdict(list)
    for (channel, key), versions in final.versions.items():
        for version in versions.values():
            if version.note is not None:
                found[(channel, version.note)].append((key, version))
            elif version.number == 1 and version.headline is not None:
                found[(channel, version.headline)].append((key, version))
    stored: Stored = {}
    for each in _deeds(history):
        # Who takes a pin away is told with the note of who set it elsewhere.
        channel = f"story/{each.slug}"
        own = [
            (key, version)
            for key, version in found[(channel, each.marker)]
            if each.deed == "publish" or key == each.key
        ]
        first = final.versions.get((channel, each.key), {}).get(1)
        if each.deed == "publish" and first is not None and first.removed:
            own = [(each.key, first)]  # its text was purged, and its marker with it
        if len(own) > 1:
            findings.add("duplicate", f"{_name(each)} is stored {len(own)} times")
        if own:
            key, stored[each.marker] = own[0]
            if each.outcome == "acknowledged" and key != each.key:
                findings.add("inconsistent-positions", f"{_name(each)} is {key}")
            each.key = key
    return stored


def _judge_writes(
    history: History, stored: Stored, findings: Findings, *, lossy: bool
) -> None:
    newest: dict[tuple[str, str], Position] = {}
    for each in history.operations:
        is_edit = each.deed == "edit"
        if each.outcome == "refused" and each.marker in stored:
            findings.add("aborted-read", f"{_name(each)}, refused with {each.status}")
        if each.outcome != "acknowledged":
            continue
        if each.marker not in stored and not is_edit:
            findings.add("lost-write", f"{_name(each)} at {each.position}")
        place, whose = position(each.position), (each.publisher, each.slug)
        before = newest.setdefault(whose, place)
        falls = place.seq <= before.seq and place is not before
        if falls and (place.epoch == before.epoch or not lossy):
            findings.add("nonmonotonic", f"{_name(each)} at {place} after {before}")
        newest[whose] = place


def _judge_story(
    history: History, final: Final, stored: Stored, findings: Findings
) -> None:
    """The log tells what the editors wrote, and nothing else."""
    written: dict[tuple[str, str], list[tuple[int, Operation]]] = defaultdict(list)
    for each in history.operations:
        if each.marker in stored:
            number = stored[each.marker].number
            written[(f"story/{each.slug}", each.key)].append((number, each))
    for name, versions in final.versions.items():
        deeds = [each for _, each in sorted(written[name], key=lambda pair: pair[0])]
        newest = versions[max(versions)]
        expected = _tell(deeds)
        if (newest.status, newest.headline) != expected:
            told = f"{newest.status} {newest.headline!r}"
            what = f"{' '.join(name)}: {told}, not {expected}"
            findings.add("unequal-final-state", what)
        if sorted(versions) != list(range(1, len(versions) + 1)):
            findings.add("unequal-final-state", f"{name} has {sorted(versions)}")


def _judge_edits(history: History, final: Final, findings: Findings) -> None:
    """No version of a story that was acknowledged is another's, or above the last.

    Versions count 1, 2, 3 and so on: what was lost is missing at the end, or its number
    is given again.
    """
    by: dict[tuple[str, int], Operation] = {}
    for each in history.operations:
        if each.deed != "edit" or each.event is None:
            continue
        channel, version = each.event.channel, each.event.version
        newest = final.standings[channel].state.get("story")
        other = by.setdefault((channel, version), each)
        if other is not each:
            findings.add("lost-write", f"{_name(other)}: {_name(each)} is v{version}")
        elif newest is None or newest.version < version:
            findings.add("lost-write", f"{_name(each)}, v{version} above {newest}")
        elif newest.version == version and newest.body != each.event.body:
            findings.add("lost-write", f"{_name(each)} is {newest}")


def _deeds(history: History) -> Iterator[Operation]:
    """What was done to updates, of which every version is told at the end."""
    return (each for each in history.operations if each.deed != "edit")


def _tell(deeds: list[Operation]) -> tuple[str, str | None]:
    """Status and headline of an update after all that was done to it."""
    if not deeds:
        return "written by nobody", None
    if deeds[-1].deed == "withdraw":
        return "withdrawn", None
    told = [each.marker for each in deeds if each.deed in ("publish", "correct")]
    return "published", told[-1] if told else None


def _judge_reading(reading: Reading, known: Known, findings: Findings) -> Counter[str]:
    follows = {
        name: Followed(reading.reader, name, known, findings)
        for name in reading.channels
    }
    for each in reading.observations:
        match each:
            case Ended():
                for follow in follows.values():
                    follow.end()
            case Opened():
                follows[each.channel].open(each)
            case Seen():
                follows[each.event.channel].see(each.event)
            case _:
                follows[each.channel].reach(each)
    resets: Counter[str] = Counter()
    for follow in follows.values():
        follow.finish()
        resets += follow.resets
    return resets


def _figures(history: History, stored: Stored) -> dict[str, int]:
    outcomes = Counter(each.outcome for each in history.operations)
    unknown = [each for each in _deeds(history) if each.outcome == "unknown"]
    present = sum(each.marker in stored for each in unknown)
    told = [each for reading in history.readings for each in reading.observations]
    return {
        "acknowledged": outcomes["acknowledged"],
        "idle": outcomes["idle"],
        "refused": outcomes["refused"],
        "unknown, present": present,
        "unknown, absent": len(unknown) - present,
        "tries": sum(each.tries for each in history.operations),
        "readers": len(history.readings),
        "lines lost": sum(isinstance(each, Ended) for each in told),
        "delivered": sum(isinstance(each, Seen) for each in told),
    }


def _name(operation: Operation) -> str:
    return f"{operation.deed} {operation.marker!r} in {operation.slug}"
