"""Real OPA servers as they are run: by socket, TLS, with a token, several of them, and silent."""

import asyncio
import ssl
import stat
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from demo.ports import free_ports
from gateway.errors import Misconfigured, PolicyRejected, PolicyUnavailable
from gateway.policy import opa_bundle
from gateway.policy.opa_member import Member
from gateway.policy.opa_server import OpaServer, OpaServerEngine
from tests.policy.conftest import Run, RunningOpa
from tests.policy.switching import CANARY, ONE, TWO
from tests.soak import count

pytestmark = pytest.mark.opa

TOKEN = "a-token-for-the-tests"


@asynccontextmanager
async def engine_at(*servers: OpaServer) -> AsyncIterator[OpaServerEngine]:
    engine = OpaServerEngine(*servers)
    try:
        yield engine
    finally:
        await engine.close()


async def refusal(engine: OpaServerEngine) -> str:
    with pytest.raises(PolicyUnavailable) as caught:
        await engine.decide("ask", b"{}")
    return caught.value.detail


async def test_by_a_unix_socket_that_is_its_users_alone_and_with_a_token(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "opa.sock"
    (one,) = run(ONE, address=f"unix://{path}", token=TOKEN)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    async with engine_at(one.server) as engine:
        await engine.activate(ONE)
        assert (await engine.decide("ask", b"{}")).outcome["word"] == "one"
        await engine.activate(TWO)
        assert (await engine.decide("ask", b"{}")).outcome["word"] == "two"
    for wrong in (None, "another-token"):
        async with engine_at(replace(one.server, token=wrong)) as engine:
            engine._accepted = frozenset({TWO.revision})
            assert "refuses the token" in await refusal(engine)


def certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "opa")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir()
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


async def test_by_tls_and_a_token_and_no_other_authority(run: Run, tmp_path: Path) -> None:
    (one,) = run(ONE, token=TOKEN, tls=certificate(tmp_path / "right"))
    async with engine_at(one.server) as engine:
        await engine.activate(ONE)
        assert (await engine.decide("ask", b"{}")).outcome["word"] == "one"
    other, _ = certificate(tmp_path / "wrong")
    for server in (replace(one.server, ca_file=other), replace(one.server, ca_file=None)):
        async with engine_at(server) as engine:
            engine._accepted = frozenset({ONE.revision})
            assert "certificate is not trusted" in await refusal(engine)
    plain = replace(one.server, url=one.server.url.replace("https", "http"), ca_file=None)
    async with engine_at(plain) as engine:
        engine._accepted = frozenset({ONE.revision})
        await refusal(engine)


async def test_the_token_asks_for_decisions_and_for_nothing_else(run: Run) -> None:
    (one,) = run(ONE, token=TOKEN)
    url = one.server.url
    statuses: dict[str, int] = {}
    asked = [
        ("POST", "/v1/data/sallyport/ask/decision", TOKEN),
        ("POST", "/v1/data/sallyport/ask/decision", "wrong"),
        ("POST", "/v1/data/sallyport/ask/decision", None),
        ("POST", "/v1/data/sallyport/ask", TOKEN),
        ("GET", "/v1/data", TOKEN),
        ("GET", "/v1/policies", TOKEN),
        ("PUT", "/v1/policies/more", TOKEN),
        ("PUT", "/v1/data/word", TOKEN),
        ("PATCH", "/v1/data/word", TOKEN),
        ("DELETE", "/v1/policies/ask.rego", TOKEN),
        ("POST", "/v1/query", TOKEN),
        ("POST", "/v1/compile", TOKEN),
        ("GET", "/v1/config", TOKEN),
        ("GET", "/metrics", TOKEN),
        ("GET", "/health", None),
    ]
    async with aiohttp.ClientSession() as http:
        for method, path, token in asked:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            async with http.request(method, url + path, headers=headers, data=b"{}") as response:
                statuses[f"{method} {path} {token}"] = response.status
    allowed = {k for k, status in statuses.items() if status == 200}
    assert allowed == {
        f"POST /v1/data/sallyport/ask/decision {TOKEN}",
        "GET /health None",
    }
    assert {s for k, s in statuses.items() if k not in allowed} == {401}
    assert TOKEN.encode() not in opa_bundle.bundle(ONE, token=TOKEN)


CALLS = (
    f'{{"name":"{CANARY}"}}'.encode(),
    f'{{"undefined":"error","text":"{CANARY}"}}'.encode(),
    f'{{"undefined":true,"text":"{CANARY}"}}'.encode(),
)


@pytest.mark.parametrize(
    ("more", "logged"),
    [
        pytest.param((), False, id="as the gateway runs it"),
        pytest.param(
            ("--set", "decision_logs.console=true", "--log-level", "info"),
            True,
            id="somebody switched the log on",
        ),
    ],
)
async def test_no_name_is_in_what_opa_writes(run: Run, more: Sequence[str], logged: bool) -> None:  # noqa: FBT001 - a case of the test
    (one,) = run(ONE, more=more)
    async with engine_at(one.server) as engine:
        await engine.activate(ONE)
        for raw in CALLS:
            try:
                await engine.decide("ask", raw)
            except PolicyUnavailable:
                continue
    for _ in range(100 if logged else 0):
        if b"decision_id" in one.said():
            break
        await asyncio.sleep(0.05)
    assert (b"decision_id" in one.said()) is logged, "the log of decisions is really on"
    one.stop()
    await asyncio.sleep(0.1)
    for word in CANARY.split():
        assert word.encode() not in one.said()


