"""Every forgery through the real routes of a running gateway: tokens, and peer messages."""

import base64
import json
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import orjson
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from demo.__main__ import BORDER, POLICE, SHERIFF, person, question
from demo.agreements import digest_between
from demo.cast import MARISOL
from demo.world import CLIENT, Gateway, World, an_officer
from gateway.http.client import new_search_id
from gateway.model import stamp
from gateway.peers import ANSWER, PATH
from gateway.trust import assertions
from gateway.trust import keys as key_files
from gateway.trust import registry as registries
from gateway.trust.signatures import SignedRequest, Signer, Verifier

BODY = question(person(MARISOL), "warrant", agencies=[SHERIFF])


def claims(world: World, **more: Any) -> dict[str, Any]:
    token = world[POLICE].token(an_officer(), "search")
    good: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return {k: v for k, v in (good | more).items() if v is not None}


def ask(world: World, token: str | None) -> httpx.Response:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return httpx.post(f"{world[POLICE].url}/v1/searches", json=BODY, headers=headers, timeout=20)


def test_a_good_token_works(world: World) -> None:
    assert ask(world, world[POLICE].token(an_officer(), "search")).status_code == 200


def test_no_token(world: World) -> None:
    response = ask(world, None)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert response.json()["code"] == "auth.not_authenticated"


