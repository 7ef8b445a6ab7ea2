"""What a Redis says of itself, and how we reach it.

The law: nothing is changed, and what the server's user may not ask stays open.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from redis.asyncio import Redis
from redis.asyncio.connection import SSLConnection

from channels.errors import LogUnavailable
from channels.redis.link import Link

_CONFIG = (
    "appendonly",
    "appendfsync",
    "no-appendfsync-on-rewrite",
    "maxmemory",
    "maxmemory-policy",
    "client-output-buffer-limit",
    "min-replicas-to-write",
    "save",
    "stop-writes-on-bgsave-error",
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the server says of itself. `config` is empty where it may not be asked.

    `exposed` is the host where it is reached over a network in the clear, else empty.
    """

    info: Mapping[str, str]
    config: Mapping[str, str]
    skew: float  # seconds by which its clock is ahead of ours
    exposed: str = ""
    password: bool = True  # whether we have to show one

    @property
    def durability(self) -> str:
        """What an append survives; see `channels.log.Stored`."""
        if self.info.get("aof_enabled") != "1":
            return "memory"
        is_synced = self.config.get("appendfsync") == "always"
        is_paused = self.config.get("no-appendfsync-on-rewrite", "no") != "no"
        return "fsync" if is_synced and not is_paused else "write"

    def number(self, name: str) -> int:
        """What INFO tells as a number; 0 where it does not tell."""
        told = self.info.get(name, "")
        return int(told) if told.isdigit() else 0


async def ask(link: Link) -> Facts:
    """The facts of the server behind a link. Raises `LogUnavailable`."""
    before = time.time()
    seconds, micros = await link.command("TIME")
    now = (before + time.time()) / 2
    info = await link.command("INFO")
    try:
        told = await link.command("CONFIG GET", *_CONFIG)
    except LogUnavailable:
        if link.away:
            raise
        told = []  # a user who may not ask (ACL)
    return Facts(
        _info(info),
        _config(told),
        int(seconds) + int(micros) / 1e6 - now,
        *_way(link.present),
    )


def _way(client: Redis | None) -> tuple[str, bool]:
    """By which host it is reached in the clear, and whether with a password."""
    if client is None:  # lost between two answers; the next look tells
        return "", True
    pool = client.connection_pool
    host = str(pool.connection_kwargs.get("host") or "")  # none of a Unix socket
    password = bool(pool.connection_kwargs.get("password"))
    if issubclass(pool.connection_class, SSLConnection) or _is_here(host):
        return "", password
    return host, password


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost")


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
