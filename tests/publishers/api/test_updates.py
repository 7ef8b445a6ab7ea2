"""publishers/api/updates.py: publish, list, show, correct, withdraw, over HTTP."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels.audience import Audience
from channels.hub import Hub
from livewire.app import clock
from tests.serving import Service, running

UPDATES = "/api/stories/night/updates"


@pytest.fixture(autouse=True)
async def _night(service: Service) -> None:
    await service.open("night")


async def patch(
    service: Service, id_: str, match: str | None = "*", **content: Any
) -> httpx.Response:
    headers = service.auth() | ({} if match is None else {"If-Match": match})
    return await service.http.patch(f"{UPDATES}/{id_}", json=content, headers=headers)


async def withdraw(
    service: Service, id_: str, reason: str = "Not so.", **content: Any
) -> httpx.Response:
    return await service.http.post(
        f"{UPDATES}/{id_}/withdraw",
        json={"reason": reason, **content},
        headers=service.auth(),
    )


async def top(service: Service) -> int:
    return (await service.parts.log.read("story/night")).extent.top


def pointers(answer: httpx.Response) -> set[str]:
    assert answer.status_code == 422, answer.text
    return {fault["pointer"] for fault in answer.json()["errors"]}


async def test_a_publish_says_where_it_is_and_how_safe(service: Service) -> None:
    answer = await service.http.post(
        UPDATES, json={"body": "Polls close."}, headers=service.auth()
    )
    update = answer.json()["update"]
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{UPDATES}/{update['id']}"
    assert answer.headers["etag"] == '"1"'
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.json().keys() == {"update", "position", "durability", "readers"}
    assert answer.json()["durability"] == "fsync"
    found = await service.http.get(answer.headers["location"])
    assert found.json() == {"update": update, "position": answer.json()["position"]}
    assert found.headers["etag"] == '"1"'
    assert found.headers["cache-control"] == "public, max-age=0, s-maxage=2"


async def test_a_patch_names_the_version_it_changes(service: Service) -> None:
    id_ = (await service.publish("night", headline="One"))["update"]["id"]
    missing = await patch(service, id_, None, headline="Two")
    assert (missing.status_code, await top(service)) == (428, 2)
    first = await patch(service, id_, '"1"', headline="Two")
    assert (first.status_code, first.headers["etag"]) == (200, '"2"')
    assert first.json()["update"]["headline"] == "Two"
    stale = await patch(service, id_, '"1"', headline="Three")
    assert (stale.status_code, stale.headers["etag"]) == (412, '"2"')
    assert stale.json()["update"] == first.json()["update"]
    knowingly = await patch(service, id_, "*", headline="Three")
    assert knowingly.json()["update"]["version"] == 3
    several = await patch(service, id_, '"1", "3"', headline="Four")
    assert several.json()["update"]["version"] == 4


@pytest.mark.parametrize("match", ["1", "x*", '"1', '"1" "2"', "", ","])
async def test_a_broken_if_match_overwrites_nothing(
    service: Service, match: str
) -> None:
    id_ = (await service.publish("night"))["update"]["id"]
    answer = await patch(service, id_, match, headline="Two")
    assert (answer.status_code, await top(service)) == (400, 2)


async def test_of_two_patches_of_one_version_one_is_made(service: Service) -> None:
    id_ = (await service.publish("night"))["update"]["id"]
    answers = await asyncio.gather(
        *(patch(service, id_, '"1"', headline=f"Edit {n}") for n in range(8))
    )
    assert sorted(a.status_code for a in answers) == [200] + [412] * 7
    assert await top(service) == 3


async def test_a_patch_removes_what_it_says_is_null(service: Service) -> None:
    given = {"headline": "One", "source": {"name": "AP"}, "tags": ["a"]}
    id_ = (await service.publish("night", **given))["update"]["id"]
    answer = await patch(
        service, id_, source={"url": "https://ap.org/1"}, tags=None, urgency=2
    )
    update = answer.json()["update"]
    assert update["source"] == {"name": "AP", "url": "https://ap.org/1"}
    assert (update["tags"], update["urgency"]) == ([], 2)
    gone = await patch(service, id_, source=None)
    assert gone.json()["update"]["source"] is None
    assert pointers(await patch(service, id_, headline=None)) == {"/body"}


async def test_every_fault_of_a_patch_is_named(service: Service) -> None:
    id_ = (await service.publish("night"))["update"]["id"]
    answer = await patch(
        service, id_, correction="", urgency=0, media=[{"id": "x", "alt": ""}]
    )
    assert pointers(answer) == {
        *("/correction", "/urgency", "/media/0", "/media/0/alt")
    }
    assert pointers(await patch(service, id_, headline="x", purge="yes")) == {"/purge"}
    assert await top(service) == 2


async def test_a_long_text_is_rendered_all_the_same(service: Service) -> None:
    made = await service.publish("night", body="**Polls** close. " * 500)
    html = made["update"]["html"]
    assert html.count("<strong>Polls</strong>") == 500


async def test_a_patch_that_changes_nothing_is_no_event(service: Service) -> None:
    published = await service.publish("night", headline="One")
    answer = await patch(service, published["update"]["id"], headline="One")
    assert answer.status_code == 200
    assert answer.json()["position"] == published["position"]
    assert await top(service) == 2


async def test_a_repeated_publish_has_its_first_answer(service: Service) -> None:
    headers = service.auth() | {"Idempotency-Key": "one"}
    first = await service.http.post(UPDATES, json={"body": "One."}, headers=headers)
    id_ = first.json()["update"]["id"]
    await patch(service, id_, body="Two.")
    again = await service.http.post(UPDATES, json={"body": "One."}, headers=headers)
    assert again.status_code == 201
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["etag"] == '"2"'
    assert again.json()["position"] == first.json()["position"]
    assert again.json()["update"]["body"] == "Two."
    assert "idempotent-replayed" not in first.headers
    other = await service.http.post(UPDATES, json={"body": "Three."}, headers=headers)
    assert other.status_code == 422
    assert other.json()["type"] == "urn:livewire:problem:key-reused"
    assert await top(service) == 3


async def test_a_key_is_the_editors_own_and_good_for_one_path(
    service: Service,
) -> None:
    await service.open("day")
    for who, path in (
        ("ines", UPDATES),
        ("omar", UPDATES),
        ("ines", "/api/stories/day/updates"),
    ):
        headers = service.auth(name=who) | {"Idempotency-Key": '"one"'}
        answer = await service.http.post(path, json={"body": who}, headers=headers)
        assert answer.status_code == 201
        assert "idempotent-replayed" not in answer.headers


async def test_a_repeated_patch_is_answered_before_its_version_is_judged(
    service: Service,
) -> None:
    id_ = (await service.publish("night"))["update"]["id"]
    headers = service.auth() | {"If-Match": '"1"', "Idempotency-Key": "edit"}
    answers = [
        await service.http.patch(
            f"{UPDATES}/{id_}", json={"headline": "Two"}, headers=headers
        )
        for _ in range(2)
    ]
    assert [a.status_code for a in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotent-replayed"] == "true"


async def test_a_withdrawal_leaves_a_stub_and_may_be_repeated(
    service: Service,
) -> None:
    id_ = (await service.publish("night", headline="Secret"))["update"]["id"]
    first = await withdraw(service, id_, note="The lawyer called.")
    assert first.status_code == 200
    assert first.json()["update"]["status"] == "withdrawn"
    assert first.json()["applied"] == {"workers": 1, "of": 1}
    again = await withdraw(service, id_, "Another reason.")
    assert again.status_code == 200
    assert again.json()["update"] == first.json()["update"]
    assert again.json()["position"] == first.json()["position"]
    assert await top(service) == 3
    purge = await withdraw(service, id_, purge=True)
    assert purge.json()["update"]["version"] == 3
    assert purge.json()["update"]["withdrawn"]["reason"] == "Not so."
    assert (await withdraw(service, id_, purge=True)).status_code == 200
    assert await top(service) == 4
    back = await patch(service, id_, headline="Secret")
    assert back.status_code == 409


async def test_a_withdrawal_says_how_many_workers_have_let_go_of_the_text(
    service: Service,
) -> None:
    ids = [(await service.publish("night"))["update"]["id"] for _ in range(2)]
    log, signals = service.parts.log, service.parts.store.signals
    hub = Hub(log, exists=[], idle=60, cut_off=600, clock=clock, spread=0)
    await hub.view("story/night")
    other = asyncio.create_task(
        Audience(hub, signals, worker="other", clock=clock).run()
    )
    await asyncio.sleep(0)
    both = await withdraw(service, ids[0])
    assert both.json()["applied"] == {"workers": 2, "of": 2}
    other.cancel()
    await asyncio.gather(other, return_exceptions=True)
    await hub.close()
    value = {"readers": {"story/night": 40}}
    await signals.lease("worker/dead", "dead", seconds=60, value=value)
    one = await withdraw(service, ids[1])
    assert one.json()["applied"] == {"workers": 1, "of": 2}
    assert one.json()["readers"] == 40
    await signals.release("worker/dead", "dead")
    again = await withdraw(service, ids[1])
    assert again.json()["applied"] == {"workers": 1, "of": 1}


async def test_versions_tell_editors_who_when_and_why(service: Service) -> None:
    id_ = (await service.publish("night", headline="One"))["update"]["id"]
    await patch(service, id_, headline="Two", note="A slip.")
    path = f"{UPDATES}/{id_}/versions"
    answer = await service.http.get(path, headers=service.auth("publish:*"))
    first, second = answer.json()["versions"]
    assert answer.headers["cache-control"] == "private, no-store"
    assert (first["version"], first["by"], first["note"]) == (1, "ines", None)
    assert (second["version"], second["note"]) == (2, "A slip.")
    assert [v["update"]["headline"] for v in (first, second)] == ["One", "Two"]
    await patch(service, id_, headline="Three", purge=True)
    await withdraw(service, id_, purge=True, note="Court order.")
    found = (await service.http.get(path, headers=service.auth())).json()["versions"]
    assert [v["version"] for v in found] == [1, 2, 3, 4]
    assert [v["removed"] for v in found] == [True, True, True, False]
    assert [v["note"] for v in found] == [None, "A slip.", None, "Court order."]
    assert [v["update"] is None for v in found] == [True, True, True, False]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", UPDATES),
        ("POST", "/api/stories/nobody/updates"),
        ("PATCH", f"{UPDATES}/x"),
        ("POST", f"{UPDATES}/x/withdraw"),
        ("GET", f"{UPDATES}/x/versions"),
        ("PATCH", "/api/stories/nobody"),
        ("POST", "/api/stories/nobody/withdraw"),
    ],
)
async def test_first_401_then_403_and_only_then_404(
    service: Service, method: str, path: str
) -> None:
    content = {"reason": "x"} if path.endswith("withdraw") else {"headline": "x"}
    statuses = []
    tokens: tuple[dict[str, str], ...] = (
        {},
        {"Authorization": "Bearer forged"},
        service.auth("follow:*", "submit:*", "publish:story/other"),
        service.auth(),
    )
    for token in tokens:
        answer = await service.http.request(
            method,
            path,
            headers={"If-Match": "*", **token},
            json=None if method == "GET" else content,
        )
        statuses.append(answer.status_code)
        if answer.status_code == 401:
            assert answer.headers["www-authenticate"].startswith("Bearer")
    expected = 201 if (method, path) == ("POST", UPDATES) else 404
    assert statuses == [401, 401, 403, expected]


async def test_a_right_is_asked_for_before_the_body_is_read(service: Service) -> None:
    headers = service.auth("follow:*") | {"Content-Type": "text/plain"}
    answer = await service.http.post(UPDATES, content=b"{", headers=headers)
    assert answer.status_code == 403


async def test_alerts_and_purges_need_scopes_of_their_own(service: Service) -> None:
    editor = service.auth("editor")
    id_ = (await service.publish("night", body="x", breaking=True))["update"]["id"]

    async def ask(path: str, method: str = "PATCH", **content: Any) -> int:
        headers = editor | {"If-Match": "*"}
        answer = await service.http.request(method, path, json=content, headers=headers)
        return answer.status_code

    path, soon = f"{UPDATES}/{id_}", "2099-01-01T00:00:00Z"
    assert await ask(UPDATES, "POST", body="x", breaking=True) == 403
    assert await ask(path, breaking=True) == 403
    assert await ask(path, breaking_until=soon) == 403
    assert await ask(path, breaking_until=None) == 403  # the usual time from now
    assert await ask(path, headline="x", purge=True) == 403
    assert await ask(f"{path}/withdraw", "POST", reason="x", purge=True) == 403
    assert await top(service) == 2
    assert await ask(path, headline="An edit leaves the alert alone") == 200
    assert await ask(path, breaking=False) == 200
    first = {"headline": "x", "update": {"body": "x", "breaking": True}}
    assert await ask("/api/stories", "POST", **first) == 403


async def pages(service: Service, **query: str) -> list[list[str]]:
    found, cursor = [], None
    while True:
        params = query | ({} if cursor is None else {"cursor": cursor})
        answer = (await service.http.get(UPDATES, params=params)).json()
        found.append([u["headline"] for u in answer["updates"]])
        cursor = answer["next"]
        if cursor is None:
            return found


async def test_pages_lose_and_repeat_nothing_while_updates_come(
    service: Service,
) -> None:
    for n in range(7):
        await service.publish("night", headline=str(n))
    first = (await service.http.get(UPDATES, params={"limit": "3"})).json()
    assert [u["headline"] for u in first["updates"]] == ["6", "5", "4"]
    await service.publish("night", headline="new")
    await patch(service, first["updates"][0]["id"], headline="edited")
    query = {"limit": "3", "cursor": first["next"]}
    second = (await service.http.get(UPDATES, params=query)).json()
    assert [u["headline"] for u in second["updates"]] == ["3", "2", "1"]
    query["cursor"] = second["next"]
    third = (await service.http.get(UPDATES, params=query)).json()
    assert [u["headline"] for u in third["updates"]] == ["0"]
    assert third["next"] is None


async def test_a_list_is_narrowed_by_tag_key_event_and_words(
    service: Service,
) -> None:
    await service.publish("night", headline="Polls", tags=["a"], key_event=True)
    await service.publish("night", headline="Count", tags=["a", "b"])
    gone = await service.publish("night", headline="Gone", tags=["a"])
    body = "Die *Stra&szlig;e* **closes**"
    await service.publish("night", headline="Last", body=body, key_event=True)
    await withdraw(service, gone["update"]["id"])
    assert await pages(service, tag="a", limit="1") == [["Count"], ["Polls"]]
    assert await pages(service, key_event="true") == [["Last", "Polls"]]
    assert await pages(service, key_event="false") == [["Count"]]
    assert await pages(service, q="STRASSE closes") == [["Last"]]
    assert await pages(service, q="count last") == [[]]
    assert await pages(service, tag="none") == [[]]
    everything = (await service.http.get(UPDATES)).json()["updates"]
    assert everything[1]["status"] == "withdrawn"


LISTS = (UPDATES, "/api/stories")
WRONG = (
    *(("limit", v) for v in ("-1", "0", "101", "1e9", "abc", "", "٣", "9" * 5000)),
    *(("cursor", "abc"), ("cursor", "")),
)


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        *((path, *wrong) for path in LISTS for wrong in WRONG),
        (UPDATES, "key_event", "yes"),
    ],
)
async def test_a_list_says_what_is_wrong_with_its_query(
    service: Service, path: str, name: str, value: str
) -> None:
    answer = await service.http.get(path, params={name: value})
    assert pointers(answer) == {f"?{name}"}


async def test_what_a_story_lacks_is_not_found(service: Service) -> None:
    assert (await service.http.get(f"{UPDATES}/nothing")).status_code == 404
    headers = service.auth()
    answer = await service.http.get(f"{UPDATES}/nothing/versions", headers=headers)
    assert answer.status_code == 404


async def test_nobody_writes_into_an_ended_story_but_corrections(
    service: Service,
) -> None:
    id_ = (await service.publish("night"))["update"]["id"]
    await service.http.patch(
        "/api/stories/night",
        json={"status": "ended"},
        headers=service.auth() | {"If-Match": "*"},
    )
    late = await service.http.post(
        UPDATES, json={"body": "Late."}, headers=service.auth()
    )
    assert late.status_code == 409
    assert (await patch(service, id_, body="Right.")).status_code == 200
    assert (await withdraw(service, id_)).status_code == 200


async def test_a_keyed_request_that_changed_nothing_is_known_again(
    service: Service,
) -> None:
    id_ = (await service.publish("night", headline="Once"))["update"]["id"]
    path, keyed = f"{UPDATES}/{id_}", service.auth() | {"Idempotency-Key": "same"}
    keyed["If-Match"] = "*"

    async def ask(headline: str) -> Any:
        content = {"headline": headline}
        return await service.http.patch(path, json=content, headers=keyed)

    first = await ask("Once")
    await service.http.patch(
        path, json={"headline": "Twice"}, headers=service.auth() | {"If-Match": "*"}
    )
    again, other = await ask("Once"), await ask("Thrice")
    assert first.status_code == again.status_code == 200
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json()["update"]["headline"] == "Twice", "it did not act late"
    assert other.status_code == 422


async def test_the_order_stands_after_a_purge_and_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as service:
        await service.open("night")
        ids = [
            (await service.publish("night", headline=f"U{n}"))["update"]["id"]
            for n in range(3)
        ]
        answer = await service.http.patch(
            f"{UPDATES}/{ids[0]}",
            json={"headline": "U0, corrected", "purge": True},
            headers=service.auth() | {"If-Match": "*"},
        )
        assert answer.status_code == 200
    async with running(tmp_path) as service:
        await service.http.patch(
            f"{UPDATES}/{ids[1]}",
            json={"headline": "U1, edited"},
            headers=service.auth() | {"If-Match": "*"},
        )
        stories = (await service.http.get("/api/stories")).json()["stories"]
    assert stories[0]["latest_update"]["headline"] == "U2"


async def test_versions_of_what_is_not_public_need_the_right_to_follow(
    service: Service,
) -> None:
    await service.open("draft", status="draft")
    id_ = (await service.publish("draft", headline="Not yet"))["update"]["id"]
    path = f"/api/stories/draft/updates/{id_}/versions"
    statuses = [
        (await service.http.get(path, headers=service.auth(*scopes))).status_code
        for scopes in (("publish:*",), ("publish:*", "follow:story/*"))
    ]
    assert statuses == [404, 200]


async def test_what_a_story_has_may_stay_though_it_could_not_be_chosen_anew(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, sections={"old": "Old", "new": "New"}) as service:
        await service.open("night", section="old")
    async with running(tmp_path, sections={"new": "New"}) as service:
        path, headers = "/api/stories/night", service.auth() | {"If-Match": "*"}
        ended = await service.http.patch(
            path, json={"status": "ended"}, headers=headers
        )
        none = await service.http.patch(path, json={"status": None}, headers=headers)
        moved = await service.http.patch(
            path, json={"section": "elsewhere"}, headers=headers
        )
    assert ended.status_code == 200, ended.text
    assert none.json()["errors"][0]["pointer"] == "/status"
    assert moved.json()["errors"][0]["pointer"] == "/section"


async def test_a_correction_of_a_story_is_kept_and_shown(service: Service) -> None:
    headers = service.auth() | {"If-Match": "*"}
    content = {"headline": "A calm night", "correction": "We had called it wild."}
    answer = await service.http.patch(
        "/api/stories/night", json=content, headers=headers
    )
    again = await service.http.patch(
        "/api/stories/night", json={"headline": "A long night"}, headers=headers
    )
    page = await service.http.get("/live/night")
    assert answer.json()["story"]["correction"]["text"] == "We had called it wild."
    assert again.json()["story"]["correction"]["text"] == "We had called it wild."
    assert "We had called it wild." in page.text
