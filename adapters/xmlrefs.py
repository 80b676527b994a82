"""References between the objects of a message: `s:ref` to `s:id`, `structures:uri` to `#…`.

An object is looked for within the row's own element (or the message around it) and, if no message
is stated, among the objects of the file that stand outside of all rows. Those are kept in a
temporary database on disk, once something refers to one. Nothing is ever taken from another row.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast

from lxml import etree

from adapters.xmlpaths import Element, Fault, Names, is_named, is_nil, line_of
from adapters.xmlstream import Damaged, XmlStream

_XLINK: Final = "{http://www.w3.org/1999/xlink}href"
_CACHED: Final = 512
_MOST_FOLLOWED: Final = 100
"""References in a row, and elements that are one object by their `uri`."""
_WITH_ATTRIBUTES: Final = etree.XPath("descendant-or-self::*[@*]")


class References:
    """Which attributes name objects and which refer to them.

    Left out: any attribute `id` that is in a namespace, and `ref`, and `uri` or `xlink:href` that
    begin with `#`. So it is in GJXDM, NIEM and LEXS.
    """

    def __init__(self, names: Names, declared: Mapping[str, Any]) -> None:
        self._ids = _attributes(names, declared.get("id"))
        self._refs = _attributes(names, declared.get("ref"))
        # Most attributes are told by how they end: this is asked of every element.
        self._ends = tuple(self._refs) if self._refs is not None else ("ref", "}uri", "href")

    def name(self, element: Element) -> str | None:
        """Give the id of an object."""
        for key, value in element.attrib.items():
            if self._is(str(key), self._ids, "id") and (text := str(value).strip()):
                return text
        return None

    def reference(self, element: Element) -> str | None:
        """Give the id that an element refers to."""
        for key, value in element.items():
            name = str(key)
            if not name.endswith(self._ends):
                continue
            if self._is(name, self._refs, "ref") and (text := str(value).strip()):
                return text.removeprefix("#")
            if self._refs is None and _links(name):
                text = str(value).strip()
                if text.startswith("#") and text[1:]:
                    return text[1:]
        return None

    @staticmethod
    def links(element: Element) -> bool:
        """Whether an element has a `uri` or a link to something of its message."""
        return any(_links(str(k)) and str(v).strip()[:1] == "#" for k, v in element.attrib.items())

    def content(self, element: Element) -> dict[str, str]:
        """Give an element's attributes but its id."""
        every = ((str(key), str(value).strip()) for key, value in element.attrib.items())
        return {key: value for key, value in every if not self._is(key, self._ids, "id")}

    @staticmethod
    def _is(key: str, declared: frozenset[str] | None, usual: str) -> bool:
        if declared is not None:
            return key in declared
        return key.endswith(usual) and key[-len(usual) - 1 : -len(usual)] == "}"


class Objects:
    """The objects within one element, by id. A `Scope` of paths."""

    def __init__(
        self,
        root: Element,
        references: References,
        shared: "Callable[[str], Element | None] | None",
    ) -> None:
        self._root = root
        self._references = references
        self._shared = shared
        self._known: dict[str, list[Element]] | None = None
        self._referring: dict[str, list[Element]] = {}
        self._linked: dict[str, list[Element]] = {}

    def followed(self, element: Element) -> Iterable[Element]:
        """Give the object that an element refers to, what that one refers to, and so on.

        Nothing if it is no reference. Raises Fault.
        """
        return () if self._references.reference(element) is None else self._followed(element)

    def _followed(self, element: Element) -> Iterator[Element]:
        seen = {id(element): element}
        at = element
        while (wanted := self._references.reference(at)) is not None:
            if wanted == self._references.name(at):
                return
            found = self._named(wanted, at)
            if found is None:
                yield from self._said_of(wanted, at)
                return
            if id(found) in seen:
                raise Fault("xml.reference_loop", "references lead back to where they began")
            if len(seen) > _MOST_FOLLOWED:
                text = f"line {line_of(element)}: over {_MOST_FOLLOWED} references in a row"
                raise Fault("xml.reference_far", text, wanted)
            seen[id(found)] = at = found
            yield found

    def alike(self, one: Element, other: Element) -> bool:
        """Whether two elements say the same, whatever their ids are."""
        return (
            one.tag == other.tag
            and (one.text or "").strip() == (other.text or "").strip()
            and self._references.content(one) == self._references.content(other)
            and len(one) == len(other)
            and all(map(self.alike, one, other))
        )

    def _named(self, wanted: str, at: Element) -> Element | None:
        """Give the object that has this id, here or outside of all rows; None: there is none."""
        found = self._all().get(wanted, [])
        if len(found) > 1:
            text = f"line {line_of(at)}: several objects have this id"
            raise Fault("xml.reference_several", text, wanted)
        if found:
            return found[0]
        return self._shared(wanted) if self._shared is not None else None

    def _said_of(self, wanted: str, at: Element) -> list[Element]:
        """Give the other elements with content that say by their `uri` that they are this object.

        So it may be in NIEM 5, where no element has an id then.
        """
        every = self._linked.get(wanted, [])
        if not every:
            text = f"line {line_of(at)}: there is no object that it refers to"
            if len(at) or (at.text or "").strip():
                text += ". Is it no reference? Then say under `references` which attributes are"
            raise Fault("xml.reference", text, wanted)
        if len(every) > _MOST_FOLLOWED:
            text = f"line {line_of(at)}: over {_MOST_FOLLOWED} elements are this object"
            raise Fault("xml.reference_several", text, wanted)
        return [one for one in every if one is not at]

    def referring(self, element: Element, tags: Sequence[str]) -> list[Element]:
        """Give the elements of these names that hold a reference to an element, in order."""
        self._all()
        names = {self._references.name(element), self._references.reference(element)}
        found: dict[int, Element] = {}
        for name in names - {None}:
            for one in self._referring.get(str(name), ()):
                if one is not element:
                    for around in _around(one, self._root, tags):
                        found[id(around)] = around
        return list(found.values())

    def _all(self) -> dict[str, list[Element]]:
        """Give all objects by their ids, after one look at every element."""
        if self._known is None:
            self._known = {}
            for element in cast("list[Element]", _WITH_ATTRIBUTES(self._root)):
                if (name := self._references.name(element)) is not None:
                    self._known.setdefault(name, []).append(element)
                if (wanted := self._references.reference(element)) is not None:
                    self._referring.setdefault(wanted, []).append(element)
                    said = len(element) or (element.text or "").strip()
                    if said and not is_nil(element) and self._references.links(element):
                        self._linked.setdefault(wanted, []).append(element)
        return self._known


