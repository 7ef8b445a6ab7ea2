"""What a Redis says of itself, asked of real ones."""

from pathlib import Path

import pytest

from channels.errors import LogUnavailable
from channels.redis.address import address
from channels.redis.facts import Facts, ask
from channels.redis.link import Link
from channels.redis.primary import Primary
from tests.redis_processes import running
from tests.redis_servers import RedisServer, redis_server


async def facts(url: str) -> Facts:
    """The facts of the server there."""
    link = Link(
        Primary(address(url), tag="livewire", timeout=2),
        timeout=2,
        replicas=0,
        milliseconds=1,
    )
    try:
        return await ask(link)
    finally:
        await link.close()


@pytest.mark.parametrize(
    ("options", "durability"),
    [
        ({}, "fsync"),
        ({"appendfsync": "everysec"}, "write"),
        ({"appendfsync": "no"}, "write"),
        ({"no_appendfsync_on_rewrite": "yes"}, "write"),
        ({"appendonly": "no"}, "memory"),
    ],
)
async def test_the_durability_is_what_the_server_does(
    tmp_path: Path, options: dict[str, str], durability: str
) -> None:
    async with running(RedisServer(tmp_path, options)) as redis:
        assert (await facts(redis.url)).durability == durability


async def test_what_a_user_may_not_ask_stays_open(tmp_path: Path) -> None:
    users = ["livewire on >secret ~* &* +@all -config"]
    async with redis_server(tmp_path, users=users) as redis:
        found = await facts(redis.url_of("livewire", "secret"))
    assert found.config == {}
    assert found.info["role"] == "master"
    assert found.durability == "write"


async def test_a_server_that_is_away_is_no_user_who_may_not_ask() -> None:
    with pytest.raises(LogUnavailable):
        await facts("redis://127.0.0.1:9/0")


async def test_loopback_and_tls_expose_nothing(tmp_path: Path) -> None:
    async with redis_server(tmp_path / "plain") as redis:
        plain = await facts(redis.url)
        named = await facts(redis.url.replace("127.0.0.1", "localhost"))
    async with redis_server(tmp_path / "tls", tls=True) as redis:
        tls = await facts(f"{redis.url}?ssl_ca_certs={redis.ca}")
    assert [plain.exposed, named.exposed, tls.exposed] == ["", "", ""]
