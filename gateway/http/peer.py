"""What other gateways call: one signed question, one signed answer. Errors are signed too."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog
from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from gateway.errors import Invalid, SallyportError, SignatureInvalid
from gateway.exchange import Received
from gateway.http import problems
from gateway.http.composed import Gateway, gateway_of
from gateway.http.problems import responses
from gateway.http.strict import parse_once
from gateway.ledger import Draft, EntryType, Nonce
from gateway.model import Answer, Question, parse_stamp
from gateway.peers import PATH, QUESTION
from gateway.trust.profile import MAX_SKEW_S
from gateway.trust.signatures import Binding, Verified

router = APIRouter()

_log = structlog.get_logger("sallyport.peer")


@router.post(
    PATH,
    responses={
        200: {"model": Answer},
        **responses(401, 422, 503),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Question"}}},
        }
    },
    tags=["peers"],
    summary="Answer another gateway",
)
async def question(request: Request) -> Response:
    """Verify a signed question (RFC 9421, one profile), decide, log, answer, sign."""
    return await signed_exchange(request, _answer)


Work = Callable[[Gateway, Verified, bytes], Awaitable[bytes]]
"""What is done with a verified message: gives the body of the answer."""


async def signed_exchange(request: Request, work: Work) -> Response:
    """Verify a signed message, have the work done, and sign what goes back; errors too."""
    gateway = gateway_of(request)
    # From our own base URL, never from a header: a question re-aimed from another agency fails.
    target_uri = gateway.base_url + request.scope["raw_path"].decode("latin-1")
    headers = request.scope["headers"]
    if request.scope["query_string"]:
        # It isn't part of the one address that questions go to, so nobody signed it.
        raise Invalid("A question has no query in its address.")
    body = await request.body()
    try:
        verified = gateway.verifier.verify_request(
            method=request.method,
            target_uri=target_uri,
            headers=headers,
            body=body,
            now=datetime.now(UTC),
        )
    except SignatureInvalid as error:
        binding = gateway.verifier.binding_of(
            method=request.method, target_uri=target_uri, headers=headers
        )
        return _signed(gateway, binding, problems.of_error(request, error))
    gateway.peers.seen(verified.peer.ori)
    try:
        answer = await work(gateway, verified, body)
    except SallyportError as error:
        return _signed(gateway, verified.binding, problems.of_error(request, error))
    return _signed(gateway, verified.binding, Response(answer, media_type="application/json"))


async def write_down(gateway: Gateway, verified: Verified, code: str) -> None:
    """Write into the log that a peer signed what it may not, with its nonce: it is a proof.

    Raises LedgerUnavailable, Replayed.
    """
    draft = Draft(
        type=EntryType.DENY,
        transaction=verified.transaction,
        peer=verified.peer.ori,
        decision="deny",
        reasons=(code,),
        request=verified.request_digest,
        signature=verified.signature_digest,
    )
    await gateway.ledger.begin([draft], nonce=nonce_of(verified))


def nonce_of(verified: Verified) -> Nonce:
    """Give the nonce of a message, to be written down with it."""
    return Nonce(key_id=verified.peer.key_id, value=verified.nonce, expires=verified.expires)


async def _answer(gateway: Gateway, verified: Verified, body: bytes) -> bytes:
    try:
        asked = _understood(gateway, verified, body)
    except (Invalid, SignatureInvalid) as error:
        await write_down(gateway, verified, error.code)
        raise
    released = await gateway.answering.answer(
        asked,
        Received(
            request=verified.request_digest,
            signature=verified.signature_digest,
            nonce=nonce_of(verified),
        ),
    )
    return released.body()


def _understood(gateway: Gateway, verified: Verified, body: bytes) -> Question:
    """Read a question, and hold its claims against its signer. Raises Invalid, SignatureInvalid."""
    try:
        parse_once(body.decode())
        asked = QUESTION.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise Invalid(f"The question breaks the protocol: {first['type']}.") from None
    except (ValueError, RecursionError):
        raise Invalid(
            "The question breaks the protocol: it is no JSON in UTF-8 with each key once."
        ) from None
    if not asked.subject.is_one:
        raise Invalid("The question breaks the protocol: its subject is not exactly one.")
    claims_hold = (
        asked.owner == gateway.ori
        and asked.asker.ori == verified.peer.ori
        and asked.transaction == verified.transaction
        and parse_stamp(asked.asker.auth_time) <= datetime.now(UTC) + timedelta(seconds=MAX_SKEW_S)
        and (
            verified.peer.allowed_purposes is None
            or asked.purpose in verified.peer.allowed_purposes
        )
    )
    if not claims_hold:
        gateway.metrics.rejected.labels("claims").inc()
        raise SignatureInvalid(
            "The question's addressee, asker, transaction or purpose is not its signer's to give, "
            "or its officer's log-on lies in the future."
        )
    return asked


def _signed(gateway: Gateway, binding: Binding | None, response: Response) -> Response:
    """Sign what goes back. A stranger's message gets an unsigned problem: nobody makes us sign."""
    if binding is None:
        return response
    signed = gateway.signer.sign_response(
        binding,
        status=response.status_code,
        body=bytes(response.body),
        now=datetime.now(UTC),
        content_type=str(response.media_type),
    )
    for name, value in signed.headers:
        response.headers[name] = value
    return response
