"""The edge by itself: caps, references, and a failure that must not tell what it held."""

import asyncio
import importlib
import pkgutil
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

import adapters
import gateway
from gateway import errors
from gateway.http import problems
from gateway.http.edge import Edge
from gateway.model import Reason

CANARY = "ZEPHYRINE QUILLFEATHER"


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")
    purpose: Annotated[str, Field(max_length=20)]


def app(patience: float = 10.0) -> tuple[Edge, list[tuple[str, int]]]:
    inner = FastAPI()
    seen: list[tuple[str, int]] = []

    @inner.post("/echo/{name}")
    async def echo(name: str, body: Body) -> dict[str, str]:
        del name
        return {"purpose": body.purpose}

    @inner.post("/fail")
    async def fail(body: Body) -> None:
        raise RuntimeError(f"{CANARY} {body.purpose}")

    @inner.post("/refuse")
    async def refuse() -> None:
        reason = Reason(code="agreement.none", text="There is none.", citation="A 1")
        raise errors.Refused("Policy does not permit it.", reasons=(reason,))

    problems.install(inner, ["purpose"])
    edge = Edge(
        inner, max_body=1_000, observe=lambda r, s, _: seen.append((r, s)), patience=patience
    )
    return edge, seen


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    edge, _ = app()
    transport = httpx.ASGITransport(edge, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://t") as c:
        yield c


def code(response: httpx.Response) -> tuple[int, Any]:
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["reference"] == response.headers["x-reference"]
    assert body["status"] == response.status_code
    return response.status_code, body["code"]


async def test_a_good_request_passes(client: httpx.AsyncClient) -> None:
    response = await client.post("/echo/x", json={"purpose": "p"})
    assert response.json() == {"purpose": "p"}
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_an_announced_body_over_the_cap(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    response = await client.post("/echo/x", content=b"x" * 1_001)
    assert code(response) == (413, "request.too_large")
    assert response.headers["x-reference"] in capsys.readouterr().out  # its line in our log


async def test_an_unannounced_body_over_the_cap(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b" " * 100

    response = await client.post("/echo/x", content=chunks())
    assert code(response) == (413, "request.too_large")


async def test_a_body_that_does_not_end() -> None:
    edge, seen = app(patience=0.05)
    never = asyncio.Event()

    async def drips() -> AsyncIterator[bytes]:
        yield b'{"purpose":'
        await never.wait()

    async with httpx.AsyncClient(transport=httpx.ASGITransport(edge), base_url="http://t") as c:
        response = await c.post("/echo/x", content=drips())
        assert code(response) == (408, "request.too_slow")
        assert response.headers["connection"] == "close"
        assert (await c.post("/echo/x", json={"purpose": "p"})).status_code == 200
    assert seen == [("/echo/{name}", 408), ("/echo/{name}", 200)]


async def test_a_content_length_that_is_no_number(client: httpx.AsyncClient) -> None:
    response = await client.post("/echo/x", content=b"{}", headers={"content-length": "-1"})
    assert code(response) == (413, "request.too_large")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[1]", b'{"purpose":1}'])
async def test_bad_json_is_a_problem(client: httpx.AsyncClient, content: bytes) -> None:
    response = await client.post(
        "/echo/x", content=content, headers={"content-type": "application/json"}
    )
    status, found = code(response)
    assert (status, found) in {(400, "request.not_json"), (422, "request.invalid")}


async def test_an_unknown_key_is_not_repeated(client: httpx.AsyncClient) -> None:
    response = await client.post("/echo/x", json={"purpose": "p", CANARY: 1})
    assert code(response) == (422, "request.unknown_key")
    assert CANARY not in response.text


async def test_a_near_miss_gets_a_hint(client: httpx.AsyncClient) -> None:
    response = await client.post("/echo/x", json={"purpos": "p"})
    assert "purpose" in response.json()["detail"]


async def test_a_wrong_value_is_not_repeated(client: httpx.AsyncClient) -> None:
    response = await client.post("/echo/x", json={"purpose": CANARY})
    assert code(response) == (422, "request.invalid")
    assert response.json()["pointer"] == "/purpose"
    assert CANARY not in response.text


async def test_a_failure_tells_nothing(
    client: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    response = await client.post("/fail", json={"purpose": "p"})
    assert code(response) == (500, "gateway.error")
    out = capsys.readouterr()
    assert "RuntimeError" in out.out + out.err
    assert CANARY not in response.text + out.out + out.err


async def test_a_refusal_gives_its_reasons(client: httpx.AsyncClient) -> None:
    response = await client.post("/refuse")
    assert code(response) == (403, "policy.refused")
    assert response.json()["reasons"] == [
        {"code": "agreement.none", "text": "There is none.", "citation": "A 1"}
    ]


async def test_metrics_get_the_route_not_the_address() -> None:
    edge, seen = app()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(edge), base_url="http://t") as c:
        await c.post(f"/echo/{CANARY}", json={"purpose": "p"})
        await c.post(f"/{CANARY}")
    assert seen == [("/echo/{name}", 200), ("unknown", 404)]


def test_every_error_of_ours_has_a_status() -> None:
    for package in (gateway, adapters):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)

    def every(kind: type[errors.SallyportError]) -> list[type[errors.SallyportError]]:
        return [kind, *(e for c in kind.__subclasses__() for e in every(c))]

    for kind in every(errors.SallyportError):
        status = next(s for k, s in problems.STATUSES if issubclass(kind, k))
        assert 400 <= status < 600
        assert kind.__name__ in (errors.__doc__ or "")
