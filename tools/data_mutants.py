"""The mutants of a policy set's data: each constant, element and key, one at a time.

- an element of a list is removed
- a list of the vocabulary's words has one more of them: for each that it has not
- a key is removed, with all that is below it
- a constant is another one: a text, a number, true and false

What is left as it is, since no test of the set can hold it:

- what an agency sets for itself: the paths in the folder's `choices.yaml`, each with the reason. A
  test that rests on one would keep the agency from setting it.
- data that no rule names: it decides nothing in Rego. So it is with the classes of values and the
  words for cautions, which the gateway reads itself; and with the set's examples, which only tests
  read. But what says of which class an element is decides what leaves: it is changed, though no
  rule names it, and the set's tests hold it. Of the elements one line in four: they are many, and
  held by one list.
- words for people: `title`, `name`, and what a rule says with a record.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

from gateway.policy.sets import PolicySet
from gateway.policy.words import Words

CHOICES = "choices.yaml"
_A_CHOICE = {"path", "why"}
_FOR_PEOPLE = frozenset({"name", "title", "redisclosure_caveat"})
_NAMED = re.compile(r"\b([A-Za-z_]\w*)\.(?=([A-Za-z_]\w*)([.\w]?))")
_IMPORT = re.compile(r"^import .*$", re.MULTILINE)
_ELEMENTS = ("sallyport", "vocabulary", "elements")
_CLASSES = {_ELEMENTS, ("sallyport", "vocabulary", "wherever")}
"""What the gateway alone reads, and that the set's tests have to hold."""
_ONE_LINE_IN = 4
_FILES = ("data.yaml", "data.yml", "data.json")
Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class DataMutant:
    """One changed value of the data: what is at `path` becomes `text`, as JSON; empty: it is gone.

    The words are those of a rule's mutant: `rule` is the path as people write it.
    """

    file: str
    line: int
    path: Path_
    kind: str
    before: str
    text: str

    @property
    def rule(self) -> str:
        """The path, dotted, without an element's number."""
        return ".".join(["data", *(step for step in self.path if isinstance(step, str))])

    @property
    def where(self) -> str:
        """File and line."""
        return f"{self.file}:{self.line}"

    @property
    def key(self) -> str:
        """What tells it from every other one of the same set."""
        return f"{self.file}:{'/'.join(map(str, self.path))}:{self.kind}:{self.text}"

    def apply(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Give the data with the change. What is not on the way to it is shared."""
        changed: dict[str, Any] = _changed(data, self.path, self.text)
        return changed


def data_mutants(folder: Path, policy_set: PolicySet) -> list[DataMutant]:
    """Make every mutant of the data of a set, in the order of files and places.

    Raises ValueError where `choices.yaml` is malformed, or names what the data do not hold.
    """
    own = _choices(folder / CHOICES, policy_set.data)
    rules = "\n".join(policy_set.rules.values())
    named = _NAMED.findall(_IMPORT.sub("", rules))
    keys = {(folder, key) for folder, key, _ in named}
    whole = {(above, folder) for above, folder, further in named if not further}
    found: list[DataMutant] = []
    for path in sorted(p for p in folder.rglob("*") if p.name in _FILES):
        name = path.relative_to(folder)
        steps = name.parent.parts
        made = _Maker(name.as_posix(), policy_set.data, own)
        for key, line, node in _fields(yaml.compose(path.read_text(), Loader=yaml.SafeLoader)):
            if steps == _ELEMENTS and line % _ONE_LINE_IN:
                continue
            # `federal.adult_at`, or all of a folder.
            if (steps[-1], key) in keys or steps[-2:] in whole or steps in _CLASSES:
                found += made.of_field(
                    (*steps, key), line, node, _at(policy_set.data, (*steps, key))
                )
    return found


def _choices(path: Path, data: Mapping[str, Any]) -> frozenset[Path_]:
    # An object, since an OPA that is given the whole folder takes it for data.
    found = yaml.safe_load(path.read_text())["choices"] if path.exists() else []
    for entry in found:
        if not isinstance(entry, dict) or set(entry) != _A_CHOICE or not all(entry.values()):
            raise ValueError(f"{CHOICES}: an entry has {', '.join(sorted(_A_CHOICE))}: {entry}")
        try:
            _at(data, tuple(entry["path"].split("/")))
        except (KeyError, TypeError):
            raise ValueError(f"{CHOICES}: the data hold no {entry['path']}, take it out") from None
    return frozenset(tuple(entry["path"].split("/")) for entry in found)


def _fields(node: Any) -> Iterator[tuple[str, int, yaml.Node]]:
    for key, value in node.value:
        yield key.value, key.start_mark.line + 1, value


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the mutants of one file's data."""

    file: str
    data: Mapping[str, Any]
    own: frozenset[Path_]

    def of_field(self, path: Path_, line: int, node: yaml.Node, value: Any) -> Iterator[DataMutant]:
        """Make those of one key, and of all below it."""
        if path[-1] in _FOR_PEOPLE or any(path[:n] in self.own for n in range(len(path) + 1)):
            return
        yield DataMutant(self.file, line, path, "key removed", _json(value), "")
        yield from self._of_value(path, line, node, value)

    def _of_value(
        self, path: Path_, line: int, node: yaml.Node, value: Any
    ) -> Iterator[DataMutant]:
        if isinstance(node, yaml.MappingNode):
            for key, at, below in _fields(node):
                yield from self.of_field((*path, key), at, below, value[key])
        elif isinstance(node, yaml.SequenceNode):
            for number, (below, item) in enumerate(zip(node.value, value, strict=True)):
                at, one = below.start_mark.line + 1, (*path, number)
                yield DataMutant(self.file, at, one, "element removed", _json(item), "")
                # Another word in a text's place is that word's absence, as far as rules can see.
                if not isinstance(item, str):
                    yield from self._of_value(one, at, below, item)
            for word in self._others(str(path[-1]), value):
                longer = _json([*value, word])
                yield DataMutant(self.file, line, path, "word added", word, longer)
        else:
            kind, other = self._other(path, value)
            yield DataMutant(self.file, line, path, kind, _json(value), _json(other))

    def _other(self, path: Path_, value: Any) -> tuple[str, Any]:
        """Give another value; of a class, one that there is, since any other is refused."""
        if path[:-1] in _CLASSES and isinstance(value, str):
            classes = list(self.data["sallyport"]["vocabulary"]["classes"])
            return "class changed", classes[classes.index(value) - 1]
        return _other(value)

    def _others(self, key: str, value: list[Any]) -> list[str]:
        """Give the words of the vocabulary that a list of this name might hold, and does not."""
        kind = Words(self.data).of_field("", key)
        known = self.data["sallyport"]["vocabulary"].get(kind, ()) if kind else ()
        return [word for word in known if word not in value]


def _other(value: Any) -> tuple[str, Any]:
    if isinstance(value, bool):
        return "true and false", not value
    if isinstance(value, int | float):
        return "number changed", value + 1
    return "text changed", f"{value}_other"


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _at(value: Any, path: Path_) -> Any:
    for step in path:
        value = value[step]
    return value


def _changed(value: Any, path: Path_, text: str) -> Any:
    """Give a value with what is at a path changed, or gone."""
    if not path:
        return orjson.loads(text)
    step, below = path[0], path[1:]
    copy: Any = dict(value) if isinstance(value, Mapping) else list(value)
    if below or text:
        copy[step] = _changed(value[step], below, text)
    else:
        del copy[step]
    return copy
