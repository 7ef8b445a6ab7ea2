"""One connection per worker on which Redis tells what was appended.

The laws: whatever breaks the line is a gap, and a gap is said; a line that is silent
is broken. Redis drops a subscriber without a word, and a library that subscribes again
by itself hides what was missed (redis-py#2089, PR #2281), so the connection is ours:
it is made, asked for its pulse and thrown away here alone, by one task.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence

from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import RedisError, ResponseError

from channels.redis.link import Link
from channels.redis.primary import Primary

_logger = logging.getLogger(__name__)

_PULSE = 2.0
"""Seconds between two pings."""

_SILENCE = 5.0
"""Seconds without a word after which the line is taken for dead."""

_LONGEST_PAUSE = 2.0
"""Seconds; below it attempts to connect are spread, so that a restart is no herd."""

Hear = Callable[[bytes], None]


class Listener:
    """The worker's ear."""

    def __init__(self, link: Link, primary: Primary) -> None:
        self._link = link
        self._primary = primary
        self._hears: dict[bytes, Hear] = {}
        self._gap = _nothing
        self._connection: AbstractConnection | None = None
        self._suspected = asyncio.Event()
        self.subscribed = asyncio.Event()

    async def run(self, hears: Mapping[str, Hear], gap: Callable[[], None]) -> None:
        """Listen until cancelled.

        `hears` says by channel who is told. `gap` is called after every subscription,
        since nobody knows what was said before it.
        """
        self._hears = {name.encode(): hear for name, hear in hears.items()}
        self._gap = gap
        failures = 0
        while True:
            try:
                await self._listen()
            except (RedisError, OSError, TimeoutError) as error:
                failures = 0 if self.subscribed.is_set() else failures + 1
                # What Redis refuses (ACL) does not pass by itself.
                refused = isinstance(error, ResponseError)
                level = logging.ERROR if refused else logging.INFO
                _logger.log(level, "The line from Redis broke: %s", error)
            except Exception:
                # A worker must not go deaf while it lives.
                failures += 1
                _logger.exception("The line from Redis broke")
            finally:
                self.subscribed.clear()
                await self._drop()
            longest = min(_LONGEST_PAUSE, 0.05 * 2 ** min(failures, 10))
            await asyncio.sleep(random.uniform(0, longest))  # noqa: S311 - no secret

    def suspect(self) -> None:
        """Something did not come that should have: the line is made anew."""
        self.subscribed.clear()
        self._suspected.set()

    async def _listen(self) -> None:
        self._suspected.clear()
        client = await self._link.client()
        self._connection = self._primary.subscriber(client)
        await self._connection.connect()
        await self._subscribe(self._connection)
        self.subscribed.set()
        self._gap()
        await self._hear(self._connection, client)

    async def _subscribe(self, connection: AbstractConnection) -> None:
        """Subscribe, and wait for the word of it: the command alone proves nothing."""
        command = "SSUBSCRIBE" if self._primary.sharded else "SUBSCRIBE"
        await connection.send_command(command, *self._hears)
        for _ in self._hears:
            answer = await connection.read_response(disable_decoding=True)
            if answer[0] not in (b"subscribe", b"ssubscribe"):
                raise Disconnected(f"no subscription but {answer[0]!r}")

    async def _hear(self, connection: AbstractConnection, client: Redis) -> None:
        loop = asyncio.get_running_loop()
        heard = pinged = loop.time()
        while not self._suspected.is_set():
            answer = await connection.read_response(
                disable_decoding=True, timeout=_PULSE / 4
            )
            now = loop.time()
            if answer is not None:
                heard = now
                self._take(answer)
            elif now - heard > _SILENCE:
                # The library's own ping would wait for no answer (redis-py#2417).
                raise Disconnected(f"silent for {_SILENCE:.0f} s")
            if self._link.present not in (client, None):
                # A primary that was demoted goes on talking to its subscribers.
                raise Disconnected("the log is carried by another server now")
            if now - pinged > _PULSE:
                pinged = now
                await connection.send_command("PING")

    def _take(self, answer: Sequence[bytes]) -> None:
        kind = answer[0]
        if kind in (b"message", b"smessage"):
            self._link.prove()
            self._tell(answer[1], answer[2])
        elif kind == b"pong":
            self._link.prove()
        else:
            # `subscribe`, `sunsubscribe`: something happened to the subscription.
            raise Disconnected(f"an unexpected {kind!r}")

    def _tell(self, channel: bytes, message: bytes) -> None:
        try:
            self._hears[channel](message)
        except Exception:
            # A word in another tongue, as of a newer worker: what it told is read from
            # the log, and the line stays.
            _logger.exception("A word on %r was not understood", channel)
            self._gap()

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)


def _nothing() -> None:
    """Nobody listens yet."""
