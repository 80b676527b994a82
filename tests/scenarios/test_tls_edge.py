"""Two real gateways, each behind a real HAProxy with deploy/'s configuration and certificates."""

import asyncio
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.__main__ import question
from demo.ports import free_ports
from demo.world import ROOT, World, an_officer
from tests.conftest import have
from tests.scenarios.sweep import swept
from tests.scenarios.two import until

POLICE, SHERIFF = "CA9990000", "TX9990000"
DEPLOY = ROOT / "deploy"
MARISOL = {
    "person": {
        "names": [{"given": "Marisol", "surname": "Quezada Brannock"}],
        "birth_date": "1987-03-12",
    }
}


class Edge:
    """The proxy before one gateway: deploy/haproxy.cfg, with this machine's ports and paths."""

    def __init__(self, folder: Path, outside: int, inside: int) -> None:
        folder.mkdir()
        text = (DEPLOY / "haproxy.cfg").read_text(encoding="utf-8")
        for before, after in {
            "bind :8444": f"bind 127.0.0.1:{outside}",
            "/certs/site.pem": str(folder.parent / "certs" / folder.name / "site.pem"),
            "127.0.0.1:8443": f"127.0.0.1:{inside}",
        }.items():
            assert text.count(before) == 1, before
            text = text.replace(before, after)
        self.port = outside
        self.config = folder / "haproxy.cfg"
        self.config.write_text(text, encoding="utf-8")
        self.log = folder / "haproxy.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        checked = subprocess.run(
            ["haproxy", "-c", "-f", str(self.config)], capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stderr
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["haproxy", "-db", "-f", str(self.config)], stdout=log, stderr=log
            )

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)


@pytest.fixture(scope="module")
def edges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Path]]:
    if not have("haproxy"):
        if os.environ.get("CI") == "true":
            pytest.fail("HAProxy is missing; run tools/system.sh")
        pytest.skip("HAProxy is missing; run tools/system.sh")
    root = tmp_path_factory.mktemp("edges")
    outside = dict(zip((POLICE, SHERIFF), free_ports(2), strict=True))
    for ori in outside:
        (root / "certs" / ori).mkdir(parents=True)
    sites = [f"localhost={root / 'certs' / ori}" for ori in outside]
    made = subprocess.run(
        [sys.executable, str(DEPLOY / "trial_ca.py"), str(root), *sites[:1]], check=False
    )
    assert made.returncode == 0
    # Both are this one machine: one certificate serves both.
    pem = (root / "certs" / POLICE / "site.pem").read_bytes()
    (root / "certs" / SHERIFF / "site.pem").write_bytes(pem)
    world = World(root / "world")
    world.build(
        people=60,
        agencies=(SHERIFF, POLICE),
        sites={ori: f"https://localhost:{port}" for ori, port in outside.items()},
    )
    proxies = [Edge(root / ori, port, world[ori].port) for ori, port in outside.items()]
    for gateway in world.gateways.values():
        gateway.env["SSL_CERT_FILE"] = str(root / "ca.pem")
        gateway.command("import", "--json")
    try:
        for proxy in proxies:
            proxy.start()
        with swept(world):
            yield world, root / "ca.pem"
    finally:
        for proxy in proxies:
            proxy.stop()


def asked(world: World, **more: Any) -> dict[str, Any]:
    body = question(MARISOL, "person", "warrant", agencies=[SHERIFF], **more)
    with world[POLICE].client(an_officer(), "search") as client:
        response = client.post("/v1/searches", json={k: v for k, v in body.items() if v})
    assert response.status_code == 200, response.text
    (part,) = response.json()["agencies"]
    return dict(part)


def test_a_question_goes_through_both_proxies_signed_for_the_address_that_it_was_sent_to(
    edges: tuple[World, Path],
) -> None:
    world, _ = edges
    part = asked(world)
    assert part["status"] == "answered"
    assert {m["record_type"] for m in part["matches"]} == {"person", "warrant"}


def test_the_agency_s_own_systems_may_come_through_the_proxy_too(
    edges: tuple[World, Path],
) -> None:
    world, authority = edges
    trusted = ssl.create_default_context(cafile=str(authority))
    gateway = world[POLICE]
    token = gateway.token(an_officer(), "search")
    with httpx.Client(
        base_url=gateway.url, verify=trusted, headers={"authorization": f"Bearer {token}"}
    ) as client:
        found = client.get("/v1/agencies")
    assert found.status_code == 200, found.text


