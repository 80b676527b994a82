"""Loopback ports for gateways of the demo, the tests and the benches."""

import socket


def free_ports(count: int) -> list[int]:
    """Give loopback ports that were free a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [int(s.getsockname()[1]) for s in sockets]
    finally:
        for s in sockets:
            s.close()
