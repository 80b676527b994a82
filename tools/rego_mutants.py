"""The mutants of a policy set: each rule changed, one place at a time. `mutate_rego.py` tries them.

- a rule, an `else` or a default is removed
- a rule's whole body is negated
- a condition is negated, or removed
- a comparison or an operation on sets or numbers is another one (`==` `!=`, `<` `<=`, `|` `&` …)
- a constant is another one: a text, a number, true and false

The words that a refusal says to people (`text`, `citation`) decide nothing, and are left as they
are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.policy.builtins import dotted
from gateway.policy.embedded import syntax_trees
from gateway.policy.sets import PolicySet
from gateway.policy.syntax import walk

_WORDS_FOR_PEOPLE = frozenset({"text", "citation"})
_OTHER = {
    "==": ("!=",),
    "!=": ("==",),
    "<": ("<=", ">"),
    "<=": ("<", ">"),
    ">": (">=", "<"),
    ">=": (">", "<"),
    "|": ("&",),
    "&": ("|",),
    "-": ("|",),
    "+": ("-",),
    "*": ("+",),
    "/": ("*",),
    "%": ("+",),
}
_NAME = "was_before_the_change"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One changed place: bytes `start` to `end` of a file become `text`; `more` goes to its end.

    `rule` is the name of the rule that it stands in, `lines` the lines that the place covers.
    """

    file: str
    rule: str
    lines: range
    kind: str
    before: str
    start: int
    end: int
    text: str
    more: str = ""

    @property
    def where(self) -> str:
        """File and first line."""
        return f"{self.file}:{self.lines.start}"

    @property
    def key(self) -> str:
        """What tells it from every other one of the same set."""
        return f"{self.file}:{self.start}-{self.end}:{self.kind}:{self.text}"

    def apply(self, source: str) -> str:
        """Give the file's text with the change."""
        raw = source.encode()
        return (raw[: self.start] + self.text.encode() + raw[self.end :]).decode() + self.more


def mutants(policy_set: PolicySet) -> list[Mutant]:
    """Make every mutant of the rules of a set, in the order of files and places."""
    found: dict[tuple[str, int, int, str, str], Mutant] = {}
    for tree in syntax_trees(policy_set.rules):
        file = tree["source"]["file"]
        source = policy_set.rules[file].encode()
        for one in _of_file(file, source, tree["ast"]["rules"]):
            found.setdefault((file, one.start, one.end, one.text, one.more), one)
    return sorted(found.values(), key=lambda m: (m.file, m.start, m.end, m.text))


def _of_file(file: str, source: bytes, rules: list[dict[str, Any]]) -> Iterator[Mutant]:
    for rule in rules:
        (kind, spec), *_ = rule.items()
        made = _Maker(file, _name_of(rule), source)
        yield made("removed", spec["span"], "")
        if kind == "Spec":
            yield from _bodies(spec, source, made)
        for part in walk(rule):
            yield from _conditions(part, source, made)
            yield from _operators(part, source, made)
            yield from _constants(part, source, made)


def _name_of(rule: dict[str, Any]) -> str:
    if "Default" in rule:
        return dotted(rule["Default"]["refr"])
    (_, head), *_ = rule["Spec"]["head"].items()
    return dotted(head["refr"])


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the mutants of one rule."""

    file: str
    rule: str
    source: bytes

    def __call__(
        self,
        kind: str,
        place: dict[str, Any],
        text: str,
        more: str = "",
        shown: dict[str, Any] | None = None,
    ) -> Mutant:
        """Make one of the place; `shown` is the wider place that people are shown."""
        start, end = place["start"], place["end"]
        whole = shown or place
        seen = self.source[whole["start"] : whole["end"]].decode()
        first, last = (1 + self.source.count(b"\n", 0, at) for at in (start, end))
        before = " ".join(seen.split())
        lines = range(first, last + 1)
        return Mutant(self.file, self.rule, lines, kind, before, start, end, text, more)


def _bodies(spec: dict[str, Any], source: bytes, made: _Maker) -> Iterator[Mutant]:
    for number, body in enumerate(spec["bodies"]):
        if number:
            yield made("else removed", body["span"], "")
        query = body["query"]
        if not query["stmts"] or "Func" in spec["head"] or _variables(spec["head"], query):
            continue
        first, last = query["stmts"][0]["span"], query["stmts"][-1]["span"]
        span = _widened({**first, "end": last["end"]}, source)
        inside = source[span["start"] : span["end"]].decode()
        yield made("body negated", span, f"not {_NAME}", f"\n\n{_NAME} if {{\n{inside}\n}}\n")


def _variables(head: dict[str, Any], query: dict[str, Any]) -> bool:
    """Whether the head uses a name that the body binds: the body can't then be set apart."""
    bound = {
        node["value"]
        for part in walk(query)
        for key in ("SomeIn", "SomeVars", "AssignExpr")
        for node in (_named(part[key]) if key in part else ())
    }
    used = {node["Var"]["value"] for node in walk(head) if "Var" in node}
    return bool(bound & used)


