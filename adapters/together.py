"""Several rows that are one: an export with a line for each charge of an arrest.

The rows need not stand together in the file: they are kept in a temporary database on disk that
nobody else can open, and given by the order of each one's first row.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from itertools import groupby

import orjson

from adapters.joins import composite
from adapters.rows import BadRow, Columns, Reader, Row, Stating, Values

_ASK = """
SELECT f.first, f.hurt, r.line, r.span, r.raw, r.row FROM
  (SELECT k, MIN(n) AS first,
          (SELECT MIN(line) FROM damaged WHERE damaged.k = rows.k) AS hurt
   FROM rows GROUP BY k) AS f JOIN rows AS r ON r.k = f.k
ORDER BY f.first, r.n
"""


class TogetherReader:
    """Gives the rows of another reader, those with one key as one, with a repeated part.

    `agree` names the columns of the row itself that a mapping uses: where its rows differ in one,
    nobody can say what holds of it, and all are set aside. So they are where one more row that has
    their key, or may have it, can't be read: what it says may be missing. A row of which nobody
    knows the key is `keyless`.
    """

    def __init__(
        self,
        reader: Reader,
        key: tuple[str, ...],
        part: str,
        agree: Callable[[], Iterable[str]],
    ) -> None:
        self._reader = reader
        self._key = key
        self._part = part
        self._agree = agree

    def columns(self) -> Columns:
        """Name the columns: those of a row stand for themselves, and in the repeated part."""
        own = self._reader.columns()
        part = frozenset(f"{self._part}.{c}" for c in own.own)
        return Columns(own.own, {**own.groups, self._part: part})

    def as_of(self) -> datetime | None:
        """Give the moment that the rows are of."""
        return self._reader.as_of()

    def total_hint(self) -> int | None:
        """Say about how many rows there are."""
        return self._reader.total_hint()

    def stated(self) -> tuple[str, ...]:
        """Say what was found out about the source."""
        return self._reader.stated() if isinstance(self._reader, Stating) else ()

    def rows(self) -> Iterator[Row | BadRow]:
        """Give the rows: first those that can't be read or have no key, then the others."""
        # The empty name: a private file on disk that SQLite has already removed from its folder.
        with closing(sqlite3.connect("", check_same_thread=False)) as database:
            database.execute(
                "CREATE TABLE rows (n INTEGER PRIMARY KEY, k TEXT, line INT, span INT,"
                " raw TEXT, row BLOB)"
            )
            database.execute("CREATE TABLE damaged (k TEXT, line INT)")
            for row in self._reader.rows():
                if isinstance(row, BadRow):
                    found = [k for k in row.keys(self._key) if all(k)]
                    database.executemany(
                        "INSERT INTO damaged (k, line) VALUES (?, ?)",
                        ((composite(k), row.line) for k in found),
                    )
                    yield row if found or row.no_record else replace(row, keyless=True)
                    continue
                keys = [row.values.get(c, "") for c in self._key]
                if not all(keys):
                    blank = self._key[keys.index("")]
                    text = "the row has no key: nobody can say which it belongs to"
                    why = ("rows.no_key", text, blank, "")
                    yield BadRow(row.line, row.raw, *why, row.span, row, keyless=True)
                    continue
                database.execute(
                    "INSERT INTO rows (k, line, span, raw, row) VALUES (?, ?, ?, ?, ?)",
                    (composite(keys), row.line, row.span, row.raw, orjson.dumps(row.values)),
                )
            database.execute("CREATE INDEX rows_k ON rows (k)")
            database.execute("CREATE INDEX damaged_k ON damaged (k)")
            with closing(database.execute(_ASK)) as cursor:
                for (_, hurt), group in groupby(cursor, key=lambda r: (r[0], r[1])):
                    lines = [(r[2], r[3], r[4], orjson.loads(r[5])) for r in group]
                    yield self._one(lines, hurt)

    def _one(self, lines: list[tuple[int, int, str, Values]], hurt: int | None) -> Row | BadRow:
        """Make one row of several. `hurt`: the line of another one, that can't be read."""
        first, _, _, values = lines[0]
        raw = "\n".join(text for _, _, text, _ in lines)
        span = sum(n for _, n, _, _ in lines)
        parts = [{f"{self._part}.{k}": v for k, v in row.items()} for *_, row in lines]
        row = Row(first, raw, dict(values), {self._part: parts}, span)
        if hurt is not None:
            text = f"a row that is one with it, or may be, can't be read: line {hurt:,}"
            unread = frozenset({self._part, *self._agree()}.difference(self._key))
            why = ("rows.damaged", text, None, None)
            return BadRow(first, raw, *why, span, row, unread)
        differing = [
            column
            for column in self._agree()
            if any(other.get(column) != values.get(column) for *_, other in lines)
        ]
        if not differing:
            return row
        text = "the rows that are one differ here"
        unread = frozenset(differing)
        return BadRow(first, raw, "rows.differ", text, min(differing), None, span, row, unread)
