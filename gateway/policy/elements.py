"""Elements by class: which parts of a message a decision gives.

The classes of elements (`gateway.policy.element_tree`) are compiled once for each distinct action
to a tree of verdicts: a part is given only if all its classes are given, and those of all that it
is part of; the strictest counts. What has no class, or a class that the action does not give, is
left out. Each place is compiled when it is first met: what stands in itself has no end.

Keys with "@" are structure, not content: "@id" stays with what is kept. What the holes do to the
rest of the message is for `gateway.niem.prune`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

from gateway.model import Message
from gateway.policy.element_tree import ElementTree, Spots, further

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
_STRICTNESS = {
    verdict: place
    for place, verdict in enumerate(
        (Verdict.DROP, Verdict.POINT, Verdict.COUNT, Verdict.MASK, Verdict.GIVE)
    )
}
ByValue = Mapping[str, Mapping[str, str]]
"""An element's key, to those of its values that are of a class of their own, and which."""


class Below(dict[str, "PlanNode"]):
    """The verdicts of the keys in an element, each made when it is first met."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[str], "PlanNode"]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: str) -> "PlanNode":
        made = self[key] = self._make(key)
        return made


@dataclass(slots=True, eq=False)
class PlanNode:
    """One step of the tree of verdicts."""

    verdict: Verdict
    element_class: str | None
    children: Below
    values: Mapping[str, Mapping[str, tuple[Verdict, str]]]
    """By element and value: what becomes of that value, and its class."""
    dead: bool = False
    """Nothing at or below it is given, or told of."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left of a message, the classes that it holds, and the cautions in it."""

    message: Message
    classes: tuple[str, ...]
    cautions: tuple[str, ...]
    held: tuple[tuple[str, int], ...] = ()
    """Classes that are counted or pointed at, with how many elements; 0: only that there are."""


def compile_plan(
    tree: ElementTree, classes: Iterable[tuple[str, str]], by_value: ByValue | None = None
) -> PlanNode:
    """Compile what one action does with each path, and with each value of a class of its own."""
    verdicts = {c: _VERDICTS.get(a, Verdict.DROP) for c, a in classes}
    values = {
        key: {v: (verdicts.get(c, Verdict.DROP), c) for v, c in found.items()}
        for key, found in (by_value or {}).items()
    }
    return _Plans(tree, verdicts, values).of(tree.start(), None)


class _Plans:
    """Makes the verdicts of one action."""

    def __init__(
        self,
        tree: ElementTree,
        verdicts: Mapping[str, Verdict],
        values: Mapping[str, Mapping[str, tuple[Verdict, str]]],
    ) -> None:
        self._tree = tree
        self._verdicts = verdicts
        self._values = values
        self._made: dict[tuple[Spots, Verdict | None], PlanNode] = {}

    def of(self, spots: Spots, above: Verdict | None) -> PlanNode:
        """Give the verdict at a place, and below. `above`: of what it is part of, if it has one."""
        found = self._made.get((spots, above))
        if found is None:
            found = self._made[spots, above] = self._make(spots, above)
        return found

    def _make(self, spots: Spots, above: Verdict | None) -> PlanNode:
        if any(spot.shut for spot in spots):
            return self._node(Verdict.DROP, None, (), None, dead=True)
        classes = [spot.own for spot in spots if spot.own is not None]
        if not classes:
            node = self._node(Verdict.DROP, None, spots, None)
            named = dict.fromkeys(key for spot in spots for key in spot.node.children)
            node.dead = all(node.children[key].dead for key in named)
            return node
        # Of equally strict ones the last: what the element is, before what it stands in.
        own = min(reversed(classes), key=self._strictness)
        # A part is never more open than its whole: the age of one who was arrested says that
        # somebody was.
        verdict = _stricter(self._verdicts.get(own, Verdict.DROP), above or Verdict.GIVE)
        if verdict not in _OPEN:
            return self._node(verdict, own, (), None, dead=verdict is Verdict.DROP)
        return self._node(verdict, own, further(spots, own), verdict)

    def _node(
        self,
        verdict: Verdict,
        own: str | None,
        spots: Spots,
        below: Verdict | None,
        *,
        dead: bool = False,
    ) -> PlanNode:
        def make(key: str) -> PlanNode:
            return self.of(self._tree.step(spots, key), below)

        return PlanNode(verdict, own, Below(make), self._values, dead)

    def _strictness(self, element_class: str) -> int:
        return _STRICTNESS[self._verdicts.get(element_class, Verdict.DROP)]


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
    for key, value in message.items():
        if key[0] == "@":
            continue
        node = plan.children[key]
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
    if found is None or _stricter(found[0], node.verdict) is not found[0]:
        return node.verdict, node.element_class
    return found


def _stricter(one: Verdict, other: Verdict) -> Verdict:
    return one if _STRICTNESS[one] <= _STRICTNESS[other] else other


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
    children = node.children
    for key, below in value.items():
        if key[0] == "@":
            if key == "@id":
                left[key] = below
            continue
        child = children[key]
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
