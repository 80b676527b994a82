"""Objects made by their shape: what was put together and checked once is not checked anew.

Two rows that fill the same paths give messages of the same structure, however many rows there are.
So the first of each shape is put together path by path and validated whole; the others are made by
a template, and only their single values are judged, by the same types of the release. Where a
structure depends on more than the shape (equal values at one path become one), no template is used.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, TypeAlias

from adapters.rules import ConstantRule, LinkRule, Tree, Unit, bare, finished, put
from gateway import niem

MOST: Final = 4_096
"""Templates of one object that are kept."""
_Leaves: TypeAlias = list[Any]
_Make: TypeAlias = Callable[[_Leaves], Any]
Signature: TypeAlias = tuple[Any, ...]


@dataclass(slots=True)
class Instance:
    """One object in the making: what its columns say, and what it refers to."""

    identifier: str
    units: list[Unit]
    constants: Sequence[ConstantRule]
    """Those whose conditions hold."""
    early: bool
    """Whether the constants are all there is in it."""
    links: list[tuple[LinkRule, list["Instance"]]] = field(default_factory=list)
    linked: bool = False

    def signature(self) -> Signature | None:
        """Give its shape; None if a single value of it would not be valid."""
        shapes = [unit.shape for unit in self.units]
        if None in shapes:
            return None
        links = tuple([(link, len(targets)) for link, targets in self.links])
        return (tuple(shapes), tuple(self.constants), links, self.linked)

    def leaves(self) -> _Leaves:
        """Give the values that differ from one object of its shape to another, in order."""
        found = [leaf for unit in self.units for leaf in unit.leaves]
        for _, targets in self.links:
            found += [{"@id": target.identifier} for target in targets]
        if self.linked:
            found.append(self.identifier)
        return found

    def whole(self) -> Tree:
        """Put it together path by path. Raises Fault where two paths exclude each other."""
        values = [dict(u.value) if isinstance(u.value, dict) else u.value for u in self.units]
        links = [[{"@id": t.identifier} for t in targets] for _, targets in self.links]
        return self._put(values, links, self.identifier)

    def template(self, name: str) -> "Template | None":
        """Make the template of its shape, as a property; None if its structure depends on more."""
        if not _independent(self):
            return None
        numbers = iter(range(len(self.leaves())))
        values = [
            {key: _Slot(next(numbers)) for key in u.value}
            if isinstance(u.value, dict)
            else _Slot(next(numbers))
            for u in self.units
        ]
        links = [[_Slot(next(numbers)) for _ in targets] for _, targets in self.links]
        identifier = _Slot(next(numbers)) if self.linked else None
        node = _node(self._put(values, links, identifier))
        whole = self.whole()
        made = Template(node, _rivals(self.units), frozenset(niem.context_for({name: whole})))
        # Judged by what it is for: it must give what was put together, in the same order.
        return made if _same(made.make(self.leaves()), whole) else None

    def _put(self, values: Sequence[Any], links: Sequence[Sequence[Any]], identifier: Any) -> Tree:
        tree: Tree = {}
        if self.early:
            self._put_constants(tree)
        for unit, value in zip(self.units, values, strict=True):
            put(tree, unit.steps, value, several=unit.several)
        for (link, _), targets in zip(self.links, links, strict=True):
            for target in targets:
                put(tree, link.steps, target, several=True)
        self._put_constants(tree)
        done = finished(tree)
        return {"@id": identifier, **done} if self.linked and done else done

    def _put_constants(self, tree: Tree) -> None:
        for constant in self.constants:
            constant.apply(tree)


class _Slot:
    """Stands for a value whose number in the leaves it knows."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


class Template:
    """How objects of one shape are made of their leaves."""

    __slots__ = ("_rivals", "make", "prefixes")

    def __init__(
        self, make: _Make, rivals: tuple[tuple[int, ...], ...], prefixes: frozenset[str]
    ) -> None:
        self.make = make
        self._rivals = rivals
        self.prefixes = prefixes

    def fits(self, units: Sequence[Unit]) -> bool:
        """Whether values at one path differ: equal ones would become one."""
        for rivals in self._rivals:
            values = [units[at].value for at in rivals]
            if any(value in values[:n] for n, value in enumerate(values)):
                return False
        return True


def _node(tree: Tree) -> _Make:
    """Make what makes an object. Most in NIEM hold one or two things, so these are told apart."""
    parts = [(key, _maker(value)) for key, value in tree.items()]
    if len(parts) == 1:
        name, only = parts[0]
        if isinstance(only, int):
            return lambda leaves: {name: leaves[only]}
        return lambda leaves: {name: only(leaves)}
    numbers = [at for _, at in parts if isinstance(at, int)]
    if len(numbers) == len(parts):
        names, pick = tuple(tree), itemgetter(*numbers)
        return lambda leaves: dict(zip(names, pick(leaves), strict=True))
    return lambda leaves: {
        key: leaves[at] if type(at) is int else at(leaves)  # type: ignore[operator]  # else a maker
        for key, at in parts
    }


def _maker(value: Any) -> "int | _Make":
    """Give a leaf's number, or what makes an object, a list or a constant."""
    if isinstance(value, _Slot):
        return value.number
    if isinstance(value, dict):
        return _node(value)
    if isinstance(value, list):
        each = [_maker(one) for one in value]
        return lambda leaves: [leaves[at] if isinstance(at, int) else at(leaves) for at in each]
    return lambda _: value


def _independent(one: Instance) -> bool:
    """Whether no value's place depends on another's value, but on those at the very same path."""
    paths: dict[str, str] = {}
    for unit in one.units:
        own = bare(unit.steps)
        for key in unit.value if isinstance(unit.value, dict) else ("",):
            leaf = f"{own}/{key}" if key else own
            if paths.setdefault(leaf, own) != own:
                return False
    others = [c.steps for c in one.constants] + [link.steps for link, _ in one.links]
    return not any(bare(steps) in paths for steps in others)


def _rivals(units: Sequence[Unit]) -> tuple[tuple[int, ...], ...]:
    """Give the numbers of units that fill the same path."""
    found: dict[str, list[int]] = {}
    for number, unit in enumerate(units):
        found.setdefault(bare(unit.steps), []).append(number)
    return tuple(tuple(numbers) for numbers in found.values() if len(numbers) > 1)


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal, their keys in the same order."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(_same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and bool(one == other)


@dataclass(slots=True)
class Shapes:
    """The shapes of one object of a mapping that were seen and found valid."""

    known: dict[Signature | None, Template | None] = field(default_factory=dict)

    def of(self, one: Instance) -> Template | None:
        """Give the template of an object, if there is one that it fits."""
        found = self.known.get(one.signature())
        return found if found is not None and found.fits(one.units) else None

    def learn(self, one: Instance, name: str) -> None:
        """Keep the shape of an object that was found valid in a message, as a property there."""
        signature = one.signature()
        if signature in self.known:
            return
        if len(self.known) >= MOST:
            self.known.clear()
        self.known[signature] = None if signature is None else one.template(name)


class Contexts:
    """The "@context" of messages, by the prefixes that they use."""

    def __init__(self) -> None:
        self._known: dict[frozenset[str], dict[str, str]] = {}

    def of(self, prefixes: frozenset[str]) -> dict[str, str]:
        """Give one, to keep."""
        found = self._known.get(prefixes)
        if found is None:
            found = self._known[prefixes] = niem.context(prefixes)
        return dict(found)
