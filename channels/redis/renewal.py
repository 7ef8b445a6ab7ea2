"""A new append-only file for a Redis that has just started, before anything is healed.

A Redis that finds the end of its file torn inside a transaction cuts it off after the
last whole command, not before the transaction (7.0; valkey-io/valkey#4342). What is
appended after that stands inside a transaction that never ended: at the next start the
half batch would come alive, and what was acknowledged since would be gone. A rewrite
puts what is in memory into a file of its own and lets go of the torn one.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from channels.errors import LogUnavailable
from channels.redis.fence import Look
from channels.redis.link import Link

_logger = logging.getLogger(__name__)

_LONGEST = 60.0
"""Seconds for a rewrite; nothing is published meanwhile."""

_PAUSE = 0.05
"""Seconds between two looks at how it goes."""


async def renew(
    link: Link, look: Look, prolong: Callable[[], Awaitable[object]]
) -> None:
    """Have the file written anew, if another process wrote it when it was last whole.

    `prolong` is called while that lasts. Raises `LogUnavailable` where Redis fails
    again; a rewrite that fails is logged, for the service is worth more than this.
    """
    run, was = (guard.partition(":")[0] for guard in (look.guard, look.healed))
    if not was or run == was or not _is(await _state(link), "aof_enabled"):
        return
    try:
        await link.command("BGREWRITEAOF")
    except LogUnavailable as error:
        if link.away:
            raise
        state = await _state(link)
        if not _is(state, "aof_rewrite_in_progress"):
            # This user may not ask for one (ACL), or there is no room for a child.
            _logger.error("The append-only file cannot be written anew: %s", error)
            return
    if not await _is_done(link, prolong):
        _logger.error("The append-only file could not be written anew.")


async def _is_done(link: Link, prolong: Callable[[], Awaitable[object]]) -> bool:
    end = asyncio.get_running_loop().time() + _LONGEST
    while asyncio.get_running_loop().time() < end:
        state = await _state(link)
        if not (
            _is(state, "aof_rewrite_scheduled") or _is(state, "aof_rewrite_in_progress")
        ):
            return state.get("aof_last_bgrewrite_status") == "ok"
        await asyncio.sleep(_PAUSE)
        await prolong()
    return False


async def _state(link: Link) -> dict[str, object]:
    state: dict[str, object] = await link.command("INFO", "persistence")
    return state


def _is(state: dict[str, object], name: str) -> bool:
    return str(state.get(name)) == "1"
