"""Fold, decide, append with the expected `seq`; after a conflict, again.

The laws: one publish per story at a time in this process; what another process wrote
is read from the log, never awaited from pub/sub; a request that was carried out before
is answered from its receipt before anything else is judged.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from channels.errors import CallerError, Conflict, KeyReused, LogUnavailable
from channels.events import Data, Entry, number
from channels.log import Log
from channels.positions import START, Position, judge, parse
from channels.records import Records
from publishers.batches import INDEXES, Decision, batch, derived_channels
from publishers.fold import STORY, Action, Fold, Receipt

Decide = Callable[[Fold], Awaitable[Decision]]
"""Decides over a fold that nothing changes meanwhile; may look up pictures."""

_ATTEMPTS = 20
"""Conflicts in a row before a publish is given up: other processes always won."""

_CHANGED = 200
"""The status of a PATCH and of a withdrawal, which may find nothing left to do."""

_SEATS = 512
"""Stories whose fold is kept in memory; the rest is read when next written to."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request, and the thing as it is now."""

    key: str
    thing: Data
    status: int
    position: Position  # of the story's channel, as the request left it
    durability: str
    replayed: bool = False
    # Of every channel the batch went to; empty where nothing was appended.
    tops: Mapping[str, Position] = field(default_factory=dict)


@dataclass(slots=True)
class _Seat:
    """A story's place at the desk."""

    fold: Fold
    epoch: str = ""  # in which the fold's newest number was given
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    known: bool = False  # whether the fold has been read from the log


