"""The newsroom with its script, in a real browser, over the real service."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from PIL import Image
from playwright.async_api import Dialog, Page, Route, async_playwright, expect

from livewire.newsroom.pages import LISTED
from tests.e2e.browser import CHROMIUM, FLAGS
from tests.livewire.newsroom.conftest import link
from tests.serving import Service, running

PATIENCE = 10_000  # ms to wait for what must happen
COMPOSER = "**/newsroom/night/updates"


@asynccontextmanager
async def tab(service: Service) -> AsyncIterator[Page]:
    """A tab of an editor signed in, at the story `night`; faults of scripts fail."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=list(FLAGS)
        )
        page = await chromium.new_page(base_url=service.url)
        page.set_default_timeout(PATIENCE)
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        await page.goto(link(service))
        await page.get_by_role("button", name="Sign in as ines").click()
        await page.wait_for_url("**/newsroom")
        await page.goto("/newsroom/night")
        yield page
        await chromium.close()
        assert faults == []


async def headlines(service: Service) -> list[str]:
    answer = await service.http.get("/api/stories/night/updates")
    return [each["headline"] for each in answer.json()["updates"]]


async def test_writing_and_ctrl_enter_puts_it_in_the_timeline(service: Service) -> None:
    await service.open("night")
    async with tab(service) as page:
        for headline in ("Polls close", "First count"):
            await page.get_by_placeholder("Headline").fill(headline)
            await page.keyboard.press("Control+Enter")
            await expect(page.locator("#timeline h3").first).to_have_text(headline)
            await expect(page.get_by_placeholder("Headline")).to_have_value("")
        await expect(page.locator("#strip")).to_contain_text("Published.")
    assert await headlines(service) == ["First count", "Polls close"]


async def test_enter_in_the_headline_goes_on_to_the_text(service: Service) -> None:
    await service.open("night")
    async with tab(service) as page:
        await page.get_by_placeholder("Headline").fill("Polls close")
        await page.keyboard.press("Enter")
        await page.keyboard.type("At eight.")
        await expect(page.locator("textarea.body")).to_have_value("At eight.")
    assert await headlines(service) == []


async def test_unsent_words_are_warned_of_before_leaving(service: Service) -> None:
    await service.open("night")
    async with tab(service) as page:
        warnings: list[str] = []

        async def hear(dialog: Dialog) -> None:
            warnings.append(dialog.type)
            await dialog.accept()

        page.on("dialog", hear)
        await page.get_by_placeholder("Headline").press_sequentially("Polls")
        await page.goto("/newsroom")
        assert warnings == ["beforeunload"]


async def test_a_lost_answer_is_said_and_sending_again_posts_once(
    service: Service,
) -> None:
    await service.open("night")

    async def lose(route: Route) -> None:
        await route.fetch()  # the server carries it out
        await route.abort()

    async with tab(service) as page:
        await page.route(COMPOSER, lose, times=1)
        await page.get_by_placeholder("Headline").fill("Polls close")
        await page.keyboard.press("Control+Enter")
        strip = page.locator("#strip")
        await expect(strip).to_contain_text("Not sent. Your text is kept.")
        await expect(page.get_by_placeholder("Headline")).to_have_value("Polls close")
        await strip.get_by_role("button", name="Retry").click()
        await expect(strip).to_contain_text("Published.")
        await expect(page.locator("#timeline h3")).to_have_text(["Polls close"])
    assert await headlines(service) == ["Polls close"]


async def test_a_text_outlives_the_server_and_the_page(tmp_path: Path) -> None:
    first = AsyncExitStack()
    service = await first.enter_async_context(running(tmp_path))
    await service.open("night")
    async with first, tab(service) as page:
        page.on("dialog", lambda dialog: dialog.accept())
        await page.get_by_placeholder("Headline").fill("Polls close")
        await first.aclose()
        await page.keyboard.press("Control+Enter")
        await expect(page.locator("#strip")).to_contain_text("Your text is kept.")
        async with running(tmp_path, service.parts.settings.port) as again:
            await page.reload()
            typed = page.get_by_placeholder("Headline")
            await expect(typed).to_have_value("Polls close")
            await typed.press("Control+Enter")
            await expect(page.locator("#strip")).to_contain_text("Published.")
            assert await headlines(again) == ["Polls close"]


async def test_an_alert_is_shown_as_it_will_be_and_asked_for(service: Service) -> None:
    await service.open("night")
    async with tab(service) as page:
        await page.get_by_placeholder("Headline").fill("Concession")
        await page.get_by_label("Breaking", exact=True).check()
        sheet = page.get_by_role("dialog")
        await page.keyboard.press("Control+Enter")
        await expect(sheet).to_contain_text("Concession")
        await expect(sheet).to_contain_text("0 people read this story now")
        await sheet.get_by_role("button", name="Not yet").click()
        assert await headlines(service) == []
        await page.get_by_role("button", name="Publish").click()
        await sheet.get_by_role("button", name="Send the alert").click()
        await expect(page.locator("#timeline .signal")).to_have_text("Breaking")
    assert await headlines(service) == ["Concession"]


