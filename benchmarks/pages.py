"""Requests per second of a cached page and of a poll, against the plainest route.

The three take turns within a run; the ratio is what counts.
"""

import asyncio
import time

import orjson

from benchmarks.connection import Connection, get, post
from benchmarks.serving import Served, plainest, service

SECONDS = 3.0
ROUNDS = 5
CONNECTIONS = 16
UPDATES = 30
GZIP = "Accept-Encoding: gzip\r\n"
CHANGES = "/changes?channel=story/night&since="


async def measure() -> None:
    """Print the table."""
    async with service() as served, plainest() as plain:
        position = await write_story(served)
        asked = {
            "plainest route": (plain.port, get("/")),
            "cached page": (served.port, get("/live/night")),
            "cached page, gzip": (served.port, get("/live/night", GZIP)),
            "poll, nothing new": (served.port, get(f"{CHANGES}{position}")),
            "poll, whole story": (served.port, get(f"{CHANGES}0")),
        }
        rates: dict[str, list[float]] = {name: [] for name in asked}
        for _ in range(ROUNDS):
            for name, (port, request) in asked.items():
                rates[name].append(await rate(port, request))
    baseline = sorted(rates["plainest route"])[ROUNDS // 2]
    for name, found in rates.items():
        middle = sorted(found)[ROUNDS // 2]
        print(f"  {name:<22} {middle:8.0f}/s   {middle / baseline:5.2f} x plainest")


async def write_story(served: Served) -> str:
    """A live story of 30 updates; its position."""
    connection = await Connection.open(served.port)
    opening = orjson.dumps({"slug": "night", "headline": "Night", "status": "live"})
    status, answer = await connection.ask(post("/api/stories", served.token, opening))
    for number in range(UPDATES):
        body = orjson.dumps({"headline": f"Update {number}", "body": "Words. " * 60})
        path = "/api/stories/night/updates"
        status, answer = await connection.ask(post(path, served.token, body))
    if status != 201:
        raise RuntimeError(answer.decode())
    connection.close()
    return str(orjson.loads(answer)["position"])


async def rate(port: int, request: bytes) -> float:
    """Answers per second over 16 connections."""
    end = time.perf_counter() + SECONDS

    async def one() -> int:
        connection = await Connection.open(port)
        count = 0
        while time.perf_counter() < end:
            status, _ = await connection.ask(request)
            if status != 200:
                raise RuntimeError(f"{request.decode()}: {status}")
            count += 1
        connection.close()
        return count

    counts = await asyncio.gather(*[one() for _ in range(CONNECTIONS)])
    return sum(counts) / SECONDS
