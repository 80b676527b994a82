"""From a row's texts to one object: what each of its rules says, looked up where it is known."""

from collections.abc import Callable, Mapping, Sequence
from operator import getitem, itemgetter
from typing import Any, Final, TypeAlias

from adapters.compile import ObjectPlan
from adapters.conditions import Condition, all_hold, steady
from adapters.rows import Row, Values
from adapters.rules import (
    MOST_KNOWN,
    ConstantRule,
    Key,
    Rule,
    Said,
    columns_of,
    is_short,
    row_of,
    together,
)
from adapters.shapes import Instance

_Pick: TypeAlias = Callable[[Mapping[str, str]], Any]
_Keys: TypeAlias = Callable[[Mapping[str, str]], Sequence[Key]]
_SEVERAL: Final = 2
_shapes = itemgetter(0)
_values = itemgetter(1)


class Filling:
    """Makes the instances of one object of a mapping."""

    def __init__(self, plan: ObjectPlan) -> None:
        self.plan = plan
        self._rules: Sequence[Rule] = plan.data
        self._memos = [rule.memo for rule in plan.data]
        self._keys = _keys([rule.columns for rule in plan.data])
        self._picks = [itemgetter(*rule.columns) for rule in plan.data]
        self._blank = dict.fromkeys((c for rule in plan.data for c in rule.columns), "")
        self._by_row = all(rule.group is None for rule in plan.data)
        self._gate = _Decided(plan.when, self._is_open) if plan.when else None
        self._fixed = tuple(plan.constants)
        of_constants = [one for constant in plan.constants for one in constant.when]
        self._varying = _Decided(of_constants, self._holding) if of_constants else None
        self.only_links = plan.only_links

    def of(self, row: Row, own: Values, identifier: str) -> Instance | None:
        """Make one of a row, or of one of its repeated parts; None where it is empty.

        `own` are the columns that count first. Raises Fault.
        """
        said: Sequence[Said] = ()
        early = False
        if self._gate is None or self._gate.of(row, own):
            said = self._said(row, own) if self._by_row else self._of_parts(row, own)
            early = not self._rules
        constants = self._fixed if self._varying is None else self._varying.of(row, own)
        shapes = tuple(map(_shapes, said))
        filled = any(shapes)
        if not filled and not early and not self.only_links:
            return None
        one = Instance(identifier, shapes, list(map(_values, said)), constants, early)
        return one if filled or self.only_links or one.whole() else None

    def forget(self) -> None:
        """Let go of the values of rows."""
        for memo in (*self._memos, self._gate, self._varying):
            if memo is not None:
                memo.clear()

    def _is_open(self, row: Values) -> bool:
        return all_hold(self.plan.when, row)

    def _holding(self, row: Values) -> tuple[ConstantRule, ...]:
        return tuple(c for c in self.plan.constants if all_hold(c.when, row))

    def _said(self, row: Row, own: Values) -> Sequence[Said]:
        try:
            keys = self._keys(own)
        except KeyError:  # a column of the row itself, or one that it lacks
            keys = self._keys({**self._blank, **row.values, **own})
        return list(map(getitem, self._memos, keys))

    def _of_parts(self, row: Row, own: Values) -> Sequence[Said]:
        """Say it with rules for which every row of a repeated part counts."""
        found: list[Said] = []
        for rule, pick in zip(self._rules, self._picks, strict=True):
            if rule.group is None:
                found.append(rule.memo[_key(pick, self._blank, row.values, own)])
            else:
                children = row.groups.get(rule.group, ())
                keys = [_key(pick, self._blank, row.values, own, child) for child in children]
                found.append(together([rule.memo[key] for key in keys]))
        return found


class _Decided(dict[Key, Any]):
    """What conditions decide, by what stands in their columns."""

    def __init__(self, conditions: Sequence[Condition], decide: Callable[[Values], Any]) -> None:
        super().__init__()
        self._columns = columns_of((), conditions)
        self._pick = itemgetter(*self._columns)
        self._blank = dict.fromkeys(self._columns, "")
        self._decide = decide
        self._most = MOST_KNOWN if steady(conditions) else 0

    def of(self, row: Row, own: Values) -> Any:
        """Decide for a row, or for one of its repeated parts. Raises Fault."""
        return self[_key(self._pick, self._blank, row.values, own)]

    def __missing__(self, key: Key) -> Any:
        found = self._decide(row_of(self._columns, key))
        if len(self) < self._most and is_short(key):
            self[key] = found
        return found


def _key(pick: _Pick, *layers: Values) -> Any:
    """Give what stands in columns: in the last layer, or in one below."""
    try:
        return pick(layers[-1])
    except KeyError:
        return pick({name: text for layer in layers for name, text in layer.items()})


def _keys(columns: Sequence[Sequence[str]]) -> _Keys:
    """Make what gives the texts of several rules' columns, by one call for those of one column."""
    if len(columns) < _SEVERAL:
        picks = [itemgetter(*names) for names in columns]
        return lambda row: [pick(row) for pick in picks]
    first = itemgetter(*(names[0] for names in columns))
    more = [(at, itemgetter(*names)) for at, names in enumerate(columns) if len(names) > 1]
    if not more:
        return first

    def keys(row: Mapping[str, str]) -> Sequence[Key]:
        found = list(first(row))
        for at, pick in more:
            found[at] = pick(row)
        return found

    return keys
