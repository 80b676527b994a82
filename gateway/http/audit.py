"""What auditors call: entries, receipts, checkpoint, the review queue. Every reading is logged."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from starlette.responses import Response

from gateway.errors import Forbidden, NotFound
from gateway.exchange.replaying import Replayer
from gateway.http.auth import caller as known_caller
from gateway.http.auth import with_scope
from gateway.http.composed import Gateway, gateway_of
from gateway.http.problems import responses
from gateway.http.strict import StrictRoute
from gateway.ledger import Draft, EntryType, Filters, LogEntry, PageOf
from gateway.model import Caller, Moment, OriText, Word, stamp
from gateway.trust.clients import LOCAL_ADMIN

_LONGEST_PATH = 256

router = APIRouter(
    prefix="/v1/audit",
    route_class=StrictRoute,
    tags=["audit"],
    responses=responses(401, 403, 404, 422, 503),
)


async def auditor(request: Request, who: Annotated[Caller, Depends(known_caller)]) -> Caller:
    """Let pass who may read the log. An attempt by anybody else who is known is logged too.

    Raises Forbidden, LedgerUnavailable.
    """
    gateway = gateway_of(request)
    try:
        _require_auditor(gateway, who)
    except Forbidden as refused:
        await gateway.refused_readings.note(who, refused.code, request.url.path[:_LONGEST_PATH])
        raise
    return who


def _require_auditor(gateway: Gateway, who: Caller) -> None:
    """Let pass an officer in that role, or this gateway's own commands. Raises Forbidden.

    The commands' key lies in the gateway's folder: who has it has the log's file and keys as well.
    The role's name is the scope's, so that no word of policy is needed here.
    """
    with_scope(who, "audit")
    if who.officer is None:
        client = gateway.tokens.client(who.client)
        commands = who.client == LOCAL_ADMIN and client is not None and client.roles is None
        if not commands:
            raise Forbidden(
                "Only an auditor reads the access log. Get a token that names an officer in that "
                "role (JWT bearer grant, RFC 7523).",
                code="auth.no_officer",
            )
    elif "auditor" not in who.officer.roles:
        raise Forbidden("Only an auditor reads the access log.", code="auth.role")


Auditor = Annotated[Caller, Depends(auditor)]


class EntryView(BaseModel):
    """One entry. `personal` and `reference` only where the sealed part was to be opened."""

    index: int | None
    entry_id: str
    leaf: str
    time: str
    type: EntryType
    personal_state: str
    personal: dict[str, Any] | None = None
    reference: str | None = None


class EntriesView(BaseModel):
    """A page of the log, in its own order. `next` is the cursor of the page after."""

    entries: list[EntryView]
    next: str | None = None


@router.get("/entries", responses={200: {"model": EntriesView}}, summary="Read the access log")
async def entries(
    request: Request,
    caller: Auditor,
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    type: Annotated[list[EntryType] | None, Query()] = None,  # noqa: A002 - the log's own name
    transaction: Annotated[str | None, Query(max_length=64)] = None,
    purpose: Word | None = None,
    peer: OriText | None = None,
    decision: Word | None = None,
    subject: Annotated[str | None, Query(max_length=64)] = None,
    after: Annotated[str | None, Query(max_length=20)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    newest_first: bool = False,
    unseal: bool = False,
) -> Response:
    """Give a page of entries. `unseal` opens the personal parts. The reading itself is logged."""
    gateway = gateway_of(request)
    given = request.query_params
    asked = {k: " ".join(given.getlist(k)) for k in given if k not in {"after", "limit"}}
    await _logged(gateway, caller, "log_unsealed" if unseal else "log_read", {"filters": asked})
    page = await gateway.ledger.entries(
        Filters(
            since=since,
            until=until,
            types=tuple(type or ()),
            transaction=transaction,
            purpose=purpose,
            peer=peer,
            decision=decision,
            subject=subject,
        ),
        PageOf(after=after, limit=limit, newest_first=newest_first),
        unseal=unseal,
    )
    return _json({"entries": [_view(e) for e in page.entries], "next": page.next})


@router.get("/receipts", summary="The leaves that a peer gave us")
async def receipts(request: Request, caller: Auditor, peer: OriText) -> Response:
    """Give what proves a peer's log: the leaves that it gave us with its answers."""
    gateway = gateway_of(request)
    await _logged(gateway, caller, "receipts_read", {"peer": peer})
    return _json({"receipts": await gateway.ledger.receipts(peer)})


