"""Withdrawn means gone, purged means nowhere, and what is private stays private.

Every text is a word found nowhere else. After each deed every output is fetched, from
the beginning and from every position that was ever handed out, and searched.
"""

import json
import re
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from PIL import Image

from tests.serving import Service, running

EDITOR = "editorzq"
NOTE = "internalnotezq"
STORY = "/api/stories/night"
PUBLIC = ("story/night", "latest", "breaking", "stories")
_OPENING = re.compile(rb"event: (?:ready|reset)\nid: [^\n]*\ndata: (\{.*\})\n\n")

Found = dict[str, bytes]


class Reader:
    """Fetches everything there is to fetch, and remembers every position it saw."""

    def __init__(self, service: Service) -> None:
        self.service = service
        sections = [f"section/{s}" for s in service.parts.settings.sections][:2]
        self.channels = (*PUBLIC, *sections)
        self.positions: dict[tuple[str, ...], set[str]] = {}
        self.places: set[tuple[str, str]] = set()  # of every update ever seen

    async def everything(self, words: Iterable[str] = ()) -> Found:
        """Every output by what was asked for; editors' versions aside.

        `words` are also searched for.
        """
        found: Found = {}
        for channel in (*self.channels, "newsroom"):
            await self._follow(found, (channel,))
        await self._follow(found, tuple(sorted(self.channels)))
        for path in await self._paths(words):
            for kind, headers in self._readers().items():
                answer = await self.service.http.get(path, headers=headers)
                assert answer.status_code < 500, path
                found[f"{kind} {path}"] = _bytes(answer)
        return found

    async def remember(self) -> None:
        """Note every position handed out so far, and look at the pages as they are."""
        for channel in (*self.channels, "newsroom"):
            await self._follow({}, (channel,), {"0"})
        await self._follow({}, tuple(sorted(self.channels)), {"0"})
        for path in await self._paths([]):
            await self.service.http.get(path)

    def _readers(self) -> dict[str, dict[str, str]]:
        return {
            "anybody": {},
            "browser": {"Accept": "text/html"},
            "editor": self.service.auth("follow:*", name="reader"),
        }

    async def _follow(
        self, found: Found, names: tuple[str, ...], starts: set[str] | None = None
    ) -> None:
        known = self.positions.setdefault(names, {"0"})
        for since in sorted(starts or known):
            stream = await self._stream(names, since)
            found[f"stream {names} {since}"] = stream
            known |= {id_.decode() for id_ in re.findall(rb"\nid: (.*)\n", stream)}
            if len(names) == 1:
                query = {"channel": names[0], "since": since}
                answer = await self._get("/changes", query, names)
                assert answer.status_code == 200
                found[f"changes {names} {since}"] = _bytes(answer)
                events = answer.json()["events"]
                known |= {answer.json()["top"], *(each["position"] for each in events)}

    async def _get(
        self, path: str, query: dict[str, str], names: tuple[str, ...]
    ) -> httpx.Response:
        headers = self._headers(names)
        return await self.service.http.get(path, params=query, headers=headers)

    def _headers(self, names: tuple[str, ...]) -> dict[str, str]:
        return self._readers()["editor"] if "newsroom" in names else {}

    async def _stream(self, names: tuple[str, ...], since: str) -> bytes:
        """A stream's bytes up to where every channel of it is caught up."""
        query = urlencode([*(("channel", name) for name in names), ("since", since)])
        read = b""
        async with self.service.http.stream(
            "GET", f"/stream?{query}", headers=self._headers(names)
        ) as response:
            assert response.status_code == 200
            async for chunk in response.aiter_bytes():
                read += chunk
                if read.endswith(b"\n\n") and _is_caught_up(read, len(names)):
                    break
        return read

    async def _paths(self, words: Iterable[str]) -> list[str]:
        listed = await self.service.http.get(f"{STORY}/updates?limit=100")
        self.places |= {
            (each["published"], each["id"]) for each in listed.json()["updates"]
        }
        sections = [name for name in self.channels if name.startswith("section/")]
        return [
            *("/", "/live/night", "/api/stories", "/api/stories?limit=1", STORY),
            *(f"/{name}" for name in sections),
            *(f"{STORY}/updates", f"{STORY}/updates?limit=2"),
            *(f"{STORY}/updates?key_event={is_key}" for is_key in ("true", "false")),
            *(f"{STORY}/updates?q={word}" for word in words),
            *(f"{STORY}/updates?tag={word}" for word in words),
            *(f"/live/night?before={at}~{id_}" for at, id_ in self.places),
            *(f"{STORY}/updates?cursor={at}~{id_}" for at, id_ in self.places),
            *(f"{STORY}/updates/{id_}" for _, id_ in self.places),
            *(f"/live/night/{id_}" for _, id_ in self.places),
            *(f"/live/night/{id_}/history" for _, id_ in self.places),
            *("/live/night/feed.json", "/live/night/feed.atom", "/sitemap.xml"),
            *("/live/night.ninjs.json", "/live/night/fragment", "/embed/story/night"),
        ]


