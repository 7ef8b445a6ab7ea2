"""Events per second acknowledged durably, over HTTP.

The baseline of the same run is the bare file: one row of 1,000 bytes a commit, synced,
with nothing around it. That is what a publish costs where Python costs nothing.
"""

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import apsw
import orjson

from benchmarks.connection import Connection, post
from benchmarks.serving import Served, service

SECONDS = 4.0
ROUNDS = 3
BODY = orjson.dumps({"headline": "Turnout at noon", "body": "Word after word. " * 40})


async def measure() -> None:
    """Print the table."""
    async with service() as served:
        await open_stories(served)
        rates: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            for name, value in (
                ("bare synced commits", await asyncio.to_thread(bare)),
                ("1 publisher", await publish(served, ["s0"])),
                ("16 on one story", await publish(served, ["s0"] * 16)),
                ("16 on 16 stories", await publish(served, _stories())),
            ):
                rates.setdefault(name, []).append(value)
    baseline = sorted(rates["bare synced commits"])[ROUNDS // 2]
    for name, found in rates.items():
        middle = sorted(found)[ROUNDS // 2]
        print(f"  {name:<22} {middle:8.0f}/s   {middle / baseline:5.2f} x bare")


def _stories() -> list[str]:
    return [f"s{number}" for number in range(16)]


async def open_stories(served: Served) -> None:
    """Open the stories the publishers write to."""
    connection = await Connection.open(served.port)
    for slug in _stories():
        body = orjson.dumps({"slug": slug, "headline": slug, "status": "live"})
        status, answer = await connection.ask(post("/api/stories", served.token, body))
        if status != 201:
            raise RuntimeError(answer.decode())
    connection.close()


async def publish(served: Served, slugs: list[str]) -> float:
    """Acknowledged updates per second by one publisher for each of `slugs`."""
    end = time.perf_counter() + SECONDS

    async def one(slug: str) -> int:
        connection = await Connection.open(served.port)
        request = post(f"/api/stories/{slug}/updates", served.token, BODY)
        count = 0
        while time.perf_counter() < end:
            status, answer = await connection.ask(request)
            if status != 201:
                raise RuntimeError(answer.decode())
            count += 1
        connection.close()
        return count

    return sum(await asyncio.gather(*map(one, slugs))) / SECONDS


def bare() -> float:
    """Synced commits per second of a SQLite file of our settings."""
    with TemporaryDirectory(prefix="livewire-bench-", dir=Path.cwd()) as folder:
        connection = apsw.Connection(f"{folder}/bare.db")
        connection.pragma("locking_mode", "exclusive")
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full")
        connection.execute("CREATE TABLE rows (n INTEGER PRIMARY KEY, data BLOB)")
        end, count = time.perf_counter() + SECONDS / 2, 0
        while time.perf_counter() < end:
            with connection:
                connection.execute("INSERT INTO rows (data) VALUES (?)", (b"x" * 1000,))
            count += 1
        connection.close()
    return count / (SECONDS / 2)
