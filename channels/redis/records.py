"""The records contract on Redis: a hash each, and a sorted list of their names."""

import orjson

from channels.records import Record, Value
from channels.redis.keys import Keys
from channels.redis.link import Link
from channels.redis.scripts import FORGET, KEEP, SCAN


class RedisRecords:
    """Values by name, beside the log of the site."""

    def __init__(self, link: Link, keys: Keys) -> None:
        self._link = link
        self._keys = keys

    async def get(self, name: str) -> Record | None:
        """The record, or None."""
        key = self._keys.record + name
        version, value = await self._link.command("HMGET", key, "version", "value")
        return None if version is None else _record(name, version, value)

    async def put(self, name: str, value: Value, *, seen: int) -> Record | None:
        """Keep `value` if the record is still at version `seen` (0: absent)."""
        keys = (self._keys.record + name, self._keys.records)
        words = (name, seen, orjson.dumps(value))
        kept = await self._link.run(KEEP, keys, words)
        return Record(name, seen + 1, value) if kept else None

    async def scan(self, prefix: str) -> tuple[Record, ...]:
        """All records whose name begins with `prefix`, by name."""
        words = (prefix, self._keys.record)
        found = await self._link.run(SCAN, (self._keys.records,), words)
        return tuple([_record(name.decode(), *kept) for name, *kept in found])

    async def delete(self, name: str) -> None:
        """Forget the record, if there is one."""
        keys = (self._keys.record + name, self._keys.records)
        await self._link.run(FORGET, keys, (name,))


def _record(name: str, version: bytes, value: bytes) -> Record:
    return Record(name, int(version), orjson.loads(value))
