"""What a changed class of an element does to the records that were given.

A decision names classes; which elements they are stands in the vocabulary. So a set that calls an
element otherwise gives other things by the very same decision. Records are not logged: whether one
held the element isn't known, and what is told here is what would leave where it did.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.policy.comparing import Effect, View, level, way

_GIVEN = "give"


@dataclass(frozen=True, slots=True)
class Reclassed:
    """One element, or value of one, with its classes then and now.

    `then` and `now` are all the classes that bear on it, its own last: those of what it is part of
    count too. Empty: it had none, or has none. `element` is false for a value, which takes away
    from what its element gives and adds nothing.
    """

    name: str
    then: tuple[str, ...]
    now: tuple[str, ...]
    element: bool = True

    @property
    def title(self) -> str:
        """Name it, with its own class then and now where they differ."""
        if self.then == self.now:
            return self.name
        then, now = (found[-1] if found else "none" for found in (self.then, self.now))
        return f"{self.name}: {then} to {now}"


def reclassed(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Reclassed, ...]:
    """Compare two sets' data: `then` and `now` are all of it. Those alike are left out."""
    old, new = (data["sallyport"]["vocabulary"] for data in (then, now))
    changes = (*_paths(old, new), *_values(old, new))
    if old.get("wherever") == new.get("wherever"):
        return changes
    # Which places take whose classes then can't be told without the records.
    return (*changes, Reclassed("wherever", (), (), element=False))


def _paths(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Reclassed]:
    was, has = old.get("elements", {}), new.get("elements", {})
    for path in sorted(was.keys() | has.keys()):
        if was.get(path) != has.get(path):
            yield Reclassed(path, _chain(path, was), _chain(path, has))


def _chain(path: str, classes: Mapping[str, str]) -> tuple[str, ...]:
    steps = path.split("/")
    above = ("/".join(steps[:n]) for n in range(1, len(steps) + 1))
    return tuple(classes[p] for p in above if p in classes)


def _values(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Reclassed]:
    was, has = (
        {
            f"{key} {value}": element_class
            for key, classes in words.get("values", {}).items()
            for value, element_class in classes.items()
        }
        for words in (old, new)
    )
    for name in sorted(was.keys() | has.keys()):
        then, now = (tuple(filter(None, (found.get(name),))) for found in (was, has))
        if then != now:
            yield Reclassed(name, then, now, element=False)


def of_records(
    changes: tuple[Reclassed, ...], then: Mapping[str, View], now: Mapping[str, View]
) -> Iterator[Effect]:
    """Give what the changes do to the records that both outcomes of a release show."""
    for place in sorted(then.keys() & now.keys()):
        before, after = then[place], now[place]
        if before.show == after.show == "record":
            for change in changes:
                old = _least(before, change.then, change)
                new = _least(after, change.now, change)
                if old or new:
                    yield Effect(way(old, new), "path", after.agency, change.title)


def _least(view: View, classes: tuple[str, ...], change: Reclassed) -> int:
    """Give the strictest action of some classes. A part needs all of them."""
    if not classes:
        return level("" if change.element else _GIVEN)
    return min(level((view.classes or {}).get(c, "")) for c in classes)
