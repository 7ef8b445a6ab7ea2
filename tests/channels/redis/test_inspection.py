from dataclasses import replace

import pytest

from channels.errors import LogUnavailable
from channels.findings import Finding
from channels.redis.inspection import Facts, findings
from tests.channels.redis.workers import worker
from tests.redis_servers import RedisServer

GOOD = Facts(
    {"redis_version": "7.0.15", "aof_enabled": "1", "connected_slaves": "0"},
    {
        "appendfsync": "always",
        "no-appendfsync-on-rewrite": "no",
        "maxmemory": "0",
        "maxmemory-policy": "noeviction",
        "client-output-buffer-limit": "normal 0 0 0 pubsub 67108864 16777216 30",
    },
    0.1,
)


def changed(info: dict[str, str], config: dict[str, str]) -> Facts:
    return replace(GOOD, info={**GOOD.info, **info}, config={**GOOD.config, **config})


def faults(facts: Facts, wanted: int = 0) -> list[Finding]:
    return [each for each in findings(facts, wanted) if each.remedy]


def test_what_is_as_it_should_be_asks_for_nothing() -> None:
    assert faults(GOOD) == []
    assert GOOD.durability == "fsync"
    whats = [each.what for each in findings(GOOD, 0)]
    assert "Redis evicts nothing (there is no limit)." in whats
    limited = changed({}, {"maxmemory": "1000000"})
    whats = [each.what for each in findings(limited, 0)]
    assert "Redis evicts nothing (at 1,000,000 bytes it refuses)." in whats


@pytest.mark.parametrize(
    ("info", "config", "line", "refused"),
    [
        ({"redis_version": "6.2.1"}, {}, "Install Redis 7", True),
        ({"redis_version": "?"}, {}, "Install Redis 7", True),
        ({"aof_enabled": "0"}, {}, "`appendonly yes`", True),
        ({}, {"appendfsync": "everysec"}, "`appendfsync always`", True),
        ({}, {"no-appendfsync-on-rewrite": "yes"}, "-on-rewrite no`", True),
        ({}, {"maxmemory-policy": "allkeys-lru"}, "`maxmemory-policy noe", True),
        (
            {},
            {"client-output-buffer-limit": "pubsub 1048576 0 0"},
            "`client-output-buffer-limit pubsub",
            False,
        ),
        ({"connected_slaves": "1"}, {}, "`min-replicas-to-write 1`", False),
    ],
)
def test_what_is_not_names_the_line_to_change(
    info: dict[str, str], config: dict[str, str], line: str, refused: bool
) -> None:
    (fault,) = faults(changed(info, config))
    assert line in fault.remedy
    assert fault.refused is refused
    assert fault.risk


def test_replicas_that_are_not_there_are_named() -> None:
    (fault,) = faults(GOOD, wanted=2)
    assert "Of 2 replicas" in fault.what
    assert "LIVEWIRE_REDIS_WAIT" in fault.remedy
    there = {"connected_slaves": "2", "min_slaves_good_slaves": "2"}
    assert faults(changed(there, {"min-replicas-to-write": "1"}), wanted=2) == []
    (fault,) = faults(changed(there, {"min-replicas-to-write": "3"}))
    assert "it refuses every write" in fault.risk
    assert fault.grave


@pytest.mark.parametrize("skew", [3.0, -3.0])
def test_clocks_apart_are_told(skew: float) -> None:
    (fault,) = faults(replace(GOOD, skew=skew))
    assert "3 seconds apart" in fault.what
    assert "timedatectl" in fault.remedy


def test_a_server_that_may_not_be_asked_is_not_taken_at_its_word() -> None:
    quiet = replace(
        GOOD, config={}, info={**GOOD.info, "maxmemory_policy": "noeviction"}
    )
    assert quiet.durability == "write"
    (fault,) = faults(quiet)
    assert "+config|get" in fault.remedy
    assert fault.refused
    assert changed({"aof_enabled": "0"}, {}).durability == "memory"


async def test_a_real_server_is_read(redis: RedisServer, prefix: str) -> None:
    async with worker(redis.url, prefix, gather=0.05) as one:
        found = await one.store.inspect()
        assert [each for each in found if each.remedy] == []
        assert one.store.log.durability == "fsync"
    with pytest.raises(LogUnavailable):
        await one.store.inspect()
