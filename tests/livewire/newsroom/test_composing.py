"""Writing with plain forms, as a browser without scripts sends them."""

import io
from datetime import UTC, datetime

import httpx
from PIL import Image

from channels.events import Data
from livewire.newsroom.views import update_view
from tests.livewire.newsroom.conftest import Editor, Form, Forms, signed_in
from tests.serving import Service

COMPOSER = "/newsroom/night/updates"


def picture(colour: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (640, 400), colour).save(file, "PNG")
    return file.getvalue()


def composer_in(answer: httpx.Response) -> Form:
    return next(form for form in Forms(answer.text).found if form.action == COMPOSER)


async def one(editor: Editor, **members: object) -> str:
    """Publish by the API; the path of the update's forms."""
    told = await editor.service.publish("night", **{"headline": "Polls", **members})
    return f"{COMPOSER}/{told['update']['id']}"


async def test_publishing_shows_the_update_in_the_timeline(editor: Editor) -> None:
    answer = await editor.publish(
        headline="Polls close", body="At **eight**.", key_event="yes", pinned="yes"
    )
    assert answer.history[0].status_code == 303
    assert "Published." in answer.text
    assert "<strong>eight</strong>" in answer.text
    [update] = await editor.updates()
    assert (update["headline"], update["key_event"], update["pinned"]) == (
        "Polls close",
        True,
        True,
    )


async def test_an_opened_story_has_its_page(editor: Editor) -> None:
    form = await editor.form("/newsroom", on="/newsroom")
    answer = await editor.send(
        form,
        headline="Budget vote",
        standfirst="It is late.",
        section="legislative-updates",
        timezone="Europe/Vienna",
        status="live",
        update_headline="The vote begins",
    )
    assert answer.url.path == "/newsroom/budget-vote"
    assert "The vote begins" in answer.text
    again = await editor.send(form, headline="Budget vote")
    assert again.status_code == 422  # the same key, other words


async def test_a_story_that_cannot_be_opened_keeps_what_was_typed(
    editor: Editor,
) -> None:
    form = await editor.form("/newsroom", on="/newsroom")
    answer = await editor.send(form, headline="Budget", timezone="Mars/Olympus")
    assert answer.status_code == 422
    assert 'value="Mars/Olympus"' in answer.text
    assert "An IANA zone" in answer.text
    assert 'value="Budget"' in answer.text


async def test_faults_stand_beside_what_was_typed(editor: Editor) -> None:
    answer = await editor.publish(headline="x" * 201, body="The text stays.")
    assert answer.status_code == 422
    assert "At most 200 characters." in answer.text
    assert "The text stays." in answer.text
    assert await editor.updates() == []


async def test_an_alert_must_be_ticked_twice(editor: Editor) -> None:
    once = await editor.publish(headline="Concession", breaking="yes")
    assert once.status_code == 422
    assert await editor.updates() == []
    twice = await editor.publish(headline="Concession", breaking="yes", alert="yes")
    assert twice.status_code == 200
    [update] = await editor.updates()
    assert update["breaking"] is True


async def test_standing_an_alert_down_ends_it(editor: Editor) -> None:
    path = await one(editor, breaking=True)
    await editor.send(await editor.form(path, having="breaking"))
    [update] = await editor.updates()
    assert (update["breaking"], update["breaking_until"]) == (False, None)


def test_an_alert_that_has_ended_by_itself_is_not_stood_down() -> None:
    update: Data = {
        "id": "1",
        "version": 1,
        "published": "2026-11-22T20:00:00.000Z",
        "breaking": True,
        "breaking_until": "2026-11-22T21:00:00.000Z",
    }
    for hour, expected in ((20, True), (22, False)):
        at = datetime(2026, 11, 22, hour, 30, tzinfo=UTC)
        view = update_view(update, zone=UTC, now=at)
        assert view["breaking"] is expected


async def test_enter_in_the_composer_publishes_and_adds_no_picture(
    editor: Editor,
) -> None:
    page = await editor.page()
    composer = page[page.index('id="composer"') :]
    first = composer[composer.index("<button") :].split(">")[0]
    assert "formaction" not in first


