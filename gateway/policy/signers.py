"""Who may sign policy: people and their public keys, pinned in the home's policy_signers.yaml.

```yaml
version: 1
signers:
  - name: a.person                           # whoever holds the private key
    key: {kty: EC, crv: P-256, x: …, y: …}
```

A signature is a compact JWT (RFC 7515, ES256), named by the key's thumbprint. What counts is how
many different people signed: two keys of one name are one person, and one key has one name.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter

from gateway.errors import Misconfigured, PolicyRejected
from gateway.trust.files import read_yaml
from gateway.trust.jwk import ec_jwk, read_ec, thumbprint

FILE = "policy_signers.yaml"
MAX_SIGNATURES = 8
_MAX_LENGTH = 512 * 1024
_ALG = "ES256"
_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)
_COMPACT = re.compile(r"[A-Za-z0-9_-]{4,512}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]{86}", re.ASCII)


class SignerEntry(BaseModel):
    """One entry of policy_signers.yaml, as written."""

    model_config = _STRICT

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._@-]{0,63}$")]
    key: dict[str, str]


class SignersFile(BaseModel):
    """The whole of policy_signers.yaml."""

    model_config = _STRICT

    version: Literal[1]
    signers: Annotated[list[SignerEntry], Field(max_length=64)]


@dataclass(frozen=True, slots=True)
class Signers:
    """The pinned keys, by their ids: whose each is, and the key."""

    keys: Mapping[str, tuple[str, ec.EllipticCurvePublicKey]] = field(repr=False)

    @property
    def names(self) -> frozenset[str]:
        """The people who may sign."""
        return frozenset(name for name, _ in self.keys.values())

    def who_signed(self, tokens: Iterable[str], claims: Mapping[str, Any], typ: str) -> list[str]:
        """Name the people whose signature stands under exactly these claims, each once.

        A signature by a key that is not pinned counts for nothing. Raises `PolicyRejected` for one
        that names a pinned key and is not that key's over these claims.
        """
        names = set()
        for token in tokens:
            key_id = key_id_of(token)
            if key_id not in self.keys:
                continue
            name, key = self.keys[key_id]
            if payload_of(token, key, typ) != claims:
                raise PolicyRejected(
                    f"the signature of {name} is not under this content: it was changed since, or "
                    "the signature belongs to another; have it signed again with `sallyport policy "
                    "sign`"
                )
            names.add(name)
        return sorted(names)


def load_signers(home: Path) -> Signers:
    """Read the pinned keys. None there: nobody may sign. Raises Misconfigured."""
    path = home / FILE
    if not path.exists():
        return Signers({})
    return signers_of(read_yaml(path, TypeAdapter(SignersFile)).signers)


def signers_of(entries: Iterable[SignerEntry]) -> Signers:
    """Check entries. Raises Misconfigured, naming the entry."""
    keys: dict[str, tuple[str, ec.EllipticCurvePublicKey]] = {}
    for entry in entries:
        try:
            key = read_ec(entry.key)
        except ValueError as error:
            raise Misconfigured(f"{FILE}: {entry.name}: {error}") from None
        key_id = thumbprint(entry.key)
        if key_id in keys:
            raise Misconfigured(f"{FILE}: {entry.name} has the key of {keys[key_id][0]}")
        keys[key_id] = (entry.name, key)
    return Signers(keys)


def sign_claims(claims: Mapping[str, Any], key: ec.EllipticCurvePrivateKey, typ: str) -> str:
    """Sign claims as a compact JWT that names its key."""
    headers = {"typ": typ, "kid": thumbprint(ec_jwk(key.public_key()))}
    return jwt.encode(dict(claims), key, algorithm=_ALG, headers=headers)


def payload_of(token: str, key: ec.EllipticCurvePublicKey, typ: str) -> Any:
    """Verify a JWT and give its claims. Raises `PolicyRejected`."""
    _sound(token)
    try:
        found = jwt.decode_complete(
            token, key, algorithms=[_ALG], options={"verify_aud": False, "verify_iat": False}
        )
    except jwt.PyJWTError:
        raise PolicyRejected("a signature by a pinned key does not verify") from None
    if found["header"].get("typ") != typ or not set(found["header"]) <= {"alg", "typ", "kid"}:
        raise PolicyRejected("a signature is of another kind")
    return found["payload"]


def key_id_of(token: str) -> str:
    """Give the id of the key that a JWT names, unverified. Raises `PolicyRejected`."""
    _sound(token)
    head = token.partition(".")[0]
    try:
        header = orjson.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, ValueError):
        raise PolicyRejected("a signature is no signed token") from None
    key_id = header.get("kid") if isinstance(header, dict) else None
    return key_id if isinstance(key_id, str) else ""


def claims_of(token: str) -> Any:
    """Give what a JWT claims, unverified. Raises `PolicyRejected`."""
    _sound(token)
    body = token.split(".")[1]
    try:
        return orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (binascii.Error, ValueError):
        raise PolicyRejected("a signature is no signed token") from None


def _sound(token: str) -> None:
    if len(token) > _MAX_LENGTH or not _COMPACT.fullmatch(token):
        raise PolicyRejected("a signature is no signed token")


def read_signatures(raw: bytes, where: str) -> list[str]:
    """Take the tokens out of a `.signatures.json`. Raises `PolicyRejected`."""
    try:
        found = orjson.loads(raw)
    except ValueError:
        found = None
    tokens = found.get("signatures") if isinstance(found, dict) and len(found) == 1 else None
    if (
        not isinstance(tokens, list)
        or len(tokens) > MAX_SIGNATURES
        or not all(isinstance(t, str) for t in tokens)
    ):
        raise PolicyRejected(
            f"it holds one list, `signatures`, of at most {MAX_SIGNATURES} texts", where=where
        )
    return tokens
