"""Going through the engine's syntax trees: JSON, with a kind of node as the key of each object."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Tree: TypeAlias = Mapping[str, Any]
_DEEP = frozenset({dict, list})


def walk(tree: Any) -> Iterator[dict[str, Any]]:
    """Give every object of a part of a syntax tree, the outer before what is in it, in order."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        below = node
        if type(node) is dict:
            yield node
            below = node.values()
        inside = [part for part in below if type(part) in _DEEP]
        inside.reverse()
        waiting += inside
