"""The built-in functions that a policy may use, and where a module uses another.

Each admitted one gives the same in both engines, errors included: a test holds each against the
OPA server. The rest is refused when a set is vetted, with file and line: what is absent from the
embedded engine, what differs silently (`walk`, `glob.match`, `time.add_date`, `indexof` and
`replace` of an empty text), what makes it panic (`object.subset`, `strings.count`,
`time.parse_ns`), what lets an input ask for any amount of work (`numbers.range`), and always
whatever would make a decision depend on more than its input (`time.now_ns`, `rand.*`, `http.send`,
`opa.runtime`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from gateway.policy import heads, negations
from gateway.policy.sets import TEST_SUFFIX
from gateway.policy.syntax import REFERENCES, Path, indexes, reference, walk

ADMITTED: frozenset[str] = frozenset(
    {
        *("abs", "array.concat", "array.reverse", "array.slice", "concat", "contains", "count"),
        *("endswith", "intersection", "is_array", "is_boolean", "is_null", "is_number"),
        *("is_object", "is_set", "is_string", "lower", "max", "min"),
        *("object.filter", "object.get", "object.keys", "object.remove", "object.union"),
        *("object.union_n", "regex.match", "sort", "split", "sprintf", "startswith"),
        *("strings.any_prefix_match", "strings.any_suffix_match", "substring", "sum"),
        *("time.date", "time.parse_rfc3339_ns", "time.weekday", "to_number"),
        *("trim", "trim_left", "trim_prefix", "trim_right", "trim_space", "trim_suffix"),
        *("type_name", "union", "upper"),
    }
)
NEVER = ("http.", "opa.", "rand.", "time.now_ns", "uuid.", "net.lookup", "print", "trace", "walk")
SYSTEM = "system"
"""Rules there would decide who may use an OPA server's API, and what it logs."""
_IMPORTS = ("rego.v1", "data.", "input.")
_VERBS = re.compile(r"%(.)")
"""`sprintf` agrees on %v, and %s of a text; %d of a text differs, as do floats and widths."""


@dataclass(frozen=True, slots=True)
class Misuse:
    """What a module may not do, and where."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class TestRule:
    """One `test_*` rule: its path as the engine evaluates it, and where it stands."""

    __test__ = False  # pytest takes its name for a test

    path: str
    where: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One definition of a rule: its path below `data`, where it stands, and what it reads there.

    Of what it reads, a name that only it knows (`x` in `some x in y`) counts as one of its package,
    and an imported name as well: too much rather than too little.
    """

    path: Path
    where: str
    reads: frozenset[Path]


@dataclass(frozen=True, slots=True)
class Look:
    """What one module makes and uses, as far as it can be told without the set's others.

    `found`: what it may not do, each unless its package has the function of that name, if one is
    given. `calls`: for each of its functions where it stands and which names it calls. `decides`:
    whether it is no module of tests.
    """

    package: str
    decides: bool
    functions: frozenset[str]
    found: tuple[tuple[str | None, Misuse], ...]
    calls: tuple[tuple[str, str, frozenset[str]], ...]
    tests: tuple[TestRule, ...]
    rules: tuple[Rule, ...]


def look(tree: Mapping[str, Any]) -> Look:
    """Look through the engine's syntax tree of one module."""
    return Look(
        package=package_of(tree),
        decides=not tree["source"]["file"].endswith(TEST_SUFFIX),
        functions=frozenset(_functions(tree)),
        found=tuple(_found(tree)),
        calls=tuple(_called(tree)),
        tests=tuple(test_rules([tree])),
        rules=tuple(_rules(tree)),
    )


