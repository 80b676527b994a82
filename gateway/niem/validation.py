"""Whether a message conforms to NIEM 6.0, and what is wrong with it if not.

It is the gateway's own reading of the rules, without XML: the tables of the release say what may
stand where, how often, and what a value looks like. What stands under a prefix of the message's own
namespaces is passed over, the prefix being declared.

Stricter than the schemas in what JSON alone can get wrong: text must be a string, a number a number
or a string, a boolean a boolean or a string; an object of parts is never a text, not even a blank
one; lists hold no lists, attributes no lists either; of JSON-LD's keywords only "@context" (at the
top), "@id" and "@type" are known, since others would change what is meant. Besides: no space before
a date or time, nothing but its alphabet in Base64, only Latin letters in "@id".
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from gateway.niem.lexical import is_name
from gateway.niem.release import MAX_DEPTH, Child, Element, Release, Shape, Slot, release
from gateway.niem.values import Simple

MAX_NODES = 200_000
MAX_PROBLEMS = 100

Path: TypeAlias = "tuple[Path, str, int | None] | None"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong. `path` is made of keys of the release, `text` never holds a value.

    `code` is stable: context.*, key.*, value.*, reference.*, part.*, message.*.
    """

    path: str
    code: str
    text: str


class _Stop(Exception):
    """Enough problems were found, or the message is over a limit."""


def validate(message: Any) -> list[Problem]:
    """Give what is wrong with a message, in the order met; nothing if it conforms.

    At most MAX_PROBLEMS. Never raises for a message made of what JSON can hold.
    """
    check = _Validation(release())
    with contextlib.suppress(_Stop):
        check.message(message)
    return check.problems


