"""Signing in and out, and who sees which page."""

import httpx

from livewire.app import new_id, now
from livewire.newsroom.gate import COOKIE, origin_of
from livewire.newsroom.sessions import LINK_LIFETIME
from tests.livewire.newsroom.conftest import (
    Editor,
    browser,
    link,
    signed_in,
    ticket_in,
)
from tests.serving import Service, running


async def test_looking_at_a_link_does_not_use_it_up(service: Service) -> None:
    address = link(service)
    async with browser(service) as http:
        pages = [await http.get(address) for _ in range(2)]
        answer = await http.post(
            "/newsroom/sign-in", data={"ticket": ticket_in(address)}
        )
    assert "Sign in as ines" in pages[1].text
    assert pages[1].headers["referrer-policy"] == "no-referrer"
    assert answer.status_code == 200
    assert "Stories" in answer.text


async def test_a_used_link_asks_for_a_new_one(service: Service) -> None:
    data = {"ticket": ticket_in(link(service))}
    async with browser(service) as http:
        await http.post("/newsroom/sign-in", data=data)
    async with browser(service) as other:
        answer = await other.post("/newsroom/sign-in", data=data)
        assert COOKIE not in other.cookies
    assert answer.status_code == 410
    assert "new sign-in link" in answer.text


async def test_an_expired_or_forged_link_asks_for_a_new_one(service: Service) -> None:
    expired = service.parts.sessions.link("ines", [], now(), lifetime=-LINK_LIFETIME)
    async with browser(service) as http:
        for ticket in (ticket_in(expired), "forged", service.token()):
            shown = await http.get("/newsroom/sign-in", params={"ticket": ticket})
            tried = await http.post("/newsroom/sign-in", data={"ticket": ticket})
            assert shown.status_code == tried.status_code == 401
            assert "new sign-in link" in shown.text
            assert "new sign-in link" in tried.text
        assert COOKIE not in http.cookies


async def test_the_cookie_is_the_newsrooms_own(service: Service) -> None:
    data = {"ticket": ticket_in(link(service))}
    answer = await service.http.post("/newsroom/sign-in", data=data)
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 303
    for part in ("HttpOnly", "SameSite=lax", "Path=/newsroom"):
        assert part in cookie
    assert "Secure" not in cookie


async def test_the_cookie_is_secure_where_the_site_is(service: Service) -> None:
    folder = service.parts.settings.data_dir / "other"
    async with running(folder, base_url="https://desk.example") as other:
        data = {"ticket": ticket_in(link(other))}
        answer = await other.http.post("/newsroom/sign-in", data=data)
    assert "Secure" in answer.headers["set-cookie"]


async def test_nobody_signed_in_is_told_how_to_get_in(service: Service) -> None:
    async with browser(service) as http:
        for path in ("/newsroom", "/newsroom/night", "/newsroom/sign-in"):
            answer = await http.get(path)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "You are signed out" in answer.text
            assert answer.headers["cache-control"] == "private, no-store"


async def test_a_script_without_a_session_gets_401(service: Service) -> None:
    answer = await service.http.post(
        "/newsroom/night/updates",
        data={"body": "Polls close."},
        headers={"Accept": "application/json"},
    )
    assert answer.status_code == 401
    assert answer.json()["type"] == "urn:livewire:problem:not-signed-in"


async def test_a_text_sent_after_the_session_ended_is_given_back(
    service: Service,
) -> None:
    answer = await service.http.post(
        "/newsroom/night/updates", data={"body": "Two hours of <work>."}
    )
    assert answer.status_code == 401
    assert "Two hours of &lt;work&gt;." in answer.text


async def test_an_api_token_is_no_session(service: Service) -> None:
    async with browser(service) as http:
        http.cookies.set(COOKIE, service.token(), path="/newsroom")
        assert "You are signed out" in (await http.get("/newsroom")).text


async def test_signing_out_takes_the_cookie_back(editor: Editor) -> None:
    form = await editor.form("/newsroom/sign-out")
    answer = await editor.send(form)
    assert "You are signed out" in answer.text
    assert COOKIE not in editor.http.cookies


async def test_the_list_holds_stories_of_any_status(editor: Editor) -> None:
    await editor.service.open("plan", headline="A plan", status="draft")
    page = await editor.page("/newsroom")
    assert "A plan" in page
    assert "The night" in page


async def test_drafts_are_hidden_from_those_who_may_not_follow(
    service: Service,
) -> None:
    await service.open("plan", headline="A plan", status="draft")
    async with signed_in(service, "publish:story/night") as stranger:
        assert "A plan" not in await stranger.page("/newsroom")
        answer = await stranger.http.get("/newsroom/plan")
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "private, no-store"


async def test_a_story_called_sign_in_has_its_page(editor: Editor) -> None:
    await editor.service.open("sign-in", headline="Odd slug")
    assert "Odd slug" in await editor.page("/newsroom/sign-in")


async def test_the_page_is_held_by_the_policy_of_pages(editor: Editor) -> None:
    answer = await editor.http.get("/newsroom/night")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "<style" not in answer.text
    assert "style=" not in answer.text
    assert answer.headers["referrer-policy"] == "same-origin"


def test_an_origin_is_written_as_browsers_write_it() -> None:
    assert origin_of("https://Desk.example:443/path") == "https://desk.example"
    assert origin_of("http://127.0.0.1:8000") == "http://127.0.0.1:8000"


async def test_a_session_ends_by_the_clock(service: Service) -> None:
    ended = service.parts.keyring.sign(
        "ines", [], now=now(), lifetime=-LINK_LIFETIME, id_=new_id(), use="session"
    )
    cookies = httpx.Cookies()
    cookies.set(COOKIE, ended, path="/newsroom")
    async with browser(service) as http:
        http.cookies = cookies
        assert "You are signed out" in (await http.get("/newsroom")).text
