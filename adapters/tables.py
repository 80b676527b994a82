"""Tables of a legacy database, read through SQLAlchemy: whole, or by keys. Nothing is ever written.

Every value is text here, as in files: blanks at the ends go, NULL is blank. Keys that a table fills
up with blanks are looked for both ways, so that the database can use its index.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import (
    URL,
    ColumnClause,
    ColumnElement,
    Connection,
    Engine,
    Select,
    TableClause,
    column,
    create_engine,
    func,
    inspect,
    make_url,
    select,
    table,
)
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from adapters.joins import BETWEEN, collect, composite
from adapters.mapping import MappingFile
from adapters.rows import BadRow, Columns, Row, Values
from gateway.errors import Misconfigured, RecordsUnavailable

_CHUNK: Final = 400
"""Keys in one query."""
_FETCH: Final = 500
_WAIT_S: Final = 2


class Database:
    """One legacy database, for reading."""

    def __init__(self, mapping: MappingFile) -> None:
        self.name = mapping.source
        spec = mapping.format
        self._padded: Mapping[str, int] = spec.get("padded", {})
        self._tables: dict[str, TableClause] = {}
        given = [k for k in ("path", "url_file") if k in spec]
        if len(given) != 1:
            raise mapping.doc.wrong("a database has a `path` or a `url_file`", "format")
        self.path = mapping.file(spec["path"]) if "path" in spec else None
        try:
            url = _sqlite(self.path) if self.path else _url(mapping.file(spec["url_file"]))
        except Misconfigured as error:
            raise mapping.doc.wrong(error.detail, "format", given[0]) from None
        self._engine = _engine(url)

    @classmethod
    def of_file(cls, path: Path) -> "Database":
        """Open a SQLite file that no mapping names yet. Raises Misconfigured."""
        found = cls.__new__(cls)
        found.name, found.path = path.stem, path
        found._padded, found._tables = {}, {}  # noqa: SLF001 - this class's own
        found._engine = _engine(_sqlite(path))  # noqa: SLF001 - as above
        return found

    def names(self) -> list[str]:
        """Name its tables and views."""
        with self.connect() as connection:
            inspector = inspect(connection)
            return [*inspector.get_table_names(), *inspector.get_view_names()]

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Give a connection. Raises RecordsUnavailable if the database does not answer."""
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError:
            # Its own text may hold parts of a question.
            raise RecordsUnavailable(f"the database of {self.name} can't be read") from None

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
                inspector = inspect(connection)
                columns: list[ColumnClause[Any]] = [
                    column(c["name"]) for c in inspector.get_columns(name)
                ]
            known = self._tables[name] = table(name, *columns)
        return known

    def columns(self, name: str) -> Columns:
        """Name a table's columns."""
        return Columns(frozenset(self.table(name).c.keys()))

    def is_one_of(self, name: str, key: str, values: Sequence[str | int]) -> ColumnElement[bool]:
        """Say that a key is one of these, in either way of padding."""
        width = self._padded.get(f"{name}.{key}")
        wanted = list(values)
        if width is not None:
            wanted += [str(v).ljust(width) for v in values]
        return self.table(name).c[key].in_(wanted)

    def find(
        self, connection: Connection, name: str, key: str, values: Sequence[str]
    ) -> Iterator[Values]:
        """Give the rows of a table whose key is one of these."""
        for start in range(0, len(values), _CHUNK):
            part = values[start : start + _CHUNK]
            yield from self.rows(
                connection, select(self.table(name)).where(self.is_one_of(name, key, part))
            )

    @staticmethod
    def rows(connection: Connection, query: Select[Any]) -> Iterator[Values]:
        """Run a query and give its rows as text."""
        found = connection.execution_options(yield_per=_FETCH).execute(query)
        for row in found.mappings():
            yield {str(name): as_text(value) for name, value in row.items()}


class TableLookup:
    """Finds rows of one table by key, for joins."""

    def __init__(self, database: Database, name: str, key: Sequence[str]) -> None:
        self._database = database
        self._name = name
        self._key = tuple(key)

    def columns(self) -> Columns:
        """Name its columns."""
        return self._database.columns(self._name)

    def find(self, keys: Sequence[str]) -> Mapping[str, list[Values]]:
        """Give the rows for each key that has some."""
        found: dict[str, list[Values]] = {}
        with self._database.connect() as connection:
            if len(self._key) == 1:
                for values in self._database.find(connection, self._name, self._key[0], keys):
                    collect(found, values[self._key[0]], values)
            else:
                self._find_composite(connection, keys, found)
        return found

    def _find_composite(
        self, connection: Connection, keys: Sequence[str], found: dict[str, list[Values]]
    ) -> None:
        """Look by each column of the key at once; what does not belong together is left out."""
        table = self._database.table(self._name)
        for start in range(0, len(keys), _CHUNK):
            some = [key.split(BETWEEN) for key in keys[start : start + _CHUNK]]
            conditions = [
                self._database.is_one_of(self._name, column, sorted(set(values)))
                for column, values in zip(self._key, zip(*some, strict=True), strict=True)
            ]
            for values in self._database.rows(connection, select(table).where(*conditions)):
                collect(found, composite([values[c] for c in self._key]), values)


class TableReader:
    """Reads a table from its first row to its last. A row's line is its place in that order."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name

    def columns(self) -> Columns:
        """Name its columns."""
        return self._database.columns(self._name)

    def rows(self) -> Iterator[Row | BadRow]:
        """Give the rows."""
        with self._database.connect() as connection:
            query = select(self._database.table(self._name))
            for number, values in enumerate(self._database.rows(connection, query), 1):
                yield Row(number, raw(self._name, values), values)

    def as_of(self) -> datetime | None:
        """Give the moment: a database is read as it is now."""
        return datetime.now(UTC)

    def total_hint(self) -> int | None:
        """Count the rows."""
        with self._database.connect() as connection:
            counted = select(func.count()).select_from(self._database.table(self._name))
            return int(connection.execute(counted).scalar_one())


def raw(name: str, values: Values) -> str:
    """Write a row as it is kept when it is set aside."""
    return f"{name} {orjson.dumps(values).decode()}"


def as_text(value: object) -> str:
    """Give a database's value as text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _engine(url: URL) -> Engine:
    arguments = {"timeout": _WAIT_S} if url.get_backend_name() == "sqlite" else {}
    return create_engine(url, connect_args=arguments, hide_parameters=True)


def _sqlite(path: Path) -> URL:
    if not path.is_file():
        raise Misconfigured(f"{path.name}: there is no such file in {path.parent.name}/")
    return make_url("sqlite://").set(
        database=f"file:{path.as_posix()}", query={"mode": "ro", "uri": "true"}
    )


def _url(path: Path) -> URL:
    try:
        return make_url(path.read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError, ArgumentError) as error:
        raise Misconfigured(f"{path.name}: it holds no database URL") from error
