"""What administrators call, mostly through the `sallyport` command. Every use stands in the log."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from gateway.errors import PolicyRejected
from gateway.http.auth import require
from gateway.http.composed import gateway_of
from gateway.http.problems import Problem
from gateway.ledger import Draft, EntryType
from gateway.model import Caller

router = APIRouter(
    prefix="/v1/admin",
    tags=["administration"],
    responses={s: {"model": Problem} for s in (401, 403, 422, 503)},
)

Administrator = Annotated[Caller, Depends(require("admin"))]


@router.post("/policy/apply", summary="Apply the edited policy folder")
async def apply_policy(request: Request, caller: Administrator) -> dict[str, Any]:
    """Vet the policy folder as a whole and switch to it; if it does not pass, the old set stays."""
    gateway = gateway_of(request)
    before = gateway.policy.revision
    try:
        revision = await gateway.policy.apply()
    except PolicyRejected:
        await _logged(request, caller, "policy_rejected", before)
        raise
    await _logged(request, caller, "policy_applied", revision)
    return {"revision": revision, "before": before, "changed": revision != before}


@router.get("/sources", summary="The agency's sources and how old they are")
async def sources(request: Request, caller: Administrator) -> dict[str, Any]:
    """List the sources of records with their generation, counts and age."""
    gateway = gateway_of(request)
    await _logged(request, caller, "sources_listed", gateway.policy.revision)
    return dict(gateway.records.status())


async def _logged(request: Request, caller: Caller, what: str, revision: str) -> None:
    gateway = gateway_of(request)
    officer = caller.officer
    draft = Draft(
        type=EntryType.ADMIN,
        peer=gateway.ori,
        policy=revision,
        decision=what,
        personal={"client": caller.client, "officer": officer.subject if officer else None},
    )
    await gateway.ledger.begin([draft])
