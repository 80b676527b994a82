"""Whatever text comes as a token or a form: it is refused, and nothing else is raised."""

import base64
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, select
from sqlalchemy.pool import StaticPool

from gateway.database import open_sqlite
from gateway.errors import NotAuthenticated, Unavailable
from gateway.model import Officer, Ori
from gateway.trust.access import AccessTokens
from gateway.trust.assertions import ASSERTION_TYPE, read_client_assertion, token_form
from gateway.trust.clients import JWT_BEARER, Client, Clients
from gateway.trust.grants import Server
from gateway.trust.jwk import ec_jwk, thumbprint
from gateway.trust.jwts import Unproven, require_sound
from gateway.trust.replays import Replays, used_assertions
from tests.soak import count

ISSUER = "https://gateway.example"
ORI = Ori("AA9990000")
KEY = ec.generate_private_key(ec.SECP256R1())
CLIENT = Client(
    "rms",
    KEY.public_key(),
    thumbprint(ec_jwk(KEY.public_key())),
    frozenset({"search"}),
    frozenset({"officer"}),
    frozenset({"sworn"}),
    2,
)
CLIENTS = Clients([CLIENT])
ACCESS = AccessTokens(ec.generate_private_key(ec.SECP256R1()), issuer=ISSUER, ori=ORI, seconds=300)
OFFICER = Officer("o.1", "Robbery", "patrol", frozenset({"officer"}), 2, datetime.now(UTC))


def memory() -> Replays:
    return Replays(
        create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    )


SERVER = Server(issuer=ISSUER, ori=ORI, access=ACCESS, replays=memory(), clients=lambda: CLIENTS)

_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
_part = st.one_of(
    st.binary(max_size=60).map(lambda b: base64.urlsafe_b64encode(b).rstrip(b"=").decode()),
    _json.map(lambda j: base64.urlsafe_b64encode(repr(j).encode()).rstrip(b"=").decode()),
    st.text(max_size=20),
)
_tokens = st.one_of(st.text(max_size=200), st.lists(_part, min_size=1, max_size=5).map(".".join))
_signed = st.tuples(_part, _part).map(lambda p: f"{p[0]}.{p[1]}.{'A' * 86}")


@given(st.one_of(_tokens, _signed))
def test_any_text_is_no_access_token(text: str) -> None:
    with pytest.raises(NotAuthenticated):
        ACCESS.verify(text, CLIENTS)


@given(position=st.integers(0, 10_000), flip=st.integers(1, 127))
def test_an_access_token_with_a_character_changed_is_none(position: int, flip: int) -> None:
    good = ACCESS.mint(CLIENT, frozenset({"search"}), OFFICER)
    assert ACCESS.verify(good, CLIENTS).client == "rms"
    at = position % len(good)
    bad = good[:at] + chr(ord(good[at]) ^ flip) + good[at + 1 :]
    with pytest.raises(NotAuthenticated):
        ACCESS.verify(bad, CLIENTS)


_form = st.dictionaries(
    st.sampled_from(
        ["grant_type", "client_assertion_type", "client_assertion", "assertion", "scope", "x"]
    ),
    st.one_of(
        _tokens,
        _signed,
        st.sampled_from([ASSERTION_TYPE, JWT_BEARER, "client_credentials", "search"]),
    ),
)


@given(_form)
def test_any_form_is_answered_and_none_gives_a_token(form: dict[str, str]) -> None:
    outcome = SERVER.create_token_response(form)
    assert not outcome.succeeded
    assert outcome.status in {400, 401}
    assert set(outcome.body) == {"error", "error_description"}
    assert outcome.client is None


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        (b"{}", b"[]"),
        (b"{}", b"not json"),
        (b"{}", b'{"a":' + b"[" * 30 + b"]" * 30 + b"}"),
        (b'{"a":NaN}', b"{}"),
        (b"{}", b"{" * 900),
    ],
)
def test_what_is_no_plain_token_meets_no_other_parser(header: bytes, payload: bytes) -> None:
    good = ACCESS.mint(CLIENT, frozenset({"search"}), OFFICER)
    require_sound(good)
    for text in (f"{b64(header)}{b64(b'{     }')}", f"{good}=", good + " ", "a" * 5_000):
        with pytest.raises(Unproven, match="malformed"):
            require_sound(text)
    with pytest.raises(Unproven, match="malformed"):
        require_sound(f"{b64(header + b' ')}.{b64(payload + b' ')}.{'A' * 86}")
    head, body, signature = good.split(".")
    for changed in (f"{head}A.{body}.{signature}", f"{head}.{body}.{signature[:-1]}B"):
        with pytest.raises(Unproven, match="malformed"):
            require_sound(changed)


def test_a_client_s_proof_is_about_that_client() -> None:
    form = token_form(KEY, client_id="rms", issuer=ISSUER)
    read_client_assertion(
        form["client_assertion"], KEY.public_key(), client_id="rms", issuer=ISSUER
    )
    claims = jwt.decode(form["client_assertion"], options={"verify_signature": False})
    other = jwt.encode(claims | {"sub": "cad"}, KEY, algorithm="ES256")
    with pytest.raises(Unproven, match="subject"):
        read_client_assertion(other, KEY.public_key(), client_id="rms", issuer=ISSUER)


def test_an_officer_s_form_needs_the_agency() -> None:
    with pytest.raises(ValueError, match="ORI"):
        token_form(KEY, client_id="rms", issuer=ISSUER, officer=OFFICER)


def test_the_same_server_still_gives_tokens() -> None:
    form = token_form(KEY, client_id="rms", issuer=ISSUER, ori=ORI, officer=OFFICER)
    outcome = SERVER.create_token_response(form)
    assert outcome.succeeded
    assert outcome.officer is not None
    assert outcome.officer.subject == "o.1"


def test_an_access_token_lives_ten_minutes_at_most() -> None:
    for seconds in (0, -1, 601):
        with pytest.raises(ValueError, match="lives"):
            AccessTokens(KEY, issuer=ISSUER, ori=ORI, seconds=seconds)


def test_an_assertion_is_taken_by_one_of_many_at_once(tmp_path: Path) -> None:
    """As many processes of one gateway would: each with its own connections to the file."""
    engines = [open_sqlite(tmp_path / "state.db") for _ in range(4)]
    stores = [Replays(engine) for engine in engines]
    expires = int(time.time()) + 60
    with ThreadPoolExecutor(8) as pool:
        for i in range(count(10, 1_000)):
            jti = f"jti-{i:08}"
            taken = list(pool.map(lambda s, j=jti: s.take("rms", j, expires), stores * 4))
            assert sum(taken) == 1
    for engine in engines:
        engine.dispose()


def test_what_expired_is_forgotten_and_nothing_else() -> None:
    replays = memory()
    now = int(time.time())
    assert replays.take("rms", "old", now - 1)
    assert replays.take("rms", "new", now + 60)
    replays._pruned = 0
    for _ in range(count(5, 500)):
        assert replays.take("rms", secrets.token_hex(8), now + 60)
    with replays._engine.connect() as connection:
        left = connection.execute(select(used_assertions.c.expires)).scalars().all()
    assert min(left) >= now
    assert not replays.take("rms", "new", now + 60)
    assert replays.take("rms", "old", now + 60)


def test_a_database_that_can_t_be_opened_is_said_to() -> None:
    with pytest.raises(Unavailable, match="state database"):
        Replays(create_engine("sqlite:////nowhere/at/all/state.db"))