def _named(part: Any) -> Iterator[dict[str, Any]]:
    for node in walk(part):
        if "Var" in node:
            yield node["Var"]


def _conditions(part: dict[str, Any], source: bytes, made: _Maker) -> Iterator[Mutant]:
    for statement in part.get("stmts", ()):
        span, literal = _widened(statement["span"], source), statement["literal"]
        text = source[span["start"] : span["end"]].decode()
        (kind, inner), *_ = literal.items()
        if kind == "NotExpr":
            yield made("condition negated", span, text.removeprefix("not").lstrip())
            yield made("condition removed", span, "true")
        elif kind == "Expr" and "AssignExpr" not in inner["expr"]:
            yield made("condition negated", span, f"not {text}")
            yield made("condition removed", span, "true")
        elif kind == "Every":
            yield made("condition removed", span, "true")


def _operators(part: dict[str, Any], source: bytes, made: _Maker) -> Iterator[Mutant]:
    for kind in ("BoolExpr", "BinExpr", "ArithExpr"):
        node = part.get(kind)
        if not isinstance(node, dict):
            continue
        left, right = _span(node["lhs"], source), _span(node["rhs"], source)
        if left is None or right is None:
            continue
        between = source[left["end"] : right["start"]].decode()
        for sign in ("==", "!=", "<=", ">=", "<", ">", "|", "&", "-", "+", "*", "/", "%"):
            at = between.find(sign)
            if at < 0:
                continue
            start = left["end"] + len(between[:at].encode())
            place = {"start": start, "end": start + len(sign)}
            whole = {"start": left["start"], "end": right["end"]}
            for other in _OTHER[sign]:
                yield made(f"{sign} is {other}", place, other, shown=whole)
            break


def _constants(part: dict[str, Any], source: bytes, made: _Maker) -> Iterator[Mutant]:
    if "fields" in part and "eidx" in part:
        for _, key, value in part["fields"]:
            name = key.get("String", {}).get("value")
            if name in _WORDS_FOR_PEOPLE:
                continue
            yield from _constant(value, source, made)
        return
    for key, below in part.items():
        if key in {"String", "Number", "Bool"}:
            continue
        for node in below if isinstance(below, list) else [below]:
            if isinstance(node, dict):
                yield from _constant(node, source, made)


def _constant(node: dict[str, Any], source: bytes, made: _Maker) -> Iterator[Mutant]:
    if "String" in node or "RawString" in node:
        span = (node.get("String") or node["RawString"])["span"]
        yield made("text changed", span, source[span["start"] : span["end"]].decode() + "_other")
    elif "Number" in node:
        span = node["Number"]["span"]
        value = source[span["start"] : span["end"]].decode()
        yield made("number changed", span, str(int(value) + 1) if value.isdigit() else "77")
    elif "Bool" in node:
        span = node["Bool"]["span"]
        old = source[span["start"] : span["end"]].decode()
        yield made("true and false", span, "false" if old == "true" else "true")


def _span(node: dict[str, Any], source: bytes) -> dict[str, Any] | None:
    (_, inner), *_ = node.items()
    if not isinstance(inner, dict) or "span" not in inner:
        return None
    return _widened(inner["span"], source)


def _widened(span: dict[str, Any], source: bytes) -> dict[str, Any]:
    """Take in the quotes of a text at either end, which the engine's spans leave out."""
    start, end = span["start"], span["end"]
    quotes = (b'"', b"`")
    return {
        **span,
        "start": start - (source[start - 1 : start] in quotes),
        "end": end + (source[end : end + 1] in quotes),
    }
