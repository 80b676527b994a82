"""From a row's texts to one object: what each of its rules says, looked up where it is known."""

from collections.abc import Callable, Mapping, Sequence
from operator import getitem, itemgetter
from typing import Any, Final, TypeAlias

from adapters.compile import ObjectPlan
from adapters.conditions import Condition, all_hold, steady
from adapters.rows import Part, Row, Values
from adapters.rules import (
    MOST_KNOWN,
    ConstantRule,
    Key,
    Rule,
    Said,
    columns_of,
    is_counted,
    is_short,
    row_of,
    together,
)
from adapters.shapes import Filled, Instance

_Pick: TypeAlias = Callable[[Mapping[str, str]], Any]
_Keys: TypeAlias = Callable[[Mapping[str, str]], Sequence[Key]]
_SEVERAL: Final = 2
MOST_PARTS: Final = 4_096
"""Repeated parts of which is kept what one object became of them: some 8 MB at most an object."""
_UNKNOWN: Final = Filled((), [], (), early=False)
_shapes = itemgetter(0)
_values = itemgetter(1)


class Filling:
    """Makes the instances of one object of a mapping."""

    def __init__(self, plan: ObjectPlan) -> None:
        self.plan = plan
        self._rules: Sequence[Rule] = plan.data
        of_row = [rule for rule in plan.data if rule.group is None]
        self._memos = [rule.memo for rule in of_row]
        self._keys = _keys([rule.columns for rule in of_row])
        self._of_parts = [
            (at, rule, itemgetter(*rule.columns))
            for at, rule in enumerate(plan.data)
            if rule.group is not None
        ]
        self._blank = dict.fromkeys((c for rule in plan.data for c in rule.columns), "")
        self._gate = _Decided(plan.when, self._is_open) if plan.when else None
        self._fixed = tuple(plan.constants)
        of_constants = [one for constant in plan.constants for one in constant.when]
        self._varying = _Decided(of_constants, self._holding) if of_constants else None
        self.only_links = plan.only_links
        conditions = [*plan.when, *of_constants, *(c for rule in plan.data for c in rule.when)]
        self._outer = _outer(plan.group, [*self._blank, *columns_of((), conditions)])
        self._kept = plan.group is not None and steady(conditions)
        self._room = MOST_PARTS
        self._names = [f"#{plan.alias}"]
        """The identifiers: of the first of a repeated part it is the second of these."""

    def of(self, row: Row) -> list[Instance | None]:
        """Make those of a row: one, or one for each of a repeated part; None where it is empty.

        Raises Fault.
        """
        group, names = self.plan.group, self._names
        if group is None:
            filled = self._filled(row, row.values)
            return [None if filled is None else Instance(names[0], filled)]
        parts = row.groups.get(group)
        if not parts:
            return []
        while len(names) <= len(parts):
            names.append(f"{names[0]}{len(names)}")
        found: list[Instance | None] = []
        for number, part in enumerate(parts, 1):
            known = self._kept and type(part) is Part
            filled = self._of_part(row, part) if known else self._filled(row, part)
            found.append(None if filled is None else Instance(names[number], filled))
        return found

    def _of_part(self, row: Row, part: Any) -> Filled | None:
        """Look up what was made of a part before, where the row's own columns said the same."""
        key: Any = self
        if self._outer:
            values = row.values
            key = (self, *[values.get(c, "") for c in self._outer])
        found: Filled | None = part.made.get(key, _UNKNOWN)
        if found is _UNKNOWN:
            found = self._filled(row, part)
            counted = found is not None and any(map(is_counted, found.shapes))
            if self._room and not counted:
                self._room -= 1
                part.made[key] = found
        return found

    def _filled(self, row: Row, own: Values) -> Filled | None:
        if self._gate is not None and not self._gate.of(row, own):
            return None
        said = self._said(row, own)
        early = not self._rules
        constants = self._fixed if self._varying is None else self._varying.of(row, own)
        shapes = tuple(map(_shapes, said))
        solid = any(shapes)
        if not solid and not early and not self.only_links:
            return None
        found = Filled(shapes, list(map(_values, said)), constants, early=early)
        return found if solid or self.only_links or Instance("", found).whole() else None

    def forget(self) -> None:
        """Let go of the values of rows."""
        self._room = MOST_PARTS
        for memo in (*(rule.memo for rule in self._rules), self._gate, self._varying):
            if memo is not None:
                memo.clear()

    def _is_open(self, row: Values) -> bool:
        return all_hold(self.plan.when, row)

    def _holding(self, row: Values) -> tuple[ConstantRule, ...]:
        return tuple(c for c in self.plan.constants if all_hold(c.when, row))

    def _said(self, row: Row, own: Values) -> Sequence[Said]:
        if self._outer:
            own = {c: row.values.get(c, "") for c in self._outer} | own
        try:
            keys = self._keys(own)
        except KeyError:  # a column of the row itself, or one that it lacks
            keys = self._keys({**self._blank, **row.values, **own})
        found = list(map(getitem, self._memos, keys))
        for at, rule, pick in self._of_parts:
            # Every row of a repeated part counts.
            parts = row.groups.get(rule.group or "", ())
            said = [rule.memo[_key(pick, self._blank, row.values, own, part)] for part in parts]
            found.insert(at, together(said))
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


def _outer(group: str | None, columns: Sequence[str]) -> tuple[str, ...]:
    """Name the columns that an object of a repeated part takes from the row itself."""
    if group is None:
        return ()
    return tuple(dict.fromkeys(c for c in columns if not c.startswith(f"{group}.")))


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
