"""Editors that write, and repeat what was not answered until they know.

Each write has a key of its own and a marker that no other tells. A status of 5xx, a
timeout and a lost line all mean "unknown": the same write with the same key goes to
whichever worker, until it is answered, or the editor gives up and never learns.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

import httpx
import orjson

from livewire.app import new_id, now
from publishers.permissions import ROLES
from publishers.tokens import Keyring
from tests.chaos.history import Deed, History, Operation
from tests.serving import SECRET

PATIENCE = httpx.Timeout(3)
GIVES_UP = 0.05  # the chance, after each try that was not answered
DEEDS: Mapping[Deed, int] = {
    "publish": 52,
    "correct": 25,
    "pin": 8,
    "withdraw": 10,
    "edit": 5,
}
PURGES = 0.3  # the chance that a withdrawal takes the earlier text with it
PASSING = (408, 429)  # statuses of 4xx after which the same may go through
_ALERT = {"breaking": True, "pinned": False}
_WORDS = ("ferry", "harbour", "council", "ballot", "bridge", "storm", "minister")


@dataclass(frozen=True, slots=True)
class Request:
    """A write as it is sent, however often and to whomever."""

    method: str
    path: str
    headers: dict[str, str]
    body: dict[str, object]


@dataclass(slots=True)
class Desk:
    """What the editors know together: versions of updates, by story and id."""

    slugs: tuple[str, ...]
    versions: dict[str, dict[str, int]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    leaving: asyncio.Event = field(default_factory=asyncio.Event)  # begin nothing new
    over: asyncio.Event = field(default_factory=asyncio.Event)  # repeat nothing either


def signed(name: str) -> dict[str, str]:
    """The header of a chief of that name, as every worker with our secret takes it."""
    ring = Keyring(SECRET.encode(), "livewire", "livewire")
    lifetime = timedelta(days=1)
    token = ring.sign(name, ROLES["chief"], now=now(), lifetime=lifetime, id_=new_id())
    return {"Authorization": f"Bearer {token}"}


class Publisher:
    """One editor. `pause` is the longest time between two writes, in seconds."""

    def __init__(
        self,
        history: History,
        name: str,
        desk: Desk,
        addresses: Sequence[str],
        random: Random,
        http: httpx.AsyncClient,
        *,
        pause: float,
    ) -> None:
        self._history = history
        self._name = name
        self._desk = desk
        self._addresses = addresses
        self._random = random
        self._http = http
        self._pause = pause
        self._headers = signed(name)
        self._count = 0

    async def run(self) -> None:
        """Write one thing after another until it is time to leave."""
        while not self._desk.leaving.is_set():
            await self._write_one()
            await asyncio.sleep(self._random.uniform(0, self._pause))

    async def begin(self) -> None:
        """The first word: an alert, before anything breaks."""
        operation = self._operation("publish", self._desk.slugs[0])
        request = self._request(operation)
        await self._send(operation, replace(request, body=request.body | _ALERT))

    async def _write_one(self) -> None:
        slug = self._random.choice(self._desk.slugs)
        deed = self._random.choices(list(DEEDS), list(DEEDS.values()))[0]
        known = self._desk.versions[slug]
        if not known:
            deed = "publish"
        operation = self._operation(deed, slug)
        if deed == "edit":
            operation.key = "story"
        elif deed != "publish":
            operation.key = f"update/{self._random.choice(list(known))}"
        await self._send(operation, self._request(operation))

    def _operation(self, deed: Deed, slug: str) -> Operation:
        self._count += 1
        marker = f"{self._name} {self._count}"
        operation = Operation(self._name, deed, slug, marker)
        self._history.operations.append(operation)
        return operation

    def _request(self, operation: Operation) -> Request:
        path, marker = f"/api/stories/{operation.slug}/updates", operation.marker
        key = {"Idempotency-Key": marker.replace(" ", "-")}
        id_ = operation.key.removeprefix("update/")
        version = self._desk.versions[operation.slug].get(id_)
        match = {"If-Match": self._random.choice(("*", f'"{version}"'))}
        noted: dict[str, object] = {"note": marker}
        match operation.deed:
            case "publish":
                return Request("POST", path, key, self._update(marker))
            case "correct":
                body = {**noted, "headline": marker}
                return Request("PATCH", f"{path}/{id_}", key | match, body)
            case "pin":
                body = {**noted, "pinned": True}
                return Request("PATCH", f"{path}/{id_}", key | match, body)
            case "withdraw":
                body = {**noted, "reason": marker}
                if self._random.random() < PURGES:
                    body["purge"] = True
                return Request("POST", f"{path}/{id_}/withdraw", key, body)
            case "edit":
                story = f"/api/stories/{operation.slug}"
                body = {**noted, "headline": marker}
                return Request("PATCH", story, key | {"If-Match": "*"}, body)

    def _update(self, marker: str) -> dict[str, object]:
        text = " ".join(self._random.choices(_WORDS, k=self._random.randrange(5, 200)))
        pinned, breaking = (self._random.random() < 0.1 for _ in range(2))
        said: dict[str, object] = {"headline": marker, "body": text}
        return said | {"pinned": pinned, "breaking": breaking}

    async def _send(self, operation: Operation, request: Request) -> None:
        while True:
            operation.tries += 1
            with suppress(httpx.TransportError):
                answer = await self._http.request(
                    request.method,
                    self._random.choice(self._addresses) + request.path,
                    json=request.body,
                    headers=self._headers | request.headers,
                    timeout=PATIENCE,
                )
                if answer.status_code < 500 and answer.status_code not in PASSING:
                    self._learn(operation, answer)
                    return
            if self._desk.over.is_set() or self._random.random() < GIVES_UP:
                return
            await asyncio.sleep(self._random.uniform(0.05, 0.4))

    def _learn(self, operation: Operation, answer: httpx.Response) -> None:
        operation.status = answer.status_code
        if not answer.is_success:
            operation.outcome = "refused"
            return
        told = orjson.loads(answer.content)
        thing = told["story" if operation.deed == "edit" else "update"]
        operation.outcome = "acknowledged"
        operation.position = told["position"]
        if operation.deed != "edit":
            reason = (thing["withdrawn"] or {}).get("reason")
            if operation.deed == "withdraw" and reason != operation.marker:
                operation.outcome = "idle"
                return
            operation.key = f"update/{thing['id']}"
            self._desk.versions[operation.slug][thing["id"]] = thing["version"]
        if "Idempotent-Replayed" not in answer.headers:
            members = {"key": operation.key, "data": thing}
            members["position"] = operation.position
            members["channel"] = f"story/{operation.slug}"
            operation.event = self._history.event(members)
