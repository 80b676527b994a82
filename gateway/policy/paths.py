"""What the rules read of the input, held against its schema: a path that no input has, with line.

A condition on something that is never there is never true: a refusal that rests on it would never
be given. So such a path is refused when a set is vetted. Types are followed from `input` through
names (`x := input.search`), loops (`some fact in input.facts`), rules whose value is a part of the
input, and arguments of functions, where every call gives the same kind of thing. What can't be
followed is taken as it is.

The same walk takes the texts past the vocabulary: see `gateway.policy.spelling`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.policy.builtins import Misuse, dotted
from gateway.policy.engine import ENTRYPOINTS
from gateway.policy.input_schema import input_schemas, merged
from gateway.policy.kinds import MISSING, Kind, below, either, inside, instead, members
from gateway.policy.sets import TEST_SUFFIX
from gateway.policy.spelling import Spelling, texts_of
from gateway.policy.syntax import Tree, walk
from gateway.policy.words import Words

_ROUNDS = 4
"""How often the kinds of functions' arguments are gathered: as deep as calls are followed."""


def unknown_paths(trees: Sequence[Tree], data: Mapping[str, Any]) -> Iterator[Misuse]:
    """Find what the rules read that no input has, and texts that are not in the vocabulary."""
    rules = [t for t in trees if not t["source"]["file"].endswith(TEST_SUFFIX)]
    program = _Program(rules, data)
    for _ in range(_ROUNDS):
        before = dict(program.arguments)
        found = program.walk()
        if program.arguments == before:
            break
    else:
        found = program.walk()
    seen = set()
    for misuse in found:
        if misuse not in seen:
            seen.add(misuse)
            yield misuse


@dataclass(slots=True)
class _Scope:
    """What the names of one rule stand for. `texts`: the texts that a name goes through."""

    kinds: dict[str, Kind] = field(default_factory=dict)
    texts: dict[str, list[Tree]] = field(default_factory=dict)

    def inner(self) -> "_Scope":
        return _Scope(dict(self.kinds), dict(self.texts))


class _Program:
    """All rules of a set, and what is known of their values."""

    def __init__(self, trees: Sequence[Tree], data: Mapping[str, Any]) -> None:
        self._trees = trees
        self._words = Words(data)
        each = input_schemas(data)
        whole = merged(each.values())
        self._inputs = {f"data.sallyport.{e}": (each[e],) for e in ENTRYPOINTS}
        self._any_input: Kind = (whole,)
        self._rules: dict[str, list[tuple[Tree, Mapping[str, Any]]]] = {}
        self._open: set[str] = set()
        self._known: dict[str, Kind] = {}
        self.arguments: dict[tuple[str, int], Kind] = {}
        self._called: dict[tuple[str, int], list[Kind]] = {}
        for tree in trees:
            package = dotted(tree["ast"]["package"]["refr"])
            for rule in tree["ast"]["rules"]:
                spec = rule.get("Spec") or rule.get("Default")
                head = spec.get("head")
                name = dotted(next(iter(head.values()))["refr"]) if head else dotted(spec["refr"])
                self._rules.setdefault(f"data.{package}.{name}", []).append((tree, rule))

    def walk(self) -> list[Misuse]:
        """Go through every rule once. Gives what is wrong, and gathers the arguments of calls."""
        self._known.clear()
        self._called.clear()
        found: list[Misuse] = []
        for tree in self._trees:
            walker = _Walker(self, tree, found)
            for rule in tree["ast"]["rules"]:
                walker.rule(rule)
        self.arguments = {
            place: either(kinds) for place, kinds in self._called.items() if None not in kinds
        }
        return found

    def input_of(self, package: str) -> Kind:
        return self._inputs.get(f"data.{package}", self._any_input)

    @property
    def words(self) -> Words:
        return self._words

    def is_rule(self, name: str) -> bool:
        return name in self._rules

    def value_of(self, name: str) -> Kind:
        """Give what a rule's value may be, if all its definitions give a part of the input."""
        if name not in self._known:
            if name in self._open:
                return None
            self._open.add(name)
            kinds = [_Walker(self, tree, []).value(rule) for tree, rule in self._rules[name]]
            self._open.discard(name)
            self._known[name] = either(kinds)
        return self._known[name]

    def called(self, name: str, number: int, kind: Kind) -> None:
        """Note with what a function of the set is called."""
        if name in self._rules:
            self._called.setdefault((name, number), []).append(kind)


