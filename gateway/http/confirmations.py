"""What agency systems record of a hit: the owner was asked to confirm it, and what it said."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar

import orjson
from fastapi import APIRouter, Path, Request
from pydantic import ConfigDict, StringConstraints
from starlette.responses import Response

from gateway.errors import Invalid
from gateway.exchange.outcome import Standing
from gateway.exchange.to_confirm import Confirmation, Said
from gateway.http.client import PROBLEMS, Officer
from gateway.http.composed import gateway_of
from gateway.http.strict import StrictRoute
from gateway.model import Long, OriText, Text, Word

router = APIRouter(prefix="/v1/confirmations", tags=["confirmations"], route_class=StrictRoute)

ConfirmationId = Annotated[str, StringConstraints(pattern=r"^conf_[0-9a-f]{32}$")]


@dataclass(frozen=True, slots=True)
class ConfirmationRequest:
    """That the owner is asked now. `priority`: a word of the vocabulary, with the owner's time."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    priority: Word


@dataclass(frozen=True, slots=True)
class ConfirmationResponse:
    """What the owner said: that the hit stands, or not. `by`: the person there who said it."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    response: Said
    by: Text
    note: Long | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationView(Standing):
    """How the confirmation of one hit stands now; `do` says in words what to do."""

    search_id: str
    ori: OriText


@router.get(
    "/{confirmation_id}",
    responses={200: {"model": ConfirmationView}, **PROBLEMS},
    summary="How does this hit stand?",
)
async def confirmation(
    request: Request, confirmation_id: Annotated[ConfirmationId, Path()], caller: Officer
) -> Response:
    """Tell how the confirmation of a hit stands, to the officer whose search found it."""
    return _json(await gateway_of(request).confirmations.get(confirmation_id, caller))


@router.post(
    "/{confirmation_id}/requests",
    responses={200: {"model": ConfirmationView}, **PROBLEMS},
    summary="Record that the owner is asked",
)
async def request_confirmation(
    request: Request,
    confirmation_id: Annotated[ConfirmationId, Path()],
    body: ConfirmationRequest,
    caller: Officer,
) -> Response:
    """Start the owner's clock. Whoever asks calls the owner: the number came with the hit."""
    gateway = gateway_of(request)
    within = gateway.policy.vocabulary.confirm_within
    if body.priority not in within:
        raise Invalid(
            "The priority is not in this gateway's vocabulary. "
            f"Known: {', '.join(sorted(within)) or 'none'}.",
            code="confirmation.unknown_priority",
            pointer="/priority",
        )
    asked = await gateway.confirmations.request(
        confirmation_id,
        caller,
        priority=body.priority,
        within=timedelta(minutes=within[body.priority]),
    )
    return _json(asked)


@router.post(
    "/{confirmation_id}/responses",
    responses={200: {"model": ConfirmationView}, **PROBLEMS},
    summary="Record what the owner said",
)
async def respond_to_confirmation(
    request: Request,
    confirmation_id: Annotated[ConfirmationId, Path()],
    body: ConfirmationResponse,
    caller: Officer,
) -> Response:
    """Record that the owner confirmed the hit, or that it does not stand, and who said so."""
    said = await gateway_of(request).confirmations.respond(
        confirmation_id, caller, response=body.response, by=body.by, note=body.note
    )
    return _json(said)


def _json(one: Confirmation) -> Response:
    view = {"search_id": one.search_id, "ori": one.owner, **one.shown(datetime.now(UTC))}
    return Response(orjson.dumps(view), media_type="application/json")
