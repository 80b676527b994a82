"""What an outcome rests on, found by leaving things out: data, and facts of the question.

A part of the data counts if the decision comes out otherwise, or not at all, without it. So it is
the engine's own word, for any rules, and not a reading of their text. Parts are narrowed down as
far as one part of a part alone makes a difference; several that only count together are named by
what holds them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from gateway.errors import PolicyRejected
from gateway.policy.embedded import Compiled
from gateway.policy.sets import PolicySet

MOST_TRIALS = 600
"""Each trial is a decision on changed data: some 3 ms."""
_DEEPEST = 8
_IDLE = frozenset({"v", "now", "self"})
"""Parts of the input that every decision has: to leave them out says nothing."""

Path = tuple[str | int, ...]


@dataclass(slots=True)
class _Trials:
    left: int

    def take(self) -> bool:
        """Tell whether one more may be made."""
        self.left -= 1
        return self.left >= 0


class Grounds:
    """One set, ready to tell what its outcomes rest on. Belongs to the thread that made it."""

    def __init__(self, policy_set: PolicySet) -> None:
        """Compile. Raises `PolicyRejected`."""
        self._data = policy_set.data
        self._compiled = Compiled(policy_set.rules, policy_set.data)
        self._compiled.analyse()

    def of(self, entrypoint: str, case: Mapping[str, Any]) -> dict[str, Any]:
        """Give the outcome, and what it rests on: `data` and `facts`, paths with their values.

        `complete` is False if there was more to try than may be. A decision that can't be had
        gives `failed` instead.
        """
        rule = f"data.sallyport.{entrypoint}.decision"
        raw = orjson.dumps(case)
        outcome = self._try(partial(self._compiled.evaluate, rule, raw))
        if outcome is None:
            return {"failed": "the policy has no decision on this input"}
        trials = _Trials(MOST_TRIALS)

        def other_data(path: Path) -> bool:
            data = orjson.dumps(_without(self._data, path))
            return outcome != self._try(partial(self._compiled.evaluate_on, rule, raw, data))

        def other_facts(path: Path) -> bool:
            facts = orjson.dumps(_without(case, path))
            return outcome != self._try(partial(self._compiled.evaluate, rule, facts))

        tops: list[Path] = [(k,) for k in case if k not in _IDLE]
        return {
            "outcome": orjson.loads(outcome),
            "facts": [_ground(case, p) for p in _narrowed(case, tops, other_facts, trials)],
            "data": [
                _ground(self._data, p)
                for p in _narrowed(self._data, [(k,) for k in self._data], other_data, trials)
            ],
            "complete": trials.left >= 0,
        }

    def _try(self, decide: Callable[[], bytes]) -> bytes | None:
        """Give an outcome; None if there is none: an error is a refusal like any other."""
        try:
            return decide()
        except PolicyRejected:
            return None


def _narrowed(
    whole: Any, paths: list[Path], counts: Callable[[Path], bool], trials: _Trials
) -> Iterator[Path]:
    """Give the smallest parts that count, each by itself."""
    for path in paths:
        if not trials.take() or not counts(path):
            continue
        value = _at(whole, path)
        below: list[Path] = []
        if len(path) < _DEEPEST:
            if isinstance(value, dict):
                below = [(*path, k) for k in value]
            elif isinstance(value, list) and any(isinstance(v, dict | list) for v in value):
                below = [(*path, i) for i in range(len(value))]
        smaller = list(_narrowed(whole, below, counts, trials))
        yield from smaller or [path]


def _at(whole: Any, path: Path) -> Any:
    for step in path:
        whole = whole[step]
    return whole


def _without(whole: Any, path: Path) -> Any:
    """Copy the way to a part, and leave the part out. An item of a list becomes null."""
    step, rest = path[0], path[1:]
    if isinstance(whole, dict):
        copy: Any = dict(whole)
        if rest:
            copy[step] = _without(whole[str(step)], rest)
        else:
            del copy[step]
        return copy
    copy = list(whole)
    copy[int(step)] = _without(whole[int(step)], rest) if rest else None
    return copy


def _ground(whole: Any, path: Path) -> dict[str, Any]:
    return {"path": ".".join(map(str, path)), "value": _at(whole, path)}
