"""A record is given by its id only to an agency that was given it before."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.exchange.answering import NEVER_GIVEN
from gateway.ledger import EntryType
from gateway.model import Granularity, Ori, RecordQuery, Subject
from gateway.trust.tickets import Tickets
from tests.exchange.logged import agency
from tests.exchange.test_among_hidden import SURNAME, answer, holding, record
from tests.policy.made import CALIFORNIA, question

TICKETS = Tickets(bytes(32))  # as `agency` has it
GOOD = TICKETS.ticket(CALIFORNIA, "W-1")


def by_id(record_id: str, ticket: str | None, **more: Any) -> Any:
    subject = Subject(record=RecordQuery(record_id, ticket))
    return question(subject=subject, record_types=("warrant",), **more)


async def test_only_with_the_ticket_that_came_with_it(vetted: Path, tmp_path: Path) -> None:
    hidden = record(2, SURNAME, dissemination="RED")
    async with (
        holding(tmp_path / "records.db", [record(1, SURNAME), hidden]) as found,
        agency(vetted, records=found) as made,
    ):
        _, first = await answer(made, question(record_types=("warrant",)))
        assert first.tickets == {"W-1": GOOD}  # none for what is hidden
        _, again = await answer(made, by_id("W-1", first.tickets["W-1"]))
        assert [m.record_id for m in again.matches] == ["W-1"]
        assert again.tickets == first.tickets  # the same each time, so that it can be kept
        assert (await made.last(EntryType.RESPONSE_OUT)).fields.get("reasons") is None

        absent, _ = await answer(made, by_id("W-404", TICKETS.ticket(CALIFORNIA, "W-404")))
        assert (await made.last(EntryType.RESPONSE_OUT)).fields.get("reasons") is None
        others = {
            "none at all": by_id("W-1", None),
            "another record's": by_id("W-1", TICKETS.ticket(CALIFORNIA, "W-2")),
            "another agency's": by_id("W-1", TICKETS.ticket(Ori("NM9990000"), "W-1")),
            "another gateway's": by_id("W-1", Tickets(bytes(31) + b"1").ticket(CALIFORNIA, "W-1")),
            "one letter wrong": by_id("W-1", ("B" if GOOD[0] == "A" else "A") + GOOD[1:]),
            "for what is not there": by_id("W-404", GOOD),
            "for what is hidden": by_id("W-2", None),
        }
        for name, asked in others.items():
            body, _ = await answer(made, asked)
            assert body == absent, name
            entry = await made.last(EntryType.RESPONSE_OUT)
            assert entry.fields["reasons"] == [NEVER_GIVEN], name
            assert entry.personal is not None
            assert entry.personal["given"] == [], name
        # The auditor reads whose record it would have been.
        query = (await made.last(EntryType.QUERY_IN)).personal
        assert query is not None
        assert query["question"]["subject"]["record"] == {"record_id": "W-2"}


@pytest.mark.parametrize("granularity", [g for g in Granularity if g is not Granularity.RECORD])
async def test_what_names_no_record_gives_no_ticket(
    vetted: Path, tmp_path: Path, granularity: Granularity
) -> None:
    async with (
        holding(tmp_path / "records.db", [record(1, SURNAME)]) as found,
        agency(vetted, records=found) as made,
    ):
        _, said = await answer(made, question(record_types=("warrant",), granularity=granularity))
        assert said.tickets == {}


ORIS = st.from_regex(r"\A[A-Z0-9]{9}\Z").map(Ori)
IDS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=200)


@given(st.lists(st.tuples(ORIS, IDS), min_size=2, unique=True))
def test_a_ticket_is_one_agencys_for_one_record(pairs: list[tuple[Ori, str]]) -> None:
    made = {TICKETS.ticket(*pair): pair for pair in pairs}
    assert len(made) == len(pairs)
    for ticket, pair in made.items():
        assert all(TICKETS.holds(*p, ticket) == (p == pair) for p in pairs)
        assert not TICKETS.holds(*pair, None)
        assert not TICKETS.holds(*pair, "")
