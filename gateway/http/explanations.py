"""A dry run for agency systems: what a search would be allowed, and why not."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from gateway.exchange.rehearsing import Rehearsal, rehearse
from gateway.http.auth import require_officer
from gateway.http.client import SearchRequest, to_search
from gateway.http.composed import gateway_of
from gateway.http.problems import responses
from gateway.http.strict import StrictRoute
from gateway.model import Caller

router = APIRouter(route_class=StrictRoute)

Officer = Annotated[Caller, Depends(require_officer("search"))]


@router.post(
    "/v1/policy/explanations",
    responses={
        200: {"model": Rehearsal},
        **responses(401, 403, 415, 422, 503),
    },
    tags=["searches"],
    summary="What would this search be allowed?",
)
async def explain_search(request: Request, body: SearchRequest, caller: Officer) -> Response:
    """Decide on a search without making it: for each agency, would it be asked, and why not.

    The body is that of a search. Nothing is sent, and no record is read. It stands in the log.
    """
    gateway = gateway_of(request)
    told = await rehearse(
        to_search(gateway, body, caller),
        ori=gateway.ori,
        policy=gateway.policy,
        ledger=gateway.ledger,
    )
    return Response(told.body(), media_type="application/json")
