"""The signals contract within one process, where the only worker tells itself.

The laws: nobody hears before `send` has returned to the event loop, so a hearer never
finds itself in the middle of the sender's work; a value is heard as it would be off a
line, so nothing of the sender's is shared.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from channels.log import Stop
from channels.signals import Hear, Value

_logger = logging.getLogger(__name__)

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, eq=False)
class _Ear:
    """One listening; the same function may listen twice."""

    hear: Hear


@dataclass(frozen=True, slots=True)
class _Claim:
    owner: str
    ends: float  # by the clock
    value: bytes


class LocalSignals:
    """Words and claims of one process. `clock` tells seconds; leases end by it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ears: dict[str, dict[_Ear, None]] = {}  # in order of listening
        self._claims: dict[str, _Claim] = {}

    async def send(self, topic: str, value: Value) -> None:
        """Tell every listener of the topic, in the loop's next round."""
        text, loop = orjson.dumps(value), asyncio.get_running_loop()
        for ear in self._ears.get(topic, ()):
            loop.call_soon(self._tell, topic, ear, text)

    def listen(self, topic: str, hear: Hear) -> Stop:
        """Call `hear` for what is sent to `topic` from now on."""
        ear = _Ear(hear)
        self._ears.setdefault(topic, {})[ear] = None

        def stop() -> None:
            ears = self._ears.get(topic, {})
            ears.pop(ear, None)
            if not ears:
                self._ears.pop(topic, None)

        return stop

    async def lease(
        self, name: str, owner: str, *, seconds: float, value: Value
    ) -> bool:
        """Claim `name` or prolong the claim; False if it is another's."""
        self._forget()
        claim = self._claims.get(name)
        if claim is not None and claim.owner != owner:
            return False
        ends = self._clock() + seconds
        self._claims[name] = _Claim(owner, ends, orjson.dumps(value))
        return True

    async def release(self, name: str, owner: str) -> None:
        """Let go of a claim, if it is this owner's."""
        claim = self._claims.get(name)
        if claim is not None and claim.owner == owner:
            del self._claims[name]

    async def leases(self, prefix: str) -> dict[str, Value]:
        """The values of the claims that stand now, by name."""
        self._forget()
        return {
            name: orjson.loads(claim.value)
            for name, claim in sorted(self._claims.items())
            if name.startswith(prefix)
        }

    def _tell(self, topic: str, ear: _Ear, text: bytes) -> None:
        if ear not in self._ears.get(topic, {}):
            return  # stopped since it was sent
        try:
            ear.hear(orjson.loads(text))
        except Exception:
            _logger.exception("A listener of %s failed", topic)

    def _forget(self) -> None:
        now = self._clock()
        ended = [name for name, claim in self._claims.items() if claim.ends <= now]
        for name in ended:
            del self._claims[name]
