"""The token endpoint and the routes behind it, through the real routes and the real edge."""

import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import Depends, FastAPI

from gateway.app import routes
from gateway.database import open_sqlite
from gateway.errors import LedgerUnavailable
from gateway.http.auth import require, require_officer
from gateway.http.edge import Edge
from gateway.model import Caller, Officer, Ori
from gateway.trust.assertions import token_form
from gateway.trust.clients import JWT_BEARER, Client, Clients
from gateway.trust.jwk import ec_jwk, thumbprint
from gateway.trust.replays import Replays
from gateway.trust.tokens import LogOn, TokenService

ISSUER = "https://gateway.example"
ORI = Ori("AA9990000")
RMS, SYSTEM = "records-system", "night-job"
TEN_YEARS = 315_360_000
FORM = {"Content-Type": "application/x-www-form-urlencoded"}

Claims = dict[str, Any]


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def registered(client_id: str, key: ec.EllipticCurvePrivateKey, **more: Any) -> Client:
    public = key.public_key()
    return Client(client_id, public, thumbprint(ec_jwk(public)), **more)


@dataclass
class World:
    """One gateway's token service behind its routes, and the keys of its clients."""

    http: httpx.AsyncClient
    service: TokenService
    rms_key: ec.EllipticCurvePrivateKey
    system_key: ec.EllipticCurvePrivateKey
    token_key: ec.EllipticCurvePrivateKey
    clients: list[Client]
    causes: list[str] = field(default_factory=list)
    reports: list[LogOn] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """The addresses of the access log that somebody tried and may not read."""
    failing: bool = False

    def officer(self) -> Officer:
        return Officer(
            subject="okafor.4471",
            unit="Robbery",
            unit_function="investigation",
            roles=frozenset({"officer"}),
            assurance=2,
            auth_time=datetime.now(UTC) - timedelta(hours=1),
            attributes=frozenset({"sworn"}),
            device="MDT-12",
        )

    def form(self, officer: Officer | None = None, scope: str | None = "search") -> dict[str, str]:
        return token_form(
            self.rms_key, client_id=RMS, issuer=ISSUER, scope=scope, ori=ORI, officer=officer
        )

    async def post(self, form: dict[str, str]) -> httpx.Response:
        return await self.http.post("/oauth2/token", data=form)

    async def token(self, officer: Officer | None = None, scope: str | None = "search") -> str:
        response = await self.post(self.form(officer, scope))
        assert response.status_code == 200, (response.text, self.causes)
        return str(response.json()["access_token"])

    async def get(self, path: str, *tokens: str) -> httpx.Response:
        lines = [("Authorization", f"Bearer {t}") for t in tokens]
        return await self.http.get(path, headers=lines)


@cache
def application() -> FastAPI:
    """The routes of production, and three that need little more than a caller."""
    app = routes()

    @app.get("/search")
    async def probe_search(who: Annotated[Caller, Depends(require_officer("search"))]) -> str:
        assert who.officer
        return who.officer.subject

    @app.get("/reports")
    async def reports(who: Annotated[Caller, Depends(require_officer("search", "auditor"))]) -> str:
        return who.client

    @app.get("/notices")
    async def notices(who: Annotated[Caller, Depends(require("notify"))]) -> str:
        return who.client

    return app


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    rms, system, token_key = new_key(), new_key(), new_key()
    clients = [
        registered(
            RMS,
            rms,
            scopes=frozenset({"search", "notify"}),
            roles=frozenset({"officer", "supervisor"}),
            attributes=frozenset({"sworn"}),
            assurance=2,
        ),
        registered(SYSTEM, system, scopes=frozenset({"admin"})),
    ]
    engine = open_sqlite(tmp_path / "state.db")
    made: list[World] = []

    async def report(logon: LogOn) -> None:
        if made[0].failing:
            raise LedgerUnavailable("The log can't be written.")
        made[0].reports.append(logon)

    service = TokenService(
        token_key,
        issuer=ISSUER,
        ori=ORI,
        clients=Clients(clients),
        replays=Replays(engine),
        report=report,
        count=lambda cause: made[0].causes.append(cause),  # noqa: PLW0108 - made later
    )
    app = application()

    async def noted(_caller: Caller, _code: str, path: str) -> None:
        made[0].refused.append(path)

    app.state.gateway = SimpleNamespace(
        tokens=service, refused_readings=SimpleNamespace(note=noted)
    )
    edge = Edge(app, max_body=256 * 1024, observe=lambda *_: None)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(edge), base_url="http://127.0.0.1"
    ) as http:
        made.append(World(http, service, rms, system, token_key, clients))
        yield made[0]
    engine.dispose()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(header: Claims, claims: Claims | bytes, sign: Callable[[bytes], bytes]) -> str:
    """A JWT by hand, for what no library makes."""
    body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    signed = f"{b64(json.dumps(header).encode())}.{b64(body)}"
    return f"{signed}.{b64(sign(signed.encode()))}"