async def test_a_pool_shares_the_load_and_does_without_the_dead(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    opas = run(ONE, number=3)
    async with engine_at(*(o.server for o in opas)) as engine:
        await engine.activate(ONE)
        asked = dict.fromkeys((o.server.url for o in opas), 0)
        ask = Member.ask

        async def counted(self: Member, entrypoint: str, value: Mapping[str, Any]) -> Any:
            asked[self.url] += 1
            return await ask(self, entrypoint, value)

        monkeypatch.setattr(Member, "ask", counted)

        async def load(number: int) -> None:
            for _ in range(number):
                assert (await engine.decide("ask", b"{}")).revision == ONE.revision

        await asyncio.gather(*(load(20) for _ in range(6)))
        assert min(asked.values()) > 20, asked
        opas[0].stop()
        await asyncio.gather(*(load(20) for _ in range(6)))
        trouble = engine.trouble() or ""
        assert trouble.startswith("1 of 3 OPA servers: " + opas[0].server.url)
        # A set is switched to without the dead one, which is asked no more by the old one.
        await engine.activate(TWO)
        assert (await engine.decide("ask", b"{}")).revision == TWO.revision
        opas[0].start()
        deadline = time.monotonic() + 10
        while engine.trouble() and time.monotonic() < deadline:
            assert (await engine.decide("ask", b"{}")).revision == TWO.revision
            await asyncio.sleep(0.05)
        assert engine.trouble() is None, "its return is noticed"
        for one in opas:
            one.stop()
        before = time.monotonic()
        assert (await refusal(engine)).startswith("3 of 3 OPA servers")
        assert time.monotonic() - before < 1.0


async def test_one_server_that_stays_behind_is_named_and_holds_the_switch_back(
    run: Run, opa_program: Path, tmp_path: Path
) -> None:
    (one,) = run(ONE)
    # It watches another folder, so that it never sees the new set.
    opa_bundle.write_bundle(tmp_path / "elsewhere", ONE)
    stuck = RunningOpa(opa_program, f"127.0.0.1:{free_ports(1)[0]}", tmp_path / "elsewhere")
    stuck.start()
    try:
        beside = replace(stuck.server, bundles=one.server.bundles)
        async with engine_at(replace(one.server, switch_s=0.7), beside) as engine:
            await engine.activate(ONE)
            with pytest.raises(PolicyRejected) as caught:
                await engine.activate(TWO)
            assert stuck.server.url in caught.value.detail
            assert one.server.url not in caught.value.detail
            deadline = time.monotonic() + 5
            while engine.trouble() and time.monotonic() < deadline:
                await engine.decide("ask", b"{}")
                await asyncio.sleep(0.05)
            for _ in range(4):
                assert (await engine.decide("ask", b"{}")).revision == ONE.revision
    finally:
        stuck.stop()


def test_a_pool_has_one_folder_and_one_token(tmp_path: Path) -> None:
    one = OpaServer("http://127.0.0.1:1", tmp_path)
    for other in (replace(one, bundles=tmp_path / "x"), replace(one, token="t")):
        with pytest.raises(Misconfigured):
            OpaServerEngine(one, other)


async def test_a_slow_evaluation_is_refused_and_harms_nobody(run: Run) -> None:
    (one,) = run(ONE)
    async with engine_at(replace(one.server, timeout_s=1.0)) as engine:
        await engine.activate(ONE)

        async def next_caller(number: int) -> None:
            raw = f'{{"number":{number}}}'.encode()
            decided = await engine.decide("ask", raw)
            assert decided.outcome["input"] == {"number": number}

        for n in range(count(2, 20)):
            slow = asyncio.create_task(engine.decide("release", b'{"slow":true}'))
            await asyncio.gather(*(next_caller(n * 10 + k) for k in range(8)))
            before = time.monotonic()
            with pytest.raises(PolicyUnavailable):
                await slow
            assert time.monotonic() - before < 3.0
            await next_caller(n)
            assert engine.trouble() is None


async def test_whoever_fails_the_next_is_decided_on_its_own_input(run: Run) -> None:
    (one,) = run(ONE)
    async with engine_at(one.server) as engine:
        await engine.activate(ONE)

        async def caller(number: int) -> None:
            if number % 3 == 0:
                with pytest.raises(PolicyUnavailable):
                    await engine.decide("ask", CALLS[1 + number % 2])
                return
            raw = f'{{"number":{number}}}'.encode()
            assert (await engine.decide("ask", raw)).outcome["input"] == {"number": number}

        for n in range(count(5, 200)):
            await asyncio.gather(*(caller(n * 16 + k) for k in range(16)))
        assert engine.trouble() is None


def test_tls_is_1_3_or_nothing() -> None:
    made = opa_bundle.command(Path("x"), "127.0.0.1:1", tls=(Path("c"), Path("k")))
    assert made[made.index("--min-tls-version") + 1] == "1.3"
    assert ssl.HAS_TLSv1_3
