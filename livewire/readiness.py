"""Whether the log that the settings name is fit for what Livewire promises.

The laws: what would break promise 1 keeps the service from starting, unless a setting
accepts it; a Redis that is started at the same moment is waited for.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from channels.errors import LogUnavailable
from channels.findings import Finding
from livewire.app import inspect
from livewire.settings import BadSettings, Settings

PATIENCE = 10.0
"""Seconds for which a Redis that does not answer is asked again."""

_AGAIN = 0.2
"""Seconds between two askings."""

_log = logging.getLogger(__name__)


async def look(settings: Settings) -> list[Finding]:
    """What the Redis of the settings is fit for, asked once; nothing without one."""
    try:
        with _in_silence():
            return await inspect(settings)
    except BadSettings as error:
        return [
            Finding(
                f"{str(error).rstrip('.')}.",
                "The service does not start.",
                "Change LIVEWIRE_REDIS_URL.",
                grave=True,
            )
        ]
    except LogUnavailable as error:
        return [
            Finding(
                _silent(error),
                "Nobody can publish, and the service does not start.",
                "Start it, or let LIVEWIRE_REDIS_URL name the one that runs.",
                grave=True,
            )
        ]


async def require(settings: Settings, *, patience: float = PATIENCE) -> None:
    """Return once the service may start on the Redis of the settings, if there is one.

    What is wrong and accepted, or no reason to stay away, is logged. Raises
    `BadSettings` for a Redis that does not answer within `patience` seconds, and for
    one that loses what was acknowledged.
    """
    found = [each for each in await _answer(settings, patience) if each.grave]
    refused = [each for each in found if each.refused]
    if refused and not settings.redis_accept_loss:
        raise BadSettings(
            "\n".join(
                [
                    "This Redis can lose what was acknowledged:",
                    *(f"- {_sentences(each)}" for each in refused),
                    "LIVEWIRE_REDIS_ACCEPT_LOSS=true starts the service all the same.",
                ]
            )
        )
    for each in found:
        _log.warning("%s", _sentences(each))


async def _answer(settings: Settings, patience: float) -> list[Finding]:
    loop = asyncio.get_running_loop()
    end = loop.time() + patience
    while True:
        try:
            with _in_silence():
                return await inspect(settings)
        except LogUnavailable as error:
            if loop.time() >= end:
                raise BadSettings(
                    f"{_silent(error)} Start it, or let LIVEWIRE_REDIS_URL name the"
                    " one that runs."
                ) from error
        await asyncio.sleep(_AGAIN)


@contextmanager
def _in_silence() -> Iterator[None]:
    """What is told in one sentence here is not logged line by line before."""
    logger = logging.getLogger("channels.redis")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _silent(error: LogUnavailable) -> str:
    cause = str(error.__cause__ or "")
    why = f" ({cause.rstrip('.')})" if cause and cause not in str(error) else ""
    return f"LIVEWIRE_REDIS_URL: {str(error).rstrip('.')}{why}."


def _sentences(finding: Finding) -> str:
    return " ".join((finding.what, finding.risk, finding.remedy))