def _found(tree: Mapping[str, Any]) -> Iterator[tuple[str | None, Misuse]]:
    if package_of(tree).split(".")[0] == SYSTEM:
        span = tree["ast"]["package"]["span"]
        yield None, Misuse(_where(tree, span), "package 'system' is the OPA server's own")
    for item in tree["ast"]["imports"]:
        name = dotted(item["refr"])
        if not name.startswith(_IMPORTS):
            yield (
                None,
                Misuse(_where(tree, item["span"]), f"import '{name}' is not admitted"),
            )
    aliases = set(_aliases(tree))
    for call in _calls(tree["ast"]["rules"]):
        unless, reason = _call(call, aliases)
        if reason:
            yield unless, Misuse(_where(tree, call["span"]), reason)
    for span, reason in heads.uneven(tree["ast"]["rules"]):
        yield None, Misuse(_where(tree, span), reason)
    if not tree["source"]["file"].endswith(TEST_SUFFIX):
        for span in negations.unsafe(tree["ast"]["rules"]):
            yield None, Misuse(_where(tree, span), negations.REASON)


def _called(tree: Mapping[str, Any]) -> Iterator[tuple[str, str, frozenset[str]]]:
    package, aliases = f"data.{package_of(tree)}", _aliases(tree)
    for rule in tree["ast"]["rules"]:
        spec = rule.get("Spec")
        if spec is None or "Func" not in spec["head"]:
            continue
        names = set()
        for call in _calls(spec):
            called = dotted(call["fcn"])
            first, _, rest = called.partition(".")
            if first in aliases:
                called = f"{aliases[first]}.{rest}" if rest else aliases[first]
            elif first != "data":
                called = f"{package}.{called}"
            names.add(called)
        yield f"{package}.{_head_name(spec['head'])}", _where(tree, spec["span"]), frozenset(names)


def _rules(tree: Mapping[str, Any]) -> Iterator[Rule]:
    package = tuple(package_of(tree).split("."))
    aliases: dict[str, set[Path]] = {}
    for short, name in _imported(tree):
        aliases.setdefault(short, set()).add(tuple(name.split(".")))
    for either in tree["ast"]["rules"]:
        rule = either.get("Spec") or either["Default"]
        # The part that is known beforehand: of `p[x]` that is `p`.
        name = _head_name(rule["head"]) if "head" in rule else dotted(rule["refr"])
        steps = takewhile(lambda step: step not in {"[]", "?"}, name.split("."))
        reads = frozenset(_reads(rule, package, aliases))
        yield Rule((*package, *steps), _where(tree, rule["span"]), reads)


def _reads(part: Any, package: Path, aliases: Mapping[str, set[Path]]) -> Iterator[Path]:
    if isinstance(part, list):
        for item in part:
            yield from _reads(item, package, aliases)
    elif isinstance(part, dict):
        found = reference(part) if not part.keys().isdisjoint(REFERENCES) else None
        if found is None:
            for inner in part.values():
                yield from _reads(inner, package, aliases)
            return
        name, steps = found
        # Of an imported name either may be meant, where the package has a rule of that name too.
        for root, *rest in {(name,), *aliases.get(name, ())}:
            if root == "data":
                yield (*rest, *steps)
            elif root != "input":
                yield (*package, root, *rest, *steps)
        for index in indexes(part):
            yield from _reads(index, package, aliases)


def misuses(looks: Iterable[Look]) -> Iterator[Misuse]:
    """Put together what was seen in all modules of a set, and give what is not admitted."""
    looks = list(looks)
    functions: dict[str, set[str]] = {}
    for one in looks:
        functions.setdefault(one.package, set()).update(one.functions)
    for one in looks:
        for unless, misuse in one.found:
            if unless not in functions[one.package]:
                yield misuse
    yield from _recursions(looks)


def _recursions(looks: Iterable[Look]) -> Iterator[Misuse]:
    """Find functions that call themselves, by whatever way.

    OPA refuses them. The embedded engine runs out of stack, which ends the whole process.
    """
    calls: dict[str, set[str]] = {}
    places: dict[str, str] = {}
    for one in looks:
        for name, place, called in one.calls:
            places.setdefault(name, place)
            calls.setdefault(name, set()).update(called)
    for name, place in places.items():
        if name in _reachable(name, calls):
            yield Misuse(place, f"function '{name}' calls itself")