def es256(claims: Claims, key: ec.EllipticCurvePrivateKey, **headers: Any) -> str:
    return jwt.encode(claims, key, algorithm="ES256", headers=headers)


def decoded(text: str) -> Claims:
    claims: Claims = jwt.decode(text, options={"verify_signature": False})
    return claims


def public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


# -- what works -------------------------------------------------------------------------------


async def test_an_officer_s_token_names_officer_and_client(world: World) -> None:
    response = await world.post(world.form(world.officer()))
    assert response.status_code == 200
    assert response.headers["cache-control"].startswith("no-store")
    body = response.json()
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 300, "search")
    claims = decoded(body["access_token"])
    assert claims["sub"] == "okafor.4471"
    assert claims["act"] == {"sub": RMS}
    assert claims["aud"] == f"{ISSUER}/v1"
    assert claims["exp"] - claims["iat"] == 300
    assert jwt.get_unverified_header(body["access_token"])["typ"] == "at+jwt"
    caller = world.service.verify(body["access_token"])
    expected = replace(world.officer(), auth_time=datetime.fromtimestamp(claims["auth_time"], UTC))
    assert caller == Caller(RMS, ORI, frozenset({"search"}), expected)
    found = await world.get("/search", body["access_token"])
    assert (found.status_code, found.json()) == (200, "okafor.4471")


async def test_a_system_s_token_has_no_officer(world: World) -> None:
    given = await world.token(scope=None)
    assert world.service.verify(given) == Caller(RMS, ORI, frozenset({"search", "notify"}))
    assert (await world.get("/notices", given)).status_code == 200
    refused = await world.get("/search", given)
    assert refused.status_code == 403
    assert refused.json()["code"] == "auth.no_officer"


async def test_log_ons_are_reported_before_the_token_goes_out(world: World) -> None:
    await world.token(world.officer())
    await world.post(world.form(replace(world.officer(), roles=frozenset({"chief"}))))
    good, bad = world.reports
    assert (good.succeeded, good.client, good.causes) == (True, RMS, ("issued",))
    assert good.officer is not None
    assert good.officer.subject == "okafor.4471"
    assert (bad.succeeded, bad.client, bad.causes) == (False, RMS, ("officer_not_permitted",))


async def test_no_token_without_a_line_in_the_log(world: World) -> None:
    world.failing = True
    response = await world.post(world.form())
    assert response.status_code == 503
    assert response.json()["error"] == "temporarily_unavailable"
    assert "access_token" not in response.text


async def test_strangers_are_reported_together_only(world: World) -> None:
    for _ in range(30):
        await world.post({"grant_type": "client_credentials"})
    assert [(r.succeeded, r.client, r.count) for r in world.reports] == [(False, None, 1)]
    await world.service.flush()
    assert [r.count for r in world.reports] == [1, 29]
    await world.service.flush()
    assert len(world.reports) == 2


async def test_sums_that_could_not_be_reported_stand_for_the_next_time(world: World) -> None:
    world.failing = True
    assert (await world.post({"grant_type": "client_credentials"})).status_code == 503
    world.failing = False
    await world.service.flush()
    assert [r.count for r in world.reports] == [1]


