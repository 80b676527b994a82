"""What an outcome rests on, found by leaving things out: data, and facts of the question.

A part of the data counts if the decision comes out otherwise, or not at all, without it. So it is
the engine's own word, for any rules, and not a reading of their text. Parts are narrowed down as
far as one part of a part alone makes a difference; several that only count together are named by
what holds them.

What is missing or wrong can't be left out. So a refusal also says what would lift it: other words
of the set's own vocabulary are tried in each place of the question, one at a time.
"""

import re
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
_LARGE = 2_000
"""Bytes of a part that is tried first, and as a whole."""
_LETTER = re.compile(r"[A-Z]")
"""Codes of one letter, wherever the data have them as keys, are tried where a fact is null."""
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
        self._letters = letters_of(policy_set.data)
        self._lists: dict[str, tuple[str, ...]] = {}
        for words in _word_lists(policy_set.data.get("sallyport", {}).get("vocabulary", {})):
            for word in words:
                known = self._lists.get(word, ())
                if len(words) > len(known):
                    self._lists[word] = words

    def of(self, entrypoint: str, case: Mapping[str, Any]) -> dict[str, Any]:
        """Give the outcome, and what it rests on: `data` and `facts`, paths with their values.

        `lifted_by` lists other values of one fact with the rules and reasons that they would lift.
        `complete` is False if there was more to try than may be. A decision that can't be had
        gives `failed` instead.
        """
        rule = f"data.sallyport.{entrypoint}.decision"
        raw = orjson.dumps(case)
        outcome = self._try(partial(self._compiled.evaluate, rule, raw))
        if outcome is None:
            return {"failed": "the policy has no decision on this input"}
        trials = _Trials(MOST_TRIALS)

        slim = self._slim(rule, raw, outcome)

        def other_data(path: Path) -> bool:
            data = orjson.dumps(_without(slim, path))
            return outcome != self._try(partial(self._compiled.evaluate_on, rule, raw, data))

        def other_facts(path: Path) -> bool:
            facts = orjson.dumps(_without(case, path))
            return outcome != self._try(partial(self._compiled.evaluate, rule, facts))

        def lifted(path: Path, value: Any) -> list[str]:
            other = self._try(
                partial(self._compiled.evaluate, rule, orjson.dumps(_changed(case, path, value)))
            )
            if other is None:
                return []
            left = against - _against(orjson.loads(other))
            return sorted({" ".join(filter(None, (place, code))) for place, code in left})

        against = _against(orjson.loads(outcome))
        tops: list[Path] = [(k,) for k in case if k not in _IDLE]
        return {
            "outcome": orjson.loads(outcome),
            "facts": [_ground(case, p) for p in _narrowed(case, tops, other_facts, trials)],
            "data": [
                _ground(slim, p) for p in _narrowed(slim, [(k,) for k in slim], other_data, trials)
            ],
            "lifted_by": [
                {"path": ".".join(map(str, path)), "value": value, "lifts": names}
                for path, value in (self._others(case, tops) if against else ())
                if trials.take() and (names := lifted(path, value))
            ],
            "complete": trials.left >= 0,
        }

    def _others(self, case: Mapping[str, Any], tops: list[Path]) -> Iterator[tuple[Path, Any]]:
        """Give other values for each fact: its neighbours in the vocabulary's own lists."""
        for path in _leaves(case, tops):
            value = _at(case, path)
            if isinstance(value, bool):
                yield path, not value
            elif isinstance(value, int):
                yield from ((path, n) for n in (value - 1, value + 1, value + 2) if n >= 0)
            elif isinstance(value, str):
                yield from ((path, w) for w in self._neighbours(value) if w != value)
            elif isinstance(value, list):
                more = dict.fromkeys(w for v in value for w in self._neighbours(v))
                yield from ((path, [*value, w]) for w in more if w not in value)
                yield from ((path, [v for v in value if v != w]) for w in value if len(value) > 1)
            elif value is None:
                yield from ((path, letter) for letter in self._letters)

    def _neighbours(self, word: Any) -> tuple[str, ...]:
        return self._lists.get(word, ()) if isinstance(word, str) else ()

    def _slim(self, rule: str, raw: bytes, outcome: bytes) -> Mapping[str, Any]:
        """Leave out what is large and makes no difference: each trial reads all of the data."""
        slim = self._data
        for path in list(_large(slim)):
            less = _without(slim, path)
            if outcome == self._try(
                partial(self._compiled.evaluate_on, rule, raw, orjson.dumps(less))
            ):
                slim = less
        return slim

    def _try(self, decide: Callable[[], bytes]) -> bytes | None:
        """Give an outcome; None if there is none: an error is a refusal like any other."""
        try:
            return decide()
        except PolicyRejected:
            return None


