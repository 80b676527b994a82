"""The tree of elements' classes: which classes an element is of, by where it stands and what it is.

The vocabulary maps paths to classes. A path holds from the message's root on. What `wherever` names
holds in any place: the elements of a type, by the path that classes that type, and single keys.
So an element may stand on several paths at once, and is given only if all of them give it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway import niem


@dataclass(frozen=True, slots=True)
class Wherever:
    """Whose classes hold wherever an element stands.

    `types` maps a type of the schema to the path whose classes are those of its elements, and of
    the elements of all types derived from it; what has no class there is left out. `keys_of` are
    paths: each key right below has its class in any place. `keys` are paths, whose last key has.
    `offices` are types of persons in their office: what such a type adds to a person is of the
    class of what it stands in.
    """

    types: Mapping[str, str] = field(default_factory=dict)
    keys_of: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    offices: frozenset[str] = frozenset()


@dataclass(slots=True, eq=False)
class Node:
    """One step of the tree of paths."""

    element_class: str | None = None
    children: dict[str, "Node"] = field(default_factory=dict)
    barred: frozenset[str] = frozenset()
    """Keys that stay out, whatever class is above."""
    office: bool = False
    """Any other key that has no path here is of the class of what all of this stands in."""


class Spot(NamedTuple):
    """Where an element stands in one of the trees, and its class there, if any so far."""

    node: Node
    own: str | None

    @property
    def shut(self) -> bool:
        """Nothing here has a class, nor anything below."""
        return self.own is None and not self.node.children


_LEAF = Node()
Spots = tuple[Spot, ...]
"""An element's place in each tree that it stands in."""


def further(spots: Spots, own: str) -> Spots:
    """Give what of a place bears on what is below, where all its classes are given, `own` last.

    Places that no path leads on from are one, so that there are not more of them the deeper one is.
    """
    on = (s for s in spots if s.node.children or s.node.barred or s.node.office)
    return (Spot(_LEAF, own), *on)


@dataclass(frozen=True, slots=True)
class ElementTree:
    """The paths of a set: from the root, and those that hold wherever a key stands."""

    root: Node
    wherever: Mapping[str, tuple[Node, ...]] = field(default_factory=dict)

    def start(self) -> Spots:
        """Give the place of the message itself."""
        return (Spot(self.root, None),)

    def step(self, spots: Spots, key: str) -> Spots:
        """Give the place of a key in what stands at a place."""
        found: list[Spot] = []
        for node, own in spots:
            child = node.children.get(key)
            if child is not None:
                found.append(Spot(child, child.element_class or own))
            elif key in node.barred:
                found.append(Spot(_LEAF, None))
            elif not node.office:
                found.append(Spot(_LEAF, own))
        for node in self.wherever.get(key, ()):
            if all(node is not spot.node for spot in found):
                found.append(Spot(node, node.element_class))
        return tuple(found)

    def classes(self, path: str) -> tuple[str, ...]:
        """Give all classes that have to be given for what stands at a path. None: it stays."""
        spots, passed = self.start(), dict[str, None]()
        for key in path.split("/"):
            spots = self.step(spots, key)
            if any(spot.shut for spot in spots):
                return ()
            passed |= dict.fromkeys(spot.own for spot in spots if spot.own is not None)
        return tuple(passed) if any(spot.own is not None for spot in spots) else ()


def compile_elements(elements: Mapping[str, str], wherever: Wherever | None = None) -> ElementTree:
    """Compile paths to a tree. What `wherever` names is in `elements`, and in the schema."""
    root = Node()
    for path, element_class in elements.items():
        node = root
        for key in path.split("/"):
            node = node.children.setdefault(key, Node())
        node.element_class = element_class
    if wherever is None:
        return ElementTree(root)
    found: dict[str, list[Node]] = {}
    for name, node in _by_type(root, wherever):
        found.setdefault(name, []).append(node)
    # A type's own element is classed as the type is: with what it has of those it derives from.
    for path in wherever.types.values():
        if path in found:
            root.children[path] = found[path][0]
    for name, node in _by_key(root, wherever):
        if node not in found.setdefault(name, []):
            found[name].append(node)
    return ElementTree(root, {name: tuple(nodes) for name, nodes in found.items()})


def _by_type(root: Node, wherever: Wherever) -> Iterator[tuple[str, Node]]:
    made: dict[tuple[str, ...], Node] = {}
    for name, types in niem.elements_of({*wherever.types, *wherever.offices}).items():
        if types not in made:
            made[types] = _merged(root, wherever, types)
        yield name, made[types]


def _merged(root: Node, wherever: Wherever, types: tuple[str, ...]) -> Node:
    """Give the classes of an element of these types, of which each derives from the next."""
    classed = [t for t in types if t in wherever.types]
    trees = [root.children[wherever.types[t]] for t in classed]
    merged = Node(next((t.element_class for t in trees if t.element_class), None))
    for tree in reversed(trees):
        merged.children |= tree.children
    merged.office = types[0] in wherever.offices
    if merged.office or merged.element_class:
        # What the type adds is let out; a person's key that has no class still is not.
        persons = (
            niem.keys_of(t) for t, n in zip(classed, trees, strict=True) if not n.element_class
        )
        merged.barred = frozenset[str]().union(*persons) - merged.children.keys()
    return merged


def _by_key(root: Node, wherever: Wherever) -> Iterator[tuple[str, Node]]:
    for path in wherever.keys_of:
        yield from _at(root, path).children.items()
    for path in wherever.keys:
        yield path.rpartition("/")[2], _at(root, path)


def _at(root: Node, path: str) -> Node:
    node = root
    for key in path.split("/"):
        node = node.children[key]
    return node


def unlisted(elements: Iterable[str], wherever: Wherever) -> Iterator[str]:
    """Give the paths that `wherever` names and the elements do not have."""
    known = {
        "/".join(steps[:n]) for p in elements for steps in [p.split("/")] for n in range(1, 17)
    }
    named = (*wherever.types.values(), *wherever.keys_of, *wherever.keys)
    yield from (path for path in named if path not in known)
