"""The texts of a set's rules, held against its vocabulary: what is compared with a purpose is one.

The walk of `gateway.policy.paths` comes by every text, and tells here what it stands beside.
"""

from collections.abc import Mapping, Sequence

from gateway.policy.builtins import Misuse, dotted
from gateway.policy.kinds import Kind
from gateway.policy.syntax import Tree
from gateway.policy.words import Words


class Spelling:
    """Holds the texts of one file's rules against the words; what is wrong is added to `found`."""

    def __init__(self, words: Words, tree: Tree, found: list[Misuse]) -> None:
        self._words = words
        self._file = tree["source"]["file"]
        self._package = dotted(tree["ast"]["package"]["refr"])
        self._found = found

    def compared(self, kind: Kind, other: Tree) -> None:
        """Hold texts that a value is compared with against the words that it may be."""
        lists = {s.get("words") for s in kind or ()}
        if len(lists) != 1 or None in lists:
            return
        (words,) = lists
        for text in texts_of(other):
            self._word(text, str(words))

    def field(self, key: Tree, value: Tree) -> None:
        """Hold what a field of an object is given against the words that it may have."""
        name = key.get("String", {}).get("value")
        if name is None:
            return
        words = self._words.of_field(self._package, name)
        if words is not None:
            texts = [k for _, k, _ in value["Object"]["fields"]] if "Object" in value else [value]
            for text in texts:
                for one in texts_of(text):
                    self._word(one, words)

    def given(self, name: str, key: Tree, named: Mapping[str, Sequence[Tree]]) -> None:
        """Hold what a rule of the law adds to one of the sets. `named`: what names go through."""
        words, place = self._words.of_set(self._package, name)
        if words is None:
            return
        if place is not None:
            items = key.get("Array", {}).get("items", [])
            if len(items) <= place:
                return
            key = items[place]
        for text in texts_of(key) or named.get(key.get("Var", {}).get("value", ""), []):
            self._word(text, words)

    def _word(self, text: Tree, words: str) -> None:
        reason = self._words.wrong(words, text["value"])
        if reason:
            self._found.append(Misuse(f"{self._file}:{text['span']['line']}", reason))


def texts_of(expr: Tree) -> list[Tree]:
    """Give the texts that an expression is, or that it lists."""
    (kind, inner), *_ = expr.items() if expr else (("", {}),)
    if kind in {"String", "RawString"}:
        return [inner]
    if kind in {"Array", "Set"}:
        return [t for item in inner["items"] for t in texts_of(item)]
    return []
