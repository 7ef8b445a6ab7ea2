"""From the POST to the reader's DOM: fifty updates in a real browser.

The baseline of the same run is a request to the same service that changes nothing.
"""

import statistics
import time

import httpx
from playwright.async_api import Page, async_playwright

from benchmarks.serving import Served, service
from tests.e2e.browser import CHROMIUM, FLAGS

UPDATES = 50


async def measure() -> None:
    """Print the table."""
    async with service() as served, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(FLAGS)
        )
        page = await browser.new_page()
        async with httpx.AsyncClient(base_url=served.url) as http:
            await open_story(http, served)
            await page.goto(f"{served.url}/live/night")
            await page.get_by_text("checked just now").wait_for()
            times = [await one(page, http, served, n) for n in range(UPDATES)]
            idle = [await nothing(http) for _ in range(UPDATES)]
        await browser.close()
    middle, late = statistics.median(times), sorted(times)[int(UPDATES * 0.95)]
    print(f"  POST to DOM        median {middle:6.1f} ms   p95 {late:6.1f} ms")
    print(f"  a request alone    median {statistics.median(idle):6.1f} ms")


async def open_story(http: httpx.AsyncClient, served: Served) -> None:
    answer = await http.post(
        "/api/stories",
        json={"slug": "night", "headline": "Night", "status": "live"},
        headers={"Authorization": f"Bearer {served.token}"},
    )
    answer.raise_for_status()


async def one(page: Page, http: httpx.AsyncClient, served: Served, n: int) -> float:
    """Milliseconds from before the POST to the element in the DOM.

    The page notes when the element appears, by the clock that both share.
    """
    await page.evaluate(
        """(text) => {
          window.appeared = new Promise((resolve) => {
            new MutationObserver((_, observer) => {
              const stream = document.querySelector(".stream");
              if (!stream?.textContent.includes(text)) return;
              observer.disconnect();
              resolve(performance.timeOrigin + performance.now());
            }).observe(document.body, { childList: true, subtree: true });
          });
        }""",
        f"Update {n}.",
    )
    begin = time.time() * 1000
    answer = await http.post(
        "/api/stories/night/updates",
        json={"headline": f"Update {n}.", "body": "As it happens."},
        headers={"Authorization": f"Bearer {served.token}"},
    )
    answer.raise_for_status()
    appeared: float = await page.evaluate("window.appeared")
    return appeared - begin


async def nothing(http: httpx.AsyncClient) -> float:
    begin = time.perf_counter()
    await http.get("/api/stories/night")
    return (time.perf_counter() - begin) * 1000
