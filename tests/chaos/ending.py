"""The log when all is quiet, as every worker tells it, and tells again."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import httpx
import orjson

from tests.chaos.history import Final, History, Standing, Version, digest
from tests.chaos.publishers import signed

PATIENCE = 30  # seconds for every worker to tell the same
AT_ONCE = 8  # requests under way


async def final_log(
    http: httpx.AsyncClient,
    addresses: Sequence[str],
    channels: Sequence[str],
    history: History,
) -> Final:
    """The log that every worker tells, and tells again.

    Where they do not agree in time, what the first one told last, and who differs.
    """
    end = asyncio.get_running_loop().time() + PATIENCE
    before: list[dict[str, Standing]] = []
    while True:
        told = [await _standings(http, each, channels, history) for each in addresses]
        quiet = told == before
        before = told
        if (quiet and _agree(told)) or asyncio.get_running_loop().time() > end:
            break
        await asyncio.sleep(0.3)
    keys = [
        (name, key)
        for name, standing in told[0].items()
        for key in standing.state
        if name.startswith("story/") and key.startswith("update/")
    ]
    versions = await _versions(http, addresses[0], keys)
    return Final(told[0], versions, tuple(_differences(addresses, told)))


def _agree(told: Sequence[Mapping[str, Standing]]) -> bool:
    return all(each == told[0] for each in told)


def _differences(
    addresses: Sequence[str], told: Sequence[Mapping[str, Standing]]
) -> Iterable[str]:
    for address, standings in zip(addresses, told, strict=True):
        for name, standing in standings.items():
            if standing != told[0][name]:
                yield f"{address} tells {name} otherwise, at {standing.top}"


async def _standings(
    http: httpx.AsyncClient, address: str, channels: Sequence[str], history: History
) -> dict[str, Standing]:
    return {name: await _standing(http, address, name, history) for name in channels}


async def _standing(
    http: httpx.AsyncClient, address: str, channel: str, history: History
) -> Standing:
    since, more, state = "0", True, {}
    while more:
        query = {"channel": channel, "since": since}
        answer = await _get(http, f"{address}/changes", query)
        for members in answer["events"]:
            event = history.event(members)
            state[event.key] = event
        since, more = answer["position"], answer["more"]
    return Standing(channel, answer["top"], answer["floor"], state)


async def _versions(
    http: httpx.AsyncClient, address: str, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], dict[int, Version]]:
    gate, headers = asyncio.Semaphore(AT_ONCE), signed("auditor")

    async def ask(channel: str, key: str) -> dict[int, Version]:
        path = f"/api/stories/{channel.removeprefix('story/')}/updates/"
        path += f"{key.removeprefix('update/')}/versions"
        async with gate:
            answer = await _get(http, address + path, {}, headers)
        versions = [_version(each) for each in answer["versions"]]
        return {each.number: each for each in versions}

    told = await asyncio.gather(*(ask(*each) for each in keys))
    return dict(zip(keys, told, strict=True))


def _version(told: Mapping[str, Any]) -> Version:
    update = told["update"] or {}
    return Version(
        told["version"],
        told["note"],
        update.get("headline"),
        update.get("status", ""),
        digest(told["update"]),
        removed=told["removed"],
    )


async def _get(
    http: httpx.AsyncClient,
    url: str,
    query: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(httpx.TransportError):
                answer = await http.get(url, params=query, headers=headers)
                if answer.status_code == 200:
                    return dict(orjson.loads(answer.content))
            await asyncio.sleep(0.1)
