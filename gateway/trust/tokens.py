"""The gateway's own token service: answers token requests, verifies tokens, reports log-ons."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec

from gateway.model import Caller, Officer, Ori
from gateway.trust.access import AccessTokens
from gateway.trust.clients import (
    AUTH_METHOD,
    CLIENT_CREDENTIALS,
    JWT_BEARER,
    SCOPES,
    Client,
    Clients,
)
from gateway.trust.grants import Outcome, Server
from gateway.trust.jwk import Jwk
from gateway.trust.jwts import ALG
from gateway.trust.replays import Replays


@dataclass(frozen=True, slots=True)
class LogOn:
    """A log-on of a client that proved itself, for the access log.

    `cause` is a short word: issued, or why not. `officer` is personal: seal it.
    """

    succeeded: bool
    cause: str
    client: str
    officer: Officer | None = None


Report: TypeAlias = Callable[[LogOn], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What to send back: status and JSON body (RFC 6749 sections 5.1 and 5.2)."""

    status: int
    body: dict[str, Any]


class TokenService:
    """Tokens for the agency's own clients.

    `issuer` is the gateway's base URL. `report` is awaited for every client that proved itself,
    before its answer goes out: if it raises, no token is given. `unproven` is told the cause of
    each log-on that nobody proved; write those into the log as sums, at a limited rate, so that
    strangers can't fill it. Both causes are words of a small fixed set.
    """

    def __init__(
        self,
        key: ec.EllipticCurvePrivateKey,
        *,
        issuer: str,
        ori: Ori,
        clients: Clients,
        replays: Replays,
        report: Report,
        unproven: Callable[[str], None],
        token_seconds: int = 300,
    ) -> None:
        self._issuer = issuer
        self._clients = clients
        self._report = report
        self._unproven = unproven
        self._access = AccessTokens(key, issuer=issuer, ori=ori, seconds=token_seconds)
        self._server = Server(
            issuer=issuer,
            ori=ori,
            access=self._access,
            replays=replays,
            clients=lambda: self._clients,
        )

    async def token(self, form: Mapping[str, str]) -> TokenAnswer:
        """Answer one token request. Raises Unavailable, and whatever `report` raises."""
        # On a worker thread: taking an assertion waits for the disk.
        outcome: Outcome = await asyncio.to_thread(self._server.create_token_response, form)
        if outcome.client is None:
            self._unproven(outcome.cause)
        else:
            await self._report(
                LogOn(outcome.succeeded, outcome.cause, outcome.client, outcome.officer)
            )
        return TokenAnswer(outcome.status, outcome.body)

    def verify(self, token: str) -> Caller:
        """Give who stands behind an access token. Raises NotAuthenticated."""
        return self._access.verify(token, self._clients)

    def replace_clients(self, clients: Clients) -> None:
        """Use another set of clients from now on; tokens of removed ones count no more."""
        self._clients = clients

    def client(self, client_id: str) -> Client | None:
        """Find a registered client."""
        return self._clients.get(client_id)

    def jwks(self) -> dict[str, list[Jwk]]:
        """Give the public key of the tokens as a JWK set."""
        return self._access.jwks()

    def metadata(self) -> dict[str, Any]:
        """Describe the service (RFC 8414)."""
        return {
            "issuer": self._issuer,
            "token_endpoint": f"{self._issuer}/oauth2/token",
            "jwks_uri": f"{self._issuer}/oauth2/jwks",
            "scopes_supported": list(SCOPES),
            "response_types_supported": [],
            "grant_types_supported": [CLIENT_CREDENTIALS, JWT_BEARER],
            "token_endpoint_auth_methods_supported": [AUTH_METHOD],
            "token_endpoint_auth_signing_alg_values_supported": [ALG],
        }
