"""One quick look at a message that, as nearly all do, conforms and has no holes.

`whole` walks a message once and says either that `prune` would take nothing from it but prefixes
and `findings` would find nothing wrong, or that it can't tell: then those two must look. So it can
only ever save work. Whatever is unusual, right or wrong, is "can't tell" here.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from gateway.model import Message
from gateway.niem.lexical import is_name
from gateway.niem.release import Element, Shape, Slot, release

_MAX_DEPTH = 32
_MAX_KEYS = 20_000
_MAX_INTEGER = 10**15


def whole(message: Message) -> Message | None:
    """Give the message with only the prefixes of "@context" that it uses; None for "can't tell".

    If it gives a message, that is what `prune` gives, and `findings` finds nothing wrong in it.
    """
    context = message.get("@context")
    if type(context) is not dict:
        return None
    look = _Look()
    try:
        look.message(message)
    except _CantTell:
        return None
    used = {_prefix(key) for key in look.keys}
    used.discard("")
    kept = {p: uri for p, uri in context.items() if p in used}
    if len(kept) != len(used) or not kept.items() <= release().namespaces.items():
        return None
    if len(kept) == len(context):
        return message
    return None if any(p[:1] == "@" for p in context) else {**message, "@context": kept}


@cache
def _prefix(key: str) -> str:
    """Give a key's prefix, "" for JSON-LD's own words. Called for keys of the release alone."""
    return "" if key[0] == "@" else key.partition(":")[0]


class _Part:
    """What may stand under one key: texts by `text`, objects by `shape`, counted in `slot`."""

    __slots__ = ("boolean", "node", "numeric", "shape", "slot", "text")

    def __init__(self, element: Element, slot: Slot | None) -> None:
        shape = element.shape
        simple = None if shape.attributes else shape.simple
        self.shape: Shape | None = shape
        self.node: _Node | None = None
        self.slot = slot
        self.text: Callable[[str], Any] = simple.accepts if simple else _no
        self.numeric = simple is not None and simple.numeric
        self.boolean = simple is not None and simple.boolean


class _Attribute(_Part):
    """What may stand under an attribute's key: one text."""

    __slots__ = ()

    def __init__(self, accepts: Callable[[str], Any]) -> None:
        self.shape = self.node = self.slot = None
        self.text = accepts
        self.numeric = self.boolean = False


class _Node:
    """What an object of one type may hold."""

    __slots__ = ("attributes", "demanding", "open", "parts", "required")

    def __init__(self, shape: Shape) -> None:
        self.parts: dict[str, _Part] = {}
        self.required = shape.required
        self.attributes = shape.attributes
        self.open = shape.simple is None or bool(shape.simple.accepts(""))
        for key, child in shape.children.items():
            if child.element is None:
                if child.attribute is not None:
                    self.parts[key] = _Attribute(child.attribute.accepts)
            elif not child.element.abstract:
                self.parts[key] = _Part(child.element, child.slot if child.counted else None)
        counted = any(p.slot is not None for p in self.parts.values())
        self.demanding = counted or shape.demanding


def _no(_: str) -> bool:
    return False


@cache
def _node(shape: Shape) -> _Node:
    return _Node(shape)


_tops: dict[str, _Part] = {}
"""The elements met as keys of a message itself: of the release's, so they are bounded."""


def _top(key: str) -> _Part | None:
    """Give what may stand under a key of a message itself, None for what is not the release's."""
    found = _tops.get(key)
    if found is None:
        element = release().element(key)
        if element is not None and not element.abstract:
            found = _tops[key] = _Part(element, None)
    return found


class _CantTell(Exception):
    """Something is not plain."""


class _Look:
    """One walk. Raises _CantTell."""

    __slots__ = ("defined", "keys", "left", "wanted")

    def __init__(self) -> None:
        self.keys: set[str] = set()
        self.defined: set[str] = set()
        self.wanted: set[str] = set()
        self.left = _MAX_KEYS

    def message(self, message: Message) -> None:
        """Look at each object of a message."""
        for key, value in message.items():
            if key != "@context":
                part = _top(key)
                if part is None:
                    raise _CantTell
                self.value(part, value, 0)
        if len(message) == 1 or self.left < 0 or not self.wanted <= self.defined:
            raise _CantTell
        self.keys.update(message)

    def value(self, part: _Part, value: Any, depth: int) -> None:
        """Look at what stands under one key, once or in a list."""
        kind = type(value)
        if kind is dict:
            self.object(part, value, depth + 1)
        elif kind is list:
            self.left -= len(value)
            if not value or self.left < 0 or part.shape is None:
                raise _CantTell
            for one in value:
                if type(one) is list:
                    raise _CantTell
                self.value(part, one, depth)
        elif not _is_text(part, value):
            raise _CantTell

    def object(self, part: _Part, value: dict[str, Any], depth: int) -> None:
        """Look at one object: its keys, how often each stands, what is missing."""
        node = part.node or _node_of(part)
        self.left -= len(value)
        if not value or not node.open or depth > _MAX_DEPTH or self.left < 0:
            raise _CantTell
        if "@id" in value and self.identified(node, value):
            return
        self.keys.update(value)
        parts = node.parts
        for key, one in value.items():
            found = parts.get(key)
            if found is None:
                if key != "@id":
                    raise _CantTell
            elif type(one) is not str:
                self.value(found, one, depth)
            elif not (one and found.text(one)):
                raise _CantTell
        if node.demanding and not _complete(node, value):
            raise _CantTell

    def identified(self, node: _Node, value: dict[str, Any]) -> bool:
        """Look at "@id". True if it stands alone: a reference."""
        identifier = value["@id"]
        if type(identifier) is not str or identifier[:1] != "#" or not is_name(identifier[1:]):
            raise _CantTell
        alone = len(value) == 1
        if alone:
            self.wanted.add(identifier)
        if node.attributes if alone else identifier in self.defined:
            raise _CantTell
        if not alone:
            self.defined.add(identifier)
        return alone


def _node_of(part: _Part) -> _Node:
    if part.shape is None:
        raise _CantTell
    part.node = node = _node(part.shape)
    return node


def _is_text(part: _Part, value: Any) -> bool:
    """Whether a plain value suits, judged by its text as the schemas do."""
    kind = type(value)
    if kind is str:
        return value != "" and bool(part.text(value))
    if kind is int and part.numeric and -_MAX_INTEGER < value < _MAX_INTEGER:
        return bool(part.text(str(value)))
    return kind is bool and part.boolean


def _complete(node: _Node, value: dict[str, Any]) -> bool:
    """Whether everything stands as often as it must and may."""
    counts: dict[Slot, int] = {}
    for key, one in value.items():
        part = node.parts.get(key)
        if part is not None and part.slot is not None:
            number = len(one) if type(one) is list else 1
            counts[part.slot] = counts.get(part.slot, 0) + number
    return (
        all(slot.most is None or number <= slot.most for slot, number in counts.items())
        and all(counts.get(slot, 0) >= slot.least for slot in node.required)
        and all(name in value for name in node.attributes)
    )
