"""Joins: rows of other tables or files, looked up by a key and read as part of a row.

A joined file may be as large as the first: it is put into a temporary database on disk that nobody
else can open and that is gone when reading ends. Rows are joined some hundreds at a time.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any, Final, NamedTuple, Protocol

import orjson

from adapters.conditions import Condition, all_hold
from adapters.corrected import Corrections, corrected
from adapters.norows import NO_ROW
from adapters.rows import BadRow, Columns, Part, Reader, Row, Stating, Values

BATCH: Final = 256
BETWEEN: Final = "\x1f"
"""Stands between the parts of a key of several columns."""
MOST_JOINED: Final = 1_000
"""Rows that one key may lead to."""
NO_KEY: Final = "join.no_key"
"""Set aside: a joined row that has no key."""
_NAMED: Final = 5
"""Lines that a reason names, of rows that can't be read."""


@dataclass(slots=True)
class Found:
    """What is known of some keys: their rows, and which of them have a row that can't be read.

    `perhaps` are those that one may have, by where its columns may stand.
    """

    rows: dict[str, list[Values]] = field(default_factory=dict)
    damaged: set[str] = field(default_factory=set)
    perhaps: set[str] = field(default_factory=set)

    def add(self, key: str, values: Values) -> None:
        """Add a row to those of its key, but none of which there are too many already."""
        rows = self.rows.setdefault(key, [])
        if len(rows) <= MOST_JOINED:
            rows.append(values)


class Anyones(NamedTuple):
    """Joined rows whose key nobody knows: how many, where they stand, whether a rest is unread."""

    rows: int = 0
    where: str = ""
    rest: bool = False


@dataclass(slots=True)
class Doubted:
    """What joined rows that may be any key's do to others, where a join decides who may see them.

    As many as `most` in one file or table are passed over, as the mapping has it: `passed` counts
    them, by where they stand. Otherwise all rows are held back that one may belong to: `held`.
    """

    most: int = 0
    passed: dict[str, int] = field(default_factory=dict)
    held: Counter[str] = field(default_factory=Counter)

    def holds(self, found: Anyones) -> bool:
        """Whether a row is held back by these; it is counted."""
        if not found.rows:
            return False
        if found.rows <= self.most and not found.rest:
            self.passed[found.where] = found.rows
            return False
        self.held[found.where] += 1
        return True


class Lookup(Protocol):
    """Finds the rows of one table by keys."""

    what: str
    """The file or table that it looks in."""
    key: tuple[str, ...]
    """The columns that its rows are found by."""

    def columns(self) -> Columns:
        """Name its columns."""
        ...

    def find(self, keys: Sequence[str]) -> Found:
        """Give the rows for each key that has some, and say what can't be read."""
        ...

    def keyless(self) -> Anyones:
        """Say which rows there are whose key nobody knows: each may be any key's."""
        ...

    def count(self) -> int:
        """Say how many rows there are that can be joined, or may be."""
        ...

    def unread(self) -> Iterator[BadRow]:
        """Give the rows that can't be read or have no key: nobody else would see them.

        Their columns are named as those joined are, and the text says which file or table it is.
        """
        ...

    def correct(self, corrections: Corrections) -> None:
        """Take what persons have said of its rows."""
        ...

    def forget(self) -> None:
        """Let go of what was read; it is read anew when it is needed."""
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


def listed(written: str | list[str]) -> list[str]:
    """Give one name, or several, as a list."""
    return [written] if isinstance(written, str) else list(written)


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


def joined(
    rows: Iterable[Row | BadRow],
    joins: Sequence[Join],
    deciding: Iterable[str] = (),
    doubted: Doubted | None = None,
) -> Iterable[Row | BadRow]:
    """Join everything to each row. A row whose join fails comes out as a BadRow.

    `deciding` are the columns by which it is decided what a row becomes and who may see it. What
    they are of nobody can say where the row that they come from can't be read: see `Doubted`.
    """
    if not joins:
        return rows
    return _joined(rows, joins, deciding_joins(joins, deciding), doubted or Doubted())


def deciding_joins(joins: Sequence[Join], columns: Iterable[str]) -> frozenset[str]:
    """Name the joins that such columns come from, or that lead to those."""
    names = {part for c in columns if (part := c.rpartition(".")[0])}
    for join in reversed(joins):
        if join.name in names:
            names |= {part for s in join.sources if (part := s.rpartition(".")[0])}
    return frozenset(names)


def _joined(
    rows: Iterable[Row | BadRow],
    joins: Sequence[Join],
    deciding: frozenset[str],
    doubted: Doubted,
) -> Iterator[Row | BadRow]:
    waiting = iter(rows)
    # Looked for where it matters, and once: in a database it takes a look at every key.
    keyless = {j.name: cache(j.lookup.keyless) for j in joins if j.name in deciding}
    while batch := list(islice(waiting, BATCH)):
        failed: dict[int, BadRow] = {}
        good = [r for r in batch if isinstance(r, Row)]
        for join in joins:
            left = [r for r in good if id(r) not in failed]
            _join(join, left, failed, keyless.get(join.name), doubted)
        yield from (failed.get(id(r), r) for r in batch)


