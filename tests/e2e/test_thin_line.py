"""The thinnest line that works: POST, log, stream."""

import asyncio
from pathlib import Path

from tests.serving import Service, running, streaming


async def test_a_published_update_reaches_a_reader_who_waits(service: Service) -> None:
    await service.open("night")
    async with streaming(service, "story/night", since="0") as frames:
        assert [f.event for f in await frames.until("story")] == ["ready", "story"]
        answer = await service.publish("night", body="Polls **close**.")
        frame = await frames.next()
    assert frame.event == "update"
    assert frame.data["data"] == answer["update"]
    assert frame.data["position"] == frame.id == answer["position"]
    assert answer["readers"] == 1


async def test_a_reader_goes_on_after_the_last_event_it_holds(service: Service) -> None:
    opened = await service.open("night")
    await service.publish("night", headline="One")
    await service.publish("night", headline="Two")
    headers = {"Last-Event-ID": opened["position"]}
    async with streaming(service, "story/night", headers=headers, since="0") as frames:
        ready = await frames.next()
        seen = [(await frames.next()).data["data"]["headline"] for _ in range(2)]
    assert ready.data["position"] == opened["position"]
    assert seen == ["One", "Two"]


async def test_an_acknowledged_update_survives_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.open("night")
        published = await service.publish("night", headline="One")
    async with running(tmp_path) as service:
        query = {"channel": "story/night", "since": published["position"]}
        nothing = (await service.http.get("/changes", params=query)).json()
        again = await service.publish("night", headline="Two")
        news = (await service.http.get("/changes", params=query)).json()
    assert nothing["reset"] is None
    assert nothing["events"] == []
    assert [e["data"]["headline"] for e in news["events"]] == ["Two"]
    assert news["position"] == again["position"]


async def test_a_correction_and_a_withdrawal_reach_the_reader(service: Service) -> None:
    await service.open("night")
    update = (await service.publish("night", headline="Wrong"))["update"]
    path = f"/api/stories/night/updates/{update['id']}"
    async with streaming(service, "story/night") as frames:
        await frames.until("ready")
        corrected = await service.http.patch(
            path,
            json={"headline": "Right", "correction": "It said wrong."},
            headers=service.auth() | {"If-Match": '"1"'},
        )
        first = await frames.next()
        withdrawn = await service.http.post(
            f"{path}/withdraw", json={"reason": "Not so."}, headers=service.auth()
        )
        second = await frames.next()
    assert corrected.status_code == withdrawn.status_code == 200
    assert first.data["data"]["headline"] == "Right"
    assert first.data["data"]["correction"]["text"] == "It said wrong."
    assert second.data["data"]["status"] == "withdrawn"
    assert "Right" not in str(second.data)


async def test_a_stopping_server_tells_readers_to_come_back(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.open("night")
        async with streaming(service, "story/night") as frames:
            await frames.until("ready")
            service.server.should_exit = True
            closing = (await frames.until("close"))[-1]
    assert closing.data == {"reason": "draining", "reconnect": True}


async def test_twenty_requests_with_one_key_are_one_update(service: Service) -> None:
    await service.open("night")
    headers = service.auth() | {"Idempotency-Key": "one"}
    answers = await asyncio.gather(
        *(
            service.http.post(
                "/api/stories/night/updates", json={"body": "Once."}, headers=headers
            )
            for _ in range(20)
        )
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    listed = (await service.http.get("/api/stories/night/updates")).json()
    assert len(listed["updates"]) == 1
