"""The release's tables as the gateway uses them: what each property is and what it may hold.

Read from `release.json.xz`, which `tools/build_niem.py` writes; that script says what stands in it.
Types are put together when they are first met: inheritance, substitution groups and augmentations
(whose wrappers vanish in JSON) come out as one flat table of children for each type.
"""

import difflib
import json
import lzma
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any

from gateway.errors import Misconfigured
from gateway.niem.values import Simple, SimpleTypes

OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Slot:
    """One place in a type, shared by the properties that may stand in it.

    At most `most` values (None: no limit) and at least `least`, counted together. `wrapper` names
    the augmentation that brings it: then `least` counts only where another part of that
    augmentation is there. `number` is its place in the type.
    """

    number: int
    least: int
    most: int | None
    names: tuple[str, ...]
    wrapper: str | None


class Element:
    """One property that may be a key: its abstractness, whether a reference may stand for it."""

    def __init__(self, release: "Release", name: str, kind: str | None, flags: str) -> None:
        self.name = name
        self.type = kind
        self.abstract = "A" in flags or "W" in flags or kind is None
        self.referable = "N" in flags
        self._release = release

    @cached_property
    def shape(self) -> "Shape":
        """What its type allows."""
        return self._release.shape(self.type)


class Child:
    """A key of a type: the element, or the attribute's simple type, and the slot it counts in.

    `counted` is false where any number of it may stand, wrapped in nothing: the usual case.
    """

    __slots__ = ("attribute", "counted", "element", "slot")

    def __init__(self, slot: Slot, element: Element | None, attribute: Simple | None) -> None:
        self.slot = slot
        self.element = element
        self.attribute = attribute
        self.counted = slot.least > 0 or slot.most is not None or slot.wrapper is not None


class Shape:
    """What one type allows: its keys, and its own value if it is a simple one.

    `required` are the slots that every object of the type must fill, `in_wrapper` those that come
    with an augmentation, `attributes` the attributes that must be there. `demanding` is true if
    there are any of these.
    """

    __slots__ = ("attributes", "children", "demanding", "in_wrapper", "required", "simple")

    def __init__(
        self, children: dict[str, Child], simple: Simple | None, attributes: tuple[str, ...]
    ) -> None:
        self.children = children
        self.simple = simple
        self.attributes = attributes
        self.required: tuple[Slot, ...] = ()
        self.in_wrapper: dict[str, tuple[Slot, ...]] = {}
        self.demanding = False


