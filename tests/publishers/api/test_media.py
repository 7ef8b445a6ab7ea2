"""publishers/api/media.py: pictures come in checked, and only ours are shown."""

import asyncio
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from PIL import Image

from tests.serving import Service, running

NOBODYS = "00000000-0000-5000-8000-000000000000"
UPDATES = "/api/stories/night/updates"


def picture(width: int = 400, height: int = 300, *, kind: str = "PNG") -> bytes:
    file = BytesIO()
    Image.new("RGB", (width, height), "#336699").save(file, kind)
    return file.getvalue()


async def upload(
    service: Service,
    content: bytes | None = None,
    *,
    key: str | None = None,
    kind: str = "image/png",
) -> httpx.Response:
    headers = service.auth() | {"Content-Type": kind}
    return await service.http.post(
        "/api/media",
        content=picture() if content is None else content,
        headers=headers | ({} if key is None else {"Idempotency-Key": key}),
    )


async def publish(service: Service, *media: object, **more: Any) -> httpx.Response:
    body = {"kind": "media", "media": list(media)} | more
    return await service.http.post(UPDATES, json=body, headers=service.auth())


async def test_a_picture_is_taken_as_the_body_or_in_a_form(service: Service) -> None:
    raw = await upload(service)
    form = await service.http.post(
        "/api/media",
        files={"file": ("a.png", picture(2000, 1000), "image/png")},
        headers=service.auth(),
    )
    for answer, size in ((raw, (400, 300)), (form, (1920, 960))):
        assert answer.status_code == 201, answer.text
        made = answer.json()
        assert made.keys() == {"id", "url", "width", "height"}
        assert UUID(made["id"]).version == 5
        assert (made["width"], made["height"]) == size
        assert made["url"].endswith(answer.headers["location"])
        shown = await service.http.get(answer.headers["location"])
        assert shown.headers["content-type"] == "image/jpeg"
        assert Image.open(BytesIO(shown.content)).size == size
        assert shown.headers["content-security-policy"].endswith("sandbox")


async def test_a_repeated_upload_is_one_picture(service: Service) -> None:
    first = await upload(service, key="one")
    again = await upload(service, key="one")
    assert again.status_code == 201
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"
    other = await upload(service, picture(16, 16), key="one")
    assert other.status_code == 422
    assert other.json()["type"] == "urn:livewire:problem:key-reused"
    assert (await upload(service)).json()["id"] != first.json()["id"]


async def test_an_upload_that_was_cut_off_is_done_when_repeated(
    service: Service,
) -> None:
    first = await upload(service, key="one")
    folder = service.parts.settings.data_dir / "media"
    home = next(folder.rglob("image.json")).parent
    home.rename(folder / "lost")
    again = await upload(service, key="one")
    assert again.json() == first.json()
    assert (await service.http.get(again.headers["location"])).status_code == 200


async def test_who_may_write_may_upload(service: Service) -> None:
    for scopes, status in (
        ((), 401),
        (("follow:*",), 403),
        (("submit:story/night",), 201),
        (("publish:*",), 201),
    ):
        headers = service.auth(*scopes) if scopes else {}
        answer = await service.http.post(
            "/api/media", content=picture(), headers=headers
        )
        assert answer.status_code == status


@pytest.mark.parametrize(
    "content",
    [b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", picture()[:90]],
)
async def test_what_is_no_picture_is_refused(service: Service, content: bytes) -> None:
    answer = await upload(service, content)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"--b\r\n", "multipart/form-data", 400),
        (b"--b--\r\n", "multipart/form-data; boundary=b", 422),
        (
            b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
            422,
        ),
    ],
)
async def test_a_form_without_a_file_is_refused(
    service: Service, content: bytes, kind: str, status: int
) -> None:
    answer = await upload(service, content, kind=kind)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_upload_is_bounded_in_size_and_pixels(tmp_path: Path) -> None:
    async with running(tmp_path, max_upload=2048, max_pixels=10_000) as service:
        large = await upload(service, b"\x89PNG" + b"x" * 3000)
        assert large.status_code == 413
        form = {"file": ("a.png", b"x" * 80_000, "image/png")}
        answer = await service.http.post(
            "/api/media", files=form, headers=service.auth()
        )
        assert answer.status_code == 413
        many = await upload(service, picture(101, 100))
        assert many.status_code == 422
        assert (await upload(service, picture(100, 100))).status_code == 201


