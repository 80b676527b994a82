"""A dry run tells what a search would be allowed, reads nothing, sends nothing, and is logged."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import Forbidden
from gateway.exchange.rehearsing import EXPLAINED, Rehearsal, rehearse
from gateway.ledger import EntryType
from tests.exchange.logged import Agency, agency
from tests.policy.made import TEXAS, officer, search


@pytest.fixture
async def texas(vetted: Path) -> AsyncIterator[Agency]:
    async with agency(vetted) as made:
        yield made


async def told(made: Agency, **changes: object) -> Rehearsal:
    return await rehearse(search(**changes), ori=TEXAS, policy=made.policy, ledger=made.ledger)


async def test_each_agency_with_what_it_would_be_told_and_would_answer(texas: Agency) -> None:
    one = await told(texas, agencies=("CA9990000", "NM9990000"))
    assert one.allowed
    assert one.policy == texas.policy.revision
    asked, refused = one.agencies
    assert (asked.ori, asked.would_be_asked, asked.rules) == ("CA9990000", True, ("test.partner",))
    assert asked.terms_withheld == ("ssn",)
    assert asked.terms == ("name", "birth_date")
    assert asked.foreseen is not None
    assert asked.foreseen.would_answer
    assert asked.foreseen.classes_never_shared == ("victim",)
    assert (refused.ori, refused.would_be_asked) == ("NM9990000", False)
    assert [r.code for r in refused.reasons] == ["agreement.none"]
    assert refused.foreseen is None


async def test_a_refusal_of_the_whole_search_is_told_not_raised(texas: Agency) -> None:
    weak = replace(search().caller, officer=officer(assurance=1))
    one = await told(texas, caller=weak)
    assert (one.allowed, one.agencies) == (False, ())
    assert [r.code for r in one.reasons] == ["officer.assurance"]


async def test_it_is_one_notice_without_the_subject(texas: Agency) -> None:
    before = len(await texas.read())
    await told(texas)
    entries = await texas.read()
    assert len(entries) == before + 1
    entry = entries[-1]
    assert entry.fields["type"] == EntryType.NOTICE
    assert entry.fields["decision"] == EXPLAINED
    assert (entry.personal or {})["officer"] == "p4471"
    assert "QUEZADA" not in str(entry)
    assert "QUEZADA" not in str(entry.personal)
    # It is no question that anybody asked or answered: nothing that counts those sees it.
    assert not await texas.read(EntryType.QUERY_OUT, EntryType.QUERY_IN, EntryType.DENY)


async def test_a_client_without_an_officer_learns_nothing(texas: Agency) -> None:
    with pytest.raises(Forbidden):
        await told(texas, caller=replace(search().caller, officer=None))
