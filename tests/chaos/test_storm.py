"""A crowd is cut at once and comes back at once: what that costs the log.

Reads are counted by Redis: read.lua has the one XRANGE of all that happens here.
"""

import asyncio
import resource
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.chaos.storm import Storm, storm
from tests.chaos.worker_faults import PLAIN, Kind, Site, site

FEW, MANY = 500, 5_000
PATH = "/stream?channel=story/night"
BEFORE = 10  # updates
HANDFUL = 8  # reads, whoever comes with a position of this log
OTHERS = 24  # further steps: what is appended, what the workers ask after it
STRAY_READS = 4  # a second and worker, for those whom only the log can judge
GREEDY = (
    sys.executable,
    "-c",
    """
from channels.hub import Hub
from livewire.cli import main
view = Hub.view
async def reading_for_each(self, name, position=None):
    await self._log.read(name)
    return await view(self, name, position)
Hub.view = reading_for_each
main(prog_name="livewire")
""",
)
"""A service that asks the log for every reader."""

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(autouse=True)
def _many_descriptors() -> Iterator[None]:
    """Workers inherit what this process may have."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@dataclass(frozen=True, slots=True)
class Cost:
    """What Redis did in some seconds."""

    reads: int
    steps: int
    seconds: float

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(
            self.reads - other.reads,
            self.steps - other.steps,
            self.seconds - other.seconds,
        )

    def beyond(self, rest: "Cost") -> int:
        """The steps that are not of every second."""
        return self.steps - round(rest.steps / rest.seconds * self.seconds)


async def cost_so_far(here: Site) -> Cost:
    async with here.server.client() as client:
        told: Mapping[str, Mapping[str, int]] = await client.info("commandstats")

    def calls(name: str) -> int:
        return told.get(f"cmdstat_{name}", {"calls": 0})["calls"]

    now = asyncio.get_running_loop().time()
    return Cost(calls("xrange"), calls("evalsha") + calls("eval"), now)


async def at_rest(here: Site) -> Cost:
    """What looks and leases cost while nothing happens."""
    before = await cost_so_far(here)
    await asyncio.sleep(4)
    return await cost_so_far(here) - before


class Night:
    """A story whose readers are cut, miss an update, and come back while one comes."""

    def __init__(self, here: Site, readers: Storm) -> None:
        self._here = here
        self._readers = readers
        self._ports = [worker.port for worker in here.staff]
        self._top = 1

    async def begin(self) -> None:
        await self._here.open()
        for _ in range(BEFORE):
            await self._publish()

    async def gather(self, count: int) -> None:
        await self._readers.open(PATH, self._ports, count, self._top)
        await self._judge(count)

    async def storm(self, count: int, *, strays: bool = False) -> Cost:
        """All are cut and come back, to the other worker; the cost of it."""
        before = await cost_so_far(self._here)
        await self._readers.cut()
        await self._publish()
        self._ports.reverse()
        async with asyncio.TaskGroup() as group:
            top = self._top + 1
            group.create_task(self._readers.back(self._ports, top, strays=strays))
            group.create_task(self._publish())
        cost = await cost_so_far(self._here) - before
        resets = await self._judge(count)
        assert strays == bool(resets)
        return cost

    async def _publish(self) -> None:
        self._top += 1
        async with self._here.editor(self._top % len(self._ports)) as editor:
            path = "/api/stories/night/updates"
            answer = await editor.post(path, json={"headline": f"Word {self._top}"})
        assert answer.status_code == 201, answer.text

    async def _judge(self, count: int) -> Mapping[str, int]:
        """Everybody was let in and holds everything."""
        told = await self._readers.told()
        assert told["statuses"] == {"200": count}
        assert told["gaps"] == 0
        return dict(told["resets"])


async def test_ten_times_the_readers_cost_the_log_no_more(tmp_path: Path) -> None:
    async with site(tmp_path, PLAIN, PLAIN) as here, storm() as readers:
        night = Night(here, readers)
        await night.begin()
        rest = await at_rest(here)
        costs = []
        for count, more in (FEW, FEW), (MANY, MANY - FEW):
            await night.gather(more)
            costs.append(await night.storm(count))
        assert max(cost.reads for cost in costs) <= HANDFUL, costs
        assert max(cost.beyond(rest) for cost in costs) <= OTHERS, (costs, rest)
        stray = await night.storm(MANY, strays=True)
        most = HANDFUL + 2 * STRAY_READS * stray.seconds
        assert stray.reads <= most, (stray, rest)


async def test_a_service_that_reads_for_each_of_them_is_found(tmp_path: Path) -> None:
    async with site(tmp_path, Kind(GREEDY)) as here, storm() as readers:
        night = Night(here, readers)
        await night.begin()
        await night.gather(FEW)
        assert (await night.storm(FEW)).reads >= FEW
