"""The machine finds no fault with the hub, and finds each of the usual mistakes."""

from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from channels.asking import Asking
from channels.encoding import Encoded
from channels.errors import LogUnavailable
from channels.follow import Follow
from channels.hub import Hub
from channels.log import History
from channels.positions import Position, Reason
from channels.view import View
from tests.channels.state_machine import Newsroom

QUIET = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    stateful_step_count=30,
    print_blob=False,
)


def test_no_reader_ever_sees_a_gap_or_a_duplicate() -> None:
    run_state_machine_as_test(Newsroom, settings=settings(QUIET, max_examples=200))


class ReadThenListen(Hub):
    """The mistake: what is appended between the two is never heard."""

    async def _listen_and_read(self, name: str) -> Any:
        history = await self._log.read(name)

        async def read_before(channel: str, after: int = 0) -> History:
            return history

        with patch.object(self._log, "read", read_before):
            return await super()._listen_and_read(name)


class JoinWithoutCatchingUp(Follow):
    """The mistake: history is somebody else's business."""

    __slots__ = ()

    def open(self, reason: Reason | None) -> None:
        self.seq, seq = self.view.extent.top, self.seq
        position = self.view.extent.position(seq)
        opening = self.sink.format.opening
        self.sink.write(opening(self.view.channel, self.view.extent, position, reason))
        if not self.paused:
            self.resume()


class MoveAfterWriting(Follow):
    """The mistake: a pause in the middle of a write keeps the position before it."""

    __slots__ = ()

    def take(self, encoded: Encoded) -> None:
        if encoded.event.seq > self.seq:
            self.sink.write(self.sink.format.change(encoded))
            if not self.paused:
                self.seq = encoded.event.seq


class MoveBeforeWriting(Follow):
    """The mistake: the position runs ahead of what was written."""

    __slots__ = ()

    def resume(self) -> None:
        changes, self.seq = self.view.after(self.seq), self.view.extent.top
        self.paused = False
        for encoded in changes:
            self.sink.write(self.sink.format.change(encoded))
            if self.paused:
                return
        super().resume()


class JudgedByPositionAlone(Follow):
    """The mistake: what a reader was spared is forgotten when its reason is lost."""

    __slots__ = ()

    def open(self, reason: Reason | None) -> None:
        super().open(reason)
        self.goal = 0

    def resume(self) -> None:
        super().resume()
        self.goal = 0


class JudgeByItsOwnTop(Hub):
    """The mistake: what the view does not know while the log is away is not there."""

    async def view(self, name: str, position: Position | None = None) -> View:
        try:
            return await super().view(name, position)
        except LogUnavailable:
            if name not in self._channels:
                raise
            return self._channels[name].view


class ServeForEver(Asking):
    """The mistake: what the view holds is shown however long the log is away."""

    @property
    def is_cut_off(self) -> bool:
        return False


class HastyNewsroom(Newsroom):
    make_hub = ReadThenListen


class PresumptuousNewsroom(Newsroom):
    make_hub = JudgeByItsOwnTop


def test_the_machine_finds_history_read_before_listening() -> None:
    expect_a_finding(HastyNewsroom)


def test_the_machine_finds_readers_judged_without_the_log() -> None:
    expect_a_finding(PresumptuousNewsroom)


def test_the_machine_finds_text_served_without_the_log() -> None:
    with patch("channels.hub.Asking", ServeForEver):
        expect_a_finding(Newsroom)


def test_the_machine_finds_readers_held_for_ever() -> None:
    with patch("channels.transports.connections.Joining.retry", lambda joining: None):
        expect_a_finding(Newsroom)


@pytest.mark.parametrize(
    "mistake",
    [
        JoinWithoutCatchingUp,
        MoveAfterWriting,
        MoveBeforeWriting,
        JudgedByPositionAlone,
    ],
)
def test_the_machine_finds(mistake: type[Follow]) -> None:
    with patch("channels.channel.Follow", mistake):
        expect_a_finding(Newsroom)


def expect_a_finding(machine: type[Newsroom]) -> None:
    search = settings(
        QUIET,
        max_examples=400,
        phases=[Phase.generate],  # a finding is enough, it need not be small
        database=None,
        report_multiple_bugs=False,
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=search)
