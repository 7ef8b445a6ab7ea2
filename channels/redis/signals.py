"""The signals contract on Redis: words by pub/sub, claims by the server's clock."""

import asyncio

import orjson

from channels.listeners import Listeners
from channels.log import Stop
from channels.redis.keys import Keys
from channels.redis.link import Link
from channels.redis.scripts import LEASE, LEASES, RELEASE
from channels.signals import Hear, Value

WORKERS = "worker/"
"""What the leases of living workers are called."""

_MOMENT = 60.0
"""Seconds: as long as a worker remembers, and longer than Redis takes to start again.
Claims end meanwhile, so that nothing else tells who is on the way back."""


class RedisSignals:
    """Words between the workers of one site, and what they claim for a while."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._keys = keys
        self._listeners = Listeners[Value]()
        self._seen: dict[str, float] = {}  # workers, and when they last lived

    async def send(self, topic: str, value: Value) -> None:
        """Tell every worker that listens to `topic`, this one too."""
        command = "SPUBLISH" if self._link.sharded else "PUBLISH"
        message = orjson.dumps([topic, value])
        await self._link.command(command, self._keys.signals, message)

    def listen(self, topic: str, hear: Hear) -> Stop:
        """Call `hear` for what is sent to `topic` from now on."""
        return self._listeners.add(topic, hear)

    async def lease(
        self, name: str, owner: str, *, seconds: float, value: Value
    ) -> bool:
        """Claim `name` or prolong the claim; False if it is another's."""
        words = (name, owner, round(seconds * 1000), orjson.dumps(value))
        return bool(await self._link.run(LEASE, self._keys.leases, words))

    async def release(self, name: str, owner: str) -> None:
        """Let go of a claim, if it is this owner's."""
        await self._link.run(RELEASE, self._keys.leases, (name, owner))

    async def leases(self, prefix: str) -> dict[str, Value]:
        """The values of the claims that stand now, by name."""
        found = await self._link.run(LEASES, self._keys.leases, (prefix,))
        named = {name.decode(): orjson.loads(value) for name, value in found}
        if prefix == WORKERS:
            now = asyncio.get_running_loop().time()
            self._seen |= {name.removeprefix(prefix): now for name in named}
        return dict(sorted(named.items()))

    def known(self) -> set[str]:
        """The workers that lived a moment ago, though Redis may have forgotten them."""
        oldest = asyncio.get_running_loop().time() - _MOMENT
        self._seen = {name: at for name, at in self._seen.items() if at > oldest}
        return set(self._seen)

    def hear(self, message: bytes) -> None:
        """A word of some worker's."""
        topic, value = orjson.loads(message)
        self._listeners.tell(topic, value)