async def test_only_what_readers_can_open_is_a_link(editor: Editor) -> None:
    await editor.service.open("plan", headline="A plan", status="draft")
    assert 'href="/live/night"' in await editor.page()
    assert 'href="/live/plan"' not in await editor.page("/newsroom/plan")


async def test_an_alert_needs_its_own_right(service: Service) -> None:
    await service.open("night")
    async with signed_in(service, "editor") as editor:
        form = await editor.form(COMPOSER)
        assert "breaking" not in await editor.page()
        answer = await editor.send(form, headline="Up", breaking="yes", alert="yes")
        assert answer.status_code == 403
        assert await editor.updates() == []


async def test_a_key_used_twice_posts_once(editor: Editor) -> None:
    form = await editor.form(COMPOSER)
    for _ in range(2):
        answer = await editor.send(form, body="Once.")
        assert answer.status_code == 200
    assert len(await editor.updates()) == 1


async def test_a_correction_tells_readers_and_the_desk(editor: Editor) -> None:
    path = await one(editor, body="It is 17.")
    form = await editor.form(path, having="body")
    answer = await editor.send(
        form, body="It is 71.", correction="It said 17.", note="Typo of mine"
    )
    assert "Corrected." in answer.text
    [update] = await editor.updates()
    assert "71" in str(update["html"])
    assert update["correction"]["text"] == "It said 17."
    versions = await editor.service.http.get(
        f"/api/stories/night/updates/{update['id']}/versions",
        headers=editor.service.auth(),
    )
    assert versions.json()["versions"][-1]["note"] == "Typo of mine"
    assert "Typo of mine" not in str(update)


async def test_toggles_turn_and_turn_back(editor: Editor) -> None:
    path = await one(editor)
    for name in ("pinned", "key_event"):
        for expected in (True, False):
            await editor.send(await editor.form(path, having=name))
            [update] = await editor.updates()
            assert update[name] is expected


async def test_a_stale_edit_shows_both_texts_and_writes_neither(
    editor: Editor,
) -> None:
    path = await one(editor, body="First.")
    form = await editor.form(path, having="body")
    await editor.send(form, body="Theirs.")
    stale = await editor.send(form, key="another", body="Mine.")
    assert stale.status_code == 412
    assert "Theirs." in stale.text
    assert "Mine." in stale.text
    [update] = await editor.updates()
    assert update["body"] == "Theirs."
    assert 'name="version" value="2"' in stale.text


async def test_a_withdrawal_leaves_the_reason(editor: Editor) -> None:
    path = await one(editor, body="It is not so.")
    form = await editor.form(f"{path}/withdraw")
    answer = await editor.send(form, reason="It was not so.", purge="yes")
    [update] = await editor.updates()
    assert update["status"] == "withdrawn"
    assert "It was not so." in answer.text
    assert "It is not so." not in answer.text


async def test_a_withdrawal_says_so_where_a_worker_still_has_the_text(
    editor: Editor,
) -> None:
    paths = [await one(editor), await one(editor)]
    forms = [await editor.form(f"{path}/withdraw") for path in paths]
    signals = editor.service.parts.store.signals
    await signals.lease("worker/dead", "dead", seconds=60, value={"readers": {}})
    answer = await editor.send(forms[0], reason="Not so.")
    assert "Withdrawn. Gone for 1 of 2 workers so far." in answer.text
    told = await editor.send(
        forms[1], reason="Not so.", headers={"Accept": "application/json"}
    )
    assert (told.json()["said"], told.json()["gone"]) == ("withdrawn", "1-of-2")
    await signals.release("worker/dead", "dead")
    story = await editor.form("/newsroom/night/withdraw")
    gone = await editor.send(story, reason="Not so.", confirm="yes")
    assert "Withdrawn." in gone.text
    assert "workers" not in gone.text


async def test_a_page_repeats_nobodys_words(editor: Editor) -> None:
    for query in (
        "said=withdrawn&gone=all-of-it",
        "said=withdrawn&gone=",
        "gone=1-of-2",
    ):
        page = await editor.page(f"/newsroom/night?{query}")
        assert "workers" not in page
        assert "all of it so far" not in page