def _join(
    join: Join,
    rows: Sequence[Row],
    failed: dict[int, BadRow],
    keyless: Callable[[], Anyones] | None,
    doubted: Doubted,
) -> None:
    """Join to rows. `keyless` is there where the join decides who may see what comes of them."""
    holders = [(row, holder) for row in rows for holder in _holders(join, row)]
    keys = sorted({key for _, holder in holders if (key := join.key(holder))})
    found = join.lookup.find(keys)
    for row, holder in holders:
        key = join.key(holder)
        if key in found.damaged:
            text = f"a row of {join.name} with this key can't be read"
            failed[id(row)] = _bad(row, "join.damaged", text, join, key)
            continue
        matches = [m for m in found.rows.get(key, ()) if all_hold(join.when, m)]
        named = [{f"{join.name}.{c}": v for c, v in m.items()} for m in matches]
        if join.many and len(named) <= MOST_JOINED:
            row.groups[join.name] = named
        elif len(named) == 1 or (named and join.several is not None):
            holder.update(named[-1 if join.several == "last" else 0])
        elif named:
            text = f"several rows of {join.name} have this key"
            failed[id(row)] = _bad(row, "join.several", text, join, key)
        # Where one row alone may be there, another one would have set this one aside before.
        further = join.many or join.several is not None or key in found.perhaps
        doubtful = key and (further or not named)
        # That one may have this very key is not passed over.
        if (
            keyless is not None
            and doubtful
            and (doubted.holds(which := keyless()) or key in found.perhaps)
        ):
            text = (
                f"nobody can say who may see it: rows of {join.name} can't be read, and one of "
                f"them may have this key: {which.where}"
            )
            failed[id(row)] = _bad(row, "join.damaged", text, join, key)
        elif join.required and not named:
            text = f"no row of {join.name} has this key"
            failed[id(row)] = _bad(row, "join.missing", text, join, key)


def led_elsewhere(joins: Iterable[Join], changed: Iterable[str]) -> set[str]:
    """Name the joins that lead to other rows where these columns or parts are changed."""
    found, names = set[str](), set(changed)
    for join in joins:
        parts = {s.rpartition(".")[0] for s in join.sources} - {""}
        if not names.isdisjoint({*join.sources, *parts}):
            found.add(join.name)
            names.add(join.name)
    return found


def fields_of(row: Row | BadRow, joins: Sequence[Join]) -> dict[str, Any] | None:
    """Give a row as a person may correct it: its columns and repeated parts, not those joined."""
    known = row if isinstance(row, Row) else row.row
    if known is None:
        return None
    many = {j.name for j in joins if j.many}
    several = tuple(f"{j.name}." for j in joins if j.parent is not None)
    groups = {
        name: [{k: v for k, v in one.items() if not k.startswith(several)} for one in found]
        for name, found in known.groups.items()
        if name not in many
    }
    return {**known.values, **groups}


def _holders(join: Join, row: Row) -> list[Values]:
    if join.parent is None:
        return [row.values]
    # What other rows have too is not changed.
    own = [dict(p) if isinstance(p, Part) else p for p in row.groups.get(join.parent, ())]
    row.groups[join.parent] = own
    return own


def _bad(row: Row, code: str, text: str, join: Join, key: str) -> BadRow:
    return BadRow(row.line, row.raw, code, text, join.source, key, row.span, row)


def without_key(row: Row, key: Sequence[str]) -> BadRow:
    """Set a joined row aside that has no key."""
    blank = next(c for c in key if not row.values.get(c))
    text = "the row has no key: nobody can say which it belongs to"
    return BadRow(row.line, row.raw, NO_KEY, text, blank, "", row.span, row)


def of_join(bad: BadRow, join: str, where: str) -> BadRow:
    """Name a joined row's columns as those joined are, and say which file or table it is of."""
    row = bad.row
    if row is not None:
        values = {f"{join}.{c}": v for c, v in row.values.items()}
        row = Row(row.line, row.raw, values, {}, row.span, key=row.key)
    return replace(
        bad,
        text=f"{where}, joined as {join}: {bad.text}",
        column=bad.column and f"{join}.{bad.column}",
        row=row,
        unread=frozenset(f"{join}.{c}" for c in bad.unread),
    )


