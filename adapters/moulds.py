"""Copies of objects that were made before: each its own, so that no record shares with another."""

from collections.abc import Callable
from typing import Any

from adapters.trees import Tree


class Mould:
    """An object that copies are made of. `prefixes` are those that it uses."""

    __slots__ = ("_flat", "_inner", "prefixes")

    def __init__(self, tree: Tree, prefixes: frozenset[str] = frozenset()) -> None:
        self.prefixes = prefixes
        self._inner = [(key, one) for key, value in tree.items() if (one := _inner(value))]
        # What is made anew keeps its place, so that the order stays.
        self._flat = {**tree, **{key: None for key, _ in self._inner}}

    def make(self) -> Tree:
        """Give a copy."""
        found = self._flat.copy()
        for key, copy in self._inner:
            found[key] = copy()
        return found

    def named(self, identifier: str) -> Tree:
        """Give a copy of one that is referred to, under another identifier."""
        found = self.make()
        found["@id"] = identifier
        return found

    def copier(self) -> Callable[[], Tree]:
        """Give what makes a copy in the fewest steps."""
        return self.make if self._inner else self._flat.copy


def _inner(value: Any) -> Callable[[], Any] | None:
    """Give what copies an object or a list; None for a plain value."""
    if isinstance(value, dict):
        return Mould(value).copier()
    if not isinstance(value, list):
        return None
    each = [_inner(one) for one in value]
    values = value.copy()
    if not any(each):
        return values.copy
    return lambda: [one if copy is None else copy() for one, copy in zip(values, each, strict=True)]
