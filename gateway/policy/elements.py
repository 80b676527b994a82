"""Elements by class: which parts of a message a decision gives.

The vocabulary maps paths of NIEM keys to classes. They are compiled once a set to a tree, and once
for each distinct action to a tree of verdicts: a part is given only if the classes of all that it
is part of are given as well. Applying it walks only what is not wholly given or
wholly kept back. What has no class, or a class that the action does not give, is left out.

Keys with "@" are structure, not content: "@id" stays with what is kept. What the holes do to the
rest of the message is for `gateway.niem.prune`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from gateway.model import Message

CAUTION: Final = "ncic:PersonCautionInformationCode"
_MASK_SHOWN, _MASK_AT_LEAST = 4, 8
_DIGITS = re.compile(r"\D")
_ALNUM = re.compile(r"[^A-Za-z0-9]")
_NOTHING: Final = object()


class Verdict(IntEnum):
    """What becomes of an element. COUNT and POINT give nothing of it, and tell that it is there."""

    DROP = 0
    GIVE = 1
    MASK = 2
    COUNT = 3
    POINT = 4


_VERDICTS: Mapping[str, Verdict] = {
    "give": Verdict.GIVE,
    "mask": Verdict.MASK,
    "count": Verdict.COUNT,
    "pointer": Verdict.POINT,
}
_OPEN = frozenset({Verdict.GIVE, Verdict.MASK})
ByValue = Mapping[str, Mapping[str, str]]
"""An element's key, to those of its values that are of a class of their own, and which."""


@dataclass(slots=True)
class Node:
    """One step of the tree of paths."""

    element_class: str | None = None
    children: dict[str, "Node"] = field(default_factory=dict)


@dataclass(slots=True)
class PlanNode:
    """One step of the tree of verdicts. `rest` is for keys that no path names."""

    verdict: Verdict
    element_class: str | None
    children: dict[str, "PlanNode"] = field(default_factory=dict)
    rest: "PlanNode | None" = None
    dead: bool = False
    """Nothing at or below it is given, or told of."""
    values: Mapping[str, Mapping[str, tuple[Verdict, str]]] = field(default_factory=dict)
    """By element and value: what becomes of that value, and its class."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left of a message, the classes that it holds, and the cautions in it."""

    message: Message
    classes: tuple[str, ...]
    cautions: tuple[str, ...]
    held: tuple[tuple[str, int], ...] = ()
    """Classes that are counted or pointed at, with how many elements; 0: only that there are."""


def compile_elements(elements: Mapping[str, str]) -> Node:
    """Compile paths to a tree."""
    root = Node()
    for path, element_class in elements.items():
        node = root
        for key in path.split("/"):
            node = node.children.setdefault(key, Node())
        node.element_class = element_class
    return root


def compile_plan(
    root: Node, classes: Iterable[tuple[str, str]], by_value: ByValue | None = None
) -> PlanNode:
    """Compile what one action does with each path, and with each value of a class of its own."""
    verdicts = {c: _VERDICTS.get(a, Verdict.DROP) for c, a in classes}
    values = {
        key: {v: (verdicts.get(c, Verdict.DROP), c) for v, c in found.items()}
        for key, found in (by_value or {}).items()
    }
    return _plan(root, None, verdicts, values)


def _plan(
    node: Node,
    above: str | None,
    verdicts: Mapping[str, Verdict],
    values: Mapping[str, Mapping[str, tuple[Verdict, str]]],
) -> PlanNode:
    own = node.element_class or above
    verdict = verdicts.get(own, Verdict.DROP) if own else Verdict.DROP
    if above is not None and verdicts.get(above, Verdict.DROP) not in _OPEN:
        # A part is never more open than its whole: the age of one who was arrested says that
        # somebody was.
        return PlanNode(Verdict.DROP, own, dead=True)
    leaf = PlanNode(verdict, own, dead=verdict is Verdict.DROP, values=values)
    if not node.children:
        return leaf
    children = {k: _plan(n, own, verdicts, values) for k, n in node.children.items()}
    dead = leaf.dead and all(c.dead for c in children.values())
    return PlanNode(verdict, own, children, rest=leaf, dead=dead, values=values)


@dataclass(slots=True)
class _Seen:
    """What a walk comes across: classes told of, cautions given, classes counted or pointed at."""

    classes: set[str] = field(default_factory=set)
    cautions: list[str] = field(default_factory=list)
    held: dict[str, int] = field(default_factory=dict)


