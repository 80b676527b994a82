"""Who stands behind a client's request: bearer token → Caller, scopes, officer.

A route says what it needs and gets the caller:

    async def search(caller: Annotated[Caller, Depends(require_officer("search"))]) -> …

Without a good token NotAuthenticated (401 with WWW-Authenticate), without the scope or an officer
Forbidden (403).
"""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import OAuth2
from fastapi.security.base import SecurityBase

from gateway.errors import Forbidden, NotAuthenticated
from gateway.model import Caller
from gateway.trust.clients import Scope
from gateway.trust.tokens import TokenService

_MAX_HEADER = 4_096 + 16
_BEARER = re.compile(rb"(?i:bearer) +([A-Za-z0-9._~+/-]+=*)")

_MISSING = (
    "This needs an access token of this gateway, in one header `Authorization: Bearer …`. "
    "Get one at its token endpoint."
)

_SCOPES = {
    "admin": "Administer the gateway",
    "audit": "Read the access log",
    "notify": "Receive notices",
    "search": "Search; needs an officer",
}

# Tells the OpenAPI document how to authenticate; it checks nothing itself.
_scheme: SecurityBase = OAuth2(
    scheme_name="token",
    description=(
        "Tokens of the gateway's own service. Clients prove themselves by a signed assertion "
        "(private_key_jwt); for an officer they use the grant of RFC 7523."
    ),
    flows={
        "clientCredentials": {
            "tokenUrl": "/oauth2/token",
            "scopes": _SCOPES,
        }
    },
    auto_error=False,
)


def bearer(request: Request) -> str:
    """Give the one bearer token of a request. Raises NotAuthenticated.

    Two headers, another scheme, or a token in the query or the body are no token.
    """
    lines = [v for k, v in request.scope["headers"] if k == b"authorization"]
    if len(lines) == 1 and len(lines[0]) <= _MAX_HEADER:
        found = _BEARER.fullmatch(lines[0])
        if found:
            return found[1].decode("ascii")
    raise NotAuthenticated(_MISSING)


async def caller(request: Request, _: Annotated[object, Depends(_scheme)]) -> Caller:
    """Give who stands behind the request. Raises NotAuthenticated."""
    service: TokenService = request.app.state.gateway.tokens
    return service.verify(bearer(request))


def require(scope: Scope) -> Callable[[Caller], Awaitable[Caller]]:
    """Make a dependency that gives the caller if the token has this scope; else Forbidden."""

    async def scoped(who: Annotated[Caller, Depends(caller)]) -> Caller:
        return with_scope(who, scope)

    return scoped


def require_officer(scope: Scope, role: str | None = None) -> Callable[[Caller], Awaitable[Caller]]:
    """Make a dependency: the scope, an officer behind it, and this role of his if one is named."""

    async def officered(who: Annotated[Caller, Depends(caller)]) -> Caller:
        return with_officer(who, scope, role)

    return officered


def with_scope(who: Caller, scope: Scope) -> Caller:
    """Give the caller back if the token has this scope. Raises Forbidden."""
    if scope not in who.scopes:
        raise Forbidden(
            f"This token lacks the scope {scope}. Ask the administrator to register it for this "
            "client, then get a new token.",
            code="auth.scope",
        )
    return who


def with_officer(who: Caller, scope: Scope, role: str | None = None) -> Caller:
    """Give the caller back if an officer stands behind it, in this role. Raises Forbidden."""
    with_scope(who, scope)
    if who.officer is None:
        raise Forbidden(
            "This needs an officer. Get a token with the JWT bearer grant (RFC 7523), with an "
            "assertion that names the officer.",
            code="auth.no_officer",
        )
    if role is not None and role not in who.officer.roles:
        raise Forbidden(f"This needs an officer in the role {role}.", code="auth.role")
    return who