class _Walker:
    """Walks the rules of one file."""

    def __init__(self, program: _Program, tree: Tree, found: list[Misuse]) -> None:
        self._program = program
        self._tree = tree
        self._found = found
        self._package = dotted(tree["ast"]["package"]["refr"])
        self._spelling = Spelling(program.words, tree, found)
        source = tree["source"]["contents"].encode()
        self._aliases = {}
        for item in tree["ast"]["imports"]:
            name, span = dotted(item["refr"]), item.get("as")
            short = name.rsplit(".", 1)[-1]
            if span is not None:
                short = source[span["start"] : span["end"]].decode()
            self._aliases[short] = name
        self._source = source

    # -- rules --

    def rule(self, rule: Mapping[str, Any]) -> None:  # noqa: C901 - one step a part of a rule
        spec = rule.get("Spec")
        if spec is None:
            return
        (kind, head), *_ = spec["head"].items()
        name = dotted(head["refr"])
        scope = _Scope()
        for number, argument in enumerate(head.get("args") or ()):
            if "Var" in argument:
                place = (f"data.{self._package}.{name}", number)
                scope.kinds[argument["Var"]["value"]] = self._program.arguments.get(place)
        for body in spec["bodies"] or [None]:
            inner = scope.inner()
            if body is not None:
                self._query(body["query"], inner)
                if body["assign"]:
                    self._kind(body["assign"]["value"], inner)
            if body is None or not body["is_else"]:
                for part in (head.get("key"), (head.get("assign") or {}).get("value")):
                    if part is not None:
                        self._kind(part, inner)
                if kind == "Set":
                    self._spelling.given(name, head["key"], inner.texts)

    def value(self, rule: Mapping[str, Any]) -> Kind:
        """Give what the rule's value may be."""
        spec = rule.get("Spec")
        if spec is None or "Compr" not in spec["head"]:
            return None
        head = spec["head"]["Compr"]
        if "Var" not in head["refr"] or head["assign"] is None:
            return None
        kinds: list[Kind] = []
        bodies = spec["bodies"] or [None]
        for body in bodies:
            scope = _Scope()
            assign = head["assign"]
            if body is not None:
                self._query(body["query"], scope)
                assign = body["assign"] if body["is_else"] else assign
            kinds.append(self._kind(assign["value"], scope) if assign else None)
        return either(kinds)

    # -- bodies --

    def _query(self, query: Tree, scope: _Scope) -> None:
        for statement in query["stmts"]:
            if any(dotted(m["refr"]).startswith("input") for m in statement.get("with_mods", ())):
                continue
            self._literal(statement["literal"], scope)

    def _literal(self, literal: Tree, scope: _Scope) -> None:
        (kind, inner), *_ = literal.items()
        if kind in {"Expr", "NotExpr"}:
            self._kind(inner["expr"], scope)
        elif kind == "SomeIn":
            value = self._members(inner["collection"], scope)
            self._bind(inner["value"], value, scope)
            if "Var" in inner["value"]:
                scope.texts[inner["value"]["Var"]["value"]] = texts_of(inner["collection"])
            if inner["key"] is not None:
                self._bind(inner["key"], None, scope)
        elif kind == "SomeVars":
            for span in inner["vars"]:
                scope.kinds[self._text(span)] = None
        elif kind == "Every":
            value = self._members(inner["domain"], scope)
            within = scope.inner()
            name = self._text(inner["value"])
            within.kinds[name] = value
            within.texts[name] = texts_of(inner["domain"])
            if inner["key"] is not None:
                within.kinds[self._text(inner["key"])] = None
            self._query(inner["query"], within)

    def _bind(self, pattern: Tree, kind: Kind, scope: _Scope) -> None:
        if "Var" in pattern:
            scope.kinds[pattern["Var"]["value"]] = kind
            return
        for node in walk(pattern):
            if "Var" in node:
                scope.kinds.setdefault(node["Var"]["value"], None)

    def _members(self, collection: Tree, scope: _Scope) -> Kind:
        """Give what a loop goes through. Of keys nothing is known."""
        return members(self._kind(collection, scope))

    # -- expressions --

    def _kind(self, expr: Tree, scope: _Scope) -> Kind:
        """Give what an expression may be, and look through all that it is made of."""
        (kind, inner), *_ = expr.items()
        if kind == "Var":
            return self._named(inner["value"], scope)
        if kind == "RefDot":
            return self._step(expr, inner["refr"], inner["field"][1], inner["span"], scope)
        if kind == "RefBrack":
            index = inner["index"].get("String")
            if index is not None:
                return self._step(expr, inner["refr"], index["value"], inner["span"], scope)
            self._kind(inner["index"], scope)
            return inside(self._kind(inner["refr"], scope))
        if kind == "AssignExpr":
            value = self._kind(inner["rhs"], scope)
            if inner["op"] == "ColEq" or "Var" in inner["lhs"]:
                self._bind(inner["lhs"], value, scope)
            else:
                self._kind(inner["lhs"], scope)
            return None
        self._others(kind, inner, scope)
        return None

    def _others(self, kind: str, inner: Any, scope: _Scope) -> None:  # noqa: C901, PLR0912 - one branch a kind
        if kind == "BoolExpr":
            left, right = self._kind(inner["lhs"], scope), self._kind(inner["rhs"], scope)
            if inner["op"] in {"Eq", "Ne"}:
                self._spelling.compared(left, inner["rhs"])
                self._spelling.compared(right, inner["lhs"])
        elif kind == "Membership":
            value = self._kind(inner["value"], scope)
            each = self._members(inner["collection"], scope)
            self._spelling.compared(value, inner["collection"])
            self._spelling.compared(each, inner["value"])
        elif kind == "Call":
            name = self._function(inner["fcn"])
            for number, argument in enumerate(inner["params"]):
                self._program.called(name, number, self._kind(argument, scope))
        elif kind in {"ArrayCompr", "SetCompr", "ObjectCompr"}:
            within = scope.inner()
            self._query(inner["query"], within)
            for part in ("term", "key", "value"):
                if part in inner:
                    self._kind(inner[part], within)
        elif kind == "Object":
            for _, key, value in inner["fields"]:
                self._kind(value, scope)
                self._spelling.field(key, value)
        elif isinstance(inner, dict):
            for below in inner.values():
                for node in below if isinstance(below, list) else [below]:
                    if isinstance(node, dict) and len(node) == 1:
                        self._kind(node, scope)

    def _named(self, name: str, scope: _Scope) -> Kind:
        if name == "input":
            return self._program.input_of(self._package)
        if name in scope.kinds:
            return scope.kinds[name]
        rule = f"data.{self._package}.{name}"
        return self._program.value_of(rule) if self._program.is_rule(rule) else None

    def _step(self, expr: Tree, refr: Tree, step: str, span: Tree, scope: _Scope) -> Kind:
        path = dotted(expr)
        first, _, rest = path.partition(".")
        if first not in scope.kinds and first != "input":
            whole = path if first == "data" else ""
            if first in self._aliases:
                whole = f"{self._aliases[first]}.{rest}"
            if whole and self._program.is_rule(whole):
                return self._program.value_of(whole)
        before = self._kind(refr, scope)
        if before is None:
            return None
        found = [k for s in before if (k := below(s, step)) is not MISSING]
        if not found:
            self._found.append(
                Misuse(
                    f"{self._tree['source']['file']}:{span['line']}",
                    f"no input has '{path}': {instead(before, step)}",
                )
            )
            return None
        return either(found)

    def _function(self, refr: Tree) -> str:
        name = dotted(refr)
        first, _, rest = name.partition(".")
        if first in self._aliases:
            return f"{self._aliases[first]}.{rest}" if rest else self._aliases[first]
        return name if first == "data" else f"data.{self._package}.{name}"

    def _text(self, span: Tree) -> str:
        return str(self._source[span["start"] : span["end"]], "utf-8")
