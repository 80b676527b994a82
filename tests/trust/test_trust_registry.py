"""peers.yaml and clients.yaml: read strictly, refused with the entry and the field."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import TypeAdapter

from gateway.errors import Misconfigured
from gateway.model import Ori
from gateway.trust import clients, registry
from gateway.trust.files import YAML_CAP, read_yaml
from gateway.trust.jwk import ec_jwk, ed_jwk, thumbprint

OWN = Ori("ZZ9990000")
Entry = dict[str, Any]


def peer(ori: str, /, **change: Any) -> Entry:
    key = ec_jwk(ec.generate_private_key(ec.SECP256R1()).public_key())
    entry: Entry = {
        "ori": ori,
        "name": "An agency",
        "url": f"https://{ori.lower()}.example",
        "key_id": thumbprint(key),
        "key": key,
        "log_key": ed_jwk(Ed25519PrivateKey.generate().public_key()),
        "agreement_key": ed_jwk(Ed25519PrivateKey.generate().public_key()),
    }
    return {k: v for k, v in (entry | change).items() if v is not None}


def client(client_id: str, /, **change: Any) -> Entry:
    entry: Entry = {
        "client_id": client_id,
        "key": ec_jwk(ec.generate_private_key(ec.SECP256R1()).public_key()),
        "scopes": ["search", "notify"],
        "officers": {"roles": ["officer"], "attributes": ["sworn"], "assurance": 2},
    }
    return {k: v for k, v in (entry | change).items() if v is not None}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[object], Path]:
    def writer(document: object) -> Path:
        path = tmp_path / "file.yaml"
        text = document if isinstance(document, str) else json.dumps(document)
        path.write_text(text, encoding="utf-8")
        return path

    return writer


Write = Callable[[object], Path]


def load(path: Path, own_keys: frozenset[str] = frozenset()) -> registry.Registry:
    return registry.load(path, own_ori=OWN, own_key_ids=own_keys)


def test_peers_are_found_by_ori_and_by_key(write: Write) -> None:
    one, two = peer("AA9990000"), peer("BB9990000", allowed_purposes=["exercise"])
    found = load(write({"version": 1, "peers": [one, two]}))
    assert [p.ori for p in found.peers] == ["AA9990000", "BB9990000"]
    first = found.by_ori("AA9990000")
    assert first is not None
    assert first is found.by_key_id(one["key_id"])
    assert first.allowed_purposes is None
    assert ec_jwk(first.public_key) == one["key"]
    assert ed_jwk(first.log_key) == one["log_key"]
    second = found.by_ori("BB9990000")
    assert second is not None
    assert second.allowed_purposes == {"exercise"}
    assert found.by_ori("CC9990000") is None
    assert found.by_key_id("x") is None


def test_no_peers_is_fine(write: Write) -> None:
    assert load(write({"version": 1, "peers": []})).peers == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"more": 1}, "peers.0.more"),
        ({"ori": "short"}, "peers.0.ori"),
        ({"ori": None}, "peers.0.ori"),
        ({"name": False}, "peers.0.name"),
        ({"name": ""}, "peers.0.name"),
        ({"key_id": "A" * 43}, "key_id is not this key's"),
        ({"key": {"kty": "EC"}}, "AA9990000: a JWK"),
        ({"key": ed_jwk(Ed25519PrivateKey.generate().public_key())}, "AA9990000: a JWK"),
        ({"log_key": ec_jwk(ec.generate_private_key(ec.SECP256R1()).public_key())}, "a JWK"),
        ({"url": "http://aa.example"}, "https"),
        ({"url": "ftp://aa.example"}, "https"),
        ({"url": "https://aa.example/"}, "slash"),
        ({"url": "https://aa.example?x=1"}, "query"),
        ({"url": "https://aa.example#x"}, "fragment"),
        ({"url": "https://user:pass@aa.example"}, "password"),
        ({"url": "https://aa.example:99999"}, "ort"),
        ({"url": "https://aa.example:0"}, "port"),
        ({"url": "https:///x"}, "https"),
        ({"url": "https://a\u00e4.example"}, "https"),
        ({"url": " https://aa.example"}, "AA9990000"),
        ({"url": "https://" + "a" * 600}, "peers.0.url"),
        ({"url": "http://127.0.0.1.example"}, "https"),
        ({"allowed_purposes": ["Not A Word"]}, "peers.0.allowed_purposes"),
        ({"allowed_purposes": "exercise"}, "peers.0.allowed_purposes"),
    ],
)
def test_a_peer_with_one_thing_wrong_is_refused(write: Write, change: Entry, said: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        load(write({"version": 1, "peers": [peer("AA9990000", **change)]}))
    assert said in caught.value.detail


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8443",
        "http://localhost:8443",
        "http://[::1]:8443",
        "https://aa.example:8443/gateway",
    ],
)
def test_loopback_needs_no_tls(write: Write, url: str) -> None:
    found = load(write({"version": 1, "peers": [peer("AA9990000", url=url)]}))
    assert found.peers[0].url == url


@pytest.mark.parametrize("shared", ["ori", "key", "log_key", "agreement_key", "url"])
def test_two_peers_share_nothing(write: Write, shared: str) -> None:
    one = peer("AA9990000")
    same = {shared: one[shared]} | ({"key_id": one["key_id"]} if shared == "key" else {})
    with pytest.raises(Misconfigured, match="shares its ORI, a key or its URL"):
        load(write({"version": 1, "peers": [one, peer("BB9990000", **same)]}))


def test_our_own_ori_or_key_as_a_peer_s_is_refused(write: Write) -> None:
    entry = peer("AA9990000")
    path = write({"version": 1, "peers": [entry]})
    with pytest.raises(Misconfigured, match="own ORI or key"):
        load(path, frozenset({entry["key_id"]}))
    with pytest.raises(Misconfigured, match="own ORI or key"):
        load(write({"version": 1, "peers": [peer(OWN)]}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "document"),
        ("version: 2\npeers: []", "version"),
        ("version: 1", "peers"),
        ("version: 1\npeers: []\nmore: 1", "more"),
        ("version: 1\npeers: []\npeers: []", "line 3: a key stands twice"),
        ("version: 1\npeers: &a []\nmore: *a", "line 3: aliases are not taken"),
        ("version: 1\npeers: [", "line"),
        ("version: 1\npeers: []\n1: 2", "line 3: a key is a plain text"),
        ("version: 1\npeers: !!python/object:os.system {}", "line 2"),
        ("version: 1\npeers: []\n<<: {a: 1}", "line 3: a key is a plain text"),
        ("- 1", "document"),
        ("version: 1\npeers: []\n---\n", "line 3"),
        ("[" * 5_000, "YAML"),
        ("#" * (YAML_CAP + 1), "over"),
        ("version: 1\npeers: []\n# \x00", "YAML"),
    ],
)
def test_a_file_that_is_not_plain_yaml_is_refused(write: Write, text: str, said: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        load(write(text))
    assert said in caught.value.detail
    assert caught.value.detail.startswith("file.yaml")


def test_a_file_that_is_not_utf_8_missing_or_writable_by_others_is_refused(
    write: Write, tmp_path: Path
) -> None:
    path = write("version: 1\npeers: []\n")
    path.chmod(0o620)
    with pytest.raises(Misconfigured, match=r"chmod 600"):
        load(path)
    path.chmod(0o600)
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(Misconfigured, match="YAML"):
        load(path)
    with pytest.raises(Misconfigured, match="can't be read"):
        load(tmp_path / "none.yaml")


def test_no_error_repeats_what_the_file_holds(write: Write) -> None:
    with pytest.raises(Misconfigured) as caught:
        load(write({"version": 1, "peers": [peer("AA9990000", name=7, key={"d": "s3cret"})]}))
    assert "s3cret" not in caught.value.detail


# -- clients ----------------------------------------------------------------------------------


def test_clients_are_found_by_id(write: Write) -> None:
    entries = [client("rms"), client("night-job", officers=None, scopes=["admin"])]
    found = clients.load(write({"version": 1, "clients": entries}))
    assert len(found) == 2
    rms, job = found.get("rms"), found.get("night-job")
    assert rms is not None
    assert job is not None
    assert rms.roles == {"officer"}
    assert rms.check_grant_type(clients.JWT_BEARER)
    assert rms.key_id == thumbprint(entries[0]["key"])
    assert job.roles is None
    assert not job.check_grant_type(clients.JWT_BEARER)
    assert job.check_grant_type(clients.CLIENT_CREDENTIALS)
    assert not job.check_grant_type("password")
    assert not job.check_endpoint_auth_method("client_secret_basic", "token")
    assert found.get("nobody") is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"client_id": "Not An Id"}, "client_id"),
        ({"client_id": None}, "client_id"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"scopes": "search"}, "scopes"),
        ({"key": {"kty": "oct", "k": "AAAA"}}, "rms: a JWK"),
        ({"officers": {}}, "roles"),
        ({"officers": {"roles": [], "assurance": 2}}, "roles"),
        ({"officers": {"roles": ["officer"]}}, "assurance"),
        ({"officers": {"roles": ["officer"], "assurance": 5}}, "assurance"),
        ({"officers": {"roles": ["officer"], "assurance": True}}, "assurance"),
        ({"officers": True}, "officers"),
        ({"secret": "x"}, "secret"),
    ],
)
def test_a_client_with_one_thing_wrong_is_refused(write: Write, change: Entry, said: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        clients.load(write({"version": 1, "clients": [client("rms", **change)]}))
    assert said in caught.value.detail


def test_two_clients_share_neither_id_nor_key(write: Write) -> None:
    one = client("rms")
    for other in (client("rms"), client("cad", key=one["key"])):
        with pytest.raises(Misconfigured, match="shares its id or its key"):
            clients.load(write({"version": 1, "clients": [one, other]}))


def test_yaml_is_read_into_the_shape_asked_for(write: Write) -> None:
    assert read_yaml(write("[1, 2]"), TypeAdapter(list[int])) == [1, 2]
    with pytest.raises(Misconfigured):
        read_yaml(write("['1']"), TypeAdapter(list[int]))