async def test_metadata_and_key_say_what_is_true(world: World) -> None:
    metadata = (await world.http.get("/.well-known/oauth-authorization-server")).json()
    assert metadata["issuer"] == ISSUER
    assert metadata["token_endpoint"] == f"{ISSUER}/oauth2/token"
    assert metadata["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    (key,) = (await world.http.get("/oauth2/jwks")).json()["keys"]
    assert "d" not in key
    given = await world.token()
    assert jwt.get_unverified_header(given)["kid"] == key["kid"]
    jwt.decode(given, jwt.PyJWK(key), algorithms=["ES256"], audience=f"{ISSUER}/v1")


async def test_nothing_personal_and_no_token_in_any_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    given = await world.token(world.officer())
    await world.post(world.form(replace(world.officer(), assurance=4)))
    assert given not in caplog.text
    assert "okafor" not in caplog.text


# -- access tokens that are none --------------------------------------------------------------


async def refused_token(world: World, *tokens: str) -> None:
    response = await world.get("/search", *tokens)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "auth.not_authenticated"


async def test_no_token_is_401(world: World) -> None:
    await refused_token(world)
    good = await world.token(world.officer())
    response = await world.http.get("/search", params={"access_token": good})
    assert response.status_code == 401
    for line in (f"Basic {good}", f"Bearer {good} x", f"Bearer{good}", "Bearer ", f"DPoP {good}"):
        response = await world.http.get("/search", headers={"Authorization": line})
        assert response.status_code == 401


OPEN = {"/livez", "/readyz", "/metrics", "/peer/v1/questions", "/peer/v1/agreements"}
"""Routes that need no token: they tell nothing, or are signed by another gateway."""


PROBES = {"/search", "/reports", "/notices"}


def guarded() -> list[tuple[str, str]]:
    found = [
        (path, method)
        for path, methods in application().openapi()["paths"].items()
        for method in methods
        if path not in OPEN | PROBES and not path.startswith(("/oauth2/", "/.well-known/"))
    ]
    assert len(found) > 6
    return found


@pytest.mark.parametrize(("path", "method"), guarded())
async def test_every_route_of_the_api_needs_a_token(world: World, path: str, method: str) -> None:
    address = path.format_map(Filled())
    body = {} if method in {"post", "patch", "put"} else None
    for headers in ({}, {"Authorization": "Bearer x.y.z"}):
        response = await world.http.request(
            method, address, json=body, headers=headers, params={"search": "srch_" + "0" * 26}
        )
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")
        assert response.json()["code"] == "auth.not_authenticated"


class Filled(dict[str, str]):
    """Some value for each part of an address."""

    def __missing__(self, key: str) -> str:
        return {"ori": "BB9990000", "search_id": "srch_" + "0" * 26}.get(key, "1")


@pytest.mark.parametrize(("path", "method"), guarded())
async def test_every_route_of_the_api_needs_a_right(world: World, path: str, method: str) -> None:
    """A system that may receive notices, and nothing else, gets nowhere else."""
    given = await world.token(scope="notify")
    body = {} if method in {"post", "patch", "put"} else None
    response = await world.http.request(
        method,
        path.format_map(Filled()),
        json=body,
        headers={"Authorization": f"Bearer {given}"},
        params={"search": "srch_" + "0" * 26},
    )
    assert response.status_code == 403
    assert response.json()["code"].startswith("auth.")
    log = path.startswith("/v1/audit/")
    assert world.refused == ([path.format_map(Filled())] if log else [])


async def test_the_scheme_s_case_does_not_matter(world: World) -> None:
    good = await world.token(world.officer())
    for scheme in ("bearer", "BEARER", "Bearer"):
        response = await world.http.get("/search", headers={"Authorization": f"{scheme} {good}"})
        assert response.status_code == 200


async def test_two_tokens_are_none(world: World) -> None:
    good = await world.token(world.officer())
    await refused_token(world, good, good)


@pytest.mark.parametrize(
    ("change", "header"),
    [
        ({"aud": ISSUER}, {}),
        ({"aud": "https://another.example/v1"}, {}),
        ({"aud": [f"{ISSUER}/v1"]}, {}),
        ({"aud": None}, {}),
        ({"iss": "https://another.example"}, {}),
        ({"exp": int(time.time()) - 1}, {}),
        ({"exp": int(time.time()) + TEN_YEARS}, {}),
        ({"exp": None}, {}),
        ({"exp": "soon"}, {}),
        ({"exp": {}}, {}),
        ({"iat": int(time.time()) + TEN_YEARS}, {}),
        ({"iat": None}, {}),
        ({"jti": None}, {}),
        ({"sub": None}, {}),
        ({"ori": "BB9990000"}, {}),
        ({"client_id": "another"}, {}),
        ({"act": None}, {}),
        ({"act": {"sub": SYSTEM}}, {}),
        ({"act": {"sub": RMS, "act": {"sub": "x"}}}, {}),
        ({"officer": None}, {}),
        ({"acr": "4"}, {}),
        ({"scope": ["search"]}, {}),
        ({"more": 1}, {}),
        ({}, {"typ": "JWT"}),
        ({}, {"typ": "AT+JWT"}),
        ({}, {"typ": "application/at+jwt"}),
        ({}, {"typ": None}),
        ({}, {"crit": ["x"], "x": 1}),
        ({}, {"jku": "https://another.example/jwks"}),
    ],
)
async def test_a_token_with_one_thing_wrong_is_401(
    world: World, change: Claims, header: Claims
) -> None:
    """Signed with the gateway's own key: what is wrong is the one thing changed."""
    claims = decoded(await world.token(world.officer()))
    assert (await world.get("/search", es256(claims, world.token_key, typ="at+jwt"))).is_success
    changed = {k: v for k, v in (claims | change).items() if v is not None}
    await refused_token(world, es256(changed, world.token_key, **({"typ": "at+jwt"} | header)))


async def test_unsigned_foreign_and_confused_tokens_are_401(world: World) -> None:
    good = await world.token(world.officer())
    claims = decoded(good)
    pem = public_pem(world.token_key)
    raw = json.dumps(ec_jwk(world.token_key.public_key())).encode()
    for alg in ("none", "None", "NONE", "nOnE"):
        await refused_token(world, compact({"alg": alg, "typ": "at+jwt"}, claims, lambda _: b""))
        await refused_token(
            world, compact({"alg": alg, "typ": "at+jwt"}, claims, lambda _: b"x" * 64)
        )
    for secret in (pem, raw):
        header = {"alg": "HS256", "typ": "at+jwt"}

        def mac(data: bytes, secret: bytes = secret) -> bytes:
            return hmac.digest(secret, data, hashlib.sha256)

        await refused_token(world, compact(header, claims, mac))
        await refused_token(world, compact(header, claims, lambda d: mac(d) * 2))
    await refused_token(world, es256(claims, new_key(), typ="at+jwt"))
    stranger = new_key()
    embedded = es256(claims, stranger, typ="at+jwt", jwk=ec_jwk(stranger.public_key()))
    await refused_token(world, embedded)
    head, body, signature = good.split(".")
    await refused_token(world, f"{head}.{body}.")
    await refused_token(world, f"{head}.{body}")
    end = "QA" if signature.endswith("AA") else "AA"
    await refused_token(world, f"{head}.{body}.{signature[:-2]}{end}")
    await refused_token(world, "x" * 4_000)
    await refused_token(world, good + "x" * 4_000)


async def test_an_assertion_is_no_access_token(world: World) -> None:
    form = world.form(world.officer())
    await refused_token(world, form["client_assertion"])
    await refused_token(world, form["assertion"])


async def test_a_deeply_nested_token_is_401(world: World) -> None:
    nested = b'{"a":' + b"[" * 2_000
    header = {"alg": "ES256", "typ": "at+jwt"}
    await refused_token(world, compact(header, nested, lambda _: b"x" * 64))


async def test_a_removed_client_s_tokens_count_no_more(world: World) -> None:
    good = await world.token(world.officer())
    assert (await world.get("/search", good)).is_success
    world.service.replace_clients(Clients(world.clients[1:]))
    await refused_token(world, good)


async def test_a_client_s_lost_rights_are_lost_at_once(world: World) -> None:
    good = await world.token(world.officer())
    rms, system = world.clients
    world.service.replace_clients(Clients([replace(rms, scopes=frozenset({"notify"})), system]))
    assert (await world.get("/search", good)).json()["code"] == "auth.scope"
    world.service.replace_clients(Clients([replace(rms, roles=None), system]))
    await refused_token(world, good)


async def test_a_missing_scope_or_role_is_403(world: World) -> None:
    notify = await world.token(world.officer(), scope="notify")
    response = await world.get("/search", notify)
    assert (response.status_code, response.json()["code"]) == (403, "auth.scope")
    search = await world.token(world.officer())
    assert (await world.get("/notices", search)).status_code == 403
    response = await world.get("/reports", search)
    assert (response.status_code, response.json()["code"]) == (403, "auth.role")


# -- clients that don't prove themselves ------------------------------------------------------


async def refused_client(world: World, cause: str, form: dict[str, str]) -> None:
    response = await world.post(form)
    assert response.status_code == 401
    assert response.headers["www-authenticate"]
    assert response.json()["error"] == "invalid_client"
    assert set(response.json()) == {"error", "error_description"}
    assert response.json()["error_description"].startswith("The request was refused.")
    assert world.causes[-1] == cause
    assert all(r.client is None for r in world.reports)


def in_seconds(seconds: int) -> int:
    return int(time.time()) + seconds


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"exp": TEN_YEARS}, "client_lifetime"),
        ({"exp": 61}, "client_lifetime"),
        ({"exp": 50, "iat": -20}, "client_lifetime"),
        ({"exp": -6, "iat": -60}, "client_expired"),
        ({"exp": 90, "iat": 60}, "client_future"),
        ({"nbf": 60}, "client_future"),
        ({"exp": None}, "client_claims"),
        ({"iat": None}, "client_claims"),
        ({"jti": None}, "client_claims"),
        ({"aud": None}, "client_claims"),
        ({"iss": None}, "client_claims"),
        ({"sub": None}, "invalid_client"),
        ({"jti": "short"}, "client_claims"),
        ({"jti": "x" * 129}, "client_claims"),
        ({"exp": "7000000000"}, "client_claims"),
        ({"exp": 7e9}, "client_claims"),
        ({"exp": {}}, "client_token"),
        ({"aud": f"{ISSUER}/oauth2/token"}, "client_audience"),
        ({"aud": f"{ISSUER}/"}, "client_audience"),
        ({"aud": [ISSUER]}, "client_audience"),
        ({"iss": SYSTEM}, "client_issuer"),
        ({"sub": "nobody"}, "invalid_client"),
        ({"sub": 7}, "invalid_client"),
        ({"sub": SYSTEM, "iss": SYSTEM}, "client_signature"),
        ({"roles": ["officer"]}, "client_claims"),
    ],
)
async def test_a_client_s_assertion_with_one_thing_wrong_is_refused(
    world: World, change: Claims, cause: str
) -> None:
    form = world.form()
    claims = decoded(form["client_assertion"])
    for name, value in change.items():
        timed = name in {"exp", "iat", "nbf"} and isinstance(value, int)
        claims[name] = in_seconds(value) if timed else value
    claims = {k: v for k, v in claims.items() if v is not None}
    raw = compact({"alg": "ES256", "typ": "JWT"}, claims, raw_es256(world.rms_key))
    await refused_client(world, cause, form | {"client_assertion": raw})


