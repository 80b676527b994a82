"""Records larger than one answer can be: left out and said so, and the rest is given."""

from pathlib import Path

from gateway.exchange.outcome import AgencyOutcome, count
from gateway.ledger import EntryType
from gateway.model import Found, Status
from gateway.policy import Released
from gateway.policy.in_force import ANSWER_BYTES
from tests.exchange.logged import Agency, agency
from tests.policy.made import found, person_message, question

HUGE = ANSWER_BYTES + 1_000_000


def large(number: int, size: int, **facts: str) -> Found:
    """Make a record with so long a surname."""
    message = person_message()
    message["nc:Person"]["nc:PersonName"]["nc:PersonSurName"] = "Q" * size
    return found(number, message=message, **facts)


async def ask(us: Agency, *records: Found) -> Released:
    us.records.records = records
    return await us.answering.answer(question(transaction="srch_large"))


async def test_what_does_not_fit_is_left_out_and_said(vetted: Path) -> None:
    async with agency(vetted) as us:
        released = await ask(us, found(1), large(2, HUGE), found(3))
        assert len(released.body()) <= ANSWER_BYTES
        answer = released.answer
        assert [m.record_id for m in answer.matches] == ["W-1", "W-3"]
        assert answer.more
        assert [r.code for r in answer.reasons] == ["answer.too_large"]
        assert "Q" * 100 not in released.body().decode()
        # The log holds what was given, and no more.
        entry = await us.last(EntryType.RESPONSE_OUT)
        assert entry.personal is not None
        assert [g["record_id"] for g in entry.personal["given"]] == ["W-1", "W-3"]
        # Whoever asked sees in the receipt that this is not all.
        receipt = count((AgencyOutcome(ori="CA9990000", status=Status.ANSWERED, more=answer.more),))
        assert receipt.capped == 1
        assert not receipt.complete


async def test_no_more_is_left_out_than_has_to_be(vetted: Path) -> None:
    half = ANSWER_BYTES // 2
    async with agency(vetted) as us:
        released = await ask(us, large(1, half), large(2, half + 10_000), large(3, 10_000))
        assert [m.record_id for m in released.answer.matches] == ["W-1", "W-3"]
        assert len(released.body()) <= ANSWER_BYTES


async def test_a_single_record_that_is_too_large_gives_an_answer_without_it(vetted: Path) -> None:
    async with agency(vetted) as us:
        answer = (await ask(us, large(1, HUGE))).answer
        assert (answer.status, answer.matches, answer.more) == ("answered", (), True)


async def test_a_hidden_one_leaves_no_trace(vetted: Path) -> None:
    async with agency(vetted) as us:
        with_it = (await ask(us, found(1), large(2, HUGE, disclosure="sealed"))).answer
        without = (await ask(us, found(1))).answer
        assert not with_it.more
        assert with_it.reasons == without.reasons
        assert with_it.matches == without.matches
