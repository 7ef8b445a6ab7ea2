"""Every example of the protocol's page runs, and says what the page says it does."""

from pathlib import Path

import pytest

from channels.positions import Reason
from tests.docs.pages import Part, parts, read
from tests.docs.stage import Stage

EVENTS = ("ready", "reset", "heartbeat", "problem", "close")
LOGGED = ("update", "story", "item", "entry")
REASONS: tuple[Reason, ...] = ("epoch", "ahead", "trimmed", "malformed")

EXAMPLES = list(parts(read("protocol")))


async def test_the_examples_run_in_order_and_hold(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    wrong: list[str] = []
    try:
        for part in EXAMPLES:
            wrong += [f"line {part.line}: {each}" for each in await stage.play(part)]
    finally:
        await stage.close()
    assert not wrong, "\n".join(wrong)


def _shown(kind: str) -> str:
    return "\n".join(part.text for part in EXAMPLES if part.kind == kind)


@pytest.mark.parametrize("event", EVENTS + LOGGED)
def test_every_event_is_shown_by_an_example(event: str) -> None:
    assert f"event: {event}\n" in _shown("sse")


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_of_a_reset_is_shown_by_an_example(reason: Reason) -> None:
    assert f'"reason": "{reason}"' in _shown("sse")


def test_a_tombstone_is_shown_by_an_example() -> None:
    assert '"data": null' in _shown("sse")


def test_a_poll_is_answered_with_changes_with_nothing_and_with_304() -> None:
    shown = _shown("http")
    assert "HTTP/1.1 304 Not Modified" in shown
    assert '"events": []' in shown
    assert '"reset": "epoch"' in shown


def test_every_block_of_the_page_is_one_that_is_played() -> None:
    played = {"http", "sse", "cue"}
    others = [part for part in EXAMPLES if part.kind not in played]
    assert [part for part in others if not _is_plain(part)] == []


def _is_plain(part: Part) -> bool:
    """Grammar and diagrams say `text`."""
    return part.kind == "text"
