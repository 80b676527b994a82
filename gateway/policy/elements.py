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
    """What becomes of an element."""

    DROP = 0
    GIVE = 1
    MASK = 2


_VERDICTS: Mapping[str, Verdict] = {"give": Verdict.GIVE, "mask": Verdict.MASK}
"""Pointer, count and nothing don't give elements."""


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
    """Nothing at or below it is given."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left of a message, the classes that it holds, and the cautions in it."""

    message: Message
    classes: tuple[str, ...]
    cautions: tuple[str, ...]


def compile_elements(elements: Mapping[str, str]) -> Node:
    """Compile paths to a tree."""
    root = Node()
    for path, element_class in elements.items():
        node = root
        for key in path.split("/"):
            node = node.children.setdefault(key, Node())
        node.element_class = element_class
    return root


def compile_plan(root: Node, classes: Iterable[tuple[str, str]]) -> PlanNode:
    """Compile what one action does with each path."""
    verdicts = {c: _VERDICTS.get(a, Verdict.DROP) for c, a in classes}
    return _plan(root, None, verdicts)


def _plan(node: Node, above: str | None, verdicts: Mapping[str, Verdict]) -> PlanNode:
    own = node.element_class or above
    verdict = verdicts.get(own, Verdict.DROP) if own else Verdict.DROP
    if above is not None and verdicts.get(above, Verdict.DROP) is Verdict.DROP:
        # A part is never more open than its whole: the age of one who was arrested says that
        # somebody was.
        return PlanNode(Verdict.DROP, own, dead=True)
    leaf = PlanNode(verdict, own, dead=verdict is Verdict.DROP)
    if not node.children:
        return leaf
    children = {k: _plan(n, own, verdicts) for k, n in node.children.items()}
    dead = leaf.dead and all(c.dead for c in children.values())
    return PlanNode(verdict, own, children, rest=leaf, dead=dead)


def keep(plan: PlanNode, message: Message) -> Kept | None:
    """Keep what the plan gives. None if nothing is left. The message itself is not changed."""
    classes: set[str] = set()
    cautions: list[str] = []
    left: Message = {}
    rest = plan.rest or plan
    for key, value in message.items():
        if key[0] == "@":
            continue
        node = plan.children.get(key, rest)
        if node.dead:
            continue
        kept = _keep(node, key, value, classes, cautions)
        if kept is not _NOTHING:
            left[key] = kept
    if not left:
        return None
    return Kept(left, tuple(sorted(classes)), tuple(dict.fromkeys(cautions)))


def _keep(node: PlanNode, key: str, value: Any, classes: set[str], cautions: list[str]) -> Any:
    """Keep one value, or give _NOTHING. Always a copy, so that a record is never changed."""
    kind = type(value)
    if kind is dict:
        return _keep_object(node, value, classes, cautions)
    if kind is list:
        items = [_keep(node, key, v, classes, cautions) for v in value]
        some = [i for i in items if i is not _NOTHING]
        return some or _NOTHING
    if node.verdict is Verdict.GIVE:
        if node.element_class:
            classes.add(node.element_class)
        if key == CAUTION and kind is str:
            cautions.append(value)
        return value
    if node.verdict is Verdict.MASK and kind is str and key.endswith("ID"):
        masked = mask(value)
        if masked is not None:
            if node.element_class:
                classes.add(node.element_class)
            return masked
    return _NOTHING


def _keep_object(
    node: PlanNode, value: dict[str, Any], classes: set[str], cautions: list[str]
) -> Any:
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
        kept = _keep(child, key, below, classes, cautions)
        if kept is not _NOTHING:
            left[key] = kept
            content = True
    # A bare reference is content of its own where its class is given; its target may be gone, which
    # is for `prune` to see. An object that lost all but its name is nothing.
    if content or (len(value) == 1 and left and node.verdict is Verdict.GIVE):
        return left
    return _NOTHING


def mask(value: str) -> str | None:
    """Give the last four digits, `****1234`; None if that would tell most of the value."""
    digits = _DIGITS.sub("", value)
    if len(_ALNUM.sub("", value)) < _MASK_AT_LEAST or len(digits) < _MASK_SHOWN:
        return None
    return "****" + digits[-_MASK_SHOWN:]
