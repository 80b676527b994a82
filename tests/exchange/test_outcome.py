import orjson

from gateway.exchange.outcome import AgencyOutcome, SearchOutcome, count, overall
from gateway.model import Status


def parts(*statuses: Status, more: bool = False) -> tuple[AgencyOutcome, ...]:
    return tuple(
        AgencyOutcome(ori=f"ZZ999000{i}", status=s, more=more or None)
        for i, s in enumerate(statuses)
    )


def test_everyone_answered_is_complete() -> None:
    all_of_them = parts(Status.ANSWERED, Status.ANSWERED)
    assert overall(all_of_them) == "complete"
    assert count(all_of_them).complete


def test_a_refusal_is_settled_but_not_an_answer() -> None:
    some = parts(Status.ANSWERED, Status.REFUSED, Status.NOT_UNDERSTOOD)
    assert overall(some) == "partial"
    receipt = count(some)
    assert (receipt.asked, receipt.answered, receipt.refused, receipt.not_understood) == (
        3,
        1,
        1,
        1,
    )
    assert receipt.complete


def test_silence_is_never_complete() -> None:
    for status in set(Status) - {Status.ANSWERED, Status.REFUSED, Status.NOT_UNDERSTOOD}:
        receipt = count(parts(Status.ANSWERED, status))
        assert not receipt.complete, status
        told = receipt.answered + receipt.timed_out + receipt.failed + receipt.capped
        assert told == 2, status


def test_a_cut_answer_is_not_complete() -> None:
    receipt = count(parts(Status.ANSWERED, more=True))
    assert not receipt.complete
    assert receipt.capped == 1


def test_every_outcome_says_what_a_match_is_not() -> None:
    """With and without a hit: a match is no probable cause, and no match no clearance."""
    for status in Status:
        agencies = parts(status)
        outcome = SearchOutcome("srch_1", overall(agencies), agencies, count(agencies))
        told = orjson.loads(outcome.body())["notice"]
        assert told == "Possible matches, not probable cause. No match is no clearance."


def test_whom_our_own_policy_let_nobody_ask_was_not_asked() -> None:
    own = AgencyOutcome(ori="ZZ9990009", status=Status.REFUSED, asked=False)
    receipt = count((own,))
    assert (receipt.asked, receipt.not_asked, receipt.refused) == (0, 1, 0)
    assert not receipt.complete
    receipt = count((*parts(Status.ANSWERED), own))
    assert (receipt.asked, receipt.not_asked, receipt.answered, receipt.complete) == (1, 1, 1, True)


def test_nobody() -> None:
    assert overall(()) == "none"
    receipt = count(())
    assert (receipt.asked, receipt.complete) == (0, False)
    assert overall(parts(Status.REFUSED)) == "none"
