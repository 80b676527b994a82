"""Questions put to a policy set for their outcome alone, by the hundred, and counted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from gateway.policy.explaining import Described
from gateway.policy.inputs import VERSION
from gateway.policy.redeciding import Redecider

Outcome = Mapping[str, Any]


class Trial:
    """Tries questions to `owner`, as of `now`, on a set. `made`: how many decisions it took."""

    def __init__(self, by: Redecider, *, owner: str, now: datetime) -> None:
        self._by = by
        self._owner = owner
        self.now = now
        self.made = 0
        self._known: dict[str, Outcome | None] = {}

    async def answers(self, cases: Sequence[Described]) -> list[Outcome | None]:
        """Give the second door's outcome for each; None where the engine gives none."""
        inputs = [_json(c.answer_input(self._owner, self.now)) for c in cases]
        # The same question comes again and again, from each end that the search begins at.
        new = [text for text in dict.fromkeys(inputs) if text not in self._known]
        self.made += len(new)
        decided = await self._by.decide([("answer", text) for text in new])
        self._known |= {t: again.outcome for t, again in zip(new, decided, strict=True)}
        return [self._known[text] for text in inputs]

    async def released(
        self, case: Described, granularity: str, facts: Sequence[Mapping[str, Any]]
    ) -> list[Outcome]:
        """Give the action on each record of these facts, if `case` were answered at that."""
        self.made += 1
        whole = replace(case, granularity=granularity).release_input(
            self._owner, [dict(f) for f in facts], self.now
        )
        whole["v"] = VERSION
        [again] = await self._by.decide([("release", _json(whole))])
        if again.failed is not None:
            return [{"show": "none", "classes": {}, "handling": {}} for _ in facts]
        found: list[Outcome] = again.outcome["actions"]
        return found


def _json(case: Mapping[str, Any]) -> str:
    return orjson.dumps(case, option=orjson.OPT_SORT_KEYS).decode()
