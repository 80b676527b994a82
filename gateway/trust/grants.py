"""OAuth 2.0 by Authlib, without a framework: two grants, one way for a client to prove itself.

Authlib runs the protocol. What it leaves too open is closed here: assertions are verified by
`assertions` (its own check took ones that live ten years or have no `iat`), the client proves
itself for both grants, and its debug lines, which would hold tokens and officers, are not written.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from authlib.oauth2 import AuthorizationServer, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749 import InvalidClientError, InvalidGrantError, InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion, JWTBearerGrant
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.model import Officer, Ori
from gateway.trust.access import AccessTokens
from gateway.trust.assertions import (
    LEEWAY_S,
    ClientClaims,
    OfficerClaims,
    read_client_assertion,
    read_officer_assertion,
)
from gateway.trust.clients import (
    AUTH_METHOD,
    CLIENT_CREDENTIALS,
    JWT_BEARER,
    Client,
    Clients,
)
from gateway.trust.jwts import Unproven, require_sound
from gateway.trust.replays import Replays

REFUSED = (
    "The request was refused. Check the client's registration, key, clock and scopes; "
    "the gateway's log has the cause."
)
OTHER_GRANT = f"No such grant is given. Use {CLIENT_CREDENTIALS}, or for an officer {JWT_BEARER}."
_ERRORS = frozenset(
    {
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
    }
)
_OK, _BAD_REQUEST, _UNAUTHORIZED = 200, 400, 401


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one token request: the answer's status and body, and what the log needs.

    `client` is set only once it proved itself; `officer` only once the client asserted him.
    `cause` is a short word for log and counter.
    """

    status: int
    body: dict[str, Any]
    cause: str
    client: str | None = None
    officer: Officer | None = None

    @property
    def succeeded(self) -> bool:
        """Whether a token was minted."""
        return "access_token" in self.body


