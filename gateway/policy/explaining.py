"""Why a decision came out as it did: its rules, its papers, and what it rests on.

Rules and papers are those that the outcome names; their titles and citations come from the set's
own metadata and data. What it rests on was found by leaving things out: see `grounds`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from gateway.model import stamp
from gateway.policy.inputs import VERSION
from gateway.policy.released import PersonRelease
from gateway.policy.rules import Paper, Rule, papers_of, rules_of
from gateway.policy.sets import PolicySet


@dataclass(frozen=True, slots=True)
class Explanation:
    """One decision explained: `facts` and `data` as {path, value}, `lifted_by` with {lifts} too.

    `unnamed` are words of the outcome that no metadata describe. `complete` is False where there
    was more to try than is tried.
    """

    entrypoint: str
    revision: str
    outcome: Mapping[str, Any]
    rules: tuple[Rule, ...]
    papers: tuple[Paper, ...]
    unnamed: tuple[str, ...]
    facts: tuple[Mapping[str, Any], ...]
    data: tuple[Mapping[str, Any], ...]
    lifted_by: tuple[Mapping[str, Any], ...]
    complete: bool

    def as_json(self) -> dict[str, Any]:
        """Give it for machines."""
        return asdict(self)


def explained(policy_set: PolicySet, entrypoint: str, grounds: Mapping[str, Any]) -> Explanation:
    """Put an outcome, and what it rests on, beside the set's own words for it."""
    outcome = grounds["outcome"]
    names = list(dict.fromkeys(named(outcome)))
    rules, papers = rules_of(policy_set), papers_of(policy_set)
    return Explanation(
        entrypoint=entrypoint,
        revision=policy_set.revision,
        outcome=outcome,
        rules=tuple(rules[n] for n in names if n in rules),
        papers=tuple(papers[n] for n in names if n in papers),
        unnamed=tuple(n for n in names if n not in rules and n not in papers),
        facts=tuple(grounds["facts"]),
        data=tuple(grounds["data"]),
        lifted_by=tuple(grounds["lifted_by"]),
        complete=bool(grounds["complete"]),
    )


def named(outcome: Any) -> Iterator[str]:
    """Give every rule and reason that an outcome names, in its order."""
    if isinstance(outcome, dict):
        for key, value in outcome.items():
            if key == "rules" and isinstance(value, list):
                yield from (v for v in value if isinstance(v, str))
            elif key == "reasons" and isinstance(value, list):
                yield from (str(v["code"]) for v in value if isinstance(v, dict) and "code" in v)
            else:
                yield from named(value)
    elif isinstance(outcome, list):
        for value in outcome:
            yield from named(value)


ANY = "described"
"""A unit, or the code of a reason, that no rule knows."""


@dataclass(frozen=True, slots=True)
class Described:
    """A question as an administrator describes it. It names nobody: a decision needs no name."""

    asker: str
    purpose: str
    record_types: tuple[str, ...]
    unit: str = ANY
    unit_function: str = ""
    roles: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    assurance: int = 0
    purpose_code: str | None = None
    reference: tuple[str, str | None] | None = None
    reason_code: str = ANY
    kind: str = "person"
    terms: tuple[str, ...] = ()
    granularity: str = "record"
    max_matches: int = 10
    agreement: str | None = None
    """The digest of the paper that the question rests on."""
    release: PersonRelease | None = None
    """What a person at the owner released to the asker; the question shows the warrant of it."""

    def _person(self) -> dict[str, Any]:
        return {
            "unit": self.unit,
            "unit_function": self.unit_function,
            "roles": sorted(self.roles),
            "assurance": self.assurance,
            "logged_on_hours": 0,
            "attributes": sorted(self.attributes),
        }

    def _search(self) -> dict[str, Any]:
        reference = None
        if self.reference is not None:
            reference = {"type": self.reference[0], "number": self.reference[1]}
        search: dict[str, Any] = {
            "purpose": self.purpose,
            "iii_purpose_code": self.purpose_code,
            "reference": reference,
            "reason_code": self.reason_code,
            "subject": {"kind": self.kind, "terms": list(self.terms)},
            "record_types": list(self.record_types),
            "granularity": self.granularity,
            "max_matches": self.max_matches,
        }
        if self.release is not None and self.release.warrant is not None:
            search["warrant"] = dict(self.release.warrant)
        return search

    def ask_input(self, agencies: list[str] | None, now: datetime) -> dict[str, Any]:
        """Give the first door's input; the asker's own set decides it."""
        return {
            "v": VERSION,
            "now": stamp(now.replace(microsecond=0)),
            "self": self.asker,
            "client": "described",
            "officer": self._person(),
            "search": self._search(),
            "agencies": agencies,
        }

    def answer_input(self, owner: str, now: datetime) -> dict[str, Any]:
        """Give the second door's input."""
        case: dict[str, Any] = {
            "v": VERSION,
            "now": stamp(now.replace(microsecond=0)),
            "self": owner,
            "agreement": self.agreement,
            "asker": {**self._person(), "ori": self.asker},
            "search": self._search(),
        }
        if self.release is not None:
            case["releases"] = [self.release.as_input()]
        return case

    def release_input(
        self, owner: str, facts: list[dict[str, Any]], now: datetime
    ) -> dict[str, Any]:
        """Give the release's input."""
        return {
            **self.answer_input(owner, now),
            "granularity": self.granularity,
            "facts": facts,
        }
