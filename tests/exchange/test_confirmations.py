"""What is kept of hits to be confirmed: the clock, whose they are, what two at once leave."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, text

from gateway.errors import Conflict, LedgerUnavailable, NotFound, RecordsUnavailable
from gateway.exchange.confirmations import Confirmations
from gateway.exchange.duties import Duties
from gateway.exchange.outcome import AgencyOutcome, SearchOutcome, count
from gateway.exchange.to_confirm import Confirmation, mark, marked
from gateway.ledger import EntryType, Filters, Ledger
from gateway.model import Band, Confirm, Match, Obligation, Ori, Status
from tests.exchange.conftest import Opened, beside
from tests.exchange.test_searches import CANARY, a_search, caller

OWNER = Ori("CA9990000")
NOW = datetime(2030, 5, 1, 12, tzinfo=UTC)
LATER = datetime.now(UTC) + timedelta(days=30)
TEN = timedelta(minutes=10)
OWED = (Obligation("confirm_before_acting"),)

Side = tuple[Confirmations, Ledger, Engine]
Open = Callable[[], AbstractAsyncContextManager[Side]]


@pytest.fixture
def side(log_and_state: Opened) -> Open:
    """Open one agency's confirmations over a real log."""
    return beside(log_and_state, lambda engine, ledger: Confirmations(engine, b"k" * 32, ledger))


def hits(number: int = 1, **more: Any) -> AgencyOutcome:
    """Give an answer with so many records that their owner confirms."""
    matches = [
        Match(
            "warrant",
            Band.EXACT,
            record_id=f"W-{n}",
            confirm=Confirm(required=True, phone="555-0100"),
        )
        for n in range(number)
    ]
    return mark(AgencyOutcome(OWNER, Status.ANSWERED, obligations=OWED, **more), matches)


def written(folder: Path) -> bytes:
    """Give all that the state database has on disk."""
    return b"".join(file.read_bytes() for file in sorted(folder.glob("state.db*")))


def one(side: Confirmations, until: datetime = LATER) -> str:
    """Keep one hit, and give its id."""
    agency = hits()
    side.keep(a_search(1), [agency], until)
    ((_, _, hit),) = marked([agency])
    return hit.id


def test_what_to_do_at_each_state() -> None:
    new = Confirmation("conf_0", "srch_0", OWNER)
    asked = replace(new, requests=1, priority="urgent", requested_at=NOW, due=NOW + TEN)
    twice = replace(asked, requests=2)
    said = replace(asked, due=None, response="confirmed", by="A", responded_at=NOW)
    second = timedelta(seconds=1)
    for one_, at, state in (
        (new, NOW, "unconfirmed"),
        (asked, NOW + TEN, "requested"),
        (asked, NOW + TEN + second, "overdue"),
        (twice, NOW + TEN + second, "overdue"),
        (said, NOW + TEN + second, "confirmed"),
        (replace(said, response="denied"), NOW, "denied"),
    ):
        shown = one_.shown(at)
        assert shown["state"] == state
        assert ("do not act" in shown["do"].lower()) is (state != "confirmed")
    assert "Ask again" in asked.shown(NOW + TEN + second)["do"]
    assert "supervisor" in twice.shown(NOW + TEN + second)["do"]


def test_only_what_its_owner_confirms_is_marked() -> None:
    person = Match("person", Band.EXACT, record_id="P-1")
    pointer = Match("warrant", Band.EXACT)
    excused = Match("warrant", Band.EXACT, record_id="W-9", confirm=Confirm(required=False))
    bare = AgencyOutcome(OWNER, Status.ANSWERED)
    owing = replace(bare, obligations=OWED)
    assert marked([mark(bare, [person, excused])]) == []
    assert [(o, r) for o, r, _ in marked([hits(2)])] == [(OWNER, "W-0"), (OWNER, "W-1")]
    # A hit or a count; a pointer; an answer that owes it, without saying for which record.
    for matches in ([], [pointer], [person]):
        assert [r for _, r, _ in marked([mark(owing, matches)])] == [None]
    warrant = Match("warrant", Band.EXACT, record_id="W-0", confirm=Confirm(required=True))
    assert [r for _, r, _ in marked([mark(owing, [warrant, person])])] == ["W-0"]
    assert [r for _, r, _ in marked([mark(owing, [warrant, pointer])])] == [None, "W-0"]
    ids = [hit.id for _, _, hit in marked([hits(50)])]
    assert len(set(ids)) == 50