class _Validation:
    """One run over one message."""

    def __init__(self, tables: Release) -> None:
        self.release = tables
        self.problems: list[Problem] = []
        self.declared: frozenset[str] = frozenset()
        self.usable: set[str] = set()
        self.left = MAX_NODES
        self.defined: set[str] = set()
        self.identifiers: set[str] = set()
        self.wanted: list[tuple[str, Path]] = []

    def report(self, path: Path, code: str, text: str) -> None:
        self.problems.append(Problem(_written(path), code, text))
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Stop

    def message(self, message: Any) -> None:
        if not isinstance(message, dict):
            self.report(None, "message.not_object", "A message is a JSON object.")
            return
        self.context(message.get("@context"))
        if self.problems:
            return
        found = [key for key in message if self.top(message, key)]
        if not found and not self.problems:
            self.report(None, "message.empty", "The message holds no NIEM object.")
        for identifier, path in self.wanted:
            if identifier.startswith("#") and identifier not in self.defined:
                self.report(path, "reference.dangling", "The reference leads to no object.")

    def top(self, message: Mapping[str, Any], key: str) -> bool:
        """Check one key of the message itself. Gives whether it is the release's."""
        if key == "@context":
            return False
        if key == "@id":
            if isinstance(message[key], str):
                self.defined.add(message[key])
            else:
                self.report(None, "reference.malformed", "@id is not a string.")
            return False
        if key[:1] == "@":
            self.stray(message, key, None)
            return False
        if not self.is_ours(key, None):
            return False
        element = self.release.element(key)
        if element is None:
            self.unknown(key, None)
        else:
            self.values(element, message[key], (None, key, None), 1)
        return True

    def context(self, context: Any) -> None:
        """Check that each prefix stands for what the release says."""
        if not isinstance(context, dict):
            self.report(None, "context.missing", "The message has no @context object.")
            return
        declared = {k: v for k, v in context.items() if isinstance(v, str)}
        for prefix, uri in declared.items():
            right = self.release.namespaces.get(prefix)
            if right is not None and uri != right:
                self.report(None, "context.wrong_uri", f"@context: {prefix} must be {right}.")
            elif right is None and uri in self.release.uris:
                text = "@context: a NIEM namespace has another prefix than the release's."
                self.report(None, "context.wrong_prefix", text)
        self.declared = frozenset(declared)

    def is_ours(self, key: str, path: Path) -> bool:
        """Whether a key is the release's; a key of nobody is a problem."""
        prefix, colon, _ = key.partition(":")
        if not colon:
            self.report(path, "key.no_prefix", "A key has no prefix.")
        elif prefix not in self.declared:
            text = "A key has a prefix that @context does not declare."
            self.report(path, "key.undeclared_prefix", text)
        elif prefix in self.release.namespaces:
            self.usable.add(key)
            return True
        return False

    def stray(self, holder: Mapping[str, Any], key: str, path: Path) -> None:
        """Judge a key that is none of the holder's type."""
        if key[:1] != "@":
            if self.is_ours(key, path):
                self.unknown(key, path)
        elif key == "@type":
            if not isinstance(holder[key], str):
                self.report(path, "value.type", "@type is not a string.")
        elif key != "@id":
            self.report(path, "key.keyword", "A JSON-LD keyword stands where none may.")

    def unknown(self, key: str, path: Path) -> None:
        if self.release.knows(key):
            self.report(path, "key.not_allowed", f"{key} is not allowed here.")
        else:
            # The key is not repeated: who wrote it may have put anything there.
            prefix = key.partition(":")[0]
            text = f"A key with the prefix {prefix} is not a NIEM 6.0 property."
            self.report(path, "key.unknown", text)

    def values(self, element: Element, value: Any, path: Path, depth: int) -> int:
        """Check what stands under one key. Gives how many values there are."""
        if type(value) is not list:
            self.value(element, value, path, depth)
            return 1
        if not value:
            self.report(path, "value.empty", "The list is empty.")
        parent, key, _ = path if path is not None else (None, element.name, None)
        for index, one in enumerate(value):
            self.value(element, one, (parent, key, index), depth)
        return len(value)

    def value(self, element: Element, value: Any, path: Path, depth: int) -> None:
        self.left -= 1
        if self.left < 0:
            self.report(path, "message.too_large", f"More than {MAX_NODES} values.")
            raise _Stop
        if element.abstract:
            text = f"{element.name} is abstract, or a wrapper that vanishes in JSON."
            self.report(path, "key.abstract", text)
            return
        shape = element.shape
        if type(value) is dict:
            self.object(element, shape, value, path, depth)
        elif shape.simple is not None:
            self.simple(shape.simple, value, path)
            if shape.attributes:
                self.report(path, "part.missing", f"{shape.attributes[0]} is missing.")
        elif value is None or value == "":
            self.report(path, "value.empty", "There is nothing.")
        else:
            self.report(path, "value.type", f"{element.name} must be an object.")

    def simple(self, simple: Simple, value: Any, path: Path) -> None:
        if type(value) is str:
            if simple.accepts(value) and value:
                return
            if not value:
                self.report(path, "value.empty", "There is nothing.")
            elif simple.kind == "code":
                self.report(path, "value.code", "The code is not in the code list.")
            else:
                self.report(path, "value.malformed", f"The value is not a valid {simple.kind}.")
        elif value is None:
            self.report(path, "value.empty", "There is nothing.")
        elif type(value) is bool and simple.boolean:
            return
        elif (type(value) is int or type(value) is float) and simple.numeric:
            if not self.number(simple, value):
                self.report(path, "value.malformed", f"The value is not a valid {simple.kind}.")
        else:
            self.report(path, "value.type", f"The JSON type does not suit a {simple.kind}.")

    @staticmethod
    def number(simple: Simple, value: float) -> bool:
        try:
            return simple.accepts(str(value))
        except ValueError:  # an integer of more digits than Python writes out
            return False

    def object(
        self, element: Element, shape: Shape, value: dict[str, Any], path: Path, depth: int
    ) -> None:
        if not value:
            self.report(path, "value.empty", "The object is empty.")
            return
        if depth > MAX_DEPTH:
            self.report(path, "message.too_deep", f"Objects are nested over {MAX_DEPTH} deep.")
            raise _Stop
        if "@id" in value and self.identified(shape, value, path):
            return
        counts: dict[Slot, int] = {}
        children = shape.children
        for key, one in value.items():
            child = children.get(key)
            if child is None:
                self.stray(value, key, path)
            elif key in self.usable or self.is_ours(key, path):
                self.child(child, one, (path, key, None), depth, counts)
        if shape.demanding:
            self.required(shape, value, counts, path)
        if shape.simple is not None and not shape.simple.accepts(""):
            self.report(path, "value.type", f"{element.name} must be a plain value.")

    def child(
        self, child: Child, value: Any, path: Path, depth: int, counts: dict[Slot, int]
    ) -> None:
        """Check what stands under a key that is in its place."""
        if child.element is None:
            self.attribute(child.attribute, value, path)
            return
        number = self.values(child.element, value, path, depth + 1)
        if child.counted:
            slot = child.slot
            counts[slot] = total = counts.get(slot, 0) + number
            if slot.most is not None and total > slot.most:
                text = f"{child.element.name} stands more than {slot.most} time(s)."
                self.report(path, "part.too_many", text)

    def required(
        self, shape: Shape, value: Mapping[str, Any], counts: Mapping[Slot, int], path: Path
    ) -> None:
        """Find the parts that must be there and are not."""
        for slot in shape.required:
            if counts.get(slot, 0) < slot.least:
                wanted = slot.names[0] if slot.names else "A part of another standard"
                text = f"{wanted} is missing, or stands too seldom."
                self.report(path, "part.missing", text)
        for name in shape.attributes:
            if name not in value:
                self.report(path, "part.missing", f"{name} is missing.")

    def attribute(self, simple: Simple | None, value: Any, path: Path) -> None:
        """Check an attribute: a string or a number. A boolean is written "true" or "false"."""
        if simple is None or type(value) is bool or type(value) is list:
            self.report(path, "value.type", "An attribute of the schema takes a string here.")
        else:
            self.left -= 1
            self.simple(simple, value, path)

    def identified(self, shape: Shape, value: Mapping[str, Any], path: Path) -> bool:
        """Check "@id". True if it stands alone: a reference, with nothing else to check."""
        identifier = value["@id"]
        if not isinstance(identifier, str):
            self.report(path, "reference.malformed", "@id is not a string.")
            return len(value) == 1
        bare = identifier.lstrip("#")
        if is_name(bare) is None:
            self.report(path, "reference.malformed", "@id is not # and a name.")
            return len(value) == 1
        if len(value) == 1:
            self.wanted.append((identifier, path))
            if shape.attributes:
                self.report(path, "part.missing", f"{shape.attributes[0]} is missing.")
            return True
        if bare in self.identifiers:
            self.report(path, "reference.duplicate", "Another object has the same @id.")
        self.identifiers.add(bare)
        self.defined.add(identifier)
        return False


def _written(path: Path) -> str:
    steps: list[str] = []
    while path is not None:
        path, key, index = path
        steps.append(key if index is None else f"{key}[{index}]")
    return "/".join(reversed(steps))
