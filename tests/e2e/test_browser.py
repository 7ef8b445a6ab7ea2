"""A reader's browser, from the POST to the DOM, over a real service."""

from pathlib import Path
from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.e2e.browser import browsing
from tests.serving import Service, running


def update_of(page: Page, update: dict[str, Any]) -> Locator:
    return page.locator(f"#u-{update['id']}")


async def top_of(shown: Locator) -> float:
    box = await shown.bounding_box()
    assert box is not None
    return box["y"]


async def correct(service: Service, update: dict[str, Any], **patch: str) -> None:
    answer = await service.http.patch(
        f"/api/stories/night/updates/{update['id']}",
        json=patch,
        headers=service.auth() | {"If-Match": "*"},
    )
    assert answer.status_code == 200, answer.text


async def withdraw(service: Service, update: dict[str, Any], reason: str) -> None:
    answer = await service.http.post(
        f"/api/stories/night/updates/{update['id']}/withdraw",
        json={"reason": reason},
        headers=service.auth(),
    )
    assert answer.status_code == 200, answer.text


async def test_the_page_changes_corrects_and_clears_itself(service: Service) -> None:
    await service.open("night")
    async with browsing() as page:
        await page.goto(f"{service.url}/live/night")
        await expect(page.get_by_text("checked just now")).to_be_visible()
        update = (await service.publish("night", headline="Twelve boxes"))["update"]
        shown = update_of(page, update)
        await expect(shown).to_contain_text("Twelve boxes")
        await correct(
            service, update, headline="Eleven boxes", correction="We said twelve."
        )
        await expect(shown).to_contain_text("Eleven boxes")
        await expect(shown).to_contain_text("We said twelve.")
        await expect(shown).not_to_contain_text("Twelve boxes")
        await withdraw(service, update, "The boxes were empty.")
        await expect(shown).to_contain_text("The boxes were empty.")
        await expect(shown).not_to_contain_text("Eleven boxes")


async def test_the_page_survives_a_restart_of_the_server(tmp_path: Path) -> None:
    async with browsing() as page:
        async with running(tmp_path, retry=200) as service:
            port = service.parts.settings.port
            await service.open("night")
            first = (await service.publish("night", headline="One"))["update"]
            await page.goto(f"{service.url}/live/night")
            await expect(page.get_by_text("checked just now")).to_be_visible()
        async with running(tmp_path, port=port, retry=200) as service:
            await correct(service, first, headline="One, corrected")
            second = (await service.publish("night", headline="Two"))["update"]
            await expect(update_of(page, second)).to_contain_text("Two")
            await expect(update_of(page, first)).to_contain_text("One, corrected")
            third = (await service.publish("night", headline="Three"))["update"]
            await expect(update_of(page, third)).to_contain_text("Three")
            assert await page.locator("article.update").count() == 3


async def test_what_is_being_read_stays_where_it_is(service: Service) -> None:
    await service.open("night")
    updates = [
        (await service.publish("night", headline=f"Update {n}", body="Word. " * 60))[
            "update"
        ]
        for n in range(20)
    ]
    async with browsing() as page:
        await page.goto(f"{service.url}/live/night")
        await expect(page.get_by_text("checked just now")).to_be_visible()
        reading = update_of(page, updates[8])
        await reading.scroll_into_view_if_needed()
        before = await top_of(reading)
        for n in range(3):
            await service.publish("night", headline=f"News {n}", body="Word. " * 60)
        await correct(service, updates[15], body="Much longer now. " * 80)
        await withdraw(service, updates[16], "Not so.")
        pill = page.get_by_role("button", name="3 new updates")
        await expect(pill).to_be_visible()
        await expect(update_of(page, updates[16])).to_contain_text("Not so.")
        # Browsers scroll by whole pixels: less than one is as still as they can.
        assert abs(await top_of(reading) - before) < 1
        await pill.click()
        await expect(page.get_by_text("News 0")).to_be_visible()
        await expect(page.get_by_text("New since")).to_be_visible()


async def test_the_front_page_follows_the_stories(service: Service) -> None:
    await service.open("night", headline="The night begins")
    async with browsing() as page:
        await page.goto(service.url)
        await expect(page.get_by_text("checked just now")).to_be_visible()
        await expect(page.get_by_text("The night begins")).to_be_visible()
        await service.open("second", headline="Another story")
        await expect(page.get_by_text("Another story")).to_be_visible()


async def test_a_native_event_source_reads_and_resumes(tmp_path: Path) -> None:
    async with browsing() as page:
        async with running(tmp_path, retry=200) as service:
            port = service.parts.settings.port
            await service.open("night")
            await page.goto(f"{service.url}/static/icon.svg")
            await page.evaluate(
                """() => {
                  window.seen = [];
                  const source = new EventSource("/stream?channel=story/night&since=0");
                  source.addEventListener("update", (event) => {
                    window.seen.push(JSON.parse(event.data).data.headline);
                  });
                }"""
            )
            await service.publish("night", headline="One")
            await page.wait_for_function("window.seen.length === 1")
        async with running(tmp_path, port=port, retry=200) as service:
            await service.publish("night", headline="Two")
            await page.wait_for_function("window.seen.length === 2")
            await service.publish("night", headline="Three")
            await page.wait_for_function("window.seen.length === 3")
            assert await page.evaluate("window.seen") == ["One", "Two", "Three"]


async def test_a_withdrawn_story_clears_open_pages(service: Service) -> None:
    await service.open("night", headline="A false story")
    update = (await service.publish("night", headline="All untrue"))["update"]
    async with browsing() as page:
        await page.goto(f"{service.url}/live/night")
        await expect(page.get_by_text("checked just now")).to_be_visible()
        answer = await service.http.post(
            "/api/stories/night/withdraw",
            json={"reason": "None of it was so."},
            headers=service.auth(),
        )
        assert answer.status_code == 200
        await expect(page.get_by_text("All untrue")).to_have_count(0)
        await expect(update_of(page, update)).to_contain_text("None of it was so.")
        await expect(page.get_by_role("heading", name="A false story")).to_have_count(0)
        assert (await service.http.get("/live/night")).status_code == 410
