"""The index as columns: what the import writes beside the records and the gateway loads whole.

`Columns` is plain numpy arrays and one list of strings, without a Python object a record. Rows of
persons are (name x birth date) pairs; every row knows its record's number. Texts are numbers into
`texts`; -1 is none. See `Builder.add` for what goes in.
"""

import io
from array import array
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from itertools import islice, product, repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from gateway.records.keys import code_keys, index_keys
from gateway.records.sounds import sound_of
from gateway.records.terms import PersonTerms, RecordTerms

Array = npt.NDArray[Any]

NONE = -1
TEXT = "t"
"""The kind of a column that holds numbers of texts."""
LONGEST_POSTING = 5_000
"""A key that more rows share than this selects nothing and is left out."""
_MOST_ROWS = 16
"""Name and birth date pairs of one person that are kept."""
_CHUNK = 32 * 2**20
NAME_PARTS = ("given", "given_first", "given_other", "surname", "surname_first", "surname_last")
_NO_NAME = (NONE,) * len(NAME_PARTS)
_FORMAT_MODULES = ("normalise", "sounds", "source", "terms", "keys", "columns")
VEHICLE_TEXTS = (
    *("vin", "plate", "plate_state", "make", "make_name", "model", "model_name"),
    *("color", "category"),
)


def index_format() -> str:
    """Digest of the code that decides what an index holds: a change makes kept ones stale."""
    digest = sha256()
    for name in _FORMAT_MODULES:
        digest.update((files("gateway.records") / f"{name}.py").read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Postings:
    """Which rows stand under which key: `rows[starts[i]:starts[i + 1]]` for `keys[i]`, sorted."""

    keys: Array
    starts: Array
    rows: Array

    @classmethod
    def of(cls, keys: Array, rows: Array) -> "Postings":
        """Sort (key, row) pairs; the rows of one key keep their order."""
        order = np.argsort(keys, kind="stable")
        keys, rows = keys[order], rows[order]
        starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]]) if len(keys) else keys
        return cls(
            keys[starts] if len(keys) else keys, np.r_[starts, len(keys)].astype(np.int64), rows
        )

    def shorter_than(self, longest: int) -> "Postings":
        """Leave out the keys that more rows share than this."""
        lengths = np.diff(self.starts)
        kept = lengths <= longest
        rows = self.rows[np.repeat(kept, lengths)]
        starts = np.r_[0, np.cumsum(lengths[kept])].astype(np.int64)
        return Postings(self.keys[kept], starts, rows)

    def lookup(self, wanted: Array) -> list[Array]:
        """Give the rows of each key that is known, one array a key."""
        if not len(self.keys):
            return []
        at = np.searchsorted(self.keys, wanted)
        at[at == len(self.keys)] = 0
        at = at[self.keys[at] == wanted]
        lows, highs = self.starts[at].tolist(), self.starts[at + 1].tolist()
        return [self.rows[low:high] for low, high in zip(lows, highs, strict=True)]


@dataclass(frozen=True, slots=True)
class Columns:
    """One generation's index. `tables` maps "table.column" to an array; see the module's text."""

    texts: list[str]
    tables: Mapping[str, Array]
    postings: Mapping[str, Postings]

    def __getitem__(self, name: str) -> Array:
        return self.tables[name]

    @property
    def records(self) -> int:
        """How many records it is of."""
        return len(self["record.type"])

    def parts(self) -> Iterator[tuple[str, bytes]]:
        """Give everything as (name, bytes), each part of some 32 MiB at most."""
        blob = "\n".join(self.texts).encode()
        yield from ((f"texts/{n}", part) for n, part in enumerate(_split(blob)))
        arrays = dict(self.tables)
        for name, p in self.postings.items():
            arrays |= {f"{name}#keys": p.keys, f"{name}#starts": p.starts, f"{name}#rows": p.rows}
        for name, column in arrays.items():
            out = io.BytesIO()
            np.save(out, column, allow_pickle=False)
            yield from ((f"{name}/{n}", p) for n, p in enumerate(_split(out.getvalue())))

    @classmethod
    def of_parts(cls, parts: Iterable[tuple[str, bytes]]) -> "Columns":
        """Put together what `parts` gave, in any order of names. Raises ValueError if one lacks."""
        blobs: dict[str, dict[int, bytes]] = {}
        for label, data in parts:
            name, _, number = label.rpartition("/")
            blobs.setdefault(name, {})[int(number)] = data
        whole = {n: b"".join(p[k] for k in sorted(p)) for n, p in blobs.items()}
        if "texts" not in whole:
            raise ValueError("the index has no texts")
        texts = whole.pop("texts").decode()
        arrays = {n: np.load(io.BytesIO(b), allow_pickle=False) for n, b in whole.items()}
        names = {n.partition("#")[0] for n in arrays if "#" in n}
        postings = {
            n: Postings(*(arrays.pop(f"{n}#{part}") for part in ("keys", "starts", "rows")))
            for n in names
        }
        return cls(texts.split("\n") if texts else [], arrays, postings)


