"""The exact input of each entrypoint, as canonical JSON: keys sorted, so that equal is equal.

No particulars of the subject are in it: a decision needs its kind and which terms were used, never
their values. A name is in neither a decision nor an engine's log of decisions.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from gateway.errors import PolicyUnavailable
from gateway.model import (
    Answer,
    Asker,
    Caller,
    Granularity,
    Officer,
    Question,
    Reference,
    Search,
    parse_stamp,
    stamp,
)
from gateway.policy.released import PersonRelease, warrant_input
from gateway.trust.profile import MAX_SKEW_S

VERSION = 1


def _second(now: datetime) -> str:
    """Write the moment as of its whole second: finer than any rule, and equal inputs are equal."""
    return stamp(now.replace(microsecond=0))


def canonical(value: Mapping[str, Any], limit: int) -> bytes:
    """Write canonical JSON. Raises `PolicyUnavailable` if it is over `limit` bytes, or no JSON."""
    try:
        raw = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        raise PolicyUnavailable("the question can't be put to the policy") from None
    if len(raw) > limit:
        raise PolicyUnavailable(f"the policy's input is over {limit} bytes")
    return raw


def ask_input(search: Search, officer: Officer, self_ori: str, now: datetime) -> dict[str, Any]:
    """Give what the first door decides from."""
    return {
        "v": VERSION,
        "now": _second(now),
        "self": self_ori,
        "client": search.caller.client,
        "officer": _officer(officer, now),
        "search": _search(search, search.reason.code),
        "agencies": None if search.agencies is None else list(search.agencies),
    }


def answer_input(
    question: Question, self_ori: str, now: datetime, releases: Sequence[PersonRelease] = ()
) -> dict[str, Any]:
    """Give what the second door decides from. `releases` only where there are any."""
    case: dict[str, Any] = {
        "v": VERSION,
        "now": _second(now),
        "self": self_ori,
        "asker": _asker(question.asker, now),
        "agreement": question.agreement,
        "search": _search(question, question.reason.code),
    }
    if releases:
        case["releases"] = [r.as_input() for r in releases]
    return case


def release_input(
    question: Question,
    given: Granularity,
    facts: Sequence[Mapping[str, Any]],
    self_ori: str,
    now: datetime,
    *,
    releases: Sequence[PersonRelease] = (),
) -> dict[str, Any]:
    """Give what the release decides from: the distinct facts of the records that were found."""
    return {
        **answer_input(question, self_ori, now, releases),
        "granularity": given,
        "facts": list(facts),
    }


def admit_input(question: Question, answer: Answer, self_ori: str, now: datetime) -> dict[str, Any]:
    """Give what the asking side decides from, to take an answer in or not. It holds no record."""
    granularity = answer.granularity
    handling: dict[bytes, dict[str, Any]] = {}
    for match in answer.matches:
        if match.handling is not None:
            plain = {
                "keep_days": match.handling.keep_days,
                "onward_sharing": match.handling.onward_sharing,
                "caveat": match.handling.caveat,
            }
            handling[orjson.dumps(plain)] = plain
    return {
        "v": VERSION,
        "now": _second(now),
        "self": self_ori,
        "owner": answer.owner,
        "asker": _asker(question.asker, now),
        "agreement": question.agreement,
        "search": _search(question, question.reason.code),
        "answer": {
            "status": answer.status,
            # As the answer has it: one to another question shows by it.
            "granularity_asked": granularity.asked if granularity else None,
            "granularity_given": granularity.given if granularity else None,
            "record_types": sorted({m.record_type for m in answer.matches}),
            "handling": [handling[k] for k in sorted(handling)],
            "obligations": [o.plain() for o in answer.obligations],
            "told": bool(answer.matches or answer.hit or answer.count),
            "stale": answer.stale,
        },
    }


def agencies_input(caller: Caller, self_ori: str, now: datetime) -> dict[str, Any]:
    """Give what the list of agencies is made from."""
    return {
        "v": VERSION,
        "now": _second(now),
        "self": self_ori,
        "officer": _officer(caller.officer, now) if caller.officer else None,
    }


def _hours_since(log_on: datetime, now: datetime) -> int:
    """Give the hours begun since a log-on; -1 for one that lies ahead by more than clocks differ.

    Whole hours, for a rule needs no more: the moment would make every officer's question another.
    """
    passed = (now - log_on).total_seconds()
    return -1 if passed < -MAX_SKEW_S else max(0, math.ceil(passed / 3600))


def _officer(officer: Officer, now: datetime) -> dict[str, Any]:
    return {
        "unit": officer.unit,
        "unit_function": officer.unit_function,
        "roles": sorted(officer.roles),
        "assurance": officer.assurance,
        "logged_on_hours": _hours_since(officer.auth_time, now),
        "attributes": sorted(officer.attributes),
    }


def _asker(asker: Asker, now: datetime) -> dict[str, Any]:
    return {
        "ori": asker.ori,
        "unit": asker.unit,
        "unit_function": asker.unit_function,
        "roles": sorted(asker.roles),
        "assurance": asker.assurance,
        "logged_on_hours": _hours_since(parse_stamp(asker.auth_time), now),
        "attributes": sorted(asker.attributes),
    }


def _search(asked: Search | Question, reason_code: str) -> dict[str, Any]:
    query = asked.subject.query
    case: dict[str, Any] = {
        "purpose": asked.purpose,
        "iii_purpose_code": asked.iii_purpose_code,
        "reference": _reference(asked.reference),
        "reason_code": reason_code,
        "subject": {"kind": query.kind, "terms": list(query.terms())},
        "record_types": list(asked.record_types),
        "granularity": asked.granularity,
        "max_matches": asked.max_matches,
    }
    if asked.warrant is not None:
        case["warrant"] = warrant_input(asked.warrant)
    return case


def _reference(reference: Reference | None) -> dict[str, Any] | None:
    return None if reference is None else {"type": reference.type, "number": reference.number}
