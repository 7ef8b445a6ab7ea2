"""`GET /changes` over a real socket: the same changes as one document."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels.events import Append
from channels.transports.poll import MOST_EVENTS
from tests.channels.samples import new_event
from tests.serving import Service, running, streaming

NIGHT = "story/night"


async def ask(
    service: Service,
    channel: str = NIGHT,
    *,
    headers: dict[str, str] | None = None,
    **query: Any,
) -> httpx.Response:
    params = {"channel": channel} | query
    return await service.http.get("/changes", params=params, headers=headers)


async def changes(service: Service, **query: Any) -> dict[str, Any]:
    answer = await ask(service, **query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def held(service: Service, asking: "asyncio.Task[httpx.Response]") -> None:
    """Wait until the poll hangs on the channel."""
    async with streaming(service, "latest") as frames:
        while service.parts.hub.readers(NIGHT) == 0 and not asking.done():
            await frames.next(beats=True)


@pytest.fixture
async def quick(tmp_path: Path) -> AsyncIterator[Service]:
    """A service whose heart beats every second."""
    async with running(tmp_path / "data", heartbeat=1) as started:
        yield started


# What it answers


async def test_it_answers_what_changed_since(service: Service) -> None:
    opened = await service.open("night")
    published = await service.publish("night", headline="One")
    answer = await changes(service, since=opened["position"])
    (event,) = answer.pop("events")
    assert answer == {
        "channel": NIGHT,
        "position": published["position"],
        "top": published["position"],
        "floor": 0,
        "reset": None,
        "more": False,
    }
    assert event["event"] == "update"
    assert event["position"] == published["position"]
    assert event["data"] == published["update"]


async def test_it_says_the_same_as_the_stream(service: Service) -> None:
    await service.open("night")
    await service.publish("night", headline="One")
    polled = (await changes(service, since="0"))["events"]
    async with streaming(service, NIGHT, since="0") as frames:
        await frames.next()
        streamed = [await frames.next() for _ in polled]
    assert polled == [{"event": f.event} | f.data for f in streamed]


async def test_absent_means_now(service: Service) -> None:
    top = (await service.open("night"))["position"]
    answer = await changes(service)
    assert (answer["position"], answer["events"]) == (top, [])


async def test_a_channel_without_events_stands_at_zero(service: Service) -> None:
    answer = await changes(service, channel="breaking", since="0")
    assert (answer["position"], answer["top"], answer["events"]) == ("0", "0", [])


@pytest.mark.parametrize(
    ("since", "reason"),
    [
        ("garbage0-7", "epoch"),
        ("{top}9", "ahead"),
        ("nonsense", "malformed"),
        ("", "malformed"),
        ("{top},{top}", "malformed"),
    ],
)
async def test_what_cannot_be_continued_is_reset(
    service: Service, since: str, reason: str
) -> None:
    top = (await service.open("night"))["position"]
    answer = await changes(service, since=since.format(top=top))
    assert (answer["reset"], answer["position"]) == (reason, top)
    assert [event["event"] for event in answer["events"]] == ["story"]


async def test_what_was_trimmed_is_reset_with_the_floor(tmp_path: Path) -> None:
    async with running(tmp_path, bound=10) as service:
        await service.open("night")
        for n in range(14):
            await service.publish("night", headline=str(n))
        whole = await changes(service, channel="latest", since="0")
        epoch = whole["top"].partition("-")[0]
        since = f"{epoch}-{whole['floor'] - 1}"
        trimmed = await changes(service, channel="latest", since=since)
    assert whole["reset"] is None
    assert trimmed["reset"] == "trimmed"
    assert trimmed["events"] == whole["events"]
    assert trimmed["floor"] == whole["floor"] > 0


async def test_what_is_too_much_comes_in_pages(service: Service) -> None:
    await service.open("night")
    news = [new_event(f"update/{n}", {"n": n}) for n in range(MOST_EVENTS * 2)]
    await service.parts.log.append([Append(NIGHT, tuple(news))])
    since = "0"
    pages: list[dict[str, Any]] = []
    while not pages or pages[-1]["more"]:
        pages.append(await changes(service, since=since))
        since = pages[-1]["position"]
    assert [len(page["events"]) for page in pages] == [MOST_EVENTS, MOST_EVENTS, 1]
    assert pages[-1]["position"] == pages[0]["top"]
    seqs = [
        int(event["position"].partition("-")[2])
        for page in pages
        for event in page["events"]
    ]
    assert seqs == list(range(1, 2 * MOST_EVENTS + 2))


# How long it may be kept


async def test_what_has_events_may_be_shared_for_two_seconds(service: Service) -> None:
    await service.open("night")
    answer = await ask(service, since="0")
    assert answer.headers["cache-control"] == "public, max-age=0, s-maxage=2"


@pytest.mark.parametrize("query", [{}, {"since": "0", "wait": "1"}])
async def test_what_is_empty_or_waited_is_not_kept(
    service: Service, query: dict[str, Any]
) -> None:
    await service.open("night")
    answer = await ask(service, **query)
    assert answer.headers["cache-control"] == "no-store"


async def test_what_is_served_by_token_is_private(service: Service) -> None:
    await service.open("night")
    answer = await ask(service, since="0", headers=service.auth())
    assert answer.headers["cache-control"] == "private, no-store"


async def test_what_a_reader_holds_is_not_sent_again(service: Service) -> None:
    await service.open("night")
    first = await ask(service, since="0")
    etag = first.headers["etag"]
    for sent in (etag, f"W/{etag}", f'"other", W/{etag}'):
        again = await ask(service, since="0", headers={"If-None-Match": sent})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
        assert again.headers["cache-control"] == first.headers["cache-control"]


async def test_a_tag_names_where_reader_and_channel_stand(service: Service) -> None:
    top = (await service.open("night"))["position"]
    tags = [(await ask(service, since=s)).headers["etag"] for s in ("0", top, "x")]
    await service.publish("night", headline="One")
    tags.append((await ask(service, since="0")).headers["etag"])
    assert len(set(tags)) == 4
    answer = await ask(service, since="0", headers={"If-None-Match": tags[0]})
    assert answer.status_code == 200


# Waiting


async def test_a_poll_that_waits_is_answered_by_the_next_event(quick: Service) -> None:
    top = (await quick.open("night"))["position"]
    asking = asyncio.create_task(ask(quick, since=top, wait="30"))
    await held(quick, asking)
    assert not asking.done(), "a heartbeat is no news"
    published = await quick.publish("night", headline="One")
    answer = (await asking).json()
    assert answer["position"] == published["position"]
    assert [event["data"]["headline"] for event in answer["events"]] == ["One"]
    assert quick.parts.hub.readers(NIGHT) == 0


async def test_a_poll_from_now_waits_too(quick: Service) -> None:
    await quick.open("night")
    asking = asyncio.create_task(ask(quick, wait="30"))
    await held(quick, asking)
    await quick.publish("night", headline="One")
    assert len((await asking).json()["events"]) == 1


async def test_a_poll_that_waits_in_vain_says_so(service: Service) -> None:
    top = (await service.open("night"))["position"]
    answer = await ask(service, since=top, wait="1")
    assert (answer.status_code, answer.json()["events"]) == (200, [])
    headers = {"If-None-Match": answer.headers["etag"]}
    again = await ask(service, since=top, wait="1", headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    assert len(service.parts.connections) == 0


async def test_a_poll_with_its_tag_is_held_and_then_told(quick: Service) -> None:
    await quick.open("night")
    etag = (await ask(quick, since="0")).headers["etag"]
    headers = {"If-None-Match": etag}
    asking = asyncio.create_task(ask(quick, since="0", wait="30", headers=headers))
    await held(quick, asking)
    await quick.publish("night", headline="One")
    answer = await asking
    assert answer.status_code == 200
    assert len(answer.json()["events"]) == 2


async def test_a_poll_that_is_behind_does_not_wait(service: Service) -> None:
    await service.open("night")
    for since in ("0", "garbage0-1", "nonsense"):
        answer = await ask(service, since=since, wait="30")
        assert len(answer.json()["events"]) == 1


async def test_streams_hear_heartbeats_beside_waiting_polls(quick: Service) -> None:
    top = (await quick.open("night"))["position"]
    asking = asyncio.create_task(ask(quick, since=top, wait="30"))
    await held(quick, asking)
    async with streaming(quick, NIGHT) as frames:
        beat = (await frames.until("heartbeat"))[-1]
    assert beat.data["channels"][NIGHT]["readers"] == 2
    assert not asking.done()
    await quick.publish("night", headline="One")
    assert (await asking).status_code == 200


async def test_draining_ends_the_waiting(quick: Service) -> None:
    top = (await quick.open("night"))["position"]
    asking = asyncio.create_task(ask(quick, since=top, wait="30"))
    await held(quick, asking)
    quick.parts.connections.drain()
    assert (await asking).json()["events"] == []
    late = await ask(quick, since=top, wait="30")
    assert late.json()["events"] == []


@pytest.mark.parametrize(
    "wait", ["0", "31", "-1", "1.5", "", "ten", "\u0663", "9" * 5000, "1 "]
)
async def test_a_wait_out_of_range_is_refused(service: Service, wait: str) -> None:
    answer = await ask(service, channel="latest", wait=wait)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"pointer": "?wait", "detail": "A whole number of seconds, 1 to 30."}
    ]


# Who is let in


@pytest.mark.parametrize("query", ["", "channel=latest&channel=breaking"])
async def test_exactly_one_channel_is_named(service: Service, query: str) -> None:
    answer = await service.http.get(f"/changes?{query}")
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == ["?channel"]


async def test_what_may_not_be_read_is_refused(service: Service) -> None:
    await service.open("night", status="draft")
    scoped = service.auth(f"follow:{NIGHT}")
    asked = [
        ("story/none", {}, 404),
        (NIGHT, {}, 404),
        (NIGHT, scoped, 200),
        ("newsroom", {}, 401),
        ("newsroom/none", scoped, 403),
        ("latest", {"Authorization": "Bearer nonsense"}, 401),
    ]
    for channel, headers, status in asked:
        answer = await ask(service, channel, headers=headers)
        assert (channel, answer.status_code) == (channel, status)
        assert status == 200 or answer.headers["cache-control"] == "no-store"


async def test_an_unserved_log_is_to_be_asked_again(service: Service) -> None:
    await service.file.close()
    answer = await ask(service, "latest")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"


async def test_while_the_log_is_away_polls_get_what_the_view_can_prove(
    service: Service,
) -> None:
    top = (await service.open("night"))["position"]
    assert (await changes(service, since="0"))["position"] == top
    await service.file.close()
    assert (await changes(service, since=top))["events"] == []
    assert len((await changes(service, since="0"))["events"]) == 1
    for since in ("garbage0-1", f"{top}9"):
        answer = await ask(service, since=since)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "2"


async def test_any_site_may_poll(service: Service) -> None:
    answer = await ask(service, "latest", headers={"Origin": "https://a.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "ETag" in answer.headers["access-control-expose-headers"]
