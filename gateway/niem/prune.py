"""What is left of a message when parts of it were withheld, made whole again.

Withholding leaves holes: objects with nothing in them, references to what is gone, objects without
a part that the schema requires. What hangs on a hole goes too, again and again, until the rest
stands on its own. So a message that conformed before still conforms, and it shows no scar: the
"@context" names only the prefixes that are still used.
"""

import operator
from typing import Any, TypeAlias

from gateway.model import Message
from gateway.niem.release import MAX_DEPTH, Element, Release, Shape, Slot, release

_MAX_PASSES = 64
"""How long a chain of references may fall, one by one. A message with a longer one goes whole."""
Keys: TypeAlias = dict[str, Any]


def prune(message: Message) -> Message | None:
    """Give the message without holes, or None if no NIEM object is left in it.

    Takes out empty objects, lists, texts and nulls; references ("@id" alone, beginning with #) to
    objects without content; objects that lack a required part; and prefixes of "@context" that
    nothing uses any more. The argument is not changed; the result may share
    unchanged parts with it.
    """
    dead: frozenset[str] = frozenset()
    for _ in range(_MAX_PASSES):
        run = _Pass(release(), dead)
        kept = run.message(message)
        if kept is None:
            return None
        gone = {i for i in run.wanted if i[:1] == "#"}.difference(run.defined)
        if not gone:
            return _with_context(kept)
        dead |= gone  # what is gone does not come back
        message = kept
    return None


class _Pass:
    """One walk over a message. `defined` and `wanted` are the identifiers in what is kept."""

    __slots__ = ("dead", "defined", "release", "wanted")

    def __init__(self, tables: Release, dead: frozenset[str]) -> None:
        self.release = tables
        self.dead = dead
        self.defined: list[str] = []
        self.wanted: list[str] = []

    def message(self, message: Message) -> Message | None:
        kept: Message = {}
        found = False
        for key, value in message.items():
            if key[:1] == "@":
                kept[key] = value
                continue
            element = self.release.element(key)
            left = self.value(element, value, 1) if element else _own(value)
            if left is not None:
                kept[key] = left
                found = found or element is not None
        if isinstance(identifier := message.get("@id"), str):
            self.defined.append(identifier)
        return kept if found else None

    def value(self, element: Element, value: Any, depth: int) -> Any:
        """Give what is left of the value or values under one key, None if nothing is."""
        if type(value) is dict:
            return self.object(element, value, depth)
        if type(value) is list:
            return self.values(element, value, depth)
        return None if value == "" else value

    def values(self, element: Element, values: list[Any], depth: int) -> list[Any] | None:
        if depth > MAX_DEPTH:
            return None
        left = [self.value(element, one, depth + 1) for one in values]
        if None in left:
            left = [one for one in left if one is not None]
        elif all(map(operator.is_, left, values)):
            left = values
        return left or None

    def object(self, element: Element, value: Keys, depth: int) -> Keys | None:
        identifier = value.get("@id")
        if not isinstance(identifier, str):
            identifier = None
        elif len(value) == 1:
            if identifier in self.dead:
                return None
            self.wanted.append(identifier)
            return value
        if depth > MAX_DEPTH:
            return None
        defined, wanted = len(self.defined), len(self.wanted)
        shape = element.shape
        kept = self.parts(shape, value, depth)
        if not _has_content(kept) or (shape.demanding and not _is_whole(shape, kept)):
            # What was kept inside goes with it, and so do the identifiers found there.
            del self.defined[defined:], self.wanted[wanted:]
            return None
        if identifier is not None:
            self.defined.append(identifier)
        return kept

    def parts(self, shape: Shape, value: Keys, depth: int) -> Keys:
        """Give an object with what is left of each of its parts."""
        children = shape.children
        changed: Keys | None = None
        for key, one in value.items():
            if type(one) is str and one:
                continue
            child = children.get(key)
            if child is None or child.element is None:
                left = _own(one)
            else:
                left = self.value(child.element, one, depth + 1)
            if left is one and left is not None:
                continue
            changed = value.copy() if changed is None else changed
            if left is None:
                del changed[key]
            else:
                changed[key] = left
        return value if changed is None else changed


def _has_content(value: Keys) -> bool:
    """Whether an object says anything but which one it is, and of which type."""
    return len(value) > ("@id" in value) + ("@type" in value)


def _own(value: Any) -> Any:
    """Give what stands outside the release: as it is, unless there is nothing."""
    return None if value is None or value in ("", [], {}) else value


def _is_whole(shape: Shape, value: Keys) -> bool:
    """Whether an object has all that its type requires."""
    counts: dict[Slot, int] = {}
    for key, one in value.items():
        child = shape.children.get(key)
        if child is not None and child.counted:
            number = len(one) if type(one) is list else 1
            counts[child.slot] = counts.get(child.slot, 0) + number
    return all(counts.get(slot, 0) >= slot.least for slot in shape.required) and all(
        name in value for name in shape.attributes
    )


def _with_context(message: Message) -> Message:
    """Leave in "@context" what is used: an unused prefix would tell what was withheld."""
    context = message.get("@context")
    if not isinstance(context, dict):
        return message
    keys: set[str] = set()
    waiting: list[Any] = [v for k, v in message.items() if k != "@context"]
    keys.update(message)
    while waiting:
        value = waiting.pop()
        if type(value) is dict:
            keys.update(value)
            waiting.extend(value.values())
        elif type(value) is list:
            waiting.extend(value)
    used = {key.partition(":")[0] for key in keys}
    if used.issuperset(context):
        return message
    return {**message, "@context": {p: uri for p, uri in context.items() if p in used}}
