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
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from gateway.records.keys import code_keys, hashes, index_keys
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
_FORMAT_MODULES = ("normalise", "sounds", "terms", "keys", "columns")
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

    def __init__(self, *, with_keys: bool = True) -> None:
        self._with_keys = with_keys
        self._texts: dict[str, int] = {}
        self._columns: dict[str, array[int]] = {}
        self._keys: dict[str, tuple[array[int], array[int]]] = {}
        self._counts: dict[str, int] = {}
        self._alike: dict[tuple[int, Hashable], int] = {}
        for table, columns in TABLES.items():
            self._counts[table] = 0
            for column, kind in columns.items():
                self._columns[f"{table}.{column}"] = array("i" if kind == TEXT else kind)
        for space in ("row", "code"):
            self._keys[space] = (array("Q"), array("i"))

    def add(
        self, number: int, record_type: int, terms: RecordTerms, facts: Hashable = None
    ) -> None:
        """Take in one record: its number (counting from 0), a code for its type, its terms.

        `facts` are those that policy decides by: records of one type with the same ones are alike.
        """
        alike = self._alike.setdefault((record_type, facts), number)
        self._append("record", type=record_type, alike=alike)
        for person in terms.persons:
            self._add_person(number, person)
        for v in terms.vehicles:
            row = self._counts["vehicle"]
            texts = {
                **{k: self._text(getattr(v, k)) for k in ("vin", "plate", "plate_state")},
                **{k: self._text(getattr(v, k)) for k in ("color", "category")},
                **self._two("make", v.makes),
                **self._two("model", v.models),
            }
            first, last = (min(v.dates), max(v.dates)) if v.dates else (0, 0)
            self._append("vehicle", record=number, year=v.year, first=first, last=last, **texts)
            self._add_code("vin", v.vin, "", row)
            self._add_code("plate", v.plate, v.plate_state, row)
        for i in terms.incidents:
            first, last = (min(i.dates), max(i.dates)) if i.dates else (0, 0)
            row = self._counts["incident"]
            self._append(
                "incident", record=number, number=self._text(i.number), first=first, last=last
            )
            self._add_code("number", i.number, "", row)
            for offense in i.offenses:
                self._append("offense", incident=row, offense=self._text(offense))
        for t in terms.items:
            row = self._counts["item"]
            texts = {k: self._text(getattr(t, k)) for k in ("serial", "type", "make")}
            self._append("item", record=number, **texts)
            self._add_code("serial", t.serial, "", row)

    def finish(self) -> Columns:
        """Make the columns. The builder is of no use afterwards."""
        tables = {k: np.array(v, dtype=DTYPES[v.typecode]) for k, v in self._columns.items()}
        self._columns.clear()
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
        index = self._counts["person"]
        sex = ord(person.sex) if person.sex else 0
        self._append("person", record=number, first=self._counts["row"], sex=sex)
        pairs = list(product(person.names or (None,), person.births or (0,)))[:_MOST_ROWS]
        for name, birth in pairs:
            row = self._counts["row"]
            parts = name.parts if name else ("",) * len(NAME_PARTS)
            texts = {k: self._text(v) for k, v in zip(NAME_PARTS, parts, strict=True)}
            self._append("row", person=index, birth=birth, **texts)
            if self._with_keys:
                self._post("row", index_keys(name, birth), row)
        for i in person.identifiers:
            self._add_code(f"id:{i.type}", i.number, i.jurisdiction, index)

    def _add_code(self, space: str, number: str, jurisdiction: str, owner: int) -> None:
        if not number:
            return
        row = self._counts["code"]
        self._append(
            "code",
            space=self._text(space),
            number=self._text(number),
            jurisdiction=self._text(jurisdiction),
            owner=owner,
        )
        if self._with_keys:
            self._post("code", code_keys(space, number), row)

    def _two(self, name: str, values: tuple[str, ...]) -> dict[str, int]:
        padded = (*values, "", "")
        return {name: self._text(padded[0]), f"{name}_name": self._text(padded[1])}

    def _text(self, text: str) -> int:
        if not text:
            return NONE
        return self._texts.setdefault(text.replace("\n", " "), len(self._texts))

    def _append(self, table: str, **values: int) -> None:
        for column, value in values.items():
            self._columns[f"{table}.{column}"].append(value)
        self._counts[table] += 1

    def _post(self, space: str, keys: set[str], row: int) -> None:
        into, rows = self._keys[space]
        found = hashes(keys)
        into.frombytes(found.tobytes())
        rows.extend([row] * len(found))


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
DTYPES = {"h": np.int16, "i": np.int32, "B": np.uint8, "Q": np.uint64}


def _postings(key_list: "array[int]", row_list: "array[int]") -> Postings:
    keys = np.frombuffer(key_list, dtype=np.uint64) if key_list else np.empty(0, np.uint64)
    rows = np.frombuffer(row_list, dtype=np.int32) if row_list else np.empty(0, np.int32)
    return Postings.of(keys, rows).shorter_than(LONGEST_POSTING)


def _split(blob: bytes) -> Iterator[bytes]:
    for start in range(0, max(1, len(blob)), _CHUNK):
        yield blob[start : start + _CHUNK]
