"""Whether a message conforms to NIEM 6.0, and what is wrong with it if not.

It is the gateway's own reading of the rules, without XML: the tables of the release say what may
stand where, how often, and what a value looks like. What stands under a prefix of the message's own
namespaces is passed over, the prefix being declared.

    validate(message)   the release's verdict, as the published schemas give it: neither accepts
                        what the other refuses
    findings(message)   the same, and what HOUSE_RULES say: what the gateway goes by

The schemas judge XML, so they see each value as text: a JSON number, boolean or list counts as it
is written out, what JSON-LD's keywords mean does not count at all, and space between parts is
nothing. The house rules refuse what that lets through; they only ever add a refusal.
"""

import contextlib
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from gateway.niem.lexical import is_blank, is_name, xml_name
from gateway.niem.release import MAX_DEPTH, Child, Element, Release, Shape, Slot, release
from gateway.niem.values import Simple

MAX_NODES = 200_000
MAX_PROBLEMS = 100
HOUSE_RULES: Mapping[str, str] = {
    "house.json_type": "A JSON number, boolean or list stands where the type wants another.",
    "house.blank": "Blank text stands for an object.",
    "house.wrapper": "An augmentation wrapper stands at the top: in JSON its parts do.",
    "house.keyword": "A JSON-LD keyword stands where it may change what is meant.",
    "house.identifier": "@id is not # and a name in Latin letters.",
    "house.form": "The value has space around it, or a form that XML Schema does not know.",
    "house.adapter": "A part of another standard must be here, which JSON can't hold.",
    "house.too_deep": f"Objects are nested over {MAX_DEPTH} deep.",
    "house.too_large": f"The message holds more than {MAX_NODES} values.",
}
"""The gateway's own rules for messages that it makes, gives or takes in, by code.

None of them is the release's: a message that breaks one may well conform.
"""

