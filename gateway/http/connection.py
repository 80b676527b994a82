"""One client's connection: how many there may be, how long and how large a request's head.

The server itself would wait for ever and keep whatever comes, and its connections are counted: a
stranger who begins a thousand requests and ends none would shut everybody else out. The body's own
limits are the edge's.

Who comes when all places are taken is told so with a problem, once the request is there to answer.
Those who were there before go on: uvicorn's own limit refuses them all alike.

No request is served on these connections, so the edge does not see them: they are counted here.
"""

import asyncio
import http
import secrets
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar, Final

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.http.problems import MEDIA_TYPE, send_problem, written
from gateway.telemetry import Metrics

MAX_HEAD = 64 * 1024
SPARE: Final = 32
"""So many beyond a limit are let in, to be told why not. Who comes after them is hung up on."""


@dataclass(frozen=True, slots=True)
class Full:
    """Why there is no place for a connection: an ASGI app that answers with just that."""

    status: int
    code: str
    detail: str

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say so. The request's body is not read, and nobody has been asked who they are."""
        del scope, receive
        body = written(self.status, self.code, self.detail, reference=secrets.token_hex(8))
        await send_problem(send, body, self.status, (b"retry-after", b"1"))


FULL = Full(
    503,
    "gateway.busy",
    "This gateway has as many connections as it takes. Nothing was done. Try again shortly.",
)
FULL_FOR_ADDRESS = Full(
    429,
    "request.too_many_connections",
    "There are as many connections from your address as one may have here. Nothing was done. Send "
    "your requests one after the other on fewer connections.",
)


class Connection(HttpToolsProtocol):
    """The server's connection, which hangs up on a head that does not end."""

    patience: ClassVar[float] = 10.0
    """Seconds from the first byte, or from connecting, to the end of the head."""
    most: ClassVar[int] = 1_000
    """Connections at once, of all clients."""
    most_per_address: ClassVar[int | None] = None
    """Connections at once from one address. None: as many as there are places."""

    metrics: ClassVar[Metrics] = Metrics()
    """Where those who are turned away are counted. Who serves puts its own here."""

    _from: ClassVar[Counter[str]] = Counter()
    _head = 0
    _in_head = True
    _full: Full | None = None
    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for the first request; hang up if there is not even a place to say no."""
        super().connection_made(transport)
        if self.client:
            self._from[self.client[0]] += 1
        self._full = self._no_place()
        if full := self._no_place(SPARE):
            self._count(full.code, "hung_up")
            transport.abort()
            return
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer, and leave the place to others."""
        self._heard()
        super().connection_lost(exc)
        if self.client:
            self._from[self.client[0]] -= 1
            if not self._from[self.client[0]]:
                del self._from[self.client[0]]

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
        """Note that the head is whole. Who found no place is told so, if there still is none."""
        self._in_head = False
        self._full = self._full and self._no_place()
        if self._full:
            self._count(self._full.code, "told")
        self.app = self._full or self.config.loaded_app
        super().on_headers_complete()

    def _no_place(self, spare: int = 0) -> Full | None:
        """Tell why one of the connections is too many, this one counted. None: it is not."""
        here = self._from[self.client[0]] if self.client else 0
        if self.most_per_address is not None and here > self.most_per_address + spare:
            return FULL_FOR_ADDRESS
        # A request goes on though its client hangs up: this one would be one more of them, too.
        busy = max(len(self.connections), len(self.tasks) + 1)
        return FULL if busy > self.most + spare else None

    def _count(self, code: str, how: str) -> None:
        self.metrics.turned_away.labels(code, how).inc()

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
        self._count(code, "told")
        body = written(status, code, detail, reference=secrets.token_hex(8))
        head = (
            f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}\r\n"
            f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
