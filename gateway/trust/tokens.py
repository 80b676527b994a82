"""The gateway's own token service: answers token requests, verifies tokens, reports log-ons."""

import asyncio
import time
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

AGGREGATE_S = 10.0
"""Log-ons that nobody proved are reported together, at most once in this many seconds."""


@dataclass(frozen=True, slots=True)
class LogOn:
    """A log-on, for the access log. `count` > 1 or no client: an aggregate of unproven ones.

    `causes` are short words. `officer` is personal: seal it.
    """

    succeeded: bool
    causes: tuple[str, ...]
    count: int = 1
    client: str | None = None
    officer: Officer | None = None


Report: TypeAlias = Callable[[LogOn], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What to send back: status and JSON body (RFC 6749 sections 5.1 and 5.2)."""

    status: int
    body: dict[str, Any]


class TokenService:
    """Tokens for the agency's own clients.

    `issuer` is the gateway's base URL. `report` is awaited before an answer goes out: if it raises,
    no token is given. `count` is told the outcome of each request in one word, for a metric.
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
        count: Callable[[str], None],
        token_seconds: int = 300,
    ) -> None:
        self._issuer = issuer
        self._clients = clients
        self._report = report
        self._count = count
        self._access = AccessTokens(key, issuer=issuer, ori=ori, seconds=token_seconds)
        self._server = Server(
            issuer=issuer,
            ori=ori,
            access=self._access,
            replays=replays,
            clients=lambda: self._clients,
        )
        self._unproven: dict[str, int] = {}
        self._reported = -AGGREGATE_S

    async def token(self, form: Mapping[str, str]) -> TokenAnswer:
        """Answer one token request. Raises Unavailable, and whatever `report` raises."""
        # On a worker thread: taking an assertion waits for the disk.
        outcome: Outcome = await asyncio.to_thread(self._server.create_token_response, form)
        self._count(outcome.cause)
        if outcome.client is None:
            self._unproven[outcome.cause] = self._unproven.get(outcome.cause, 0) + 1
            if time.monotonic() - self._reported >= AGGREGATE_S:
                await self.flush()
        else:
            await self._report(
                LogOn(
                    outcome.succeeded,
                    (outcome.cause,),
                    client=outcome.client,
                    officer=outcome.officer,
                )
            )
        return TokenAnswer(outcome.status, outcome.body)

    async def flush(self) -> None:
        """Report the unproven log-ons not reported yet. Call it now and then, and at the end."""
        if not self._unproven:
            return
        waiting, self._unproven = self._unproven, {}
        self._reported = time.monotonic()
        failed = LogOn(succeeded=False, causes=tuple(sorted(waiting)), count=sum(waiting.values()))
        try:
            await self._report(failed)
        except BaseException:
            # Not reported: they stand for the next time.
            for cause, count in waiting.items():
                self._unproven[cause] = self._unproven.get(cause, 0) + count
            raise

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
