"""Objects made by their shape: what was put together and checked once is not checked anew.

Two rows that fill the same paths give messages of the same structure, however many rows there are.
So the first of each shape is put together path by path and validated whole; the others are made by
a template, and only their single values are judged, by the same types of the release. Where a
structure depends on more than the shape (equal values at one path become one), no template is used.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeAlias

from adapters.rules import ConstantRule, LinkRule, Shape, Shapes
from adapters.trees import Tree, bare, finished, put
from gateway import niem

MOST: Final = 4_096
"""Templates of one object that are kept."""
_Leaves: TypeAlias = list[Any]
_Make: TypeAlias = Callable[[_Leaves], Any]
Signature: TypeAlias = tuple[Any, ...]


class _Part(NamedTuple):
    """One value of an object, and where it stands: its number, and that within what a rule said."""

    shape: Shape
    at: int
    within: int | None

    def of(self, leaves: Sequence[Any]) -> Any:
        found = leaves[self.at]
        return found if self.within is None else found[self.within]


@dataclass(slots=True)
class Instance:
    """One object in the making: what its columns say, and what it refers to."""

    identifier: str
    shapes: tuple[Shapes, ...]
    """One for each of its rules."""
    values: list[Any]
    constants: Sequence[ConstantRule]
    """Those whose conditions hold."""
    early: bool
    """Whether the constants are all there is in it."""
    links: list[tuple[LinkRule, list["Instance"]]] = field(default_factory=list)
    linked: bool = False

    def signature(self) -> Signature:
        """Give its shape."""
        if not self.links and not self.linked:
            return (self.shapes, self.constants)
        links = tuple([(link, len(targets)) for link, targets in self.links])
        return (self.shapes, self.constants, links, self.linked)

    def leaves(self) -> _Leaves:
        """Give the values that differ from one object of its shape to another, in order."""
        if not self.links and not self.linked:
            return self.values
        found = self.values.copy()
        for _, targets in self.links:
            found += [{"@id": target.identifier} for target in targets]
        if self.linked:
            found.append(self.identifier)
        return found

    def whole(self) -> Tree:
        """Put it together path by path. Raises Fault where two paths exclude each other."""
        values = (part.of(self.values) for part in self._parts())
        found = [dict(v) if isinstance(v, dict) else v for v in values]
        links = [[{"@id": t.identifier} for t in targets] for _, targets in self.links]
        return self._put(found, links, self.identifier)

    def template(self, name: str) -> "Template | None":
        """Make the template of its shape, as a property; None if its structure depends on more."""
        parts = list(self._parts())
        if not all(part.shape.valid for part in parts) or not self._is_independent(parts):
            return None
        values = [
            _Slot(part)
            if part.shape.keys is None
            else {key: _Slot(part, key) for key in part.shape.keys}
            for part in parts
        ]
        numbers = iter(range(len(self.values), len(self.leaves())))
        links = [[_Slot(next(numbers)) for _ in targets] for _, targets in self.links]
        identifier = _Slot(next(numbers)) if self.linked else None
        node = _node(self._put(values, links, identifier))
        whole = self.whole()
        made = Template(node, _rivals(parts), frozenset(niem.context_for({name: whole})))
        # Judged by what it is for: it must give what was put together, in the same order.
        return made if _same(made.make(self.leaves()), whole) else None

    def _parts(self) -> Iterator[_Part]:
        for at, shapes in enumerate(self.shapes):
            if isinstance(shapes, Shape):
                yield _Part(shapes, at, None)
            else:
                yield from (_Part(shape, at, n) for n, shape in enumerate(shapes))

    def _put(self, values: Sequence[Any], links: Sequence[Sequence[Any]], identifier: Any) -> Tree:
        tree: Tree = {}
        if self.early:
            self._put_constants(tree)
        for part, value in zip(self._parts(), values, strict=True):
            spot = part.shape.spot
            put(tree, spot.steps, value, several=spot.several)
        for (link, _), targets in zip(self.links, links, strict=True):
            for target in targets:
                put(tree, link.steps, target, several=True)
        self._put_constants(tree)
        done = finished(tree)
        return {"@id": identifier, **done} if self.linked and done else done

    def _put_constants(self, tree: Tree) -> None:
        for constant in self.constants:
            constant.apply(tree)

    def _is_independent(self, parts: Sequence[_Part]) -> bool:
        """Whether no value's place depends on another's value, but on those at the same path."""
        paths: dict[str, str] = {}
        for part in parts:
            own = bare(part.shape.spot.steps)
            for key in part.shape.keys or ("",):
                leaf = f"{own}/{key}" if key else own
                if paths.setdefault(leaf, own) != own:
                    return False
        others = [c.steps for c in self.constants] + [link.steps for link, _ in self.links]
        return not any(bare(steps) in paths for steps in others)


class _Slot:
    """Stands for a value: one of an instance's leaves, by its number or part, or a key's in it."""

    __slots__ = ("at", "key", "part", "within")

    def __init__(self, part: _Part | int, key: str | None = None) -> None:
        self.part = None if isinstance(part, int) else part
        self.at = part if isinstance(part, int) else part.at
        self.within = None if isinstance(part, int) else part.within
        self.key = key


class Template:
    """How objects of one shape are made of their leaves. `rivals` are those that fill one path."""

    __slots__ = ("make", "prefixes", "rivals")

    def __init__(
        self, make: _Make, rivals: tuple[tuple[_Part, ...], ...], prefixes: frozenset[str]
    ) -> None:
        self.make = make
        self.rivals = rivals
        self.prefixes = prefixes

    def fits(self, values: Sequence[Any]) -> bool:
        """Whether values at one path differ: equal ones would become one."""
        for rivals in self.rivals:
            found = [part.of(values) for part in rivals]
            if any(value in found[:n] for n, value in enumerate(found)):
                return False
        return True


def _node(tree: Tree) -> _Make:
    """Make what makes an object. Each kind of part in it is made in the fewest steps."""
    makers = [(key, _maker(value)) for key, value in tree.items()]
    if len(makers) == 1:
        name, only = makers[0]
        if isinstance(only, int):
            return lambda leaves: {name: leaves[only]}
        return lambda leaves: {name: only(leaves)}
    copies = {key: at for key, value in tree.items() if (at := _copied(value)) is not None}
    wraps = {key: wrap for key, value in tree.items() if (wrap := _wrapped(value)) is not None}
    direct = {key: make for key, make in makers if isinstance(make, int)} | copies
    direct |= {key: at for key, (_, at) in wraps.items()}
    others = [(k, make) for k, make in makers if k not in direct and not isinstance(make, int)]
    if not direct:
        return lambda leaves: {key: inner(leaves) for key, inner in others}
    # What is more than a leaf is put in its place afterwards, so that the order stays.
    names, any_leaf = tuple(tree), next(iter(direct.values()))
    pick = itemgetter(*(direct.get(key, any_leaf) for key in names))
    wrapped = [(key, name) for key, (name, _) in wraps.items()]

    def make(leaves: _Leaves) -> Any:
        found = dict(zip(names, pick(leaves)))  # noqa: B905 - of one length, and asked often
        for key in copies:
            found[key] = found[key].copy()
        for key, name in wrapped:
            found[key] = {name: found[key]}
        for key, inner in others:
            found[key] = inner(leaves)
        return found

    return make


def _maker(value: Any) -> "int | _Make":
    """Give a leaf's number, or what makes an object, a list or a constant."""
    if isinstance(value, _Slot):
        return _reader(value)
    if isinstance(value, dict):
        at = _copied(value)
        return _node(value) if at is None else lambda leaves: leaves[at].copy()
    if isinstance(value, list):
        each = [_maker(one) for one in value]
        return lambda leaves: [leaves[at] if isinstance(at, int) else at(leaves) for at in each]
    return lambda _: value


