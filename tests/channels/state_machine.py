"""Everything that can happen to readers, in any order, over a real log.

`Newsroom` is a hypothesis state machine. Its readers are clients by the letter of the
protocol and know only the frames they took; after every step each reader that has
taken all its frames must hold exactly the fold of the log.
"""

import asyncio
import json
import shutil
from collections.abc import Callable, Coroutine, Mapping, Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from channels.errors import Conflict, LogUnavailable
from channels.events import Append
from channels.hub import Hub
from channels.log import Deliver, Delivery, History, Stop, Stored
from channels.positions import Position, join_ids, judge, parse, split_id
from channels.sqlite.file import SqliteFile
from channels.sqlite.log import SqliteLog
from channels.transports.connections import Connections
from channels.view import View
from tests.channels.samples import AT, new_event
from tests.channels.scripted import Line

CHANNELS = ("latest", "stories", "story/a")
BOUND = 6
CUT_OFF = 600
T = TypeVar("T")
State = dict[str, tuple[int, object]]  # key to its newest number and data
Frame = Mapping[str, object]

channels = st.sampled_from(CHANNELS)
keys = st.lists(st.sampled_from("abcde"), min_size=1, max_size=4)
rooms = st.sampled_from([1, 2, 3, 5, 1000])
picks = st.integers(0, 1000)


is_there = precondition(lambda self: not self.log.is_away)


def pick(pool: Sequence[T], number: int) -> T:
    return pool[number % len(pool)]


class RestorableLog:
    """A SQLite log that can be closed, put back from a copy and opened again.

    Who listens goes on listening and is told, without entries, how the log stands
    now: what a listener does that lost its line and found it again. While the log is
    `away` it cannot be read and nothing is heard of it, though others append.
    """

    durability = "fsync"

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._left: float | None = None
        self._path = folder / "log.db"
        self._names = count()
        self._listening: dict[Deliver, tuple[str, Stop]] = {}
        self.reads = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.reading = asyncio.Event()  # set once a read has its result
        self.faults: list[Exception] = []

    async def open(self) -> None:
        self._file = SqliteFile(self._path)
        await self._file.open()
        self._log = SqliteLog(
            self._file, token=lambda: f"{next(self._names):08d}", bound=BOUND
        )

    async def close(self) -> None:
        await self._file.close()

    async def append(self, batch: Sequence[Append]) -> Stored:
        return await self._log.append(batch)

    async def read(self, channel: str, after: int = 0) -> History:
        self.reads += 1
        if self.is_away:
            raise LogUnavailable
        found = await self._log.read(channel, after)
        self.reading.set()
        await self.gate.wait()
        return found

    async def look(self, channel: str) -> History:
        """Read as the judge of it all: uncounted and never held up."""
        return await self._log.read(channel)

    def proven(self) -> float:
        return self._clock() if self._left is None else self._left

    @property
    def is_away(self) -> bool:
        return self._left is not None

    def go(self) -> None:
        self._left = self._clock()

    async def come_back(self) -> None:
        self._left = None
        for hear, (channel, _) in tuple(self._listening.items()):
            hear(Delivery(channel, (await self.look(channel)).extent, ()))

    async def listen(self, channel: str, deliver: Deliver) -> Stop:
        def hear(delivery: Delivery) -> None:
            if self.is_away:
                return
            try:
                deliver(delivery)
            except Exception as error:  # the log would only note it
                self.faults.append(error)

        stop = await self._log.listen(channel, hear)
        self._listening[hear] = (channel, stop)

        def leave() -> None:
            _, stop = self._listening.pop(hear)
            stop()

        return leave

    def copy(self, folder: Path) -> Path:
        """Copy the file and its journal, between two commits."""
        folder.mkdir()
        for part in self._path.parent.glob("log.db*"):
            shutil.copy(part, folder)
        return folder

    def _put_back(self, copy: Path) -> None:
        for part in self._path.parent.glob("log.db*"):
            part.unlink()
        for part in copy.iterdir():
            shutil.copy(part, self._path.parent)

    async def reopen(self, copy: Path | None) -> None:
        await self.close()
        if copy is not None:
            self._put_back(copy)
        await self.open()
        for hear, (channel, _) in tuple(self._listening.items()):
            stop = await self._log.listen(channel, hear)
            self._listening[hear] = (channel, stop)
            extent = (await self.look(channel)).extent
            hear(Delivery(channel, extent, ()))


