"""Public keys as JSON Web Keys (RFC 7517), named by their thumbprint (RFC 7638).

One kind for messages and tokens: EC P-256. One kind for the log: OKP Ed25519. Nothing else is read.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import TypeAlias

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Jwk: TypeAlias = dict[str, str]

_COORDINATE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_SIZE = 32


def b64url(data: bytes) -> str:
    """Encode as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def ec_jwk(key: ec.EllipticCurvePublicKey) -> Jwk:
    """Give the public JWK of a P-256 key: kty, crv, x, y."""
    numbers = key.public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": b64url(numbers.x.to_bytes(_SIZE, "big")),
        "y": b64url(numbers.y.to_bytes(_SIZE, "big")),
    }


def ed_jwk(key: Ed25519PublicKey) -> Jwk:
    """Give the public JWK of an Ed25519 key (RFC 8037): kty, crv, x."""
    return {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": b64url(key.public_bytes(Encoding.Raw, PublicFormat.Raw)),
    }


def read_ec(jwk: Mapping[str, str]) -> ec.EllipticCurvePublicKey:
    """Read a public P-256 JWK. Raises ValueError, also for a private key and for extra members."""
    _members(jwk, {"kty": "EC", "crv": "P-256"}, ("x", "y"))
    x, y = (int.from_bytes(_coordinate(jwk[name]), "big") for name in ("x", "y"))
    try:
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError:
        raise ValueError("this JWK's x and y are no point of P-256") from None


def read_ed(jwk: Mapping[str, str]) -> Ed25519PublicKey:
    """Read a public Ed25519 JWK. Raises ValueError, also for a private key and extra members."""
    _members(jwk, {"kty": "OKP", "crv": "Ed25519"}, ("x",))
    return Ed25519PublicKey.from_public_bytes(_coordinate(jwk["x"]))


def thumbprint(jwk: Mapping[str, str]) -> str:
    """Give the key's id: SHA-256 over its required members, base64url, 43 characters (RFC 7638)."""
    needed = {k: jwk[k] for k in ("crv", "kty", "x", "y") if k in jwk}
    canonical = orjson.dumps(needed, option=orjson.OPT_SORT_KEYS)
    return b64url(hashlib.sha256(canonical).digest())


def _members(jwk: Mapping[str, str], fixed: Mapping[str, str], free: tuple[str, ...]) -> None:
    if "d" in jwk:
        raise ValueError("this JWK holds a private key; give the public one and retire this key")
    if set(jwk) != {*fixed, *free}:
        raise ValueError(f"a JWK here has exactly the members {', '.join((*fixed, *free))}")
    if any(jwk[name] != value for name, value in fixed.items()):
        raise ValueError(f"only {fixed['kty']} keys on {fixed['crv']} are taken")


def _coordinate(text: str) -> bytes:
    if not _COORDINATE.fullmatch(text):
        raise ValueError("a JWK's coordinate is 32 bytes in base64url without padding")
    try:
        data = base64.urlsafe_b64decode(text + "=")
    except binascii.Error:
        raise ValueError("a JWK's coordinate is not base64url") from None
    if b64url(data) != text:
        raise ValueError("a JWK's coordinate has stray bits at its end")
    return data
