"""Closes sockets, but for loopback, in every Python process that the tests start."""

import socket
from typing import Any

_LOOPBACK = ("127.", "::1", "localhost")
_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex


def _check(address: Any) -> None:
    if isinstance(address, tuple) and not str(address[0]).startswith(_LOOPBACK):
        raise PermissionError(f"a test's process may speak to loopback only, not to {address[0]}")


def _guarded(self: socket.socket, address: Any) -> None:
    _check(address)
    return _connect(self, address)


def _guarded_ex(self: socket.socket, address: Any) -> int:
    _check(address)
    return _connect_ex(self, address)


socket.socket.connect = _guarded  # type: ignore[method-assign]  # the point of this file
socket.socket.connect_ex = _guarded_ex  # type: ignore[method-assign]  # as above