class Place:
    """What a reader knows of one channel: its state, and how far it has got."""

    def __init__(self, slot: str | None, state: State) -> None:
        self.slot = slot  # what it would send to go on; None: from now on
        self.state = dict(state)
        self.seq = 0
        self.top = Position("", 0)
        self.named: set[str] | None = None  # keys named since a reset
        self.opened = False  # on this connection
        self.is_whole = True
        self.is_lost = False
        self.may_reset = 0

    def take(self, frame: Frame) -> None:
        name, position = frame["event"], parse(str(frame["position"]))
        assert position is not None
        self.slot = str(position)
        if name in ("ready", "reset"):
            self._open(frame, position)
        else:
            self._change(frame, position)
        if not self.is_whole and self.seq >= self.top.seq:
            self._arrive()

    def _open(self, frame: Frame, position: Position) -> None:
        again = self.opened
        self.opened = True
        top = parse(str(frame["top"]))
        assert top is not None
        if frame["event"] == "reset":
            assert position.seq == 0
            if again:
                assert self.may_reset, "a reset without a loss"
                self.may_reset -= 1
            self.named = set()
        else:
            assert not again, "ready where the channel was open"
            # What it was spared may be back, if the log no longer reaches that top.
            moved = (top.epoch, top.seq >= self.top.seq) != (self.top.epoch, True)
            self.is_lost = not self.is_whole and moved
        self.seq, self.top, self.is_whole = position.seq, top, False
        self.floor(frame["floor"])

    def _change(self, frame: Frame, position: Position) -> None:
        assert self.opened, "an event before its channel was opened"
        assert position.seq > self.seq, "a duplicate, or the order is broken"
        self.seq = position.seq
        key = str(frame["key"])
        self.state[key] = (position.seq, frame["data"])
        if self.named is not None:
            self.named.add(key)

    def _arrive(self) -> None:
        self.is_whole = True
        if self.named is not None:
            gone = self.state.keys() - self.named
            self.state = {k: v for k, v in self.state.items() if k not in gone}
            self.named = None

    def floor(self, floor: object) -> None:
        assert isinstance(floor, int)
        self.state = {k: v for k, v in self.state.items() if v[0] > floor}

    def shown(self) -> State:
        return {k: v for k, v in self.state.items() if v[1] is not None}


class Anybody:
    """The right to read everything."""

    private = False

    def ask(self, channel: str) -> None:
        """Anything may be asked for."""

    def see(self, view: View) -> None:
        """Anything may be seen."""


class Wire(Line):
    """A line on which no text may come while its worker is cut off from the log."""

    __slots__ = ("_is_cut_off", "faults")

    def __init__(self, room: int, is_cut_off: Callable[[], bool]) -> None:
        super().__init__(room)
        self._is_cut_off = is_cut_off
        self.faults: list[bytes] = []

    def write(self, frame: bytes) -> None:
        if "key" in json.loads(frame) and self._is_cut_off():
            self.faults.append(frame)
        super().write(frame)


class Reader:
    """One client: its line, and what it knows of its channels."""

    def __init__(self, room: int, places: dict[str, Place]) -> None:
        self.room = room
        self.places = dict(sorted(places.items()))
        self.line = Line(room)
        self.losses = 0  # since it last took its frames
        self.waiting: dict[str, str | None] = {}  # where it begins what is not open

    def take(self) -> None:
        self.losses = 0
        for frame in self.line.drain():
            if "position" in frame:
                self.places[str(frame["channel"])].take(frame)

    def slots(self) -> dict[str, str | None]:
        """What the reader asks for when it comes back."""
        if any(place.slot is None for place in self.places.values()):
            return {name: place.slot for name, place in self.places.items()}
        sent = join_ids([place.slot or "" for place in self.places.values()])
        return dict(zip(self.places, split_id(sent, len(self.places)), strict=True))


