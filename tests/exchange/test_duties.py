"""What an answer obliges a person to: its clock, whose it is, and that it stays till it is done."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from sqlalchemy import Engine, text

from gateway.errors import Conflict, LedgerUnavailable, NotFound, RecordsUnavailable
from gateway.exchange.duties import Duties
from gateway.exchange.outcome import AgencyOutcome, Duty, SearchOutcome, count
from gateway.ledger import EntryType, Filters, Ledger
from gateway.model import Obligation, Ori, Status, parse_stamp
from tests.exchange.conftest import Opened, beside
from tests.exchange.test_confirmations import LATER, OWNER, presented, written
from tests.exchange.test_searches import CANARY, a_search, caller
from tests.policy.made import TEXAS

WORD = "fingerprints_within"
OTHER = Ori("NM9990000")
SECOND = timedelta(seconds=1)

Side = tuple[Duties, Ledger, Engine]
Open = Callable[[], AbstractAsyncContextManager[Side]]


@pytest.fixture
def side(log_and_state: Opened) -> Open:
    """Open one agency's duties over a real log."""
    return beside(log_and_state, made)


def made(engine: Engine, ledger: Ledger, key: bytes = b"k" * 32) -> Duties:
    def texts() -> dict[str, str]:
        return {WORD: "Send them in."}

    late_for = timedelta(days=30)
    return Duties(engine, key, ori=Ori(TEXAS), ledger=ledger, texts=texts, late_for=late_for)


def answered(owner: Ori, *days: int) -> AgencyOutcome:
    duties = tuple(Obligation(WORD, days=d) for d in days)
    return AgencyOutcome(owner, Status.ANSWERED, obligations=duties)


def one(
    room: Duties, days: int = 15, asked_at: datetime | None = None, until: datetime = LATER
) -> Duty:
    """Keep one duty, and give it."""
    (duty,) = room.owed([answered(OWNER, days)], asked_at or datetime.now(UTC))
    room.keep(a_search(1), [duty], until)
    return duty


def decisions(found: Sequence[object]) -> list[object]:
    return [e.fields["decision"] for e in found]  # type: ignore[attr-defined]


async def test_a_search_owes_it_once_within_the_fewest_days(side: Open) -> None:
    async with side() as (room, _, _):
        now = datetime(2030, 5, 1, 12, tzinfo=UTC)
        bare = AgencyOutcome(OTHER, Status.ANSWERED)
        kept = Obligation("delete_after", days=1)
        gone = replace(bare, obligations=(kept, Obligation("confirm_before_acting")))
        assert room.owed([bare, gone], now) == ()
        (duty,) = room.owed([answered(OWNER, 15), gone, answered(OTHER, 7, 9)], now)
        assert (duty.type, duty.state, duty.due) == (WORD, "open", "2030-05-08T12:00:00.00Z")
        assert duty.owners == (OWNER, OTHER)
        # A record that is fetched afterwards owes it no second time.
        assert room.owed([answered(OWNER, 15)], now, already=[WORD]) == ()
        assert duty.do == "By 2030-05-08T12:00:00.00Z: Send them in. Record it here when done."


async def test_it_is_overdue_until_it_is_done_and_then_late(side: Open) -> None:
    async with side() as (room, ledger, _):
        early = one(room)
        late = one(room, days=2, asked_at=datetime.now(UTC) - timedelta(days=3))
        due = parse_stamp(early.due)
        (queued,) = room.overdue(datetime.now(UTC))
        assert (queued.id, queued.search_id, queued.type) == (late.id, a_search(1).id, WORD)
        assert queued.done_late is False
        assert [u.id for u in room.overdue(due)] == [late.id]
        assert [u.id for u in room.overdue(due + SECOND)] == [late.id, early.id]
        assert (await room.get(early.id, caller()))[1].state == "open"
        _, stands = await room.get(late.id, caller())
        assert stands.state == "overdue"
        assert stands.do.startswith(f"Overdue since {late.due}: Send them in.")
        search, done = await room.done(early.id, caller(), reference="TCN-1", note=None)
        assert (search, done.state, done.reference) == (a_search(1).id, "done", "TCN-1")
        assert (await room.get(early.id, caller()))[1] == done
        _, done = await room.done(late.id, caller(), reference="TCN-2", note="Smudged at first.")
        assert done.state == "done_late"
        # What was done late is still seen; what was done in time never is.
        (queued,) = room.overdue(due + SECOND)
        assert (queued.id, queued.done_late) == (late.id, True)
        with pytest.raises(Conflict):
            await room.done(late.id, caller(), reference="TCN-3", note=None)
        found = (await ledger.entries(Filters(types=(EntryType.NOTICE,)), unseal=True)).entries
        assert decisions(found) == ["duty_done", "duty_done_late"]
        assert {e.fields["transaction"] for e in found} == {a_search(1).id}
        told = [(e.personal or {})["duty"] for e in found]
        assert [(t["id"], t["reference"]) for t in told] == [
            (early.id, "TCN-1"),
            (late.id, "TCN-2"),
        ]
        assert told[1]["note"] == "Smudged at first."


