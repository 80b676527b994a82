"""What administrators record for a person here: a release of records to one agency."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends, Path, Request
from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field, StringConstraints

from gateway.errors import Invalid
from gateway.exchange.releases import NewRelease, as_told
from gateway.http.auth import require
from gateway.http.composed import Gateway, gateway_of
from gateway.http.problems import responses
from gateway.http.strict import StrictRoute
from gateway.ledger import Draft, EntryType
from gateway.model import Caller, JudicialWarrant, Long, OriText, Text, Word, utc

router = APIRouter(
    prefix="/v1/admin/releases",
    route_class=StrictRoute,
    tags=["administration"],
    responses=responses(401, 403, 404, 422, 503),
)

Administrator = Annotated[Caller, Depends(require("admin"))]
ReleaseId = Annotated[str, StringConstraints(pattern=r"^rel_[0-9a-f]{16}$")]
LONGEST = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """One release: on what ground, to whom, which records, which classes of elements, until when.

    `released_by` is the person here who looked at the paper and answers for it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    basis: Word
    asker: OriText
    records: Annotated[tuple[Text, ...], Field(min_length=1, max_length=256)]
    classes: Annotated[tuple[Word, ...], Field(min_length=1, max_length=64)]
    until: Annotated[AwareDatetime, AfterValidator(utc)]
    released_by: Text
    warrant: JudicialWarrant | None = None
    note: Long | None = None


@router.post("", summary="Record what a person here releases")
async def record_release(
    request: Request, body: ReleaseRequest, caller: Administrator
) -> dict[str, Any]:
    """Record a release. It counts from the next question of that agency."""
    gateway, now = gateway_of(request), datetime.now(UTC)
    _check(gateway, body, now)
    new = NewRelease(
        basis=body.basis,
        asker=body.asker,
        records=tuple(dict.fromkeys(body.records)),
        classes=tuple(dict.fromkeys(body.classes)),
        until=body.until,
        released_by=body.released_by,
        warrant=body.warrant,
        note=body.note,
    )
    # Logged first: what can't be logged changes nothing.
    await _logged(gateway, caller, "release_recorded", _told(new))
    recorded = await asyncio.to_thread(gateway.releases.record, new, now)
    return as_told(recorded, now)


@router.get("", summary="What persons here have released")
async def releases(request: Request, caller: Administrator) -> dict[str, Any]:
    """List all releases, the newest first."""
    gateway, now = gateway_of(request), datetime.now(UTC)
    await _logged(gateway, caller, "releases_listed", {})
    found = await asyncio.to_thread(gateway.releases.listed)
    return {"releases": [as_told(r, now) for r in found]}


@router.delete("/{release_id}", summary="Revoke a release")
async def revoke_release(
    request: Request, release_id: Annotated[ReleaseId, Path()], caller: Administrator
) -> dict[str, Any]:
    """Revoke a release: nothing is given on it from the next question on."""
    gateway = gateway_of(request)
    await _logged(gateway, caller, "release_revoked", {"release": release_id})
    await asyncio.to_thread(gateway.releases.revoke, release_id, datetime.now(UTC))
    return {"revoked": release_id}


def _check(gateway: Gateway, body: ReleaseRequest, now: datetime) -> None:
    """Hold a release against the vocabulary. Raises Invalid, with what to give instead."""
    words = gateway.policy.vocabulary
    basis = words.release_bases.get(body.basis)
    if not isinstance(basis, dict):
        raise Invalid(
            f"The ground is not in this gateway's vocabulary. Known: {_list(words.release_bases)}.",
            code="release.unknown_basis",
            pointer="/basis",
        )
    if basis.get("needs_warrant") is not (body.warrant is not None):
        what = "needs" if body.warrant is None else "has no"
        raise Invalid(
            f"A release on this ground {what} court, number, person and document.",
            code="release.warrant",
            pointer="/warrant",
        )
    unknown = [c for c in body.classes if c not in words.classes]
    if unknown:
        raise Invalid(
            f"'{unknown[0]}' is no class of elements. Known: {_list(words.classes)}.",
            code="release.unknown_class",
            pointer="/classes",
        )
    if not now < body.until <= now + LONGEST:
        raise Invalid(
            f"A release ends in the future, within {LONGEST.days} days.", pointer="/until"
        )


def _list(words: Any) -> str:
    return ", ".join(sorted(words))


def _told(new: NewRelease) -> dict[str, Any]:
    return {
        "basis": new.basis,
        "asker": new.asker,
        "records": list(new.records),
        "classes": list(new.classes),
        "until": new.until.isoformat(),
        "released_by": new.released_by,
        "warrant": None
        if new.warrant is None
        else {
            "court": new.warrant.court,
            "number": new.warrant.number,
            "person": new.warrant.person,
            "document": new.warrant.document.digest,
        },
        "note": new.note,
    }


async def _logged(gateway: Gateway, caller: Caller, what: str, release: dict[str, Any]) -> None:
    officer = caller.officer
    personal = {"client": caller.client, "officer": officer.subject if officer else None}
    draft = Draft(
        type=EntryType.ADMIN,
        peer=gateway.ori,
        policy=gateway.policy.revision,
        decision=what,
        personal=personal | ({"release": release} if release else {}),
    )
    await gateway.ledger.begin([draft])
