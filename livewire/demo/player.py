"""Plays the written night on a running service, through its own publish API.

The first half is written with the times it would have had; the rest follows at a
watchable pace, and when the night has ended another one begins. Every request carries
an idempotency key made of the story and the step, so a player that starts again goes
on where the log says it was.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast
from zoneinfo import ZoneInfo

import httpx
from starlette.applications import Starlette

from livewire.demo import pictures
from livewire.demo.night import Body, Night, Side, Step
from livewire.errors import problem_handlers
from publishers.api.media import Pictures
from publishers.api.publishing import Publishing
from publishers.api.routes import routes

START = timedelta(hours=17, minutes=30)
"""Local time at minute 0 of the script."""

ZONES = (
    "Pacific/Auckland", "Australia/Sydney", "Australia/Adelaide", "Asia/Tokyo",
    "Asia/Shanghai", "Asia/Bangkok", "Asia/Yangon", "Asia/Dhaka", "Asia/Kolkata",
    "Asia/Karachi", "Asia/Kabul", "Asia/Dubai", "Asia/Tehran", "Europe/Istanbul",
    "Europe/Helsinki", "Europe/Vienna", "Europe/Lisbon", "Atlantic/Azores",
    "America/Noronha", "America/Sao_Paulo", "America/St_Johns", "America/Halifax",
    "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
    "America/Anchorage", "Pacific/Marquesas", "Pacific/Honolulu", "Pacific/Pago_Pago",
)  # fmt: skip
"""Where on the globe it may be evening: the night is set where it is, so that the
times readers see are about those the texts speak of."""

_PIXELS = 10_000_000

_KEPT = 2
"""Nights on the front page: the one under way and the one before."""

Sleep = Callable[[float], Awaitable[None]]


class DemoFailed(Exception):
    """The service failed at a step of the written night."""


class _Refused(DemoFailed):
    """The state of the story forbids the step: somebody else is at the desk too."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two steps; the gaps of the script, squeezed between these."""

    shortest: float = 6
    longest: float = 24
    a_minute: float = 3.5  # seconds that one minute of the script takes
    intermission: float = 120  # between the end of a night and the next one

    def gap(self, before: Step, after: Step) -> float:
        """How long to wait between two steps."""
        wanted = (after.minute - before.minute) * self.a_minute
        return min(self.longest, max(self.shortest, wanted))


