"""How a Redis is at the moment: what may stop it, and who else may reach it."""

from collections.abc import Iterator

from channels.findings import Finding
from channels.redis.facts import Facts

_FULL = 0.8  # of the memory: from here on it is time to do something


def health(facts: Facts) -> Iterator[Finding]:
    """What the facts say of today; how it is configured is told elsewhere."""
    yield from _loading(facts)
    yield _role(facts)
    yield _writing(facts)
    yield from _snapshots(facts)
    yield _memory(facts)
    yield from _exposure(facts)


def _loading(facts: Facts) -> Iterator[Finding]:
    if facts.info.get("loading", "0") != "0":
        done = facts.info.get("loading_loaded_perc", "0")
        yield Finding(
            f"Redis is reading its file ({done} % done).",
            "Until it is done, nobody can publish.",
            "Wait; look at its disk if it takes long.",
        )


def _role(facts: Facts) -> Finding:
    if facts.info.get("role") != "slave":
        return Finding("It is a primary.")
    return Finding(
        "It is a replica.",
        "Nothing can be published through it.",
        "Let LIVEWIRE_REDIS_URL name the primary, or the sentinels, which know it:"
        " redis+sentinel://host:26379/SERVICE.",
        grave=True,
    )


def _writing(facts: Facts) -> Finding:
    if facts.info.get("aof_last_write_status", "ok") != "ok":
        return Finding(
            "Redis could not write its append-only file.",
            "Nothing can be published.",
            "Look at its log and its disk; make room where it is full.",
            grave=True,
        )
    if facts.info.get("aof_last_bgrewrite_status", "ok") != "ok":
        return Finding(
            "Redis could not write its append-only file anew.",
            "The file grows until the disk is full, and then Redis ends; purged text"
            " stays in it.",
            "Look at its log, give it disk and memory, then run BGREWRITEAOF.",
        )
    return Finding("Redis writes to its disk.")


def _snapshots(facts: Facts) -> Iterator[Finding]:
    """Of snapshots nothing is said but that a failed one stops every write."""
    points = facts.config.get("save", "")
    if not points or facts.config.get("stop-writes-on-bgsave-error") != "yes":
        return
    remedy = 'Put `save ""` into redis.conf: the append-only file is enough.'
    if facts.info.get("rdb_last_bgsave_status", "ok") != "ok":
        yield Finding(
            "Its last snapshot failed, so Redis refuses every write.",
            "Nothing can be published.",
            remedy,
            grave=True,
        )
    else:
        yield Finding(
            f"Redis writes snapshots (`save {points}`).",
            "If one fails, for want of memory or disk, nothing can be published.",
            remedy,
        )


def _memory(facts: Facts) -> Finding:
    used, limit = facts.number("used_memory"), facts.number("maxmemory")
    of = limit or facts.number("total_system_memory")
    what = f"It uses {used / 1e6:,.0f} MB of {of / 1e6:,.0f} MB."
    if not of or used < _FULL * of:
        return Finding(what)
    if limit:
        return Finding(
            what,
            "Beyond that it refuses every write: nothing can be published.",
            "Give it memory and raise `maxmemory`.",
            grave=True,
        )
    return Finding(
        what,
        "The system ends it when there is no more, and again after each start.",
        "Give its machine more memory.",
        grave=True,
    )


def _exposure(facts: Facts) -> Iterator[Finding]:
    if not facts.exposed:
        return
    if not facts.password:
        yield Finding(
            f"Redis at {facts.exposed} asks nobody for a password.",
            "Whoever reaches it reads drafts, writes as anybody and erases the log.",
            "Give it users (ACL), and LIVEWIRE_REDIS_URL one of them.",
            grave=True,
        )
    yield Finding(
        f"Redis at {facts.exposed} is reached in the clear.",
        "Whoever is on the way reads drafts and its password.",
        "Let it speak TLS (`tls-port`), and LIVEWIRE_REDIS_URL begin with rediss://.",
    )
