"""The token endpoint (RFC 6749), its metadata (RFC 8414) and its public key.

The one place whose errors are no problems of RFC 9457: clients expect RFC 6749's JSON here.
"""

import re
from typing import Any
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.errors import Unavailable
from gateway.trust.tokens import TokenService

MAX_FORM = 16 * 1024
_MAX_FIELDS = 16
_FORM = re.compile(
    rb"application/x-www-form-urlencoded(?: *; *charset=\"?utf-8\"?)?", re.IGNORECASE
)
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}

router = APIRouter(tags=["token"])

_text = {"type": "string"}
_OPENAPI: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["grant_type", "client_assertion_type", "client_assertion"],
                    "properties": {
                        "grant_type": {
                            "type": "string",
                            "enum": [
                                "client_credentials",
                                "urn:ietf:params:oauth:grant-type:jwt-bearer",
                            ],
                        },
                        "client_assertion_type": {
                            "const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
                        },
                        "client_assertion": _text,
                        "assertion": {
                            **_text,
                            "description": "The client's signed word for its officer (RFC 7523)",
                        },
                        "scope": {**_text, "description": "Left out: all that the client has"},
                    },
                }
            }
        },
    },
    "responses": {
        "200": {
            "description": "A token",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["access_token", "token_type", "expires_in", "scope"],
                        "properties": {
                            "access_token": _text,
                            "token_type": {"const": "Bearer"},
                            "expires_in": {"type": "integer", "description": "Seconds"},
                            "scope": _text,
                        },
                    }
                }
            },
        },
        **{
            status: {
                "description": text,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["error"],
                            "properties": {"error": _text, "error_description": _text},
                        }
                    }
                },
            }
            for status, text in {
                "400": "The request, the grant or the scope was refused",
                "401": "The client did not prove itself",
                "413": "The form is over 16 KiB",
                "503": "No log-on can be recorded now",
            }.items()
        },
    },
}


class _BadForm(Exception):
    """The body is no form that we take. `status` is HTTP's."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.text = text
        self.status = status


@router.post(
    "/oauth2/token", operation_id="getToken", summary="Get a token", openapi_extra=_OPENAPI
)
async def token(request: Request) -> Response:
    """Give a token to a client that proves itself, for itself or for an officer of the agency."""
    service: TokenService = request.app.state.gateway.tokens
    try:
        form = await _form(request)
    except _BadForm as error:
        body = {"error": "invalid_request", "error_description": error.text}
        return _answer(error.status, body)
    try:
        given = await service.token(form)
    except Unavailable:
        body = {
            "error": "temporarily_unavailable",
            "error_description": "No log-on can be recorded now, so none is given. Try again.",
        }
        return _answer(503, body)
    return _answer(given.status, given.body)


@router.get(
    "/.well-known/oauth-authorization-server",
    operation_id="getTokenServiceMetadata",
    summary="Describe the token service",
)
async def metadata(request: Request) -> Response:
    """Describe the token service (RFC 8414)."""
    service: TokenService = request.app.state.gateway.tokens
    return Response(orjson.dumps(service.metadata()), media_type="application/json")


@router.get("/oauth2/jwks", operation_id="getTokenKeys", summary="Get the tokens' public key")
async def jwks(request: Request) -> Response:
    """Give the public key that access tokens are verified with, as a JWK set."""
    service: TokenService = request.app.state.gateway.tokens
    return Response(orjson.dumps(service.jwks()), media_type="application/json")


async def _form(request: Request) -> dict[str, str]:
    """Read a strict form: small, each parameter once, no credentials beside the assertion."""
    headers = [(k, v) for k, v in request.scope["headers"] if k in _HEADERS]
    types = [v for k, v in headers if k == b"content-type"]
    if len(types) != 1 or not _FORM.fullmatch(types[0]):
        raise _BadForm("Send one form: application/x-www-form-urlencoded.")
    if any(k == b"authorization" for k, _ in headers):
        raise _BadForm("Prove the client by a client_assertion, not by an Authorization header.")
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_FORM:
            raise _BadForm(f"The form is over {MAX_FORM} bytes.", 413)
    try:
        pairs = parse_qsl(
            data.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError:
        raise _BadForm("The body is no form.") from None
    form = dict(pairs)
    if len(form) != len(pairs):
        raise _BadForm("A parameter stands twice.")
    if "client_secret" in form:
        raise _BadForm("Prove the client by a client_assertion, not by a secret.")
    return form


_HEADERS = frozenset({b"content-type", b"authorization"})


def _answer(status: int, body: dict[str, Any]) -> Response:
    headers = dict(_NO_STORE)
    if status == 401:  # noqa: PLR2004 - HTTP asks for a challenge with every 401
        headers["WWW-Authenticate"] = 'Bearer realm="sallyport"'
    return Response(orjson.dumps(body), status, headers=headers, media_type="application/json")