def raw_es256(key: ec.EllipticCurvePrivateKey) -> Callable[[bytes], bytes]:
    algorithm = jwt.get_algorithm_by_name("ES256")

    def sign(data: bytes) -> bytes:
        signature: bytes = algorithm.sign(data, key)
        return signature

    return sign


async def test_a_handmade_assertion_is_taken_where_nothing_is_wrong(world: World) -> None:
    form = world.form()
    claims = decoded(form["client_assertion"])
    raw = compact({"alg": "ES256", "typ": "JWT"}, claims, raw_es256(world.rms_key))
    assert (await world.post(form | {"client_assertion": raw})).status_code == 200


async def test_unsigned_and_confused_assertions_are_refused(world: World) -> None:
    form = world.form()
    claims = decoded(form["client_assertion"])
    pem = public_pem(world.rms_key)

    def mac(data: bytes) -> bytes:
        return hmac.digest(pem, data, hashlib.sha256) * 2  # as long as a signature of ES256

    for text, cause in (
        (compact({"alg": "none"}, claims, lambda _: b""), "client_malformed"),
        (compact({"alg": "none"}, claims, lambda _: b"x" * 64), "client_algorithm"),
        (compact({"alg": "HS256"}, claims, mac), "client_algorithm"),
        (
            compact({"alg": "HS512"}, claims, lambda d: hmac.digest(pem, d, "sha512")),
            "client_algorithm",
        ),
        (es256(claims, new_key()), "client_signature"),
        (es256(claims, world.rms_key, typ="at+jwt"), "client_header"),
        (es256(claims, world.rms_key, jku="https://x.example"), "client_header"),
        ("", "client_malformed"),
        ("a.b.c", "client_malformed"),
        ("x" * 9_000, "client_malformed"),
    ):
        await refused_client(world, cause, form | {"client_assertion": text})