def _large(data: Any, path: Path = ()) -> Iterator[Path]:
    """Give the large parts that hold no large part themselves."""
    for key, value in data.items():
        if isinstance(value, dict | list) and len(orjson.dumps(value)) > _LARGE:
            below = list(_large(value, (*path, key))) if isinstance(value, dict) else []
            yield from below or [(*path, key)]


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


def _changed(whole: Any, path: Path, value: Any) -> Any:
    """Copy the way to a part, and put another value in its place."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(whole, dict):
        return {**whole, str(step): _changed(whole[str(step)], rest, value)}
    copy = list(whole)
    copy[int(step)] = _changed(whole[int(step)], rest, value)
    return copy


def _leaves(whole: Any, paths: list[Path]) -> Iterator[Path]:
    """Give the places of plain values and of lists of them."""
    for path in paths:
        value = _at(whole, path)
        if isinstance(value, dict):
            yield from _leaves(whole, [(*path, k) for k in value])
        elif isinstance(value, list) and any(isinstance(v, dict | list) for v in value):
            yield from _leaves(whole, [(*path, i) for i in range(len(value))])
        else:
            yield path


def letters_of(data: Any) -> list[str]:
    """Give the codes of one letter that the data know: they stand there as keys."""
    return sorted({k for k in _keys(data) if _LETTER.fullmatch(k)})


def reasons_of(data: Mapping[str, Any]) -> list[str]:
    """Give the codes of reasons that the data name, under `reasons` or `…_reasons`."""
    return sorted({r for below in _objects(data) for r in _reasons_in(below)})


def _reasons_in(about: Mapping[str, Any]) -> Iterator[str]:
    for key, value in about.items():
        if (key == "reasons" or key.endswith("_reasons")) and isinstance(value, list):
            yield from (v for v in value if isinstance(v, str))


def matters_of(data: Mapping[str, Any], agency: str) -> list[tuple[str, str]]:
    """Give what the data name for an agency's unit alone: the unit, and the first of its cases."""
    found = []
    for about in _objects(data):
        unit, cases = about.get("unit"), about.get("cases")
        if about.get("agency") == agency and isinstance(unit, str) and isinstance(cases, list):
            found += [(unit, str(case)) for case in cases[:1]]
    return found


def _objects(data: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(data, dict):
        yield data
    for below in (
        data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    ):
        yield from _objects(below)


def _keys(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield key
            yield from _keys(value)


def _word_lists(vocabulary: Any, depth: int = 0) -> Iterator[tuple[str, ...]]:
    """Give the lists of words, and the keys of objects of objects, which are lists of words too."""
    if isinstance(vocabulary, list) and all(isinstance(v, str) for v in vocabulary):
        yield tuple(vocabulary)
    if not isinstance(vocabulary, dict):
        return
    if depth and vocabulary and all(isinstance(v, dict) for v in vocabulary.values()):
        yield tuple(vocabulary)
    for value in vocabulary.values():
        yield from _word_lists(value, depth + 1)


def _against(outcome: Any) -> frozenset[tuple[str, str]]:
    """Give what refuses or hides, each with its place: reasons of a no, rules of nothing shown."""
    found = set()
    if isinstance(outcome, dict):
        parts = {"": outcome, **outcome.get("agencies", {})}
        for place, part in parts.items():
            if part.get("allow") is False:
                found |= {(place, str(r["code"])) for r in part.get("reasons", ())}
        for i, action in enumerate(outcome.get("actions", ())):
            if action.get("show") == "none":
                found |= {(str(i), str(r)) for r in action.get("rules", ())}
    return frozenset(found)


def _ground(whole: Any, path: Path) -> dict[str, Any]:
    return {"path": ".".join(map(str, path)), "value": _at(whole, path)}
