"""The written night, played on a real service."""

import asyncio
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from channels.events import instant
from livewire.app import now
from livewire.demo.night import Night, load
from livewire.demo.player import Pace, Player, evening_zone
from tests.serving import Service, running


class Curtain(Exception):
    """Raised by a player's clock to end the play."""


@pytest.fixture(scope="module")
def night() -> Night:
    return load()


def player(service: Service, night: Night, *, waits: int) -> Player:
    """A player that does not wait, and stops at its `waits`-th waiting."""
    left = waits

    async def sleep(seconds: float) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Curtain
        await asyncio.sleep(0)

    def sign(name: str) -> str:
        return service.token("chief", name=name)

    return Player(
        service.parts.publishing,
        night,
        sign=sign,
        widths=(320,),
        pace=Pace(),
        sleep=sleep,
    )


def told(update: dict[str, object]) -> object:
    return update.get("headline") or update.get("body") or update["id"]


async def updates_of(service: Service, slug: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    query = {"limit": "100"}
    path = f"/api/stories/{slug}/updates"
    while True:
        answer = (await service.http.get(path, params=query)).json()
        found += answer["updates"]
        if answer["next"] is None:
            return found
        query["cursor"] = answer["next"]


async def test_the_night_begins_with_its_first_half(
    service: Service, night: Night
) -> None:
    slug = await player(service, night, waits=0).begin()
    updates = await updates_of(service, slug)
    written = [step for step in night.steps[: night.half] if step.do == "publish"]
    assert len(updates) == len(written)
    assert str(updates[0]["published"]) <= now().isoformat()
    begun = night.steps[night.half - 1].minute
    first, last = updates[-1]["published"], updates[0]["published"]
    minutes = (instant(str(last)) - instant(str(first))) / timedelta(minutes=1)
    assert minutes == pytest.approx(begun, abs=1)
    stories = (await service.http.get("/api/stories")).json()["stories"]
    assert len(stories) == 1 + len(night.sides)


async def test_the_whole_night_is_played_and_the_next_begins(
    service: Service, night: Night
) -> None:
    playing = player(service, night, waits=len(night.steps) - 1)
    await playing.begin()
    with pytest.raises(Curtain):
        await playing.play()
    updates = await updates_of(service, night.slug)
    story = (await service.http.get(f"/api/stories/{night.slug}")).json()["story"]
    assert len(updates) == sum(step.do == "publish" for step in night.steps)
    assert sum(each["status"] == "withdrawn" for each in updates) == 1
    assert sum(each.get("correction") is not None for each in updates) == 2
    assert sum(each.get("pinned") is True for each in updates) == 1
    assert story["status"] == "ended"
    assert await player(service, night, waits=0).current() == 2


async def test_a_player_that_starts_again_goes_on_where_it_was(
    tmp_path: Path, night: Night
) -> None:
    async with running(tmp_path) as service:
        playing = player(service, night, waits=5)
        slug = await playing.begin()
        with pytest.raises(Curtain):
            await playing.play()
        before = await updates_of(service, slug)
    async with running(tmp_path) as service:
        again = player(service, night, waits=3)
        assert await again.begin() == slug
        with pytest.raises(Curtain):
            await again.play()
        after = await updates_of(service, slug)
    held = {each["id"] for each in before}
    assert held < {each["id"] for each in after}
    assert len(after) == len({told(each) for each in after})


async def test_the_play_goes_on_when_somebody_else_ends_the_story(
    service: Service, night: Night
) -> None:
    playing = player(service, night, waits=3)
    slug = await playing.begin()
    path = f"/api/stories/{slug}/withdraw"
    body = {"reason": "A visitor tried the button."}
    answer = await service.http.post(path, json=body, headers=service.auth())
    assert answer.status_code == 200
    with pytest.raises(Curtain):
        await playing.play()
    assert await updates_of(service, f"{slug}-2")


def test_the_night_is_set_where_it_is_evening() -> None:
    at = now()
    zone = evening_zone(at, timedelta(hours=21, minutes=50))
    local = at.astimezone(ZoneInfo(zone))
    assert abs(local.hour * 60 + local.minute - (21 * 60 + 50)) <= 45