async def test_somebody_faster_is_shown_beside_ones_own_text(service: Service) -> None:
    await service.open("night")
    update = (await service.publish("night", headline="One", body="First."))["update"]
    async with tab(service) as page:
        await page.get_by_text("Edit or correct").click()
        await page.locator("#timeline textarea[name=body]").fill("Mine.")
        await service.http.patch(
            f"/api/stories/night/updates/{update['id']}",
            json={"body": "Theirs."},
            headers=service.auth() | {"If-Match": "*"},
        )
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("#strip")).to_contain_text("nothing was overwritten")
        await expect(page.locator(".theirs pre").first).to_have_text("Theirs.")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("#timeline .prose")).to_have_text("Mine.")


async def test_a_picture_goes_to_the_tray_and_out_with_the_update(
    service: Service, tmp_path: Path
) -> None:
    file = tmp_path / "wall.png"
    Image.new("RGB", (640, 400), "red").save(file)
    await service.open("night")
    async with tab(service) as page:
        await page.get_by_text("Pictures", exact=True).click()
        await page.locator("input[type=file]").set_input_files(file)
        await page.locator("[name=alt]").fill("A red wall")
        await page.get_by_role("button", name="Add the picture").click()
        await expect(page.locator(".tray [name=media_alt]")).to_have_value("A red wall")
        await page.get_by_placeholder("Headline").fill("Look")
        await page.keyboard.press("Control+Enter")
        await expect(page.locator("#timeline figure img")).to_have_attribute(
            "alt", "A red wall"
        )


async def hold(page: Page, address: str, answered: asyncio.Event) -> None:
    """Keep the next answer to an address back until the event."""

    async def late(route: Route) -> None:
        answer = await route.fetch()
        await answered.wait()
        await route.fulfill(response=answer)

    await page.route(address, late, times=1)


async def by_the_clock(page: Page) -> None:
    """Let the test say how time passes on the page."""
    await page.clock.install()
    await page.reload()


async def look(page: Page) -> None:
    """Ten seconds pass: the page looks at what others did."""
    await page.clock.fast_forward(10_000)


async def kept(page: Page) -> str:
    """All that this browser keeps of what was typed."""
    return str(await page.evaluate("JSON.stringify(Object.values(localStorage))"))


async def test_typing_on_while_publishing_keeps_what_is_typed(service: Service) -> None:
    await service.open("night")
    answered = asyncio.Event()
    async with tab(service) as page:
        await hold(page, COMPOSER, answered)
        body = page.locator("textarea.body")
        await body.fill("Polls close.")
        async with page.expect_request(COMPOSER):
            await page.get_by_role("button", name="Publish").click()
        await body.press_sequentially(" And more.")
        written = await body.input_value()
        answered.set()
        await expect(page.locator("#strip")).to_contain_text("kept, and not sent")
        await expect(body).to_have_value(written)
        assert "And more." in await kept(page)
        await body.fill("The second.")
        await page.keyboard.press("Control+Enter")
        await expect(page.locator("#timeline .prose")).to_have_text(
            ["The second.", "Polls close."]
        )
        await expect(body).to_have_value("")


async def test_typing_on_while_an_edit_is_saved_keeps_what_is_typed(
    service: Service,
) -> None:
    await service.open("night")
    await service.publish("night", headline="One", body="First.")
    answered = asyncio.Event()
    async with tab(service) as page:
        await hold(page, f"{COMPOSER}/*", answered)
        await page.get_by_text("Edit or correct").click()
        body = page.locator("#timeline textarea[name=body]")
        await body.fill("Second.")
        async with page.expect_request(f"{COMPOSER}/*"):
            await page.get_by_role("button", name="Save").click()
        await body.fill("Third.")
        answered.set()
        strip = page.locator("#strip")
        await expect(strip).to_contain_text("kept, and not sent")
        await expect(body).to_have_value("Third.")
        await page.get_by_role("button", name="Save").click()
        await expect(page.locator("#timeline .prose")).to_have_text("Third.")


async def test_a_look_while_the_answer_is_out_does_not_take_the_key(
    service: Service,
) -> None:
    await service.open("night")
    stored, lost = asyncio.Event(), asyncio.Event()

    async def lose(route: Route) -> None:
        await route.fetch()  # the server carries it out
        stored.set()
        await lost.wait()
        await route.abort()

    async with tab(service) as page:
        await by_the_clock(page)
        await page.route(COMPOSER, lose, times=1)
        await page.get_by_placeholder("Headline").fill("Polls close")
        await page.keyboard.press("Control+Enter")
        timeline = page.locator("#timeline h3")
        await stored.wait()
        await look(page)
        await expect(timeline).to_have_text(["Polls close"])
        lost.set()
        strip = page.locator("#strip")
        await strip.get_by_role("button", name="Retry").click()
        await expect(strip).to_contain_text("Published.")
        await expect(page.get_by_placeholder("Headline")).to_have_value("")
    assert await headlines(service) == ["Polls close"]


