"""Thirty-two publishers race on one story over two workers; half ask both at once."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest

from tests.chaos.publishers import signed
from tests.chaos.worker_faults import PLAIN, site

PUBLISHERS, UPDATES = 32, 5
PATH = "/api/stories/night/updates"


async def publish(http: httpx.AsyncClient, addresses: Sequence[str], word: str) -> int:
    """The number that each of the workers answered one and the same request with."""
    headers = {"Idempotency-Key": word}
    answers = await asyncio.gather(
        *(
            http.post(f"{address}{PATH}", json={"headline": word}, headers=headers)
            for address in addresses
        )
    )
    assert {answer.status_code for answer in answers} == {201}, answers[0].text
    replayed = [a for a in answers if a.headers.get("Idempotent-Replayed") == "true"]
    assert len(replayed) == len(addresses) - 1
    (position,) = {answer.json()["position"] for answer in answers}
    return int(position.partition("-")[2])


@pytest.mark.timeout(120)
async def test_no_number_is_missing_and_everybody_keeps_their_order(
    tmp_path: Path,
) -> None:
    async with site(tmp_path, PLAIN, PLAIN) as here:
        await here.open()
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(
            headers=signed("ines"), timeout=30, limits=limits
        ) as http:

            async def work(publisher: int) -> list[int]:
                own = here.addresses[publisher % 4 // 2]
                asked = here.addresses if publisher % 2 else [own]
                words = [f"{publisher}-{n}" for n in range(UPDATES)]
                return [await publish(http, asked, word) for word in words]

            given = await asyncio.gather(*map(work, range(PUBLISHERS)))
            told = [await events(http, address) for address in here.addresses]
    assert told[0] == told[1]
    total = PUBLISHERS * UPDATES
    assert list(told[0]) == list(range(1, total + 2))
    assert sorted(seq for seqs in given for seq in seqs) == list(range(2, total + 2))
    for publisher, seqs in enumerate(given):
        assert seqs == sorted(seqs)
        own = [told[0][seq] for seq in seqs]
        assert own == [f"{publisher}-{n}" for n in range(UPDATES)]
    assert set(Counter(told[0].values()).values()) == {1}


async def events(http: httpx.AsyncClient, address: str) -> dict[int, str]:
    """The headline of each number of the story."""
    query = {"channel": "story/night", "since": "0"}
    told = (await http.get(f"{address}/changes", params=query)).json()
    assert not told["more"]
    return {
        int(event["position"].partition("-")[2]): event["data"]["headline"]
        for event in told["events"]
    }
