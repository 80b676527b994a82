"""Hits that their owner confirms before anyone acts: asked for with a clock, and what it said.

A hit is known here by an id of its own: no word of the answer is kept, so that it can be erased on
its day while the confirmation still runs. Until the owner has confirmed it, and again from the
moment that it is asked once more, a hit reads "do not act".

Who answers is a person at the owner, reached by the number that comes with the match; the officer's
system records the request and the response, and both stand in the log before they count.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    Engine,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)

from gateway.errors import Conflict, NotFound
from gateway.exchange.outcome import AgencyOutcome
from gateway.exchange.sealed import SealedRows, next_over
from gateway.exchange.to_confirm import Confirmation, Said, marked
from gateway.ledger import Draft, EntryType, Ledger
from gateway.model import Caller, Search, stamp

_metadata = MetaData()
_table = Table(
    "confirmation",
    _metadata,
    Column("id", String(37), primary_key=True),
    Column("search_id", String(31), nullable=False),
    Column("owner", String(9), nullable=False),
    Column("keep_until", Float, nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("requests", Integer, nullable=False),
    Column("due", Float, nullable=True, index=True),
    Column("sealed", LargeBinary, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A request for confirmation that its owner did not answer in time: for the review queue."""

    id: str
    search_id: str
    owner: str
    requests: int
    due: datetime


@dataclass(frozen=True, slots=True)
class _Row:
    confirmation: Confirmation
    version: int
    officer: str


