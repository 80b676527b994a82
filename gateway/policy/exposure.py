"""What one agency can see of this one's records, by real decisions over a grid of questions.

Nothing is read out of the agreements: every purpose is tried with every record type, and for each
the unit, the matter, the code and the paper that open most, as an officer with every role and
attribute would ask. Then each condition is taken away in turn, which shows what is needed; and each
handling fact is changed in turn, which shows what of a record it hides.

The grid knows the words of the set's vocabulary. What only one case number, one unit or one reason
opens is tried where a paper or the data name it, not otherwise. What persons here have released is
tried as it stands, with the question that shows its paper.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from gateway.policy.by_person import Releases
from gateway.policy.effects import Effects
from gateway.policy.explaining import ANY, Described
from gateway.policy.reach import Needs, Reach, Refused, Seen, as_shown, classes_of, merged
from gateway.policy.redeciding import Redecider
from gateway.policy.refusals import Codes, Opening, Refusals
from gateway.policy.released import PersonRelease
from gateway.policy.rules import papers_of
from gateway.policy.trial import Outcome, Trial
from gateway.policy.widest import NUMBER, STRONGEST, Cell, Widest

_UNANSWERABLE = frozenset({"policy.unavailable"})


class Grid:
    """Asks a set about one agency. `now` is the moment that the papers have to be in force at.

    `releases`: what persons at the owner have released to it, in force.
    """

    def __init__(
        self,
        by: Redecider,
        *,
        agency: str,
        owner: str,
        now: datetime,
        releases: Sequence[PersonRelease] = (),
    ) -> None:
        self._agency = agency
        self._owner = owner
        self._revision = by.policy_set.revision
        words = by.policy_set.data["sallyport"]["vocabulary"]
        self._purposes = tuple(words["purposes"])
        self._titled = papers_of(by.policy_set)
        self._trial = Trial(by, owner=owner, now=now)
        self._widest = Widest(self._trial, by.policy_set, agency=agency, owner=owner)
        self._effects = Effects(self._trial, words)
        self._refusals = Refusals(self._trial, self._widest)
        self._known: dict[Cell, list[dict[Codes, Described]]] = {}
        self._in_force = releases
        self._releases = Releases(
            self._trial,
            self._effects,
            functions=self._widest.functions,
            agency=agency,
            words=words,
        )

    async def reach(self, purposes: Iterable[str] | None = None) -> Reach:
        """Go through the grid. Raises `PolicyUnavailable` if the engine breaks down."""
        asked = self._purposes if purposes is None else tuple(purposes)
        best = await self._widest.best(asked)
        in_order = sorted(best.items(), key=lambda cell: asked.index(cell[0][0]))
        seen: list[Seen] = []
        tried: list[Described] = []
        refused: dict[Refused, list[str]] = {}
        for _, (case, _) in in_order:
            opened, shut = await self._sorted(case)
            for one in opened:
                seen += await self._seen(one)
            tried += opened
            for types, met in shut:
                fullest = await self._refusals.fullest(met)
                tried += fullest.values()
                alike = Refused(
                    purpose=case.purpose,
                    record_types=(),
                    reasons=tuple(sorted(tuple(sorted(codes)) for codes in fullest)),
                    opened_by=await self._releases.opening(fullest.values()),
                )
                refused.setdefault(alike, []).extend(types)
        return Reach(
            agency=self._agency,
            owner=self._owner,
            revision=self._revision,
            seen=tuple(merged(seen)),
            refused=tuple(replace(r, record_types=tuple(ts)) for r, ts in refused.items()),
            by_person=await self._releases.by_person(self._in_force, tried),
            decisions=self._trial.made,
        )

    async def _sorted(
        self, case: Described
    ) -> tuple[list[Described], list[tuple[tuple[str, ...], dict[Codes, Described]]]]:
        """Give the questions that are answered, and what stands against the other record types."""
        opened: list[Described] = []
        left = case.record_types
        while left:
            met = await self._met(replace(case, record_types=left))
            if not isinstance(met, Opening):
                return opened, [(left, met)]
            given = tuple(t for t in left if t in met.outcome["record_types"])
            if not given:  # the door itself would not take it
                return opened, [(left, {_UNANSWERABLE: met.case})]
            opened.append(replace(met.case, record_types=given))
            left = tuple(t for t in left if t not in given)
        return opened, []

    async def _met(self, case: Described) -> dict[Codes, Described] | Opening:
        """Give what stands against a question. For record types that are alike it is looked up."""
        known = self._known.setdefault((case.purpose, self._widest.group(case)), [])
        for met in known:
            if await self._refusals.alike(met, case):
                return {k: replace(c, record_types=case.record_types) for k, c in met.items()}
        met_now = await self._refusals.against(case)
        if not isinstance(met_now, Opening):
            known.append(met_now)
        return met_now

    async def _seen(self, best: Described) -> list[Seen]:
        """Give what a question opens, for the units with the same result together."""
        groups: dict[tuple[bytes, str], list[Described]] = {}
        shut = list(self._widest.functions)
        # What nothing else opens for a unit may be opened by a case of its own, or by a reason.
        for change in ({}, *self._widest.special):
            cases = [replace(best, unit_function=f, **change) for f in shut]
            for case, outcome in zip(cases, await self._trial.answers(cases), strict=True):
                if outcome is not None and outcome["allow"]:
                    shut.remove(case.unit_function)
                    groups.setdefault((_signature(outcome), repr(change)), []).append(case)
        seen = []
        for cases in groups.values():
            seen += await self._each(cases)
        return seen

    async def _each(self, cases: Sequence[Described]) -> list[Seen]:
        """Give what each record type shows, those that are shown alike together."""
        case = cases[0]
        [outcome] = await self._trial.answers([case])
        if outcome is None:  # it was allowed a moment ago, on the same input
            raise RuntimeError("a decision is not a function of its input")
        needs = await self._needs(case, outcome)
        papers = tuple(r for r in outcome["rules"] if r in self._titled)
        found = []
        for record_type in case.record_types:
            action, effects = await self._effects.shown(case, record_type, outcome["granularity"])
            handling = action["handling"] if action else {}
            found.append(
                Seen(
                    purpose=case.purpose,
                    record_types=(record_type,),
                    unit_functions=tuple(c.unit_function for c in cases),
                    granularity=as_shown(outcome["granularity"], action),
                    **classes_of(action),
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
        asked, same = self._widest, _signature(outcome)

        async def keeping(changes: Sequence[Mapping[str, Any]]) -> list[bool]:
            outcomes = await self._trial.answers([replace(case, **c) for c in changes])
            return [o is not None and _signature(o) == same for o in outcomes]

        roles = await keeping([{"roles": (r,)} for r in asked.roles])
        without = await keeping(
            [{"attributes": tuple(x for x in asked.attributes if x != a)} for a in asked.attributes]
        )
        levels = await keeping([{"assurance": n} for n in range(STRONGEST + 1)])
        codes = await keeping([{"purpose_code": c} for c in asked.codes])
        limited = case.reference is not None and case.reference[1] != NUMBER
        matters = asked.references if not limited else (None, case.reference)
        references = await keeping([{"reference": r} for r in matters])
        [any_unit, any_reason] = await keeping([{"unit": ANY}, {"reason_code": ANY}])
        reasons = await keeping([{"reason_code": r} for r in asked.reasons])
        return Needs(
            roles=tuple(r for r, kept in zip(asked.roles, roles, strict=True) if kept),
            attributes=tuple(
                a for a, kept in zip(asked.attributes, without, strict=True) if not kept
            ),
            assurance=levels.index(True) if True in levels else STRONGEST,
            references=()
            if references[0]
            else tuple(r[0] for r, kept in zip(matters, references, strict=True) if kept and r),
            purpose_codes=()
            if codes[0]
            else tuple(c for c, kept in zip(asked.codes, codes, strict=True) if kept and c),
            reason_codes=()
            if any_reason
            else tuple(r for r, kept in zip(asked.reasons, reasons, strict=True) if kept),
            unit=None if any_unit else case.unit,
            cases=(str(case.reference[1]),) if limited and case.reference else (),
        )


def _signature(outcome: Outcome) -> bytes:
    """Give what makes two permissions the same."""
    kept = {k: v for k, v in outcome.items() if k != "reasons"}
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)