async def test_strange_json_in_an_assertion_is_refused(world: World) -> None:
    sign = raw_es256(world.rms_key)
    header = {"alg": "ES256"}
    for payload in (
        b"[]",
        b'"text"',
        b'{"sub":"records-system","exp":1e999}',
        b'{"sub":"records-system","exp":NaN}',
        b'{"sub":' + b"[" * 2_000,
        b'{"sub":"\\ud800"}',
        b'{"sub":"records-system","exp":' + b"9" * 99 + b"}",
        b"\xff\xfe{}",
    ):
        form = world.form() | {"client_assertion": compact(header, payload, sign)}
        response = await world.post(form)
        assert response.status_code == 401, payload


async def test_a_claim_that_stands_twice_buys_no_longer_life(world: World) -> None:
    for order in ((60, TEN_YEARS), (TEN_YEARS, 60)):
        claims = decoded(world.form()["client_assertion"])
        del claims["exp"]
        twice = json.dumps(claims)[:-1] + "".join(f', "exp": {in_seconds(s)}' for s in order) + "}"
        raw = compact({"alg": "ES256"}, twice.encode(), raw_es256(world.rms_key))
        response = await world.post(world.form() | {"client_assertion": raw})
        assert response.status_code == (401 if order[1] == TEN_YEARS else 200)


