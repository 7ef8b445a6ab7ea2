"""A site on loopback for the browser: pages, static files and a scripted stream."""

import asyncio
import json
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

import livewire
from livewire.headers import PAGE_POLICY
from tests.e2e.browser import CHROMIUM, FLAGS

STATIC = Path(livewire.__file__).parent / "static"
PATIENCE = 10.0  # seconds to wait for what must happen


@dataclass(slots=True)
class Asked:
    """One request to `/stream`."""

    query: str
    headers: dict[str, str]


@dataclass(slots=True)
class LiveSite:
    """The test's hand on the site: what is served, asked and streamed."""

    pages: dict[str, str] = field(default_factory=dict)
    statuses: deque[int] = field(default_factory=deque)  # before streams are served
    asked: list[Asked] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    loop: asyncio.AbstractEventLoop | None = None
    queues: list[asyncio.Queue[bytes | None]] = field(default_factory=list)
    address: str = ""

    def wait_for_requests(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.asked) >= count, PATIENCE)

    def send(self, raw: str | bytes) -> None:
        """Write bytes to the newest stream."""
        data = raw.encode() if isinstance(raw, str) else raw
        self._put(data)

    def event(self, name: str, **data: object) -> None:
        self.send(f"event: {name}\ndata: {json.dumps(data)}\n\n")

    def hang_up(self) -> None:
        self._put(None)

    def reset(self) -> None:
        self.pages.clear()
        self.statuses.clear()
        self.asked.clear()

    def _put(self, data: bytes | None) -> None:
        assert self.loop is not None
        self.loop.call_soon_threadsafe(self.queues[-1].put_nowait, data)

    async def page(self, request: Request) -> Response:
        html = self.pages.get(request.url.path)
        # Polling a condition needs eval, so the page without content has no policy.
        held = (
            {}
            if request.url.path == "/blank"
            else {"Content-Security-Policy": PAGE_POLICY}
        )
        return HTMLResponse(html or "", 200 if html else 404, held)

    async def stream(self, request: Request) -> Response:
        self.loop = asyncio.get_running_loop()
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        with self.changed:
            status = self.statuses.popleft() if self.statuses else 200
            self.asked.append(Asked(request.url.query, dict(request.headers)))
            self.queues.append(queue)
            self.changed.notify_all()
        if status != 200:
            return Response(status_code=status)
        return StreamingResponse(drain(queue), media_type="text/event-stream")


async def drain(queue: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
    yield b"retry: 1\n\n"
    while (data := await queue.get()) is not None:
        yield data


@pytest.fixture(scope="module")
def running_site() -> Iterator[LiveSite]:
    site = LiveSite()
    app = Starlette(
        routes=[
            Mount("/static", StaticFiles(directory=STATIC)),
            Route("/stream", site.stream),
            Route("/{path:path}", site.page),
        ]
    )
    config = uvicorn.Config(
        app, port=0, log_level="error", ws="none", lifespan="off", loop="asyncio"
    )
    config.timeout_graceful_shutdown = 1
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    site.address = f"http://127.0.0.1:{port}"
    yield site
    for queue in site.queues:
        if site.loop is not None:
            site.loop.call_soon_threadsafe(queue.put_nowait, None)
    server.should_exit = True
    thread.join()


@pytest.fixture
def site(running_site: LiveSite) -> LiveSite:
    running_site.reset()
    running_site.pages["/blank"] = "<!doctype html><title>Blank</title>"
    return running_site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser, site: LiveSite) -> Iterator[Page]:
    context = browser.new_context(base_url=site.address)
    context.set_default_timeout(PATIENCE * 1000)
    tab = context.new_page()
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    yield tab
    context.close()
    assert faults == []