class Confirmations:
    """The hits to be confirmed. `key` is 32 bytes. Each call writes the log before it counts."""

    def __init__(self, engine: Engine, key: bytes, ledger: Ledger) -> None:
        self._ledger = ledger
        self._rows = SealedRows(
            engine,
            key,
            code="confirmations.unavailable",
            unavailable=(
                "Confirmations can't be read or written now, so nothing was recorded. Until they "
                "can, take every hit as unconfirmed. Try again."
            ),
            not_ours="A confirmation can't be opened with this key.",
        )
        _metadata.create_all(engine)

    def keep(self, search: Search, agencies: Sequence[AgencyOutcome], keep_until: datetime) -> None:
        """Keep what of a search's outcome is to be confirmed. Blocking."""
        officer = search.caller.officer.subject if search.caller.officer else ""
        rows = [
            {
                "id": hit.id,
                "search_id": search.id,
                "owner": ori,
                "keep_until": keep_until.timestamp(),
                "version": 0,
                "requests": 0,
                "due": None,
                "sealed": self._rows.seal(hit.id, {"officer": officer}),
            }
            for ori, _, hit in marked(agencies)
        ]
        if rows:
            with self._rows.open() as c:
                c.execute(insert(_table), rows)

    def sweep(self, now: datetime) -> datetime | None:
        """Erase what is over. Gives when the next one is over, or None. Blocking."""
        past = _table.c.keep_until <= now.timestamp()
        with self._rows.open() as c:
            c.execute(delete(_table).where(past))
            return next_over(c, _table.c.keep_until, now)

    async def get(self, confirmation_id: str, caller: Caller) -> Confirmation:
        """Give one to the officer who searched. Raises NotFound for everybody else."""
        now = datetime.now(UTC)
        return (await asyncio.to_thread(self._get, confirmation_id, caller, now)).confirmation

    async def request(
        self, confirmation_id: str, caller: Caller, *, priority: str, within: timedelta
    ) -> Confirmation:
        """Record that the owner is asked now: the clock runs. Raises Conflict while one runs."""
        now = datetime.now(UTC)
        row = await asyncio.to_thread(self._get, confirmation_id, caller, now)
        before = row.confirmation
        if before.state(now) == "requested" and before.due is not None:
            raise Conflict(
                f"The owner was asked, and has until {stamp(before.due)}. Record its response, or "
                "ask again after that.",
                code="confirmation.requested",
            )
        asked = replace(
            before,
            requests=1 if before.response else before.requests + 1,
            priority=priority,
            requested_at=now,
            due=now + within,
            response=None,
            by=None,
            responded_at=None,
        )
        await self._log(asked, caller, "confirmation_requested", {"priority": priority})
        await asyncio.to_thread(self._put, row, asked)
        return asked

    async def respond(
        self,
        confirmation_id: str,
        caller: Caller,
        *,
        response: Said,
        by: str,
        note: str | None,
    ) -> Confirmation:
        """Record what a person at the owner said. An earlier response may be corrected."""
        now = datetime.now(UTC)
        row = await asyncio.to_thread(self._get, confirmation_id, caller, now)
        said = replace(row.confirmation, due=None, response=response, by=by, responded_at=now)
        told = {"by": by} | ({"note": note} if note else {})
        await self._log(said, caller, f"hit_{response}", told)
        await asyncio.to_thread(self._put, row, said)
        return said

    async def present(self, outcome: Mapping[str, Any]) -> None:
        """Put into a kept outcome, in place, how its confirmations stand now."""
        now = datetime.now(UTC)
        hits = [
            found["confirm"]
            for agency in outcome["agencies"]
            for found in (agency, *agency.get("matches", ()))
            if "id" in found.get("confirm", {})
        ]
        if not hits:
            return
        known = await asyncio.to_thread(self._known, [hit["id"] for hit in hits])
        for hit in hits:
            # One that is not kept any more is unconfirmed, as it was at first.
            hit.update(known.get(hit["id"], Confirmation(hit["id"], "", "")).shown(now))

    def unanswered(self, now: datetime) -> list[Unanswered]:
        """List the requests that no owner has answered in time, the oldest first. Blocking."""
        query = select(_table).where(_table.c.due < now.timestamp()).order_by(_table.c.due)
        with self._rows.open() as c:
            return [
                Unanswered(
                    r.id, r.search_id, r.owner, r.requests, datetime.fromtimestamp(r.due, UTC)
                )
                for r in c.execute(query)
            ]

    # -- inside ---------------------------------------------------------------------------

    def _get(self, confirmation_id: str, caller: Caller, now: datetime) -> _Row:
        query = select(_table).where(
            _table.c.id == confirmation_id, _table.c.keep_until > now.timestamp()
        )
        with self._rows.open() as c:
            row = c.execute(query).one_or_none()
        if row is not None:
            inner = self._rows.unseal_for(caller, row.id, row.sealed)
            if inner is not None:
                return _Row(_read(row, inner), row.version, inner["officer"])
        raise NotFound(
            "No hit of yours to be confirmed stands under this id. Search again.",
            code="confirmation.not_found",
        )

    def _known(self, ids: Sequence[str]) -> dict[str, Confirmation]:
        with self._rows.open() as c:
            rows = c.execute(select(_table).where(_table.c.id.in_(ids))).all()
        return {r.id: _read(r, self._rows.unseal(r.id, r.sealed)) for r in rows}

    def _put(self, before: _Row, now: Confirmation) -> None:
        sealed = self._rows.seal(
            now.id,
            {
                "officer": before.officer,
                "priority": now.priority,
                "requested_at": _seconds(now.requested_at),
                "response": now.response,
                "by": now.by,
                "responded_at": _seconds(now.responded_at),
            },
        )
        with self._rows.open() as c:
            changed = c.execute(
                update(_table)
                .where(_table.c.id == now.id, _table.c.version == before.version)
                .values(
                    version=before.version + 1,
                    requests=now.requests,
                    due=_seconds(now.due),
                    sealed=sealed,
                )
            )
        if changed.rowcount != 1:
            raise Conflict(
                "This confirmation was changed at the same moment. Fetch it and look.",
                code="confirmation.changed",
            )

    async def _log(
        self, one: Confirmation, caller: Caller, what: str, told: dict[str, Any]
    ) -> None:
        officer = caller.officer
        who = {"client": caller.client, "officer": officer.subject if officer else None}
        confirmation = {"id": one.id, "requests": one.requests, **told}
        if one.due is not None:
            confirmation["due"] = stamp(one.due)
        draft = Draft(
            type=EntryType.NOTICE,
            transaction=one.search_id,
            peer=one.owner,
            decision=what,
            personal=who | {"confirmation": confirmation},
        )
        await self._ledger.begin([draft])


def _read(row: Any, inner: Mapping[str, Any]) -> Confirmation:
    return Confirmation(
        id=row.id,
        search_id=row.search_id,
        owner=row.owner,
        requests=row.requests,
        priority=inner.get("priority"),
        requested_at=_moment(inner.get("requested_at")),
        due=_moment(row.due),
        response=inner.get("response"),
        by=inner.get("by"),
        responded_at=_moment(inner.get("responded_at")),
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