async def test_the_clock_runs_out_and_is_in_the_review_queue(side: Open) -> None:
    async with side() as (room, ledger, _):
        hit = one(room)
        assert room.unanswered(LATER) == []
        asked = await room.request(hit, caller(), priority="urgent", within=TEN)
        assert asked.due is not None
        assert room.unanswered(asked.due) == []
        (late,) = room.unanswered(asked.due + timedelta(seconds=1))
        assert (late.id, late.owner, late.requests) == (hit, OWNER, 1)
        with pytest.raises(Conflict):
            await room.request(hit, caller(), priority="urgent", within=TEN)
        # One that is past: asked again, and then it is somebody else's to escalate.
        other = one(room)
        for number in (1, 2):
            again = await room.request(other, caller(), priority="urgent", within=timedelta(0))
            assert again.requests == number
        (queued,) = room.unanswered(datetime.now(UTC))
        assert (queued.id, queued.requests) == (other, 2)
        await room.respond(other, caller(), response="denied", by="A", note=None)
        assert room.unanswered(datetime.now(UTC)) == []
        found = (await ledger.entries(Filters(types=(EntryType.NOTICE,)), unseal=True)).entries
        assert [e.fields["decision"] for e in found] == [
            *["confirmation_requested"] * 3,
            "hit_denied",
        ]
        personal = found[-1].personal or {}
        assert personal["confirmation"] == {"id": other, "requests": 2, "by": "A"}
        assert personal["officer"] == caller().officer.subject  # type: ignore[union-attr]


async def test_what_cannot_be_logged_confirms_nothing(side: Open) -> None:
    async with side() as (room, ledger, _):
        hit = one(room)
        await ledger.stop()
        with pytest.raises(LedgerUnavailable):
            await room.respond(hit, caller(), response="confirmed", by="A", note=None)
        with pytest.raises(LedgerUnavailable):
            await room.request(hit, caller(), priority="urgent", within=TEN)
        assert (await room.get(hit, caller())).state(NOW) == "unconfirmed"


async def test_of_two_at_once_one_counts(side: Open) -> None:
    async with side() as (room, _, _):
        hit = one(room)
        done = await asyncio.gather(
            *(
                room.respond(hit, caller(), response=word, by=word, note=None)
                for word in ("denied", "confirmed")
            ),
            return_exceptions=True,
        )
        # Whoever did not see the other's word is told so; who came after saw it.
        came = [d for d in done if not isinstance(d, BaseException)]
        lost = [d for d in done if isinstance(d, BaseException)]
        assert came
        assert all(isinstance(d, Conflict) for d in lost)
        assert (await room.get(hit, caller())).by in {d.by for d in came}


async def test_it_goes_on_its_day_and_is_sealed(side: Open, tmp_path: Path) -> None:
    async with side() as (room, _, engine):
        hit = one(room, until=datetime.now(UTC) + timedelta(hours=1))
        gone = one(room, until=datetime.now(UTC))
        with pytest.raises(NotFound):
            await room.get(gone, caller())
        await room.respond(hit, caller(), response="confirmed", by=CANARY.decode(), note=None)
        soonest = room.sweep(datetime.now(UTC))
        assert soonest is not None
        assert room.sweep(soonest) is None
        with pytest.raises(NotFound):
            await room.get(hit, caller())
        kept = one(room)
        with engine.begin() as c:
            rows = c.execute(text("SELECT * FROM confirmation")).all()
        assert len(rows) == 1
        assert b"okafor" not in rows[0].sealed
        other_key = Confirmations(engine, b"x" * 32, room._ledger)
        with pytest.raises(RecordsUnavailable):
            await other_key.get(kept, caller())
        assert CANARY not in written(tmp_path)


async def presented(room: Confirmations | Duties, body: bytes) -> dict[str, Any]:
    outcome: dict[str, Any] = orjson.loads(body)
    await room.present(outcome)
    told: dict[str, Any] = orjson.loads(orjson.dumps(outcome))
    return told


async def test_a_kept_answer_tells_how_it_stands_now(side: Open) -> None:
    async with side() as (room, _, engine):
        agency = hits(2)
        first, second = (hit.id for _, _, hit in marked([agency]))
        room.keep(a_search(1), [agency], LATER)
        outcome = SearchOutcome(a_search(1).id, "complete", (agency,), count((agency,)))
        body = outcome.body()
        await room.respond(first, caller(), response="confirmed", by="A", note=None)
        (part,) = (await presented(room, body))["agencies"]
        states = {m["confirm"]["id"]: m["confirm"]["state"] for m in part["matches"]}
        assert states == {first: "confirmed", second: "unconfirmed"}
        # Once it is gone here, nothing says any longer that it was confirmed.
        with engine.begin() as c:
            c.execute(text("DELETE FROM confirmation"))
        assert await presented(room, body) == orjson.loads(body)
        plain = replace(outcome, agencies=(AgencyOutcome(OWNER, Status.ANSWERED),)).body()
        assert await presented(room, plain) == orjson.loads(plain)