class Player:
    """The demo's newsroom: several bylines, one script."""

    def __init__(
        self,
        publishing: Publishing,
        night: Night,
        *,
        sign: Callable[[str], str],
        widths: Sequence[int],
        pace: Pace,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._night = night
        self._pace = pace
        self._sleep = sleep
        self._clock = publishing.entrance.now
        self._at: datetime | None = None  # the script's time while it is behind
        self._shown = 1  # the night whose address was told
        self._base_url = publishing.terms.base_url
        self._media: dict[str, str] = {}  # picture's name to its id
        self._sign = sign
        entrance = dataclasses.replace(publishing.entrance, now=self._now)
        own = dataclasses.replace(publishing, entrance=entrance)
        app = Starlette(
            routes=routes(own, Pictures(own, _PIXELS, widths)),
            exception_handlers=problem_handlers(),
        )
        # The API itself, without the network between: only the clock is ours.
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://demo"
        )

    async def begin(self) -> str:
        """Write what is there when the curtain rises; the story's slug."""
        for side in self._night.sides:
            await self._side(side)
        self._shown = await self.current()
        return await self._first_half(self._shown)

    async def play(self) -> None:
        """Play the rest, then night after night, until cancelled."""
        number = await self.current()
        while True:
            slug = await self._first_half(number)
            refs: dict[str, str] = {}
            steps = self._night.steps
            for index, step in enumerate(steps):
                fresh = await self._step(slug, index, step, refs)
                if fresh and index + 1 < len(steps):
                    await self._sleep(self._pace.gap(step, steps[index + 1]))
            await self._sleep(self._pace.intermission)
            number += 1
            following = await self._first_half(number)
            await self._link(slug, following)
            if number - _KEPT > self._shown:
                await self._forget(number - _KEPT)

    def _now(self) -> datetime:
        return self._at or self._clock()

    async def current(self) -> int:
        """The number of the night under way, or of the one to begin."""
        number = 1
        while (status := await self._status(number)) is not None:
            if status not in ("ended", "withdrawn"):
                return number
            number += 1
        return number

    async def _status(self, number: int) -> str | None:
        answer = await self._http.get(f"/api/stories/{self._slug(number)}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        return str(answer.json()["story"]["status"])

    def _slug(self, number: int) -> str:
        return self._night.slug if number == 1 else f"{self._night.slug}-{number}"

    async def _first_half(self, number: int) -> str:
        """Open the night and write its first half in its own times, once."""
        slug, steps = self._slug(number), self._night.steps
        if await self._status(number) is not None:
            return slug
        half = steps[self._night.half - 1].minute
        begins = self._clock() - timedelta(minutes=half)
        zone = evening_zone(self._clock(), START + timedelta(minutes=half))
        refs: dict[str, str] = {}
        try:
            self._at = begins
            opening = {**self._night.story, "slug": slug, "timezone": zone}
            await self._send("POST", "/api/stories", opening, f"{slug}:open")
            for index, step in enumerate(steps[: self._night.half]):
                self._at = begins + timedelta(minutes=step.minute)
                await self._step(slug, index, step, refs)
        finally:
            self._at = None
        return slug

    async def _side(self, side: Side) -> None:
        path = f"/api/stories/{side.slug}"
        if (await self._http.get(path)).status_code == httpx.codes.OK:
            return
        hours = 2 + 3 * self._night.sides.index(side)
        try:
            self._at = self._clock() - timedelta(hours=hours)
            key = f"side:{side.slug}"
            await self._send(
                "POST", "/api/stories", {**side.body, "status": "live"}, key
            )
            for number, update in enumerate(side.updates):
                self._at += timedelta(minutes=12)
                await self._send("POST", f"{path}/updates", update, f"{key}:{number}")
            if side.status != "live":
                self._at += timedelta(minutes=12)
                await self._send(
                    "PATCH", path, {"status": side.status}, f"{key}:status"
                )
        finally:
            self._at = None

    async def _step(
        self, slug: str, index: int, step: Step, refs: dict[str, str]
    ) -> bool:
        """Send one step; whether it had not been carried out before."""
        path = f"/api/stories/{slug}"
        update = f"{path}/updates/{refs.get(step.ref, '')}"
        method, where = {
            "publish": ("POST", f"{path}/updates"),
            "correct": ("PATCH", update),
            "withdraw": ("POST", f"{update}/withdraw"),
            "story": ("PATCH", path),
        }[step.do]
        try:
            answer = await self._send(method, where, step.body, f"{slug}:{index}")
        except _Refused:
            return False
        if step.do == "publish":
            refs[step.ref] = str(answer.json()["update"]["id"])
        return "idempotent-replayed" not in answer.headers

    async def _link(self, slug: str, following: str) -> None:
        """Lead readers of a night that is over to the next one."""
        url = f"{self._base_url}/live/{following}"
        after = {"followed_by": {"headline": "The night, played anew", "url": url}}
        with suppress(_Refused):
            path = f"/api/stories/{slug}"
            await self._send("PATCH", path, after, f"{slug}:after")

    async def _forget(self, number: int) -> None:
        """Withdraw an old night, so that the front page does not fill with them."""
        path = f"/api/stories/{self._slug(number)}/withdraw"
        reason = {"reason": "The demo plays this night anew."}
        await self._send("POST", path, reason, f"{self._slug(number)}:forget")

    async def _send(
        self, method: str, path: str, body: Body, key: str
    ) -> httpx.Response:
        answer = await self._http.request(
            method,
            path,
            json=await self._resolved(body),
            headers={
                "Authorization": f"Bearer {self._token(body)}",
                "Idempotency-Key": key,
                "If-Match": "*",
            },
        )
        if answer.is_error:
            error = _Refused if answer.is_client_error else DemoFailed
            raise error(f"{method} {path}: {answer.text}")
        return answer

    def _token(self, body: Body) -> str:
        authors = cast("list[Mapping[str, str]]", body.get("authors") or [])
        name = authors[0]["name"] if authors else "desk"
        return self._sign(name)

    async def _resolved(self, body: Body) -> dict[str, object]:
        """The body as the API takes it: pictures uploaded, times made absolute."""
        resolved = dict(body)
        minutes = resolved.pop("resumes_after", None)
        if minutes is not None:
            wait = timedelta(seconds=self._pace.longest)
            resolved["resumes_at"] = (self._now() + wait).isoformat()
        if body.get("image") is not None:
            resolved["image"] = await self._picture(cast("Body", body["image"]))
        if body.get("media"):
            given = cast("list[Body]", body["media"])
            resolved["media"] = [await self._picture(each) for each in given]
        return resolved

    async def _picture(self, given: Body) -> dict[str, object]:
        name = str(given["picture"])
        if name not in self._media:
            answer = await self._http.post(
                "/api/media",
                content=await asyncio.to_thread(pictures.draw, name),
                headers={
                    "Authorization": f"Bearer {self._sign('desk')}",
                    "Content-Type": "image/png",
                    "Idempotency-Key": f"picture:{name}",
                },
            )
            if answer.is_error:
                raise DemoFailed(f"the picture {name}: {answer.text}")
            self._media[name] = str(answer.json()["id"])
        shown = {key: value for key, value in given.items() if key != "picture"}
        return {**shown, "id": self._media[name]}


def evening_zone(now: datetime, wanted: timedelta) -> str:
    """The zone in which the clock shows about `wanted` (time since midnight)."""
    day = timedelta(days=1)

    def distance(zone: str) -> timedelta:
        local = now.astimezone(ZoneInfo(zone))
        shown = timedelta(hours=local.hour, minutes=local.minute)
        apart = abs(shown - wanted % day)
        return min(apart, day - apart)

    return min(ZONES, key=distance)
