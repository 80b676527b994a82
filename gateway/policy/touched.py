"""Which tests an edit can touch. Every other comes to what it came to before, so it need not run.

What a test comes to is a function of the definitions of its rule, of what those refer to below
`data`, of what that refers to, and so on; nothing admitted looks anything up by a name that it made
(`walk`, `opa.runtime` and their like are refused). So a test is touched where

- its module's text is another, or is new;
- it, or a rule that it comes to, refers to a place where a changed module has or had a rule, where
  a package came or went, or where a value of the data is another.

Everything is told from the syntax trees, too much rather than too little: a name counts as a rule
of its package even if only the rule itself knows it, and as what was imported under it as well; a
step that is only known when it is evaluated stands for all that lies there; a reference into a
value rests on the whole value, and one to a place on all that stands below it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from gateway.policy.builtins import Look, Rule
from gateway.policy.sets import PolicySet
from gateway.policy.syntax import Path

Looks = Mapping[tuple[str, str], Look]
"""What was seen in modules, by path and text."""


def touched(before: PolicySet, after: PolicySet, looks: Looks) -> set[Path]:
    """Give the paths of all rules, tests among them, that may come to something else than before.

    `looks` has every module of both sets.
    """
    rules = [rule for module in after.modules.items() for rule in looks[module].rules]
    return _readers(rules, _changed(before, after, looks))


def _changed(before: PolicySet, after: PolicySet, looks: Looks) -> Iterator[Path]:
    """Give the places where something else stands than did before."""
    for module in before.modules.items() ^ after.modules.items():
        yield from (rule.path for rule in looks[module].rules)
    # A package without a rule has a value too, and none that is not there.
    packages = [{looks[m].package for m in one.modules.items()} for one in (before, after)]
    for package in packages[0] ^ packages[1]:
        yield tuple(package.split("."))
    yield from _differences(before.data, after.data, ())


def _differences(before: Any, after: Any, place: Path) -> Iterator[Path]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() | after.keys():
            if key in before and key in after:
                yield from _differences(before[key], after[key], (*place, key))
            else:
                yield (*place, key)
    # As JSON: to Python 1, 1.0 and true are equal.
    elif orjson.dumps(before) != orjson.dumps(after):
        yield place


def _readers(rules: Iterable[Rule], changed: Iterable[Path]) -> set[Path]:
    """Give the paths of the rules that refer to a changed place, or to one of these rules."""
    exactly: dict[Path, set[Path]] = {}
    below: dict[Path, set[Path]] = {}
    for rule in rules:
        for wanted in {_known(place) for place in (rule.path, *rule.reads)}:
            exactly.setdefault(wanted, set()).add(rule.path)
            for length in range(len(wanted) + 1):
                below.setdefault(wanted[:length], set()).add(rule.path)
    found: set[Path] = set()
    waiting = set(changed)
    done = set(waiting)
    while waiting:
        place = _known(waiting.pop())
        hit = set(below.get(place, ()))
        for length in range(len(place)):
            hit |= exactly.get(place[:length], set())
        found |= hit
        waiting |= hit - done
        done |= hit
    return found


def _known(place: Path) -> Path:
    """Cut a path off where a step is only known when it is evaluated."""
    return place[: place.index(None)] if None in place else place
