"""Negations that open a door in one engine: found when a set is vetted, refused with file and line.

OPA lifts the operands of a negated call, membership, comparison or look-up out of the negation. If
one of them is missing, the whole rule does not apply, and with it goes a refusal; the embedded
engine takes the same negation for true. A negated rule, path or equality of such is alike in both,
and so is what is made of names alone. So: name a rule for what has to hold, and negate its name.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from gateway.policy.syntax import LITERALS, walk

REASON = (
    "this negation opens where a value is missing: name a rule for what has to hold, and negate "
    "the name"
)
_COLLECTIONS = frozenset({"Array", "Set", "Object"})


def unsafe(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Give the span of each unsafe negation in a part of the engine's syntax tree."""
    for node in walk(tree):
        negation = node.get("NotExpr")
        if negation is not None and not _safe(negation["expr"]):
            yield negation["span"]


def _safe(expr: Mapping[str, Any]) -> bool:
    (kind, inner), *_ = expr.items()
    if kind == "BoolExpr" and inner["op"] == "Eq":
        return all(_plain(inner[side]) for side in ("lhs", "rhs"))
    if kind == "Call":
        return all(_name(p) for p in inner["params"])
    if kind == "Membership":
        parts = (inner["key"], inner["value"], inner["collection"])
        return all(part is None or _name(part) for part in parts)
    return _path(expr)


def _name(expr: Mapping[str, Any]) -> bool:
    """Whether it is a literal, or a name that stands for a value by itself."""
    (kind, inner), *_ = expr.items()
    return kind in LITERALS or (kind == "Var" and inner["value"] not in {"input", "data"})


def _plain(expr: Mapping[str, Any]) -> bool:
    """Whether it is a path, or made of literals alone."""
    (kind, inner), *_ = expr.items()
    if kind in _COLLECTIONS:
        return not any({"Var", "Call"} & node.keys() for node in walk(inner))
    return kind in LITERALS or _path(expr)


def _path(expr: Mapping[str, Any]) -> bool:
    """Whether it is a name or a path whose steps are written out, or are local names."""
    (kind, inner), *_ = expr.items()
    if kind == "Var":
        return True
    if kind == "RefDot":
        return _path(inner["refr"])
    if kind == "RefBrack":
        return _name(inner["index"]) and _path(inner["refr"])
    return False
