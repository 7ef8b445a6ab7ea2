"""Waiting for something to happen, or for a while."""

import asyncio


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Return once the event is set, at the latest after so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
