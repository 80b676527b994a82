"""Connections that begin a request and don't end it, and too many, on a real server's sockets."""

import asyncio
import json
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, ClassVar

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from gateway.http.connection import MAX_HEAD, SPARE, Connection
from gateway.telemetry import Metrics

HEAD = b"GET / HTTP/1.1\r\nhost: x\r\n"


class Impatient(Connection):
    patience: ClassVar[float] = 0.2
    most: ClassVar[int] = 20


async def well(scope: Scope, receive: Receive, send: Send) -> None:
    del receive
    if scope["path"] == "/slow":
        await asyncio.sleep(1)
    headers = [(b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def serving(port: int, kind: type[Connection]) -> AsyncIterator[int]:
    config = uvicorn.Config(
        well, host="127.0.0.1", port=port, http=kind, lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    yield port
    await server.shutdown()


@pytest.fixture
async def port(free_port: int) -> AsyncIterator[int]:
    async with serving(free_port, Impatient) as served:
        yield served


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


class Counted:
    """What is counted on a connection's class from now on; of nobody's address anything."""

    def __init__(self, kind: type[Connection], patch: pytest.MonkeyPatch) -> None:
        self._metrics = Metrics()
        patch.setattr(kind, "metrics", self._metrics)

    def __call__(self) -> dict[tuple[str, str], float]:
        name = "sallyport_connections_turned_away_total"
        found = {}
        for family in self._metrics.registry.collect():
            for sample in family.samples:
                if sample.name == name:
                    assert sample.labels.keys() == {"code", "how"}
                    found[sample.labels["code"], sample.labels["how"]] = sample.value
        return found


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(Connection, monkeypatch)


async def good(port: int) -> bool:
    return (await said(port, HEAD + b"connection: close\r\n\r\n")).endswith(b"\r\n\r\nok")


@pytest.mark.parametrize("begun", [b"", b"GET", HEAD, HEAD + b"x: y"])
async def test_a_head_that_does_not_end_is_hung_up_on(
    port: int, begun: bytes, counted: Counted
) -> None:
    head, _, body = (await said(port, begun)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["code"] == "request.too_slow"
    assert counted() == {("request.too_slow", "told"): 1}


async def test_neither_does_the_second_of_a_connection(port: int) -> None:
    found = await said(port, HEAD + b"\r\n", HEAD, pause=0.05)
    assert found.startswith(b"HTTP/1.1 200 ")
    assert b"\r\n\r\nokHTTP/1.1 408 " in found


async def test_those_who_never_end_shut_nobody_out_for_long(port: int) -> None:
    begun = [asyncio.create_task(said(port, HEAD)) for _ in range(30)]
    await asyncio.gather(*begun)
    assert await good(port)


async def test_a_head_without_end_is_not_kept(port: int, counted: Counted) -> None:
    found = await said(port, HEAD + b"x: " + b"y" * MAX_HEAD)
    assert found.startswith(b"HTTP/1.1 431 ")
    assert await good(port)
    assert counted() == {("request.too_large", "told"): 1}


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
async def test_what_is_no_http_is_a_problem_too(port: int, sent: bytes, counted: Counted) -> None:
    head, _, body = (await said(port, sent)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["code"] == "request.not_http"
    assert await good(port)
    assert counted() == {("request.not_http", "told"): 1}


async def test_what_comes_in_parts_and_in_time_is_served(port: int) -> None:
    found = await said(port, b"GET / HT", b"TP/1.1\r\nho", b"st: x\r\nconnection: close\r\n\r\n")
    assert found.endswith(b"ok")


class One:
    """A client's connection that stays open, from an address of this machine."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def asks(self) -> tuple[int, dict[str, str], bytes]:
        """Send a request: what came, with status, headers and body."""
        self._writer.write(HEAD + b"\r\n")
        head = (await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 10)).decode()
        status, *fields = head.strip().split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (f.partition(":") for f in fields)}
        body = await self._reader.readexactly(int(headers["content-length"]))
        return int(status.split()[1]), headers, body

    def begins(self, request: bytes) -> None:
        """Send a request whose answer nobody waits for."""
        self._writer.write(request)

    async def is_hung_up_on(self) -> bool:
        try:
            return await asyncio.wait_for(self._reader.read(), 10) == b""
        except ConnectionResetError:
            return True

    async def leaves(self) -> None:
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()
        await asyncio.sleep(0.02)  # the server has yet to hear of it


Open = Callable[..., Awaitable[One]]


@asynccontextmanager
async def clients(port: int, kind: type[Connection]) -> AsyncIterator[Open]:
    """Serve, and give what opens a connection to it; all are closed at the end."""
    made: list[One] = []

    async def connect(address: str = "127.0.0.1") -> One:
        opened = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        made.append(One(*opened))
        return made[-1]

    async with serving(port, kind):
        try:
            yield connect
        finally:
            for one in made:
                await one.leaves()


def told(answer: tuple[int, dict[str, str], bytes]) -> tuple[int, dict[str, Any]]:
    """Give a problem, with its status; the connection ends after it, and one may come again."""
    status, headers, body = answer
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    assert int(headers["retry-after"]) >= 1
    problem = json.loads(body)
    assert problem["status"] == status
    assert problem["type"].endswith(problem["code"])
    assert len(problem["reference"]) == 16
    return status, problem


async def test_who_finds_no_place_is_told_and_those_who_have_one_go_on(
    free_port: int, counted: Counted
) -> None:
    class Three(Connection):
        most: ClassVar[int] = 3

    async with clients(free_port, Three) as connect:
        seated = [await connect() for _ in range(3)]
        for one in seated:
            assert (await one.asks())[0] == 200
        late, waiting = await connect(), await connect()
        status, problem = told(await late.asks())
        assert (status, problem["code"]) == (503, "gateway.busy")
        assert await late.is_hung_up_on()
        for one in seated:
            assert (await one.asks())[0] == 200
        # Who has not asked yet takes a place that was left meanwhile.
        await seated.pop().leaves()
        await seated.pop().leaves()
        assert (await waiting.asks())[0] == 200
        assert (await (await connect()).asks())[0] == 200
        assert told(await (await connect()).asks())[0] == 503
    assert counted() == {("gateway.busy", "told"): 2}


async def test_requests_of_those_who_hung_up_take_their_places(free_port: int) -> None:
    class Three(Connection):
        most: ClassVar[int] = 3

    async with clients(free_port, Three) as connect:
        for _ in range(3):
            one = await connect()
            one.begins(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n")
            await asyncio.sleep(0.02)
            await one.leaves()
        # Nobody is connected; three requests go on.
        assert told(await (await connect()).asks())[0] == 503
        await asyncio.sleep(1.2)
        assert (await (await connect()).asks())[0] == 200


async def test_one_address_takes_no_more_than_its_places(free_port: int, counted: Counted) -> None:
    class TwoEach(Connection):
        most_per_address: ClassVar[int | None] = 2

    async with clients(free_port, TwoEach) as connect:
        seated = [await connect() for _ in range(2)]
        for _ in range(3):  # one that is told so keeps no place
            late = await connect()
            status, problem = told(await late.asks())
            assert (status, problem["code"]) == (429, "request.too_many_connections")
            await late.leaves()
        others = [await connect("127.0.0.2") for _ in range(2)]
        for one in (*seated, *others):
            assert (await one.asks())[0] == 200
        await seated[0].leaves()
        assert (await (await connect()).asks())[0] == 200
    assert not Connection._from  # what is kept of addresses is gone with them
    assert counted() == {("request.too_many_connections", "told"): 3}


@pytest.mark.parametrize("limit", ["most", "most_per_address"])
async def test_beyond_those_who_can_be_told_nobody_is_kept(
    free_port: int, limit: str, counted: Counted
) -> None:
    kind = type("Small", (Connection,), {limit: 2})
    async with clients(free_port, kind) as connect:
        let_in = [await connect() for _ in range(2 + SPARE)]
        assert (await let_in[0].asks())[0] == 200
        assert await (await connect()).is_hung_up_on()
        assert told(await let_in[-1].asks())[0] in {429, 503}
    code = {"most": "gateway.busy", "most_per_address": "request.too_many_connections"}[limit]
    assert counted() == {(code, "hung_up"): 1, (code, "told"): 1}
