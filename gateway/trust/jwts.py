"""Signed JSON tokens, ES256 only, checked before and after PyJWT does its part.

PyJWT verifies signature, audience, issuer and times. What it leaves to its caller stands here:
size, depth, header members, the exact `typ`, and claims of exact types.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import TypeAdapter, ValidationError

from gateway.trust.jwk import b64url

ALG = "ES256"
MAX_LENGTH = 4_096
_MAX_NESTED = 24

_COMPACT = re.compile(
    r"([A-Za-z0-9_-]{4,512})\.([A-Za-z0-9_-]{4,3500})\.([A-Za-z0-9_-]{86})", re.ASCII
)

T = TypeVar("T")


class Unproven(Exception):
    """A token does not prove what it says. `code` goes to log and counter, never to the caller."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def sign(
    claims: Mapping[str, Any],
    key: ec.EllipticCurvePrivateKey,
    *,
    typ: str,
    key_id: str | None = None,
) -> str:
    """Sign claims as a compact JWT of this exact type."""
    headers = {"typ": typ, **({"kid": key_id} if key_id else {})}
    return jwt.encode(dict(claims), key, algorithm=ALG, headers=headers)


def verify(
    text: str,
    key: ec.EllipticCurvePublicKey,
    shape: TypeAdapter[T],
    *,
    types: frozenset[str | None],
    issuer: str,
    audience: str,
    leeway_s: int,
) -> T:
    """Verify a compact JWT and give its claims in their strict shape. Raises Unproven."""
    require_sound(text)
    try:
        found = jwt.decode_complete(
            text,
            key,
            algorithms=[ALG],
            issuer=issuer,
            audience=audience,
            leeway=leeway_s,
            options={
                "require": ["iss", "sub", "aud", "exp", "iat", "jti"],
                "strict_aud": True,
            },
        )
    except jwt.PyJWTError as error:
        raise Unproven(_CODES.get(type(error), "token")) from None
    header = found["header"]
    if header.get("typ") not in types or not set(header) <= {"alg", "typ", "kid"}:
        raise Unproven("header")
    try:
        # Written anew from what PyJWT read and checked, so that two parsers can't read a key that
        # stands twice in two ways; as JSON, because a strict dataclass takes no dict.
        return shape.validate_json(json.dumps(found["payload"]), strict=True)
    except ValidationError:
        raise Unproven("claims") from None


def require_sound(text: str) -> None:
    """Refuse what is no compact JWT of a sane size before a parser sees it. Raises Unproven.

    A deeply nested object would exhaust the stack of a recursive parser.
    """
    found = _COMPACT.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if found is None:
        raise Unproven("malformed")
    header, payload, _ = (_bytes(part) for part in found.groups())
    for raw in (header, payload):
        if raw.count(b"[") + raw.count(b"{") > _MAX_NESTED:
            raise Unproven("malformed")
        try:
            parsed = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise Unproven("malformed") from None
        if not isinstance(parsed, dict):
            raise Unproven("malformed")


def _bytes(text: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise Unproven("malformed") from None
    if b64url(raw) != text:
        # The last character has spare bits: a second spelling of the same token.
        raise Unproven("malformed")
    return raw


_CODES: dict[type[jwt.PyJWTError], str] = {
    jwt.ExpiredSignatureError: "expired",
    jwt.ImmatureSignatureError: "future",
    jwt.InvalidAudienceError: "audience",
    jwt.InvalidIssuerError: "issuer",
    jwt.InvalidSignatureError: "signature",
    jwt.InvalidAlgorithmError: "algorithm",
    jwt.MissingRequiredClaimError: "claims",
}
