"""Objects made by their shape: what was put together and checked once is not checked anew.

Two rows that fill the same paths give messages of the same structure, however many rows there are.
So the first of each shape is put together path by path and validated whole; the others are made by
a template, and only their single values are judged, by the same types of the release. Where a
structure depends on more than the shape (equal values at one path become one), no template is used.
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final, NamedTuple, TypeAlias

from adapters.rules import ConstantRule, LinkRule, Shape, Shapes
from adapters.trees import Tree, bare, finished, put
from gateway import niem

MOST: Final = 4_096
"""Templates of one object that are kept."""
_Make: TypeAlias = Callable[[list[Any], str, list[str]], Any]
"""An object of its values, its identifier, and those of what it refers to."""
Signature: TypeAlias = tuple[Any, ...]


class _Part(NamedTuple):
    """One value of an object, and where it stands: its number, and that within what a rule said."""

    shape: Shape
    at: int
    within: int | None

    def of(self, leaves: Sequence[Any]) -> Any:
        found = leaves[self.at]
        return found if self.within is None else found[self.within]


class Filled:
    """What columns say of one object.

    `shapes` and `values`: one for each of its rules. `constants`: those whose conditions hold.
    `early`: whether the constants are all there is in it. `alone` and `named` are the templates
    that it fits, where it refers to nothing: one that nothing refers to, and one that something
    does. They are found once, though it may stand in many rows.
    """

    __slots__ = ("alone", "constants", "early", "named", "shapes", "values")

    def __init__(
        self,
        shapes: tuple[Shapes, ...],
        values: list[Any],
        constants: Sequence[ConstantRule],
        *,
        early: bool,
    ) -> None:
        self.shapes = shapes
        self.values = values
        self.constants = constants
        self.early = early
        self.alone: Template | None = None
        self.named: Template | None = None


class Instance:
    """One object in the making: what its columns say, and what it refers to."""

    __slots__ = ("filled", "identifier", "linked", "links")

    def __init__(self, identifier: str, filled: Filled) -> None:
        self.identifier = identifier
        self.filled = filled
        self.links: list[tuple[LinkRule, list[Instance]]] = []
        self.linked = False

    def signature(self) -> Signature:
        """Give its shape."""
        filled = self.filled
        if not self.links and not self.linked:
            return (filled.shapes, filled.constants)
        links = tuple([(link, len(targets)) for link, targets in self.links])
        return (filled.shapes, filled.constants, links, self.linked)

    def made(self, template: "Template") -> Tree:
        """Make it by the template of its shape."""
        links = [t.identifier for _, targets in self.links for t in targets] if self.links else []
        made: Tree = template.make(self.filled.values, self.identifier, links)
        return made

    def whole(self) -> Tree:
        """Put it together path by path. Raises Fault where two paths exclude each other."""
        values = (part.of(self.filled.values) for part in self._parts())
        found = [dict(v) if isinstance(v, dict) else v for v in values]
        links = [[{"@id": t.identifier} for t in targets] for _, targets in self.links]
        return self._put(found, links, self.identifier)

    def template(self, name: str) -> "Template | None":
        """Make the template of its shape, as a property; None if its structure depends on more."""
        parts = list(self._parts())
        if not all(part.shape.valid for part in parts) or not self._is_independent(parts):
            return None
        values = [
            _value_of(part)
            if part.shape.keys is None
            else {key: _value_of(part, key) for key in part.shape.keys}
            for part in parts
        ]
        numbers = count()
        links = [
            [{"@id": _Slot("links", (next(numbers),))} for _ in targets]
            for _, targets in self.links
        ]
        whole = self.whole()
        make = _compiled(self._put(values, links, _Slot("identifier")))
        made = Template(make, _rivals(parts), frozenset(niem.context_for({name: whole})))
        # Judged by what it is for: it must give what was put together, in the same order.
        return made if _same(self.made(made), whole) else None

    def _parts(self) -> Iterator[_Part]:
        for at, shapes in enumerate(self.filled.shapes):
            if isinstance(shapes, Shape):
                yield _Part(shapes, at, None)
            else:
                yield from (_Part(shape, at, n) for n, shape in enumerate(shapes))

    def _put(self, values: Sequence[Any], links: Sequence[Sequence[Any]], identifier: Any) -> Tree:
        tree: Tree = {}
        if self.filled.early:
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
        for constant in self.filled.constants:
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
        others = [c.steps for c in self.filled.constants] + [link.steps for link, _ in self.links]
        return not any(bare(steps) in paths for steps in others)


class _Slot(NamedTuple):
    """Stands for a value that templates are given: an argument's name, and what leads to it."""

    name: str
    path: tuple[int | str, ...] = ()


def _value_of(part: _Part, key: str | None = None) -> _Slot:
    path = (at for at in (part.at, part.within, key) if at is not None)
    return _Slot("values", tuple(path))


class Template:
    """How objects of one shape are made. `rivals` are the values that fill one path."""

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


def _compiled(tree: Tree) -> _Make:
    """Make the expression that gives an object, of what it is given, in one step.

    It is put together as a syntax tree, in which names and constants are values: no text of a
    mapping or a row is ever read as code.
    """
    names = [ast.arg(name) for name in ("values", "identifier", "links")]
    given = ast.arguments([], names, kwonlyargs=[], kw_defaults=[], defaults=[])
    made = ast.Expression(ast.Lambda(given, _display(tree)))
    code = compile(ast.fix_missing_locations(made), "<template>", "eval")
    make: _Make = eval(code, {"__builtins__": {}})  # noqa: S307 - of constants and numbers alone
    return make


def _display(value: Any) -> ast.expr:
    """Write an object, a list, what a slot stands for, or a constant."""
    if isinstance(value, dict):
        keys: list[ast.expr | None] = [ast.Constant(key) for key in value]
        return ast.Dict(keys, [_display(one) for one in value.values()])
    if isinstance(value, list):
        return ast.List([_display(one) for one in value], ast.Load())
    if not isinstance(value, _Slot):
        return ast.Constant(value)
    found: ast.expr = ast.Name(value.name, ast.Load())
    for at in value.path:
        found = ast.Subscript(found, ast.Constant(at), ast.Load())
    return found


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
        if one.links:
            return self._fitting(one)
        filled = one.filled
        found = filled.named if one.linked else filled.alone
        if found is None:
            found = self._fitting(one)
            if one.linked:
                filled.named = found
            else:
                filled.alone = found
        return found

    def _fitting(self, one: Instance) -> Template | None:
        found = self.known.get(one.signature())
        if found is None or not found.rivals or found.fits(one.filled.values):
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
