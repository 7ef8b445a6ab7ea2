"""What the Redis at hand is fit for: each thing in a sentence.

The law: nothing is changed, and each finding says what is so, what can be lost by it
and which line to change.
"""

from collections.abc import Iterator

from channels.findings import Finding
from channels.redis.facts import Facts, ask
from channels.redis.health import health
from channels.redis.link import Link

__all__ = ["Facts", "Inspection", "findings"]

OLDEST = (7, 0)
MOST_SKEW = 2.0  # seconds between the clocks
LEAST_BUFFER = 16 * 1024 * 1024  # bytes a subscriber may lag behind


class Inspection:
    """Looks at the server behind a link. `wanted` are replicas to wait for."""

    def __init__(self, link: Link, wanted: int) -> None:
        self._link = link
        self._wanted = wanted

    async def durability(self) -> str:
        """What an append survives on the server that is the primary now."""
        return (await ask(self._link)).durability

    async def findings(self) -> list[Finding]:
        """Everything there is to find. Raises `LogUnavailable`."""
        return list(findings(await ask(self._link), self._wanted))


def findings(facts: Facts, wanted: int) -> Iterator[Finding]:
    """What the facts mean, for a service that waits for `wanted` replicas."""
    yield _version(facts)
    yield _persistence(facts)
    yield _rewriting(facts)
    yield _eviction(facts)
    yield _buffers(facts)
    yield from _replicas(facts, wanted)
    yield _clock(facts)
    yield from health(facts)


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
    policy = facts.config.get("appendfsync")
    if policy == "always":
        return Finding("Redis syncs its append-only file before it answers.")
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
    count = facts.number("connected_slaves")
    least = int(facts.config.get("min-replicas-to-write", "0"))
    good = facts.number("min_slaves_good_slaves") if least else 0
    if least > good:
        yield Finding(
            f"Of {least} replicas that Redis wants (`min-replicas-to-write`), {good}"
            " keep up.",
            "Until they do, it refuses every write: nothing can be published.",
            "Connect them, or lower the number while they are away.",
            grave=True,
        )
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
