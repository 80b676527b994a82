"""Tables of a legacy database, read through SQLAlchemy: whole, or by keys. Nothing is ever written.

Every value is text here, as in files: blanks at the ends go, NULL is blank. Keys that a table fills
up with blanks are looked for in each way they may stand there, so that the database can use its
index: no column is ever made another text.
"""

import codecs
import re
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import (
    CHAR,
    ColumnClause,
    ColumnElement,
    Connection,
    Enum,
    Integer,
    LargeBinary,
    Select,
    String,
    TableClause,
    Text,
    Uuid,
    and_,
    cast,
    column,
    false,
    func,
    inspect,
    literal_column,
    or_,
    select,
    table,
    union_all,
)
from sqlalchemy.types import TypeEngine

from adapters.connecting import FAILURES, POSTGRESQL, engine_of, parsed_json, why
from adapters.mapping import MappingFile
from adapters.rows import BadRow, Columns, Row, Values
from adapters.typed import Plain, as_text, fitting, garbled, shown, stored
from adapters.written import not_asked, ways_of
from gateway.errors import Misconfigured, RecordsUnavailable

_CHUNK: Final = 400
"""Keys in one query."""
_FETCH: Final = 500
_SAMPLE: Final = 2_000
_STEPS: Final = 20_000
"""Steps of SQLite's machine between two looks at the clock."""
_LAST: Final = "\U0010ffff"
_AFTER_BLANK: Final = chr(ord(" ") + 1)
_BLANKS: Final = 100
"""After a key of PostgreSQL, at most."""
_BEFORE: Final = 20
"""Blanks that may stand before a key, at most, and no more than its column has room for."""
_RANGES: Final = 100
"""Keys whose blanks are looked for in one query."""
_NUMBER: Final = re.compile(r"0|-?[1-9]\d{0,17}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns of a table whose values stand in another one's."""

    columns: tuple[str, ...]
    other: str
    others: tuple[str, ...]


class Database:
    """One legacy database, for reading. `spec` is a mapping's `format`; paths are of `folder`."""

    def __init__(
        self, name: str, spec: Mapping[str, Any], folder: Path, *, whole: bool = False
    ) -> None:
        self.name = name
        self._padded: Mapping[str, int] = spec.get("padded", {})
        self._written: Mapping[str, Sequence[str]] = spec.get("written", {})
        self._schema: str | None = spec.get("schema")
        self._tables: dict[str, TableClause] = {}
        self._kept: dict[str, Sequence[str]] = {}
        self._kinds: dict[str, Mapping[str, TypeEngine[Any]]] = {}
        self._codec: str | None = None
        self._held: Connection | None = None
        self._blank: dict[tuple[str, str], bool] = {}
        self._engine = engine_of(_unhurried(spec) if whole else spec, folder)
        self.is_postgresql = self._engine.dialect.name == POSTGRESQL
        self._seconds: int = self._engine.get_execution_options().get("sallyport_seconds", 0)

    @classmethod
    def of(cls, mapping: MappingFile, *, whole: bool = False) -> "Database":
        """Give the database that a mapping names. Raises Misconfigured, with the line.

        `whole`: tables are read to their end, so nobody waits, and it may take its time.
        """
        try:
            return cls(mapping.source, mapping.format, mapping.path.parent, whole=whole)
        except Misconfigured as error:
            raise mapping.doc.wrong(error, "format") from None

    def names(self) -> list[str]:
        """Name its tables and views."""
        with self.connect() as connection:
            inspector = inspect(connection)
            found = [
                *inspector.get_table_names(self._schema),
                *inspector.get_view_names(self._schema),
            ]
            if self.is_postgresql:
                found += inspector.get_materialized_view_names(self._schema)
            return found

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Give a connection: all that is read by it is of one moment.

        Raises RecordsUnavailable if the database does not answer, or not in time.
        """
        if self._held is not None:
            yield self._held
            return
        try:
            with self._engine.connect() as connection:
                if not self.is_postgresql:
                    self._begin(connection)
                yield connection
        except FAILURES as error:
            # The driver's own text may hold parts of a question.
            text = f"the database of {self.name} can't be read: {why(error)}"
            raise RecordsUnavailable(text) from None

    @contextmanager
    def moment(self) -> Iterator[None]:
        """Read by one connection until the block ends: everything as it was at one moment.

        For one thread. Raises RecordsUnavailable, as `connect` does.
        """
        with self.connect() as connection:
            before, self._held = self._held, connection
            try:
                yield
            finally:
                self._held = before
                self._blank.clear()

    def _begin(self, connection: Connection) -> None:
        """Begin what the driver would not: a transaction of reads, that ends in time."""
        driver: Any = connection.connection.driver_connection
        if self._seconds:
            until = time.monotonic() + self._seconds
            driver.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
        if not driver.in_transaction:
            connection.exec_driver_sql("BEGIN")

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    def table(self, name: str) -> TableClause:
        """Give a table with its columns. Raises Misconfigured if there is none of that name."""
        known = self._tables.get(name)
        if known is None:
            names = self.names()
            if name not in names:
                raise Misconfigured(f"{name}: no such table; there are: {', '.join(names)}")
            with self.connect() as connection:
                with parsed_json(connection):
                    found = inspect(connection).get_columns(name, self._schema)
                self._codec = self._codec or _codec(connection)
            columns: list[ColumnClause[Any]] = [column(c["name"], Plain()) for c in found]
            self._kinds[name] = {c["name"]: c["type"] for c in found}
            known = self._tables[name] = table(name, *columns, schema=self._schema)
        return known

    def keep(self, name: str, columns: Sequence[str]) -> None:
        """Give a table's rows with these columns alone, in this order, from now on.

        What a row is known by is made of them: so it is known by the same wherever it is read.
        """
        self._kept[name] = columns

    def all_of(self, name: str) -> Select[Any]:
        """Ask for a table's rows, with all columns that are kept of them."""
        table = self.table(name)
        kept = self._kept.get(name)
        return select(table) if kept is None else select(*(table.c[c] for c in kept))

    def columns(self, name: str) -> Columns:
        """Name a table's columns."""
        return Columns(frozenset(self.table(name).c.keys()))

    def foreign_keys(self, name: str) -> list[ForeignKey]:
        """Give what a table says of others, as far as these are of the same schema."""
        with self.connect() as connection:
            found = inspect(connection).get_foreign_keys(name, self._schema)
        return [
            ForeignKey(tuple(f["constrained_columns"]), f["referred_table"], tuple(others))
            for f in found
            if f["referred_schema"] == self._schema and (others := f["referred_columns"])
        ]

    def is_key(self, name: str, column: str) -> bool:
        """Whether the database lets no two rows of a table have one value in a column, as text.

        Of a text it does not say so: one with blanks after it is another key, and the same text.
        """
        if not isinstance(self.kind(name, column), Integer | Uuid):
            return False
        with self.connect() as connection:
            inspector = inspect(connection)
            keys = [list(self.primary_key(name))]
            if self.is_postgresql:  # any other column of SQLite takes texts, whatever its type
                keys += [
                    found["column_names"]
                    for found in inspector.get_unique_constraints(name, self._schema)
                ]
        return [column] in keys

    def primary_key(self, name: str) -> tuple[str, ...]:
        """Name the columns that the database itself tells a table's rows by; () if none."""
        with self.connect() as connection:
            found = inspect(connection).get_pk_constraint(name, self._schema)
        return tuple(found["constrained_columns"])

    def padding(self, name: str, key: str) -> int | None:
        """Give the width to which a column's texts are filled up with blanks; None if not so.

        A CHAR of PostgreSQL says so itself, and is compared without them.
        """
        if self.is_postgresql and isinstance(self.kind(name, key), CHAR):
            return None
        values = self._first(name, key)
        widths = {len(v) for v in values if isinstance(v, str)}
        blanks = any(isinstance(v, str) and v != v.rstrip() and v.strip() for v in values)
        return widths.pop() if blanks and len(widths) == 1 else None

    def not_asked(self, name: str, key: str) -> Counter[str]:
        """Count of its first values those that no search finds, by how they are written."""
        texts = [text for value in self._first(name, key) if (text := as_text(value))]
        return not_asked(texts, self._written.get(f"{name}.{key}", ()))

    def _first(self, name: str, key: str) -> list[Any]:
        held = self.table(name).c[key]
        with self.connect() as connection:
            query = select(held).where(held.is_not(None)).limit(_SAMPLE)
            return list(connection.execute(query).scalars())

    def is_one_of(
        self, name: str, key: str, values: Sequence[str | int], *, before: bool = False
    ) -> ColumnElement[bool]:
        """Say that a key is one of these, in either way of padding; `before`: or behind blanks."""
        width = self._padded.get(f"{name}.{key}")
        wanted = list(values)
        if width is not None:
            wanted += [str(v).ljust(width) for v in values]
        if before:
            wanted += self._behind_blanks(name, key, values)
        return self.table(name).c[key].in_(self.fitting(name, key, wanted))

    def is_number(self, name: str, key: str, number: str) -> ColumnElement[bool]:
        """Say that a column is this number, in each way that it may be written there."""
        ways = ways_of(number, self._written.get(f"{name}.{key}", ()))
        # With very many texts PostgreSQL would rather read the table whole.
        most = _RANGES // max(1, len(ways)) - 1 if self.is_postgresql else _BEFORE
        behind = self._behind_blanks(name, key, ways, min(most, _BEFORE))
        return self.is_one_of(name, key, [*ways, *behind])

    def _behind_blanks(
        self, name: str, key: str, values: Sequence[str | int], most: int = _BEFORE
    ) -> list[str]:
        """Give the texts that are these with blanks before them, as far as the column has room."""
        if not self._holds_texts(name, key):
            return []
        texts = [str(v) for v in values if v != ""]
        room = self._room(name, key)
        return [" " * n + t for t in texts for n in range(1, min(most, room - len(t)) + 1)]

    def _room(self, name: str, key: str) -> int:
        """Give the longest text that a column takes. SQLite does not keep to what it was told."""
        kind = self.kind(name, key)
        room = kind.length if self.is_postgresql and isinstance(kind, String) else None
        return sys.maxsize if room is None else room

    def _holds_texts(self, name: str, key: str) -> bool:
        """Whether blanks may stand around what is in a column."""
        return self.is_text(name, key) and not isinstance(self.kind(name, key), Enum)

    def any_behind_blanks(self, connection: Connection, name: str, key: str) -> bool:
        """Whether keys of a table may have blanks before them: seldom, so few questions grow by it.

        SQLite's index tells it at once. A server's does not, unless its texts sort by bytes: there
        it is looked up once where much is read, and otherwise taken to be so.
        """
        known = self._blank.get((name, key))
        if known is not None:
            return known
        if not self._holds_texts(name, key):
            return False
        held = self.table(name).c[key]
        if not self.is_postgresql:
            behind = and_(held > "", held < _AFTER_BLANK)
        elif self._held is not None:
            behind = cast(held, Text).like(literal_column("' %'"))
        else:
            return True
        query: Select[Any] = select(literal_column("1")).where(behind).limit(1)
        found = connection.execute(query).first() is not None
        if self._held is not None:
            self._blank[name, key] = found
        return found

    def with_blanks_after(self, name: str, key: str, value: str) -> Select[Any] | None:
        """Ask for the keys that are a text with blanks after it, and a few others.

        They are a range in whatever order a column is sorted, so that its index finds them. None
        where the column holds no texts.
        """
        if not self._holds_texts(name, key):
            return None
        held = self.table(name).c[key]
        # PostgreSQL sorts as people do: what stands after all blanks there, nobody can say.
        last = held <= value + " " * _BLANKS if self.is_postgresql else held < value + _AFTER_BLANK
        return select(held).where(held > value, last)

    def others_alike(
        self, connection: Connection, name: str, key: str, values: Sequence[str]
    ) -> list[str | int]:
        """Give the keys of a table that are read as one of these texts, but stand otherwise there.

        They have blanks after them, or are numbers where SQLite was told no type.
        """
        found: list[str | int] = []
        if not self.is_postgresql and not isinstance(self.kind(name, key), String):
            found += [int(v) for v in values if _NUMBER.fullmatch(v)]
        width = self._padded.get(f"{name}.{key}", 0)
        known = {*values, *(v.ljust(width) for v in values)}
        texts = self.fitting(name, key, values)
        if not self.is_postgresql and self.any_behind_blanks(connection, name, key):
            texts += self._behind_blanks(name, key, texts)
        for start in range(0, len(texts), _RANGES):
            part = texts[start : start + _RANGES]
            asked = [self.with_blanks_after(name, key, str(v)) for v in part]
            queries = [query for query in asked if query is not None]
            for raw in connection.execute(union_all(*queries)).scalars() if queries else ():
                if isinstance(raw, str) and raw not in known and as_text(raw) in known:
                    found.append(raw)
        return found

    def fitting(self, name: str, key: str, values: Sequence[str | int]) -> list[Any]:
        """Give those of the values that may stand in a column, as its type has them.

        SQLite takes any value for any column, but no text with wrong bytes. PostgreSQL refuses
        what is not of the column's type, and looks in no index for what is of another.
        """
        column = self.table(name).c[key]
        if not self.is_postgresql:
            return [v for v in values if isinstance(v, int) or v == stored(v)]
        kind = self._kinds[name][column.name]
        made = (fitting(kind, str(value), self._codec) for value in values)
        return [v for v in made if v is not None]

    def is_text(self, name: str, key: str) -> bool:
        """Whether a column holds texts, so that it may hold a blank one."""
        if not self.is_postgresql:
            return True
        return isinstance(self.kind(name, key), String)

    def is_doubtful(self, name: str, key: str) -> ColumnElement[bool]:
        """Say that a column may be blank or hold wrong bytes: true of all that do, and of few more.

        No index knows it, so the database looks at each value.
        """
        held = self.table(name).c[key]
        found: list[ColumnElement[bool]] = [held.is_(None)]
        if not self.is_postgresql:
            # GLOB looks no further than the first NUL.
            cut = func.length(held) != func.length(cast(held, LargeBinary))
            found += [held == "", held.bool_op("GLOB")(literal_column("'*[^!-~]*'")), cut]
        elif self.is_text(name, key):
            # Only a server that knows no encoding holds wrong bytes.
            plain = "'^[^[:alnum:]]*$'" if self._codec else "'^$|[^!-~]'"
            found.append(cast(held, Text).bool_op("~")(literal_column(plain)))
        return or_(*found)

    def may_be_garbled(self, name: str, key: str) -> ColumnElement[bool]:
        """Say that a column may hold wrong bytes: true of all that do, and of texts beyond ASCII.

        Only a server that knows no encoding holds any.
        """
        held = self.table(name).c[key]
        if not self.is_postgresql:
            cut = func.length(held) != func.length(cast(held, LargeBinary))
            return or_(held.bool_op("GLOB")(literal_column("'*[^ -~]*'")), cut)
        if self._codec or not self.is_text(name, key):
            return false()
        return cast(held, Text).bool_op("~")(literal_column("'[^ -~]'"))

    def kind(self, name: str, key: str) -> TypeEngine[Any]:
        """Give a column's type."""
        self.table(name)
        return self._kinds[name][key]

    def starts(self, name: str, key: str, beginning: str) -> ColumnElement[bool]:
        """Say that a column begins so, in a way that can use its index.

        A range can, in SQLite, whatever the index. In PostgreSQL it could only where the column is
        sorted by bytes; LIKE can use an index made for it (`text_pattern_ops`) in any case.
        """
        held = self.table(name).c[key]
        if not self.is_postgresql:
            return and_(held >= beginning, held < beginning + _LAST)
        plain = re.sub(r"([\\%_])", r"\\\1", beginning)
        return held.like(f"{plain}%")

    def find(
        self,
        connection: Connection,
        name: str,
        key: str,
        values: Sequence[str | int],
        most: int | None = None,
    ) -> Iterator[Values]:
        """Give the rows of a table whose key is one of these: of some hundreds of keys `most`.

        A key with blanks before it is the same key.
        """
        for wanted in self._are_these(connection, name, key, values):
            yield from self.rows(connection, self.all_of(name).where(wanted).limit(most))

    def rows_of(
        self, connection: Connection, name: str, key: str, values: Sequence[str | int]
    ) -> Counter[str]:
        """Count the rows that `find` would give, by their key as text."""
        held, found = self.table(name).c[key], Counter[str]()
        for wanted in self._are_these(connection, name, key, values):
            counted = select(held, func.count()).where(wanted).group_by(held)
            for raw, rows in connection.execute(counted):
                found[as_text(raw)] += rows
        return found

    def _are_these(
        self, connection: Connection, name: str, key: str, values: Sequence[str | int]
    ) -> Iterator[ColumnElement[bool]]:
        """Say that a key is one of these, or one of them behind blanks; of many in parts."""
        before = bool(values) and self.any_behind_blanks(connection, name, key)
        many = self._at_once(name, key) if before else _CHUNK
        for start in range(0, len(values), many):
            yield self.is_one_of(name, key, values[start : start + many], before=before)

    def _at_once(self, name: str, key: str) -> int:
        """Say how many keys to look for at once where each may stand behind blanks.

        PostgreSQL rather reads a table whole than look for very many in its index.
        """
        if not self.is_postgresql:
            return _CHUNK
        return max(1, _RANGES // (1 + min(_BEFORE, self._room(name, key))))

    @staticmethod
    def rows(
        connection: Connection, query: Select[Any], *, stream: bool = False
    ) -> Iterator[Values]:
        """Run a query and give its rows as text; with `stream` never all of them at once."""
        options = {"yield_per": _FETCH} if stream else {}
        found = connection.execute(query, execution_options=options)
        names = [str(name) for name in found.keys()]  # noqa: SIM118 - a result is no dictionary
        for row in found:
            yield dict(zip(names, map(as_text, row), strict=True))


class TableReader:
    """Reads a table from its first row to its last. A row's line is its place in that order.

    `key` is what its rows are known by, and a server's put in order: it keeps none of its own.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        key: str | None = None,
        as_of: datetime | None = None,
    ) -> None:
        self._database = database
        self._name = name
        self._as_of = as_of
        self._used: frozenset[str] | None = None
        self._key = key

    def select(self, names: Collection[str]) -> None:
        """Say which columns are used: wrong bytes in others set no row aside."""
        self._used = frozenset(names)

    def columns(self) -> Columns:
        """Name its columns."""
        return self._database.columns(self._name)

    def rows(self) -> Iterator[Row | BadRow]:
        """Give the rows."""
        with self._database.connect() as connection:
            table = self._database.table(self._name)
            query = self._database.all_of(self._name)
            if self._key is not None and self._database.is_postgresql:
                query = query.order_by(table.c[self._key])
            found = self._database.rows(connection, query, stream=True)
            key = () if self._key is None else (self._key,)
            for number, values in enumerate(found, 1):
                yield row_of(self._name, number, values, self._used, key)

    def as_of(self) -> datetime | None:
        """Give the moment: a database is read as it is now, a replica as it was then."""
        return self._as_of or datetime.now(UTC)

    def total_hint(self) -> int | None:
        """Count the rows."""
        with self._database.connect() as connection:
            counted = select(func.count()).select_from(self._database.table(self._name))
            return int(connection.execute(counted).scalar_one())


def row_of(
    name: str,
    number: int,
    values: Values,
    used: Collection[str] | None = None,
    key: Sequence[str] = (),
) -> Row | BadRow:
    """Give a table's row: a bad one where a column that is used has bytes that are no text.

    `used` left out: every column is. `key` are the columns that its rows are known by, if any.
    """
    known = ", ".join(shown(values[c]) for c in key if values[c])
    place = f"{name} {known or 'without a key'}" if key else None
    try:
        return Row(number, _raw(name, values), values, key=place)
    except orjson.JSONEncodeError:
        wrong = garbled(values)
    legible = {c: shown(text) for c, text in values.items()}
    raw = _raw(name, legible)
    unread = wrong if used is None else wrong.intersection(used)
    read = {c: "" if c in unread else text for c, text in legible.items()}
    row = Row(number, raw, read, key=place)
    if not unread:
        return row
    first = min(unread)
    text = "it holds bytes that are no text in the database's encoding"
    # A database tells its rows apart by their bytes: such a key is no other row's.
    return BadRow(
        *(number, raw, "row.encoding", text, first, legible[first]),
        row=row,
        unread=unread,
        placed=(legible,),
    )


def _unhurried(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give a live database's connection as a mirror's: its `timeout` is that of a search."""
    if spec.get("mode") != "live":
        return spec
    return {k: v for k, v in spec.items() if k != "timeout"} | {"mode": "mirror"}


def _raw(name: str, values: Values) -> str:
    """Write a row as it is kept when it is set aside."""
    return f"{name} {orjson.dumps(values).decode()}"


def _codec(connection: Connection) -> str | None:
    """Give Python's name of the encoding that a PostgreSQL database keeps its texts in."""
    if connection.dialect.name != POSTGRESQL:
        return None
    name = str(connection.exec_driver_sql("SHOW server_encoding").scalar_one())
    try:
        return codecs.lookup(name.replace("WIN", "cp")).name
    except LookupError:
        return None