Path: TypeAlias = "tuple[Path, str, int | None] | None"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong. `path` is made of keys of the release, `text` never holds a value.

    `code` is stable: context.*, key.*, value.*, reference.*, part.*, message.* for what the release
    refuses, house.* for HOUSE_RULES.
    """

    path: str
    code: str
    text: str


class _Stop(Exception):
    """Enough problems were found, or the message is over a limit."""


def validate(message: Any) -> list[Problem]:
    """Give what the release finds wrong with a message, in the order met.

    Nothing if it conforms; at most MAX_PROBLEMS. Never raises for what JSON can hold. It looks at
    all of a message, however large: for one from outside, ask `findings`.
    """
    return _found(message, house=False)


def findings(message: Any) -> list[Problem]:
    """Give what the release or a rule of the house finds wrong with a message, as `validate` does.

    Where both refuse the same thing, the release's word is given.
    """
    return _found(message, house=True)


def _found(message: Any, *, house: bool) -> list[Problem]:
    check = _Validation(release(), house=house)
    with contextlib.suppress(_Stop):
        check.message(message)
    return check.problems


class _Validation:
    """One run over one message."""

    def __init__(self, tables: Release, *, house: bool) -> None:
        self.release = tables
        self.house = house
        self.problems: list[Problem] = []
        self.declared: frozenset[str] = frozenset()
        self.usable: set[str] = set()
        self.left = MAX_NODES
        self.defined: set[str] = set()
        self.identifiers: set[str] = set()
        self.wanted: list[tuple[str, Path]] = []
        self.waiting: deque[tuple[Element, Shape, dict[str, Any], Path, int]] = deque()

    def report(self, path: Path, code: str, text: str) -> None:
        self.problems.append(Problem(_written(path), code, text))
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Stop

    def own_rule(self, path: Path, code: str, text: str = "") -> None:
        """Report what a rule of the house refuses, if they are asked about."""
        if self.house:
            self.report(path, code, text or HOUSE_RULES[code])

    def message(self, message: Any) -> None:
        if not isinstance(message, dict):
            self.report(None, "message.not_object", "A message is a JSON object.")
            return
        self.context(message.get("@context"))
        if self.problems:
            return
        found = [key for key in message if self.top(message, key)]
        while self.waiting:
            self.object(*self.waiting.popleft())
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
            self.top_identifier(message[key])
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

    def top_identifier(self, identifier: Any) -> None:
        if isinstance(identifier, str):
            self.defined.add(identifier)
        elif isinstance(identifier, dict | list):
            self.report(None, "reference.malformed", "@id is not a string.")
        else:
            self.own_rule(None, "house.identifier")

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
                self.own_rule(path, "house.json_type", "@type is not a string.")
        elif key != "@id":
            self.own_rule(path, "house.keyword")

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
        if self.left < 0 and self.house:
            self.own_rule(path, "house.too_large")
            raise _Stop
        if element.abstract:
            if not element.wrapper:
                self.report(path, "key.abstract", f"{element.name} is abstract.")
                return
            self.own_rule(
                path, "house.wrapper", f"{element.name} is a wrapper: it vanishes in JSON."
            )
        shape = element.shape
        if type(value) is dict:
            if depth <= MAX_DEPTH:
                self.object(element, shape, value, path, depth)
            else:  # Python's own stack would not do
                self.waiting.append((element, shape, value, path, depth))
        elif shape.simple is not None:
            self.simple(shape.simple, value, path)
            if shape.demanding:
                self.required(shape, {}, {}, path)
        elif value is None or value == "":
            self.report(path, "value.empty", "There is nothing.")
        elif isinstance(value, str) and is_blank(value) and not _is_void(element):
            self.own_rule(path, "house.blank")
            self.required(shape, {}, {}, path)
        else:
            self.report(path, "value.type", f"{element.name} must be an object.")

    def simple(self, simple: Simple, value: Any, path: Path, *, attribute: bool = False) -> None:
        """Check a plain value. An attribute's is written out in another way, and never a list's."""
        kind = type(value)
        if kind is str:
            if not value:
                self.report(path, "value.empty", "There is nothing.")
            elif not simple.accepts(value):
                self.text(simple, value, path)
        elif value is None:
            self.report(path, "value.empty", "There is nothing.")
        elif kind is dict or kind is list:
            if self.unplaced(value, path) and self.text(simple, _written_out(value), path):
                self.own_rule(path, "house.json_type")
        else:
            as_text = _written_out(value)
            as_text = as_text.lower() if kind is bool and not attribute else as_text
            suits = simple.boolean and not attribute if kind is bool else simple.numeric
            if self.text(simple, as_text, path) and not suits:
                self.own_rule(
                    path, "house.json_type", f"The JSON type does not suit a {simple.kind}."
                )

    def text(self, simple: Simple, text: str, path: Path) -> bool:
        """Check a text, written out if need be. Gives whether nothing was wrong with it."""
        if simple.accepts(text):
            return True
        if simple.conforms(text):
            self.own_rule(path, "house.form")
        elif simple.kind == "code":
            self.report(path, "value.code", "The code is not in the code list.")
        else:
            self.report(path, "value.malformed", f"The value is not a valid {simple.kind}.")
        return False

    def unplaced(self, value: Any, path: Path) -> bool:
        """Check the keys and identifiers of what stands where only text may.

        The schemas take it as it is written out, but what is none in JSON is none there either.
        Gives whether nothing was wrong.
        """
        before = len(self.problems)
        waiting = deque([value])
        while waiting:
            one = waiting.popleft()
            if one is None or one in ("", [], {}):
                self.report(path, "value.empty", "There is nothing.")
            elif isinstance(one, list):
                waiting.extend(one)
            elif isinstance(one, dict):
                if "@id" in one:
                    self.unplaced_identifier(one, path)
                waiting.extend(v for k, v in one.items() if k[:1] != "@" and self.is_ours(k, path))
        return len(self.problems) == before

    def unplaced_identifier(self, holder: Mapping[str, Any], path: Path) -> None:
        identifier = holder["@id"]
        if isinstance(identifier, dict | list):
            self.report(path, "reference.malformed", "@id is not a string.")
        elif isinstance(identifier, str):
            if len(holder) == 1:
                self.wanted.append((identifier, path))
            else:
                self.defined.add(identifier)

    def object(
        self, element: Element, shape: Shape, value: dict[str, Any], path: Path, depth: int
    ) -> None:
        if not value:
            self.report(path, "value.empty", "The object is empty.")
            return
        if depth > MAX_DEPTH and self.house:
            self.own_rule(path, "house.too_deep")
            raise _Stop
        if "@id" in value and self.identified(element, value, path):
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
        if shape.simple is not None and not shape.simple.conforms(""):
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
                if slot.passed:
                    self.own_rule(path, "house.adapter")
                else:
                    self.report(path, "part.missing", text)
        for name in shape.attributes:
            if name not in value:
                self.report(path, "part.missing", f"{name} is missing.")

    def attribute(self, simple: Simple | None, value: Any, path: Path) -> None:
        """Check an attribute: a string or a number. A boolean is written "true" or "false"."""
        if simple is None:
            self.report(path, "value.type", "An attribute of the schema takes a string here.")
        else:
            self.left -= 1
            self.simple(simple, value, path, attribute=True)

    def identified(self, element: Element, value: Mapping[str, Any], path: Path) -> bool:
        """Check "@id". True if it stands alone: a reference, with nothing else to check."""
        if element.wrapper:
            self.report(path, "reference.malformed", "A wrapper takes no @id.")
        shape = element.shape
        identifier = value["@id"]
        if not isinstance(identifier, str):
            self.report(path, "reference.malformed", "@id is not a string.")
            return len(value) == 1
        bare = identifier.lstrip("#")
        if is_name(bare) is None:
            name = xml_name(bare)
            if name is None:
                self.report(path, "reference.malformed", "@id is not # and a name.")
                return len(value) == 1
            self.own_rule(path, "house.identifier")
            bare = name
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


def _is_void(element: Element) -> bool:
    """Whether the schema gives a type no content at all, not even white space: some wrappers."""
    return element.wrapper and all(c.element is None for c in element.shape.children.values())


def _written_out(value: Any) -> str:
    """Write a JSON value as text, as the reference checker does; as NUL, never valid, where not."""
    try:
        return str(value)
    except (ValueError, RecursionError):  # too many digits, or lists too deep, for Python
        return "\0"


def _written(path: Path) -> str:
    steps: list[str] = []
    while path is not None:
        path, key, index = path
        steps.append(key if index is None else f"{key}[{index}]")
    return "/".join(reversed(steps))
