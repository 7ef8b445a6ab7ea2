"""Where the log is: what `LIVEWIRE_REDIS_URL` says.

One server     redis://[user:password@]host:port/db
Sentinels      redis+sentinel://[user:password@]host:port,host:port/service[/db]
a Cluster      redis+cluster://[user:password@]host:port,host:port

`rediss` in place of `redis` is TLS; `unix:///path` is a socket of this machine. What
redis-py takes as options of a connection may follow as a query: `?ssl_ca_certs=ca.pem`.
User and password of the sentinels themselves: `sentinel_username`, `sentinel_password`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from redis.asyncio.connection import Connection, parse_url

Kind = Literal["server", "sentinel", "cluster"]
Options = Mapping[str, object]


class BadAddress(ValueError):
    """The URL names no Redis; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Address:
    """One way to the server that carries the log.

    `nodes` are the options of a connection to each named server: the log's own, the
    sentinels or some nodes of the Cluster. `options` are those of a connection to the
    log's own server, without host and port where it is yet to be found.
    """

    kind: Kind
    nodes: tuple[Options, ...]
    options: Options
    service: str = ""


def address(url: str) -> Address:
    """What the URL says. Raises `BadAddress`."""
    scheme, _, kind = url.partition("://")[0].lower().partition("+")
    if (
        "://" not in url
        or scheme not in ("redis", "rediss", "unix")
        or kind
        not in (
            "",
            "sentinel",
            "cluster",
        )
    ):
        raise BadAddress(
            "LIVEWIRE_REDIS_URL begins with redis://, rediss:// or unix://, or with"
            " redis+sentinel:// or redis+cluster://."
        )
    try:
        if kind == "sentinel":
            return _sentinels(scheme, url)
        if kind == "cluster":
            return _cluster(scheme, url)
        options = _options(url)
    except (ValueError, TypeError) as error:
        if isinstance(error, BadAddress):
            raise
        raise BadAddress(f"LIVEWIRE_REDIS_URL cannot be read: {error}") from error
    return Address("server", (options,), options)


def _sentinels(scheme: str, url: str) -> Address:
    parts = urlsplit(url)
    service, _, db = parts.path.strip("/").partition("/")
    if not service:
        raise BadAddress(
            "LIVEWIRE_REDIS_URL names sentinels, but no service:"
            " redis+sentinel://host:26379/SERVICE."
        )
    query = dict(parse_qsl(parts.query))
    own = {
        name: query.pop(f"sentinel_{name}")
        for name in ("username", "password")
        if f"sentinel_{name}" in query
    }
    userinfo, hosts = _split(parts.netloc)
    options = _node(scheme, f"{userinfo}localhost", db or "0", query)
    nodes = tuple([{**_named(scheme, host, query), **own} for host in hosts])
    return Address("sentinel", nodes, _nowhere(options), service)


def _cluster(scheme: str, url: str) -> Address:
    parts = urlsplit(url)
    if parts.path.strip("/") not in ("", "0"):
        raise BadAddress("LIVEWIRE_REDIS_URL: a Cluster has no database but 0.")
    query = dict(parse_qsl(parts.query))
    userinfo, hosts = _split(parts.netloc)
    nodes = [_named(scheme, userinfo + host, query) for host in hosts]
    return Address("cluster", tuple(nodes), _nowhere(nodes[0]))


def _split(netloc: str) -> tuple[str, list[str]]:
    userinfo, at, hosts = netloc.rpartition("@")
    named = [host for host in hosts.split(",") if host]
    if not named:
        raise BadAddress("LIVEWIRE_REDIS_URL names no host.")
    return userinfo + at, named


def _named(scheme: str, netloc: str, query: Mapping[str, str]) -> Options:
    node = _node(scheme, netloc, "0", query)
    if "host" not in node:
        raise BadAddress("LIVEWIRE_REDIS_URL names no host.")
    return node


def _node(scheme: str, netloc: str, db: str, query: Mapping[str, str]) -> Options:
    tail = f"?{urlencode(query)}" if query else ""
    return _options(f"{scheme}://{netloc}/{db}{tail}")


def _options(url: str) -> Options:
    """What redis-py makes of a URL, once it is sure that it takes all of it."""
    parts = urlsplit(url)
    db = parts.path.strip("/")
    if parts.scheme != "unix" and db and not db.isdecimal():
        raise BadAddress("LIVEWIRE_REDIS_URL: a database is a number.")
    options: dict[str, Any] = dict(parse_url(url))
    options.pop("max_connections", None)  # as many as the link needs
    known = dict(options)
    kind = known.pop("connection_class", Connection)
    kind(**known)  # not connected; an option it does not know is a TypeError
    return options


def _nowhere(options: Options) -> Options:
    return {k: v for k, v in options.items() if k not in ("host", "port")}
