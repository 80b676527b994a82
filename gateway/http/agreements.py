"""Agreements: what administrators see and set in force here, and what other gateways tell."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError
from starlette.responses import Response

from gateway.errors import Invalid, SignatureInvalid
from gateway.exchange.agreements import PATH, AgreementMessage, AgreementReply, Told
from gateway.http.auth import require
from gateway.http.composed import Gateway, gateway_of
from gateway.http.peer import nonce_of, signed_exchange, write_down
from gateway.http.problems import responses
from gateway.ledger import Draft, EntryType
from gateway.model import Caller
from gateway.trust.signatures import Verified

router = APIRouter()

Administrator = Annotated[Caller, Depends(require("admin"))]
_ERRORS = responses(401, 403, 422, 503)


@router.get(
    "/v1/admin/agreements",
    tags=["administration"],
    responses=_ERRORS,
    summary="The agreements, and how each stands",
)
async def agreements(request: Request, caller: Administrator) -> dict[str, Any]:
    """List what is signed, awaited, suspended or over, with days left and partners that differ."""
    gateway = gateway_of(request)
    draft = Draft(
        type=EntryType.ADMIN,
        peer=gateway.ori,
        policy=gateway.policy.revision,
        decision="agreements_listed",
        personal=_who(caller),
    )
    await gateway.ledger.begin([draft])
    return {"agreements": gateway.agreeing.listing(), **gateway.agreeing.status()}


@router.post(
    "/v1/admin/agreements/apply",
    tags=["administration"],
    responses=_ERRORS,
    summary="Let the folder of agreements count as it is now",
)
async def apply_agreements(request: Request, caller: Administrator) -> dict[str, Any]:
    """Read and verify every agreement; what was signed, suspended or revoked counts at once."""
    gateway = gateway_of(request)
    changed = await gateway.agreeing.apply(_who(caller))
    return {"revision": gateway.policy.revision, "changed": changed}


@router.post(
    PATH,
    responses={
        200: {"model": AgreementReply},
        **responses(401, 422, 503),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": AgreementMessage.model_json_schema(mode="validation")
                }
            },
        }
    },
    tags=["peers"],
    summary="Take in what another gateway signed or said of an agreement",
)
async def agreement_message(request: Request) -> Response:
    """Verify a signed message (RFC 9421, one profile), log it, take it in, sign the answer."""
    return await signed_exchange(request, _receive)


async def _receive(gateway: Gateway, verified: Verified, body: bytes) -> bytes:
    try:
        message = _understood(gateway, verified, body)
    except (Invalid, SignatureInvalid) as error:
        await write_down(gateway, verified, error.code)
        raise
    told = Told(
        peer=verified.peer.ori,
        request=verified.request_digest,
        signature=verified.signature_digest,
        nonce=nonce_of(verified),
    )
    reply = await gateway.agreeing.receive(message, told)
    return reply.model_dump_json(exclude_none=True).encode()


def _understood(gateway: Gateway, verified: Verified, body: bytes) -> AgreementMessage:
    try:
        message = AgreementMessage.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise Invalid(f"The message breaks the protocol: {first['type']}.") from None
    if (message.sender, message.owner) != (verified.peer.ori, gateway.ori):
        gateway.metrics.rejected.labels("claims").inc()
        raise SignatureInvalid("The message's sender or addressee is not its signer's to give.")
    return message


def _who(caller: Caller) -> dict[str, Any]:
    officer = caller.officer
    return {"client": caller.client, "officer": officer.subject if officer else None}
