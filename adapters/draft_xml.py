"""XML of any vocabulary: which elements repeat and are rows, and which paths in them hold text.

References are followed as the reader follows them. Names of NIEM 2 and 3, GJXDM and LEXS are known
by `elements` in `draft.yaml`; other elements are called as they are.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from adapters.guessing import knowledge
from adapters.xmlpaths import Element, Names
from adapters.xmlrefs import References
from adapters.xmlstream import Damaged, XmlStream
from gateway.errors import Misconfigured

MOST_ELEMENTS: Final = 200_000
_MOST_COLUMNS: Final = 200
_DEEPEST: Final = 12
_LEAST_ROWS: Final = 2
_FOLLOWED: Final = 2
"""How many references one behind the other are followed."""

_ALIAS: Final = re.compile(r"Alternate|Alias|Moniker")
_ALIASES: Final = {"full_name": "alias"}
_REFERENCES: Final = References(Names({}), {})

Path_ = tuple[str, ...]
"""The tags from the root to an element; of an attribute, its name with `@` is the last."""


@dataclass(slots=True)
class _Seen:
    """What stands in a file: for each path, how often, and how often at most beside itself."""

    counts: Counter[Path_] = field(default_factory=Counter)
    beside: dict[Path_, int] = field(default_factory=dict)
    texts: set[Path_] = field(default_factory=set)
    inner: defaultdict[Path_, dict[Path_, None]] = field(default_factory=lambda: defaultdict(dict))
    ids: dict[str, Path_] = field(default_factory=dict)
    refs: defaultdict[Path_, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))
    prefixes: dict[str, str] = field(default_factory=dict)


def find_columns(path: Path) -> tuple[dict[str, Any], list[str], dict[str, str]]:
    """Give the `namespaces`, `record` and `columns` of a format, notes, and doubts by column.

    Raises Misconfigured if the file is no XML that is read, or holds nothing that could be rows.
    """
    seen = _look(path)
    record = _record(seen)
    if record is None:
        raise Misconfigured(f"{path.name}: no element in it looks like a row; say record=")
    names = _prefixes(seen)
    columns: dict[str, str] = {}
    doubts: dict[str, str] = {}
    for title, steps, first in _leaves(seen, record):
        if len(columns) == _MOST_COLUMNS:
            break
        column = _unique(title, columns)
        columns[column] = "/".join(_step(tag, names, mark=mark) for tag, mark in steps)
        if first:
            doubts[column] = "several stand in a row; the first is taken"
    used = {_namespace(t) for p in seen.counts for t in p} - {""}
    spec = {
        "namespaces": {p: n for n, p in names.items() if n in used},
        "record": "/" + "/".join(_step(t, names, mark=False) for t in record),
        "columns": columns,
    }
    rows = seen.counts[record]
    known = [w for w, part in knowledge()["vocabularies"].items() if any(part in n for n in used)]
    notes = [f"Found out: {rows:,} {_local(record[-1])} are the rows; {len(columns)} columns."]
    if known:
        notes.append(f"It speaks {', '.join(known)}.")
    notes.append("CHECK: is each of these elements one record? See `record` and `parts`.")
    return spec, notes, doubts


def _look(path: Path) -> _Seen:
    seen = _Seen()
    stack: list[str] = []
    beside: list[Counter[str]] = [Counter()]
    try:
        for event in XmlStream(path, None).events():
            if event is None:
                continue
            what, element = event
            if what == "start":
                stack.append(str(element.tag))
                beside[-1][stack[-1]] += 1
                _note(seen, tuple(stack), element, beside[-1][stack[-1]])
                beside.append(Counter())
                if len(stack) > _DEEPEST * 4 or seen.counts.total() > MOST_ELEMENTS:
                    break
            else:
                if (element.text or "").strip() and not len(element):
                    seen.texts.add(tuple(stack))
                stack.pop()
                beside.pop()
    except Damaged as error:
        if not seen.counts:
            raise Misconfigured(f"{path.name}: {error.text}") from error
    return seen


def _note(seen: _Seen, here: Path_, element: Element, number: int) -> None:
    """Note one element: `number` of its name within the one around."""
    seen.beside[here] = max(seen.beside.get(here, 0), number)
    seen.counts[here] += 1
    seen.inner[here[:-1]][here] = None
    for prefix, name in element.nsmap.items():
        seen.prefixes.setdefault(str(name), str(prefix or "d"))
    for name, value in ((str(n), str(v)) for n, v in element.attrib.items()):
        # Those in a namespace are the vocabulary's own: ids, references, schema locations.
        if not name.startswith("{") and value.strip() and not value.startswith("#"):
            path = (*here, f"@{name}")
            seen.inner[here][path] = None
            seen.beside[path] = 1
            seen.texts.add(path)
    if (known := _REFERENCES.name(element)) is not None:
        seen.ids[known] = here
    if (to := _REFERENCES.reference(element)) is not None:
        seen.refs[here][to] = None


def _record(seen: _Seen) -> Path_ | None:
    """Give the path of the rows: what repeats, nearest to the root, with the most in it."""
    wanted = knowledge()["records"]

    def inside(path: Path_) -> int:
        return sum(p[: len(path)] == path for p in seen.counts)

    full = [p for p in seen.counts if len(p) > 1 and inside(p) > 1]
    known = [p for p in full if _local(p[-1]) in wanted]
    several = [p for p in full if seen.counts[p] >= _LEAST_ROWS]
    both = [p for p in known if p in set(several)]
    # What repeats within one of the elements that are known to be records is a part of it.
    around = [p for p in known if any(s[: len(p)] == p for s in several)]
    for found in (both, around, several, known):
        if found:
            return min(found, key=lambda p: (len(p), -inside(p)))
    return None


def _leaves(seen: _Seen, record: Path_) -> Iterator[tuple[str, list[tuple[str, bool]], bool]]:
    """Give each path that holds text: its title, its steps below the record, whether several."""

    def below(
        base: Path_, steps: tuple[tuple[str, bool], ...], followed: int
    ) -> Iterator[tuple[tuple[str, bool], ...]]:
        for path in seen.inner.get(base, {}):
            here = (*steps, (path[-1], seen.beside[path] > 1))
            if path in seen.texts:
                yield here
            if len(here) < _DEEPEST:
                yield from below(path, here, followed)
                if followed < _FOLLOWED:
                    targets = {seen.ids[to]: None for to in seen.refs[path] if to in seen.ids}
                    for target in targets:
                        if target != path and target[: len(path)] != path:
                            yield from below(target, here, followed + 1)

    given: set[tuple[str, ...]] = set()
    for steps in below(record, (), 0):
        key = tuple(tag for tag, _ in steps)
        if key not in given:
            given.add(key)
            yield _title(record, key), list(steps), any(several for _, several in steps)


def _title(record: Path_, tags: tuple[str, ...]) -> str:
    """Call a path by what is known of its elements, the innermost first."""
    if tags[-1].startswith("@"):
        return _words("_".join(map(_local, tags[-2:]))).strip("_").upper()
    known: Mapping[str, str] = knowledge()["elements"]
    names = [_local(record[-1]), *map(_local, tags)]
    for at in range(len(names) - 1, 0, -1):
        if (word := known.get(names[at])) is not None:
            owner = next((n for n in reversed(names[:at]) if n in knowledge()["records"]), "")
            if any(_ALIAS.search(name) for name in names):
                word = _ALIASES.get(word, f"alias_{word}")
            return word.replace("{of}", _words(owner)).upper().strip("_")
        if names[at] not in knowledge()["plain"]:
            break
    left = [n for n in names[1:] if n not in knowledge()["plain"]] or names[-1:]
    return _words(left[-1]).upper()


def _unique(title: str, taken: Mapping[str, Any]) -> str:
    column, number = title, 2
    while column in taken:
        column, number = f"{title}_{number}", number + 1
    return column


def _step(tag: str, prefixes: Mapping[str, str], *, mark: bool) -> str:
    space, name = _namespace(tag), _local(tag)
    written = f"{prefixes[space]}:{name}" if space else name
    return f"{written}[1]" if mark else written


def _prefixes(seen: _Seen) -> dict[str, str]:
    """Give each namespace a prefix of its own: that of the file where it has one."""
    found: dict[str, str] = {}
    for number, space in enumerate(dict.fromkeys(_namespace(t) for p in seen.counts for t in p)):
        wanted = re.sub(r"[^A-Za-z0-9_]", "_", seen.prefixes.get(space, "d"))
        if space:
            found[space] = wanted if wanted not in found.values() else f"n{number}"
    return found


def _namespace(tag: str) -> str:
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", "_", name)
