"""Short paths into XML: `nc:PersonName/nc:PersonSurName`, `@s:id`, `j:Charge[j:ChargeType=F]/…`.

    p:Name  Name  *:Name  *    child elements; a name without prefix is in no namespace
    @p:name  @name             an attribute, last
    .                          the element itself, alone or first
    name()                     the element's name, last: LEXS says a role by it
    ^p:Name                    the elements of that name that refer to this one
    [path]  [path=text]  [path!=text]  [2]    only those for which it holds; the second

A reference is followed as if its object stood in its place. What the element says itself counts
too, unless its object says otherwise: then neither does. Prefixes are those of the mapping.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from lxml import etree

from gateway.errors import Misconfigured

Element: TypeAlias = etree._Element  # noqa: SLF001 - lxml has no public name for it

MAX_STEPS: Final = 32
MAX_FOUND: Final = 10_000
"""Elements that one path may lead to within one row."""
_NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_STEP: Final = re.compile(
    r"(?P<mark>[@^]?)(?:(?P<prefix>[\w.-]+|\*):)?(?P<name>[^\W\d][\w.-]*|\*)(?P<call>\(\))?"
)
_URI: Final = re.compile(r"[^{}<>\"\x00-\x1f]+")
_PREDICATE: Final = re.compile(r"\s*(?P<path>[^=!\[\]]+?)\s*(?:(?P<how>!?=)\s*(?P<value>.*?)\s*)?")


class Fault(Exception):
    """What a path leads to can't be used. `value` is what the file says there."""

    def __init__(self, code: str, text: str, value: str | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.value = value


class Scope(Protocol):
    """Where references are looked up."""

    def followed(self, element: Element) -> Iterable[Element]:
        """Give the object that an element refers to, what that one refers to, and so on.

        Nothing if it is no reference. Raises Fault.
        """
        ...

    def referring(self, element: Element, tags: Sequence[str]) -> list[Element]:
        """Give the elements of these names that hold a reference to an element."""
        ...

    def alike(self, one: Element, other: Element) -> bool:
        """Whether two elements say the same, whatever their ids are."""
        ...


class Names:
    """The prefixes of a mapping. `*` stands for any namespace."""

    def __init__(self, declared: Mapping[str, str | list[str]]) -> None:
        self._declared = {
            prefix: (written,) if isinstance(written, str) else tuple(written)
            for prefix, written in declared.items()
        }
        for uri in (uri for uris in self._declared.values() for uri in uris):
            if not _URI.fullmatch(uri):
                raise Misconfigured(f"{uri}: this is no namespace")

    def tags(self, prefix: str | None, name: str) -> tuple[str, ...]:
        """Give the full names that a short one may stand for, as lxml writes them."""
        if prefix is None:
            return (name,)
        if prefix == "*":
            return (f"{{*}}{name}",)
        if prefix not in self._declared:
            near = difflib.get_close_matches(prefix, self._declared, n=2, cutoff=0.5)
            known = ", ".join(near or self._declared) or "none"
            raise Misconfigured(
                f"{prefix}: the mapping declares no such prefix; there are: {known}"
            )
        return tuple(f"{{{uri}}}{name}" for uri in self._declared[prefix])

    def attributes(self, written: str) -> tuple[str, ...]:
        """Give the full names of an attribute: `@s:id`, or `s:id`."""
        found = _STEP.fullmatch(written.removeprefix("@"))
        if found is None or found["mark"] or found["call"]:
            raise Misconfigured(f"{written}: this is no attribute's name")
        return self.tags(found["prefix"], found["name"])


@dataclass(frozen=True, slots=True)
class Test:
    """What must hold of an element for a step to take it."""

    ending: "Ending | None" = None
    value: str | None = None
    """The text that must stand there, or with `equal` false must not; None: something must."""
    equal: bool = True
    number: int | None = None

    def holds(self, element: Element, scope: Scope) -> bool:
        """Whether it holds of an element. Raises Fault."""
        if self.ending is None:
            return True
        if self.value is None:
            return self.ending.is_there(element, scope)
        return (self.value in self.ending.texts(element, scope, {})) == self.equal


@dataclass(frozen=True, slots=True)
class Step:
    """One step to elements. `back` goes from an object to those that refer to it."""

    tags: tuple[str, ...]
    back: bool = False
    tests: tuple[Test, ...] = ()

    def matches(self, element: Element) -> bool:
        """Whether an element has one of the names."""
        return is_named(element, self.tags)

    def after(self, elements: Iterable[Element], scope: Scope) -> list[Element]:
        """Give where the step leads from these elements. Raises Fault."""
        found: list[Element] = []
        for element in elements:
            some = self._from(element, scope)
            for test in self.tests:
                some = _passed(some, test, scope)
            found.extend(some)
            if len(found) > MAX_FOUND:
                raise Fault("xml.too_many", f"over {MAX_FOUND:,} elements stand at one path")
        return found

    def _from(self, element: Element, scope: Scope) -> list[Element]:
        if self.back:
            return scope.referring(element, self.tags)
        found = list(element.iterchildren(*self.tags))
        for at in scope.followed(element):
            found = _both(element, found, list(at.iterchildren(*self.tags)), scope)
        return found


class Path:
    """Steps to elements. Paths that begin alike share their beginning: see `found`."""

    __slots__ = ("before", "step")

    def __init__(self, before: "Path | None", step: Step) -> None:
        self.before = before
        self.step = step

    def found(
        self, base: Element, scope: Scope, known: dict["Path", list[Element]]
    ) -> list[Element]:
        """Give the elements. `known` holds what was found from this base already. Raises Fault."""
        done = known.get(self)
        if done is None:
            start = [base] if self.before is None else self.before.found(base, scope, known)
            done = known[self] = self.step.after(start, scope) if start else []
        return done


@dataclass(frozen=True, slots=True)
class Ending:
    """A path to texts: elements, and what of them is asked for.

    `attributes` are names of which the first that is there counts. `root` are the steps of a path
    that begins at the file's root.
    """

    path: Path | None
    attributes: tuple[str, ...] = ()
    name: bool = False
    root: tuple[Step, ...] = ()

    def texts(self, base: Element, scope: Scope, known: dict[Path, list[Element]]) -> list[str]:
        """Give the texts that are not blank, each once, in order. Raises Fault."""
        if self.root:
            elements = _from_root(base, self.root, scope)
        else:
            elements = [base] if self.path is None else self.path.found(base, scope, known)
        found: dict[str, None] = {}
        for element in elements:
            text = self._text(element, scope)
            if text:
                found[text] = None
        return list(found)

    def is_there(self, base: Element, scope: Scope) -> bool:
        """Whether there is such an element, or such an attribute. Raises Fault."""
        if self.attributes or self.path is None:
            return bool(self.texts(base, scope, {}))
        return bool(self.path.found(base, scope, {}))

    def _text(self, element: Element, scope: Scope) -> str:
        if self.name:
            return local_name(element)
        text = _attribute(element, self.attributes) if self.attributes else _own_text(element)
        for at in scope.followed(element):
            if self.attributes:
                # Its own ones are about the reference, and no content.
                if text:
                    return text
                text = _attribute(at, self.attributes)
            elif not text:
                text = _own_text(at)
            elif not len(at) and _own_text(at) not in {"", text}:
                raise _differs(element, element)
        return text


def _both(
    element: Element, own: list[Element], theirs: list[Element], scope: Scope
) -> list[Element]:
    """Give the children of an element and of its object. Raises Fault where these differ."""
    if not (own and theirs):
        return own or theirs
    said, others = _by_name(own), _by_name(theirs)
    for name in said.keys() & others.keys():
        some, same = said[name], others[name]
        if len(some) != len(same) or not all(map(scope.alike, some, same)):
            raise _differs(element, some[0])
    return own + [e for e in theirs if local_name(e) not in said]


def _by_name(elements: Iterable[Element]) -> dict[str, list[Element]]:
    found: dict[str, list[Element]] = {}
    for element in elements:
        found.setdefault(local_name(element), []).append(element)
    return found


def _differs(element: Element, said: Element) -> Fault:
    name = local_name(said)
    text = (
        f"line {line_of(element)}: {local_name(element)} refers to an object and says something "
        f"itself, and the two differ: {name}"
    )
    value = name if len(said) else (said.text or "").strip()
    return Fault("xml.reference_differs", text, value)


def _from_root(record: Element, steps: Sequence[Step], scope: Scope) -> list[Element]:
    """Go along the elements around the record as far as the steps name them, then down."""
    around = [*reversed(list(record.iterancestors())), record]
    n = 0
    while n < min(len(steps), len(around)) and steps[n].matches(around[n]):
        n += 1
    if n == 0:
        return []
    found = [around[n - 1]]
    for step in steps[n:]:
        found = step.after(found, scope)
    return found


def _own_text(element: Element) -> str:
    if len(element):
        text = "it holds elements and no text: name the one within"
        raise Fault("xml.not_text", text, local_name(element))
    return (element.text or "").strip()


def _attribute(element: Element, names: Iterable[str]) -> str:
    for name in names:
        if name.startswith("{*}"):
            local = name[3:]
            for key, value in element.attrib.items():
                if str(key).rpartition("}")[2] == local:
                    return str(value).strip()
        elif (found := element.get(name)) is not None:
            return str(found).strip()
    return ""


def is_named(element: Element, tags: Iterable[str]) -> bool:
    """Whether an element has one of these names."""
    return any(_is(element.tag, tag) for tag in tags)


def _is(tag: object, wanted: str) -> bool:
    if not isinstance(tag, str):
        return False
    if wanted in {"*", "{*}*"}:
        return True
    return tag == wanted or (wanted.startswith("{*}") and tag.rpartition("}")[2] == wanted[3:])


def _passed(elements: list[Element], test: Test, scope: Scope) -> list[Element]:
    if test.number is not None:
        return elements[test.number - 1 : test.number]
    return [e for e in elements if test.holds(e, scope)]


def local_name(element: Element) -> str:
    """Give an element's name without its namespace. lxml's QName refuses names that files hold."""
    return str(element.tag).rpartition("}")[2]


def line_of(element: Element) -> int:
    """Give the line that an element begins on."""
    return max(1, int(getattr(element, "sourceline", None) or 1))


def is_nil(element: Element) -> bool:
    """Whether an element says that it has no content of its own."""
    return element.get(_NIL) in {"true", "1"}


class PathReader:
    """Reads written paths. Paths that begin alike get the same objects, so that work is shared."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._paths: dict[tuple[Path | None, Step], Path] = {}

    def ending(self, written: str, *, within: bool = False) -> Ending:
        """Read a path to texts. Raises Misconfigured."""
        parts = _split(written)
        last = parts[-1]
        kind = _STEP.fullmatch(last)
        attributes: tuple[str, ...] = ()
        name = last == "name()"
        if name or (kind is not None and kind["mark"] == "@"):
            attributes = () if name else self._names.attributes(last)
            parts = parts[:-1]
        if written.startswith("/"):
            if within:
                raise Misconfigured(f"{written}: such a path begins at the record alone")
            return Ending(None, attributes, name, tuple(self._step(p) for p in parts[1:]))
        return Ending(self._path(parts), attributes, name)

    def elements(self, written: str) -> Path:
        """Read a path from an element to others. Raises Misconfigured."""
        path = self._path(_split(written))
        if path is None or written.startswith("/"):
            raise Misconfigured(f"{written}: this is no path to elements")
        return path

    def around(self, written: str) -> tuple[bool, tuple[Step, ...]]:
        """Read where elements stand: whether from the root on, and the steps to their names."""
        parts = _split(written)
        rooted = written.startswith("/")
        steps = tuple(self._step(p) for p in (parts[1:] if rooted else parts))
        if not steps or any(s.back or s.tests for s in steps):
            raise Misconfigured(f"{written}: names of elements are needed here, and nothing else")
        return rooted, steps

    def _path(self, parts: Sequence[str]) -> Path | None:
        path: Path | None = None
        for number, part in enumerate(parts):
            if part == "." and number == 0:
                continue
            step = self._step(part)
            path = self._paths.setdefault((path, step), Path(path, step))
        return path

    def _step(self, written: str) -> Step:
        bare, tests = _predicates(written)
        found = _STEP.fullmatch(bare)
        if found is None or found["mark"] == "@" or found["call"]:
            raise Misconfigured(f"{written}: this is no step to elements")
        tags = self._names.tags(found["prefix"], found["name"])
        return Step(tags, found["mark"] == "^", tuple(self._test(t) for t in tests))

    def _test(self, written: str) -> Test:
        if written.isdecimal() and written.isascii() and 0 < int(written) <= MAX_FOUND:
            return Test(number=int(written))
        found = _PREDICATE.fullmatch(written)
        if found is None:
            raise Misconfigured(f"[{written}]: this is no condition")
        value = found["value"]
        if value is not None and len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        ending = self.ending(found["path"], within=True)
        return Test(ending, value, found["how"] != "!=")


def _split(written: str) -> list[str]:
    """Split a path at the slashes that stand in no brackets."""
    parts, depth, start = [], 0, 0
    for at, sign in enumerate(written):
        depth += (sign == "[") - (sign == "]")
        if depth not in {0, 1}:
            raise Misconfigured(f"{written}: its brackets do not match")
        if sign == "/" and depth == 0:
            parts.append(written[start:at])
            start = at + 1
    parts.append(written[start:])
    if depth:
        raise Misconfigured(f"{written}: its brackets do not match")
    if len(parts) > MAX_STEPS or not all(parts[1:]) or not (parts[0] or len(parts) > 1):
        raise Misconfigured(f"{written}: this is no path")
    return parts


def _predicates(written: str) -> tuple[str, list[str]]:
    bare, opened, rest = written.partition("[")
    if not opened:
        return bare, []
    if not rest.endswith("]"):
        raise Misconfigured(f"{written}: nothing may stand after its brackets")
    return bare, rest[:-1].split("][")
