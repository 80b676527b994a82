"""A mirrored database's tables, kept beside the records: only what changed is read again.

Each table is kept as texts, in a SQLite file of its own, with the columns that the mapping uses. It
is brought up to date from one moment of the legacy database. A row is read again if

- its change column says something else than when it was read, or nothing, or lies within the
  overlap before the youngest value that was known (late commits, equal times);
- or, where the mapping names no such column, its digest is another.

What is no longer among the keys goes, and its bytes are overwritten. A run that was killed goes on
where it stopped; nothing is imported from it before it has ended.
"""

import fcntl
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from secrets import token_hex
from typing import Any, Final

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Text,
    and_,
    cast,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)
from sqlalchemy import true as always

from adapters.changes import ChangeColumn
from adapters.connecting import seconds_of
from adapters.joins import BETWEEN, composite, listed
from adapters.tables import Database
from adapters.typed import as_text, decoded, stored
from gateway.errors import RecordsUnavailable

_BATCH: Final = 2_000
_FETCH: Final = 400
_FORMAT: Final = "1"
_TEXT: Final = "CAST(? AS TEXT)"
"""Where a text goes in: one with wrong bytes is given as bytes, and kept as text all the same."""
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS "#state" (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS "#rows" (t TEXT, k TEXT, mark TEXT, PRIMARY KEY (t, k)) WITHOUT ROWID;
"""


@dataclass(slots=True)
class Counted:
    """What became of one table. `rows` = `new` + `changed` + `unchanged`; of those before `removed`
    are gone. `read` rows came over the line, the others are known by their keys alone.
    """  # noqa: D205 - one sentence too long for one line

    rows: int = 0
    read: int = 0
    new: int = 0
    changed: int = 0
    removed: int = 0

    @property
    def unchanged(self) -> int:
        """Rows that are what they were."""
        return self.rows - self.new - self.changed


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A replica that is up to date. `token` is another whenever a row is."""

    path: Path
    as_of: datetime
    token: str
    tables: Mapping[str, Counted] = field(default_factory=dict)

    def said(self) -> tuple[str, ...]:
        """Say, a table at a time, what was read."""
        return tuple(
            f"{name}: {n.read:,} of {n.rows:,} rows were read: {n.new:,} new, {n.changed:,} "
            f"changed; {n.removed:,} are gone"
            for name, n in self.tables.items()
        )


@dataclass(frozen=True, slots=True)
class _Table:
    """One table: what is kept of it, and how its changes are found."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    change: ChangeColumn | None
    sweep_s: int
    indexes: tuple[tuple[str, ...], ...]

    def key_of(self, values: Sequence[Any]) -> str:
        """Give a row's key as one text; blank if part of it is."""
        return composite([as_text(v) for v in values])


@dataclass(frozen=True, slots=True)
class Wanted:
    """The columns that are used of a table, and the keys that it is looked up by."""

    columns: frozenset[str]
    indexes: tuple[tuple[str, ...], ...] = ()


def columns_of(wanted: Wanted, spec: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the columns that are kept of a table, in their order. `spec` is of its `changes`."""
    return tuple(sorted(wanted.columns | {*listed(spec["key"])}))


def refresh(
    database: Database,
    spec: Mapping[str, Mapping[str, Any]],
    wanted: Mapping[str, Wanted],
    path: Path,
    *,
    anew: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Refreshed:
    """Bring a replica up to date. `spec` is a mapping's `changes`; `anew`: everything is read.

    Raises RecordsUnavailable where the database can't be read or a key is none. `progress` is told
    the rows looked at.
    """
    tables = [_table(database, name, spec[name], w) for name, w in sorted(wanted.items())]
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with (
        _alone(path, database.name),
        closing(sqlite3.connect(path, isolation_level=None)) as kept,
        database.moment(),
    ):
        kept.text_factory = decoded
        kept.execute("PRAGMA secure_delete=ON")
        kept.execute("PRAGMA synchronous=FULL")
        state = _State(kept)
        described = [(t.name, t.columns, t.key, t.indexes, spec[t.name]) for t in tables]
        if anew or state.get("made_for") != _text([_FORMAT, described]):
            _clear(kept)
            state.set("made_for", _text([_FORMAT, described]))
        as_of = datetime.now(UTC)
        done: dict[str, Counted] = {}
        with database.connect() as connection:
            for table in tables:
                before = sum(n.rows for n in done.values())
                one = _Refresh(database, connection, kept, table, state)
                done[table.name] = one.run(as_of, lambda n, b=before: progress(b + n))  # type: ignore[misc] # bound
        return Refreshed(path, as_of, state.get("token") or "", done)


@contextmanager
def _alone(path: Path, name: str) -> Iterator[None]:
    lock = path.with_name(f"{path.name}.lock")
    lock.touch(mode=0o600)
    with lock.open("rb") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RecordsUnavailable(
                f"{name}: another import reads it; wait until it has ended", code="import.busy"
            ) from None
        yield


def _table(database: Database, name: str, spec: Mapping[str, Any], wanted: Wanted) -> _Table:
    key = tuple(listed(spec["key"]))
    change = ChangeColumn(database, name, spec) if "column" in spec else None
    sweep = spec.get("sweep")
    return _Table(
        name,
        columns_of(wanted, spec),
        key,
        change,
        seconds_of(sweep) if sweep else 0,
        tuple(sorted({i for i in wanted.indexes if i != key[: len(i)]})),
    )


class _State:
    """Small facts of a replica, by name."""

    def __init__(self, kept: sqlite3.Connection) -> None:
        self._kept = kept
        kept.executescript(_SCHEMA)

    def get(self, name: str) -> str | None:
        found = self._kept.execute('SELECT value FROM "#state" WHERE name = ?', (name,)).fetchone()
        return None if found is None else found[0]

    def set(self, name: str, value: str | None) -> None:
        self._kept.execute('INSERT OR REPLACE INTO "#state" VALUES (?, ?)', (name, value))


class _Refresh:
    """One table's way from what is kept to what stands in the legacy database."""

    def __init__(
        self,
        database: Database,
        connection: Connection,
        kept: sqlite3.Connection,
        table: _Table,
        state: _State,
    ) -> None:
        self._database = database
        self._connection = connection
        self._kept = kept
        self._table = table
        self._state = state
        self._theirs = database.table(table.name)
        self._done = Counted()

    def run(self, now: datetime, progress: Callable[[int], None]) -> Counted:
        """Bring it up to date."""
        table, name = self._table, self._table.name
        self._make()
        whole = self._state.get(f"{name}/complete") == "1"
        known = self._state.get(f"{name}/youngest")
        youngest = table.change.youngest(self._connection) if table.change else None
        if known is None:
            self._state.set(f"{name}/youngest", youngest)
            known = youngest
        self._state.set(f"{name}/complete", "0")
        before = self._count()
        swept = self._state.get(f"{name}/swept")
        if whole and table.change is not None and not self._due(swept, now):
            self._recent(table.change, known, now, progress)
            self._done.rows = self._count()
        else:
            self._sweep(known if before else None, now, progress, empty=not before)
            self._state.set(f"{name}/swept", now.isoformat())
        with self._batch():
            self._state.set(f"{name}/youngest", youngest)
            self._state.set(f"{name}/complete", "1")
        return self._done

    def _due(self, swept: str | None, now: datetime) -> bool:
        if swept is None or not self._table.sweep_s:
            return True
        return (now - datetime.fromisoformat(swept)).total_seconds() >= self._table.sweep_s

    def _make(self) -> None:
        table = self._table
        columns = ", ".join(f"{_quoted(c)} TEXT" for c in table.columns)
        key = ", ".join(map(_quoted, table.key))
        self._kept.execute(
            f"CREATE TABLE IF NOT EXISTS {_quoted(table.name)} "
            f"({columns}, PRIMARY KEY ({key})) WITHOUT ROWID"
        )
        for number, index in enumerate(table.indexes):
            self._kept.execute(
                f"CREATE INDEX IF NOT EXISTS {_quoted(f'#{table.name}_{number}')} "
                f"ON {_quoted(table.name)} ({', '.join(map(_quoted, index))})"
            )
        self._kept.execute(
            'CREATE TEMP TABLE IF NOT EXISTS "#seen" (k TEXT PRIMARY KEY) WITHOUT ROWID'
        )
        self._kept.execute('DELETE FROM temp."#seen"')

    def _count(self) -> int:
        found = self._kept.execute(
            'SELECT count(*) FROM "#rows" WHERE t = ?', (self._table.name,)
        ).fetchone()
        return int(found[0])

    # -- three ways to find what changed ---------------------------------------------------------

    def _recent(
        self,
        change: ChangeColumn,
        known: str | None,
        now: datetime,
        progress: Callable[[int], None],
    ) -> None:
        """Read what the change column says, and nothing else."""
        query = select(*self._selected()).where(change.since(known, now))
        for batch in _batches(self._stream(query)):
            self._take(batch)
            progress(self._done.read)

    def _sweep(
        self, known: str | None, now: datetime, progress: Callable[[int], None], *, empty: bool
    ) -> None:
        """Look at every key; read those rows that are new, or not what they were."""
        if empty or (self._table.change is None and not self._database.is_postgresql):
            for batch in _batches(self._stream(select(*self._selected()))):
                self._see([self._key(row) for row in batch])
                self._take(batch)
                progress(self._done.rows)
        else:
            keys = [self._theirs.c[c] for c in self._table.key]
            change = self._table.change
            recent = change.since(known, now) if change is not None else ~always()
            query = select(*keys, self._mark(), or_(recent).label("recent"))
            for batch in _batches(self._stream(query)):
                self._of_keys(batch)
                progress(self._done.rows)
        self._forget()

    def _of_keys(self, batch: Sequence[Any]) -> None:
        size = len(self._table.key)
        found = {self._table.key_of(row[:size]): row for row in batch}
        self._see([self._table.key_of(row[:size]) for row in batch])
        marks = self._marks(found)
        wanted = [
            tuple(row[:size])
            for key, row in found.items()
            if row[size + 1] or marks.get(key) != as_text(row[size])
        ]
        for start in range(0, len(wanted), _FETCH):
            part = wanted[start : start + _FETCH]
            query = select(*self._selected()).where(self._is_one_of(part))
            self._take(self._connection.execute(query).all())

    def _is_one_of(self, keys: Sequence[tuple[Any, ...]]) -> ColumnElement[bool]:
        """Say that a row's key is one of these. One with wrong bytes is asked for as bytes."""
        columns = [self._theirs.c[c] for c in self._table.key]
        sound = [k for k in keys if all(stored(v) == v for v in k if isinstance(v, str))]
        one_of = (
            columns[0].in_([key[0] for key in sound])
            if len(columns) == 1
            else tuple_(*columns).in_(sound)
        )
        if len(sound) == len(keys):
            return one_of
        others = (
            and_(*(self._is(c, v) for c, v in zip(columns, key, strict=True)))
            for key in keys
            if key not in sound
        )
        return or_(one_of, *others)

    def _is(self, column: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
        """Say that part of a key is this: a text with wrong bytes, by its bytes."""
        if not isinstance(value, str) or stored(value) == value:
            found: ColumnElement[bool] = column == value
            return found
        written = value.encode(errors="surrogateescape")
        if not self._database.is_postgresql:
            return cast(column, LargeBinary) == written
        # Only a server that knows no encoding holds such a text. `concat` writes a CHAR whole.
        return _bytes_of(func.concat(column)) == written

    # -- what is kept ----------------------------------------------------------------------------

    def _see(self, keys: Sequence[str]) -> None:
        """Note which keys there are. Raises RecordsUnavailable for what is no key."""
        self._done.rows += len(keys)
        seen = self._kept.executemany(
            f'INSERT OR IGNORE INTO temp."#seen" VALUES ({_TEXT})',  # noqa: S608 - a word of ours
            [(stored(k),) for k in keys if k],
        ).rowcount
        if seen != len(keys):
            key = ", ".join(self._table.key)
            raise RecordsUnavailable(
                f"{self._database.name}: {key} is no key of {self._table.name}: it is blank in a "
                "row, or the same in two. Name another `key` under `changes`, or leave it all out",
                code="mirror.key",
            )

    def _take(self, rows: Sequence[Any]) -> None:
        """Keep rows, but for those that are what they were."""
        table, size = self._table, len(self._table.columns)
        self._done.read += len(rows)
        found = {self._key(row): row for row in rows}
        before = self._contents(found)
        marks, values = [], []
        for key, row in found.items():
            texts = tuple(map(as_text, row[:size]))
            if before.get(key) == texts:
                marks.append((table.name, key, self._mark_of(row, texts)))
                continue
            self._done.new += key not in before
            self._done.changed += key in before
            marks.append((table.name, key, self._mark_of(row, texts)))
            values.append(texts)
        with self._batch():
            self._kept.executemany(
                f'INSERT OR REPLACE INTO "#rows" VALUES (?, {_TEXT}, {_TEXT})',  # noqa: S608 - words of ours
                [(name, stored(key), stored(mark)) for name, key, mark in marks],
            )
            if values:
                places = ", ".join([_TEXT] * size)
                self._kept.executemany(
                    f"INSERT OR REPLACE INTO {_quoted(table.name)} VALUES ({places})",  # noqa: S608 - quoted
                    [tuple(map(stored, texts)) for texts in values],
                )
                self._state.set("token", token_hex(16))

    def _forget(self) -> None:
        """Let go of the rows that are no longer there."""
        table = self._table
        gone = 'SELECT k FROM "#rows" WHERE t = ? AND k NOT IN (SELECT k FROM temp."#seen") LIMIT ?'
        while keys := self._kept.execute(gone, (table.name, _BATCH)).fetchall():
            where = " AND ".join(f"{_quoted(c)} = {_TEXT}" for c in table.key)
            with self._batch():
                self._kept.executemany(
                    f"DELETE FROM {_quoted(table.name)} WHERE {where}",  # noqa: S608 - quoted
                    [_parts(key, len(table.key)) for (key,) in keys],
                )
                self._kept.executemany(
                    f'DELETE FROM "#rows" WHERE t = ? AND k = {_TEXT}',  # noqa: S608 - a word of ours
                    [(table.name, stored(k)) for (k,) in keys],
                )
                self._state.set("token", token_hex(16))
            self._done.removed += len(keys)

    def _marks(self, keys: Iterable[str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for part in _batches(keys, _FETCH):
            places = ", ".join([_TEXT] * len(part))
            found |= self._kept.execute(
                f'SELECT k, mark FROM "#rows" WHERE t = ? AND k IN ({places})',  # noqa: S608 - marks
                (self._table.name, *map(stored, part)),
            )
        return found

    def _contents(self, keys: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Give what is kept of these rows."""
        table = self._table
        where = " AND ".join(f"{_quoted(c)} = {_TEXT}" for c in table.key)
        names = ", ".join(map(_quoted, table.columns))
        query = f"SELECT {names} FROM {_quoted(table.name)} WHERE {where}"  # noqa: S608 - quoted
        found: dict[str, tuple[str, ...]] = {}
        for key in keys:
            row = self._kept.execute(query, _parts(key, len(table.key))).fetchone()
            if row is not None:
                found[key] = row
        return found

    # -- what is asked ---------------------------------------------------------------------------

    def _selected(self) -> list[ColumnElement[Any]]:
        """Name the columns that are kept, and the mark."""
        return [*(self._theirs.c[c] for c in self._table.columns), self._mark()]

    def _mark(self) -> ColumnElement[Any]:
        """Give what a row's change is seen by; nothing, where that is worked out here."""
        if self._table.change is not None:
            column: ColumnElement[Any] = self._table.change.column
            return column
        if not self._database.is_postgresql:
            return literal_column("NULL")
        whole = func.row(*(self._theirs.c[c] for c in self._table.columns))
        digest = func.sha256(_bytes_of(cast(whole, Text)))
        return func.encode(digest, literal_column("'hex'"))

    def _mark_of(self, row: Any, texts: Sequence[str]) -> str:
        given = row[len(self._table.columns)]
        if self._table.change is not None or self._database.is_postgresql:
            return as_text(given)
        return sha256(BETWEEN.join(texts).encode(errors="surrogateescape")).hexdigest()

    def _key(self, row: Any) -> str:
        at = [self._table.columns.index(c) for c in self._table.key]
        return self._table.key_of([row[n] for n in at])

    def _stream(self, query: Any) -> Iterator[Any]:
        yield from self._connection.execute(query, execution_options={"yield_per": _FETCH})

    @contextmanager
    def _batch(self) -> Iterator[None]:
        """Write what belongs together in one durable transaction."""
        self._kept.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._kept.execute("ROLLBACK")
            raise
        self._kept.execute("COMMIT")


def forget(path: Path) -> None:
    """Take a replica away, its bytes overwritten. Raises RecordsUnavailable while one reads it."""
    if not path.exists():
        return
    with _alone(path, path.stem):
        with closing(sqlite3.connect(path, isolation_level=None)) as kept:
            kept.execute("PRAGMA secure_delete=ON")
            _clear(kept)
        path.unlink()
    path.with_name(f"{path.name}.lock").unlink(missing_ok=True)


def _clear(kept: sqlite3.Connection) -> None:
    """Begin anew: another mapping, or everything is to be read."""
    names = kept.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (name,) in names:
        kept.execute(f"DROP TABLE {_quoted(name)}")
    kept.executescript(_SCHEMA)


def _batches(rows: Iterable[Any], size: int = _BATCH) -> Iterator[list[Any]]:
    waiting = iter(rows)
    while batch := list(islice(waiting, size)):
        yield batch


def _parts(key: str, size: int) -> Sequence[str | bytes]:
    return [stored(part) for part in ([key] if size == 1 else key.split(BETWEEN))]


def _bytes_of(text: ColumnElement[str]) -> ColumnElement[bytes]:
    """Give a text's bytes as the server keeps them, whatever they are."""
    return func.convert_to(text, literal_column("'SQL_ASCII'"))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
