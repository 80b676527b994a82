"""A source that is searched live, read whole: the rows that no search gives, and why."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

import adapters
from gateway.errors import RecordsUnavailable
from gateway.model import Record, SetAside
from gateway.records import livecheck
from gateway.records.sums import DIFFER, TWINS_DIFFER, facts_of

_STEP = 500
_SCHEMA = """
CREATE TABLE aside (id INTEGER PRIMARY KEY, row BLOB);
CREATE TABLE said (record_id TEXT, facts BLOB, given INT, line INT, place TEXT);
"""
_DIFFERING = """
SELECT line, place, record_id, of_id.rows FROM said JOIN
  (SELECT record_id, COUNT(*) AS rows FROM said GROUP BY record_id
    HAVING COUNT(DISTINCT facts) > 1 OR rows > ?) of_id USING (record_id)
  WHERE given ORDER BY said.rowid
"""
_TOO_MANY = (
    "record.too_many_rows",
    f"more than {adapters.MOST_ALIKE:,} rows have this record id: no search compares so many",
)


@dataclass(frozen=True, slots=True)
class Aside:
    """The rows that no search gives: `len` of them, and `each` as often as it is asked for."""

    source: str
    file: sqlite3.Connection

    def __len__(self) -> int:
        return int(self.file.execute("SELECT COUNT(*) FROM aside").fetchone()[0])

    def each(self) -> Iterator[SetAside]:
        """Give them in the order that they were met, those that disagree last."""
        for (row,) in self.file.execute("SELECT row FROM aside ORDER BY id"):
            line, code, text, raw, column, value, fields, key = orjson.loads(row)
            yield SetAside(*(self.source, line, code, text, raw, column, value, fields), key=key)

    def add(self, row: SetAside) -> None:
        """Take one row more."""
        kept = (row.line, row.code, row.text, row.raw, row.column, row.value, row.fields, row.key)
        self.file.execute("INSERT INTO aside (row) VALUES (?)", (orjson.dumps(kept),))


@contextmanager
def checked(
    source: adapters.MappedSource, data: Path, progress: Callable[[int], None]
) -> Iterator[Aside]:
    """Read a source to its end and give what no search gives of it; the counts are kept in `data`.

    `progress` is told the rows read. Rows wait on disk, a few at a time in memory. Raises
    SallyportError; then what the check before counted still stands.
    """
    # The empty name: a private file that SQLite has already removed from its folder.
    with closing(sqlite3.connect("")) as file:
        aside = Aside(source.name, file)
        try:
            file.executescript(_SCHEMA)
            _walk(source, aside, progress)
        except sqlite3.Error as error:
            raise RecordsUnavailable(
                f"{source.name} was not checked to its end: there is no room to keep what was "
                f"read ({error}). Free some, or name a folder that has it in SQLITE_TMPDIR"
            ) from None
        livecheck.note(
            data,
            source.name,
            livecheck.LiveCheck(datetime.now(UTC), source.tally.read, len(aside)),
        )
        yield aside


def _walk(source: adapters.MappedSource, aside: Aside, progress: Callable[[int], None]) -> None:
    file = aside.file
    for number, item in enumerate(source.rows(), 1):
        if not number % _STEP:
            progress(source.tally.read)
        if isinstance(item, SetAside):
            aside.add(item)
            claims = [
                (record_id, b"" if facts is None else facts_of(facts), False, None, None)
                for record_id, facts in item.claims
            ]
            file.executemany("INSERT INTO said VALUES (?, ?, ?, ?, ?)", claims)
        else:
            file.execute("INSERT INTO said VALUES (?, ?, ?, ?, ?)", _said(source, item))
    progress(source.tally.read)
    file.execute("CREATE INDEX said_id ON said (record_id, facts)")
    for line, place, record_id, rows in file.execute(_DIFFERING, (adapters.MOST_ALIKE,)):
        code, text = _TOO_MANY if rows > adapters.MOST_ALIKE else (TWINS_DIFFER, DIFFER)
        aside.add(
            SetAside(
                *(source.name, line, code, text, f"{place} {record_id}"),
                *("record_id", record_id),
                key=place,
            )
        )


def _said(
    source: adapters.MappedSource, record: Record
) -> tuple[str, bytes, bool, int, str | None]:
    origin = source.origin()
    line, place = (0, None) if origin is None else (origin.line, origin.key)
    return record.record_id, facts_of(record.handling), True, line, place
