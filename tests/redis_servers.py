"""Real Redis servers on loopback.

Each is configured as Livewire asks for it unless a test says otherwise.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from os import truncate
from pathlib import Path
from urllib.parse import quote, urlencode

from redis.asyncio import Redis

from tests.certificates import CA, CERTIFICATE, KEY, certify
from tests.redis_processes import HOST, RedisProcess, running, until

Options = Mapping[str, str | int]
"""Settings of redis.conf by their names, `_` for `-`: `appendfsync="everysec"`."""

SUPPORTED: dict[str, str | int] = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no_appendfsync_on_rewrite": "no",
    "save": "",
    "maxmemory_policy": "noeviction",
    "client_output_buffer_limit": "pubsub 64mb 16mb 30",
    "tcp_keepalive": 30,
    "repl_diskless_sync_delay": 0,
}
"""What Livewire asks for."""

EMPTY = '""'  # as redis.conf writes it


class RedisServer(RedisProcess):
    """A Redis with `options` on top of `SUPPORTED`.

    `users` are lines of its ACL without the word `user`. The default user stays as it
    is, since the methods here log in as nobody else.
    """

    def __init__(
        self,
        folder: Path,
        options: Options | None = None,
        *,
        tls: bool = False,
        users: Sequence[str] = (),
    ) -> None:
        super().__init__(folder)
        self.tls = tls
        self._users = tuple(users)
        self._options = SUPPORTED | dict(options or {})

    @property
    def url(self) -> str:
        """`redis://127.0.0.1:PORT/0`, or `rediss://` where it speaks TLS."""
        return f"{'rediss' if self.tls else 'redis'}://{HOST}:{self.port}/0"

    def url_of(self, user: str, password: str) -> str:
        """The same for one user of the ACL."""
        scheme, rest = self.url.split("//")
        return f"{scheme}//{quote(user, safe='')}:{quote(password, safe='')}@{rest}"

    @property
    def ca(self) -> Path:
        """The authority a client must trust, where the server speaks TLS."""
        return self.folder / CA

    def client(self, *, user: str = "", password: str = "") -> Redis:
        """A client for the test's own looking, without retries: `async with` it."""
        url = self.url_of(user, password) if user else self.url
        trusted = f"?{urlencode({'ssl_ca_certs': str(self.ca)})}" if self.tls else ""
        return self._client_of(url + trusted)

    async def start(self) -> None:
        """As any; the certificates are made the first time."""
        if self.tls and not self.port:
            self.folder.mkdir(parents=True, exist_ok=True)
            certify(self.folder)
        await super().start()

    def aof(self) -> Path:
        """The file that commands are appended to now (of Redis 7: an increment)."""
        folder = self.folder / "appendonlydir"
        lines = (folder / "appendonly.aof.manifest").read_text().splitlines()
        increments = [line.split() for line in lines if line.endswith(" type i")]
        return folder / increments[-1][1]

    def truncate_aof(self, size: int) -> None:
        """Leave the first `size` bytes of `aof()`. The server must not run."""
        if self.pid is not None:
            raise RuntimeError("a running server goes on appending where it was")
        truncate(self.aof(), size)

    async def flushall(self) -> None:
        """Remove every key."""
        async with self.client() as client:
            await client.flushall()

    async def config_set(self, **options: str | int) -> None:
        """Change settings until the next start, `_` for `-`."""
        async with self.client() as client:
            for name, value in options.items():
                await client.config_set(_dashed(name), value)

    async def replicate(self, other: "RedisServer") -> None:
        """Follow `other`, also after a restart; returns once it holds the same."""
        await self._replicaof(HOST, other.port)
        await until(self._has_followed)

    async def promote(self) -> None:
        """Follow nobody any more: a primary of its own."""
        await self._replicaof("NO", "ONE")

    async def role(self) -> str:
        """`master` or `slave`, in Redis's words."""
        return (await self._told())["role"]

    async def _replicaof(self, host: str, port: str | int) -> None:
        async with self.client() as client:
            await client.execute_command("REPLICAOF", host, port)
            await client.config_rewrite()

    async def _told(self) -> dict[str, str]:
        async with self.client() as client:
            told = await client.info("replication", "persistence")
        return {name: str(value) for name, value in told.items()}

    async def _has_followed(self) -> bool:
        # After a first sync the replica writes its AOF anew: `aof()` is another then.
        told = await self._told()
        writes = told["aof_rewrite_scheduled"], told["aof_rewrite_in_progress"]
        return told.get("master_link_status") == "up" and writes == ("0", "0")

    def _settings(self) -> list[str]:
        own: dict[str, str | int] = {"bind": HOST, "port": self.port}
        if self.tls:
            own |= {"port": 0, "tls_port": self.port, "tls_replication": "yes"}
            own |= {"tls_cert_file": f'"{self.folder / CERTIFICATE}"'}
            own |= {"tls_key_file": f'"{self.folder / KEY}"'}
            own |= {"tls_ca_cert_file": f'"{self.ca}"', "tls_auth_clients": "no"}
        own["dir"] = f'"{self.folder}"'
        settings = [
            f"{_dashed(name)} {value if value != '' else EMPTY}"
            for name, value in (own | self._options).items()
        ]
        return settings + [f"user {line}" for line in self._users]


@asynccontextmanager
async def redis_server(
    folder: Path,
    *,
    tls: bool = False,
    users: Sequence[str] = (),
    **options: str | int,
) -> AsyncIterator[RedisServer]:
    """A started `RedisServer`, killed at the end."""
    server = RedisServer(folder, options, tls=tls, users=users)
    async with running(server):
        yield server


def _dashed(name: str) -> str:
    return name.replace("_", "-")
