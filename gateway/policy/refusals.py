"""What stands against a question that nothing opens: the fewest reasons that there can be.

One reason can stand in for another. Who gives no code is told that one is needed; who gives it may
be told that it is not for this agency. So it is not enough to count: several sets of reasons are
kept side by side, as long as none holds another, and the question is changed further from each.

At the end, what a question is only told because it lacks something is left out. A set of reasons
is of that kind if a fuller question, which meets another one, meets it as soon as something is
taken away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.policy.explaining import Described
from gateway.policy.trial import Outcome, Trial
from gateway.policy.widest import Widest, codes_of

Codes = frozenset[str]

_TAKEN_AWAY: tuple[Mapping[str, Any], ...] = (
    {"unit_function": ""},
    {"reference": None},
    {"purpose_code": None},
)
_MOST_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Opening:
    """The question that is answered after all."""

    case: Described
    outcome: Outcome


class Refusals:
    """Looks for what stands against questions, in the same grid as `Widest`."""

    def __init__(self, trial: Trial, widest: Widest) -> None:
        self._trial = trial
        self._dimensions = widest.dimensions
        self._special = [{}, *widest.special]

    async def against(self, case: Described) -> dict[Codes, Described] | Opening:
        """Give the sets of reasons that hold no other one, each with a question that meets it.

        Whatever of the grid is asked meets at least one of them whole. A question that is answered
        is given instead.
        """
        [outcome] = await self._trial.answers([case])
        if outcome is not None and outcome["allow"]:
            return Opening(case, outcome)
        found = {frozenset(codes_of(outcome)): case}
        for _ in range(_MOST_ROUNDS):
            before = set(found)
            for changes in self._dimensions:
                tried = [replace(c, **change) for c in found.values() for change in changes]
                # A unit's own case, or a reason, is tried for what it lifts: what it is refused for
                # itself does not concern who leaves it out.
                least = list(found) if changes == self._special else []
                for one, outcome in zip(tried, await self._trial.answers(tried), strict=True):
                    if outcome is not None and outcome["allow"]:
                        return Opening(one, outcome)
                    codes = frozenset(codes_of(outcome))
                    if outcome is not None and (not least or any(codes < other for other in least)):
                        found.setdefault(codes, one)
                found = _least(found)
            if set(found) == before:
                break
        return found

    async def alike(self, found: Mapping[Codes, Described], case: Described) -> bool:
        """Tell whether these sets stand against a question for other record types just the same."""
        tried = [replace(one, record_types=case.record_types) for one in found.values()]
        outcomes = await self._trial.answers(tried)
        return all(
            o is not None and not o["allow"] and frozenset(codes_of(o)) == codes
            for codes, o in zip(found, outcomes, strict=True)
        )

    async def fullest(self, found: Mapping[Codes, Described]) -> dict[Codes, Described]:
        """Leave out the sets that a question meets only because it lacks something."""
        emptier = {codes: await self._emptier(case) for codes, case in found.items()}

        def lacks(one: Codes, fuller: Codes) -> bool:
            return any(one <= met for met in emptier[fuller])

        kept = {
            one: case
            for one, case in found.items()
            if not any(lacks(one, other) and not lacks(other, one) for other in found)
        }
        return kept or dict(found)

    async def _emptier(self, case: Described) -> Sequence[Codes]:
        tried = [replace(case, **change) for change in _TAKEN_AWAY]
        outcomes = await self._trial.answers(tried)
        return [frozenset(codes_of(o)) for o in outcomes if o is not None]


def _least(found: Mapping[Codes, Described]) -> dict[Codes, Described]:
    return {one: case for one, case in found.items() if not any(other < one for other in found)}
