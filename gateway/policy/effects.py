"""What of a record is shown, and what each fact of its handling changes in that."""

from collections.abc import Mapping
from typing import Any

from gateway.policy.explaining import Described
from gateway.policy.reach import Effect
from gateway.policy.release import STAND_IN
from gateway.policy.released import FACT
from gateway.policy.trial import Outcome, Trial

_ABSENT: Any = object()
_OWN = frozenset({"record_type", "stale", FACT, STAND_IN})
"""Facts that the gateway sets: no record is changed in them."""
_SHOWS = ("none", "pointer", "record")


class Effects:
    """Changes the handling facts of a record, in the words of the vocabulary."""

    def __init__(self, trial: Trial, words: Mapping[str, Any]) -> None:
        self._trial = trial
        self._words = words

    async def shown(
        self, case: Described, record_type: str, granularity: str
    ) -> tuple[Outcome | None, tuple[Effect, ...]]:
        """Give the action on the record that is shown most, and what each fact does to it."""
        if not self._names():
            return None, ()
        facts, action = await self.plainest(case, record_type, granularity)
        changed = self.changed(facts)
        actions = await self._trial.released(case, granularity, [f for _, _, f in changed])
        effects = []
        for (name, value, _), other in zip(changed, actions, strict=True):
            lost = _lost(action, other)
            if other["show"] != action["show"] or lost:
                effects.append(Effect(name, value, other["show"], lost))
        return action, tuple(effects)

    def changed(self, facts: Mapping[str, Any]) -> list[tuple[str, Any, Mapping[str, Any]]]:
        """Give each other value that one fact of a record may have, with the facts then."""
        return [
            (name, value, {**facts, name: value})
            for name in [*self._names(), "stale"]
            for value in self._values(name)
            if facts.get(name, _ABSENT) != value
        ]

    async def plainest(
        self, case: Described, record_type: str, granularity: str
    ) -> tuple[Mapping[str, Any], Outcome]:
        """Give the facts of a record of which the most is shown, and the action on it.

        Where a person released something on the question, the record is one that it names.
        """
        plain: dict[str, Any] = {"record_type": record_type, "stale": False}
        if case.release is not None:
            plain[FACT] = [case.release.id]
        # The vocabulary lists first the facts that must be there: so one of the beginnings fits.
        names = self._names()
        starts = [
            plain | {n: self._values(n)[0] for n in names[:count]}
            for count in range(len(names) + 1)
        ]
        actions = await self._trial.released(case, granularity, starts)
        return max(zip(starts, actions, strict=True), key=lambda pair: shown_most(pair[1]))

    def _names(self) -> list[str]:
        return [n for n in self._words.get("facts", ()) if n not in _OWN]

    def _values(self, name: str) -> tuple[Any, ...]:
        examples = self._words.get("fact_examples", {})
        for listed in (examples.get(name), *(self._words.get(key) for key in (name, f"{name}s"))):
            if isinstance(listed, list) and listed:
                return tuple(listed)
        return (False, True)


def shown_most(action: Outcome) -> tuple[int, int, int]:
    """Rank what is shown of a record: the more, the higher."""
    return (_SHOWS.index(action["show"]), len(action["classes"]), -len(action.get("rules", ())))


def _lost(action: Outcome, other: Outcome) -> tuple[str, ...]:
    if other["show"] != "record":
        return ()
    return tuple(sorted(set(action["classes"]) - set(other["classes"])))