async def test_a_withdrawal_needs_a_reason(editor: Editor) -> None:
    path = await one(editor)
    answer = await editor.send(
        await editor.form(f"{path}/withdraw"), reason="", note="Ask Tom"
    )
    assert answer.status_code == 422
    assert "Say why, for readers." in answer.text
    assert 'value="Ask Tom"' in answer.text


async def test_only_who_may_purge_is_offered_to(service: Service) -> None:
    await service.open("night")
    await service.publish("night")
    async with signed_in(service, "editor") as editor:
        assert "for good" not in (await editor.page()).split("<aside")[0]


async def test_an_edit_of_what_was_withdrawn_meanwhile_is_given_back(
    editor: Editor,
) -> None:
    path = await one(editor)
    form = await editor.form(path, having="body")
    withdrawal = await editor.form(f"{path}/withdraw")
    await editor.send(withdrawal, reason="Not so.")
    answer = await editor.send(form, body="Long in the making.")
    assert answer.status_code == 409
    assert "Long in the making." in answer.text


async def test_a_story_is_paused_ended_and_reopened(editor: Editor) -> None:
    for status in ("paused", "live", "ended", "live"):
        for form in Forms(await editor.page()).found:
            if form.fields.get("status") == [status]:
                await editor.send(form)
        shown = await editor.service.http.get("/api/stories/night")
        assert shown.json()["story"]["status"] == status


async def test_the_storys_words_change(editor: Editor) -> None:
    form = await editor.form("/newsroom/night", having="standfirst")
    await editor.send(form, headline="A long night", standfirst="")
    shown = (await editor.service.http.get("/api/stories/night")).json()["story"]
    assert (shown["headline"], shown["standfirst"]) == ("A long night", None)


async def test_a_story_is_withdrawn_only_when_ticked(editor: Editor) -> None:
    form = await editor.form("/newsroom/night/withdraw")
    unsure = await editor.send(form, reason="All wrong.")
    assert unsure.status_code == 422
    assert "Published" not in unsure.text
    sure = await editor.send(form, reason="All wrong.", confirm="yes")
    assert sure.status_code == 200
    gone = await editor.service.http.get("/live/night")
    assert gone.status_code == 410


async def test_a_picture_is_added_without_losing_the_text(editor: Editor) -> None:
    form = await editor.form(COMPOSER)
    added = await editor.send(
        form,
        to="/newsroom/media",
        picture=picture(),
        body="Typed before.",
        alt="A red wall",
        credit="Ines",
    )
    assert added.status_code == 200
    assert "Typed before." in added.text
    assert await editor.updates() == []
    sent = await editor.send(composer_in(added))
    assert sent.status_code == 200
    [update] = await editor.updates()
    [shown] = update["media"]
    assert (shown["alt"], shown["credit"], update["body"]) == (
        "A red wall",
        "Ines",
        "Typed before.",
    )
    assert (await editor.http.get(httpx.URL(shown["url"]).path)).status_code == 200


async def test_a_picture_needs_its_words(editor: Editor) -> None:
    form = await editor.form(COMPOSER)
    answer = await editor.send(form, picture=picture(), body="Look.")
    assert answer.status_code == 422
    assert "This member is required." in answer.text
    sent = await editor.send(composer_in(answer), media_alt="A red wall")
    assert sent.status_code == 200
    assert len(await editor.updates()) == 1


async def test_a_file_that_is_no_picture_is_refused(editor: Editor) -> None:
    form = await editor.form(COMPOSER)
    answer = await editor.send(
        form, to="/newsroom/media", picture=b"<svg/>", body="Kept.", alt="x"
    )
    assert answer.status_code == 422
    assert "Kept." in answer.text


async def test_hostile_text_is_escaped(editor: Editor) -> None:
    hostile = '<script>alert("x")</script>"><img src=x onerror=alert(1)>'
    await editor.publish(
        headline=hostile,
        body=hostile,
        quote_text=hostile,
        quote_name=hostile,
    )
    rejected = await editor.publish(headline=hostile, body="x" * 30_001)
    story = await editor.form("/newsroom/night", having="standfirst")
    await editor.send(story, headline=hostile, standfirst=hostile)
    listed = await editor.page("/newsroom")
    for page in (await editor.page(), rejected.text, listed):
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "&lt;script&gt;" in page
