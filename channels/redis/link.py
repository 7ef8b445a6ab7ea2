"""The link to Redis: what is asked of it, in bounded time, and whether it answers.

The laws: nothing is tried twice here, since a timeout says "unknown" and never
"failed"; once the server was lost, whoever asks is refused at once until it has proven
itself again, so that no editor waits behind another's timeout.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from redis.asyncio import Redis
from redis.exceptions import (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    MovedError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import TimeoutError as TooLate

from channels.errors import LogUnavailable, StorageFull
from channels.redis.primary import Primary
from channels.redis.scripts import APPEND, Script, Words

_logger = logging.getLogger(__name__)

_AT_ONCE = 30
"""Commands under way; fewer than the pool's connections, which must never run out: a
pool at its limit raises at once (redis-py#4082) what looks like a server gone."""

_ELSEWHERE = (
    AskError,
    BusyLoadingError,
    ClusterDownError,
    Disconnected,
    MasterDownError,
    MovedError,
    OSError,
    ReadOnlyError,
    TooLate,
    TryAgainError,
)
"""What says that the primary is away, or is another server now."""

T = TypeVar("T")


class Link:
    """The server that carries the log, for as long as it answers."""

    def __init__(
        self, primary: Primary, *, timeout: float, replicas: int, milliseconds: int
    ) -> None:
        self._primary = primary
        self._timeout = timeout
        self._replicas = replicas
        self._milliseconds = milliseconds
        self._client: Redis | None = None
        self._finding = asyncio.Lock()
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._closing: set[asyncio.Task[None]] = set()
        self._proven = 0.0
        self._closed = False
        self.away = False
        # Set where something seems wrong; the watch clears it and looks.
        self.doubt = asyncio.Event()

    @property
    def sharded(self) -> bool:
        """Whether words go by sharded pub/sub."""
        return self._primary.sharded

    @property
    def present(self) -> Redis | None:
        """The client of the server that answers, if one is known."""
        return self._client

    def proven(self) -> float:
        """The loop's time at which the server last answered."""
        return self._proven

    def prove(self) -> None:
        """The server has just answered."""
        self._proven = asyncio.get_running_loop().time()
        self.away = False

    async def client(self) -> Redis:
        """The client of the present primary. Raises redis-py's errors."""
        async with self._finding:
            if self._closed:
                raise Disconnected("The link was closed.")
            if self._client is None:
                self._client = await self._primary.find()
            return self._client

    async def run(self, script: Script, keys: Sequence[str], words: Words = ()) -> Any:
        """A step's answer. Raises `LogUnavailable`, `StorageFull`."""
        return await self._ask(lambda client: script(client, keys, words))

    async def append(self, keys: Sequence[str], words: Words) -> tuple[Any, int]:
        """An append's answer, and how many replicas had it when it was given."""
        if not self._replicas:
            return await self.run(APPEND, keys, words), 0
        return await self._ask(
            lambda client: APPEND.awaiting(
                client,
                keys,
                words,
                replicas=self._replicas,
                milliseconds=self._milliseconds,
            )
        )

    async def command(self, *words: str | bytes | int) -> Any:
        """A plain command's answer. Raises `LogUnavailable`, `StorageFull`."""
        return await self._ask(lambda client: client.execute_command(*words))

    async def probe(self, script: Script, keys: Sequence[str]) -> Any:
        """A step's answer, asked even of a server that is thought to be away."""
        return await self._answer(lambda client: script(client, keys))

    def lose(self, client: Redis | None, why: BaseException) -> None:
        """Let go of a server that does not answer; the next to ask looks again."""
        if client is not self._client:
            return  # found anew meanwhile
        if not self.away:
            _logger.warning("Redis does not answer: %s", why)
        self.away = True
        self.doubt.set()
        self._client = None
        if client is not None:
            self._let_go(client)

    async def close(self) -> None:
        """Give every connection back."""
        async with self._finding:
            self._closed = True
            client, self._client = self._client, None
        if client is not None:
            self._let_go(client)
        while self._closing:
            await asyncio.wait(self._closing)
        await self._primary.close()

    def _let_go(self, client: Redis) -> None:
        task = asyncio.create_task(_close(client, self._timeout))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _ask(self, work: Callable[[Redis], Awaitable[T]]) -> T:
        if self.away:
            raise LogUnavailable("Redis does not answer.")
        async with self._turns:
            if self.away:  # lost while this one waited for its turn
                raise LogUnavailable("Redis does not answer.")
            return await self._answer(work)

    async def _answer(self, work: Callable[[Redis], Awaitable[T]]) -> T:
        client: Redis | None = None
        try:
            async with asyncio.timeout(2 * self._timeout):
                client = await self.client()
                answer = await work(client)
        except OutOfMemoryError as error:
            # Refused before it began: see the first line of append.lua.
            raise StorageFull("Redis has no memory left for it.") from error
        except (*_ELSEWHERE, TimeoutError) as error:
            self.lose(client, error)
            raise LogUnavailable("Redis does not answer.") from error
        except (AttributeError, RuntimeError) as error:
            if client is self._client:
                raise
            # Its connections were closed under it, as redis-py does not expect.
            raise LogUnavailable("Redis does not answer.") from error
        except RedisError as error:
            # It answers, but refuses: NOREPLICAS, MISCONF, a missing permission.
            _logger.error("Redis refuses: %s", error)
            raise LogUnavailable(f"Redis refuses: {error}") from error
        finally:
            if client not in (None, self._client):
                # It was let go of while this one may still have been connecting.
                self._let_go(client)
        self.prove()
        return answer


async def _close(client: Redis, seconds: float) -> None:
    # Closing can hang where somebody reads from the connection (redis-py#3941).
    try:
        async with asyncio.timeout(seconds):
            await client.aclose(close_connection_pool=True)
    except (RedisError, OSError, TimeoutError) as error:
        _logger.debug("A connection to Redis closed badly: %s", error)
