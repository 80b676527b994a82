"""Whether an answer is one to the question that was asked, before policy looks at it."""

from gateway import niem
from gateway.model import Answer, Granularity, Reason
from gateway.policy.obligations import well_formed
from gateway.policy.proof import Permit

_NOT_AS_ASKED = "answer.not_as_asked"


def not_as_asked(permit: Permit, answer: Answer) -> Reason | None:
    """Give the reason not to take it in, or None. It never says what the answer holds."""
    question = permit.question
    named = (answer.owner, answer.asker, answer.transaction)
    fault: str | None
    if not all(well_formed(o.plain()) for o in answer.obligations):
        return Reason(
            "answer.obligations",
            "The answer asks for something to be done that this gateway can't do.",
        )
    if named != (question.owner, question.asker.ori, question.transaction):
        fault = "The answer belongs to another question."
    elif answer.status != "answered":
        fault = _of_none(answer)
    else:
        fault = _of_some(permit, answer)
    return Reason(_NOT_AS_ASKED, fault) if fault else None


def _of_none(answer: Answer) -> str | None:
    told = answer.matches or answer.tickets or answer.obligations
    if told or answer.hit is not None or answer.count is not None:
        return "The answer holds matches, but its status says that it is none."
    return None


def _of_some(permit: Permit, answer: Answer) -> str | None:
    question = permit.question
    given = answer.granularity.given if answer.granularity else None
    if given is None or given.rank > question.granularity.rank:
        return "The answer is of another granularity than was asked."
    if not answer.tickets.keys() <= {m.record_id for m in answer.matches}:
        return "The answer has tickets for records that it does not name."
    types = {m.record_type for m in answer.matches}
    if len(answer.matches) > question.max_matches or not types <= set(question.record_types):
        return "The answer holds more, or other records, than were asked."
    records = any(m.record is not None for m in answer.matches)
    if (records and given is not Granularity.RECORD) or (
        answer.matches and given.rank < Granularity.POINTER.rank
    ):
        return "The answer holds more than the granularity that it names."
    if any(m.record is not None and niem.findings(m.record) for m in answer.matches):
        return "A record in the answer does not hold to the standard schema."
    return None