def _reachable(start: str, calls: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(calls.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(calls.get(name, ()))
    return seen


def test_rules(trees: Iterable[Mapping[str, Any]]) -> Iterator[TestRule]:
    """Find the test rules in the engine's syntax trees."""
    for tree in trees:
        package = package_of(tree)
        for rule in tree["ast"]["rules"]:
            spec = rule.get("Spec")
            if spec is None:
                continue
            name = _head_name(spec["head"])
            if name.startswith("test_"):
                yield TestRule(f"data.{package}.{name}", _where(tree, spec["span"]))


def dotted(ref: Mapping[str, Any]) -> str:
    """Write a reference of the syntax tree as text: `data.a.b`."""
    (kind, value), *_ = ref.items()
    if kind == "Var":
        return str(value["value"])
    if kind == "RefDot":
        return f"{dotted(value['refr'])}.{value['field'][1]}"
    if kind == "RefBrack":
        index = value["index"]
        step = index["String"]["value"] if "String" in index else "[]"
        return f"{dotted(value['refr'])}.{step}"
    return "?"


def _call(call: Mapping[str, Any], aliases: set[str]) -> tuple[str | None, str | None]:
    """Say what is wrong with a call, and the name of the function that would make it right."""
    name = dotted(call["fcn"])
    if name.startswith(NEVER):
        return None, f"built-in '{name}' is never admitted: a decision must repeat from its input"
    if name == "sprintf":
        return None, _sprintf(call["params"])
    if name == "substring":
        return None, _substring(call["params"])
    if name in ADMITTED or name.startswith("data.") or name.split(".")[0] in aliases:
        return None, None
    return name, f"built-in '{name}' is not admitted, or no such function"


def _sprintf(params: list[Mapping[str, Any]]) -> str | None:
    form = params[0].get("String") or params[0].get("RawString") if params else None
    if form is None:
        return "sprintf wants its format as a text in place"
    if set(_VERBS.findall(form["value"])) <= {"s", "v", "%"}:
        return None
    return "sprintf is admitted with %s and %v alone: the engines differ in the rest"


def _substring(params: list[Mapping[str, Any]]) -> str | None:
    places = [p.get("Number", {}).get("value") for p in params[1:]]
    if places and all(type(place) is int for place in places):
        return None
    return "substring wants its places as whole numbers in place: the engines differ in others"


def package_of(tree: Mapping[str, Any]) -> str:
    """Give a module's package: `a.b`."""
    return dotted(tree["ast"]["package"]["refr"])


def _where(tree: Mapping[str, Any], span: Mapping[str, Any]) -> str:
    return f"{tree['source']['file']}:{span['line']}"


def _aliases(tree: Mapping[str, Any]) -> dict[str, str]:
    """Map each imported name to what it stands for."""
    return dict(_imported(tree))


def _imported(tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give each imported name, and what it stands for."""
    for item in tree["ast"]["imports"]:
        name, span = dotted(item["refr"]), item.get("as")
        short = name.rsplit(".", 1)[-1]
        if span is not None:
            source = tree["source"]["contents"].encode()
            short = source[span["start"] : span["end"]].decode()
        yield short, name


def _head_name(head: Mapping[str, Any]) -> str:
    (kind, value), *_ = head.items()
    return dotted(value["refr"]) if kind in {"Compr", "Func", "Set"} else ""


def rules_of(tree: Mapping[str, Any]) -> set[str]:
    """Name the rules that a module makes, functions too."""
    rules = [rule.get("Spec") or rule["Default"] for rule in tree["ast"]["rules"]]
    return {_head_name(rule["head"]) if "head" in rule else dotted(rule["refr"]) for rule in rules}


def _functions(tree: Mapping[str, Any]) -> Iterator[str]:
    for rule in tree["ast"]["rules"]:
        spec = rule.get("Spec")
        if spec and "Func" in spec["head"]:
            yield _head_name(spec["head"])
        default = rule.get("Default")
        if default and default["args"]:
            yield dotted(default["refr"])


def _calls(tree: Any) -> Iterator[Mapping[str, Any]]:
    return (node["Call"] for node in walk(tree) if "Call" in node)