async def test_an_edit_in_use_stays_when_its_update_is_no_longer_listed(
    service: Service,
) -> None:
    await service.open("night")
    await service.publish("night", headline="One", body="First.")
    async with tab(service) as page:
        await by_the_clock(page)
        await page.get_by_text("Edit or correct").click()
        body = page.locator("#timeline textarea[name=body]").last
        await body.fill("Mine.")
        for number in range(LISTED):
            await service.publish("night", headline=f"Later {number}")
        await look(page)
        await expect(page.locator("#timeline > li")).to_have_count(LISTED + 1)
        await expect(body).to_have_value("Mine.")


async def test_a_success_does_not_hide_what_is_unsent_and_looks_go_on(
    service: Service,
) -> None:
    await service.open("night")
    await service.publish("night", headline="One", body="First.")
    async with tab(service) as page:
        await by_the_clock(page)
        await page.route(COMPOSER, lambda route: route.abort(), times=1)
        await page.get_by_placeholder("Headline").fill("Polls close")
        await page.keyboard.press("Control+Enter")
        strip = page.locator("#strip")
        await expect(strip).to_contain_text("Not sent. Your text is kept.")
        await service.publish("night", headline="Another's")
        await look(page)
        await expect(page.locator("#timeline h3")).to_have_text(["Another's", "One"])
        await page.get_by_role("button", name="Pin").last.click()
        await expect(strip).to_contain_text("Saved. Something else is still not sent.")
        await strip.get_by_role("button", name="Retry").click()
        await expect(strip).to_have_text(re.compile(r"^\s*Published\.\s*Retry\s*$"))
    assert await headlines(service) == ["Polls close", "Another's", "One"]


async def test_a_newsroom_out_of_reach_or_signed_out_of_is_said(
    service: Service,
) -> None:
    await service.open("night")
    async with tab(service) as page:
        await by_the_clock(page)
        strip = page.locator("#strip")
        await page.route("**/newsroom/night", lambda route: route.abort(), times=1)
        await look(page)
        await expect(strip).to_contain_text("cannot be reached. Showing the desk at")
        await look(page)
        await expect(strip).to_be_hidden()
        await page.context.clear_cookies()
        await look(page)
        await expect(strip).to_contain_text("You are signed out")


async def test_focus_and_open_sheets_outlast_what_others_do(service: Service) -> None:
    await service.open("night")
    await service.open("other")
    update = (await service.publish("night", headline="One", body="First."))["update"]
    async with tab(service) as page:
        await by_the_clock(page)
        await page.get_by_text("Edit or correct").click()
        there = page.get_by_role("link", name="Story other")
        await there.focus()
        await service.http.patch(
            f"/api/stories/night/updates/{update['id']}",
            json={"body": "Theirs."},
            headers=service.auth() | {"If-Match": "*"},
        )
        await service.publish("night", headline="Two")
        await look(page)
        await expect(page.locator("#timeline h3")).to_have_text(["Two", "One"])
        await expect(there).to_be_focused()
        await expect(page.locator("#timeline textarea[name=body]").last).to_be_visible()


async def test_enter_in_an_edits_headline_sends_nothing(service: Service) -> None:
    await service.open("night")
    await service.publish("night", headline="One", body="First.")
    async with tab(service) as page:
        await page.get_by_text("Edit or correct").click()
        await page.locator("#timeline [name=headline]").press("Enter")
        await expect(page.locator("#timeline textarea[name=body]")).to_be_focused()
        await expect(page.locator("#strip")).to_be_hidden()


async def test_a_text_that_may_be_published_keeps_its_key_when_signed_out(
    service: Service,
) -> None:
    await service.open("night")

    async def lose(route: Route) -> None:
        await route.fetch()  # the server carries it out
        await route.abort()

    async with tab(service) as page:
        await page.route(COMPOSER, lose, times=1)
        await page.get_by_placeholder("Headline").fill("Polls close")
        await page.keyboard.press("Control+Enter")
        strip = page.locator("#strip")
        await expect(strip).to_contain_text("Not sent. Your text is kept.")
        [cookie] = await page.context.cookies()
        await page.context.clear_cookies()
        await strip.get_by_role("button", name="Retry").click()
        await expect(strip).to_contain_text("Not sent: you are signed out.")
        again = f"{service.url}/newsroom/night"
        await page.context.add_cookies(
            [{"name": cookie["name"], "value": cookie["value"], "url": again}]
        )
        await strip.get_by_role("button", name="Retry").click()
        await expect(strip).to_contain_text("Published.")
    assert await headlines(service) == ["Polls close"]