def _reader(slot: _Slot) -> "int | _Make":
    at, within, key = slot.at, slot.within, slot.key
    if within is None:
        return at if key is None else lambda leaves: leaves[at][key]
    return (
        (lambda leaves: leaves[at][within])
        if key is None
        else (lambda leaves: leaves[at][within][key])
    )


def _copied(value: Any) -> int | None:
    """Give the leaf that an object is a copy of; None for all else."""
    slots = list(value.values()) if isinstance(value, dict) else []
    if not slots or not all(isinstance(slot, _Slot) for slot in slots):
        return None
    part = slots[0].part
    same = part is not None and all(slot.part is part for slot in slots)
    if not same or part.within is not None or tuple(value) != part.shape.keys:
        return None
    return part.at if [slot.key for slot in slots] == list(value) else None


def _wrapped(value: Any) -> tuple[str, int] | None:
    """Give the key and the leaf of an object that is one leaf and nothing else."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    ((key, one),) = value.items()
    made = _maker(one)
    return (key, made) if isinstance(made, int) else None


def _rivals(parts: Sequence[_Part]) -> tuple[tuple[_Part, ...], ...]:
    """Give the parts that fill the same path."""
    found: dict[str, list[_Part]] = {}
    for part in parts:
        found.setdefault(bare(part.shape.spot.steps), []).append(part)
    return tuple(tuple(same) for same in found.values() if len(same) > 1)


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal, their keys in the same order."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(_same(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and bool(one == other)


@dataclass(slots=True)
class Templates:
    """The shapes of one object of a mapping that were seen and found valid."""

    known: dict[Signature, Template | None] = field(default_factory=dict)

    def of(self, one: Instance) -> Template | None:
        """Give the template of an object, if there is one that it fits."""
        found = self.known.get(one.signature())
        if found is None or not found.rivals or found.fits(one.values):
            return found
        return None

    def learn(self, one: Instance, name: str) -> None:
        """Keep the shape of an object that was found valid in a message, as a property there."""
        signature = one.signature()
        if signature in self.known:
            return
        if len(self.known) >= MOST:
            self.known.clear()
        self.known[signature] = one.template(name)


class Contexts:
    """The "@context" of messages, by the prefixes that they use."""

    def __init__(self) -> None:
        self._known: dict[frozenset[str], dict[str, str]] = {}

    def of(self, prefixes: frozenset[str]) -> dict[str, str]:
        """Give one, to keep."""
        found = self._known.get(prefixes)
        if found is None:
            found = self._known[prefixes] = niem.context(prefixes)
        return found.copy()
