"""What an answer obliges a person here to do by a day, such as to send fingerprints after it.

The gateway can't do it, so it keeps the clock: when it is due, whether it was done and by whom. The
officer's system records that it was done, which stands in the log before it counts. What was not
done stays, past every other day of the search, until it is: an auditor sees it in the review queue.

A search owes each duty once, however many agencies oblige to it; the fewest days count. A record
that is fetched by its id owes nothing that the search that named it owes already.
"""

import asyncio
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    Engine,
    Float,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    insert,
    or_,
    select,
    update,
)

from gateway.errors import Conflict, NotFound
from gateway.exchange.outcome import AgencyOutcome, Duty, DutyState
from gateway.exchange.sealed import SealedRows, next_over
from gateway.ledger import Draft, EntryType, Ledger
from gateway.model import Caller, Ori, Search, Word, parse_stamp, stamp
from gateway.policy import DONE_BY_A_PERSON

_metadata = MetaData()
_table = Table(
    "duty",
    _metadata,
    Column("id", String(37), primary_key=True),
    Column("search_id", String(31), nullable=False),
    Column("type", String(64), nullable=False),
    Column("due", Float, nullable=False, index=True),
    Column("done", Float, nullable=True),
    Column("keep_until", Float, nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Undone:
    """A duty that was not done in time, or late: one line of the review queue."""

    id: str
    search_id: str
    type: Word
    due: datetime
    done_late: bool


class Duties:
    """The duties of this agency's officers. `key` is 32 bytes.

    `texts` gives, by the obligation's word, what to do: it is the policy's to say. What was done
    late stays `late_for`, so that somebody sees it.
    """

    def __init__(
        self,
        engine: Engine,
        key: bytes,
        *,
        ori: Ori,
        ledger: Ledger,
        texts: Callable[[], Mapping[str, str]],
        late_for: timedelta,
    ) -> None:
        self._ori = ori
        self._ledger = ledger
        self._texts = texts
        self._late_for = late_for
        self._recording = asyncio.Lock()
        self._rows = SealedRows(
            engine,
            key,
            code="duties.unavailable",
            unavailable=(
                "What is to be done after answers can't be read or written now. Try again."
            ),
            not_ours="A duty can't be opened with this key.",
        )
        _metadata.create_all(engine)

    def owed(
        self,
        agencies: Sequence[AgencyOutcome],
        asked_at: datetime,
        *,
        already: Collection[str] = (),
    ) -> tuple[Duty, ...]:
        """Give what the answers oblige to, each with an id of its own; not what is owed already."""
        days: dict[str, int] = {}
        owners: dict[str, list[str]] = {}
        for agency in agencies:
            for duty in agency.obligations or ():
                if duty.type in DONE_BY_A_PERSON and duty.days is not None:
                    days[duty.type] = min(duty.days, days.get(duty.type, duty.days))
                    owners.setdefault(duty.type, []).append(agency.ori)
        fresh = sorted(days.keys() - set(already))
        return tuple(self._new(w, owners[w], asked_at, days[w]) for w in fresh)

    def keep(self, search: Search, owed: Sequence[Duty], keep_until: datetime) -> None:
        """Keep what a search obliges to: till it is done, and after that till `keep_until`.

        Blocking.
        """
        officer = search.caller.officer.subject if search.caller.officer else ""
        rows = [
            {
                "id": duty.id,
                "search_id": search.id,
                "type": duty.type,
                "due": parse_stamp(duty.due).timestamp(),
                "done": None,
                "keep_until": keep_until.timestamp(),
                "sealed": self._rows.seal(
                    duty.id, {"officer": officer, "owners": list(duty.owners)}
                ),
            }
            for duty in owed
        ]
        if rows:
            with self._rows.open() as c:
                c.execute(insert(_table), rows)

    def sweep(self, now: datetime) -> datetime | None:
        """Erase what is done and over. Gives when the next is over, or None. Blocking."""
        past = _table.c.keep_until <= now.timestamp()
        with self._rows.open() as c:
            c.execute(delete(_table).where(past, _table.c.done.is_not(None)))
            return next_over(c, _table.c.keep_until, now)

    async def get(self, duty_id: str, caller: Caller) -> tuple[str, Duty]:
        """Give a duty and its search's id to the officer who searched.

        Raises NotFound for everybody else.
        """
        row, inner = await asyncio.to_thread(self._get, duty_id, caller)
        return row.search_id, self._read(row, inner, datetime.now(UTC))

    async def done(
        self, duty_id: str, caller: Caller, *, reference: str, note: str | None
    ) -> tuple[str, Duty]:
        """Record that it was done. `reference` is by what an auditor finds it elsewhere.

        Raises Conflict if that was recorded before.
        """
        # One after the other: the log names one completion for each.
        async with self._recording:
            return await self._done(duty_id, caller, reference, note)

    async def _done(
        self, duty_id: str, caller: Caller, reference: str, note: str | None
    ) -> tuple[str, Duty]:
        now = datetime.now(UTC)
        row, inner = await asyncio.to_thread(self._get, duty_id, caller)
        if row.done is not None:
            raise _recorded()
        officer = caller.officer
        told = {"id": row.id, "type": row.type, "due": stamp(_moment(row.due))}
        told |= {"reference": reference} | ({"note": note} if note else {})
        await self._ledger.begin(
            [
                Draft(
                    type=EntryType.NOTICE,
                    transaction=row.search_id,
                    peer=self._ori,
                    decision="duty_done" if now <= _moment(row.due) else "duty_done_late",
                    personal={
                        "client": caller.client,
                        "officer": officer.subject if officer else None,
                        "duty": told,
                    },
                )
            ]
        )
        inner |= {"reference": reference}
        await asyncio.to_thread(self._put, row, now, inner)
        return row.search_id, self._shown(row, inner, now, now)

    async def present(self, outcome: Mapping[str, Any]) -> None:
        """Put into a kept outcome, in place, how its duties stand now."""
        owed = outcome.get("duties", [])
        if not owed:
            return
        now = datetime.now(UTC)
        known = await asyncio.to_thread(self._known, [duty["id"] for duty in owed])
        for duty in owed:
            row = known.get(duty["id"])
            if row is not None:
                inner = self._rows.unseal(row.id, row.sealed)
                duty.update(self._read(row, inner, now).plain())

    def overdue(self, now: datetime) -> list[Undone]:
        """List what is past its time, and what was done late, the oldest first. Blocking."""
        undone = _table.c.done.is_(None) & (_table.c.due < now.timestamp())
        query = select(_table).where(or_(undone, _table.c.done > _table.c.due))
        with self._rows.open() as c:
            return [
                Undone(r.id, r.search_id, r.type, _moment(r.due), r.done is not None)
                for r in c.execute(query.order_by(_table.c.due))
            ]

    # -- inside ---------------------------------------------------------------------------

    def _new(self, word: str, owners: Sequence[str], asked_at: datetime, days: int) -> Duty:
        due = asked_at + timedelta(days=days)
        return Duty(
            id=f"duty_{secrets.token_hex(16)}",
            type=word,
            owners=tuple(dict.fromkeys(owners)),
            due=stamp(due),
            **self._stands(word, due, None, asked_at),
        )

    def _get(self, duty_id: str, caller: Caller) -> tuple[Any, dict[str, Any]]:
        row = self._known([duty_id]).get(duty_id)
        inner = row and self._rows.unseal_for(caller, row.id, row.sealed)
        if not inner:
            raise NotFound(
                "No duty of yours stands under this id. Look at the search that it came with.",
                code="duty.not_found",
            )
        return row, inner

    def _known(self, ids: Sequence[str]) -> dict[str, Any]:
        with self._rows.open() as c:
            return {r.id: r for r in c.execute(select(_table).where(_table.c.id.in_(ids)))}

    def _put(self, row: Any, now: datetime, inner: Mapping[str, Any]) -> None:
        late = now > _moment(row.due)
        until = max(row.keep_until, (now + self._late_for).timestamp() if late else 0)
        done = {"done": now.timestamp(), "keep_until": until}
        with self._rows.open() as c:
            changed = c.execute(
                update(_table)
                .where(_table.c.id == row.id, _table.c.done.is_(None))
                .values(sealed=self._rows.seal(row.id, inner), **done)
            )
        if changed.rowcount != 1:
            raise _recorded()

    def _read(self, row: Any, inner: Mapping[str, Any], now: datetime) -> Duty:
        return self._shown(row, inner, None if row.done is None else _moment(row.done), now)

    def _shown(
        self, row: Any, inner: Mapping[str, Any], done: datetime | None, now: datetime
    ) -> Duty:
        due = _moment(row.due)
        return Duty(
            id=row.id,
            type=row.type,
            owners=tuple(inner["owners"]),
            due=stamp(due),
            done_at=None if done is None else stamp(done),
            reference=inner.get("reference"),
            **self._stands(row.type, due, done, now),
        )

    def _stands(
        self, word: str, due: datetime, done: datetime | None, now: datetime
    ) -> dict[str, Any]:
        """Say the state, and what to do."""
        state: DutyState
        if done is not None:
            state = "done" if done <= due else "done_late"
            text = "Done." if state == "done" else f"Done, but after {stamp(due)}: it is reviewed."
            return {"state": state, "do": text}
        what = self._texts().get(word, f"Do what the answer obliges you to ({word}).")
        state = "open" if now <= due else "overdue"
        first = "By" if state == "open" else "Overdue since"
        return {"state": state, "do": f"{first} {stamp(due)}: {what} Record it here when done."}


def _recorded() -> Conflict:
    return Conflict("It is recorded already that this was done.", code="duty.done")


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
