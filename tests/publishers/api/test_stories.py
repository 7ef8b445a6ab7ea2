"""publishers/api/stories.py: open, list, show, change, withdraw, over HTTP."""

import asyncio
from typing import Any

import httpx
import pytest

from channels.events import SLUG
from publishers.bodies import fingerprint
from tests.serving import SECRET, Service, streaming

STORIES = "/api/stories"


async def post(
    service: Service, key: str | None = None, *scopes: str, **content: Any
) -> httpx.Response:
    headers = service.auth(*scopes) | ({} if key is None else {"Idempotency-Key": key})
    return await service.http.post(STORIES, json=content, headers=headers)


async def patch(
    service: Service, slug: str, match: str | None = "*", **content: Any
) -> httpx.Response:
    headers = service.auth() | ({} if match is None else {"If-Match": match})
    return await service.http.patch(f"{STORIES}/{slug}", json=content, headers=headers)


async def withdraw(service: Service, slug: str, **content: Any) -> httpx.Response:
    return await service.http.post(
        f"{STORIES}/{slug}/withdraw",
        json={"reason": "Not so."} | content,
        headers=service.auth(),
    )


async def top(service: Service, channel: str = "story/night") -> int:
    return (await service.parts.log.read(channel)).extent.top


def slugs(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [story["slug"] for story in answer.json()["stories"]]


async def test_a_story_is_opened_and_shown(service: Service) -> None:
    answer = await post(service, slug="night", headline="A night", status="live")
    assert answer.status_code == 201
    assert answer.headers["location"] == "/api/stories/night"
    assert answer.headers["etag"] == '"1"'
    story = answer.json()["story"]
    assert story["section"] == service.parts.publishing.rules.sections[0]
    found = await service.http.get(answer.headers["location"])
    assert found.json() == {"story": story, "position": answer.json()["position"]}
    assert found.headers["etag"] == '"1"'
    assert found.headers["cache-control"] == "public, max-age=0, s-maxage=2"


async def test_breaking_news_is_one_call(service: Service) -> None:
    first = {"headline": "Flash", "breaking": True}
    answer = await post(service, headline="It Happened!", status="live", update=first)
    assert answer.headers["location"] == "/api/stories/it-happened"
    listed = (await service.http.get(f"{STORIES}/it-happened/updates")).json()
    assert [u["headline"] for u in listed["updates"]] == ["Flash"]
    query = {"channel": "breaking", "since": "0"}
    changes = (await service.http.get("/changes", params=query)).json()
    assert [e["data"]["headline"] for e in changes["events"]] == ["Flash"]


async def test_a_slug_of_our_choice_gives_way(service: Service) -> None:
    first = await post(service, headline="A night")
    second = await post(service, headline="A night")
    other = second.json()["story"]["slug"]
    assert first.json()["story"]["slug"] == "a-night"
    assert other.startswith("a-night-")
    assert SLUG.fullmatch(other)
    taken = await post(service, slug="a-night", headline="A night")
    assert taken.status_code == 409
    long = await post(service, headline="word " * 39)
    assert long.status_code == 201
    assert (await post(service, headline="word " * 39)).status_code == 201


async def test_a_headline_without_letters_asks_for_a_slug(service: Service) -> None:
    answer = await post(service, headline="!!!")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/slug"


async def test_a_repeated_opening_finds_the_slug_it_chose(service: Service) -> None:
    await post(service, headline="A night")
    first = await post(service, "one", headline="A night")
    again = await post(service, "one", headline="A night")
    assert again.status_code == 201
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert again.json() == first.json()
    assert len(slugs(await service.http.get(STORIES, headers=service.auth()))) == 2
    other = await post(service, "one", headline="Another")
    assert other.status_code == 422
    assert other.json()["type"] == "urn:livewire:problem:key-reused"


async def test_an_opening_that_was_cut_off_is_carried_out_when_repeated(
    service: Service,
) -> None:
    content = {"headline": "A night", "status": "live"}
    await post(service, "probe", headline="Probe")
    # The record's name is the request id, which this tells us.
    (record,) = await service.parts.records.scan("request/")
    await service.parts.records.delete(record.name)
    mark = fingerprint(content, SECRET.encode())
    # What a crash between the record and the append leaves behind.
    left = {"fingerprint": mark, "slug": "chosen-then"}
    await service.parts.records.put(record.name, left, seen=0)
    answer = await post(service, "probe", **content)
    assert answer.status_code == 201
    assert answer.headers["location"] == "/api/stories/chosen-then"
    again = await post(service, "probe", **content)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == answer.json()


async def test_a_race_for_one_slug_has_one_winner(service: Service) -> None:
    answers = await asyncio.gather(
        *(post(service, slug="night", headline=f"Desk {n}") for n in range(6))
    )
    assert sorted(a.status_code for a in answers) == [201] + [409] * 5
    assert await top(service) == 1


async def test_opening_needs_the_right_to_the_very_slug(service: Service) -> None:
    body = {"headline": "Foo"}
    assert (await service.http.post(STORIES, json=body)).status_code == 401
    assert (await post(service, None, "follow:*", **body)).status_code == 403
    named = await post(service, None, "publish:story/foo", slug="bar", **body)
    assert named.status_code == 403
    chosen = await post(service, None, "publish:story/foo", **body)
    assert chosen.status_code == 201
    # The slug that would be chosen instead is not covered.
    beside = await post(service, None, "publish:story/foo", **body)
    assert beside.status_code == 403


async def test_a_patch_names_the_version_it_changes(service: Service) -> None:
    await service.open("night")
    assert (await patch(service, "night", None, headline="x")).status_code == 428
    first = await patch(service, "night", '"1"', headline="Two", urgency=1)
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    stale = await patch(service, "night", '"1"', headline="Three")
    assert (stale.status_code, stale.headers["etag"]) == (412, '"2"')
    assert stale.json()["story"] == first.json()["story"]
    assert (await patch(service, "night", "*", headline="Three")).status_code == 200
    assert await top(service) == 3


async def test_a_summary_is_markdown_with_its_own_time(service: Service) -> None:
    await service.open("night")
    answer = await patch(service, "night", summary="We know **this**.")
    summary = answer.json()["story"]["summary"]
    assert summary["html"] == "<p>We know <strong>this</strong>.</p>"
    gone = await patch(service, "night", summary=None)
    assert gone.json()["story"]["summary"] is None


async def test_a_section_that_is_taken_away_is_the_first_one(
    service: Service,
) -> None:
    first, second = service.parts.publishing.rules.sections[:2]
    await service.open("night", section=second)
    answer = await patch(service, "night", section=None)
    assert answer.json()["story"]["section"] == first
    assert await top(service, "section/None") == 0
    assert (await patch(service, "night", section="none")).status_code == 422


async def test_what_the_state_forbids_is_409(service: Service) -> None:
    await service.open("night")
    assert (await patch(service, "night", status="draft")).status_code == 409
    assert (await patch(service, "night", status="withdrawn")).status_code == 422
    assert (await withdraw(service, "night")).status_code == 200
    assert (await patch(service, "night", headline="x")).status_code == 409
    answer = await post(service, slug="night", headline="Again")
    assert answer.status_code == 409


async def test_a_withdrawn_story_clears_open_pages_and_closes_new_ones(
    service: Service,
) -> None:
    await service.open("night")
    id_ = (await service.publish("night", headline="Secret"))["update"]["id"]
    async with streaming(service, "story/night", since="0") as frames:
        await frames.until("update")
        answer = await withdraw(service, "night")
        told = [await frames.next(), await frames.next()]
    assert answer.status_code == 200
    assert answer.json()["applied"] == {"workers": 1, "of": 1}
    assert [frame.data["data"]["status"] for frame in told] == ["withdrawn"] * 2
    again = await withdraw(service, "night", reason="Another.")
    assert again.json()["story"] == answer.json()["story"]
    assert again.json()["position"] == answer.json()["position"]
    for page in ("/live/night", f"/live/night/{id_}"):
        assert (await service.http.get(page)).status_code == 410
    shown = await service.http.get("/api/stories/night")
    assert shown.json()["story"]["status"] == "withdrawn"
    listed = (await service.http.get(f"{STORIES}/night/updates")).json()["updates"]
    assert [u["status"] for u in listed] == ["withdrawn"]
    assert slugs(await service.http.get(STORIES)) == []
    purge = await withdraw(service, "night", purge=True)
    assert purge.json()["story"]["version"] == 3
    assert (await withdraw(service, "night", purge=True)).json()["position"] == (
        purge.json()["position"]
    )


@pytest.mark.parametrize("status", ["draft", "scheduled", "withdrawn"])
async def test_a_story_never_public_is_unknown_to_the_public(
    service: Service, status: str
) -> None:
    opened = "draft" if status == "withdrawn" else status
    await service.open("night", status=opened, starts_at="2099-01-01T00:00:00Z")
    id_ = (await service.publish("night"))["update"]["id"]
    if status == "withdrawn":
        await withdraw(service, "night")
    routes = (
        "/api/stories/night",
        "/api/stories/night/updates",
        f"/api/stories/night/updates/{id_}",
        "/stream?channel=story/night&since=0",
        "/changes?channel=story/night&since=0",
        "/live/night",
        f"/live/night/{id_}",
    )
    unknown = await service.http.get("/api/stories/nobody")
    for route in routes:
        for headers in ({}, service.auth("follow:story/other", "publish:*")):
            answer = await service.http.get(route, headers=headers)
            assert answer.status_code == unknown.status_code == 404, route
    entitled = service.auth("follow:story/night")
    for route in routes[:3] + routes[4:5]:
        answer = await service.http.get(route, headers=entitled)
        assert answer.status_code == 200, route
        assert answer.headers["cache-control"] == "private, no-store"
    assert slugs(await service.http.get(STORIES)) == []
    for channel in ("stories", "latest", "breaking"):
        assert await top(service, channel) == 0


async def test_editors_list_stories_of_any_status(service: Service) -> None:
    first, second = service.parts.publishing.rules.sections[:2]
    await service.open("one")
    await service.open("two", status="draft", section=second)
    await service.open("three", section=second)
    await withdraw(service, "three")
    everything = service.auth("follow:*")
    listed = await service.http.get(STORIES, headers=everything)
    assert set(slugs(listed)) == {"one", "two", "three"}
    assert listed.headers["cache-control"] == "private, no-store"
    for query, wanted in (
        ({"status": "draft"}, {"two"}),
        ({"section": second}, {"two", "three"}),
        ({"section": first, "status": "live"}, {"one"}),
        ({"status": "ended"}, set[str]()),
    ):
        answer = await service.http.get(STORIES, params=query, headers=everything)
        assert set(slugs(answer)) == wanted
    assert slugs(await service.http.get(STORIES)) == ["one"]
    narrow = service.auth("follow:story/*")
    assert slugs(await service.http.get(STORIES, headers=narrow)) == ["one"]


async def test_stories_are_listed_in_pages(service: Service) -> None:
    for n in range(5):
        await service.open(f"story-{n}")
    found, query = [], {"limit": "2"}
    while True:
        answer = await service.http.get(STORIES, params=query)
        found += slugs(answer)
        await service.publish("story-0")  # an update is no change of its story
        if answer.json()["next"] is None:
            break
        query["cursor"] = answer.json()["next"]
    assert found == [f"story-{n}" for n in (4, 3, 2, 1, 0)]
