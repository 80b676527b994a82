"""Access tokens (RFC 9068): minted by this gateway, for this gateway, for at most ten minutes.

`sub` is the officer and `act` the client that speaks for him; without an officer, `sub` is the
client itself.
"""

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter

from gateway.errors import NotAuthenticated
from gateway.model import Caller, Officer, Ori, OriText
from gateway.trust.clients import Client, Clients
from gateway.trust.jwk import Jwk, ec_jwk, thumbprint
from gateway.trust.jwts import ALG, Unproven, sign, verify

TYPE = "at+jwt"
MAX_SECONDS = 600
_STRICT = ConfigDict(extra="forbid", strict=True)
_Time = Annotated[int, Field(ge=0, le=2**40)]


@dataclass(frozen=True, slots=True)
class _Actor:
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    sub: str


@dataclass(frozen=True, slots=True)
class _OfficerPart:
    """What the token says of the officer, beside `sub`. A private claim of its own."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    unit: str
    unit_function: str
    roles: list[str]
    attributes: list[str]
    device: str | None = None


@dataclass(frozen=True, slots=True)
class _Claims:
    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    iss: str
    aud: str
    sub: str
    client_id: str
    exp: _Time
    iat: _Time
    jti: str
    scope: str
    ori: OriText
    act: _Actor | None = None
    acr: Annotated[str, StringConstraints(pattern=r"^[0-4]$")] | None = None
    auth_time: _Time | None = None
    officer: _OfficerPart | None = None


_SHAPE = TypeAdapter(_Claims)
_TYPES: frozenset[str | None] = frozenset({TYPE})


class AccessTokens:
    """Mints and verifies. `issuer` is the gateway's base URL; the audience is its API below."""

    def __init__(
        self, key: ec.EllipticCurvePrivateKey, *, issuer: str, ori: Ori, seconds: int
    ) -> None:
        if not 0 < seconds <= MAX_SECONDS:
            raise ValueError(f"an access token lives 1 to {MAX_SECONDS} seconds")
        self._key = key
        self._public = key.public_key()
        self._key_id = thumbprint(ec_jwk(self._public))
        self._issuer = issuer
        self._ori = ori
        self.audience = f"{issuer}/v1"
        self.seconds = seconds

    def mint(self, client: Client, scopes: frozenset[str], officer: Officer | None) -> str:
        """Sign a token. Whether the client may have these scopes was decided before."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": self.audience,
            "sub": client.client_id if officer is None else officer.subject,
            "client_id": client.client_id,
            "iat": now,
            "exp": now + self.seconds,
            "jti": secrets.token_urlsafe(16),
            "scope": " ".join(sorted(scopes)),
            "ori": self._ori,
        }
        if officer is not None:
            claims |= {
                "act": {"sub": client.client_id},
                "acr": str(officer.assurance),
                "auth_time": int(officer.auth_time.timestamp()),
                "officer": {
                    "unit": officer.unit,
                    "unit_function": officer.unit_function,
                    "roles": sorted(officer.roles),
                    "attributes": sorted(officer.attributes),
                    **({"device": officer.device} if officer.device else {}),
                },
            }
        return sign(claims, self._key, typ=TYPE, key_id=self._key_id)

    def verify(self, token: str, clients: Clients) -> Caller:
        """Give who stands behind a token. Raises NotAuthenticated, with one text for all.

        What the client was stripped of since the token was minted, the token has lost too.
        """
        try:
            claims = verify(
                token,
                self._public,
                _SHAPE,
                types=_TYPES,
                issuer=self._issuer,
                audience=self.audience,
                leeway_s=0,
            )
            return self._caller(claims, clients)
        except Unproven:
            raise NotAuthenticated(
                "This needs a valid access token of this gateway. Get a new one at its token "
                "endpoint, and send it as `Authorization: Bearer …`."
            ) from None

    def _caller(self, claims: _Claims, clients: Clients) -> Caller:
        client = clients.get(claims.client_id)
        if client is None or claims.ori != self._ori or claims.exp - claims.iat > MAX_SECONDS:
            raise Unproven("client")
        officer = _officer(claims)
        if officer is not None and not client.may_name(officer):
            raise Unproven("officer")
        return Caller(
            client=client.client_id,
            ori=self._ori,
            scopes=frozenset(claims.scope.split()) & client.scopes,
            officer=officer,
        )

    def jwks(self) -> dict[str, list[Jwk]]:
        """Give the public key that tokens are verified with, as a JWK set."""
        jwk = ec_jwk(self._public)
        return {"keys": [{**jwk, "kid": self._key_id, "use": "sig", "alg": ALG}]}


def _officer(claims: _Claims) -> Officer | None:
    part = claims.officer
    if part is None:
        if claims.act or claims.acr or claims.auth_time or claims.sub != claims.client_id:
            raise Unproven("claims")
        return None
    if claims.act is None or claims.acr is None or claims.auth_time is None:
        raise Unproven("claims")
    if claims.act.sub != claims.client_id:
        raise Unproven("claims")
    return Officer(
        subject=claims.sub,
        unit=part.unit,
        unit_function=part.unit_function,
        roles=frozenset(part.roles),
        assurance=int(claims.acr),
        auth_time=datetime.fromtimestamp(claims.auth_time, UTC),
        attributes=frozenset(part.attributes),
        device=part.device,
    )
