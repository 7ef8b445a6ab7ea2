"""Forms of our own, and all the others: nothing of theirs is written."""

import pytest

from tests.livewire.newsroom.conftest import Editor, signed_in
from tests.serving import Service, running

COMPOSER = "/newsroom/night/updates"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_a_form_from_elsewhere_is_refused(
    editor: Editor, headers: dict[str, str]
) -> None:
    form = await editor.form(COMPOSER)
    answer = await editor.send(form, body="Not ours.", headers=headers)
    assert answer.status_code == 403
    assert answer.headers["cache-control"] == "private, no-store"
    assert await editor.updates() == []


@pytest.mark.parametrize("token", ["", "0" * 64])
async def test_a_form_without_the_sessions_token_is_refused(
    editor: Editor, token: str
) -> None:
    form = await editor.form(COMPOSER)
    answer = await editor.send(form, body="Whose?", csrf=token)
    assert answer.status_code == 403
    assert "Whose?" in answer.text
    assert await editor.updates() == []


async def test_the_token_of_another_session_is_refused(editor: Editor) -> None:
    form = await editor.form(COMPOSER)
    async with signed_in(editor.service) as other:
        answer = await other.send(form, body="Whose?")
    assert answer.status_code == 403
    assert await editor.updates() == []


async def test_every_form_needs_the_token(editor: Editor) -> None:
    id_ = (await editor.service.publish("night"))["update"]["id"]
    for path in (
        "/newsroom",
        "/newsroom/sign-out",
        "/newsroom/media",
        "/newsroom/night",
        "/newsroom/night/withdraw",
        "/newsroom/night/updates",
        f"/newsroom/night/updates/{id_}",
        f"/newsroom/night/updates/{id_}/withdraw",
    ):
        answer = await editor.http.post(path, data={"reason": "x", "headline": "x"})
        assert answer.status_code == 403, path


async def test_our_own_origin_and_the_configured_ones_are_taken(
    service: Service,
) -> None:
    folder = service.parts.settings.data_dir / "other"
    async with running(folder, origins=("https://desk.example",)) as other:
        await other.open("night")
        async with signed_in(other) as editor:
            for origin in (other.url, "https://desk.example"):
                form = await editor.form(COMPOSER)
                headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
                sent = await editor.send(form, body="Ours.", headers=headers)
                assert sent.status_code == 200
            assert len(await editor.updates()) == 2


async def test_the_token_may_come_in_a_header(editor: Editor) -> None:
    token = (await editor.form(COMPOSER)).fields["csrf"][0]
    answer = await editor.http.post(
        COMPOSER,
        data={"body": "By script."},
        headers={"X-CSRF-Token": token, "Accept": "application/json"},
    )
    assert answer.status_code == 201
    assert answer.json()["said"] == "published"


async def test_a_role_that_reads_along_cannot_write(service: Service) -> None:
    await service.open("night")
    async with signed_in(service) as chief:
        form = await chief.form(COMPOSER)
    async with signed_in(service, "contributor", name="tom") as reader:
        page = await reader.page()
        answer = await reader.send(form, body="Me too.")
        updates = await reader.updates()
    assert "You read along here" in page
    assert 'id="composer"' not in page
    assert answer.status_code == 403
    assert updates == []


async def test_a_form_larger_than_a_picture_may_be_is_refused(editor: Editor) -> None:
    form = await editor.form(COMPOSER)
    answer = await editor.send(form, body="x" * 3_000_000)
    assert answer.status_code == 413
    assert await editor.updates() == []


async def test_what_is_no_form_is_refused(editor: Editor) -> None:
    answer = await editor.http.post(COMPOSER, json={"body": "JSON."})
    assert answer.status_code == 415
