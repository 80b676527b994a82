"""Joins: rows of other tables or files, looked up by a key and read as part of a row.

A joined file may be as large as the first: it is put into a temporary database on disk that nobody
else can open and that is gone when reading ends. Rows are joined some hundreds at a time.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final, Protocol

import orjson

from adapters.conditions import Condition, all_hold
from adapters.rows import BadRow, Columns, Reader, Row, Stating, Values

BATCH: Final = 256
BETWEEN: Final = "\x1f"
"""Stands between the parts of a key of several columns."""
MOST_JOINED: Final = 1_000
"""Rows that one key may lead to."""


class Lookup(Protocol):
    """Finds the rows of one table by keys."""

    def columns(self) -> Columns:
        """Name its columns."""
        ...

    def find(self, keys: Sequence[str]) -> Mapping[str, list[Values]]:
        """Give the rows for each key that has some."""
        ...


@dataclass(frozen=True, slots=True)
class Join:
    """One join: its name, where its rows are, how they are found."""

    name: str
    lookup: Lookup
    sources: tuple[str, ...]
    """The columns whose values together are looked up."""
    parent: str | None
    """The repeated part that the source column belongs to, if any."""
    many: bool
    when: tuple[Condition, ...]
    required: bool
    several: str | None = None
    """Which of several rows counts: first or last. None: then the row is set aside."""

    @property
    def source(self) -> str:
        """The column to name where a join fails."""
        return self.sources[0]

    def key(self, holder: Values) -> str:
        """Give the key that a row is joined by; blank if part of it is."""
        if len(self.sources) == 1:
            return holder.get(self.sources[0], "")
        return composite([holder.get(s, "") for s in self.sources])


def composite(parts: Sequence[str]) -> str:
    """Write a key of several columns as one text."""
    return BETWEEN.join(parts) if all(parts) else ""


def join_columns(own: Columns, joins: Iterable[Join]) -> Columns:
    """Name what a row has when everything is joined to it."""
    plain = set(own.own)
    groups = {name: set(columns) for name, columns in own.groups.items()}
    for join in joins:
        names = {f"{join.name}.{c}" for c in join.lookup.columns().own}
        if join.parent is not None:
            groups[join.parent] |= names
        elif join.many:
            groups[join.name] = names
        else:
            plain |= names
    return Columns(frozenset(plain), {k: frozenset(v) for k, v in groups.items()})


def joined(rows: Iterable[Row | BadRow], joins: Sequence[Join]) -> Iterable[Row | BadRow]:
    """Join everything to each row. A row whose join fails comes out as a BadRow."""
    return _joined(rows, joins) if joins else rows


def _joined(rows: Iterable[Row | BadRow], joins: Sequence[Join]) -> Iterator[Row | BadRow]:
    waiting = iter(rows)
    while batch := list(islice(waiting, BATCH)):
        failed: dict[int, BadRow] = {}
        good = [r for r in batch if isinstance(r, Row)]
        for join in joins:
            _join(join, [r for r in good if id(r) not in failed], failed)
        yield from (failed.get(id(r), r) for r in batch)


def _join(join: Join, rows: Sequence[Row], failed: dict[int, BadRow]) -> None:
    holders = [(row, holder) for row in rows for holder in _holders(join, row)]
    keys = sorted({key for _, holder in holders if (key := join.key(holder))})
    found = join.lookup.find(keys)
    for row, holder in holders:
        key = join.key(holder)
        matches = [m for m in found.get(key, ()) if all_hold(join.when, m)]
        named = [{f"{join.name}.{c}": v for c, v in m.items()} for m in matches]
        if join.many and len(named) <= MOST_JOINED:
            row.groups[join.name] = named
        elif len(named) == 1 or (named and join.several is not None):
            holder.update(named[-1 if join.several == "last" else 0])
        elif named:
            text = f"several rows of {join.name} have this key"
            failed[id(row)] = _bad(row, "join.several", text, join, key)
        if join.required and not named:
            text = f"no row of {join.name} has this key"
            failed[id(row)] = _bad(row, "join.missing", text, join, key)


def _holders(join: Join, row: Row) -> list[Values]:
    return [row.values] if join.parent is None else row.groups.get(join.parent, [])


def _bad(row: Row, code: str, text: str, join: Join, key: str) -> BadRow:
    return BadRow(row.line, row.raw, code, text, join.source, key, row.span, row)


def collect(found: dict[str, list[Values]], key: str, values: Values) -> None:
    """Add a row to those of its key, but none of which there are too many already."""
    rows = found.setdefault(key, [])
    if len(rows) <= MOST_JOINED:
        rows.append(values)


class FileLookup:
    """Looks up rows of a file. The file is read when the first key is asked for."""

    def __init__(self, reader: Reader, key: Sequence[str]) -> None:
        self._reader = reader
        self._key = tuple(key)
        self._database: sqlite3.Connection | None = None

    def columns(self) -> Columns:
        """Name the file's columns."""
        return self._reader.columns()

    def as_of(self) -> datetime | None:
        """Give the moment that the file is of."""
        return self._reader.as_of()

    def stated(self) -> tuple[str, ...]:
        """Say what was found out about the file."""
        return self._reader.stated() if isinstance(self._reader, Stating) else ()

    def find(self, keys: Sequence[str]) -> Mapping[str, list[Values]]:
        """Give the rows for each key that has some."""
        if self._database is None:
            self._database = self._load()
        found: dict[str, list[Values]] = {}
        marks = ", ".join("?" * len(keys))
        query = f"SELECT k, row FROM joined WHERE k IN ({marks}) ORDER BY n"  # noqa: S608 - marks
        with closing(self._database.execute(query, list(keys))) as cursor:
            for key, packed in cursor:
                collect(found, key, orjson.loads(packed))
        return found

    def forget(self) -> None:
        """Let go of the temporary database; it is made anew when it is needed."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _key_of(self, values: Values) -> str:
        return composite([values.get(c, "") for c in self._key])

    def _load(self) -> sqlite3.Connection:
        # The empty name: a private file on disk that SQLite has already removed from its folder.
        database = sqlite3.connect("", check_same_thread=False)
        database.execute("CREATE TABLE joined (n INTEGER PRIMARY KEY, k TEXT, row BLOB)")
        database.executemany(
            "INSERT INTO joined (k, row) VALUES (?, ?)",
            (
                (key, orjson.dumps(row.values))
                for row in self._reader.rows()
                # A row that can't be read is set aside where its own file is the source.
                if isinstance(row, Row) and (key := self._key_of(row.values))
            ),
        )
        database.execute("CREATE INDEX joined_k ON joined (k)")
        database.commit()
        return database
