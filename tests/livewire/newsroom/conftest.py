"""An editor at work: signs in by link, reads pages, fills their forms."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from livewire.app import now
from publishers.permissions import ROLES, expand
from tests.serving import Service


@dataclass(slots=True)
class Form:
    """A form of a page as a browser without scripts would send it."""

    action: str
    fields: dict[str, list[str]] = field(default_factory=dict)


class Forms(HTMLParser):
    """The forms of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._form: Form | None = None
        self._name: str | None = None
        self._blank = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self._blank = self._blank or tag == "template"
        if tag == "form":
            self._form = Form(told.get("action", ""))
            self.found.append(self._form)
        if self._form is None or "name" not in told or self._blank:
            return
        values = self._form.fields.setdefault(told["name"], [])
        if tag == "textarea":
            self._name = told["name"]
        elif told.get("type") == "file":
            del self._form.fields[told["name"]]
        elif told.get("type") != "checkbox" or "checked" in told:
            values.append(told.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._form is not None and self._name is not None:
            self._form.fields[self._name].append(data.removeprefix("\n"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "textarea" and self._form is not None and self._name is not None:
            if not self._form.fields[self._name]:
                self._form.fields[self._name].append("")
            self._name = None
        elif tag == "template":
            self._blank = False


@dataclass(slots=True)
class Editor:
    """Somebody signed in; their browser follows redirects and runs no scripts."""

    service: Service
    http: httpx.AsyncClient

    async def page(self, path: str = "/newsroom/night") -> str:
        answer = await self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def form(
        self, action: str, *, on: str = "/newsroom/night", having: str = "csrf"
    ) -> Form:
        """The first form of a page with that action and a field of that name."""
        for each in Forms(await self.page(on)).found:
            if each.action == action and having in each.fields:
                return each
        raise AssertionError(f"{on} has no form for {action} with {having}")

    async def send(
        self,
        form: Form,
        *,
        headers: dict[str, str] | None = None,
        to: str | None = None,
        picture: bytes | None = None,
        **fields: str,
    ) -> httpx.Response:
        data = form.fields | {name: [value] for name, value in fields.items()}
        files = {"picture": ("x.png", picture, "image/png")} if picture else None
        return await self.http.post(
            to or form.action, data=data, files=files, headers=headers
        )

    async def publish(self, **fields: str) -> httpx.Response:
        """Fill and send the composer of the story `night`."""
        form = await self.form("/newsroom/night/updates")
        form.fields |= {name: [value] for name, value in fields.items()}
        return await self.send(form)

    async def updates(self, slug: str = "night") -> list[dict[str, Any]]:
        """What readers get, newest first."""
        answer = await self.service.http.get(
            f"/api/stories/{slug}/updates", headers=self.service.auth()
        )
        return list(answer.json()["updates"])


def link(service: Service, *scopes: str, name: str = "ines") -> str:
    return service.parts.sessions.link(name, expand(scopes or ("chief",), ROLES), now())


def ticket_in(address: str) -> str:
    return httpx.URL(address).params["ticket"]


@asynccontextmanager
async def browser(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without scripts, and nobody signed in."""
    async with httpx.AsyncClient(
        base_url=service.url, timeout=10, follow_redirects=True
    ) as http:
        yield http


@asynccontextmanager
async def signed_in(
    service: Service, *scopes: str, name: str = "ines"
) -> AsyncIterator[Editor]:
    address = link(service, *scopes, name=name)
    async with browser(service) as http:
        answer = await http.post(
            "/newsroom/sign-in", data={"ticket": ticket_in(address)}
        )
        assert answer.status_code == 200, answer.text
        yield Editor(service, http)


@pytest.fixture
async def editor(service: Service) -> AsyncIterator[Editor]:
    """A chief with one live story, `night`."""
    await service.open("night", headline="The night", timezone="Europe/Vienna")
    async with signed_in(service) as chief:
        yield chief
