"""The question that opens most: found by asking, one thing after the other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from gateway.model import Granularity
from gateway.policy.agreements import KEY
from gateway.policy.explaining import ANY, Described
from gateway.policy.grounds import letters_of, matters_of, reasons_of
from gateway.policy.redeciding import Redecider
from gateway.policy.rules import all_papers
from gateway.policy.sets import PolicySet
from gateway.policy.trial import Outcome, Trial

NUMBER = "0"
"""The number of a case that no paper names."""
STRONGEST = 4
_SORTED = orjson.OPT_SORT_KEYS
Cell = tuple[str, tuple[str, ...]]
"""A purpose, and record types that are asked for together."""


class Widest:
    """Looks for the questions of one agency that open most, in the words of the vocabulary."""

    def __init__(self, trial: Trial, policy_set: PolicySet, *, agency: str, owner: str) -> None:
        words = policy_set.data["sallyport"]["vocabulary"]
        self._trial = trial
        self._agency = agency
        self._groups = _alike(words["record_types"])
        self.papers = _of_papers(policy_set, agency, owner)
        self._kinds = tuple(words.get("subject_kinds", ("person",)))
        self._terms = tuple(words.get("terms", ()))
        self.codes = (None, *letters_of(policy_set.data))
        self.roles = tuple(words.get("roles", ()))
        self.attributes = tuple(words.get("officer_attributes", ()))
        self.functions = tuple(words.get("unit_functions", ("",)))
        self.reasons = (ANY, *reasons_of(policy_set.data))
        self.special: tuple[Mapping[str, Any], ...] = (
            *(
                {"unit": u, "reference": ("case", c)}
                for u, c in matters_of(policy_set.data, agency)
            ),
            *({"reason_code": r} for r in self.reasons[1:]),
        )
        """What the data name beside words and papers: a unit with its case, a reason."""
        self.references = (None, *((r, NUMBER) for r in words.get("reference_types", ())))
        # The paper comes last but one: what it is limited to settles the matter's number.
        self.dimensions: tuple[Sequence[Mapping[str, Any]], ...] = (
            [{"unit_function": f} for f in self.functions],
            [{"kind": k} for k in self._kinds],
            [{"reference": r} for r in self.references],
            [{}, *self.special],
            self.papers,
            [{"purpose_code": c} for c in self.codes],
        )
        """What is varied of a question, one dimension after the other: the changes of each."""

    def group(self, case: Described) -> tuple[str, ...]:
        """Give the record types that the vocabulary treats like the first that a case asks for."""
        return next(g for g in self._groups if case.record_types[0] in g)

    async def best(self, purposes: Sequence[str]) -> dict[Cell, tuple[Described, Outcome | None]]:
        """Find the question that opens most, for each purpose and kinds of records.

        Record types that the vocabulary treats alike are asked for together. Where one stands
        against the others, each is asked for by itself.
        """
        together = await self._searched([(p, types) for p in purposes for types in self._groups])
        shut = [
            (purpose, replace(case, record_types=(t,)), outcome)
            for (purpose, types), (case, outcome) in together.items()
            if len(types) > 1 and (outcome is None or not outcome["allow"])
            for t in types
        ]
        members = await self._trial.answers([case for _, case, _ in shut])
        alone: dict[Cell, tuple[Described, Outcome | None]] = {}
        apart: list[Cell] = []
        for (purpose, case, whole), member in zip(shut, members, strict=True):
            # Refused for the same reasons as all together: no search would come out otherwise.
            if member is None or member["allow"] or codes_of(member) != codes_of(whole):
                apart.append((purpose, case.record_types))
            else:
                alone[purpose, case.record_types] = (case, member)
        alone |= await self._searched(apart) if apart else {}
        kept = {k: v for k, v in together.items() if len(k[1]) == 1 or (v[1] and v[1]["allow"])}
        return kept | alone

    async def _searched(
        self, asked: Sequence[Cell]
    ) -> dict[Cell, tuple[Described, Outcome | None]]:
        cells = {
            (p, types): Described(
                asker=self._agency,
                purpose=p,
                record_types=types,
                unit_function=self.functions[0],
                roles=self.roles,
                attributes=self.attributes,
                assurance=STRONGEST,
                kind=self._kinds[0],
                terms=self._terms,
                max_matches=1,
            )
            for p, types in asked
        }
        # Each rule adds its own reason, so one thing after the other finds what opens most.
        for changes in self.dimensions:
            cells = await self._opened(cells, changes)
        outcomes = await self._trial.answers(list(cells.values()))
        # What needs a certain unit and a certain matter at once shows only when both are tried.
        shut = {
            key: case
            for (key, case), o in zip(cells.items(), outcomes, strict=True)
            if o is None or not o["allow"]
        }
        both = [
            {"unit_function": f, "reference": r} for f in self.functions for r in self.references
        ]
        both += [{"unit_function": f, **s} for f in self.functions for s in self.special]
        cells |= await self._opened(shut, both)
        outcomes = await self._trial.answers(list(cells.values()))
        return {k: (c, o) for (k, c), o in zip(cells.items(), outcomes, strict=True)}

    async def _opened(
        self, cells: Mapping[Cell, Described], changes: Sequence[Mapping[str, Any]]
    ) -> dict[Cell, Described]:
        tried = [[replace(c, **change) for change in changes] for c in cells.values()]
        outcomes = iter(await self._trial.answers([c for some in tried for c in some]))
        scored = [[(_score(next(outcomes)), c) for c in some] for some in tried]
        # The first of equals: "none needed" comes first.
        return {
            key: max(some, key=lambda pair: pair[0])[1]
            for key, some in zip(cells, scored, strict=True)
        }


def _alike(record_types: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Put record types together that the vocabulary says the same of, but for their titles."""
    found: dict[bytes, list[str]] = {}
    for word, facts in record_types.items():
        key = orjson.dumps({k: v for k, v in facts.items() if k != "title"}, option=_SORTED)
        found.setdefault(key, []).append(word)
    return [tuple(words) for words in found.values()]