async def test_a_form_that_does_not_arrive_is_not_waited_for(tmp_path: Path) -> None:
    async with running(tmp_path, body_deadline=0.05) as service:
        head = (
            "POST /api/media HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n"
            f"Authorization: Bearer {service.token()}\r\n\r\n--b\r\n"
        )
        port = int(service.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head.encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        writer.close()
        await writer.wait_closed()
        # Whoever leaves in the middle of a form leaves nothing behind.
        _, leaving = await asyncio.open_connection("127.0.0.1", port)
        leaving.write(head.encode())
        leaving.close()
        await leaving.wait_closed()
        assert (await upload(service)).status_code == 201


@pytest.mark.parametrize(
    "path", ["x/320", "{id}/321", "{id}/0", "{id}/-1", "{id}/x", "..%2f/320"]
)
async def test_what_is_no_rendition_is_not_found(service: Service, path: str) -> None:
    id_ = (await upload(service)).json()["id"]
    answer = await service.http.get(f"/media/{path.replace('{id}', id_)}")
    assert answer.status_code == 404


async def test_a_width_of_thousands_of_digits_is_not_found(service: Service) -> None:
    answer = await service.http.get(f"/media/x/{'9' * 5000}")
    assert answer.status_code == 404


async def test_an_update_shows_our_picture_as_it_is_stored(service: Service) -> None:
    await service.open("night")
    made = (await upload(service)).json()
    given = {"alt": "  A  square ", "credit": "AP", "width": 9, "height": 9}
    for name in ("id", "url"):
        answer = await publish(service, given | {name: made[name]})
        assert answer.status_code == 201, answer.text
        assert answer.json()["update"]["media"] == [
            {
                "type": "image",
                **made,
                "alt": "A square",
                "caption": None,
                "credit": "AP",
                "poster": None,
            }
        ]


async def test_an_update_names_no_picture_but_ours(service: Service) -> None:
    await service.open("night")
    made = (await upload(service)).json()
    for given in (
        {"url": "https://elsewhere.example/media/" + made["id"] + "/400"},
        {"url": "file:///etc/passwd"},
        {"url": "//elsewhere.example/a.jpg"},
        {"url": made["url"].replace(made["id"], NOBODYS)},
        {"id": "../" + made["id"]},
        {"id": ""},
        {},
    ):
        answer = await publish(service, {"alt": "A square"} | given)
        assert answer.status_code == 422
        pointers = [fault["pointer"] for fault in answer.json()["errors"]]
        assert pointers == ["/media/0"], given
    missing = await publish(service, {"id": made["id"]}, "x", {"id": "x", "alt": "y"})
    assert {fault["pointer"] for fault in missing.json()["errors"]} == {
        *("/media/0/alt", "/media/1", "/media/2")
    }


async def test_stories_and_first_updates_have_pictures_too(service: Service) -> None:
    made = (await upload(service)).json()
    image = {"id": made["id"], "alt": "A square"}
    opened = await service.open(
        "night", image=image, update={"kind": "media", "media": [image]}
    )
    assert opened["story"]["image"]["url"] == made["url"]
    listed = (await service.http.get(UPDATES)).json()["updates"]
    assert listed[0]["media"][0]["url"] == made["url"]
    headers = service.auth() | {"If-Match": "*"}
    path = "/api/stories/night"
    kept = await service.http.patch(path, json={"headline": "New"}, headers=headers)
    assert kept.json()["story"]["image"] == opened["story"]["image"]
    said = {"image": {"caption": "Blue"}}
    changed = await service.http.patch(path, json=said, headers=headers)
    assert changed.json()["story"]["image"]["caption"] == "Blue"
    gone = await service.http.patch(path, json={"image": None}, headers=headers)
    assert gone.json()["story"]["image"] is None
    wrong = await service.http.patch(
        path, json={"image": {"url": "x", "alt": "x"}}, headers=headers
    )
    assert wrong.json()["errors"][0]["pointer"] == "/image"
