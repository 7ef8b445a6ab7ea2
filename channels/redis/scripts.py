"""The steps that Redis takes as one: each a file of Lua beside this module.

A script is sent by its digest. Redis forgets scripts when it starts anew and at
`SCRIPT FLUSH`, so one it does not know is sent again in full.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

Words = Sequence[str | bytes | int]


@dataclass(frozen=True, slots=True)
class Script:
    """One step, and the digest Redis knows it by."""

    text: str
    digest: str

    async def __call__(
        self, client: "Redis", keys: Sequence[str], words: Words = ()
    ) -> Any:
        """What the step answers. Raises what redis-py raises."""
        said = (str(len(keys)), *keys, *words)
        try:
            return await client.execute_command("EVALSHA", self.digest, *said)
        except NoScriptError:
            return await client.execute_command("EVAL", self.text, *said)

    async def awaiting(
        self,
        client: "Redis",
        keys: Sequence[str],
        words: Words,
        *,
        replicas: int,
        milliseconds: int,
    ) -> tuple[Any, int]:
        """The answer, and how many replicas had it in time.

        WAIT counts from the last write of its own connection, so both go out on one.
        """
        said = (str(len(keys)), *keys, *words)
        for command in (("EVALSHA", self.digest), ("EVAL", self.text)):
            async with client.pipeline(transaction=False) as pipe:
                pipe.execute_command(*command, *said)
                pipe.execute_command("WAIT", replicas, milliseconds)
                answer, count = await pipe.execute(raise_on_error=False)
            if not isinstance(answer, NoScriptError):
                break
        if isinstance(answer, Exception):
            raise answer
        return answer, count if isinstance(count, int) else 0


def _load(name: str) -> Script:
    text = files("channels.redis").joinpath(f"{name}.lua").read_text()
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


APPEND = _load("append")
READ = _load("read")
LOOK = _load("look")
KEEP = _load("keep")
FORGET = _load("forget")
SCAN = _load("scan")
LEASE = _load("lease")
RELEASE = _load("release")
LEASES = _load("leases")