@dataclass(frozen=True, slots=True)
class PropertyInfo:
    """What a mapping needs to know of a property at a path.

    `kind` is `object`, or the simple kind: `text`, `token`, `code`, `date`, `dateTime`, `gYear`,
    `integer`, `decimal`, `double`, `boolean`, `uri` and so on. `codes` is the code list, if it has
    one. `repeats` is true where a list of several may stand. `required` are the keys without which
    an object of it is not valid (of each group that may substitute another, the first).
    """

    name: str
    kind: str
    type: str
    referable: bool
    repeats: bool
    codes: frozenset[str] | None = None
    attribute: bool = False
    required: tuple[str, ...] = ()


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
            for slot in self._slots(particles, len(slots)):
                slots.append(slot)
                for key in slot.names:
                    if key not in children:  # the first place counts, as the schema orders them
                        children[key] = self._child(slot, key)
        shape = Shape(children, simple, tuple(attributes))
        shape.required = tuple(s for s in slots if s.least and s.wrapper is None)
        for wrapper in {s.wrapper for s in slots if s.wrapper}:
            shape.in_wrapper[wrapper] = tuple(s for s in slots if s.wrapper == wrapper and s.least)
        shape.demanding = bool(shape.required or attributes or any(shape.in_wrapper.values()))
        return shape

    def _child(self, slot: Slot, key: str) -> Child:
        if key in self._attributes:
            return Child(slot, None, self._simple[self._attributes[key]])
        return Child(slot, self.element(key), None)

    def _slots(self, particles: list[Any], start: int) -> Iterator[Slot]:
        number = start
        for name, least, most in particles:
            if not name.endswith("AugmentationPoint"):
                yield Slot(number, least, most, self._with_substitutes(name), None)
                number += 1
                continue
            for wrapper in self._substitutes.get(name, ()):
                kind, flags, _ = self._properties[wrapper]
                if "W" not in flags:
                    yield Slot(number, 0, None, (wrapper,), None)
                    number += 1
                    continue
                for inner, inner_least, inner_most in self._types[kind][1]:
                    names = self._with_substitutes(inner)
                    yield Slot(number, inner_least, inner_most, names, wrapper)
                    number += 1

    def _with_substitutes(self, name: str) -> tuple[str, ...]:
        """Give a property and all that may stand in its place; none that the schemas lack."""
        found = [name] if self.knows(name) else []
        for other in self._substitutes.get(name, ()):
            found += self._with_substitutes(other)
        return tuple(found)

    # -- questions asked when a mapping is loaded --------------------------------------------------

    def allows(self, parent: str, key: str) -> bool:
        """Whether `key` may stand directly in the object at path `parent` ("": the message)."""
        if not parent:
            element = self.element(key)
            return element is not None and not element.abstract
        child = self._walk(parent).children.get(key)
        return child is not None and (child.element is None or not child.element.abstract)

    def resolve(self, path: str) -> PropertyInfo:
        """Give what stands at a path such as `nc:Person/nc:PersonName/nc:PersonGivenName`.

        Raises Misconfigured, naming the step that the release does not allow and the nearest names
        that it does.
        """
        *parents, key = path.split("/")
        if not parents:
            element = self.element(key)
            if element is None or element.abstract:
                raise Misconfigured(self._complaint("", key, list(self._properties)))
            return self._info(element, repeats=True)
        child = self._walk("/".join(parents)).children.get(key)
        if child is None or (child.element is not None and child.element.abstract):
            shape = self._walk("/".join(parents))
            raise Misconfigured(self._complaint("/".join(parents), key, list(shape.children)))
        if child.attribute is not None:
            simple = child.attribute
            return PropertyInfo(
                key,
                simple.kind,
                self._attributes[key],
                referable=False,
                repeats=False,
                codes=simple.codes,
                attribute=True,
            )
        assert child.element is not None  # noqa: S101 - a child is an element or an attribute
        return self._info(child.element, repeats=child.slot.most != 1)

    def _walk(self, path: str) -> Shape:
        shape: Shape | None = None
        done = ""
        for key in path.split("/"):
            if shape is None:
                element = self.element(key)
                near = list(self._properties)
            else:
                child = shape.children.get(key)
                element = child.element if child else None
                near = list(shape.children)
            if element is None or element.abstract:
                raise Misconfigured(self._complaint(done, key, near))
            shape = element.shape
            done = f"{done}/{key}" if done else key
        assert shape is not None  # noqa: S101 - a path has at least one step
        return shape

    def _info(self, element: Element, *, repeats: bool) -> PropertyInfo:
        shape = element.shape
        simple = shape.simple
        return PropertyInfo(
            element.name,
            simple.kind if simple else OBJECT,
            element.type or "",
            element.referable,
            repeats,
            simple.codes if simple else None,
            required=tuple(s.names[0] for s in shape.required if s.names),
        )

    def _complaint(self, parent: str, key: str, allowed: list[str]) -> str:
        where = parent or "the message"
        element = self.element(key)
        if element is not None and element.abstract:
            instead = [n for n in self._with_substitutes(key) if not self._is_abstract(n)]
            return f"{where}: {key} is abstract; use one of {', '.join(instead[:6]) or 'none'}"
        known = "is not allowed here" if self.knows(key) else "is not a NIEM 6.0 property"
        near = difflib.get_close_matches(key, allowed, n=4, cutoff=0.6)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        return f"{where}: {key} {known}{hint}"

    def _is_abstract(self, name: str) -> bool:
        element = self.element(name)
        return element is not None and element.abstract


_NOTHING = Shape({}, None, ())


@cache
def release() -> Release:
    """Give the release, read once. Raises Misconfigured if the file is not there or not whole."""
    try:
        packed = resources.files("gateway.niem").joinpath("release.json.xz").read_bytes()
        return Release(json.loads(lzma.decompress(packed)))
    except (OSError, ValueError, KeyError, lzma.LZMAError) as error:
        raise Misconfigured("The NIEM release file is missing or damaged; reinstall.") from error
