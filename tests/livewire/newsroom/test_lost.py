"""What the log lost stands on the front page until somebody has dealt with it."""

from datetime import UTC, datetime

from channels.events import Event
from channels.losses import Loss
from tests.livewire.newsroom.conftest import Editor
from tests.redis_processes import until

AT = datetime(2026, 11, 22, 20, 4, 5, tzinfo=UTC)


def lost(channel: str, headline: str, seq: int = 7) -> Event:
    data = {"headline": headline}
    return Event(channel, "aaaaaaaa", seq, f"update/{seq}", 1, "update", "i", AT, data)


async def told(editor: Editor, loss: Loss) -> None:
    losses = editor.service.parts.losses
    before = len(await losses.open())
    losses.tell(loss)

    async def is_told() -> bool:
        return len(await losses.open()) > before

    await until(is_told)


async def test_a_loss_is_told_where_it_can_be_written_again(editor: Editor) -> None:
    events = (lost("story/night", "Turnout <at noon>"), lost("latest", "Derived"))
    await told(editor, Loss(events))
    page = await editor.page("/newsroom")
    assert "Turnout &lt;at noon&gt;" in page
    assert 'href="/newsroom/night"' in page
    assert "Derived" not in page


async def test_a_loss_of_which_nothing_is_known_is_counted(editor: Editor) -> None:
    await told(editor, Loss((), 3))
    page = await editor.page("/newsroom")
    assert "3 publishes of which nothing is known are lost" in page


async def test_what_is_dealt_with_is_gone(editor: Editor) -> None:
    await told(editor, Loss((lost("story/night", "Turnout"),)))
    (loss,) = await editor.service.parts.losses.open()
    action = f"/newsroom/losses/{loss.name.removeprefix('loss/')}"
    await editor.send(await editor.form(action, on="/newsroom"))
    assert "Turnout" not in await editor.page("/newsroom")


async def test_what_only_a_derived_channel_lost_is_no_loss(editor: Editor) -> None:
    losses = editor.service.parts.losses
    losses.tell(Loss((lost("latest", "Derived"),)))
    await told(editor, Loss((), 1))
    assert len(await losses.open()) == 1