class Shared:
    """The objects of a file that stand outside of its rows, on disk, by id."""

    def __init__(
        self, path: Path, references: References, is_row: Callable[[Element], bool]
    ) -> None:
        self._path = path
        self._references = references
        self._is_row = is_row
        self._database: sqlite3.Connection | None = None
        self._cache: dict[str, Element | None] = {}

    def find(self, name: str) -> Element | None:
        """Give the object of this id, or None. Raises Fault if there are several."""
        if name not in self._cache:
            if self._database is None:
                self._database = self._load()
            query = "SELECT data FROM shared WHERE name = ? LIMIT 2"
            found = self._database.execute(query, (name,)).fetchall()
            if len(found) > 1:
                raise Fault("xml.reference_several", "several objects have this id", name)
            if found and found[0][0] is None:
                raise Fault(
                    "xml.reference_large", "the object that it refers to is too large", name
                )
            if len(self._cache) >= _CACHED:
                self._cache.clear()
            self._cache[name] = _parsed(found[0][0]) if found else None
        return self._cache[name]

    def forget(self) -> None:
        """Let go of them."""
        self._cache.clear()
        if self._database is not None:
            self._database.close()
            self._database = None

    def _load(self) -> sqlite3.Connection:
        # The empty name: a private file on disk that SQLite has already removed from its folder.
        database = sqlite3.connect("", check_same_thread=False)
        database.execute("CREATE TABLE shared (name TEXT, data BLOB)")
        database.executemany("INSERT INTO shared VALUES (?, ?)", self._objects())
        database.execute("CREATE INDEX shared_name ON shared (name)")
        database.commit()
        return database

    def _objects(self) -> Iterator[tuple[str, bytes | None]]:
        stream = XmlStream(self._path, None)
        try:
            for name, element in self._outside(stream):
                yield name, None if element is None else etree.tostring(element, with_tail=False)
        except Damaged:
            return  # the rows' own reader says so

    def _outside(self, stream: XmlStream) -> Iterator[tuple[str, Element | None]]:
        """Give each object outside of rows as it ends; None for one that is too large."""
        rows = 0  # that are open
        held: list[tuple[str, Element]] = []
        for event in stream.events():
            if event is None:
                if stream.abandoned is not None:
                    yield from ((name, None) for name, _ in held)
                    held, stream.abandoned = [], None
                continue
            kind, element = event
            if rows or self._is_row(element):
                rows += 1 if kind == "start" else -1
            elif held and held[-1][1] is element:
                yield held.pop()
                if not held:
                    stream.hold(None)
            elif kind == "start" and (name := self._references.name(element)) is not None:
                if not held:
                    stream.hold(element)
                held.append((name, element))


def _parsed(data: bytes) -> Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(data, parser)


def _around(element: Element, root: Element, tags: Sequence[str]) -> Iterator[Element]:
    """Give the nearest element of these names that holds one, not beyond the root."""
    at: Element | None = element
    while at is not None:
        if is_named(at, tags):
            yield at
            return
        at = None if at is root else at.getparent()


def _attributes(names: Names, written: str | list[str] | None) -> frozenset[str] | None:
    if written is None:
        return None
    listed = [written] if isinstance(written, str) else written
    return frozenset(name for one in listed for name in names.attributes(one))


def _links(name: str) -> bool:
    return name == _XLINK or (name.startswith("{") and name.endswith("}uri"))
