"""Thirty-two publishers race on one story, half of them asking for all things twice."""

import asyncio
from collections import Counter

import pytest

from tests.serving import Service

PUBLISHERS, UPDATES = 32, 5
PATH = "/api/stories/night/updates"


async def publish(service: Service, marker: str, *, times: int) -> int:
    """The number that all of the requests with one key were answered with."""
    headers = service.auth() | {"Idempotency-Key": marker}
    answers = await asyncio.gather(
        *(
            service.http.post(PATH, json={"headline": marker}, headers=headers)
            for _ in range(times)
        )
    )
    assert {answer.status_code for answer in answers} == {201}
    replayed = [a for a in answers if a.headers.get("Idempotent-Replayed") == "true"]
    assert len(replayed) == times - 1
    (position,) = {answer.json()["position"] for answer in answers}
    return int(position.partition("-")[2])


@pytest.mark.parametrize("times", [1, 2])
async def test_every_publisher_gets_its_updates_in_order_and_no_number_is_missing(
    service: Service, times: int
) -> None:
    await service.open("night")

    async def work(publisher: int) -> list[int]:
        often = times if publisher % 2 else 1
        return [
            await publish(service, f"{publisher}-{n}", times=often)
            for n in range(UPDATES)
        ]

    given = await asyncio.gather(*(work(n) for n in range(PUBLISHERS)))
    entries = (await service.parts.log.read("story/night")).entries
    total = PUBLISHERS * UPDATES
    assert [entry.event.seq for entry in entries] == list(range(1, total + 2))
    assert sorted(seq for seqs in given for seq in seqs) == list(range(2, total + 2))
    for publisher, seqs in enumerate(given):
        assert seqs == sorted(seqs)
        own = [(entries[seq - 1].event.data or {})["headline"] for seq in seqs]
        assert own == [f"{publisher}-{n}" for n in range(UPDATES)]
    assert set(Counter(entry.event.key for entry in entries).values()) == {1}
