"""What the Redis at hand is fit for: each thing in a sentence.

The law: nothing is changed, and each finding says what is so, what can be lost by it
and which line to change.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from channels.errors import LogUnavailable
from channels.findings import Finding
from channels.redis.link import Link

OLDEST = (7, 0)
MOST_SKEW = 2.0  # seconds between the clocks
LEAST_BUFFER = 16 * 1024 * 1024  # bytes a subscriber may lag behind
_CONFIG = (
    "appendonly",
    "appendfsync",
    "no-appendfsync-on-rewrite",
    "maxmemory",
    "maxmemory-policy",
    "client-output-buffer-limit",
    "min-replicas-to-write",
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the server says of itself. `config` is empty where it may not be asked."""

    info: Mapping[str, str]
    config: Mapping[str, str]
    skew: float  # seconds by which its clock is ahead of ours

    @property
    def durability(self) -> str:
        """What an append survives; see `channels.log.Stored`."""
        if self.info.get("aof_enabled") != "1":
            return "memory"
        return "fsync" if self.config.get("appendfsync") == "always" else "write"


class Inspection:
    """Looks at the server behind a link. `wanted` are replicas to wait for."""

    def __init__(self, link: Link, wanted: int) -> None:
        self._link = link
        self._wanted = wanted

    async def durability(self) -> str:
        """What an append survives on the server that is the primary now."""
        return (await self._facts()).durability

    async def findings(self) -> list[Finding]:
        """Everything there is to find. Raises `LogUnavailable`."""
        return list(findings(await self._facts(), self._wanted))

    async def _facts(self) -> Facts:
        before = time.time()
        seconds, micros = await self._link.command("TIME")
        now = (before + time.time()) / 2
        info = await self._link.command("INFO")
        try:
            told = await self._link.command("CONFIG GET", *_CONFIG)
        except LogUnavailable:
            told = []  # a user who may not ask (ACL)
        return Facts(_info(info), _config(told), int(seconds) + int(micros) / 1e6 - now)


def findings(facts: Facts, wanted: int) -> Iterator[Finding]:
    """What the facts mean, for a service that waits for `wanted` replicas."""
    yield _version(facts)
    yield _persistence(facts)
    yield _rewriting(facts)
    yield _eviction(facts)
    yield _buffers(facts)
    yield from _replicas(facts, wanted)
    yield _clock(facts)


def _version(facts: Facts) -> Finding:
    version = facts.info.get("redis_version", "unknown")
    what = f"Redis is {version}."
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers >= OLDEST:
        return Finding(what)
    return Finding(
        what,
        "Its scripts cannot refuse a batch as a whole: half of one may be stored.",
        "Install Redis 7 or newer.",
        grave=True,
        refused=True,
    )


def _persistence(facts: Facts) -> Finding:
    if facts.durability == "memory":
        return Finding(
            "Redis keeps no append-only file.",
            "Everything since its last snapshot is lost when it stops.",
            "Put `appendonly yes` and `appendfsync always` into redis.conf.",
            grave=True,
            refused=True,
        )
    if facts.durability == "fsync":
        return Finding("Redis syncs its append-only file before it answers.")
    policy = facts.config.get("appendfsync")
    what = f"Redis syncs its append-only file `{policy}`."
    if policy is None:
        what = "Redis does not say how it syncs its append-only file."
    return Finding(
        what,
        "A power cut can take the last second of acknowledged updates.",
        "Put `appendfsync always` into redis.conf"
        + ("." if policy else ", and let the user run CONFIG GET (ACL `+config|get`)."),
        grave=True,
        refused=True,
    )


def _rewriting(facts: Facts) -> Finding:
    if facts.config.get("no-appendfsync-on-rewrite", "no") == "no":
        return Finding("It syncs while it rewrites that file, too.")
    return Finding(
        "It does not sync while it rewrites that file.",
        "A power cut in those seconds can take acknowledged updates.",
        "Put `no-appendfsync-on-rewrite no` into redis.conf.",
        grave=True,
        refused=True,
    )


def _eviction(facts: Facts) -> Finding:
    policy = facts.config.get("maxmemory-policy") or facts.info.get("maxmemory_policy")
    limit = int(facts.config.get("maxmemory") or facts.info.get("maxmemory") or 0)
    if policy == "noeviction":
        least = f"at {limit:,} bytes it refuses" if limit else "there is no limit"
        return Finding(f"Redis evicts nothing ({least}).")
    return Finding(
        f"Redis may evict keys (`maxmemory-policy {policy}`).",
        "Stories vanish when memory is short.",
        "Put `maxmemory-policy noeviction` into redis.conf.",
        grave=True,
        refused=True,
    )


def _buffers(facts: Facts) -> Finding:
    limits = facts.config.get("client-output-buffer-limit", "").split()
    found = dict(zip(limits[::4], limits[1::4], strict=False)).get("pubsub")
    if found is None:
        return Finding("Redis does not say how far a subscriber may lag behind.")
    size = int(found)
    what = f"A subscriber may lag {size / 1e6:,.0f} MB behind."
    if size == 0 or size >= LEAST_BUFFER:
        return Finding(what)
    return Finding(
        what,
        "A busy worker loses its line, and reads again what it missed.",
        "Put `client-output-buffer-limit pubsub 64mb 16mb 30` into redis.conf.",
    )


def _replicas(facts: Facts, wanted: int) -> Iterator[Finding]:
    count = int(facts.info.get("connected_slaves", "0"))
    least = int(facts.config.get("min-replicas-to-write", "0"))
    if wanted > count:
        yield Finding(
            f"Of {wanted} replicas that an update is to reach, {count} are connected.",
            "Each answer waits in vain and says less than is configured.",
            "Connect the replicas, or set LIVEWIRE_REDIS_WAIT to fewer.",
        )
    else:
        yield Finding(f"{count} replicas are connected, and {wanted} are waited for.")
    if count and not least:
        yield Finding(
            "A primary that is cut off from its replicas goes on taking updates.",
            "After a failover they are lost: what it acknowledged alone.",
            "Put `min-replicas-to-write 1` and `min-replicas-max-lag 10` into"
            " redis.conf.",
        )


def _clock(facts: Facts) -> Finding:
    if abs(facts.skew) <= MOST_SKEW:
        return Finding("Its clock and ours agree.")
    return Finding(
        f"Its clock and ours are {abs(facts.skew):,.0f} seconds apart.",
        "Times on the pages and in tokens are wrong on one of the two machines.",
        "Run `timedatectl set-ntp true` on both.",
    )


def _info(answer: object) -> dict[str, str]:
    if isinstance(answer, Mapping):  # redis-py has read it already
        return {str(name): str(value) for name, value in answer.items()}
    text = answer.decode() if isinstance(answer, bytes) else str(answer)
    lines = (line.partition(":") for line in text.splitlines())
    return {name: value for name, colon, value in lines if colon}


def _config(answer: object) -> dict[str, str]:
    pairs = answer.items() if isinstance(answer, Mapping) else _pairs(answer)
    return {_text(name): _text(value) for name, value in pairs}


def _pairs(answer: object) -> list[tuple[object, object]]:
    flat = list(answer) if isinstance(answer, list | tuple) else []
    return list(zip(flat[::2], flat[1::2], strict=True))


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