async def resting(by: Redecider, case: Described, *, owner: str, now: datetime) -> Described:
    """Give a described question resting on the paper between the two that opens most, if any."""
    tried = [
        replace(case, agreement=change.get("agreement"))
        for change in _of_papers(by.policy_set, case.asker, owner)
    ]
    outcomes = await Trial(by, owner=owner, now=now).answers(tried)
    return max(zip(tried, outcomes, strict=True), key=lambda pair: _score(pair[1]))[0]


def _of_papers(policy_set: PolicySet, agency: str, owner: str) -> list[dict[str, Any]]:
    """Give what each paper between two agencies would have a question say; without one, nothing."""
    found: list[dict[str, Any]] = []
    for paper in all_papers(policy_set):
        # What a set holds as examples for its tests is no paper between anybody.
        if paper.way[0] != KEY or agency == owner or not {agency, owner} <= set(paper.way):
            continue
        content: Any = policy_set.data
        for step in paper.way:
            content = content[step]
        if "digest" not in content:
            continue  # no text that anybody signed
        change: dict[str, Any] = {"agreement": content["digest"]}
        limits = content.get("limits") or {}
        units = ((limits.get("roster") or {}).get(agency) or {}).get("units") or ()
        if units:
            change["unit"] = units[0]
        cases = limits.get("cases") or ()
        found += [{**change, "reference": ("case", c)} for c in cases[:1]] or [change]
    # A question between two that have a paper always rests on one.
    return found or [{}]


def codes_of(outcome: Outcome | None) -> tuple[str, ...]:
    """Give the codes of an outcome's reasons, in order."""
    if outcome is None:
        return ("policy.unavailable",)
    return tuple(sorted(str(r["code"]) for r in outcome["reasons"]))


def _score(outcome: Outcome | None) -> tuple[int, int, int]:
    if outcome is None:
        return (-1, 0, 0)
    if not outcome["allow"]:
        return (0, -len(outcome["reasons"]), 0)
    rank = Granularity(outcome["granularity"]).rank
    return (1, rank, -len(outcome["classes_never_shared"]))
