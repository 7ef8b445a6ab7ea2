"""Where the service listens: a port of its own, or one for several sockets."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from socket import socket

import pytest

from livewire.listening import address_of, listen, port_of, share
from livewire.settings import BadSettings

HERE = "127.0.0.1"


@contextmanager
def shared(port: int, count: int) -> Iterator[list[socket]]:
    sockets = share(HERE, port, count)
    try:
        yield sockets
    finally:
        for each in sockets:
            each.close()


def test_a_free_port_is_taken_once_for_all_sockets() -> None:
    with shared(0, 3) as sockets:
        assert len({port_of(each) for each in sockets}) == 1
        assert len({each.fileno() for each in sockets}) == 3


def test_a_port_can_be_named(unused_tcp_port: int) -> None:
    with shared(unused_tcp_port, 2) as sockets:
        assert {port_of(each) for each in sockets} == {unused_tcp_port}
        assert address_of(sockets[0]) == f"http://{HERE}:{unused_tcp_port}"


def test_the_address_is_one_to_click_on() -> None:
    with closing(listen("::1", 0)) as listening:
        assert address_of(listening) == f"http://[::1]:{port_of(listening)}"


def test_the_port_of_another_service_is_not_shared_with_it() -> None:
    with shared(0, 2) as sockets:
        port = port_of(sockets[0])
        told = f"Cannot listen on {HERE}:{port}: Address already in use"
        with pytest.raises(BadSettings, match=told):
            share(HERE, port, 2)
        with pytest.raises(BadSettings, match=told):
            listen(HERE, port)


def test_a_port_that_one_process_serves_is_not_shared() -> None:
    with closing(listen(HERE, 0)) as listening, pytest.raises(BadSettings):
        share(HERE, port_of(listening), 2)