async def test_an_assertion_is_taken_once(world: World) -> None:
    form = world.form(world.officer())
    assert (await world.post(form)).status_code == 200
    fresh = world.form(world.officer())
    response = await world.post(form)
    assert response.status_code == 401
    assert world.causes[-1] == "client_replayed"
    response = await world.post(form | {"client_assertion": fresh["client_assertion"]})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    assert world.causes[-1] == "officer_replayed"


async def test_a_restart_forgets_no_assertion(world: World, tmp_path: Path) -> None:
    form = world.form()
    assert (await world.post(form)).status_code == 200
    claims = decoded(form["client_assertion"])
    engine = open_sqlite(tmp_path / "state.db")
    assert not Replays(engine).take(RMS, claims["jti"], in_seconds(60))
    assert Replays(engine).take(SYSTEM, claims["jti"], in_seconds(60)), "another client's jti"
    engine.dispose()


async def test_no_log_on_where_assertions_cannot_be_remembered(
    world: World, tmp_path: Path
) -> None:
    engine = open_sqlite(tmp_path / "state.db", read_only=True)
    world.service._server.replays._engine = engine
    response = await world.post(world.form())
    assert response.status_code == 503
    engine.dispose()


async def test_a_client_proves_itself_in_no_other_way(world: World) -> None:
    form = world.form()
    for wrong in (
        {k: v for k, v in form.items() if k != "client_assertion"},
        {k: v for k, v in form.items() if k != "client_assertion_type"},
        form | {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2"},
        {"grant_type": "client_credentials", "client_id": RMS},
        form | {"client_id": SYSTEM},
    ):
        response = await world.post(wrong)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    response = await world.post(form | {"client_secret": "x"})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    response = await world.http.post("/oauth2/token", data=form, auth=(RMS, "x"))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert (await world.post(form)).status_code == 200, "none of it used the assertion up"


# -- grants and scopes ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"roles": ["officer", "administrator"]}, "officer_not_permitted"),
        ({"roles": []}, "officer_not_permitted"),
        ({"attributes": ["sworn", "other"]}, "officer_not_permitted"),
        ({"acr": "3"}, "officer_not_permitted"),
        ({"acr": 2}, "officer_claims"),
        ({"acr": "9"}, "officer_claims"),
        ({"ori": "BB9990000"}, "officer_agency"),
        ({"sub": RMS}, "officer_subject"),
        ({"sub": "two words"}, "officer_claims"),
        ({"sub": None}, "officer_claims"),
        ({"iss": SYSTEM}, "officer_issuer"),
        ({"aud": f"{ISSUER}/v1"}, "officer_audience"),
        ({"iat": None}, "officer_claims"),
        ({"jti": None}, "officer_claims"),
        ({"exp": TEN_YEARS}, "officer_lifetime"),
        ({"exp": -6, "iat": -60}, "officer_expired"),
        ({"auth_time": 60}, "officer_session"),
        ({"auth_time": -90_000}, "officer_session"),
        ({"auth_time": None}, "officer_claims"),
        ({"unit_function": "Not A Word"}, "officer_claims"),
        ({"unit": ""}, "officer_claims"),
        ({"scope": "admin"}, "officer_claims"),
    ],
)
async def test_an_officer_s_assertion_with_one_thing_wrong_is_refused(
    world: World, change: Claims, cause: str
) -> None:
    form = world.form(world.officer())
    claims = decoded(form["assertion"])
    for name, value in change.items():
        timed = name in {"exp", "iat", "auth_time"} and isinstance(value, int)
        claims[name] = in_seconds(value) if timed else value
    claims = {k: v for k, v in claims.items() if v is not None}
    raw = compact({"alg": "ES256"}, claims, raw_es256(world.rms_key))
    response = await world.post(form | {"assertion": raw})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    assert response.json()["error_description"].startswith("The request was refused.")
    assert world.causes == [cause]
    assert [(r.succeeded, r.client, r.causes) for r in world.reports] == [(False, RMS, (cause,))]