class Newsroom(RuleBasedStateMachine):
    """A log, a hub and its readers."""

    make_hub: Callable[..., Hub] = Hub

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = TemporaryDirectory()
        self.serial = count()
        self.clock = 0.0
        self.readers: list[Reader] = []
        # Of each channel every event ever given, purged ones too, by its serial; and
        # what stood before each position ever given.
        self.truth: dict[str, tuple[int, ...]] = dict.fromkeys(CHANNELS, ())
        self.given: dict[tuple[str, str], tuple[int, ...]] = {}
        self.folds: dict[str, list[tuple[str, State]]] = {n: [] for n in CHANNELS}
        self.copies: list[tuple[Path, dict[str, tuple[int, ...]]]] = []

    def run(self, work: Coroutine[object, object, T]) -> T:
        return self.runner.run(work)

    @initialize()
    def start(self) -> None:
        async def start() -> None:
            self.log = RestorableLog(Path(self.folder.name), lambda: self.clock)
            await self.log.open()
            self.open_the_house()

        self.run(start())
        self.keep_copy()

    def open_the_house(self) -> None:
        self.hub = type(self).make_hub(
            self.log,
            exists=CHANNELS,
            idle=60,
            cut_off=CUT_OFF,
            clock=lambda: self.clock,
            spread=0,
        )
        self.connections = Connections(
            self.hub, now=lambda: AT, heartbeat=1, stall=float("inf")
        )

    async def close_the_house(self) -> None:
        for reader in self.readers:
            self._hang_up(reader)
        self.connections.joining.stop()
        await self.hub.close()

    @property
    def is_cut_off(self) -> bool:
        return self.clock - self.log.proven() > CUT_OFF

    def teardown(self) -> None:
        async def stop() -> None:
            await self.close_the_house()
            await self.log.close()

        if hasattr(self, "hub"):
            self.run(stop())
        self.runner.close()
        self.folder.cleanup()

    # What editors do

    @rule(batch=st.dictionaries(channels, keys, min_size=1), tomb=picks)
    def append(self, batch: dict[str, list[str]], tomb: int) -> None:
        self.run(self._append(batch, tomb=tomb))

    @rule(channel=channels, names=keys)
    def append_expecting_the_top(self, channel: str, names: list[str]) -> None:
        self.run(self._append({channel: names}, expected=len(self.truth[channel])))

    @rule(channel=channels, names=keys, off=st.sampled_from([-1, 1]))
    def append_expecting_another_top(
        self, channel: str, names: list[str], off: int
    ) -> None:
        top = len(self.truth[channel])
        with pytest.raises(Conflict) as raised:
            self.run(self._append({channel: names}, expected=top + off))
        assert (raised.value.channel, raised.value.top) == (channel, top)

    @rule(channel=channels, name=st.sampled_from("abcde"))
    def purge(self, channel: str, name: str) -> None:
        async def purge() -> None:
            history = await self.log.look(channel)
            old = [e.event.seq for e in history.entries if e.event.key == name]
            await self._append({channel: [name]}, remove=tuple(old))

        self.run(purge())

    async def _append(
        self,
        batch: dict[str, list[str]],
        *,
        tomb: int = 1,
        expected: int | None = None,
        remove: tuple[int, ...] = (),
    ) -> None:
        appends: list[Append] = []
        stood = dict(self.truth)
        for channel, names in batch.items():
            serials = [next(self.serial) for _ in names]
            news = [
                new_event(key, {"n": n} if (n + tomb) % 5 else None, n)
                for key, n in zip(names, serials, strict=True)
            ]
            appends.append(Append(channel, tuple(news), expected, remove))
            stood[channel] = (*stood[channel], *serials)
        tops = await self.log.append(appends)
        for channel, top in tops.items():
            stands = stood[channel]
            assert top.seq == len(stands)
            for seq in range(len(self.truth[channel]) + 1, top.seq + 1):
                position = Position(top.epoch, seq)
                self.given[channel, str(position)] = stands[:seq]
            self.truth[channel] = stands
            self.folds[channel].append((str(top), await self.fold(channel)))

    async def fold(self, channel: str) -> State:
        """By brute force, from what the log itself says."""
        history = await self.log.look(channel)
        state: State = {}
        for event in [entry.event for entry in history.entries]:
            state.pop(event.key, None)
            if event.data is not None:
                state[event.key] = (event.seq, event.data)
        return state

    # What readers do

    @rule(names=st.sets(channels, min_size=1), room=rooms, how=st.data())
    def join(self, names: set[str], room: int, how: st.DataObject) -> None:
        places = {name: self.run(self._start(name, how)) for name in sorted(names)}
        reader = Reader(room, places)
        self.readers.append(reader)
        self.run(self._connect(reader))

    async def _start(self, name: str, how: st.DataObject) -> Place:
        top = (await self.log.look(name)).extent.end
        kinds = ["0", "now", "held", "garbage", "ahead", "malformed"]
        kind = how.draw(st.sampled_from(kinds))
        if kind == "held" and self.folds[name]:
            position, state = how.draw(st.sampled_from(self.folds[name]))
            return Place(position, state)
        slots = {
            "now": None,
            "garbage": f"garbage0-{top.seq}",
            "ahead": str(Position(top.epoch, top.seq + 10**6)) if top.epoch else "0",
            "malformed": "",
        }
        return Place(slots.get(kind, "0"), {})

    async def _connect(self, reader: Reader) -> None:
        reader.line = Wire(reader.room, lambda: self.is_cut_off)
        reader.losses = 0
        reader.waiting = reader.slots()
        for place in reader.places.values():
            place.opened, place.may_reset = False, 0
        await self.connections.joining.join(
            reader.line, reader.waiting, Anybody(), draining=False
        )
        self.connections.add(reader.line)
        await self._judge_openings(reader)

    async def _judge_openings(self, reader: Reader) -> None:
        """What has opened since the last look has opened as it should."""
        frames = [json.loads(frame) for frame in reader.line.frames]
        opened = {
            frame["channel"]: frame
            for frame in reversed(frames)
            if frame["event"] in ("ready", "reset")
        }
        for name in tuple(reader.line.follows):
            if name not in reader.waiting:
                continue
            slot, opening = reader.waiting.pop(name), opened[name]
            if slot is None:  # now is when it opens: it loads the page beside it
                reader.places[name].state = await self.fold(name)
            if self.log.is_away:
                # Only the log can say that what a reader knows is not there.
                assert opening.get("reason") not in ("epoch", "ahead"), opening
            else:
                assert opening.get("reason") == await self.verdict(name, slot), opening

    async def verdict(self, name: str, slot: str | None) -> str | None:
        """Whether what stood before the position still does, by the whole truth."""
        if slot is None:
            return None
        position = parse(slot)
        if position is None:
            return "malformed"
        if position.seq == 0:
            return None
        extent = (await self.log.look(name)).extent
        prefix = self.given.get((name, slot))
        if prefix is None or self.truth[name][: position.seq] != prefix:
            reason = judge(position, extent)
            assert reason in ("epoch", "ahead"), "a position that lost its past"
            return reason
        return "trimmed" if position.seq < extent.floor else None

    @precondition(lambda self: self.readers)
    @rule(which=picks)
    def drain(self, which: int) -> None:
        async def drain() -> None:
            pick(self.readers, which).take()

        self.run(drain())

    @precondition(lambda self: self.readers)
    @rule()
    def drain_all(self) -> None:
        for reader in self.readers:
            while reader.line.frames:
                reader.take()

    @precondition(lambda self: self.readers)
    @rule(which=picks, room=rooms)
    def change_the_room(self, which: int, room: int) -> None:
        reader = pick(self.readers, which)
        reader.room = reader.line.room = max(room, len(reader.line.frames) + 1)

    @precondition(lambda self: self.readers)
    @rule(which=picks)
    def leave(self, which: int) -> None:
        reader = pick(self.readers, which)
        self.readers.remove(reader)
        self._hang_up(reader)
        assert reader.line.follows == {}

    @precondition(lambda self: self.readers)
    @rule(which=picks)
    def come_back(self, which: int) -> None:
        """The line breaks; what had not been taken from it is gone."""
        reader = pick(self.readers, which)
        self._hang_up(reader)
        self.run(self._connect(reader))

    def _hang_up(self, reader: Reader) -> None:
        self.connections.discard(reader.line)
        self.connections.joining.leave(reader.line)

    # What happens to the service

    @rule(seconds=st.sampled_from([1, 100]))
    def sweep(self, seconds: int) -> None:
        self.run(self._turn(seconds))
        followed = {name for each in self.readers for name in each.line.follows}
        assert followed <= set(self.hub)

    async def _turn(self, seconds: int) -> None:
        """Time passes; who is sent away comes back."""
        self.clock += seconds
        self.connections.turn(0)
        tries = self.connections.joining._tries
        while tasks := [*self.hub._tasks, *tries.values()]:
            await asyncio.gather(*tasks, return_exceptions=True)
        for reader in self.readers:
            if reader.line.is_over:
                assert self.is_cut_off, "a stream was ended"
                self._hang_up(reader)
                await self._connect(reader)
            await self._judge_openings(reader)

    @rule(seconds=st.sampled_from([0, 1, CUT_OFF + 1]))
    def lose_the_log(self, seconds: int) -> None:
        """It is away for so long; sometimes nobody notices until it is too late."""
        if not self.log.is_away:
            self.log.go()
        self.clock += seconds

    @precondition(lambda self: self.log.is_away)
    @rule()
    def find_the_log(self) -> None:
        self.run(self._find_the_log())

    async def _find_the_log(self) -> None:
        await self.log.come_back()
        await self._turn(1)
        assert not any(reader.waiting for reader in self.readers), "still held"

    @is_there
    @rule()
    def restart_the_hub(self) -> None:
        async def restart() -> None:
            await self.close_the_house()
            self.open_the_house()
            for reader in self.readers:
                await self._connect(reader)

        self.run(restart())

    @is_there
    @rule(channel=channels, askers=st.integers(1, 5), names=keys)
    def herd(self, channel: str, askers: int, names: list[str]) -> None:
        """Many ask for an unread channel, and an editor writes meanwhile."""

        async def herd() -> None:
            await self.close_the_house()
            self.open_the_house()
            reads = self.log.reads
            self.log.gate.clear()
            self.log.reading.clear()
            reader = Reader(1000, {channel: Place("0", {})})
            asking = [
                asyncio.create_task(self.hub.view(channel)) for _ in range(askers)
            ]
            joining = asyncio.create_task(self._connect(reader))
            await self.log.reading.wait()
            await self._append({channel: names})
            self.log.gate.set()
            views = await asyncio.gather(*asking)
            await joining
            assert len({id(view) for view in views}) == 1
            assert self.log.reads == reads + 1
            self.readers.append(reader)
            for each in self.readers[:-1]:
                await self._connect(each)

        self.run(herd())

    @is_there
    @rule()
    def reopen_the_log(self) -> None:
        self.run(self.log.reopen(None))

    @rule()
    def keep_copy(self) -> None:
        copy = self.log.copy(Path(self.folder.name) / f"copy{next(self.serial)}")
        self.copies.append((copy, dict(self.truth)))

    @is_there
    @precondition(lambda self: self.copies)
    @rule(which=picks)
    def restore(self, which: int) -> None:
        copy, truth = pick(self.copies, which)
        for reader in self.readers:
            for name, place in reader.places.items():
                held = self.truth[name]
                lost = truth[name][: len(held)] != held
                place.may_reset += lost
                reader.losses += lost
        self.truth = dict(truth)
        self.run(self.log.reopen(copy))

    @is_there
    @rule(channel=channels, early=keys, late=keys, room=st.sampled_from([1, 2, 3]))
    def lose_the_tail_in_mid_catch_up(
        self, channel: str, early: list[str], late: list[str], room: int
    ) -> None:
        self.append({channel: early}, 1)
        self.keep_copy()
        self.append({channel: late}, 1)
        reader = Reader(room, {channel: Place("0", {})})
        self.readers.append(reader)
        self.run(self._connect(reader))
        self.restore(len(self.copies) - 1)

    # What must hold after every step

    @invariant()
    def all_is_well(self) -> None:
        if hasattr(self, "hub"):
            self.run(self._judge())

    async def _judge(self) -> None:
        assert not self.log.faults, self.log.faults
        for reader in self.readers:
            assert getattr(reader.line, "faults", []) == [], "text while cut off"
        if self.log.is_away:
            return
        for _ in range(2):
            for name in tuple(self.hub):
                await self.hub.view(name)
        folds = {name: await self.fold(name) for name in CHANNELS}
        for reader in self.readers:
            line, places = reader.line, reader.places
            assert len(line.frames) <= reader.line.room + len(places) + reader.losses
            lost = {name: Place("0", {}) for name, p in places.items() if p.is_lost}
            if lost:  # it starts over, as the protocol tells a client to
                self._hang_up(reader)
                places |= lost
                await self._connect(reader)
            if not line.frames:
                for name, place in places.items():
                    self._judge_place(name, place, folds[name])

    def _judge_place(self, name: str, place: Place, fold: State) -> None:
        if not place.opened:
            return
        pulse = self.hub.pulse(name)
        assert place.slot == pulse["top"] or place.seq == 0, "a gap at the end"
        assert place.seq == len(self.truth[name]), "a gap at the end"
        assert place.is_whole, "a reset or a first load without an end"
        place.floor(pulse["floor"])
        assert place.shown() == fold
