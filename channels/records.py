"""The second contract: what is merely kept. One value per name, no order; no code.

Whoever keeps this contract passes `tests/contracts/records_contract.py` unchanged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

Value = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Record:
    """A kept value and the version that a change of it must name."""

    name: str  # `<kind>/<id>`, at most 200 characters
    version: int  # 1, 2, 3 ...
    value: Value


class Records(Protocol):
    """Values by name, changed only by those who have seen them."""

    async def get(self, name: str) -> Record | None:
        """The record, or None."""

    async def put(self, name: str, value: Value, *, seen: int) -> Record | None:
        """Keep `value` if the record is unchanged since version `seen` (0: absent).

        None where somebody else was first. Durable once returned.
        """

    async def scan(self, prefix: str) -> tuple[Record, ...]:
        """All records whose name begins with `prefix`, by name."""

    async def delete(self, name: str) -> None:
        """Forget the record, if there is one."""