class Builder:
    """Collects the terms of records, in order of their numbers, and makes `Columns`."""

    def __init__(self) -> None:
        self._texts: dict[str, int] = {}
        self._texts_before = 0
        """How many texts were put away: the next number is behind them."""
        self._rows = {table: array("i") for table in TABLES}
        """The rows of each table one after the other, their values in the order of `TABLES`."""
        self._keys = {space: (array("Q"), array("i")) for space in ("row", "code")}
        self._alike: dict[tuple[int, Hashable], int] = {}

    def add(
        self, number: int, record_type: int, terms: RecordTerms, facts: Hashable = None
    ) -> None:
        """Take in one record: its number (counting from 0), a code for its type, its terms.

        `facts` are those that policy decides by: records of one type with the same ones are alike.
        """
        alike = self._alike.setdefault((record_type, facts), number)
        self._append("record", record_type, alike)
        for person in terms.persons:
            self._add_person(number, person)
        for v in terms.vehicles:
            named = (v.vin, v.plate, v.plate_state, *_two(v.makes), *_two(v.models))
            row = self._append(
                *("vehicle", number),
                *map(self._text, (*named, v.color, v.category)),
                *(v.year, *_span(v.dates)),
            )
            self._add_code("vin", v.vin, "", row)
            self._add_code("plate", v.plate, v.plate_state, row)
        for i in terms.incidents:
            row = self._append("incident", number, self._text(i.number), *_span(i.dates))
            self._add_code("number", i.number, "", row)
            for offense in i.offenses:
                self._append("offense", row, self._text(offense))
        for t in terms.items:
            row = self._append("item", number, *map(self._text, (t.serial, t.type, t.make)))
            self._add_code("serial", t.serial, "", row)

    def finish(self) -> Columns:
        """Make the columns. The builder is of no use afterwards."""
        tables = dict(self._made_tables())
        self._sort_texts(tables)
        tables |= self._sounds(tables)
        postings = {space: _postings(*lists) for space, lists in self._keys.items()}
        self._keys.clear()
        return Columns(list(self._texts), tables, postings)

    def _sort_texts(self, tables: dict[str, Array]) -> None:
        """Give the texts numbers by the alphabet: what is compared together lies together."""
        texts = sorted(self._texts)
        numbers = np.full(len(texts) + 1, NONE, dtype=np.int32)  # the last is for none
        for new, text in enumerate(texts):
            numbers[self._texts[text]] = new
        for table, columns in TABLES.items():
            for column in (c for c, kind in columns.items() if kind == TEXT):
                tables[f"{table}.{column}"] = numbers[tables[f"{table}.{column}"]]
        self._texts = dict.fromkeys(texts, 0)

    def _sounds(self, tables: Mapping[str, Array]) -> dict[str, Array]:
        """Say of every text that is part of a name how it sounds."""
        texts = list(self._texts)
        used = np.unique(np.concatenate([tables[f"row.{p}"] for p in NAME_PARTS]))
        sounds = np.zeros((len(texts), 3), dtype=np.int32)
        vowelless = np.zeros(len(texts), dtype=bool)
        for n in used[used >= 0].tolist():
            *sounds[n], vowelless[n] = sound_of(texts[n])
        names = ("text.sound", "text.sound_other", "text.consonants")
        return {**dict(zip(names, sounds.T.copy(), strict=True)), "text.vowelless": vowelless}

    def _add_person(self, number: int, person: PersonTerms) -> None:
        text = self._text
        sex = ord(person.sex) if person.sex else 0
        first = len(self._rows["row"]) // len(TABLES["row"])
        index = self._append("person", number, first, sex)
        pairs = product(person.names or (None,), person.births or (0,))
        for name, birth in islice(pairs, _MOST_ROWS):
            parts = _NO_NAME if name is None else map(text, name.parts)
            row = self._append("row", index, birth, *parts)
            self._post("row", index_keys(name, birth), row)
        for i in person.identifiers:
            self._add_code(f"id:{i.type}", i.number, i.jurisdiction, index)

    def _add_code(self, space: str, number: str, jurisdiction: str, owner: int) -> None:
        if not number:
            return
        text = self._text
        row = self._append("code", text(space), text(number), text(jurisdiction), owner)
        self._post("code", code_keys(space, number), row)

    def _text(self, text: str) -> int:
        """Give a text's number, a new one if it is new."""
        if not text:
            return NONE
        known = self._texts.get(text)
        if known is None:
            new = self._texts_before + len(self._texts)
            known = self._texts.setdefault(text.replace("\n", " "), new)
        return known

    def _append(self, table: str, *values: int) -> int:
        """Put one row into a table, its values in the order of `TABLES`; give its number."""
        rows = self._rows[table]
        number = len(rows) // len(values)
        rows.extend(values)
        return number

    def _made_tables(self) -> Iterator[tuple[str, Array]]:
        """Give each column by its name; texts by the numbers that they have here."""
        for table, columns in TABLES.items():
            flat = self._rows.pop(table)
            rows = np.frombuffer(flat, np.int32) if flat else np.empty(0, np.int32)
            by_column = rows.reshape(-1, len(columns)).T
            for column, (name, kind) in zip(by_column, columns.items(), strict=True):
                yield f"{table}.{name}", column.astype(DTYPES[kind])

    def _post(self, space: str, keys: set[int], row: int) -> None:
        into, rows = self._keys[space]
        into.extend(keys)
        rows.extend(repeat(row, len(keys)))


