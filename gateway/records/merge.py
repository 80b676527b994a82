"""Several generations' indexes as one: a question then pays once for what each would cost alone.

Rows are put one generation after the other, and the numbers by which tables point at each other are
moved along. Texts are made one alphabet, since names are compared by their texts' numbers.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gateway.records.columns import NONE, TABLES, TEXT, Columns, Postings

Array = npt.NDArray[Any]

_POINTS_AT: Final = {
    "record.alike": "record",
    "person.record": "record",
    "person.first": "row",
    "row.person": "person",
    "vehicle.record": "record",
    "incident.record": "record",
    "offense.incident": "incident",
    "item.record": "record",
}
_POSTED: Final = {"row": "row", "code": "code"}
_OWNERS: Final = {"vin": "vehicle", "plate": "vehicle", "number": "incident", "serial": "item"}
"""Whose a number is, by its space; all others, `id:…`, are a person's."""
_SOUNDS: Final = ("text.sound", "text.sound_other", "text.consonants", "text.vowelless")


def merged(parts: Sequence[Columns], type_codes: Sequence[int]) -> Columns:
    """Make one index of several. `type_codes` is added to the record types of each part."""
    texts = list(dict.fromkeys(heapq.merge(*(p.texts for p in parts))))
    place = {text: n for n, text in enumerate(texts)}
    moved = [
        np.fromiter((*(place[t] for t in p.texts), NONE), np.int32, len(p.texts) + 1) for p in parts
    ]
    starts = _starts(parts)
    tables: dict[str, Array] = {}
    for table, columns in TABLES.items():
        for column, kind in columns.items():
            name = f"{table}.{column}"
            move = _mover(name, kind, moved, starts, type_codes)
            tables[name] = np.concatenate([move(n, p[name]) for n, p in enumerate(parts)])
    tables["code.owner"] = np.concatenate(
        [p["code.owner"] + _owners(p, starts[n]) for n, p in enumerate(parts)]
    )
    for name in _SOUNDS:
        sounds = np.zeros(len(texts), dtype=parts[0][name].dtype)
        for part, to in zip(parts, moved, strict=True):
            # A text that is no name in one source may be one in another.
            sounds[to[:-1]] = np.maximum(sounds[to[:-1]], part[name])
        tables[name] = sounds
    postings = {
        space: _postings([p.postings[space] for p in parts], [s[table] for s in starts])
        for space, table in _POSTED.items()
    }
    return Columns(texts, tables, postings)


def _starts(parts: Sequence[Columns]) -> list[dict[str, int]]:
    """Give the number of each table's first row, for each part."""
    found: list[dict[str, int]] = []
    ends = dict.fromkeys(TABLES, 0)
    for part in parts:
        found.append(dict(ends))
        for table, columns in TABLES.items():
            ends[table] += len(part[f"{table}.{next(iter(columns))}"])
    return found


def _mover(
    name: str,
    kind: str,
    texts: Sequence[Array],
    starts: Sequence[Mapping[str, int]],
    type_codes: Sequence[int],
) -> Callable[[int, Array], Array]:
    """Give what turns a column of part n into one of the whole."""
    if name == "record.type":
        return lambda n, column: column + np.int16(type_codes[n])
    if kind == TEXT:
        return lambda n, column: texts[n][column]  # -1, none, is the last
    if name in _POINTS_AT:
        return lambda n, column: column + np.int32(starts[n][_POINTS_AT[name]])
    return lambda _, column: column


def _owners(part: Columns, starts: Mapping[str, int]) -> Array:
    """Give for each number how far its owner moves."""
    by_space = np.full(len(part.texts) + 1, starts["person"], dtype=np.int32)
    for space, table in _OWNERS.items():
        by_space[[n for n, text in enumerate(part.texts) if text == space]] = starts[table]
    found: Array = by_space[part["code.space"]]
    return found


def _postings(parts: Sequence[Postings], starts: Sequence[int]) -> Postings:
    keys = np.concatenate([np.repeat(p.keys, np.diff(p.starts)) for p in parts])
    rows = np.concatenate([p.rows + np.int32(s) for p, s in zip(parts, starts, strict=True)])
    return Postings.of(keys, rows)