@pytest.mark.parametrize(
    "path",
    [
        "/readyz",
        "/metrics",
        "/v1/admin/exposure",
        "/%6detrics",
        "/%72%65adyz",
        "/v1/%61dmin/exposure",
        "/v1%2fadmin/exposure",
        "/metrics?a=/livez",
    ],
)
def test_the_operators_routes_stay_inside(edges: tuple[World, Path], path: str) -> None:
    world, authority = edges
    trusted = ssl.create_default_context(cafile=str(authority))
    assert httpx.get(world[SHERIFF].url + path, verify=trusted).status_code == 404
    assert httpx.get(world[SHERIFF].inside + path).status_code != 404


def test_nothing_older_than_tls_1_3_gets_in(edges: tuple[World, Path]) -> None:
    world, authority = edges
    trusted, older = (ssl.create_default_context(cafile=str(authority)) for _ in range(2))
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(httpx.ConnectError, match=r"(?i)version"):
        httpx.get(world[SHERIFF].url + "/livez", verify=older)
    assert httpx.get(world[SHERIFF].url + "/livez", verify=trusted).status_code == 200


@contextmanager
def opened(port: int, number: int) -> Iterator[None]:
    """Open so many connections to a proxy, and say nothing on them. It may hang up on some."""
    with ExitStack() as stack:
        for _ in range(number):
            with suppress(ConnectionResetError):
                one = socket.create_connection(("127.0.0.1", port), 10)
                stack.enter_context(one)
        yield


def test_one_address_takes_no_more_than_its_places(edges: tuple[World, Path]) -> None:
    world, authority = edges
    trusted = ssl.create_default_context(cafile=str(authority))
    url = world[SHERIFF].url
    port = int(url.rpartition(":")[2])

    told: list[httpx.Response] = []

    async def live() -> httpx.Response:
        async with httpx.AsyncClient(verify=trusted) as client:
            return await client.get(f"{url}/livez")

    def status() -> int | None:
        try:
            # By the event loop's TLS: the blocking one leaves its socket open where the other side
            # is gone before the handshake (CPython 3.11), and that fails the test.
            told.append(asyncio.run(live()))
        except httpx.TransportError:
            return None
        return told[-1].status_code

    def comes(wanted: int | None, number: int) -> bool:
        """Ask among so many connections. The proxy takes them up late, and ends them after 10 s."""
        for _ in range(5):
            with opened(port, number):
                if until(lambda: status() == wanted, 4):
                    return True
        return False

    assert comes(200, 90)
    assert comes(429, 150)
    assert told[-1].headers["content-type"] == "application/problem+json"
    assert int(told[-1].headers["retry-after"]) >= 1
    assert told[-1].json()["code"] == "request.too_many_connections"
    assert comes(None, 250)  # not even TLS is spoken with those beyond
    assert comes(200, 0)  # those that are gone are counted no longer


def test_a_gateway_that_is_down_behind_its_proxy_is_unreachable(edges: tuple[World, Path]) -> None:
    """The proxy says so, and can't sign it: no answer of the agency is forged by that."""
    world, authority = edges
    sheriff = world[SHERIFF]
    trusted = ssl.create_default_context(cafile=str(authority))
    sheriff.stop()
    try:
        said = httpx.get(f"{sheriff.url}/livez", verify=trusted)
        assert (said.status_code, said.json()["code"]) == (503, "gateway.busy")
        assert int(said.headers["retry-after"]) >= 1
        part = asked(world)
        assert part["status"] == "unreachable"
        assert part["retry_after_s"] >= 1
        assert "signature" in part["reasons"][0]["text"]
    finally:
        sheriff.start()
        sheriff.ready()
    assert in_order_again(world)


def in_order_again(world: World) -> bool:
    """Ask until the agency is asked at all: after a failure it is let alone for some seconds."""
    deadline = time.monotonic() + 30
    while (status := asked(world)["status"]) == "backing_off" and time.monotonic() < deadline:
        time.sleep(0.5)
    return bool(status == "answered")


def test_a_gateway_that_does_not_trust_the_authority_asks_nobody(
    edges: tuple[World, Path],
) -> None:
    """The other end's certificate is checked: without its authority nothing is sent."""
    world, _ = edges
    police = world[POLICE]
    trust = police.env.pop("SSL_CERT_FILE")
    police.stop()
    try:
        police.start()
        police.ready()
        assert asked(world)["status"] == "unreachable"
    finally:
        police.stop()
        police.env["SSL_CERT_FILE"] = trust
        police.start()
        police.ready()
    assert in_order_again(world)
    assert not re.search(r"Quezada|Marisol", police.log.read_text())