class FileLookup:
    """Looks up rows of a file. The file is read when the first key is asked for."""

    def __init__(self, reader: Reader, spec: Mapping[str, Any], name: str, file: str) -> None:
        """Take the reader, the mapping's `join` with its name, and the file's for reasons."""
        self._reader = reader
        self.key = tuple(listed(spec["key"]))
        self.what: str = spec["format"]["path"]
        self._name = name
        self._file = file
        self._database: sqlite3.Connection | None = None
        self._keyless = Anyones()
        self._corrections = Corrections()

    def columns(self) -> Columns:
        """Name the file's columns."""
        return self._reader.columns()

    def as_of(self) -> datetime | None:
        """Give the moment that the file is of."""
        return self._reader.as_of()

    def stated(self) -> tuple[str, ...]:
        """Say what was found out about the file."""
        return self._reader.stated() if isinstance(self._reader, Stating) else ()

    def correct(self, corrections: Corrections) -> None:
        """Take what persons have said of its rows."""
        self.forget()
        self._corrections = corrections

    def find(self, keys: Sequence[str]) -> Found:
        """Give the rows for each key that has some, and say what can't be read."""
        database = self._loaded()
        found = Found()
        marks = ", ".join("?" * len(keys))
        query = f"SELECT k, row FROM joined WHERE k IN ({marks}) ORDER BY n"  # noqa: S608 - marks
        with closing(database.execute(query, list(keys))) as cursor:
            for key, packed in cursor:
                found.add(key, orjson.loads(packed))
        query = f"SELECT k, known FROM damaged WHERE k IN ({marks})"  # noqa: S608 - marks
        for key, known in database.execute(query, list(keys)):
            (found.damaged if known else found.perhaps).add(key)
        return found

    def keyless(self) -> Anyones:
        """Name the lines of rows that may be any key's."""
        self._loaded()
        return self._keyless

    def count(self) -> int:
        """Count its rows that can be joined."""
        (count,) = self._loaded().execute("SELECT count(*) FROM joined").fetchone()
        return int(count)

    def unread(self) -> Iterator[BadRow]:
        """Give its rows that can't be read or have no key, by their lines in the file."""
        query = "SELECT line, raw, code, text, col, value, span, rest, row FROM unread ORDER BY n"
        with closing(self._loaded().execute(query)) as cursor:
            for line, raw, code, text, column, value, span, rest, packed in cursor:
                row = None if packed is None else Row(line, raw, orjson.loads(packed), {}, span)
                bad = BadRow(line, raw, code, text, column, value, span, row, rest=bool(rest))
                yield of_join(bad, self._name, self._file)

    def forget(self) -> None:
        """Let go of the temporary database; it is made anew when it is needed."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _key_of(self, values: Values) -> str:
        return composite([values.get(c, "") for c in self.key])

    def _loaded(self) -> sqlite3.Connection:
        if self._database is None:
            self._database = self._load()
        return self._database

    def _load(self) -> sqlite3.Connection:
        # The empty name: a private file on disk that SQLite has already removed from its folder.
        database = sqlite3.connect("", check_same_thread=False)
        database.execute("CREATE TABLE joined (n INTEGER PRIMARY KEY, k TEXT, row BLOB)")
        database.execute(
            "CREATE TABLE unread (n INTEGER PRIMARY KEY, known INT, line INT, raw TEXT, code TEXT,"
            " text TEXT, col TEXT, value TEXT, span INT, row BLOB, rest INT)"
        )
        # The keys that a row which can't be read has, or may have.
        database.execute("CREATE TABLE damaged (k TEXT, known INT)")
        database.executemany(
            "INSERT INTO joined (k, row) VALUES (?, ?)",
            ((key, orjson.dumps(row.values)) for key, row in self._readable(database)),
        )
        database.execute("CREATE INDEX joined_k ON joined (k)")
        database.execute("CREATE INDEX damaged_k ON damaged (k)")
        database.commit()
        self._keyless = self._where(database)
        return database

    def _readable(self, database: sqlite3.Connection) -> Iterator[tuple[str, Row]]:
        """Give the rows that have a key, and put aside the others."""
        for row in corrected(self._reader.rows(), self._corrections):
            if isinstance(row, Row):
                if key := self._key_of(row.values):
                    yield key, row
                    continue
                bad = without_key(row, self.key)
            else:
                bad = row
            keys = [key for found in bad.keys(self.key) if (key := composite(found))]
            # Where a row's columns may stand is not what its key is. And a record of a kind that
            # the mapping does not name may be a flag with a wrong type.
            known = bad.code == NO_ROW or (bool(keys) and bad.row is not None)
            database.executemany(
                "INSERT INTO damaged (k, known) VALUES (?, ?)", ((k, known) for k in keys)
            )
            database.execute(
                "INSERT INTO unread (known, line, raw, code, text, col, value, span, rest, row)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(
                        known,
                        bad.line,
                        bad.raw,
                        bad.code,
                        bad.text,
                        bad.column,
                        bad.value,
                        bad.span,
                    ),
                    bad.rest,
                    None if bad.row is None else orjson.dumps(bad.row.values),
                ),
            )

    def _where(self, database: sqlite3.Connection) -> Anyones:
        """Name the lines of rows that may be any key's."""
        query = "SELECT line FROM unread WHERE NOT known ORDER BY n LIMIT ?"
        lines = [f"{line:,}" for (line,) in database.execute(query, (_NAMED,))]
        query = "SELECT count(*), max(rest) FROM unread WHERE NOT known"
        count, rest = database.execute(query).fetchone()
        more = f" and {count - len(lines):,} more" if count > len(lines) else ""
        where = f"{self._file}, {'line' if count == 1 else 'lines'} {', '.join(lines)}{more}"
        return Anyones(count, where, bool(rest))
