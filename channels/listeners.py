"""Who listens to what: functions by name, each told in the order of listening."""

import logging
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

_logger = logging.getLogger(__name__)

Heard = TypeVar("Heard")


class Listeners(Generic[Heard]):
    """The listeners of one log, or of one worker's signals."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Callable[[Heard], None]]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._listeners

    def __iter__(self) -> Iterator[str]:
        """The names somebody listens to."""
        return iter(self._listeners)

    def add(self, name: str, hear: Callable[[Heard], None]) -> Callable[[], None]:
        """Tell `hear` of `name` from now on, until what is returned is called."""
        self._listeners.setdefault(name, []).append(hear)

        def stop() -> None:
            listeners = self._listeners.get(name, [])
            if hear in listeners:
                listeners.remove(hear)
            if not listeners:
                self._listeners.pop(name, None)

        return stop

    def tell(self, name: str, heard: Heard) -> None:
        """Tell everybody who listens to `name`."""
        for hear in tuple(self._listeners.get(name, ())):
            try:
                hear(heard)
            except Exception:
                # One listener's fault must not keep it from the others, nor the
                # answer from the editor.
                _logger.exception("A listener of %s failed", name)
