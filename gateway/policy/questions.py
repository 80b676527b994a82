"""The question that one agency is asked: the search, minimised to what it may be told."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from typing import Any

from gateway.criteria import require_criteria
from gateway.errors import Invalid, PolicyUnavailable
from gateway.model import (
    Asker,
    Officer,
    Ori,
    PersonQuery,
    Question,
    Search,
    Subject,
    SubjectQuery,
    stamp,
)
from gateway.policy.decisions import PeerOutcome

REASON_KEPT = "Kept by the asking agency, which has it in its log under the search's id."
"""The reason's text as another agency reads it where the asking agency keeps it to itself."""
Pairwise = Callable[[str, Ori], str]
"""Gives the name of a local officer (`subject`) towards one agency."""


def minimised(
    search: Search,
    officer: Officer,
    outcome: PeerOutcome,
    *,
    owner: Ori,
    self_ori: Ori,
    name: str,
    today: date,
) -> Question | None:
    """Build the question. None if what the agency may be told of it is no search any more.

    Raises `PolicyUnavailable` if the outcome gives more than was asked.
    """
    asked = search.subject.query
    _within(search, outcome, asked.terms())
    subject = enough(asked, frozenset(outcome.terms), today)
    if subject is None or not outcome.record_types:
        return None
    return Question(
        version=1,
        transaction=search.id,
        owner=owner,
        asker=Asker(
            ori=self_ori,
            unit=officer.unit,
            unit_function=officer.unit_function,
            officer=name,
            roles=tuple(sorted(officer.roles)),
            assurance=officer.assurance,
            auth_time=stamp(officer.auth_time),
            attributes=tuple(sorted(officer.attributes)),
        ),
        purpose=search.purpose,
        subject=subject,
        record_types=outcome.record_types,
        granularity=outcome.granularity,
        reason=replace(search.reason, text=REASON_KEPT)
        if "reason" in outcome.kept
        else search.reason,
        reference=search.reference,
        iii_purpose_code=search.iii_purpose_code,
        warrant=search.warrant,
        attention=search.attention,
        callback=search.callback,
        max_matches=search.max_matches,
        deadline_ms=search.deadline_ms,
        agreement=outcome.agreement,
    )


def _within(search: Search, outcome: PeerOutcome, asked: tuple[str, ...]) -> None:
    if (
        outcome.granularity.rank > search.granularity.rank
        or not set(outcome.terms) <= set(asked)
        or not set(outcome.record_types) <= set(search.record_types)
    ):
        raise PolicyUnavailable("the policy gives more than was asked, at 'ask.agencies'")


def enough(query: SubjectQuery, terms: frozenset[str], today: date) -> Subject | None:
    """Leave only these terms. None if the rest is too little to be a search: nobody fishes."""
    left = _only(query, terms)
    if not left.terms():
        return None
    whole: dict[str, Any] = {left.kind: left}
    subject = Subject(**whole)
    try:
        require_criteria(subject, today)
    except Invalid:
        return None
    return subject


def _only(query: SubjectQuery, terms: frozenset[str]) -> SubjectQuery:
    if terms.issuperset(query.terms()):
        return query
    if isinstance(query, PersonQuery):
        return PersonQuery(
            names=query.names if "name" in terms else (),
            birth_date=query.birth_date if "birth_date" in terms else None,
            age=query.age if "age" in terms else None,
            sex=query.sex if "sex" in terms else None,
            identifiers=tuple(i for i in query.identifiers if i.type in terms),
        )
    gone: dict[str, Any] = {f.name: None for f in fields(query) if f.name not in terms}
    # A serial number and a record id can't be left out: without them nothing is asked.
    if gone.keys() & {"serial", "record_id"}:
        return PersonQuery()
    return replace(query, **gone)
