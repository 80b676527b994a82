"""From a row's texts to one object: what each of its rules says, looked up where it is known."""

from collections.abc import Callable, Mapping, Sequence
from operator import getitem, itemgetter
from typing import Final, TypeAlias

from adapters.compile import ObjectPlan
from adapters.conditions import all_hold
from adapters.rows import Row, Values
from adapters.rules import ConstantRule, Key, Rule, Said, together
from adapters.shapes import Instance

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
        self._constants: tuple[ConstantRule, ...] = tuple(plan.constants)
        self._varying = any(c.when for c in plan.constants)
        self.only_links = plan.only_links

    def of(self, row: Row, own: Values, identifier: str) -> Instance | None:
        """Make one of a row, or of one of its repeated parts; None where it is empty.

        `own` are the columns that count first. Raises Fault.
        """
        plan, early = self.plan, False
        said: Sequence[Said] = ()
        if not plan.when or all_hold(plan.when, self._context(row, own)):
            said = self._said(row, own) if self._by_row else self._of_parts(row, own)
            early = not self._rules
        constants = self._constants
        if self._varying:
            context = self._context(row, own)
            constants = tuple(c for c in constants if not c.when or all_hold(c.when, context))
        shapes = tuple(map(_shapes, said))
        one = Instance(identifier, shapes, list(map(_values, said)), constants, early)
        return one if any(shapes) or self.only_links or (early and one.whole()) else None

    def _context(self, row: Row, own: Values) -> Values:
        return own if own is row.values else row.values | own

    def _said(self, row: Row, own: Values) -> Sequence[Said]:
        try:
            keys = self._keys(own)
        except KeyError:  # a column of the row itself, or one that it lacks
            keys = self._keys({**self._blank, **row.values, **own})
        return list(map(getitem, self._memos, keys))

    def _of_parts(self, row: Row, own: Values) -> Sequence[Said]:
        """Say it with rules for which every row of a repeated part counts."""
        context = {**self._blank, **row.values, **own}
        found: list[Said] = []
        for rule, pick in zip(self._rules, self._picks, strict=True):
            if rule.group is None:
                found.append(rule.memo[pick(context)])
            else:
                children = row.groups.get(rule.group, ())
                found.append(together([rule.memo[pick(context | child)] for child in children]))
        return found


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
