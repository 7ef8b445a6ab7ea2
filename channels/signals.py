"""The third contract: what is only true now. Send, listen, lease; no code.

Nothing here is kept: a signal reaches the workers that listen at that moment, or some
of them, or none; a lease ends by itself. Whoever keeps this contract passes
`tests/contracts/signals_contract.py` unchanged.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from channels.log import Stop

Value = Mapping[str, object]
Hear = Callable[[Value], None]


class Signals(Protocol):
    """Words between the workers of one service, and what they claim for a while."""

    async def send(self, topic: str, value: Value) -> None:
        """Tell every worker that listens to `topic`, this one too.

        Raises `LogUnavailable` where nobody can be told.
        """

    def listen(self, topic: str, hear: Hear) -> Stop:
        """Call `hear` on the event loop for what is sent to `topic` from now on."""

    async def lease(
        self, name: str, owner: str, *, seconds: float, value: Value
    ) -> bool:
        """Claim `name` (`<kind>/<id>`) or prolong the claim; False if it is another's.

        The claim ends by itself after `seconds`. Raises `LogUnavailable`.
        """

    async def release(self, name: str, owner: str) -> None:
        """Let go of a claim, if it is this owner's. Raises `LogUnavailable`."""

    async def leases(self, prefix: str) -> dict[str, Value]:
        """The values of the claims that stand now, by name, in order of the names.

        Raises `LogUnavailable`.
        """
