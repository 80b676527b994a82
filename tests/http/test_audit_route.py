"""Who reads the access log over HTTP: an auditor, and the gateway's own commands. Nobody else."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from gateway.app import routes
from gateway.database import open_sqlite
from gateway.exchange import RefusedReadings
from gateway.exchange.refused_readings import LINES, WINDOW_S
from gateway.http.edge import Edge
from gateway.ledger import EntryType, Filters, Ledger, PageOf, origin_of
from gateway.model import Officer, Ori
from gateway.trust.assertions import token_form
from gateway.trust.clients import LOCAL_ADMIN, Client, Clients
from gateway.trust.jwk import ec_jwk, thumbprint
from gateway.trust.replays import Replays
from gateway.trust.tokens import LogOn, TokenService

ISSUER, ORI = "https://gateway.example", Ori("AA9990000")
RMS, NIGHT_JOB = "records-system", "night-job"
READ = {
    "/v1/audit/entries": "log_read",
    "/v1/audit/entries?unseal=true": "log_unsealed",
    "/v1/audit/receipts?peer=BB9990000": "receipts_read",
}


@dataclass
class Office:
    http: httpx.AsyncClient
    ledger: Ledger
    keys: dict[str, ec.EllipticCurvePrivateKey]
    refused: RefusedReadings
    now: list[float]
    """The clock that attempts are counted by, in seconds."""

    async def get(
        self, path: str, client: str, *roles: str, scope: str = "audit"
    ) -> httpx.Response:
        """Log on as this client, for an officer in these roles if there are some, and get."""
        officer = Officer(
            subject="auditor.0007",
            unit="Internal Affairs",
            unit_function="administration",
            roles=frozenset(roles),
            assurance=2,
            auth_time=datetime.now(UTC),
            attributes=frozenset(),
            device="desk-3",
        )
        form = token_form(
            self.keys[client],
            client_id=client,
            issuer=ISSUER,
            scope=scope,
            ori=ORI,
            officer=officer if roles else None,
        )
        given = await self.http.post("/oauth2/token", data=form)
        assert given.status_code == 200, given.text
        token = given.json()["access_token"]
        return await self.http.get(path, headers={"Authorization": f"Bearer {token}"})

    async def logged(self) -> list[tuple[Any, Any]]:
        """What was read, and by which client."""
        page = await self.ledger.entries(Filters(types=(EntryType.ADMIN,)), PageOf(), unseal=True)
        return [(e.fields["decision"], (e.personal or {}).get("client")) for e in page.entries]

    async def tried(self) -> list[tuple[Any, Any, Any]]:
        """Who was refused, as an officer or as none, and why."""
        page = await self.ledger.entries(Filters(types=(EntryType.DENY,)), PageOf(), unseal=True)
        assert {e.fields["decision"] for e in page.entries} <= {"log_read_refused"}
        return [
            (e.personal["client"], e.personal["officer"], *e.fields["reasons"])
            for e in page.entries
            if e.personal
        ]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    keys = {n: ec.generate_private_key(ec.SECP256R1()) for n in (RMS, NIGHT_JOB, LOCAL_ADMIN)}
    rights: dict[str, dict[str, Any]] = {
        RMS: {"roles": frozenset({"officer", "auditor"}), "assurance": 2},
        NIGHT_JOB: {},
        LOCAL_ADMIN: {},
    }
    clients = Clients(
        Client(
            name,
            keys[name].public_key(),
            thumbprint(ec_jwk(keys[name].public_key())),
            scopes=frozenset({"audit", "admin"}),
            **more,
        )
        for name, more in rights.items()
    )
    now = [0.0]
    state = open_sqlite(tmp_path / "state.db")
    ledger = Ledger(
        tmp_path / "ledger.db",
        origin=origin_of(ORI),
        log_key=ed25519.Ed25519PrivateKey.generate(),
        sealing_key=bytes(32),
    )
    await ledger.start()

    async def report(_: LogOn) -> None:
        return None

    refused = RefusedReadings(ledger, ORI, clock=lambda: now[0])
    await refused.start()
    app = routes()
    app.state.gateway = SimpleNamespace(
        ori=ORI,
        ledger=ledger,
        refused_readings=refused,
        tokens=TokenService(
            ec.generate_private_key(ec.SECP256R1()),
            issuer=ISSUER,
            ori=ORI,
            clients=clients,
            replays=Replays(state),
            report=report,
            count=lambda _: None,
        ),
    )
    edge = Edge(app, max_body=2**16, observe=lambda *_: None)
    transport = httpx.ASGITransport(edge)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        yield Office(http, ledger, keys, refused, now)
    await refused.stop()
    await ledger.stop()
    state.dispose()


@pytest.mark.parametrize("path", READ)
async def test_an_auditor_and_the_gateway_s_own_commands_read(office: Office, path: str) -> None:
    assert (await office.get(path, RMS, "officer", "auditor")).status_code == 200
    assert (await office.get(path, LOCAL_ADMIN)).status_code == 200
    assert await office.logged() == [(READ[path], RMS), (READ[path], LOCAL_ADMIN)]


@pytest.mark.parametrize("path", [*READ, "/v1/audit/checkpoint", "/v1/audit/review-queue"])
async def test_nobody_else_does_whatever_its_scopes(office: Office, path: str) -> None:
    for client, roles, code in (
        (NIGHT_JOB, (), "auth.no_officer"),
        (RMS, (), "auth.no_officer"),
        (RMS, ("officer",), "auth.role"),
    ):
        response = await office.get(path, client, *roles)
        assert (response.status_code, response.json()["code"]) == (403, code)
        assert "auditor" in response.json()["detail"]
    assert await office.logged() == []
    assert await office.tried() == [
        (NIGHT_JOB, None, "auth.no_officer"),
        (RMS, None, "auth.no_officer"),
        (RMS, "auditor.0007", "auth.role"),
    ]


async def test_nor_does_who_has_no_scope_for_it(office: Office) -> None:
    response = await office.get("/v1/audit/entries", RMS, "auditor", scope="admin")
    assert (response.status_code, response.json()["code"]) == (403, "auth.scope")
    assert await office.tried() == [(RMS, "auditor.0007", "auth.scope")]


async def test_who_is_refused_over_and_over_does_not_fill_the_log(office: Office) -> None:
    for _ in range(LINES + 3):
        assert (await office.get("/v1/audit/entries", NIGHT_JOB)).status_code == 403
    # Nor does one client push another's attempts out.
    assert (await office.get("/v1/audit/entries", RMS, "officer")).status_code == 403
    tried = await office.tried()
    assert len(tried) == LINES + 1
    assert tried[-1] == (RMS, "auditor.0007", "auth.role")
    office.now[0] += WINDOW_S
    assert (await office.get("/v1/audit/entries", NIGHT_JOB)).status_code == 403
    assert len(await office.tried()) == LINES + 2
    # What got no line is there as a sum.
    await office.refused.stop()
    page = await office.ledger.entries(Filters(types=(EntryType.NOTICE,)), PageOf())
    sums = [e.fields for e in page.entries if e.fields["decision"] == "log_read_refused"]
    assert {tuple(s["reasons"]) for s in sums} == {("auth.no_officer",)}
    assert sum(s["results"] for s in sums) == 3