def _bytes(answer: httpx.Response) -> bytes:
    """All that was sent: the head as well."""
    return json.dumps(dict(answer.headers)).encode() + answer.content


def _is_caught_up(read: bytes, channels: int) -> bool:
    openings = [json.loads(text) for text in _OPENING.findall(read)]
    return len(openings) == channels and all(
        opening["position"] == opening["top"]
        or b'{"channel":"%b","position":"%b","key"'
        % (opening["channel"].encode(), opening["top"].encode())
        in read
        for opening in openings
    )


class Desk:
    """An editor who writes words that can be found again."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.reader = Reader(service)
        self.picture = ""

    async def send(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        headers = self.service.auth(name=EDITOR) | {"If-Match": "*"}
        answer = await self.service.http.request(
            method, path, json=content, headers=headers
        )
        assert answer.is_success, answer.text
        await self.reader.remember()
        result: dict[str, Any] = answer.json()
        return result

    async def open(self) -> set[str]:
        """A story; its words."""
        file = BytesIO()
        Image.new("RGB", (32, 32)).save(file, "PNG")
        answer = await self.service.http.post(
            "/api/media", content=file.getvalue(), headers=self.service.auth()
        )
        self.picture = answer.json()["id"]
        await self.send("POST", "/api/stories", slug="night", **self.story("old"))
        return _words(self.story("old"))

    def story(self, name: str) -> dict[str, Any]:
        """The members of a story, each a word of its own."""
        return {
            "headline": f"{name}headlinezq",
            "standfirst": f"{name}standfirstzq",
            "body": f"{name}bodyzq",
            "summary": f"{name}summaryzq",
            "tags": [f"{name}tagzq"],
            "authors": [{"name": f"{name}authorzq"}],
            "image": self.media(name),
            "followed_by": {"headline": f"{name}nextzq", "url": "https://a.example/"},
            "status": "live",
        }

    def update(self, name: str) -> dict[str, Any]:
        """The members of an update, each a word of its own."""
        return {
            "headline": f"{name}updateheadlinezq",
            "body": f"{name}updatebodyzq",
            "quote": {
                "text": f"{name}quotezq",
                "name": f"{name}speakerzq",
                "role": f"{name}rolezq",
            },
            "qa": [{"question": f"{name}questionzq", "answer": f"{name}answerzq"}],
            "authors": [{"name": f"{name}bylinezq"}],
            "media": [self.media(f"{name}update")],
            "tags": [f"{name}updatetagzq"],
            "source": {"name": f"{name}sourcezq"},
            "key_event": True,
            "pinned": True,
            "breaking": True,
        }

    def media(self, name: str) -> dict[str, str]:
        return {
            "id": self.picture,
            "alt": f"{name}altzq",
            "caption": f"{name}captionzq",
            "credit": f"{name}creditzq",
        }

    async def publish(self, name: str) -> tuple[str, set[str]]:
        """An update, corrected once; its path and its words."""
        made = await self.send("POST", f"{STORY}/updates", **self.update(name))
        path = f"{STORY}/updates/{made['update']['id']}"
        said = {"body": f"{name}secondzq", "correction": f"{name}correctionzq"}
        await self.send("PATCH", path, **said, note=NOTE)
        # And calm again, so that `breaking` holds what it no longer tells.
        await self.send("PATCH", path, breaking=False)
        return path, _words(self.update(name)) | _words(said)

    async def versions(self, path: str) -> bytes:
        headers = self.service.auth(name=EDITOR)
        answer = await self.service.http.get(f"{path}/versions", headers=headers)
        assert answer.status_code == 200
        return _bytes(answer)

    async def private(self) -> set[str]:
        """Who and how: of every entry, what only the log may hold."""
        known: set[str] = {EDITOR, NOTE, "fingerprint"}
        for channel in (*self.reader.channels, "newsroom"):
            for entry in (await self.service.parts.log.read(channel)).entries:
                known.add(str(entry.private["request"]))
                known.add(str(entry.private.get("fingerprint", EDITOR)))
        return known


def _words(value: object) -> set[str]:
    return set(re.findall(r"\w+zq\b", json.dumps(value)))


def where(found: Found, words: Iterable[str]) -> dict[str, list[str]]:
    """The words by the outputs that tell them."""
    hits: dict[str, list[str]] = {}
    for asked, answer in found.items():
        for word in words:
            if word.encode() in answer:
                hits.setdefault(asked, []).append(word)
    return hits


@pytest.fixture
def desk(service: Service) -> Desk:
    return Desk(service)


async def test_what_is_published_is_found_so_that_the_search_is_worth_something(
    desk: Desk,
) -> None:
    words = await desk.open()
    _, more = await desk.publish("one")
    found = await desk.reader.everything(more)
    told = {word for hits in where(found, words | more).values() for word in hits}
    assert words | more - {"oneupdatebodyzq"} <= told
    assert where(found, await desk.private()) == {}


async def test_a_withdrawn_text_is_told_to_nobody_but_editors(desk: Desk) -> None:
    await desk.open()
    path, words = await desk.publish("one")
    _, others = await desk.publish("two")
    await desk.send("POST", f"{path}/withdraw", reason="Not so.", note=NOTE)
    found = await desk.reader.everything(words)
    assert where(found, words) == {}
    assert where(found, await desk.private()) == {}
    assert where(found, others)
    versions = await desk.versions(path)
    assert {word for word in words if word.encode() not in versions} == set()
    await desk.send("POST", f"{path}/withdraw", reason="Not so.", purge=True)
    found = await desk.reader.everything(words) | {"v": await desk.versions(path)}
    assert where(found, words) == {}


async def test_private_parts_are_shown_in_versions_alone_and_the_hash_nowhere(
    desk: Desk,
) -> None:
    await desk.open()
    path, _ = await desk.publish("one")
    private = await desk.private()
    versions = {"versions": await desk.versions(path)}
    assert set(where(versions, private)["versions"]) == {EDITOR, NOTE}


@pytest.mark.parametrize("deed", ["withdraw", "correct"])
async def test_a_purged_text_is_nowhere_not_even_on_the_disk(
    tmp_path: Path, deed: str
) -> None:
    async with running(tmp_path) as service:
        desk = Desk(service)
        await desk.open()
        path, words = await desk.publish("one")
        if deed == "withdraw":
            content = {"reason": "Not so.", "purge": True}
            await desk.send("POST", f"{path}/withdraw", **content)
        else:
            content = desk.update("new") | {"purge": True}
            await desk.send("PATCH", path, **content, correction="Amended.")
        found = await desk.reader.everything(words)
        assert where(found, words) == {}
        assert where({"versions": await desk.versions(path)}, words) == {}
        assert where(_files(tmp_path), words) == {}
        if deed == "correct":
            assert where(found, _words(desk.update("new")))
    async with running(tmp_path) as service:
        again = Desk(service)
        again.reader.positions = desk.reader.positions
        again.reader.places = desk.reader.places
        assert where(await again.reader.everything(words), words) == {}
    assert where(_files(tmp_path), words) == {}


async def test_a_purged_headline_of_a_story_is_nowhere(desk: Desk) -> None:
    words = await desk.open()
    _, others = await desk.publish("one")
    section = desk.service.parts.settings.sections
    other = list(section)[1]
    await desk.send("PATCH", STORY, section=other)
    await desk.send("PATCH", STORY, **desk.story("new"), purge=True)
    found = await desk.reader.everything(words)
    assert where(found, words) == {}
    assert where(_files(desk.service.parts.settings.data_dir), words) == {}
    assert where(found, others)
    assert where(found, _words(desk.story("new")))


async def test_of_a_withdrawn_story_nothing_is_told_and_purged_nothing_is_kept(
    desk: Desk,
) -> None:
    words = await desk.open()
    path, more = await desk.publish("one")
    _, yet_more = await desk.publish("two")
    words |= more | yet_more
    await desk.send("POST", f"{STORY}/withdraw", reason="Not so.", note=NOTE)
    found = await desk.reader.everything(words)
    assert where(found, words) == {}
    assert where(found, await desk.private()) == {}
    assert more & set(where({"v": await desk.versions(path)}, more)["v"]) == more
    await desk.send("POST", f"{STORY}/withdraw", reason="Not so.", purge=True)
    found = await desk.reader.everything(words) | {"v": await desk.versions(path)}
    assert where(found, words) == {}
    assert where(_files(desk.service.parts.settings.data_dir), words) == {}


async def test_a_draft_tells_its_words_to_nobody_but_editors(desk: Desk) -> None:
    words = await desk.open()  # a public one, so that there is something to read
    content = desk.story("draft") | {"status": "draft", "slug": "later"}
    await desk.send("POST", "/api/stories", **content)
    first = await desk.send("POST", "/api/stories/later/updates", body="drafttextzq")
    drafts = _words(content) | {"drafttextzq"}
    found = await desk.reader.everything(drafts)
    public = {
        asked: answer
        for asked, answer in found.items()
        if "newsroom" not in asked and not asked.startswith("editor")
    }
    assert where(public, drafts) == {}
    assert where(public, words)
    for path in (
        "/live/later",
        f"/live/later/{first['update']['id']}",
        "/changes?channel=story/later&since=0",
        "/stream?channel=story/later&since=0",
        "/api/stories/later",
        "/api/stories/later/updates",
    ):
        answer = await desk.service.http.get(path)
        assert answer.status_code == 404
        assert where({path: _bytes(answer)}, drafts) == {}


def _files(folder: Path) -> Found:
    return {
        path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
