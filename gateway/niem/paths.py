"""Questions that a mapping or a policy asks when it is loaded, about what stands at a path.

A path is written `nc:Person/nc:PersonName/nc:PersonGivenName`. A question about a path that the
release does not have raises Misconfigured, with the step at fault and the nearest names.
"""

import difflib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.errors import Misconfigured
from gateway.niem.lexical import is_writable
from gateway.niem.release import Child, Element, Slot, release

OBJECT = "object"
_ANYWHERE = Slot(0, None, ())
_MAX_INTEGER: Final = 10**15
_FEW: Final = 8
"""So many keys of an object are named where none is like the wrong one."""


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
    repeats: bool
    codes: frozenset[str] | None = None
    attribute: bool = False
    required: tuple[str, ...] = ()


def resolve(path: str) -> PropertyInfo:
    """Give what stands at a path. Raises Misconfigured if nothing may."""
    child = _find(path)
    if child.attribute is not None:
        name = path.rpartition("/")[2]
        simple = child.attribute
        kind = release().attribute_type(name)
        return PropertyInfo(
            name,
            simple.kind,
            kind,
            repeats=False,
            codes=simple.codes,
            attribute=True,
        )
    element = _element(child, path)
    own = element.shape.simple
    return PropertyInfo(
        element.name,
        own.kind if own else OBJECT,
        element.type or "",
        repeats=child.slot.most != 1,
        codes=own.codes if own else None,
        required=tuple(s.names[0] for s in element.shape.required if s.names),
    )


def allows(parent: str, key: str) -> bool:
    """Whether `key` may stand directly in the object at path `parent` ("": the message itself).

    Raises Misconfigured if there is no such parent.
    """
    if not parent:
        element = release().element(key)
        return element is not None and not element.abstract
    child = _element(_find(parent), parent).shape.children.get(key)
    return child is not None and (child.element is None or not child.element.abstract)


def judge(path: str) -> Callable[[Any], bool]:
    """Give what judges a plain value at a path: whether `findings` would find nothing wrong in it.

    An object is never suitable there, nor a list. Under a prefix that is not the release's,
    anything is. Raises Misconfigured if there is no such path.
    """
    name = path.rpartition("/")[2]
    if name.partition(":")[0] not in release().namespaces:
        return lambda _: True
    child = _find(path)
    shape = child.element.shape if child.element is not None else None
    simple = child.attribute if shape is None else shape.simple
    if simple is None or (shape is not None and shape.attributes):
        return lambda _: False
    accepts, numeric = simple.accepts, simple.numeric
    boolean = simple.boolean and shape is not None
    if accepts is is_writable and not numeric and not boolean:
        return _is_text

    def suits(value: Any) -> bool:
        kind = type(value)
        if kind is str:
            return value != "" and bool(accepts(value))
        if kind is int:
            return numeric and -_MAX_INTEGER < value < _MAX_INTEGER and bool(accepts(str(value)))
        return kind is bool and boolean

    return suits


def _is_text(value: Any) -> bool:
    """Judge what most values are, in one call."""
    return type(value) is str and value != "" and (value.isprintable() or is_writable(value))


def code_list(path: str) -> frozenset[str] | None:
    """Give the codes of what stands at a path, or None if it has no closed list.

    NCIC's own code tables are not published with the release: for those it is None.
    """
    return resolve(path).codes


def kind_of(path: str) -> str:
    """Give the kind of what stands at a path: `object`, `code`, `text`, `date` and so on."""
    return resolve(path).kind


def elements_of(types: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Give the elements of some types and of those derived from them: by name, of which it is.

    The nearest comes first. Raises Misconfigured for a type that the release does not have.
    """
    for name in types:
        if not any(release().lineage(name)):
            raise Misconfigured(f"{name} is not a type of NIEM 6.0")
    found: dict[str | None, tuple[str, ...]] = {}
    given: dict[str, tuple[str, ...]] = {}
    for name in release().names():
        element = release().element(name)
        kind = element.type if element is not None else None
        if kind not in found:
            found[kind] = tuple(t for t in release().lineage(kind) if t in types)
        if found[kind]:
            given[name] = found[kind]
    return given


def keys_of(type_name: str) -> frozenset[str]:
    """Give the keys that an object of a type may have."""
    return frozenset(release().shape(type_name).children)


def _find(path: str) -> Child:
    """Walk along a path from the message. Raises Misconfigured at the first step that fails."""
    parent, _, key = path.rpartition("/")
    if parent:
        children = _element(_find(parent), parent).shape.children
        child = children.get(key)
        allowed = [k for k, c in children.items() if c.element is None or not c.element.abstract]
    else:
        element = release().element(key)
        child = Child(_ANYWHERE, element, None) if element else None
        allowed = []
    if child is None or (child.element is not None and child.element.abstract):
        raise Misconfigured(_complaint(parent, key, allowed))
    return child


def _element(child: Child, path: str) -> Element:
    if child.element is None:
        raise Misconfigured(f"{path} is an attribute: nothing stands below it")
    return child.element


def _complaint(parent: str, key: str, allowed: Sequence[str]) -> str:
    """Say what is wrong with a key. `allowed` may stand in the parent; none in a message: any."""
    where = parent or "the message"
    element = release().element(key)
    if element is not None and element.abstract:
        others = (release().element(name) for name in release().with_substitutes(key))
        instead = [e.name for e in others if e is not None and not e.abstract]
        return f"{where}: {key} is abstract; use one of {', '.join(instead[:6]) or 'none'}"
    known = "is not allowed here" if release().knows(key) else "is not a NIEM 6.0 property"
    near = difflib.get_close_matches(key, allowed or release().names(), n=4, cutoff=0.6)
    if near:
        return f"{where}: {key} {known}; did you mean {', '.join(near)}?"
    own = [k for k in allowed if ":" in k]
    hint = f"; there are {', '.join(own)}" if 0 < len(own) <= _FEW else ""
    return f"{where}: {key} {known}{hint}"