class TokenRequest(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """One posted form. Each parameter stands in it once: the route sees to that."""

    def __init__(self, form: Mapping[str, str], issuer: str) -> None:
        super().__init__("POST", f"{issuer}/oauth2/token")
        self.payload = BasicOAuth2Payload(dict(form))
        self.proved: Client | None = None
        self.cause = ""

    @property
    def form(self) -> Mapping[str, str]:
        """The parameters."""
        found: Mapping[str, str] = self.payload.data
        return found


class Server(AuthorizationServer):  # type: ignore[misc]  # as above
    """The token endpoint. `create_token_response(form)` gives an Outcome. Blocking."""

    def __init__(
        self,
        *,
        issuer: str,
        ori: Ori,
        access: AccessTokens,
        replays: Replays,
        clients: Callable[[], Clients],
    ) -> None:
        super().__init__()
        # Its debug lines print tokens, and the officers they are for.
        logging.getLogger("authlib").setLevel(logging.WARNING)
        self.issuer = issuer
        self.ori = ori
        self.replays = replays
        self._access = access
        self._clients = clients
        self.register_client_auth_method(AUTH_METHOD, _PrivateKeyJwt(self))
        self.register_grant(_SystemGrant)
        self.register_grant(_OfficerGrant)
        self.register_token_generator("default", self._mint)

    def query_client(self, client_id: str) -> Client | None:
        """Find a registered client."""
        return self._clients().get(client_id)

    def save_token(self, token: dict[str, Any], request: TokenRequest) -> None:
        """Keep nothing: a token proves itself, and lives minutes."""

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Nobody listens."""

    def create_oauth2_request(self, request: Mapping[str, str]) -> TokenRequest:
        """Wrap the form."""
        return TokenRequest(request, self.issuer)

    def create_token_response(self, request: Mapping[str, str]) -> Outcome:
        """Answer one form. Raises Unavailable where assertions can't be remembered."""
        wrapped = self.create_oauth2_request(request)
        try:
            grant = self.get_token_grant(wrapped)
            grant.validate_token_request()
            _, body, _ = grant.create_token_response()
        except OAuth2Error as error:
            return self.handle_error_response(wrapped, error)
        client: Client = wrapped.client
        return Outcome(_OK, body, "issued", client.client_id, wrapped.user)

    def handle_error_response(self, request: TokenRequest, error: OAuth2Error) -> Outcome:
        """Give one text for every refusal. The kind of error is all that the caller learns.

        Another grant is refused before anything is looked up, so what is to be had is told.
        """
        kind = error.error if error.error in _ERRORS else "invalid_request"
        status = _UNAUTHORIZED if kind == "invalid_client" else _BAD_REQUEST
        text = OTHER_GRANT if kind == "unsupported_grant_type" else REFUSED
        body = {"error": kind, "error_description": text}
        proved = request.proved
        return Outcome(
            status,
            body,
            request.cause or kind,
            None if proved is None else proved.client_id,
            request.user,
        )

    def _mint(
        self, *, client: Client, user: Officer | None, scope: str, **_: object
    ) -> dict[str, Any]:
        scopes = frozenset(scope.split())
        return {
            "access_token": self._access.mint(client, scopes, user),
            "token_type": "Bearer",
            "expires_in": self._access.seconds,
            "scope": " ".join(sorted(scopes)),
        }

    def take(self, client: Client, claims: ClientClaims) -> None:
        """Take an assertion, once. Raises Unproven if it was taken before."""
        if not self.replays.take(client.client_id, claims.jti, claims.exp + LEEWAY_S + 1):
            raise Unproven("replayed")


class _PrivateKeyJwt(JWTBearerClientAssertion):  # type: ignore[misc]  # as above
    """A client proves itself by a signed assertion, and in no other way."""

    CLIENT_AUTH_METHOD = AUTH_METHOD

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server

    def __call__(self, query_client: Callable[[str], Client | None], request: TokenRequest) -> Any:
        try:
            require_sound(request.form.get("client_assertion", ""))
            request.proved = self._prove(super().__call__(query_client, request), request.form)
        except Unproven as why:
            request.cause = f"client_{why.code}"
            raise InvalidClientError from None
        return request.proved

    def _prove(self, client: Client | None, form: Mapping[str, str]) -> Client:
        if client is None or form.get("client_id", client.client_id) != client.client_id:
            raise Unproven("no_proof")
        claims = read_client_assertion(
            form["client_assertion"],
            client.public_key,
            client_id=client.client_id,
            issuer=self._server.issuer,
        )
        self._server.take(client, claims)
        return client

    def process_assertion_claims(self, assertion: str, resolve_key: object) -> None:
        """Do nothing yet: `__call__` verifies, once Authlib found the client."""

    def resolve_client_public_key(self, client: Client) -> ec.EllipticCurvePublicKey:
        """Give the registered key."""
        return client.public_key


class _Common:
    """What both grants share."""

    TOKEN_ENDPOINT_AUTH_METHODS = (AUTH_METHOD,)
    request: TokenRequest
    server: Server
    generate_token: Callable[..., dict[str, Any]]
    TOKEN_RESPONSE_HEADER: list[tuple[str, str]]

    def validate_requested_scope(self) -> None:
        """Refuse a scope that the client is not registered for; none asked means all it has."""
        client: Client = self.request.client
        asked = self.request.payload.scope
        scopes = client.scopes if asked is None else frozenset(asked.split(" "))
        if not scopes or not scopes <= client.scopes:
            raise InvalidScopeError
        self.request.scope = " ".join(sorted(scopes))

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """Mint. Authlib's own would also print the token to its debug log."""
        token = self.generate_token(
            user=self.request.user, scope=self.request.scope, include_refresh_token=False
        )
        return 200, token, self.TOKEN_RESPONSE_HEADER


class _SystemGrant(_Common, ClientCredentialsGrant):  # type: ignore[misc]  # as above
    """RFC 6749 section 4.4: the system itself, no officer."""


class _OfficerGrant(_Common, JWTBearerGrant):  # type: ignore[misc]  # as above
    """RFC 7523 section 2.1: the system for one of its officers; it proves itself as well."""

    def validate_token_request(self) -> None:
        """Prove the client, then what it says of its officer."""
        self.request.client = self.authenticate_token_endpoint_client()
        self._claims: OfficerClaims | None = None
        super().validate_token_request()
        if self.request.user is None:
            # Authlib goes on without an officer where `sub` is empty.
            raise InvalidGrantError

    def process_assertion_claims(self, assertion: str) -> dict[str, str]:
        """Verify the officer's assertion by the proven client's key, and take it."""
        client: Client = self.request.client
        try:
            claims = read_officer_assertion(
                assertion, client, issuer=self.server.issuer, ori=self.server.ori
            )
            self.server.take(client, claims)
        except Unproven as why:
            self.request.cause = f"officer_{why.code}"
            raise InvalidGrantError from None
        self._claims = claims
        return {"iss": claims.iss, "sub": claims.sub}

    def resolve_issuer_client(self, _issuer: str) -> Client:
        """Give the proven client: the assertion was verified as its own."""
        client: Client = self.request.client
        return client

    def authenticate_user(self, _subject: str) -> Officer | None:
        """Give the officer that the verified assertion names."""
        return None if self._claims is None else self._claims.officer()

    def has_granted_permission(self, client: Client, user: Officer) -> bool:
        """Whether this client may say all that of its officer."""
        if client.may_name(user):
            return True
        self.request.cause = "officer_not_permitted"
        raise InvalidGrantError
