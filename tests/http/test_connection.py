"""Connections that begin a request and don't end it, on a real server's sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import ClassVar

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from gateway.http.connection import MAX_HEAD, Connection

HEAD = b"GET / HTTP/1.1\r\nhost: x\r\n"


class Impatient(Connection):
    patience: ClassVar[float] = 0.2


async def well(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
async def port(free_port: int) -> AsyncIterator[int]:
    config = uvicorn.Config(
        well,
        host="127.0.0.1",
        port=free_port,
        http=Impatient,
        lifespan="off",
        log_config=None,
        limit_concurrency=20,
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    yield free_port
    await server.shutdown()


async def said(port: int, *parts: bytes, pause: float = 0.0) -> bytes:
    """Send the parts, and give all that comes until the server hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await asyncio.sleep(pause)
        return await asyncio.wait_for(reader.read(), 20)
    finally:
        writer.close()


async def good(port: int) -> bool:
    return (await said(port, HEAD + b"connection: close\r\n\r\n")).endswith(b"\r\n\r\nok")


@pytest.mark.parametrize("begun", [b"", b"GET", HEAD, HEAD + b"x: y"])
async def test_a_head_that_does_not_end_is_hung_up_on(port: int, begun: bytes) -> None:
    head, _, body = (await said(port, begun)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["code"] == "request.too_slow"


async def test_neither_does_the_second_of_a_connection(port: int) -> None:
    found = await said(port, HEAD + b"\r\n", HEAD, pause=0.05)
    assert found.startswith(b"HTTP/1.1 200 ")
    assert b"\r\n\r\nokHTTP/1.1 408 " in found


async def test_those_who_never_end_shut_nobody_out_for_long(port: int) -> None:
    begun = [asyncio.create_task(said(port, HEAD)) for _ in range(30)]
    await asyncio.gather(*begun)
    assert await good(port)


async def test_a_head_without_end_is_not_kept(port: int) -> None:
    found = await said(port, HEAD + b"x: " + b"y" * MAX_HEAD)
    assert found.startswith(b"HTTP/1.1 431 ")
    assert await good(port)


@pytest.mark.parametrize(
    "sent",
    [
        b"FOO / HTTP/1.1\r\n\r\n",
        HEAD + b"content-length: 2\r\ncontent-length: 3\r\n\r\n",
        HEAD + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"content-length: " + b"9" * 5_000 + b"\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
    ],
    ids=["method", "two lengths", "length and chunks", "long length", "nul", "TLS"],
)
async def test_what_is_no_http_is_a_problem_too(port: int, sent: bytes) -> None:
    head, _, body = (await said(port, sent)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["code"] == "request.not_http"
    assert await good(port)


async def test_what_comes_in_parts_and_in_time_is_served(port: int) -> None:
    found = await said(port, b"GET / HT", b"TP/1.1\r\nho", b"st: x\r\nconnection: close\r\n\r\n")
    assert found.endswith(b"ok")
