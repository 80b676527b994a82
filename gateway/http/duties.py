"""What agency systems record of what an answer obliges a person to: that it was done."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import orjson
from fastapi import APIRouter, Path, Request
from pydantic import ConfigDict, StringConstraints
from starlette.responses import Response

from gateway.exchange.outcome import Duty
from gateway.http.client import PROBLEMS, Officer
from gateway.http.composed import gateway_of
from gateway.http.strict import StrictRoute
from gateway.model import Long, Text

router = APIRouter(prefix="/v1/duties", tags=["duties"], route_class=StrictRoute)

DutyId = Annotated[str, StringConstraints(pattern=r"^duty_[0-9a-f]{32}$")]


@dataclass(frozen=True, slots=True)
class DutyCompletion:
    """That it was done. `reference`: by what it is found, such as a transaction control number."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    reference: Text
    note: Long | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyView(Duty):
    """How a duty stands now; `do` says in words what to do."""

    search_id: str


@router.get(
    "/{duty_id}",
    responses={200: {"model": DutyView}, **PROBLEMS},
    summary="How does this duty stand?",
)
async def duty(request: Request, duty_id: Annotated[DutyId, Path()], caller: Officer) -> Response:
    """Tell how a duty stands, to the officer whose search it came with."""
    return _json(*await gateway_of(request).duties.get(duty_id, caller))


@router.post(
    "/{duty_id}/completion",
    responses={200: {"model": DutyView}, **PROBLEMS},
    summary="Record that a duty was done",
)
async def complete_duty(
    request: Request,
    duty_id: Annotated[DutyId, Path()],
    body: DutyCompletion,
    caller: Officer,
) -> Response:
    """Record that it was done, once. Past its time it stays in the review queue as done late."""
    duties = gateway_of(request).duties
    return _json(*await duties.done(duty_id, caller, reference=body.reference, note=body.note))


def _json(search_id: str, one: Duty) -> Response:
    view = {"search_id": search_id, **one.plain()}
    return Response(orjson.dumps(view), media_type="application/json")
