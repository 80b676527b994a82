"""What administrators call, mostly through the `sallyport` command. Every use stands in the log."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import Invalid
from gateway.exchange.exposure import Exposure, Got, count_got, reach
from gateway.http.audit import About
from gateway.http.auth import require
from gateway.http.composed import gateway_of
from gateway.http.problems import responses
from gateway.http.strict import StrictRoute
from gateway.ledger import Draft, EntryType
from gateway.model import Caller, Moment, OriText, Word, stamp

router = APIRouter(
    prefix="/v1/admin",
    route_class=StrictRoute,
    tags=["administration"],
    responses=responses(401, 403, 422, 503),
)

_PERIOD = timedelta(days=30)
Administrator = Annotated[Caller, Depends(require("admin"))]


@router.post("/policy/apply", summary="Apply the edited policy folder")
async def apply_policy(request: Request, caller: Administrator) -> dict[str, Any]:
    """Vet the policy folder as a whole and switch to it; if it does not pass, the old set stays."""
    officer = caller.officer
    who = {"client": caller.client, "officer": officer.subject if officer else None}
    return await gateway_of(request).applying.apply(who)


@router.get("/sources", summary="The agency's sources and how old they are")
async def sources(request: Request, caller: Administrator) -> dict[str, Any]:
    """List the sources of records with their generation, counts and age.

    Of one that is searched live: `passed_over`, how often searches met a row since the start
    that they could not give; and of the last check of all of it when it was (`checked`; null:
    never), its `rows`, and how many of them no search gives (`set_aside`).
    """
    gateway = gateway_of(request)
    await _logged(request, caller, "sources_listed", gateway.policy.revision)
    return dict(gateway.records.status())


class ActRequest(BaseModel):
    """What the command is about to do, or did not do after all, and to how many records or rows."""

    model_config = ConfigDict(extra="forbid")

    what: Literal[
        "source_removed",
        "source_not_removed",
        "import_allowed",
        "import_not_made",
        "rows_corrected",
        "rows_not_corrected",
        "corrections_taken_back",
        "corrections_not_taken_back",
    ]
    results: Annotated[int, Field(strict=True, ge=0, lt=2**53)]
    about: About = Field(default={})


@router.post("/acts", summary="Log what the command does beside the gateway")
async def act(request: Request, body: ActRequest, caller: Administrator) -> dict[str, Any]:
    """Log what is about to be done to the records' file or its corrections, beside the gateway."""
    revision = gateway_of(request).policy.revision
    about = {"about": body.about}
    await _logged(request, caller, body.what, revision, about=about, results=body.results)
    return {"logged": True}


@router.get("/peers", summary="The other gateways, and the policy set that each decides by")
async def peers(request: Request, caller: Administrator) -> dict[str, Any]:
    """List the pinned peers: since when each decides by which set, and when it last said so."""
    gateway = gateway_of(request)
    await _logged(request, caller, "peers_listed", gateway.policy.revision)
    waiting = gateway.peers.backing_off()
    policies = gateway.peer_policies.listing()
    return {
        "policy": gateway.policy.revision,
        "peers": [
            {
                "ori": peer.ori,
                "name": peer.name,
                "url": peer.url,
                "backing_off_s": waiting.get(peer.ori, 0),
                "policy": policies.get(peer.ori),
            }
            for peer in gateway.peers.known()
        ],
    }


@router.get("/exposure", summary="What an agency can see of ours, and what it got")
async def exposure(
    request: Request,
    caller: Administrator,
    ori: OriText,
    *,
    purpose: Word | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    public: bool = False,
) -> dict[str, Any]:
    """Decide over a grid of questions what an agency can see; count from the log what it got.

    Classes stand under how they are told: `give`, `mask`, `count` (how many there are of it) and
    `pointer` (whom to ask). What persons here have released to it is in both. Thirty days by
    default; no names. `public` leaves out what must not be published. For all purposes it takes
    some ten seconds.
    """
    gateway = gateway_of(request)
    if purpose is not None and purpose not in gateway.policy.vocabulary.purposes:
        raise Invalid("The purpose is not in this gateway's vocabulary.", pointer="/purpose")
    end = until or datetime.now(UTC)
    start = since or end - _PERIOD
    about = {"agency": ori, "since": stamp(start), "until": stamp(end), "purpose": purpose}
    revision = gateway.policy.revision
    await _logged(request, caller, "exposure_measured", revision, about={"about": about})
    now = datetime.now(UTC)
    found = await reach(
        gateway.policy.deciding,
        agency=ori,
        owner=gateway.ori,
        now=now,
        purposes=None if purpose is None else [purpose],
        releases=gateway.releases.for_asker(ori, now),
    )
    got = Got()
    async for _ in count_got(
        gateway.ledger, got, agency=ori, since=start, until=end, purpose=purpose
    ):
        pass
    return Exposure(found, got, start, end).as_json(public=public)


async def _logged(
    request: Request,
    caller: Caller,
    what: str,
    revision: str,
    *,
    about: Mapping[str, Any] | None = None,
    results: int | None = None,
) -> None:
    gateway = gateway_of(request)
    officer = caller.officer
    draft = Draft(
        type=EntryType.ADMIN,
        peer=gateway.ori,
        policy=revision,
        decision=what,
        results=results,
        personal={
            "client": caller.client,
            "officer": officer.subject if officer else None,
            **(about or {}),
        },
    )
    await gateway.ledger.begin([draft])