@router.get("/checkpoint", summary="The newest signed checkpoint", response_class=Response)
async def checkpoint(request: Request, caller: Auditor) -> Response:
    """Give the log's signed head, a C2SP signed note. Kept elsewhere it finds a rewritten log."""
    gateway = gateway_of(request)
    await _logged(gateway, caller, "checkpoint_read", {})
    note = await gateway.ledger.checkpoint()
    if note is None:
        raise NotFound("There is no checkpoint yet. Ask again in a second.")
    return Response(note, media_type="text/plain; charset=utf-8")


class ReplayView(BaseModel):
    """One decision made again. `differences` say where, with then and now; absent is null."""

    entry_id: str
    result: str
    entrypoint: str | None = None
    differences: list[dict[str, Any]] | None = None
    detail: str | None = None


@router.get(
    "/entries/{entry}/replay",
    responses={200: {"model": ReplayView}},
    summary="Decide a logged decision again",
)
async def replay(
    request: Request, entry: Annotated[str, Path(max_length=64)], caller: Auditor
) -> Response:
    """Decide again from the sealed input and the kept set: same, different, or why it can't be.

    `entry` is an entry's id or its number in the log. The reading is logged.
    """
    gateway = gateway_of(request)
    await _logged(gateway, caller, "decisions_replayed", {"about": {"entry": entry}})
    async with Replayer(gateway.ledger, gateway.policy.kept) as replayer:
        found = await replayer.one(entry)
    return _json(found.as_json())


Reading = Literal[
    "decisions_replayed", "decision_explained", "impact_measured", "exposure_measured"
]

About = Annotated[
    dict[Word, Annotated[str, StringConstraints(max_length=256)]], Field(max_length=16)
]
"""What a command says of what it does, in the sealed part."""


class ReadingRequest(BaseModel):
    """What the command is about to read, and of which entries."""

    model_config = ConfigDict(extra="forbid")

    what: Reading
    about: About = Field(default={})


@router.post("/readings", summary="Log a reading of sealed parts by the command")
async def reading(request: Request, body: ReadingRequest, caller: Auditor) -> Response:
    """Log that sealed parts are about to be read from the log's file, beside the gateway."""
    await _logged(gateway_of(request), caller, body.what, {"about": body.about})
    return _json({"logged": True})


class ReviewView(BaseModel):
    """What was not done in time: references and duties by our officers, confirmations by owners."""

    overdue: list[dict[str, str | bool]] = Field(default=[])
    unanswered: list[dict[str, str | int]] = Field(default=[])
    duties: list[dict[str, str | bool]] = Field(default=[])


@router.get(
    "/review-queue",
    responses={200: {"model": ReviewView}},
    summary="References not completed, confirmations not answered, duties not done",
)
async def review_queue(request: Request, caller: Auditor) -> Response:
    """List references and duties that are or were late, and requests that no owner answered."""
    gateway, now = gateway_of(request), datetime.now(UTC)
    await _logged(gateway, caller, "review_queue_read", {})
    found = [
        {"search_id": o.id, "asked_at": stamp(o.asked_at), "completed_late": o.completed_late}
        for o in gateway.searches.overdue(now)
    ]
    waiting = await asyncio.to_thread(gateway.confirmations.unanswered, now)
    unanswered = [
        {
            "confirmation_id": u.id,
            "search_id": u.search_id,
            "owner": u.owner,
            "requests": u.requests,
            "due": stamp(u.due),
        }
        for u in waiting
    ]
    undone = await asyncio.to_thread(gateway.duties.overdue, now)
    duties = [
        {
            "duty_id": d.id,
            "search_id": d.search_id,
            "type": d.type,
            "due": stamp(d.due),
            "done_late": d.done_late,
        }
        for d in undone
    ]
    return _json({"overdue": found, "unanswered": unanswered, "duties": duties})


def _view(entry: LogEntry) -> dict[str, Any]:
    view = {
        **entry.fields,
        "index": entry.position,
        "entry_id": entry.entry_id,
        "leaf": entry.leaf,
        "personal_state": entry.personal_state,
    }
    view["personal"] = entry.personal
    view["reference"] = entry.reference
    return {k: v for k, v in view.items() if v is not None}


async def _logged(gateway: Gateway, caller: Caller, what: str, personal: dict[str, Any]) -> None:
    officer = caller.officer
    who = {"client": caller.client, "officer": officer.subject if officer else None}
    await gateway.ledger.begin(
        [Draft(type=EntryType.ADMIN, peer=gateway.ori, decision=what, personal=who | personal)]
    )


def _json(body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
