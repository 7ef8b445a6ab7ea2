"""Batches to test with."""

from channels.positions import Epoch, Extent, Position
from channels.redis.wire import Batch, Part, body
from tests.channels.redis.workers import NIGHT, new

SITE = "sitesite"


def bodies(*keys: str) -> tuple[bytes, ...]:
    return tuple([body(new(key), {}) for key in keys])


def part(
    *keys: str, top: int, channel: str = NIGHT, removed: tuple[int, ...] = ()
) -> Part:
    extent = Extent((Epoch("aaaaaaaa", 1),), top, 0)
    return Part(channel, extent, bodies(*keys), removed)


def batch(
    seq: int, *parts: Part, count: int = 1, epoch: str = SITE, life: str = ""
) -> Batch:
    return Batch(count, Position(epoch, seq), life, "me", parts)
