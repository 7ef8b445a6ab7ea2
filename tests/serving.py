"""A real service on a real port, inside the test's own event loop."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from httpx_sse import EventSource, aconnect_sse

from channels.sqlite.file import SqliteFile
from channels.sqlite.store import SqliteStore
from livewire.app import assemble, create_app, new_id, now
from livewire.parts import Parts
from livewire.server import Server
from livewire.server import serve as server_for
from livewire.settings import Settings, load
from publishers.permissions import ROLES, expand

SECRET = "a secret of the tests, long enough to be taken"


@dataclass(frozen=True, slots=True)
class Service:
    """A running service, and how to speak to it."""

    url: str
    parts: Parts
    server: Server
    http: httpx.AsyncClient

    @property
    def file(self) -> SqliteFile:
        """The file of its log."""
        assert isinstance(self.parts.store, SqliteStore)
        return self.parts.store.file

    def token(self, *scopes: str, name: str = "ines", seconds: float = 3600) -> str:
        """A token for the scopes or roles; `chief` where none is named."""
        granted = expand(scopes or ("chief",), ROLES)
        return self.parts.keyring.sign(
            name, granted, now=now(), lifetime=timedelta(seconds=seconds), id_=new_id()
        )

    def auth(self, *scopes: str, name: str = "ines") -> dict[str, str]:
        """The header that carries such a token."""
        return {"Authorization": f"Bearer {self.token(*scopes, name=name)}"}

    async def open(self, slug: str, **members: Any) -> dict[str, Any]:
        """Open a story (live unless told otherwise); the answer's JSON."""
        body = {"slug": slug, "headline": f"Story {slug}", "status": "live", **members}
        answer = await self.http.post("/api/stories", json=body, headers=self.auth())
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def publish(self, slug: str, **members: Any) -> dict[str, Any]:
        """Publish an update; the answer's JSON."""
        answer = await self.http.post(
            f"/api/stories/{slug}/updates",
            json=members or {"body": "Polls close."},
            headers=self.auth(),
        )
        assert answer.status_code == 201, answer.text
        return dict(answer.json())


def settings_for(folder: Path, port: int = 0, **given: object) -> Settings:
    """Settings of a service whose data is in `folder`."""
    known: dict[str, object] = {
        "data_dir": folder,
        "secret": SECRET,
        "port": port,
        "drain": 2,
    }
    return load(known | given)


@asynccontextmanager
async def running(
    folder: Path, port: int = 0, *, vfs: str | None = None, **given: object
) -> AsyncIterator[Service]:
    """A service on `port` (0: a free one), stopped at the end."""
    listening = _listen(port)
    bound = int(listening.getsockname()[1])
    settings = settings_for(folder, bound, **given)
    parts = assemble(settings, vfs=vfs)
    server = server_for(create_app(settings, parts), settings, parts.connections)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    url = f"http://127.0.0.1:{bound}"
    try:
        async with httpx.AsyncClient(base_url=url, timeout=10) as http:
            while not server.started:
                if serving.done():
                    serving.result()
                    raise RuntimeError("the service did not start")
                await asyncio.sleep(0.005)
            yield Service(url, parts, server, http)
    finally:
        server.should_exit = True
        await serving
        listening.close()


def _listen(port: int) -> socket.socket:
    # asyncio sends small answers at once (TCP_NODELAY) only where the protocol is
    # named; without it every answer of two writes waits 40 ms for the client's ACK.
    listening = socket.socket(proto=socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(100)
    return listening


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a stream as a client reads it."""

    event: str
    data: dict[str, Any]
    id: str


@asynccontextmanager
async def streaming(
    service: Service,
    *channels: str,
    headers: dict[str, str] | None = None,
    **query: str,
) -> AsyncIterator["Frames"]:
    """A stream of the channels; `since` and the like come as keywords."""
    params = [("channel", name) for name in channels] + list(query.items())
    async with aconnect_sse(
        service.http,
        "GET",
        "/stream",
        params=params,
        headers=dict(headers or {}),
        timeout=10,
    ) as source:
        yield Frames(source)


class Frames:
    """The frames of an open stream, one at a time."""

    def __init__(self, source: EventSource) -> None:
        self.response = source.response
        self._events = source.aiter_sse() if self.response.is_success else None

    async def next(self, *, beats: bool = False) -> Frame:
        """The next frame; heartbeats are passed over unless asked for."""
        assert self._events is not None, self.response.status_code
        while True:
            sse = await anext(self._events)
            # `retry` alone is no event, though this client makes one of it.
            if sse.data and (beats or sse.event != "heartbeat"):
                return Frame(sse.event, json.loads(sse.data), sse.id)

    async def until(self, event: str) -> list[Frame]:
        """The frames up to and with the next one of that name."""
        frames = [await self.next(beats=event == "heartbeat")]
        while frames[-1].event != event:
            frames.append(await self.next(beats=event == "heartbeat"))
        return frames
