"""The edge of the HTTP server, as pure ASGI: reference, size caps, safe headers, the last catch.

A plain ASGI callable costs a few microseconds a request; a middleware made with the framework's
decorator costs two thirds of the throughput.
"""

import asyncio
import secrets
import time
from collections.abc import Callable

import structlog
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.problems import UNEXPECTED, send_problem, written
from gateway.telemetry import what_failed

_log = structlog.get_logger("sallyport.http")

_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)


class _TooLarge(HTTPException):
    """Raised while the body is read. The framework lets its own kind pass, and only that."""

    def __init__(self) -> None:
        super().__init__(413)


class _TooSlow(HTTPException):
    """Raised while the body is read. The rest may still come, so nothing follows it."""

    def __init__(self) -> None:
        super().__init__(408, headers={"Connection": "close"})


class Edge:
    """Wrap the app. `observe(route, status, seconds)` is called once a request.

    A body has `patience` seconds to come whole: it is waited for before anybody is known, and the
    server's connections are counted.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body: int,
        observe: Callable[[str, int, float], None],
        patience: float = 10.0,
    ) -> None:
        self._app = app
        self._max_body = max_body
        self._patience = patience
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; whatever is raised inside becomes a problem without internals."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        one = _Exchange(secrets.token_hex(8), receive, send, self._max_body, self._patience)
        scope["sallyport.reference"] = one.reference
        started = time.perf_counter()
        try:
            announced = _content_length(scope)
            if announced is None or announced > self._max_body:
                await one.fail(413, "request.too_large", _LARGE)
            else:
                await self._app(scope, one.receive, one.send)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the last catch: say nothing, log the kind
            # The text of the error may hold what came in: its type and place are enough.
            _log.error("unexpected", reference=one.reference, **what_failed(error))
            await one.fail(500, "gateway.error", UNEXPECTED)
        finally:
            route = str(getattr(scope.get("route"), "path", "unknown"))
            self._observe(route, one.status, time.perf_counter() - started)


class _Exchange:
    """One request on its way: counts what comes in, adds headers to what goes out."""

    def __init__(
        self, reference: str, receive: Receive, send: Send, max_body: int, patience: float
    ) -> None:
        self.reference = reference
        self.status = 0
        self._receive = receive
        self._send = send
        self._left = max_body
        self._until = asyncio.get_running_loop().time() + patience
        self._whole = False

    async def receive(self) -> Message:
        """Pass on a part of the body, up to the cap and the time."""
        if self._whole:  # what comes now is that the client hangs up
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise _TooSlow from None
        self._whole = not message.get("more_body", False)
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _TooLarge
        return message

    async def send(self, message: Message) -> None:
        """Pass on a part of the response, with our headers."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [
                *message.get("headers", ()),
                *_HEADERS,
                (b"x-reference", self.reference.encode()),
            ]
        await self._send(message)

    async def fail(self, status: int, code: str, detail: str) -> None:
        """Send a problem, if nothing was sent yet."""
        if self.status:
            return
        body = written(status, code, detail, reference=self.reference)
        await send_problem(self.send, body, status)


_LARGE = "The body is over the limit of this gateway. Send less; a search is a few kilobytes."


def _content_length(scope: Scope) -> int | None:
    """Give the announced length; 0 where none is, None where it is not one plain number."""
    found = [v for k, v in scope["headers"] if k == b"content-length"]
    if not found:
        return 0
    return int(found[0]) if len(found) == 1 and found[0].isdigit() else None