def forged(world: World) -> dict[str, str]:
    key = key_files.load(world[POLICE].home).token
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    typ = {"typ": "at+jwt"}
    stranger = ec.generate_private_key(ec.SECP256R1())
    now = int(time.time())

    def plain(part: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()

    # What a library refuses to make is made by hand: HS256 with the public key as its secret.
    import hashlib  # noqa: PLC0415 - for this forgery alone
    import hmac  # noqa: PLC0415 - as above

    confused = f"{plain({'alg': 'HS256', **typ})}.{plain(claims(world))}"
    mac = hmac.digest(public, confused.encode(), hashlib.sha256)
    return {
        "another gateway's": world[SHERIFF].token(an_officer(), "search"),
        "wrong audience": jwt.encode(claims(world, aud="https://x.example"), key, "ES256", typ),
        "no audience": jwt.encode(claims(world, aud=None), key, "ES256", typ),
        "wrong issuer": jwt.encode(claims(world, iss="https://x.example"), key, "ES256", typ),
        "expired": jwt.encode(claims(world, exp=now - 1), key, "ES256", typ),
        "no expiry": jwt.encode(claims(world, exp=None), key, "ES256", typ),
        "alg none": f"{plain({'alg': 'none', **typ})}.{plain(claims(world))}.",
        "key confusion": f"{confused}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}",
        "a stranger's key": jwt.encode(claims(world), stranger, "ES256", typ),
        "another type": jwt.encode(claims(world), key, "ES256", {"typ": "JWT"}),
        "cut": world[POLICE].token(an_officer(), "search")[:-4],
        "no token at all": "x",
    }


def test_forged_tokens_all_look_the_same(world: World) -> None:
    seen = set()
    for name, token in forged(world).items():
        response = ask(world, token)
        assert response.status_code == 401, name
        problem = response.json()
        problem.pop("reference")
        seen.add(json.dumps(problem, sort_keys=True))
    assert len(seen) <= 2  # not a token at all may say so


def test_without_an_officer_403(world: World) -> None:
    response = ask(world, world[POLICE].token(None, "search"))
    assert (response.status_code, response.json()["code"]) == (403, "auth.no_officer")


def test_without_the_scope_403(world: World) -> None:
    assert ask(world, world[POLICE].token(an_officer(), "audit")).status_code == 403
    for path in ("/v1/audit/entries", "/v1/admin/sources"):
        token = world[POLICE].token(an_officer(), "search")
        response = httpx.get(
            world[POLICE].url + path, headers={"authorization": f"Bearer {token}"}, timeout=20
        )
        assert response.status_code == 403, path


def test_an_assertion_that_lives_ten_years(world: World) -> None:
    gateway = world[POLICE]
    form = assertions.token_form(
        gateway.client_key,
        client_id=CLIENT,
        issuer=gateway.url,
        ori=gateway.ori,
        officer=an_officer(),
        scope="search",
    )
    now = int(time.time())
    for part in ("client_assertion", "assertion"):
        header = jwt.get_unverified_header(form[part])
        inside = jwt.decode(form[part], options={"verify_signature": False})
        for change in ({"exp": now + 315_360_000}, {"iat": None}, {"jti": None}, {"exp": None}):
            long = {k: v for k, v in (inside | change).items() if v is not None}
            text = jwt.encode(long, gateway.client_key, "ES256", header)
            answer = httpx.post(f"{gateway.url}/oauth2/token", data=form | {part: text}, timeout=20)
            assert answer.status_code in {400, 401}, (part, change)
            assert "access_token" not in answer.json()


# -- peer messages ----------------------------------------------------------------------------


@dataclass
class Wire:
    """One signed question from the police to the sheriff, to be tampered with."""

    world: World
    signer: Signer
    transaction: str
    body: bytes

    @property
    def url(self) -> str:
        return self.world[SHERIFF].url + PATH

    def signed(self, **more: Any) -> SignedRequest:
        given: dict[str, Any] = {
            "target_uri": self.url,
            "body": self.body,
            "transaction": self.transaction,
            "now": datetime.now(UTC),
        }
        return self.signer.sign_request(**(given | more))

    def send(
        self, signed: SignedRequest, *, body: bytes | None = None, **headers: str
    ) -> httpx.Response:
        return httpx.post(
            self.url,
            content=self.body if body is None else body,
            headers=dict(signed.headers) | headers,
            timeout=20,
        )


@pytest.fixture
def wire(world: World) -> Wire:
    return make_wire(world)


def make_wire(world: World, **more: Any) -> Wire:
    transaction = new_search_id()
    body: dict[str, Any] = {
        "version": 1,
        "transaction": transaction,
        "owner": SHERIFF,
        "asker": {
            "ori": POLICE,
            "unit": "Robbery",
            "unit_function": "investigation",
            "officer": "forged-officer-00000",
            "roles": ["officer"],
            "assurance": 2,
            "auth_time": stamp(datetime.now(UTC)),
            "attributes": ["sworn", "chri_certified"],
        },
        "purpose": "criminal_investigation",
        "iii_purpose_code": "C",
        "reference": {"type": "case", "number": "26-004417"},
        "reason": {"code": "robbery", "text": "Named suspect"},
        "subject": person(MARISOL),
        "record_types": ["warrant"],
        "granularity": "record",
        "agreement": digest_between(world[POLICE].home, SHERIFF),
    }
    signer = Signer(key_files.load(world[POLICE].home).message)
    return Wire(world, signer, transaction, orjson.dumps(body | more))


def verified(wire: Wire, signed: SignedRequest, response: httpx.Response) -> None:
    """The answer, errors included, is signed by the sheriff for this very question."""
    path = wire.world[POLICE].home / registries.FILE
    registry = registries.load(path, own_ori=wire.world[POLICE].ori)
    peer = registry.by_ori(SHERIFF)
    assert peer is not None
    Verifier(registry, count=lambda _: None).verify_response(
        peer,
        signed.binding,
        status=response.status_code,
        headers=response.headers.raw,
        body=response.content,
        now=datetime.now(UTC),
    )


def test_a_good_message_is_answered_and_the_answer_signed(wire: Wire) -> None:
    signed = wire.signed()
    response = wire.send(signed)
    assert response.status_code == 200, response.text
    verified(wire, signed, response)
    answer = ANSWER.validate_json(response.content)
    assert answer.status == "answered"
    assert answer.leaf


def test_questions_are_counted_by_their_route_and_nothing_else_is_one(wire: Wire) -> None:
    url = wire.world[SHERIFF].url
    counted = f'sallyport_http_seconds_count{{route="{PATH}",status="200"}} '

    def count() -> float:
        lines = httpx.get(f"{url}/metrics", timeout=20).text.splitlines()
        return sum(float(line.removeprefix(counted)) for line in lines if line.startswith(counted))

    before = count()
    assert wire.send(wire.signed()).status_code == 200
    assert count() == before + 1
    wrong = httpx.get(url + PATH, timeout=20)
    assert (wrong.status_code, wrong.json()["code"]) == (405, "request.method")
    assert httpx.post(url + PATH + "/", content=wire.body, timeout=20).status_code in {307, 404}
    asked = httpx.post(url + PATH + "?a=1", content=wire.body, timeout=20)
    assert asked.status_code == 422
    assert asked.headers["cache-control"] == "no-store"
    large = httpx.post(url + PATH, content=iter([b"x" * 2**20] * 20), timeout=20)
    assert (large.status_code, large.json()["code"]) == (413, "request.too_large")


def test_a_changed_body(wire: Wire) -> None:
    signed = wire.signed()
    changed = wire.body.replace(b'"warrant"', b'"arrest"')
    response = wire.send(signed, body=changed)
    assert (response.status_code, response.json()["code"]) == (401, "signature.invalid")


@pytest.mark.parametrize("minutes", [-10, -2, 2, 10])
def test_an_old_or_future_time(wire: Wire, minutes: int) -> None:
    signed = wire.signed(now=datetime.now(UTC) + timedelta(minutes=minutes))
    assert wire.send(signed).status_code == 401


def test_a_replayed_nonce(wire: Wire) -> None:
    signed = wire.signed()
    assert wire.send(signed).status_code == 200
    again = wire.send(signed)
    assert (again.status_code, again.json()["code"]) == (401, "signature.replayed")


def restart(world: World) -> None:
    world[SHERIFF].stop()
    world[SHERIFF].start()
    world[SHERIFF].ready()


def test_a_replay_after_a_restart(wire: Wire) -> None:
    signed = wire.signed()
    assert wire.send(signed).status_code == 200
    restart(wire.world)
    assert wire.send(signed).json()["code"] == "signature.replayed"


def test_a_purpose_that_a_peer_is_not_pinned_for(world: World, wire: Wire) -> None:
    pinned = world[SHERIFF].home / registries.FILE
    before = pinned.read_text(encoding="utf-8")
    peers = yaml.safe_load(before)
    (police,) = [p for p in peers["peers"] if p["ori"] == POLICE]
    police["allowed_purposes"] = ["traffic_stop"]
    pinned.write_text(yaml.safe_dump(peers), encoding="utf-8")
    restart(world)
    try:
        signed = wire.signed()
        response = wire.send(signed)
        assert (response.status_code, response.json()["code"]) == (401, "signature.invalid")
        assert "purpose" in response.json()["detail"]
        verified(wire, signed, response)
        # What it is pinned for gets as far as policy.
        other = make_wire(world, purpose="traffic_stop", iii_purpose_code=None)
        signed = other.signed()
        response = other.send(signed)
        assert response.status_code == 200, response.text
        verified(other, signed, response)
    finally:
        pinned.write_text(before, encoding="utf-8")
        restart(world)
    assert wire.send(wire.signed()).status_code == 200


def test_another_peers_key(wire: Wire) -> None:
    border = Signer(key_files.load(wire.world["USBPX9900"].home).message)
    signed = border.sign_request(
        target_uri=wire.url, body=wire.body, transaction=wire.transaction, now=datetime.now(UTC)
    )
    assert wire.send(signed).status_code == 401


def test_a_strangers_key(wire: Wire) -> None:
    stranger = Signer(ec.generate_private_key(ec.SECP256R1()))
    signed = stranger.sign_request(
        target_uri=wire.url, body=wire.body, transaction=wire.transaction, now=datetime.now(UTC)
    )
    response = wire.send(signed)
    assert response.status_code == 401
    assert "signature" not in response.headers


def test_another_addressee(world: World, wire: Wire) -> None:
    # A question for the border sector, sent to the sheriff: by its target, and by its body.
    elsewhere = wire.signed(target_uri=world["USBPX9900"].url + PATH)
    assert wire.send(elsewhere).status_code == 401
    other = make_wire(world, owner="USBPX9900")
    signed = other.signed()
    response = other.send(signed)
    assert (response.status_code, response.json()["code"]) == (401, "signature.invalid")
    verified(other, signed, response)


def test_another_transaction(wire: Wire) -> None:
    signed = wire.signed(transaction=new_search_id())
    assert wire.send(signed).status_code == 401


def test_no_signature(wire: Wire) -> None:
    response = httpx.post(
        wire.url, content=wire.body, headers={"content-type": "application/json"}, timeout=20
    )
    assert response.status_code == 401


def test_a_signed_message_that_breaks_the_protocol(world: World) -> None:
    broken = make_wire(world, granularity="everything")
    signed = broken.signed()
    response = broken.send(signed)
    assert response.status_code == 422
    assert "everything" not in response.text
    verified(broken, signed, response)


def test_a_question_of_an_officer_who_logged_on_too_long_ago(world: World) -> None:
    """Whatever the asking agency's own door lets through."""
    asker = orjson.loads(make_wire(world).body)["asker"]
    for hours, status in ((11.9, "answered"), (12.1, "refused")):
        logged_on = stamp(datetime.now(UTC) - timedelta(hours=hours))
        wire = make_wire(world, asker={**asker, "auth_time": logged_on})
        response = wire.send(wire.signed())
        assert (response.status_code, response.json()["status"]) == (200, status)
        told = [r["code"] for r in response.json().get("reasons", ())]
        assert told == (["officer.log_on"] if status == "refused" else [])


def test_what_a_peer_signed_falsely_stands_in_the_log(world: World) -> None:
    """It can be proved, and a nonce that was used for it counts for nothing else."""
    good = orjson.loads(make_wire(world).body)
    late = good["asker"] | {"auth_time": "2099-01-01T00:00:00.00Z"}
    two = good["subject"] | {"item": {"serial": "1"}}
    for more, status in (
        ({"asker": good["asker"] | {"ori": BORDER}}, 401),
        ({"owner": BORDER}, 401),
        ({"asker": late}, 401),
        ({"subject": two}, 422),
        ({"verdict": "guilty"}, 422),
        ({"max_matches": "7"}, 422),
        ({"reference": {"type": "case", "number": "-"}}, 422),
    ):
        false = make_wire(world, **more)
        signed = false.signed()
        response = false.send(signed)
        assert response.status_code == status, response.text
        (entry,) = logged(world[SHERIFF], false.transaction)
        assert (entry["type"], entry["decision"], entry["peer"]) == ("deny", "deny", POLICE)
        assert entry["reasons"] == [response.json()["code"]]
        assert entry["request"].startswith("sha-256:")
        again = false.send(signed)
        assert again.json()["code"] == "signature.replayed", again.text
    twice = make_wire(world)
    twice = replace(twice, body=b'{"purpose":"traffic_stop",' + twice.body[1:])
    assert twice.send(twice.signed()).status_code == 422


def logged(gateway: Gateway, transaction: str) -> list[dict[str, Any]]:
    with gateway.client(an_officer(roles=("auditor",)), "audit") as client:
        found = client.get("/v1/audit/entries", params={"transaction": transaction})
    assert found.status_code == 200, found.text
    entries: list[dict[str, Any]] = found.json()["entries"]
    return entries


def test_strangers_can_not_fill_the_log(wire: Wire) -> None:
    before = size(wire)
    for _ in range(60):
        httpx.post(
            wire.url, content=b"{}", headers={"content-type": "application/json"}, timeout=20
        )
    assert size(wire) - before <= 3


def size(wire: Wire) -> int:
    done = wire.world[SHERIFF].command("audit", "verify", "--json")
    return int(json.loads(done.stdout)["entries"])
