"""Whether the Redis of the settings is fit, as a finding and as a condition."""

from pathlib import Path

import pytest

from livewire.readiness import look, require
from livewire.settings import BadSettings
from tests.redis_servers import redis_server
from tests.serving import settings_for

NOBODY = "redis://127.0.0.1:9/0"


async def test_without_redis_there_is_nothing_to_find(tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    assert await look(settings) == []
    await require(settings, patience=0)


async def test_a_redis_as_we_ask_for_it_has_no_fault(tmp_path: Path) -> None:
    async with redis_server(tmp_path / "redis") as redis:
        settings = settings_for(tmp_path, redis_url=redis.url)
        found = await look(settings)
        await require(settings, patience=0)
    assert len(found) > 5
    assert [each for each in found if each.remedy] == []


async def test_a_redis_that_does_not_answer_is_named_by_its_setting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = settings_for(tmp_path, redis_url=NOBODY)
    (found,) = await look(settings)
    with pytest.raises(BadSettings, match="LIVEWIRE_REDIS_URL"):
        await require(settings, patience=0)
    assert found.grave
    assert "127.0.0.1:9" in found.what
    assert "LIVEWIRE_REDIS_URL" in found.remedy
    assert caplog.records == []


async def test_a_wrong_password_is_told(tmp_path: Path) -> None:
    users = ["livewire on >right ~* &* +@all"]
    async with redis_server(tmp_path / "redis", users=users) as redis:
        url = redis.url_of("livewire", "wrong")
        (found,) = await look(settings_for(tmp_path, redis_url=url))
    assert "password" in found.what


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1", "redis+sentinel://127.0.0.1", "redis://127.0.0.1:port/0"],
)
async def test_an_address_that_is_none_is_grave(tmp_path: Path, url: str) -> None:
    settings = settings_for(tmp_path, redis_url=url)
    (found,) = await look(settings)
    assert found.grave
    assert "LIVEWIRE_REDIS_URL" in found.what
    with pytest.raises(BadSettings, match="LIVEWIRE_REDIS_URL"):
        await require(settings, patience=0)


async def test_a_user_who_may_not_ask_is_told_what_he_lacks(tmp_path: Path) -> None:
    users = ["livewire on >secret ~* &* +@all -config"]
    async with redis_server(tmp_path / "redis", users=users) as redis:
        url = redis.url_of("livewire", "secret")
        found = await look(settings_for(tmp_path, redis_url=url))
    assert any("`+config|get`" in each.remedy for each in found if each.refused)


async def test_what_is_refused_starts_where_it_is_accepted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with redis_server(
        tmp_path / "redis", appendfsync="everysec", maxmemory_policy="allkeys-lru"
    ) as redis:
        given = settings_for(tmp_path, redis_url=redis.url)
        with pytest.raises(BadSettings) as refused:
            await require(given, patience=0)
        accepting = settings_for(tmp_path, redis_url=redis.url, redis_accept_loss=True)
        await require(accepting, patience=0)
    assert "LIVEWIRE_REDIS_ACCEPT_LOSS" in str(refused.value)
    assert "noeviction" in str(refused.value)
    told = [record.getMessage() for record in caplog.records]
    assert [line.count("redis.conf") for line in told] == [1, 1]
