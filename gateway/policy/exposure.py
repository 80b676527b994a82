"""What one agency can see of this one's records, by real decisions over a grid of questions.

Nothing is read out of the agreements: every purpose is tried with every record type, and for each
the unit, the matter, the code and the paper that open most, as an officer with every role and
attribute would ask. Then each condition is taken away in turn, which shows what is needed; and each
handling fact is changed in turn, which shows what of a record it hides.

The grid knows the words of the set's vocabulary. What only one case number or one hour opens is
tried where a paper names it (its cases, its units), not otherwise.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from gateway.model import Granularity
from gateway.policy.explaining import Described
from gateway.policy.grounds import letters_of
from gateway.policy.inputs import VERSION
from gateway.policy.redeciding import Redecider
from gateway.policy.release import STAND_IN
from gateway.policy.released import FACT
from gateway.policy.rules import all_papers, papers_of
from gateway.policy.sets import PolicySet

_ABSENT: Any = object()
_OWN = frozenset({"record_type", "stale", FACT, STAND_IN})
"""Facts that the gateway sets: no record is changed in them."""
_SHOWS = ("none", "pointer", "record")
_NUMBER = "0"
_STRONGEST = 4
_SORTED = orjson.OPT_SORT_KEYS
Outcome = Mapping[str, Any]
_Cell = tuple[str, tuple[str, ...]]
"""A purpose, and record types that are asked for together."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What one handling fact does to a record: how it is shown then, and the classes it loses."""

    fact: str
    value: Any
    show: str
    without: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Needs:
    """What it takes. Of `roles`, `references` and `purpose_codes` any one; `attributes` all.

    An empty tuple of `references` or `purpose_codes`: none is needed. `assurance` is the least.
    """

    roles: tuple[str, ...]
    attributes: tuple[str, ...]
    assurance: int
    references: tuple[str, ...]
    purpose_codes: tuple[str, ...]
    unit: str | None = None
    cases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """What may be seen for one purpose. `give` and `mask` are classes of elements."""

    purpose: str
    record_types: tuple[str, ...]
    unit_functions: tuple[str, ...]
    granularity: str
    give: tuple[str, ...]
    mask: tuple[str, ...]
    never: tuple[str, ...]
    terms: tuple[str, ...]
    papers: tuple[str, ...]
    needs: Needs
    keep_days: int | None
    onward_sharing: str | None
    caveat: str | None
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """What is refused for one purpose, whoever asks there, and the fewest reasons against it."""

    purpose: str
    record_types: tuple[str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """What `agency` can see of `owner`, by the set `revision`, as of `now`."""

    agency: str
    owner: str
    revision: str
    seen: tuple[Seen, ...]
    refused: tuple[Refused, ...]
    decisions: int


class Grid:
    """Asks a set about one agency. `now` is the moment that the papers have to be in force at."""

    def __init__(self, by: Redecider, *, agency: str, owner: str, now: datetime) -> None:
        self._by = by
        self._agency = agency
        self._owner = owner
        self._now = now
        self._made = 0
        words = by.policy_set.data["sallyport"]["vocabulary"]
        self._words: Mapping[str, Any] = words
        self._groups = _alike(words["record_types"])
        self._codes = (None, *letters_of(by.policy_set.data))
        self._roles = tuple(words.get("roles", ()))
        self._attributes = tuple(words.get("officer_attributes", ()))
        self._functions = tuple(words.get("unit_functions", ("",)))
        self._kinds = tuple(words.get("subject_kinds", ("person",)))
        self._references = (None, *((r, _NUMBER) for r in words.get("reference_types", ())))
        self._titled = papers_of(by.policy_set)
        self._papers = _of_papers(by.policy_set, agency, owner)

    async def reach(self, purposes: Iterable[str] | None = None) -> Reach:
        """Go through the grid. Raises `PolicyUnavailable` if the engine breaks down."""
        asked = list(self._words["purposes"]) if purposes is None else list(purposes)
        best = await self._best(asked)
        seen: list[Seen] = []
        refused: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for (purpose, types), (case, outcome) in best.items():
            given: tuple[str, ...] = ()
            if outcome is not None and outcome["allow"]:
                given = tuple(t for t in types if t in outcome["record_types"])
                seen += await self._seen(replace(case, record_types=given))
            left = [t for t in types if t not in given]
            if left:
                codes = _codes(outcome)
                refused.setdefault((purpose, codes), []).extend(left)
        return Reach(
            agency=self._agency,
            owner=self._owner,
            revision=self._by.policy_set.revision,
            seen=tuple(_merged(seen)),
            refused=tuple(Refused(p, tuple(types), codes) for (p, codes), types in refused.items()),
            decisions=self._made,
        )

    # -- the questions that open most ---------------------------------------------------------

    async def _best(self, purposes: Sequence[str]) -> dict[_Cell, tuple[Described, Outcome | None]]:
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
        members = await self._answers([case for _, case, _ in shut])
        alone: dict[_Cell, tuple[Described, Outcome | None]] = {}
        apart: list[_Cell] = []
        for (purpose, case, whole), member in zip(shut, members, strict=True):
            # Refused for the same reasons as all together: no search would come out otherwise.
            if member is None or member["allow"] or _codes(member) != _codes(whole):
                apart.append((purpose, case.record_types))
            else:
                alone[purpose, case.record_types] = (case, member)
        alone |= await self._searched(apart) if apart else {}
        kept = {k: v for k, v in together.items() if len(k[1]) == 1 or (v[1] and v[1]["allow"])}
        return kept | alone

    async def _searched(
        self, asked: Sequence[_Cell]
    ) -> dict[_Cell, tuple[Described, Outcome | None]]:
        cells = {
            (p, types): Described(
                asker=self._agency,
                purpose=p,
                record_types=types,
                unit_function=self._functions[0],
                roles=self._roles,
                attributes=self._attributes,
                assurance=_STRONGEST,
                kind=self._kinds[0],
                terms=tuple(self._words.get("terms", ())),
                max_matches=1,
            )
            for p, types in asked
        }
        # Each rule adds its own reason, so one thing after the other finds what opens most. The
        # paper comes last but one: what it is limited to settles the matter's number.
        for changes in (
            [{"unit_function": f} for f in self._functions],
            [{"kind": k} for k in self._kinds],
            [{"reference": r} for r in self._references],
            self._papers,
            [{"purpose_code": c} for c in self._codes],
        ):
            cells = await self._opened(cells, changes)
        outcomes = await self._answers(list(cells.values()))
        # What needs a certain unit and a certain matter at once shows only when both are tried.
        shut = {
            key: case
            for (key, case), o in zip(cells.items(), outcomes, strict=True)
            if o is None or not o["allow"]
        }
        both = [
            {"unit_function": f, "reference": r} for f in self._functions for r in self._references
        ]
        cells |= await self._opened(shut, both)
        outcomes = await self._answers(list(cells.values()))
        return {k: (c, o) for (k, c), o in zip(cells.items(), outcomes, strict=True)}

    async def _opened(
        self, cells: Mapping[_Cell, Described], changes: Sequence[Mapping[str, Any]]
    ) -> dict[_Cell, Described]:
        tried = [[replace(c, **change) for change in changes] for c in cells.values()]
        outcomes = iter(await self._answers([c for some in tried for c in some]))
        scored = [[(_score(next(outcomes)), c) for c in some] for some in tried]
        # The first of equals: "none needed" comes first.
        return {
            key: max(some, key=lambda pair: pair[0])[1]
            for key, some in zip(cells, scored, strict=True)
        }

    # -- what they open ------------------------------------------------------------------------

    async def _seen(self, best: Described) -> list[Seen]:
        """Give what a question opens, for the units with the same result together."""
        by_function = [replace(best, unit_function=f) for f in self._functions]
        groups: dict[bytes, list[Described]] = {}
        for case, outcome in zip(by_function, await self._answers(by_function), strict=True):
            if outcome is not None and outcome["allow"]:
                groups.setdefault(_signature(outcome), []).append(case)
        seen = []
        for cases in groups.values():
            seen += await self._each(cases)
        return seen

    async def _each(self, cases: Sequence[Described]) -> list[Seen]:
        """Give what each record type shows, those that are shown alike together."""
        case = cases[0]
        [outcome] = await self._answers([case])
        if outcome is None:  # it was allowed a moment ago, on the same input
            raise RuntimeError("a decision is not a function of its input")
        needs = await self._needs(case, outcome)
        papers = tuple(r for r in outcome["rules"] if r in self._titled)
        found = []
        for record_type in case.record_types:
            action, effects = await self._shown(case, record_type, outcome["granularity"])
            classes = dict(action["classes"]) if action else {}
            handling = action["handling"] if action else {}
            found.append(
                Seen(
                    purpose=case.purpose,
                    record_types=(record_type,),
                    unit_functions=tuple(c.unit_function for c in cases),
                    granularity=_given(outcome["granularity"], action),
                    give=_with(classes, "give"),
                    mask=_with(classes, "mask"),
                    never=tuple(outcome["classes_never_shared"]),
                    terms=tuple(outcome["terms"]),
                    papers=papers,
                    needs=needs,
                    keep_days=handling.get("keep_days"),
                    onward_sharing=handling.get("onward_sharing"),
                    caveat=handling.get("caveat"),
                    effects=effects,
                )
            )
        return found

    async def _needs(self, case: Described, outcome: Outcome) -> Needs:
        same = _signature(outcome)

        async def keeping(changes: Sequence[Mapping[str, Any]]) -> list[bool]:
            outcomes = await self._answers([replace(case, **c) for c in changes])
            return [o is not None and _signature(o) == same for o in outcomes]

        roles = await keeping([{"roles": (r,)} for r in self._roles])
        without = await keeping(
            [{"attributes": tuple(x for x in self._attributes if x != a)} for a in self._attributes]
        )
        levels = await keeping([{"assurance": n} for n in range(_STRONGEST + 1)])
        codes = await keeping([{"purpose_code": c} for c in self._codes])
        limited = case.reference is not None and case.reference[1] != _NUMBER
        matters = self._references if not limited else (None, case.reference)
        references = await keeping([{"reference": r} for r in matters])
        [any_unit] = await keeping([{"unit": "described"}])
        return Needs(
            roles=tuple(r for r, kept in zip(self._roles, roles, strict=True) if kept),
            attributes=tuple(
                a for a, kept in zip(self._attributes, without, strict=True) if not kept
            ),
            assurance=levels.index(True) if True in levels else _STRONGEST,
            references=()
            if references[0]
            else tuple(r[0] for r, kept in zip(matters, references, strict=True) if kept and r),
            purpose_codes=()
            if codes[0]
            else tuple(c for c, kept in zip(self._codes, codes, strict=True) if kept and c),
            unit=None if any_unit else case.unit,
            cases=(str(case.reference[1]),) if limited and case.reference else (),
        )

    # -- what of a record ----------------------------------------------------------------------

    async def _shown(
        self, case: Described, record_type: str, granularity: str
    ) -> tuple[Outcome | None, tuple[Effect, ...]]:
        """Give the action on the record that is shown most, and what each fact does to it."""
        names = [n for n in self._words.get("facts", ()) if n not in _OWN]
        if not names:
            return None, ()
        plain = {"record_type": record_type, "stale": False}
        # The vocabulary lists first the facts that must be there: so one of the beginnings fits.
        starts = [
            plain | {n: self._values(n)[0] for n in names[:count]}
            for count in range(len(names) + 1)
        ]
        facts, action = await self._most(case, granularity, starts)
        changed = [
            (name, value, {**facts, name: value})
            for name in [*names, "stale"]
            for value in self._values(name)
            if facts.get(name, _ABSENT) != value
        ]
        actions = await self._released(case, granularity, [f for _, _, f in changed])
        effects = []
        for (name, value, _), other in zip(changed, actions, strict=True):
            lost = _lost(action, other)
            if other["show"] != action["show"] or lost:
                effects.append(Effect(name, value, other["show"], lost))
        return action, tuple(effects)

    async def _most(
        self, case: Described, granularity: str, tried: Sequence[Mapping[str, Any]]
    ) -> tuple[Mapping[str, Any], Outcome]:
        actions = await self._released(case, granularity, tried)
        return max(zip(tried, actions, strict=True), key=lambda pair: _shown_most(pair[1]))

    def _values(self, name: str) -> tuple[Any, ...]:
        for key in (name, f"{name}s"):
            listed = self._words.get(key)
            if isinstance(listed, list) and listed:
                return tuple(listed)
        return (False, True)

    # -- deciding ------------------------------------------------------------------------------

    async def _answers(self, cases: Sequence[Described]) -> list[Outcome | None]:
        self._made += len(cases)
        inputs = [("answer", _json(c.answer_input(self._owner, self._now))) for c in cases]
        return [again.outcome for again in await self._by.decide(inputs)]

    async def _released(
        self, case: Described, granularity: str, facts: Sequence[Mapping[str, Any]]
    ) -> list[Outcome]:
        self._made += 1
        whole = replace(case, granularity=granularity).release_input(
            self._owner, [dict(f) for f in facts], self._now
        )
        whole["v"] = VERSION
        [again] = await self._by.decide([("release", _json(whole))])
        if again.failed is not None:
            return [{"show": "none", "classes": {}, "handling": {}} for _ in facts]
        found: list[Outcome] = again.outcome["actions"]
        return found


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
    decided = await by.decide([("answer", _json(c.answer_input(owner, now))) for c in tried])
    return max(zip(tried, decided, strict=True), key=lambda pair: _score(pair[1].outcome))[0]


def _of_papers(policy_set: PolicySet, agency: str, owner: str) -> list[dict[str, Any]]:
    """Give what each paper between two agencies would have a question say; first, nothing."""
    found: list[dict[str, Any]] = [{}]
    for paper in all_papers(policy_set):
        if agency == owner or not {agency, owner} <= set(paper.way):
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
    return found


def _json(case: Mapping[str, Any]) -> str:
    return orjson.dumps(case, option=_SORTED).decode()


def _codes(outcome: Outcome | None) -> tuple[str, ...]:
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


def _signature(outcome: Outcome) -> bytes:
    """Give what makes two permissions the same."""
    kept = {k: v for k, v in outcome.items() if k != "reasons"}
    return orjson.dumps(kept, option=_SORTED)


def _shown_most(action: Outcome) -> tuple[int, int, int]:
    return (_SHOWS.index(action["show"]), len(action["classes"]), -len(action.get("rules", ())))


def _given(granularity: str, action: Outcome | None) -> str:
    if action is None or action["show"] == "record" or granularity != Granularity.RECORD:
        return granularity
    return str(action["show"])


def _with(classes: Mapping[str, str], action: str) -> tuple[str, ...]:
    return tuple(sorted(c for c, a in classes.items() if a == action))


def _lost(action: Outcome, other: Outcome) -> tuple[str, ...]:
    if other["show"] != "record":
        return ()
    return tuple(sorted(set(action["classes"]) - set(other["classes"])))


def _merged(seen: Sequence[Seen]) -> list[Seen]:
    """Put record types together that are seen alike."""
    found: dict[Seen, list[str]] = {}
    for one in seen:
        found.setdefault(replace(one, record_types=()), []).extend(one.record_types)
    return [replace(one, record_types=tuple(types)) for one, types in found.items()]
