"""The release's tables as the gateway uses them: what each property is and what it may hold.

Read from `release.json.xz`, which `tools/build_niem.py` writes; that script says what stands in it.
Types are put together when they are first met: inheritance, substitution groups and augmentations
(whose wrappers vanish in JSON) come out as one flat table of children for each type.
"""

import json
import lzma
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any

from gateway.errors import Misconfigured
from gateway.niem.values import Simple, SimpleTypes

MAX_DEPTH = 64
"""How deep the objects of a message may be nested, by a rule of the house."""


_NOT_MISSED = frozenset({"gml:AbstractFeature"})
"""Abstract parts of another standard that must be there, but that the checker does not miss."""


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """One place in a type, shared by the properties that may stand in it.

    At most `most` values (None: no limit) and at least `least`, counted together. A slot equals
    only itself.
    """

    least: int
    most: int | None
    names: tuple[str, ...]
    passed: bool = False
    """Whether the reference checker does not miss it: see `_NOT_MISSED`."""


class Element:
    """One property that may be a key, if it is not abstract. A reference may stand for any."""

    def __init__(self, release: "Release", name: str, kind: str | None, flags: str) -> None:
        self.name = name
        self.type = kind
        self.wrapper = "W" in flags
        self.abstract = "A" in flags or self.wrapper or kind is None
        self._release = release

    @cached_property
    def shape(self) -> "Shape":
        """What its type allows."""
        return self._release.shape(self.type)


class Child:
    """A key of a type: the element, or the attribute's simple type, and the slot it counts in.

    `counted` is false where any number of it may stand, which is the usual case.
    """

    __slots__ = ("attribute", "counted", "element", "slot")

    def __init__(self, slot: Slot, element: Element | None, attribute: Simple | None) -> None:
        self.slot = slot
        self.element = element
        self.attribute = attribute
        self.counted = slot.least > 0 or slot.most is not None


class Shape:
    """What one type allows: its keys, and its own value if it is a simple one.

    `required` are the slots that every object of the type must fill, `attributes` the attributes
    that it must have. `demanding` is true if there are any.
    """

    __slots__ = ("attributes", "children", "demanding", "required", "simple")

    def __init__(
        self,
        children: dict[str, Child],
        simple: Simple | None = None,
        required: tuple[Slot, ...] = (),
        attributes: tuple[str, ...] = (),
    ) -> None:
        self.children = children
        self.simple = simple
        self.required = required
        self.attributes = attributes
        self.demanding = bool(required or attributes)


class Release:
    """The whole release. Not to be changed; made once by `release()`."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.namespaces: Mapping[str, str] = content["namespaces"]
        self.uris: frozenset[str] = frozenset(self.namespaces.values())
        self._types: Mapping[str, Any] = content["types"]
        self._properties: Mapping[str, Any] = content["properties"]
        self._attributes: Mapping[str, str] = content["attributes"]
        self._simple = SimpleTypes(content["simple"])
        self._elements: dict[str, Element] = {}
        self._shapes: dict[str, Shape] = {}
        self._substitutes: dict[str, list[str]] = {}
        for name, (_, _, head) in self._properties.items():
            if head is not None:
                self._substitutes.setdefault(head, []).append(name)

    def element(self, name: str) -> Element | None:
        """Give the element of that name, or None if the release has none."""
        made = self._elements.get(name)
        if made is None and name in self._properties:
            kind, flags, _ = self._properties[name]
            made = self._elements[name] = Element(self, name, kind, flags)
        return made

    def knows(self, name: str) -> bool:
        """Whether the release has an element or attribute of that name."""
        return name in self._properties or name in self._attributes

    def shape(self, type_name: str | None) -> Shape:
        """Give what a type allows. A type unknown to the release allows nothing."""
        if type_name is None or type_name not in self._types:
            return _NOTHING
        made = self._shapes.get(type_name)
        if made is None:
            made = self._shapes[type_name] = self._put_together(type_name)
        return made

    def lineage(self, type_name: str | None) -> Iterator[str]:
        """Give a type and those that it derives from, nearest first."""
        while type_name is not None and type_name in self._types:
            yield type_name
            type_name = self._types[type_name][0]

    def attribute_type(self, name: str) -> str:
        """Give the simple type of an attribute."""
        return self._attributes[name]

    def names(self) -> Iterator[str]:
        """Give the names of all elements."""
        return iter(self._properties)

    def _put_together(self, type_name: str) -> Shape:
        chain, simple, attributes = [type_name], None, []
        while parent := self._types[chain[0]][0]:
            chain.insert(0, parent)
        children: dict[str, Child] = {}
        slots: list[Slot] = []
        for name in chain:
            _, particles, value, needed = self._types[name]
            simple = self._simple[value] if value else simple
            attributes += needed
            for slot in self._slots(particles):
                slots.append(slot)
                for key in slot.names:
                    if key not in children:  # the first place counts, as the schema orders them
                        children[key] = self._child(slot, key)
        required = tuple(slot for slot in slots if slot.least)
        return Shape(children, simple, required, tuple(attributes))

    def _child(self, slot: Slot, key: str) -> Child:
        if key in self._attributes:
            return Child(slot, None, self._simple[self._attributes[key]])
        return Child(slot, self.element(key), None)

    def _slots(self, particles: list[Any]) -> Iterator[Slot]:
        for name, least, most in particles:
            if not name.endswith("AugmentationPoint"):
                names = self.with_substitutes(name)
                yield Slot(least, most, names, name in _NOT_MISSED)
                continue
            for added in self._substitutes.get(name, ()):
                kind, flags, _ = self._properties[added]
                if "W" in flags:
                    # The wrapper vanishes; none of them demands a part (the build script looks).
                    yield from self._slots(self._types[kind][1])
                else:
                    yield Slot(0, None, (added,))

    def with_substitutes(self, name: str) -> tuple[str, ...]:
        """Give a property and all that may stand in its place; none that the schemas lack."""
        found = [name] if self.knows(name) else []
        for other in self._substitutes.get(name, ()):
            found += self.with_substitutes(other)
        return tuple(found)


_NOTHING = Shape({})


@cache
def release() -> Release:
    """Give the release, read once. Raises Misconfigured if the file is not there or not whole."""
    try:
        packed = resources.files("gateway.niem").joinpath("release.json.xz").read_bytes()
        return Release(json.loads(lzma.decompress(packed)))
    except (OSError, ValueError, KeyError, lzma.LZMAError) as error:
        raise Misconfigured("The NIEM release file is missing or damaged; reinstall.") from error
