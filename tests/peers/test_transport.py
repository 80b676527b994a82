"""The transport against real sockets that behave badly."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from gateway.errors import PeerBadAnswer, PeerError, PeerTimeout, PeerUnreachable
from gateway.peers import AiohttpTransport
from gateway.peers.client import ERRORS, _mapped

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await handler(reader, writer)
            await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(closing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.close()


async def head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def answering(raw: bytes) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(raw)

    return handler


async def post(url: str, *, seconds: float = 1.0, max_bytes: int = 10_000) -> httpx.Response:
    async with httpx.AsyncClient(transport=AiohttpTransport(max_bytes=max_bytes)) as client:
        return await client.post(url, content=b"{}", timeout=seconds)


def response(body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"content-length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


async def test_sends_the_url_byte_for_byte_and_gives_the_answer() -> None:
    seen: list[bytes] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await head(reader))
        writer.write(response(b'{"a":1}', b"content-type: application/json"))

    async with served(handler) as url:
        got = await post(url + "/p%2Fq/%7Ex?y=a%20b+c")
    assert got.status_code == 200
    assert got.json() == {"a": 1}
    assert seen[0].startswith(b"POST /p%2Fq/%7Ex?y=a%20b+c HTTP/1.1\r\n")
    assert b"accept-encoding: identity" in seen[0].lower()
    assert seen[0].lower().count(b"content-length") == 1


async def test_refused_connection() -> None:
    async with served(answering(b"")) as url:
        pass
    with pytest.raises(httpx.ConnectError):
        await post(url)


async def test_name_that_does_not_resolve() -> None:
    with pytest.raises(httpx.ConnectError):
        await post("http://gateway.invalid/")


async def test_hang_up() -> None:
    async with served(answering(b"")) as url:
        with pytest.raises(httpx.ReadError):
            await post(url)


async def test_silence_ends_at_the_deadline() -> None:
    async def handler(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with served(handler) as url:
        with pytest.raises(httpx.TimeoutException):
            await post(url, seconds=0.2)


async def test_a_trickle_ends_at_the_same_deadline() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(100):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with served(handler) as url:
        with pytest.raises(httpx.ReadTimeout):
            await post(url, seconds=0.3)


@pytest.mark.parametrize(
    "raw",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"a" * 100_000 + b"\r\n\r\n",
        response(gzip.compress(b"0" * 1_000_000), b"content-encoding: gzip"),
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 50_000,
    ],
    ids=["garbage", "chunk", "header", "gzip", "announced", "over the cap"],
)
async def test_what_is_no_valid_answer(raw: bytes) -> None:
    async with served(answering(raw)) as url:
        with pytest.raises(httpx.RemoteProtocolError):
            await post(url)


async def test_a_redirect_is_not_followed() -> None:
    raw = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
    async with served(answering(raw)) as url:
        assert (await post(url)).status_code == 302


def every(kind: type[Exception]) -> list[type[Exception]]:
    return [kind, *(e for c in kind.__subclasses__() for e in every(c))]


def test_no_error_of_httpx_is_left_unmapped() -> None:
    for kind in [*every(httpx.HTTPError), *every(httpx.InvalidURL)]:
        assert any(issubclass(kind, known) for known, _, _ in ERRORS), kind


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (httpx.ReadTimeout("x"), PeerTimeout),
        (httpx.ConnectTimeout("x"), PeerTimeout),
        (httpx.ConnectError("x"), PeerUnreachable),
        (httpx.ReadError("x"), PeerUnreachable),
        (httpx.RemoteProtocolError("x"), PeerBadAnswer),
        (httpx.InvalidURL("x"), PeerUnreachable),
    ],
)
def test_whose_fault_it_is(error: Exception, ours: type[PeerError]) -> None:
    assert type(_mapped(error)) is ours
