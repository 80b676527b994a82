"""One client's connection: how long and how large the head of a request may be.

The server itself would wait for ever and keep whatever comes, and its connections are counted: a
stranger who begins a thousand requests and ends none would shut everybody else out. The body's own
limits are the edge's.
"""

import asyncio
import http
import secrets
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.http.problems import MEDIA_TYPE, written

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
            self._refuse(431, "request.too_large", "The head of the request is over 64 kB.")
        elif self._waiting is None:
            self._wait()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, as everything else is refused."""
        self._refuse(400, "request.not_http", msg)

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        self._in_head, self._head = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that the head is whole."""
        self._in_head = False
        super().on_headers_complete()

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(
            self.patience,
            self._refuse,
            408,
            "request.too_slow",
            "The request did not come in time.",
        )

    def _heard(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _refuse(self, status: int, code: str, detail: str) -> None:
        self._heard()
        if self.transport.is_closing():
            return
        body = written(status, code, detail, reference=secrets.token_hex(8))
        head = (
            f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\n"
            f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