TABLES: Mapping[str, Mapping[str, str]] = {
    "record": {"type": "h", "alike": "i"},
    "person": {"record": "i", "first": "i", "sex": "B"},
    "row": {"person": "i", "birth": "i", **dict.fromkeys(NAME_PARTS, TEXT)},
    "code": {**dict.fromkeys(("space", "number", "jurisdiction"), TEXT), "owner": "i"},
    "vehicle": {
        "record": "i",
        **dict.fromkeys(VEHICLE_TEXTS, TEXT),
        "year": "h",
        "first": "i",
        "last": "i",
    },
    "incident": {"record": "i", "number": TEXT, "first": "i", "last": "i"},
    "offense": {"incident": "i", "offense": TEXT},
    "item": {"record": "i", **dict.fromkeys(("serial", "type", "make"), TEXT)},
}
"""How each column is kept: i, h, B as in `array`, or TEXT.

`record.alike` is the number of the first record that policy can't tell from this one.
"""
DTYPES = {"h": np.int16, "i": np.int32, "B": np.uint8, TEXT: np.int32}


def _postings(key_list: "array[int]", row_list: "array[int]") -> Postings:
    keys = np.frombuffer(key_list, dtype=np.uint64) if key_list else np.empty(0, np.uint64)
    rows = np.frombuffer(row_list, dtype=np.int32) if row_list else np.empty(0, np.int32)
    return Postings.of(keys, rows).shorter_than(LONGEST_POSTING)


def _two(values: tuple[str, ...]) -> tuple[str, str]:
    """Give the first two, each empty if there is none."""
    one, other, *_ = (*values, "", "")
    return one, other


def _span(dates: tuple[int, ...]) -> tuple[int, int]:
    """Give the first and the last; 0 if there is none."""
    return (min(dates), max(dates)) if dates else (0, 0)


def _split(blob: bytes) -> Iterator[bytes]:
    for start in range(0, max(1, len(blob)), _CHUNK):
        yield blob[start : start + _CHUNK]
