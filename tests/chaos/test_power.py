"""The power fails at any instant: what was acknowledged is there, batches are whole."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import apsw
import pytest

from channels.events import Append, NewEvent
from channels.log import History
from channels.positions import Position, judge
from channels.sqlite.file import SqliteFile
from channels.sqlite.log import SqliteLog
from livewire.app import epoch_name, now
from tests.chaos.disk import Disk, Image, Loss

STORIES = ("story/night", "story/coast", "story/north")
WRITERS, BATCHES, CUTS = 4, 25, 80
LOSSES: Sequence[Loss] = ("all", "tail", "some", "torn")


class Checkpointing(SqliteFile):
    """Moves its journal so often that cuts fall into that too."""

    journal = 20


class Careless(Checkpointing):
    """The negative control: commits are consistent, but not synced."""

    def _connect(self) -> apsw.Connection:
        connection = super()._connect()
        connection.pragma("synchronous", "normal")
        return connection


@dataclass(slots=True)
class Acked:
    """A batch that was acknowledged: its number, where it stands, what it removed."""

    batch: int
    story: str
    position: Position


@dataclass(slots=True)
class Run:
    """What was acknowledged, and the disk at instants on the way there."""

    acked: list[Acked] = field(default_factory=list)
    removed: dict[int, set[tuple[str, int]]] = field(default_factory=dict)
    images: list[tuple[int, Image]] = field(default_factory=list)


async def publish_until_done(
    file_type: type[SqliteFile], folder: Path, seed: int
) -> Run:
    """Four writers on a watched disk; an image at each of many random writes."""
    run, random, disk = Run(), Random(seed), Disk()
    file = file_type(folder / "livewire.db", vfs=disk.name)
    await file.open()
    log = SqliteLog(file, token=epoch_name, bound=12)
    chance = Random(seed + 1)

    def watch() -> None:
        if len(run.images) < CUTS and chance.random() < 0.09:
            run.images.append((len(run.acked), disk.image()))

    disk.watch = watch
    numbers = iter(range(1, WRITERS * BATCHES + 1))

    async def write() -> None:
        for n in numbers:
            await _publish(log, run, n, random)

    await asyncio.gather(*(write() for _ in range(WRITERS)))
    await file.close()
    return run


async def _publish(log: SqliteLog, run: Run, n: int, random: Random) -> None:
    story = random.choice(STORIES)
    text = {"text": f"{n} " * random.choice((5, 200, 3000))}
    id_ = f"batch-{n}"
    event = NewEvent(f"update/{n}", 1, "update", id_, now(), text)
    # Every seventh batch removes what an earlier one wrote.
    mine = [each for each in run.acked if each.story == story]
    remove = (random.choice(mine).position.seq,) if n % 7 == 0 and mine else ()
    run.removed[n] = {(story, seq) for seq in remove}
    tops = await log.append(
        [
            Append(story, (event,), remove=remove),
            Append("newsroom", (event,)),
            Append("latest", (event,)),
        ]
    )
    run.acked.append(Acked(n, story, tops[story]))


@dataclass(frozen=True, slots=True)
class Found:
    """What a log holds after the power came back."""

    integrity: str
    histories: dict[str, History]

    def batches(self, channel: str) -> list[int]:
        entries = self.histories[channel].entries
        return [int(entry.event.id.removeprefix("batch-")) for entry in entries]


async def find(folder: Path) -> Found:
    file = SqliteFile(folder / "livewire.db")
    await file.open()
    log = SqliteLog(file, token=epoch_name, bound=12)
    integrity = await file.run(lambda c: c.pragma("integrity_check"))
    channels = (*STORIES, "newsroom", "latest")
    histories = {channel: await log.read(channel) for channel in channels}
    await file.close()
    return Found(integrity, histories)


def lost(found: Found, acked: Sequence[Acked]) -> set[int]:
    """The acknowledged batches that are not there."""
    return {each.batch for each in acked} - set(found.batches("newsroom"))


def check_whole(found: Found, run: Run) -> None:
    """Every batch that is there is there in every channel, at the number it got."""
    stored = found.batches("newsroom")
    removed = {at for n in stored for at in run.removed[n]}
    in_stories: list[int] = []
    for story in STORIES:
        history = found.histories[story]
        seqs = {entry.event.seq for entry in history.entries}
        gone = {seq for channel, seq in removed if channel == story}
        assert not seqs & gone, "a removed entry came back"
        assert seqs | gone == set(range(1, history.extent.top + 1))
        in_stories += found.batches(story)
    assert set(in_stories) <= set(stored)
    assert len(in_stories) + len(removed) == len(stored)
    assert found.batches("latest") == stored[-12:]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_power_cut_loses_nothing_acknowledged(
    tmp_path: Path, seed: int
) -> None:
    run = await publish_until_done(Checkpointing, tmp_path / "data", seed)
    assert len(run.images) == CUTS
    random = Random(seed)
    for n, (count, image) in enumerate(run.images):
        loss = LOSSES[n % len(LOSSES)]
        folder = tmp_path / f"cut-{n}"
        where = f"seed {seed}, cut {n}: {loss}, {count} acknowledged"
        image.cut(folder, loss, random)
        found = await find(folder)
        assert found.integrity == "ok", where
        assert lost(found, run.acked[:count]) == set(), where
        check_whole(found, run)
        for each in run.acked[:count]:
            assert judge(each.position, found.histories[each.story].extent) is None


async def test_without_syncs_the_same_cuts_lose_what_was_acknowledged(
    tmp_path: Path,
) -> None:
    run = await publish_until_done(Careless, tmp_path / "data", 1)
    losses = 0
    for n, (count, image) in enumerate(run.images[:40]):
        folder = tmp_path / f"cut-{n}"
        image.cut(folder, "all", Random(n))
        found = await find(folder)
        losses += len(lost(found, run.acked[:count]))
    assert losses > 0, "the harness cannot see loss"
