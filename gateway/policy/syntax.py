"""Going through the engine's syntax trees: JSON, with a kind of node as the key of each object."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Tree: TypeAlias = Mapping[str, Any]
REFERENCES = frozenset({"Var", "RefDot", "RefBrack"})
"""The kinds of nodes that references are made of."""
LITERALS = frozenset({"String", "RawString", "Number", "Bool", "Null"})
"""The kinds of nodes that are values written out."""
_DEEP = frozenset({dict, list})
Path: TypeAlias = tuple[str | None, ...]
"""Steps of a reference; None is one that is only known when it is evaluated."""


def walk(tree: Any) -> Iterator[dict[str, Any]]:
    """Give every object of a part of a syntax tree, the outer before what is in it, in order."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        below = node
        if type(node) is dict:
            yield node
            below = node.values()
        inside = [part for part in below if type(part) in _DEEP]
        inside.reverse()
        waiting += inside


def reference(expr: Tree) -> tuple[str, Path] | None:
    """Give the name that a reference starts from and its steps; None for any other expression."""
    steps: list[str | None] = []
    while "Var" not in expr:
        if "RefDot" in expr:
            inner = expr["RefDot"]
            steps.append(inner["field"][1])
        elif "RefBrack" in expr:
            inner = expr["RefBrack"]
            steps.append(inner["index"].get("String", {}).get("value"))
        else:
            return None
        expr = inner["refr"]
    return expr["Var"]["value"], tuple(reversed(steps))


def indexes(expr: Tree) -> Iterator[Any]:
    """Give what stands in the brackets of a reference."""
    while "Var" not in expr:
        (inner,) = expr.values()
        if "index" in inner:
            yield inner["index"]
        expr = inner["refr"]
