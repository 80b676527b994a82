"""One client's connection: how long and how large the head of a request may be.

The server itself would wait for ever and keep whatever comes, and its connections are counted: a
stranger who begins a thousand requests and ends none would shut everybody else out. The body's own
limits are the edge's.
"""

import asyncio
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD = 64 * 1024


class Connection(HttpToolsProtocol):
    """The server's connection, which hangs up on a head that does not end."""

    patience: ClassVar[float] = 10.0
    """Seconds from the first byte, or from connecting, to the end of the head."""

    _head = 0
    _in_head = True
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._heard()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came; a head that is not whole by now is counted and timed."""
        super().data_received(data)
        if not self._in_head:
            self._heard()
            return
        self._head += len(data)
        if self._head > MAX_HEAD:
            self._refuse(b"431 Request Header Fields Too Large")
        elif self._waiting is None:
            self._wait()

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        self._in_head, self._head = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that the head is whole."""
        self._in_head = False
        super().on_headers_complete()

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(self.patience, self._refuse, b"408 Request Timeout")

    def _heard(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _refuse(self, status: bytes) -> None:
        self._heard()
        if not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
            )
            self.transport.close()
