"""Which questions a policy set decides alike, so that one decision serves them all.

No two matters have the same number, and so no two questions would ever share a decision. But rules
rarely do more with that number than see that there is one, or look it up in a list of the data. The
syntax trees tell: each place that can reach the number must be a test of its type, a comparison
with a written-out text, or a membership in plain data, that is, in what no rule makes. Then all
numbers that neither the data nor those comparisons hold lead to one outcome. Any other use anywhere
in the set, a kind of syntax that this module does not know too, and nothing is shared.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

import orjson

from gateway.policy.builtins import package_of, rules_of
from gateway.policy.syntax import Path, Tree, indexes, reference

_NUMBER = ("search", "reference", "number")
_TYPE_TESTS = frozenset(
    {
        *("is_array", "is_boolean", "is_null", "is_number", "is_object", "is_set", "is_string"),
        "type_name",
    }
)
_SAME = frozenset({"Eq", "Ne"})
_ANY = "any number that no rule knows"


class Alike:
    """Tells by a key which inputs of one policy set are decided alike."""

    def __init__(self, known: Collection[str] | None) -> None:
        """Take the numbers that the rules or the data know; None where any may be told apart."""
        self.holds = known is not None
        """Whether numbers that are not known make no difference."""
        self._known = frozenset(known or ())

    @classmethod
    async def of(cls, trees: Sequence[Tree], data: Mapping[str, Any]) -> Self:
        """Look through the syntax trees of all modules that decide, and their data.

        Other work of the event loop goes on meanwhile: a module at a time, about 1 ms.
        """
        uses = _Uses(trees)
        for tree in trees:
            await asyncio.sleep(0)
            if uses.tell_apart(tree):
                return cls(None)
        return cls(uses.compared_with | set(_texts(data)))

    def key(self, input_json: bytes) -> bytes:
        """Give the same for inputs that are decided alike. It is no input itself."""
        if not self.holds:
            return input_json
        try:
            case = orjson.loads(input_json)
            reference = case["search"]["reference"]
            number = reference["number"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return input_json
        if type(number) is not str or number in self._known:
            return input_json
        # Beside the number, so that the key can't be the input with such a number.
        reference["number"], case[_ANY] = None, True
        return orjson.dumps(case, option=orjson.OPT_SORT_KEYS)


class _Uses:
    """Looks through syntax trees for what could tell one number from another."""

    def __init__(self, trees: Iterable[Tree]) -> None:
        self._made = {
            (*package_of(tree).split("."), name.split(".")[0])
            for tree in trees
            for name in rules_of(tree)
        }
        self.compared_with = {""}

    def tell_apart(self, tree: Tree) -> bool:
        """Whether a module does. Notes the texts that it compares the number with."""
        ast = tree["ast"]
        if any(_path(i["refr"], "input") is not None for i in ast["imports"]):
            return True
        if not _TYPE_TESTS.isdisjoint(rules_of(tree)):
            return True  # a rule of its own by such a name
        return self._in(ast["rules"])

    def _in(self, part: Any) -> bool:
        if isinstance(part, list):
            return any(map(self._in, part))
        if not isinstance(part, dict):
            return False
        return any(self._at(kind, inner) for kind, inner in part.items())

    def _at(self, kind: str, inner: Any) -> bool:
        if kind == "with_mods" and inner:
            return True  # it could put anything anywhere
        if isinstance(inner, dict):
            path = _path({kind: inner}, "input")
            if path is not None:
                return _reaches(path) or self._in(list(indexes({kind: inner})))
            if self._harmless(kind, inner):
                return False
        return self._in(inner)

    def _harmless(self, kind: str, inner: Mapping[str, Any]) -> bool:
        """Whether it is one of the uses that all unknown numbers come through alike."""
        if kind == "Call" and len(inner["params"]) == 1:
            path = _path(inner["params"][0], "input")
            called = inner["fcn"].get("Var", {}).get("value")
            return called in _TYPE_TESTS and path is not None and None not in path
        if kind == "BoolExpr" and inner["op"] in _SAME:
            for one, other in ((inner["lhs"], inner["rhs"]), (inner["rhs"], inner["lhs"])):
                if _path(one, "input") == _NUMBER and "String" in other:
                    self.compared_with.add(other["String"]["value"])
                    return True
        if kind == "Membership" and inner["key"] is None:
            return _path(inner["value"], "input") == _NUMBER and self._plain(inner["collection"])
        return False

    def _plain(self, expr: Mapping[str, Any]) -> bool:
        """Whether it is a path into data that no rule makes, by steps that can't be the number."""
        path = _path(expr, "data")
        if path is None or self._in(expr):
            return False
        start = path[: path.index(None)] if None in path else path
        return bool(start) and not any(
            start[: len(made)] == made[: len(start)] for made in self._made
        )


def _path(expr: Mapping[str, Any], root: str) -> Path | None:
    """Give the steps of a reference from this root; None for any other expression."""
    found = reference(expr)
    return found[1] if found and found[0] == root else None


def _reaches(path: Path) -> bool:
    """Whether a path into the input can lead to the number, or to what holds it."""
    return all(step in {None, wanted} for step, wanted in zip(path, _NUMBER, strict=False))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, below in value.items():
            yield key
            yield from _texts(below)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
