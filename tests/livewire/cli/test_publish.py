"""`livewire publish`, beside a real service."""

import asyncio
from pathlib import Path

from tests.livewire.cli.commands import beside, run
from tests.serving import Service


async def updates(service: Service, story: str) -> list[dict[str, object]]:
    answer = await service.http.get(f"/api/stories/{story}/updates")
    return list(answer.json()["updates"])


async def test_it_prints_the_permalink_and_the_position(
    service: Service, tmp_path: Path
) -> None:
    await service.open("night")
    done = await run(
        "publish",
        "night",
        "Polls **close**.",
        "--headline=One",
        "--breaking",
        "--key-event",
        "--source-name=The clerk",
        "--source-url=https://clerk.example.org/",
        cwd=tmp_path,
        env=beside(service),
    )
    (update,) = await updates(service, "night")
    view = await service.http.get("/changes?channel=story/night&since=0")
    assert done.code == 0, done.err
    assert done.out.split() == [update["permalink"], view.json()["position"]]
    assert update["headline"] == "One"
    assert update["breaking"]
    assert update["key_event"]
    assert not update["pinned"]
    source = {"name": "The clerk", "url": "https://clerk.example.org/"}
    assert update["source"] == source


async def test_a_dash_reads_the_input(service: Service, tmp_path: Path) -> None:
    await service.open("night")
    done = await run(
        "publish",
        "night",
        "-",
        cwd=tmp_path,
        env=beside(service),
        text="Die Wahllokale schließen.\n",
    )
    (update,) = await updates(service, "night")
    assert done.code == 0, done.err
    assert update["body"] == "Die Wahllokale schließen."


async def test_opening_makes_the_story_once(service: Service, tmp_path: Path) -> None:
    async def publish(text: str, key: str) -> str:
        done = await run(
            "publish",
            "storm",
            text,
            "--open",
            "--headline=Storm",
            f"--key={key}",
            cwd=tmp_path,
            env=beside(service),
        )
        assert done.code == 0, done.err
        return done.out

    first = await publish("It is near.", "a")
    assert await publish("It is near.", "a") == first
    second = await publish("It is here.", "b")
    assert await publish("It is here.", "b") == second
    story = (await service.http.get("/api/stories/storm")).json()["story"]
    assert (story["headline"], story["status"]) == ("Storm", "live")
    bodies = [update["body"] for update in await updates(service, "storm")]
    assert bodies == ["It is here.", "It is near."]


async def test_a_token_that_is_given_is_used(service: Service, tmp_path: Path) -> None:
    await service.open("night")
    env = {"LIVEWIRE_URL": service.url}
    without = await run("publish", "night", "One", cwd=tmp_path, env=env)
    narrow = await run(
        "publish",
        "night",
        "One",
        "--breaking",
        f"--token={service.token('editor')}",
        cwd=tmp_path,
        env=env,
    )
    token = {"LIVEWIRE_TOKEN": service.token("editor")}
    good = await run("publish", "night", "One", cwd=tmp_path, env=env | token)
    assert (without.code, narrow.code, good.code) == (1, 1, 0)
    assert "livewire token" in without.err
    assert "breaking:story/night" in narrow.err
    assert not (tmp_path / "data" / "secret").exists()


async def test_a_token_signed_here_goes_to_no_other_machine(
    service: Service, tmp_path: Path
) -> None:
    heads: list[bytes] = []

    async def listen(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    proxy = await asyncio.start_server(listen, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
    env = beside(service, LIVEWIRE_URL="http://live.example.org", HTTP_PROXY=address)
    env |= {"http_proxy": address, "NO_PROXY": "", "no_proxy": ""}
    done = await run("publish", "night", "One", cwd=tmp_path, env=env)
    proxy.close()
    (head,) = heads
    assert done.code == 1
    assert b"host: live.example.org" in head.lower()
    assert b"authorization" not in head.lower()


async def test_faults_are_named(service: Service, tmp_path: Path) -> None:
    await service.open("night")
    env = beside(service)
    unknown = await run("publish", "nowhere", "One", cwd=tmp_path, env=env)
    wrong = await run("publish", "night", "", cwd=tmp_path, env=env)
    usage = await run("publish", "night", "One", "--open", cwd=tmp_path, env=env)
    assert (unknown.code, wrong.code, usage.code) == (1, 1, 2)
    assert "/body" in wrong.err
    assert "--headline" in usage.err
    assert "Traceback" not in unknown.err + wrong.err + usage.err


async def test_an_unknown_variable_is_an_error_that_names_it(tmp_path: Path) -> None:
    env = {"LIVEWIRE_SITENAME": "The Courier"}
    for args in (["publish", "night", "One"], ["tail", "latest"], ["serve"]):
        done = await run(*args, cwd=tmp_path, env=env)
        assert done.code == 1
        assert "LIVEWIRE_SITENAME" in done.err
        assert "Traceback" not in done.err