async def test_what_cannot_be_logged_is_not_done(side: Open) -> None:
    async with side() as (room, ledger, _):
        duty = one(room)
        await ledger.stop()
        with pytest.raises(LedgerUnavailable):
            await room.done(duty.id, caller(), reference="TCN-1", note=None)
        assert (await room.get(duty.id, caller()))[1].state == "open"


async def test_of_two_at_once_one_counts(side: Open) -> None:
    async with side() as (room, ledger, _):
        duty = one(room)
        both = (room.done(duty.id, caller(), reference=r, note=None) for r in ("TCN-1", "TCN-2"))
        came = await asyncio.gather(*both, return_exceptions=True)
        (lost,) = [c for c in came if isinstance(c, BaseException)]
        assert isinstance(lost, Conflict)
        logged = await ledger.entries(Filters(types=(EntryType.NOTICE,)))
        assert decisions(logged.entries) == ["duty_done"]
        ((_, won),) = [c for c in came if not isinstance(c, BaseException)]
        assert (await room.get(duty.id, caller()))[1] == won


async def test_it_stays_until_it_is_done_and_is_sealed(side: Open, tmp_path: Path) -> None:
    async with side() as (room, ledger, engine):
        past = datetime.now(UTC) - timedelta(hours=1)
        over = one(room, days=0, asked_at=past, until=past)
        kept = one(room, until=datetime.now(UTC) + timedelta(hours=1))
        soonest = room.sweep(datetime.now(UTC))
        assert soonest is not None
        assert room.sweep(soonest) is None
        assert {u.id for u in room.overdue(soonest)} == {over.id}
        await room.done(over.id, caller(), reference=CANARY.decode(), note=CANARY.decode())
        assert CANARY not in written(tmp_path)
        # Done late: seen for a time that begins now, however long ago the search was.
        room.sweep(datetime.now(UTC) + timedelta(days=29))
        assert [(u.id, u.done_late) for u in room.overdue(soonest)] == [(over.id, True)]
        room.sweep(datetime.now(UTC) + timedelta(days=31))
        assert room.overdue(soonest) == []
        for duty in (over, replace(kept, id=f"duty_{'0' * 32}")):
            with pytest.raises(NotFound):
                await room.get(duty.id, caller())
        with pytest.raises(NotFound):
            await room.done(kept.id, caller("else"), reference="TCN-1", note=None)
        with pytest.raises(RecordsUnavailable):
            await made(engine, ledger, b"x" * 32).get(kept.id, caller())


async def test_a_kept_answer_tells_how_it_stands_now(side: Open) -> None:
    async with side() as (room, _, engine):
        agency = answered(OWNER, 15)
        owed = room.owed([agency], datetime.now(UTC))
        room.keep(a_search(1), owed, LATER)
        plain = SearchOutcome(a_search(1).id, "complete", (agency,), count((agency,)))
        body = replace(plain, duties=owed).body()
        assert await presented(room, body) == orjson.loads(body)
        _, done = await room.done(owed[0].id, caller(), reference="TCN-1", note=None)
        (shown,) = (await presented(room, body))["duties"]
        assert (shown["state"], shown["reference"], shown["done_at"]) == (
            *("done", "TCN-1"),
            done.done_at,
        )
        with engine.begin() as c:
            c.execute(text("DELETE FROM duty"))
        assert await presented(room, plain.body()) == orjson.loads(plain.body())
