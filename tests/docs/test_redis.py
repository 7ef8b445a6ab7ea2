"""What the page about Redis has people write into redis.conf is enough, and works."""

from pathlib import Path

from tests.docs.pages import parts, read, section
from tests.redis_servers import SUPPORTED, redis_server
from tests.serving import running

PAGE = read("redis")


def lines(heading: str) -> list[str]:
    """What is to be written into redis.conf, of the first block under a heading."""
    block = next(part for part in parts(section(PAGE, heading)) if part.kind == "conf")
    return block.text.splitlines()


def test_the_configuration_is_the_one_that_the_tests_run_on() -> None:
    told = dict(line.split(" ", 1) for line in lines("One server"))
    del told["bind"]
    used = {name.replace("_", "-"): str(value) for name, value in SUPPORTED.items()}
    assert {name: value.strip('"') for name, value in told.items()}.items() <= (
        used.items()
    )


async def test_the_user_may_do_what_a_worker_does_and_nothing_is_denied(
    tmp_path: Path,
) -> None:
    (user,) = (each for each in lines("A user for the service") if "livewire" in each)
    line = user.removeprefix("user ").replace("PASSWORD", "secret")
    async with redis_server(tmp_path / "redis", users=[line]) as redis:
        url = redis.url_of("livewire", "secret")
        async with running(tmp_path / "data", redis_url=url) as service:
            await service.open("night")
            update = (await service.publish("night"))["update"]["id"]
            answer = await service.http.post(
                f"/api/stories/night/updates/{update}/withdraw",
                json={"reason": "Wrong.", "purge": True},
                headers=service.auth(),
            )
            await redis.flushall()  # so that it is put back
            await service.publish("night")
        async with redis.client() as client:
            denied = await client.execute_command("ACL LOG")
    assert answer.is_success
    assert denied == []
