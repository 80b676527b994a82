"""Whether a message conforms to NIEM 6.0, and what is wrong with it if not.

It is the gateway's own reading of the rules, without XML: the tables of the release say what may
stand where, how often, and what a value looks like. What stands under a prefix of the message's own
namespaces is passed over, the prefix being declared.

Stricter than the schemas in what JSON alone can get wrong: text must be a string, a number a number
or a string, a boolean a boolean or a string; lists hold no lists; of JSON-LD's keywords only
"@context" (at the top), "@id" and "@type" are known, since others would change what is meant.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from gateway.niem.release import Element, Release, Shape, release
from gateway.niem.values import Simple, is_name, is_writable

MAX_DEPTH = 64
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
    try:
        check.message(message)
    except _Stop:
        pass
    return check.problems


class _Validation:
    """One run over one message."""

    def __init__(self, tables: Release) -> None:
        self.release = tables
        self.problems: list[Problem] = []
        self.declared: frozenset[str] = frozenset()
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
        found = False
        for key, value in message.items():
            if key == "@context":
                continue
            if key.startswith("@"):
                self.keyword(message, key, None)
            elif self.is_ours(key, None):
                found = True
                element = self.release.element(key)
                if element is None:
                    self.unknown(key, None)
                else:
                    self.values(element, value, (None, key, None), 1)
        if not found:
            self.report(None, "message.empty", "The message holds no NIEM object.")
        for identifier, path in self.wanted:
            if identifier.startswith("#") and identifier not in self.defined:
                self.report(path, "reference.dangling", "The reference leads to no object.")

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
        else:
            return prefix in self.release.namespaces
        return False

    def keyword(self, holder: Mapping[str, Any], key: str, path: Path) -> None:
        value = holder[key]
        if key == "@id":
            if not isinstance(value, str):
                self.report(path, "reference.malformed", "@id is not a string.")
        elif key == "@type":
            if not isinstance(value, str) or not is_writable(value):
                self.report(path, "value.type", "@type is not a string.")
        else:
            self.report(path, "key.keyword", "A JSON-LD keyword stands where none may.")
        if key == "@id" and path is None and isinstance(value, str):
            self.defined.add(value)

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
            self.report(path, "key.abstract", f"{element.name} is abstract: it may not stand.")
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
        if "@id" in value and self.identified(element, shape, value, path):
            return
        counts: dict[int, int] | None = None
        wrappers: set[str] | None = None
        children = shape.children
        for key, one in value.items():
            child = children.get(key)
            if child is None:
                if key[:1] == "@":
                    self.keyword(value, key, path)
                elif self.is_ours(key, path):
                    self.unknown(key, path)
                continue
            if key.partition(":")[0] not in self.declared:
                self.is_ours(key, path)
                continue
            if child.attribute is not None:
                self.attribute(child.attribute, one, (path, key, None))
                continue
            assert child.element is not None  # noqa: S101 - a child is an element or an attribute
            number = self.values(child.element, one, (path, key, None), depth + 1)
            if child.counted:
                slot = child.slot
                counts = counts if counts is not None else {}
                counts[slot.number] = total = counts.get(slot.number, 0) + number
                if slot.most is not None and total > slot.most:
                    text = f"{key} stands more than {slot.most} time(s)."
                    self.report((path, key, None), "part.too_many", text)
                if slot.wrapper is not None:
                    wrappers = wrappers or set()
                    wrappers.add(slot.wrapper)
        self.required(shape, value, counts or {}, wrappers or set(), path)
        if shape.simple is not None and not shape.simple.accepts(""):
            self.report(path, "value.type", f"{element.name} must be a plain value.")

    def required(
        self,
        shape: Shape,
        value: Mapping[str, Any],
        counts: Mapping[int, int],
        wrappers: set[str],
        path: Path,
    ) -> None:
        """Find the parts that must be there and are not."""
        for slot in shape.required:
            if counts.get(slot.number, 0) < slot.least:
                self.missing(slot.names, path)
        for wrapper in wrappers:
            for slot in shape.in_wrapper[wrapper]:
                if counts.get(slot.number, 0) < slot.least:
                    self.missing(slot.names, path)
        for name in shape.attributes:
            if name not in value:
                self.report(path, "part.missing", f"{name} is missing.")

    def missing(self, names: tuple[str, ...], path: Path) -> None:
        wanted = names[0] if names else "A part of another standard"
        self.report(path, "part.missing", f"{wanted} is missing, or stands too seldom.")

    def attribute(self, simple: Simple, value: Any, path: Path) -> None:
        """Check an attribute: a string or a number. A boolean is written "true" or "false"."""
        if type(value) is bool or type(value) is list:
            self.report(path, "value.type", "An attribute of the schema takes a string here.")
        else:
            self.left -= 1
            self.simple(simple, value, path)

    def identified(
        self, element: Element, shape: Shape, value: Mapping[str, Any], path: Path
    ) -> bool:
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
            if not element.referable:
                text = f"{element.name} may not be a reference alone."
                self.report(path, "reference.not_allowed", text)
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
