import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio.connection import SSLConnection, UnixDomainSocketConnection

from channels.redis.address import BadAddress, address

HOSTS = st.from_regex(r"[a-z][a-z0-9.-]{0,20}[a-z0-9]", fullmatch=True)
PORTS = st.integers(1, 65535)


@given(HOSTS, PORTS, st.integers(0, 15))
def test_one_server(host: str, port: int, db: int) -> None:
    found = address(f"redis://{host}:{port}/{db}")
    assert (found.kind, found.service) == ("server", "")
    assert found.options == {"host": host, "port": port, "db": db}
    assert found.nodes == (found.options,)


def test_a_user_and_a_password_are_taken_as_they_are_meant() -> None:
    options = address("rediss://l%40ve:p%2Fss%3Aw@host/2").options
    assert (options["username"], options["password"]) == ("l@ve", "p/ss:w")
    assert options["connection_class"] is SSLConnection


def test_options_of_a_connection_follow_as_a_query() -> None:
    options = address("rediss://host/0?ssl_ca_certs=%2Fca.pem&client_name=desk").options
    assert (options["ssl_ca_certs"], options["client_name"]) == ("/ca.pem", "desk")


def test_a_socket_of_this_machine() -> None:
    options = address("unix:///run/redis.sock?db=3").options
    assert options["connection_class"] is UnixDomainSocketConnection
    assert (options["path"], options["db"]) == ("/run/redis.sock", 3)


@given(st.lists(st.tuples(HOSTS, PORTS), min_size=1, max_size=5), st.integers(0, 15))
def test_sentinels(hosts: list[tuple[str, int]], db: int) -> None:
    named = ",".join(f"{host}:{port}" for host, port in hosts)
    found = address(f"redis+sentinel://u:p@{named}/desk/{db}")
    assert (found.kind, found.service) == ("sentinel", "desk")
    assert [(node["host"], node["port"]) for node in found.nodes] == hosts
    assert not any("password" in node for node in found.nodes)
    assert found.options == {"username": "u", "password": "p", "db": db}


def test_sentinels_have_users_of_their_own() -> None:
    found = address(
        "rediss+sentinel://u:p@one,two:7/desk?sentinel_username=s&sentinel_password=t"
        "&ssl_ca_certs=ca.pem"
    )
    for node in found.nodes:
        assert (node["username"], node["password"]) == ("s", "t")
        assert node["connection_class"] is SSLConnection
        assert node["ssl_ca_certs"] == "ca.pem"
    assert found.options["password"] == "p"
    assert "sentinel_password" not in found.options


@given(st.lists(st.tuples(HOSTS, PORTS), min_size=1, max_size=5))
def test_a_cluster(hosts: list[tuple[str, int]]) -> None:
    named = ",".join(f"{host}:{port}" for host, port in hosts)
    found = address(f"redis+cluster://u:p@{named}")
    assert found.kind == "cluster"
    assert [(node["host"], node["port"]) for node in found.nodes] == hosts
    assert all(node["password"] == "p" for node in found.nodes)
    assert found.options == {"username": "u", "password": "p", "db": 0}


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://host", "begins with redis://"),
        ("host:6379", "begins with redis://"),
        ("redis+other://host", "begins with redis://"),
        ("", "begins with redis://"),
        ("redis+sentinel://host", "no service"),
        ("redis+sentinel:///desk", "names no host"),
        ("redis+sentinel://:26379/desk", "names no host"),
        ("redis+cluster://", "names no host"),
        ("redis+cluster://,", "names no host"),
        ("redis+cluster://host/1", "no database but 0"),
        ("redis+sentinel://host/desk/x", "a database is a number"),
        ("redis://host/x", "a database is a number"),
        ("redis://host:port", "cannot be read"),
        ("redis+cluster://host:port", "cannot be read"),
        ("redis://host?socket_timeout=soon", "cannot be read"),
        ("redis://[::1", "cannot be read"),
        ("redis://host?no_such_option=1", "no_such_option"),
        ("redis+cluster://host?no_such_option=1", "no_such_option"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(url: str, sentence: str) -> None:
    with pytest.raises(BadAddress, match=re.escape(sentence)) as caught:
        address(url)
    assert str(caught.value).startswith("LIVEWIRE_REDIS_URL")


def test_no_password_is_told() -> None:
    with pytest.raises(BadAddress) as caught:
        address("redis://u:s3cret@host:port")
    assert "s3cret" not in str(caught.value)
