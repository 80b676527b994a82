"""Keys are made once, kept private, and refused at the slightest doubt."""

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Misconfigured
from gateway.model import Ori
from gateway.trust import keys
from gateway.trust.files import KEY_CAP
from gateway.trust.jwk import ec_jwk, ed_jwk, read_ec, read_ed, thumbprint
from gateway.trust.pairwise import pairwise_subject

FILES = ("message.pem", "token.pem", "log.pem", "agreement.pem", "sealing.key", "pairwise.key")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    keys.generate(tmp_path)
    return tmp_path


def test_keys_are_made_private_and_read_back(home: Path) -> None:
    folder = home / "keys"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert sorted(p.name for p in folder.iterdir()) == sorted(FILES)
    assert {p.stat().st_mode & 0o777 for p in folder.iterdir()} == {0o600}
    first, second = keys.load(home), keys.load(home)
    assert first.key_id == second.key_id
    assert first.sealing == second.sealing
    assert len(first.sealing) == len(first.pairwise) == 32
    assert first.sealing != first.pairwise
    assert ed_jwk(first.log.public_key()) == first.log_jwk


def test_keys_show_in_no_repr(home: Path) -> None:
    found = keys.load(home)
    assert repr(found) == "Keys()"


def test_keys_are_never_replaced(home: Path) -> None:
    with pytest.raises(Misconfigured, match="is there already"):
        keys.generate(home)
    with pytest.raises(Misconfigured, match="is there already"):
        keys.write_private(home / "keys", "log.pem", Ed25519PrivateKey.generate())


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o601, 0o777])
def test_an_open_key_is_refused(home: Path, name: str, mode: int) -> None:
    (home / "keys" / name).chmod(mode)
    with pytest.raises(Misconfigured, match=rf"keys/{name} is open to other users .*chmod 600"):
        keys.load(home)


def test_an_open_folder_is_refused(home: Path) -> None:
    (home / "keys").chmod(0o750)
    with pytest.raises(Misconfigured, match=r"keys/ is open to other users .*chmod 700"):
        keys.load(home)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_key_is_refused(home: Path, name: str) -> None:
    (home / "keys" / name).unlink()
    with pytest.raises(Misconfigured, match=f"keys/{name} is missing"):
        keys.load(home)


@pytest.mark.parametrize("name", FILES)
def test_a_linked_key_is_refused(home: Path, name: str) -> None:
    path = home / "keys" / name
    path.rename(home / name)
    path.symlink_to(home / name)
    with pytest.raises(Misconfigured, match="not a link"):
        keys.load(home)
    path.unlink()
    path.hardlink_to(home / name)
    with pytest.raises(Misconfigured, match="second name"):
        keys.load(home)


def test_a_linked_folder_is_refused(home: Path) -> None:
    (home / "keys").rename(home / "elsewhere")
    (home / "keys").symlink_to(home / "elsewhere")
    with pytest.raises(Misconfigured, match="keys/ is missing, or a link"):
        keys.load(home)


def test_a_pipe_or_a_folder_for_a_key_is_refused_without_waiting(home: Path) -> None:
    path = home / "keys" / "log.pem"
    path.unlink()
    os.mkfifo(path, 0o600)
    with pytest.raises(Misconfigured, match="must be a plain file"):
        keys.load(home)
    path.unlink()
    path.mkdir(mode=0o700)
    with pytest.raises(Misconfigured, match="must be a plain file"):
        keys.load(home)


def test_another_user_s_key_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(Misconfigured, match="belongs to another user"):
        keys.load(home)


def pem(key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey, password: bytes = b"") -> bytes:
    how = BestAvailableEncryption(password) if password else keys.NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def wrong_pems() -> list[bytes]:
    p256 = ec.generate_private_key(ec.SECP256R1())
    return [
        b"",
        b"not a key",
        b"\xff" * 100,
        pem(p256, b"secret"),
        pem(ec.generate_private_key(ec.SECP384R1())),
        p256.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        b"x" * (KEY_CAP + 1),
    ]