class Desk:
    """The one writer of stories in this process. `sections` are the configured ones.

    `records` remember keyed requests that changed nothing, of which the log has no
    trace; without them such a request is judged anew when repeated.
    """

    def __init__(
        self, log: Log, *, sections: Sequence[str], records: Records | None = None
    ) -> None:
        self._log = log
        self._records = records
        self._sections = tuple(sections)
        self._seats: OrderedDict[str, _Seat] = OrderedDict()

    async def write(self, slug: str, action: Action, decide: Decide) -> Outcome:
        """Carry out one request. Raises what `decide` raises, and the log's errors.

        Raises `KeyReused` where the request id is known with other content.
        """
        async with self._seat(slug) as seat:
            for _ in range(_ATTEMPTS):
                is_fresh = not seat.known
                try:
                    outcome = await self._try(seat, action, decide, fresh=is_fresh)
                except CallerError:
                    if is_fresh:
                        raise
                    outcome = None
                if outcome is not None and (outcome.tops or is_fresh):
                    return outcome
                # Only an append proves the fold: what another process wrote meanwhile
                # may change any other answer.
                seat.known = False
        raise LogUnavailable("Others write to this story faster than this worker.")

    async def read(self, slug: str) -> Fold:
        """The story's fold at this moment, private parts included; not to be kept."""
        async with self._seat(slug) as seat:
            seat.known = False
            return await self._current(seat)

    async def _try(
        self, seat: _Seat, action: Action, decide: Decide, *, fresh: bool
    ) -> Outcome | None:
        """Answer from a receipt, or decide and append; None where that proves nothing.

        That is after a conflict, and where nothing is to be appended to a fold that is
        not `fresh`.
        """
        fold = await self._current(seat)
        receipt = fold.receipts.get(action.request) or await self._noted(action)
        if receipt is not None:
            return self._replay(fold, receipt, action)
        decision = await decide(fold)
        if decision.changes:
            return await self._append(seat, decision, action)
        if not fresh:
            return None
        position = Position(seat.epoch, fold.seq)
        await self._note(decision.key, action, position)
        thing = _thing(fold, decision.key)
        return Outcome(decision.key, thing, 200, position, self._log.durability)

    def _replay(self, fold: Fold, receipt: Receipt, action: Action) -> Outcome:
        if receipt.fingerprint != action.fingerprint:
            raise KeyReused
        return Outcome(
            receipt.key,
            _thing(fold, receipt.key),
            receipt.status,
            receipt.position,
            self._log.durability,
            replayed=True,
        )

    async def _append(
        self, seat: _Seat, decision: Decision, action: Action
    ) -> Outcome | None:
        """Append what was decided; None after a conflict."""
        fold = seat.fold
        removals = await self._removals(fold, decision)
        own, *others = batch(fold, decision, action, removals)
        own = replace(own, expected_epoch=seat.epoch)
        try:
            tops = await self._log.append([own, *others])
        except Conflict:
            seat.known = False
            return None
        except BaseException:
            # Unknown outcome: what the log holds is read before the next decision.
            seat.known = False
            raise
        position = tops[fold.channel]
        fold.take(number(own, position.epoch, fold.seq))
        seat.epoch = position.epoch
        thing = _thing(fold, decision.key)
        return Outcome(
            decision.key, thing, action.status, position, tops.durability, tops=tops
        )

    async def _noted(self, action: Action) -> Receipt | None:
        """What came of a request that changed nothing; a POST always changes."""
        if self._records is None or not action.keyed or action.status != _CHANGED:
            return None
        record = await self._records.get(f"request/{action.request}")
        if record is None:
            return None
        told = {name: str(record.value[name]) for name in ("key", "fingerprint")}
        position = parse(str(record.value["position"])) or START
        return Receipt(told["key"], _CHANGED, told["fingerprint"], position)

    async def _note(self, key: str, action: Action, position: Position) -> None:
        if self._records is not None and action.keyed:
            value = {
                "key": key,
                "fingerprint": action.fingerprint,
                "position": str(position),
            }
            await self._records.put(f"request/{action.request}", value, seen=0)

    async def _current(self, seat: _Seat) -> Fold:
        if not seat.known:
            held = Position(seat.epoch, seat.fold.seq)
            history = await self._log.read(seat.fold.channel, after=held.seq)
            if judge(held, history.extent) is not None:  # the log lost its tail
                seat.fold = Fold(seat.fold.slug)
                history = await self._log.read(seat.fold.channel)
            seat.fold.take(history.entries)
            seat.epoch = history.extent.epoch_of(seat.fold.seq)
            seat.known = True
        return seat.fold

    async def _removals(
        self, fold: Fold, decision: Decision
    ) -> dict[str, tuple[int, ...]]:
        """The numbers a purge deletes, in every channel that holds the removed text.

        Nothing of this story is written to those channels meanwhile: whoever does has
        to win the story's channel, and then this append conflicts.
        """
        keys = {change.key for change in decision.changes if change.removed}
        if not keys:
            return {}
        own = [
            int(str(each["seq"]))
            for change in decision.changes
            for each in change.removed
        ]
        item = f"story/{fold.slug}"
        if STORY in keys:
            # Each item of an update tells the story's headline.
            keys |= {item, *(f"update/{id_}" for id_ in fold.updates)}
        told = [version.data for version in fold.versions.get(STORY, [])]
        sections = {*self._sections, *(str(d["section"]) for d in told if d)}
        names = {*derived_channels(fold), *(f"section/{each}" for each in sections)}
        removals = {fold.channel: tuple(own)}
        for name in sorted(names):
            entries = (await self._log.read(name)).entries
            # The entries of an index tell the headline of the newest update.
            also = {item} if name in INDEXES else set()
            removals[name] = tuple(_numbers(entries, keys | also))
        return removals

    @asynccontextmanager
    async def _seat(self, slug: str) -> AsyncIterator[_Seat]:
        seat = self._seats.get(slug)
        if seat is None:
            seat = self._seats[slug] = _Seat(Fold(slug))
        self._seats.move_to_end(slug)
        try:
            async with seat.turn:
                yield seat
        finally:
            if seat.fold.story is None or len(self._seats) > _SEATS:
                self._free()

    def _free(self) -> None:
        """Let go of the folds used longest ago, and of slugs that name no story."""
        for slug, seat in list(self._seats.items()):
            unwanted = seat.fold.story is None or len(self._seats) > _SEATS
            if unwanted and not seat.turn.locked():
                del self._seats[slug]


def _numbers(entries: Sequence[Entry], keys: set[str]) -> list[int]:
    """A tombstone stays: it holds no text, and who held the text needs it."""
    events = [each.event for each in entries]
    return [e.seq for e in events if e.key in keys and e.data is not None]


def _thing(fold: Fold, key: str) -> Data:
    if key == STORY:
        return fold.story or {}
    things: Mapping[str, Data] = fold.updates
    return things[key.removeprefix("update/")]