def keep(plan: PlanNode, message: Message) -> Kept | None:
    """Keep what the plan gives. None if nothing is left. The message itself is not changed."""
    seen = _Seen()
    left: Message = {}
    rest = plan.rest or plan
    for key, value in message.items():
        if key[0] == "@":
            continue
        node = plan.children.get(key, rest)
        if node.dead:
            continue
        kept = _keep(node, key, value, seen)
        if kept is not _NOTHING:
            left[key] = kept
    if not left:
        return None
    return Kept(
        message=left,
        classes=tuple(sorted(seen.classes)),
        cautions=tuple(dict.fromkeys(seen.cautions)),
        held=tuple(sorted(seen.held.items())),
    )


def _keep(node: PlanNode, key: str, value: Any, seen: _Seen) -> Any:
    """Keep one value, or give _NOTHING. Always a copy, so that a record is never changed."""
    kind = type(value)
    if kind is list:
        items = [_keep(node, key, v, seen) for v in value]
        some = [i for i in items if i is not _NOTHING]
        return some or _NOTHING
    verdict = node.verdict
    if verdict > Verdict.MASK:
        return _tell(verdict, node.element_class, seen)
    if kind is dict:
        return _keep_object(node, value, seen)
    own = node.element_class
    if kind is str and key in node.values:
        verdict, own = _by_value(node, key, value)
    return _keep_value(verdict, own, key, value, seen)


def _keep_value(verdict: Verdict, own: str | None, key: str, value: Any, seen: _Seen) -> Any:
    if verdict > Verdict.MASK:
        return _tell(verdict, own, seen)
    if verdict is Verdict.MASK:
        value = mask(value) if type(value) is str and key.endswith("ID") else None
        if value is None:
            return _NOTHING
    elif verdict is Verdict.DROP:
        return _NOTHING
    elif key == CAUTION and type(value) is str:
        seen.cautions.append(value)
    if own:
        seen.classes.add(own)
    return value


def _by_value(node: PlanNode, key: str, value: str) -> tuple[Verdict, str | None]:
    """Give what becomes of a value that may have its own class: never more than its element."""
    found = node.values[key].get(value)
    if found is None or node.verdict is Verdict.DROP:
        return node.verdict, node.element_class
    return found


def _tell(verdict: Verdict, element_class: str | None, seen: _Seen) -> Any:
    """Count an element of a class that is counted, or note that there is one."""
    if element_class:
        seen.classes.add(element_class)
        more = 1 if verdict is Verdict.COUNT else 0
        seen.held[element_class] = seen.held.get(element_class, 0) + more
    return _NOTHING


def _keep_object(node: PlanNode, value: dict[str, Any], seen: _Seen) -> Any:
    left: dict[str, Any] = {}
    content = False
    children, rest = node.children, node.rest or node
    for key, below in value.items():
        if key[0] == "@":
            if key == "@id":
                left[key] = below
            continue
        child = children.get(key, rest)
        if child.dead:
            continue
        kept = _keep(child, key, below, seen)
        if kept is not _NOTHING:
            left[key] = kept
            content = True
    # A bare reference is content of its own where its class is given; its target may be gone, which
    # is for `prune` to see. An object that lost all but its name is nothing.
    if content or (len(value) == 1 and left and node.verdict is Verdict.GIVE):
        return left
    return _NOTHING


def holds(message: Any, values: Mapping[str, frozenset[str]]) -> bool:
    """Tell whether a message has one of the values in the element that they are listed for."""
    if type(message) is list:
        return any(holds(m, values) for m in message)
    if type(message) is not dict:
        return False
    for key, value in message.items():
        kind = type(value)
        if kind is dict or kind is list:
            if holds(value, values):
                return True
            if kind is list and key in values and not values[key].isdisjoint(_texts(value)):
                return True
        elif key in values and value in values[key]:
            return True
    return False


def _texts(values: list[Any]) -> Iterable[str]:
    return (v for v in values if type(v) is str)


def mask(value: str) -> str | None:
    """Give the last four digits, `****1234`; None if that would tell most of the value."""
    digits = _DIGITS.sub("", value)
    if len(_ALNUM.sub("", value)) < _MASK_AT_LEAST or len(digits) < _MASK_SHOWN:
        return None
    return "****" + digits[-_MASK_SHOWN:]