@pytest.mark.parametrize("name", FILES)
def test_a_key_of_another_kind_is_refused(home: Path, name: str) -> None:
    wrong = wrong_pems()
    if name.endswith(".key"):
        wrong += [b"00" * 32 + b"\n", b"ab" * 31 + b"\n", b"ab" * 33, b"ab " * 32, b"\n"]
    elif name in {"log.pem", "agreement.pem"}:
        wrong.append(pem(ec.generate_private_key(ec.SECP256R1())))
    else:
        wrong.append(pem(Ed25519PrivateKey.generate()))
    for data in wrong:
        (home / "keys" / name).write_bytes(data)
        with pytest.raises(Misconfigured, match=f"keys/{name}") as caught:
            keys.load(home)
        assert data[:16].decode("latin-1") not in caught.value.detail or not data


def test_a_file_too_large_for_a_key_is_not_parsed(home: Path) -> None:
    path = home / "keys" / "log.pem"
    path.write_bytes(path.read_bytes() + b"\n" * KEY_CAP)
    with pytest.raises(Misconfigured, match="too large"):
        keys.load(home)


def test_a_private_jwk_is_called_what_it_is() -> None:
    jwk = ec_jwk(ec.generate_private_key(ec.SECP256R1()).public_key())
    with pytest.raises(ValueError, match="private key"):
        read_ec(jwk | {"d": "AAAA"})


def test_one_key_for_two_jobs_is_refused(home: Path) -> None:
    folder = home / "keys"
    (folder / "token.pem").write_bytes((folder / "message.pem").read_bytes())
    with pytest.raises(Misconfigured, match="must differ"):
        keys.load(home)


def test_one_secret_for_two_jobs_is_refused(home: Path) -> None:
    folder = home / "keys"
    (folder / "sealing.key").write_bytes((folder / "pairwise.key").read_bytes())
    with pytest.raises(Misconfigured, match="must differ"):
        keys.load(home)


# -- JWK --------------------------------------------------------------------------------------


def test_the_thumbprint_is_rfc_7638_s() -> None:
    """The EC key of RFC 7517 appendix A.1; its thumbprint over the members in their order."""
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    }
    key = read_ec(jwk)
    assert ec_jwk(key) == jwk
    assert thumbprint(jwk) == "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"
    assert thumbprint({**jwk, "kid": "x", "use": "sig"}) == thumbprint(jwk)


def test_ed25519_s_thumbprint_is_rfc_8037_s() -> None:
    """RFC 8037 appendix A.3."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(ed_jwk(read_ed(jwk))) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize(
    "change",
    [
        {"d": "AAAA"},
        {"kty": "RSA"},
        {"crv": "P-384"},
        {"x": "AAAA"},
        {"x": "A" * 43},
        {"x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D5"},
        {"x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4="},
        {"y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFy\u00e9"},
        {"kid": "x"},
        {"x": None},
    ],
)
def test_a_jwk_that_is_not_exactly_one_public_key_is_refused(
    change: dict[str, str | None],
) -> None:
    whole = ec_jwk(ec.generate_private_key(ec.SECP256R1()).public_key()) | {
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    }
    jwk = {k: v for k, v in (whole | change).items() if v is not None}
    with pytest.raises(ValueError, match=r"JWK|taken"):
        read_ec(jwk)


# -- pairwise subjects ------------------------------------------------------------------------


def test_a_subject_is_stable_for_one_agency_and_unlinkable_between_two() -> None:
    key, other = b"k" * 32, b"o" * 32
    a, b = Ori("AA9990000"), Ori("BB9990000")
    one = pairwise_subject(key, a, "okafor.4471")
    assert one == pairwise_subject(key, a, "okafor.4471")
    assert len({one, pairwise_subject(key, b, "okafor.4471")}) == 2
    assert pairwise_subject(other, a, "okafor.4471") != one
    assert pairwise_subject(key, a, "okafor.4472") != one
    assert "okafor" not in one
    assert len(one) == 43


@given(st.text(max_size=20), st.text(max_size=20))
def test_two_officers_never_share_a_subject(first: str, second: str) -> None:
    key, ori = b"k" * 32, Ori("AA9990000")
    one, two = (pairwise_subject(key, ori, s) for s in (first, second))
    assert (one == two) == (first == second)
