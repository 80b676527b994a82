"""Answers kept for a while, so that a client can fetch them again; and references still pending.

What is kept is sealed (AES-256-GCM): the database alone tells nothing but ids and days. Only the
officer who asked gets it back. It goes when its days are over, the shortest obligation counting.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog
from sqlalchemy import (
    Boolean,
    Column,
    Engine,
    Float,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    insert,
    select,
    update,
)

from gateway.background import ended
from gateway.errors import Conflict, NotFound, RecordsUnavailable
from gateway.exchange.sealed import SealedRows, next_over
from gateway.model import Caller, Reference, Search, stamp

SWEEP_S = 30.0
"""At most so many seconds after its time an answer is erased; it can't be fetched from then on."""
PENDING = "pending"
PENDING_FOR = timedelta(hours=24)
_SETTLED = "This search has its reference. It can't be changed."

Tickets = Mapping[str, Mapping[str, str]]
"""By agency and record id: what shows an agency that it gave the record."""

_log = structlog.get_logger("sallyport.searches")
_metadata = MetaData()
_table = Table(
    "search",
    _metadata,
    Column("id", String(31), primary_key=True),
    Column("asked_at", Float, nullable=False, index=True),
    Column("keep_until", Float, nullable=False, index=True),
    Column("pending", Boolean, nullable=False, index=True),
    Column("late", Boolean, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """One search as it was asked and answered. `request` and `body` are JSON.

    `tickets` by agency and record id, with which its records can be asked for again.
    """

    id: str
    client: str
    officer: str
    request: dict[str, object]
    body: bytes
    pending: bool
    asked_at: datetime
    tickets: Tickets = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Overdue:
    """A search whose reference was not completed in time: one line of the review queue."""

    id: str
    asked_at: datetime
    completed_late: bool


class Searches:
    """The kept searches. `key` is 32 bytes. Blocking: call it on a worker thread."""

    def __init__(self, engine: Engine, key: bytes) -> None:
        self._rows = SealedRows(
            engine,
            key,
            code="searches.unavailable",
            unavailable=(
                "Kept searches can't be read or written now, so nothing was given. Try again."
            ),
            not_ours="A kept search can't be opened with this key.",
        )
        _metadata.create_all(engine)

    def trouble(self) -> RecordsUnavailable:
        """Give what is raised where a search can't be kept."""
        return self._rows.trouble()

    def keep(
        self,
        search: Search,
        request: dict[str, object],
        body: bytes,
        *,
        asked_at: datetime,
        keep_until: datetime,
        tickets: Tickets | None = None,
    ) -> None:
        """Keep one answered search. `sweep` erases it when `keep_until` has come."""
        officer = search.caller.officer
        inner = {
            "client": search.caller.client,
            "officer": officer.subject if officer else "",
            "request": request,
            "body": body.decode(),
            "tickets": tickets or {},
        }
        pending = search.reference is not None and search.reference.type == PENDING
        with self._rows.open() as c:
            c.execute(
                insert(_table).values(
                    id=search.id,
                    asked_at=asked_at.timestamp(),
                    keep_until=keep_until.timestamp(),
                    pending=pending,
                    late=False,
                    sealed=self._rows.seal(search.id, inner),
                )
            )

    def sweep(self, now: datetime) -> datetime | None:
        """Erase what is over. Gives when the next one is over, or None if nothing is kept.

        What still stands in the review queue stays until it is completed, but not the answer.
        """
        past = _table.c.keep_until <= now.timestamp()
        with self._rows.open() as c:
            c.execute(delete(_table).where(past, _table.c.pending.is_(False)))
            for row in c.execute(select(_table).where(past)).all():
                inner = self._rows.unseal(row.id, row.sealed)
                if inner["body"]:
                    sealed = self._rows.seal(row.id, inner | {"body": "", "tickets": {}})
                    c.execute(update(_table).where(_table.c.id == row.id).values(sealed=sealed))
            return next_over(c, _table.c.keep_until, now)

    def get(
        self, search_id: str, caller: Caller, now: datetime, *, to_complete: bool = False
    ) -> Kept:
        """Give a search to the officer who asked it. Raises NotFound for everybody else.

        `to_complete`: one whose reference is pending also past its days, which an agency that
        answered may have made short.
        """
        with self._rows.open() as c:
            row = c.execute(select(_table).where(_table.c.id == search_id)).one_or_none()
        over = row is not None and row.keep_until <= now.timestamp()
        if row is not None and (not over or (to_complete and row.pending)):
            inner = self._rows.unseal_for(caller, search_id, row.sealed)
            if inner is not None:
                return Kept(
                    id=search_id,
                    client=inner["client"],
                    officer=inner["officer"],
                    request=inner["request"],
                    body=inner["body"].encode(),
                    pending=row.pending,
                    asked_at=datetime.fromtimestamp(row.asked_at, UTC),
                    tickets=inner.get("tickets", {}),
                )
        raise NotFound(
            "No search of yours stands under this id. It may be past its days; search again.",
            code="search.not_found",
        )

    def in_time(self, kept: Kept, now: datetime) -> bool:
        """Tell whether a reference given now comes in time. Raises Conflict if none is pending."""
        if not kept.pending:
            raise Conflict(_SETTLED, code="search.not_pending")
        return now <= kept.asked_at + PENDING_FOR

    def complete(self, kept: Kept, reference: Reference, now: datetime) -> bool:
        """Give a pending search its reference, once. Tells whether it came in time."""
        in_time = self.in_time(kept, now)
        request = kept.request | {"reference": {"type": reference.type, "number": reference.number}}
        inner = {
            "client": kept.client,
            "officer": kept.officer,
            "request": request,
            "body": kept.body.decode(),
            "tickets": kept.tickets,
        }
        with self._rows.open() as c:
            changed = c.execute(
                update(_table)
                .where(_table.c.id == kept.id, _table.c.pending.is_(True))
                .values(pending=False, late=not in_time, sealed=self._rows.seal(kept.id, inner))
            )
        if changed.rowcount != 1:
            raise Conflict(_SETTLED, code="search.not_pending")
        return in_time

    def overdue(self, now: datetime) -> list[Overdue]:
        """List the searches whose reference is, or came, more than 24 hours after asking."""
        limit = (now - PENDING_FOR).timestamp()
        query = (
            select(_table.c.id, _table.c.asked_at, _table.c.late)
            .where((_table.c.pending & (_table.c.asked_at < limit)) | _table.c.late)
            .order_by(_table.c.asked_at)
        )
        with self._rows.open() as c:
            return [
                Overdue(r.id, datetime.fromtimestamp(r.asked_at, UTC), r.late)
                for r in c.execute(query)
            ]


class Swept(Protocol):
    """What is erased when its time is over."""

    def sweep(self, now: datetime) -> datetime | None:
        """Erase what is over. Gives when the next is, or None. Blocking."""


async def sweep_on_time(stack: AsyncExitStack, *kept: Swept) -> None:
    """Erase what is over now, and from now on when its time comes, until `stack` closes."""

    def sweep_all() -> datetime | None:
        now = datetime.now(UTC)
        return min((t for k in kept if (t := k.sweep(now)) is not None), default=None)

    async def sweep() -> datetime | None:
        return await asyncio.to_thread(sweep_all)

    async def on_time() -> None:
        soonest = first
        while True:
            left = (soonest - datetime.now(UTC)).total_seconds() if soonest else SWEEP_S
            # A search that is kept meanwhile may be over sooner.
            await asyncio.sleep(min(max(left, 0.1), SWEEP_S))
            try:
                soonest = await sweep()
            except RecordsUnavailable as error:
                _log.error("kept searches not erased yet", code=error.code)
                soonest = None

    first = await sweep()
    task = asyncio.create_task(on_time())
    stack.push_async_callback(ended, task)


def due(asked_at: datetime) -> str:
    """Until when a pending reference must be completed."""
    return stamp(asked_at + PENDING_FOR)