async def test_an_officer_s_assertion_by_another_key_is_refused(world: World) -> None:
    form = world.form(world.officer())
    claims = decoded(form["assertion"])
    for key in (new_key(), world.system_key):
        fresh = world.form() | {"grant_type": JWT_BEARER, "assertion": es256(claims, key)}
        response = await world.post(fresh)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
        assert world.causes[-1] == "officer_signature"


async def test_an_officer_s_assertion_alone_is_not_enough(world: World) -> None:
    form = world.form(world.officer())
    alone = {k: v for k, v in form.items() if not k.startswith("client_")}
    response = await world.post(alone)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    response = await world.post({k: v for k, v in form.items() if k != "assertion"})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


async def test_a_client_without_the_right_names_no_officer(world: World) -> None:
    form = token_form(
        world.system_key, client_id=SYSTEM, issuer=ISSUER, ori=ORI, officer=world.officer()
    )
    response = await world.post(form)
    assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")


@pytest.mark.parametrize(
    "scope", ["admin", "search admin", "everything", "", " ", "search  notify", "search,notify"]
)
async def test_a_scope_that_is_not_registered_is_refused(world: World, scope: str) -> None:
    for officer in (None, world.officer()):
        response = await world.post(world.form(officer, scope))
        assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")


async def test_other_grants_are_refused(world: World) -> None:
    for grant in ("password", "authorization_code", "refresh_token", "", "x" * 99):
        response = await world.post(world.form() | {"grant_type": grant})
        assert (response.status_code, response.json()["error"]) == (400, "unsupported_grant_type")
        assert grant == "" or grant not in response.text
        for usable in ("client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"):
            assert usable in response.json()["error_description"]


# -- forms that are none ----------------------------------------------------------------------


async def test_a_parameter_that_stands_twice_is_refused(world: World) -> None:
    body = str(httpx.QueryParams(world.form()))
    for twice in ("scope=admin", "scope=search", "grant_type=client_credentials", "x=1&x=2"):
        response = await world.http.post("/oauth2/token", content=f"{body}&{twice}", headers=FORM)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert (
        await world.http.post("/oauth2/token", content=body, headers=FORM)
    ).status_code == 200, "none of it used the assertion up"


async def test_what_is_no_small_form_is_refused(world: World) -> None:
    body = str(httpx.QueryParams(world.form()))
    for content, headers, status in (
        (b"{}", {"Content-Type": "application/json"}, 400),
        (body.encode(), {}, 400),
        (body.encode(), [("Content-Type", FORM["Content-Type"])] * 2, 400),
        (b"\xff=\xfe", FORM, 400),
        (b"a=%ff", FORM, 400),
        (b"novalue", FORM, 400),
        (b"&".join(b"a%d=1" % i for i in range(17)), FORM, 400),
        (b"a=" + b"x" * 16 * 1024, FORM, 413),
        (b"a=" + b"x" * 300 * 1024, FORM, 413),
    ):
        response = await world.http.post("/oauth2/token", content=content, headers=headers)
        assert response.status_code == status
        assert not world.causes


async def test_the_token_endpoint_takes_posts_only(world: World) -> None:
    response = await world.http.get("/oauth2/token", params=world.form())
    assert response.status_code == 405


async def test_parameters_in_the_address_do_not_count(world: World) -> None:
    response = await world.http.post(
        "/oauth2/token",
        params=world.form(),
        content=b"grant_type=client_credentials",
        headers=FORM,
    )
    assert response.status_code == 401
