"""A dry run: what a search would be allowed, agency by agency, and why not.

It goes through the first door as a search would, and no further: nothing is sent, no record is
read, and no permit leaves this module. So it can't tell anything about a record. What the others
would answer is foreseen by this agency's own copy of the agreements and the law. It stands in the
log as a notice, with who asked and the decision's input, but without the subject.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import TypeAdapter

from gateway.errors import PolicyUnavailable
from gateway.exchange.answering import decided
from gateway.ledger import Draft, EntryType, Ledger
from gateway.model import Granularity, Ori, OriText, Reason, Search, Word
from gateway.policy import Evidence, Permit, Policy

EXPLAINED = "search_explained"


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What the agency would answer, by this agency's copy of what was agreed. Its own set decides.

    `classes_never_shared` are left out of its answers for this purpose, whatever its records hold.
    """

    would_answer: bool
    reasons: tuple[Reason, ...] = ()
    granularity: Granularity | None = None
    record_types: tuple[Word, ...] = ()
    terms: tuple[Word, ...] = ()
    classes_never_shared: tuple[Word, ...] = ()
    freshness_minutes: Mapping[Word, int] | None = None


@dataclass(frozen=True, slots=True)
class AgencyRehearsal:
    """What would become of the question at one agency.

    `terms_withheld` would be taken out of the question; `rules` name the agreement, or the rules
    that refuse.
    """

    ori: OriText
    would_be_asked: bool
    reasons: tuple[Reason, ...] = ()
    rules: tuple[str, ...] = ()
    granularity: Granularity | None = None
    record_types: tuple[Word, ...] = ()
    terms: tuple[Word, ...] = ()
    terms_withheld: tuple[Word, ...] = ()
    foreseen: Foreseen | None = None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would become of a search. `policy` is the set that decided, `log_leaf` our own leaf."""

    allowed: bool
    reasons: tuple[Reason, ...]
    agencies: tuple[AgencyRehearsal, ...]
    policy: str
    log_leaf: str
    notice: str = "A dry run: nothing was asked, and no record was read."

    adapter: ClassVar["TypeAdapter[Rehearsal]"]

    def body(self) -> bytes:
        """Write it as JSON."""
        return Rehearsal.adapter.dump_json(self, exclude_none=True)


Rehearsal.adapter = TypeAdapter(Rehearsal)


async def rehearse(search: Search, *, ori: Ori, policy: Policy, ledger: Ledger) -> Rehearsal:
    """Decide as for a search, log it, and tell. Raises PolicyUnavailable, LedgerUnavailable."""
    now = datetime.now(UTC)
    try:
        decision = await policy.permit_search(search, now=now)
    except PolicyUnavailable as error:
        await ledger.begin([_draft(search, ori, None, "error", (error.code,))])
        raise
    agencies = [
        *[_permitted(p, await _foreseen(policy, p, now)) for p in decision.permits],
        *(
            AgencyRehearsal(
                ori=r.owner, would_be_asked=False, reasons=r.reasons, rules=r.evidence.rules
            )
            for r in decision.refusals
        ),
    ]
    codes = tuple(r.code for r in decision.reasons)
    [logged] = await ledger.begin([_draft(search, ori, decision.evidence, EXPLAINED, codes)])
    return Rehearsal(
        allowed=decision.allow,
        reasons=decision.reasons,
        agencies=tuple(sorted(agencies, key=lambda a: a.ori)),
        policy=decision.evidence.revision,
        log_leaf=logged.leaf,
    )


def _permitted(permit: Permit, foreseen: Foreseen | None) -> AgencyRehearsal:
    question = permit.question
    return AgencyRehearsal(
        ori=permit.owner,
        would_be_asked=True,
        rules=permit.evidence.rules,
        granularity=question.granularity,
        record_types=question.record_types,
        terms=question.subject.query.terms(),
        terms_withheld=permit.terms_withheld,
        foreseen=foreseen,
    )


async def _foreseen(policy: Policy, permit: Permit, now: datetime) -> Foreseen | None:
    outcome = await policy.foresee(permit.question, now=now)
    if outcome is None:
        return None
    if not outcome.allow:
        return Foreseen(would_answer=False, reasons=outcome.reasons)
    return Foreseen(
        would_answer=True,
        reasons=outcome.reasons,
        granularity=outcome.granularity,
        record_types=outcome.record_types,
        terms=outcome.terms,
        classes_never_shared=outcome.classes_never_shared,
        freshness_minutes=outcome.freshness,
    )


def _draft(
    search: Search,
    ori: Ori,
    evidence: Evidence | None,
    decision: str,
    codes: tuple[str, ...],
) -> Draft:
    caller, officer = search.caller, search.caller.officer
    who: dict[str, Any] = {
        "client": caller.client,
        "officer": officer.subject if officer else None,
        "unit": officer.unit if officer else None,
        "device": officer.device if officer else None,
    }
    return Draft(
        type=EntryType.NOTICE,
        peer=ori,
        purpose=search.purpose,
        policy=evidence.revision if evidence else None,
        decision=decision,
        reasons=codes,
        personal=who | decided(evidence),
    )
