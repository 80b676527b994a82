"""What a client signs to get a token (RFC 7523): that it is itself, and who its officer is.

Both live at most 60 seconds, are for one audience (the gateway's issuer) and are taken once.
The `make_…` functions are for clients: the demo, the tests and the gateway's own commands.
"""

import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, ClassVar

from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter

from gateway.model import Officer, Ori, OriText, Text, Word
from gateway.trust.clients import CLIENT_CREDENTIALS, JWT_BEARER, Client
from gateway.trust.jwts import Unproven, sign, verify

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_LIFETIME_S = 60
LEEWAY_S = 5
"""How far a client's clock may be off."""
MAX_SESSION_S = 24 * 3600
"""How long ago the officer may have logged on at the client."""

_CLIENT_TYPE, _OFFICER_TYPE = "client-authentication+jwt", "authorization-grant+jwt"
_CLIENT_TYPES = frozenset({None, "JWT", _CLIENT_TYPE})
_OFFICER_TYPES = frozenset({None, "JWT", _OFFICER_TYPE})

_Id = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")]
_Jti = Annotated[str, StringConstraints(pattern=r"^[!-~]{8,128}$")]
_Time = Annotated[int, Field(ge=0, le=2**40)]
_Words = Annotated[list[Word], Field(max_length=32)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientClaims:
    """A client's own assertion: issuer and subject are both the client."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    iss: _Id
    sub: _Id
    aud: str
    exp: _Time
    iat: _Time
    jti: _Jti
    nbf: _Time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficerClaims(ClientClaims):
    """A client's assertion of its officer: the subject is the officer's local identifier.

    `acr` is the assurance level, "0" to "4"; `auth_time` when the officer logged on, in s.
    """

    ori: OriText
    unit: Text
    unit_function: Word
    roles: _Words
    acr: Annotated[str, StringConstraints(pattern=r"^[0-4]$")]
    auth_time: _Time
    attributes: _Words = field(default_factory=list)
    device: Text | None = None

    def officer(self) -> Officer:
        """Give the officer as the domain speaks of him."""
        return Officer(
            subject=self.sub,
            unit=self.unit,
            unit_function=self.unit_function,
            roles=frozenset(self.roles),
            assurance=int(self.acr),
            auth_time=datetime.fromtimestamp(self.auth_time, UTC),
            attributes=frozenset(self.attributes),
            device=self.device,
        )


_CLIENT_SHAPE = TypeAdapter(ClientClaims)
_OFFICER_SHAPE = TypeAdapter(OfficerClaims)


def read_client_assertion(
    text: str, key: ec.EllipticCurvePublicKey, *, client_id: str, issuer: str
) -> ClientClaims:
    """Verify a client's proof of itself. Raises Unproven. Whether it was used before is open."""
    claims = verify(
        text,
        key,
        _CLIENT_SHAPE,
        types=_CLIENT_TYPES,
        issuer=client_id,
        audience=issuer,
        leeway_s=LEEWAY_S,
    )
    if claims.sub != client_id:
        raise Unproven("subject")
    _require_short(claims)
    return claims


def read_officer_assertion(text: str, client: Client, *, issuer: str, ori: Ori) -> OfficerClaims:
    """Verify what `client` says of its officer. Raises Unproven.

    Whether it was used before, and whether the client may say so, is open.
    """
    claims = verify(
        text,
        client.public_key,
        _OFFICER_SHAPE,
        types=_OFFICER_TYPES,
        issuer=client.client_id,
        audience=issuer,
        leeway_s=LEEWAY_S,
    )
    if claims.sub == client.client_id:
        raise Unproven("subject")
    if claims.ori != ori:
        raise Unproven("agency")
    _require_short(claims)
    if not -LEEWAY_S <= claims.iat - claims.auth_time <= MAX_SESSION_S:
        raise Unproven("session")
    return claims


def _require_short(claims: ClientClaims) -> None:
    if not 0 < claims.exp - claims.iat <= MAX_LIFETIME_S:
        raise Unproven("lifetime")


def make_client_assertion(
    key: ec.EllipticCurvePrivateKey,
    *,
    client_id: str,
    issuer: str,
    lifetime_s: int = MAX_LIFETIME_S,
) -> str:
    """Make a client's proof of itself for the gateway `issuer`. Good for one use."""
    claims = {"sub": client_id, **_common(client_id, issuer, lifetime_s)}
    return sign(claims, key, typ=_CLIENT_TYPE)


def make_officer_assertion(
    key: ec.EllipticCurvePrivateKey,
    officer: Officer,
    *,
    client_id: str,
    issuer: str,
    ori: Ori,
    lifetime_s: int = MAX_LIFETIME_S,
) -> str:
    """Make a client's assertion of its officer for the gateway `issuer`. Good for one use."""
    claims = {
        "sub": officer.subject,
        "ori": ori,
        "unit": officer.unit,
        "unit_function": officer.unit_function,
        "roles": sorted(officer.roles),
        "attributes": sorted(officer.attributes),
        "acr": str(officer.assurance),
        "auth_time": int(officer.auth_time.timestamp()),
        **({"device": officer.device} if officer.device else {}),
        **_common(client_id, issuer, lifetime_s),
    }
    return sign(claims, key, typ=_OFFICER_TYPE)


def token_form(
    key: ec.EllipticCurvePrivateKey,
    *,
    client_id: str,
    issuer: str,
    scope: str | None = None,
    ori: Ori | None = None,
    officer: Officer | None = None,
) -> dict[str, str]:
    """Give the form to post to the gateway's token endpoint: for the client, or for its officer.

    With `officer`, `ori` is the agency's own. Raises ValueError where it is missing.
    """
    form = {
        "grant_type": CLIENT_CREDENTIALS if officer is None else JWT_BEARER,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": make_client_assertion(key, client_id=client_id, issuer=issuer),
    }
    if scope is not None:
        form["scope"] = scope
    if officer is not None:
        if ori is None:
            raise ValueError("an officer's assertion names the agency's ORI")
        form["assertion"] = make_officer_assertion(
            key, officer, client_id=client_id, issuer=issuer, ori=ori
        )
    return form


def _common(client_id: str, issuer: str, lifetime_s: int) -> dict[str, str | int]:
    now = int(time.time())
    return {
        "iss": client_id,
        "aud": issuer,
        "iat": now,
        "exp": now + lifetime_s,
        "jti": secrets.token_urlsafe(16),
    }
