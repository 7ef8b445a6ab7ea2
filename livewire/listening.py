"""Where the service listens: one TCP socket, or several that share a port."""

import socket

from livewire.settings import BadSettings

_BACKLOG = 2048
"""Connections that may wait to be accepted: a push alert brings many at once."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises `BadSettings` where the address cannot be had.
    """
    listening = _bound(host, port, shared=False)
    listening.listen(_BACKLOG)
    return listening


def share(host: str, port: int, count: int) -> list[socket.socket]:
    """`count` listening sockets on one port (SO_REUSEPORT); port 0 takes a free one.

    The kernel spreads connections over them, and each keeps a queue of its own.
    Raises `BadSettings` where the address cannot be had.
    """
    # A shared port lets anybody of the same user in: a service that runs already
    # would lose half of its readers to this one, where one sentence is due.
    _bound(host, port, shared=False).close()
    sockets: list[socket.socket] = []
    for _ in range(count):
        sockets.append(_bound(host, port, shared=True))
        port = port_of(sockets[0])
    # Only when all are bound: connections must not be spread over a part of them.
    for each in sockets:
        each.listen(_BACKLOG)
    return sockets


def port_of(listening: socket.socket) -> int:
    """The port that a socket is bound to."""
    port: int = listening.getsockname()[1]
    return port


def address_of(listening: socket.socket) -> str:
    """The address of a listening socket, as people type it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _bound(host: str, port: int, *, shared: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, or asyncio would leave Nagle's algorithm on.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise BadSettings(f"Cannot listen on {host}:{port}: {error.strerror}.") from (
            error
        )
    return bound
