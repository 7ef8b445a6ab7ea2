"""How a Redis is at the moment, by what it says of itself."""

import pytest

from channels.findings import Finding
from channels.redis.facts import Facts
from channels.redis.health import health

SOUND = {
    "role": "master",
    "loading": "0",
    "aof_last_write_status": "ok",
    "aof_last_bgrewrite_status": "ok",
    "rdb_last_bgsave_status": "ok",
    "used_memory": "1000000",
    "maxmemory": "0",
    "total_system_memory": "8000000000",
}
SNAPSHOTS = {"save": "3600 1", "stop-writes-on-bgsave-error": "yes"}


def wrong(
    info: dict[str, str] | None = None,
    config: dict[str, str] | None = None,
    *,
    exposed: str = "",
    password: bool = True,
) -> list[Finding]:
    """What is not as it should be."""
    facts = Facts(
        SOUND | (info or {}), config or {}, 0.0, exposed=exposed, password=password
    )
    return [each for each in health(facts) if each.remedy]


def test_a_sound_server_has_no_fault() -> None:
    assert wrong() == []


def test_what_is_not_told_is_no_fault() -> None:
    assert [each for each in health(Facts({}, {}, 0.0)) if each.remedy] == []


@pytest.mark.parametrize(
    ("info", "word", "grave"),
    [
        ({"loading": "1", "loading_loaded_perc": "41.00"}, "41.00 %", False),
        ({"role": "slave"}, "redis+sentinel://", True),
        ({"aof_last_write_status": "err"}, "Nothing can be published", True),
        ({"aof_last_bgrewrite_status": "err"}, "BGREWRITEAOF", False),
        ({"used_memory": "7000000000"}, "machine more memory", True),
        ({"used_memory": "900", "maxmemory": "1000"}, "`maxmemory`", True),
    ],
)
def test_what_may_stop_it_is_told(info: dict[str, str], word: str, grave: bool) -> None:
    (found,) = wrong(info)
    assert word in f"{found.what} {found.risk} {found.remedy}"
    assert found.grave is grave


def test_snapshots_matter_only_where_a_failed_one_stops_every_write() -> None:
    failed = {"rdb_last_bgsave_status": "err"}
    lenient = SNAPSHOTS | {"stop-writes-on-bgsave-error": "no"}
    assert [each.grave for each in wrong(config=SNAPSHOTS)] == [False]
    assert [each.grave for each in wrong(failed, SNAPSHOTS)] == [True]
    assert wrong(failed, lenient) == []
    assert wrong(failed, SNAPSHOTS | {"save": ""}) == []


def test_a_server_across_a_network_wants_tls_and_a_password() -> None:
    (clear,) = wrong(exposed="redis.example.org")
    open_, _ = wrong(exposed="redis.example.org", password=False)
    assert (clear.grave, open_.grave) == (False, True)
    assert "rediss://" in clear.remedy
    assert "redis.example.org" in open_.what
