"""`records.db`: the agency's records as the import wrote them, a generation a source at a time.

A record's key is its generation's number times 2**32 plus its number within it, so that one is read
by its row and a generation is one range. The index stands beside the records and is switched with
them in one transaction. The file holds nothing that an import can't write again. A file of an
earlier version gets the columns that it lacks; one of a later version is refused with what to do.

All sums of rows count physical rows as the source has them: rows = rows that became records +
rows set aside.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Select,
    Table,
    Text,
    UniqueConstraint,
    func,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from gateway.database import open_sqlite
from gateway.errors import Misconfigured, RecordsUnavailable
from gateway.model import Contact, Handling, SetAside, parse_stamp
from gateway.records.columns import Columns

VERSION = 6
FIRST = 1 << 32
"""A record's key is `generation * FIRST + number`."""
STAGED, CURRENT, RETIRED = "staged", "current", "retired"

_AT_ONCE = 500

metadata = MetaData()
generations = Table(
    "generations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("as_of", Text),
    Column("rows", Integer, nullable=False, default=0),
    Column("records", Integer, nullable=False, default=0),
    Column("set_aside", Integer, nullable=False, default=0),
    Column("digest", Text, nullable=False, default=""),
    Column("record_types", LargeBinary),
    Column("types", LargeBinary),
    Column("terms", LargeBinary),
    Column("index_format", Text),
    # What it was made of: see `gateway.records.fingerprint`. `day` is the day of the import.
    Column("quick", Text, nullable=False, server_default=""),
    Column("whole", Text, nullable=False, server_default=""),
    Column("day", Text, nullable=False, server_default=""),
    Column("corrected", Integer, nullable=False, server_default="0"),
    # What was found out about its files, such as their encoding: a JSON list of sentences.
    Column("stated", Text, nullable=False, server_default="[]"),
    # How many rows each joined file or table had: a JSON object.
    Column("joined", Text, nullable=False, server_default="{}"),
    sqlite_autoincrement=True,
)
records = Table(
    "records",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("generation", ForeignKey("generations.id"), nullable=False),
    Column("record_id", Text, nullable=False),
    Column("record_type", Text, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("handling", LargeBinary, nullable=False),
    Column("contact", LargeBinary),
    UniqueConstraint("generation", "record_id"),
)
set_aside = Table(
    "set_aside",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("generation", ForeignKey("generations.id"), nullable=False, index=True),
    Column("line", Integer, nullable=False),
    Column("code", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("column", Text),
    Column("value", Text),
    Column("raw", Text, nullable=False),
    Column("fields", LargeBinary),
    # The table and the key of a database's row.
    Column("key", Text),
)
claims = Table(
    # The record ids of a row set aside (`id`), with the facts on who may see it, or none where it
    # does not say: no other row with that id counts that says something else.
    "claims",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("record_id", Text, primary_key=True),
    Column("handling", LargeBinary),
)
batches = Table(
    # How far a staged generation got: the sums and the digest of all that was read up to there.
    # `items` counts what the source gave: records and rows set aside. See `gateway.records.sums`.
    "batches",
    metadata,
    Column("generation", ForeignKey("generations.id"), primary_key=True),
    Column("items", Integer, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("rows_aside", Integer, nullable=False),
    Column("records", Integer, nullable=False),
    Column("set_aside", Integer, nullable=False),
    Column("new", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("corrected", Integer, nullable=False),
    Column("opened", JSON, nullable=False),
)
runs = Table(
    # The last import of each source, whatever became of it. `failures` counts those in a row.
    "runs",
    metadata,
    Column("source", Text, primary_key=True),
    Column("started", Text, nullable=False),
    Column("finished", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("code", Text),
    Column("text", Text),
    Column("scheduled", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("quick", Text, nullable=False),
)
index_parts = Table(
    "index_parts",
    metadata,
    Column("generation", ForeignKey("generations.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Generation:
    """One import of one source. `types` are the record types by the codes of its index.

    `rows` and `set_aside` count physical rows. `quick` and `whole` say what it was made of.
    """

    id: int
    source: str
    as_of: datetime | None
    rows: int
    records: int
    set_aside: int
    record_types: frozenset[str]
    types: tuple[str, ...]
    terms: dict[str, frozenset[str]]
    index_format: str
    quick: str = ""
    whole: str = ""
    day: str = ""
    corrected: int = 0
    stated: tuple[str, ...] = ()
    """What was found out about its files, as the mapping leaves it open."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why rows were set aside, and how many. No personal data."""

    code: str
    column: str | None
    text: str
    count: int


@dataclass(frozen=True, slots=True)
class Run:
    """The last import of a source: imported, unchanged, refused, failed or busy.

    `text` says why it was refused or failed, without personal data. `quick` is what it read: see
    `gateway.records.fingerprint`.
    """

    source: str
    started: datetime
    finished: datetime
    outcome: str
    code: str | None = None
    text: str | None = None
    scheduled: bool = False
    failures: int = 0
    quick: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """One record as it is kept; `message` still in bytes, so that every reader gets its own."""

    record_id: str
    record_type: str
    message: bytes
    handling: Handling
    contact: Contact | None


def open_store(path: Path) -> Engine:
    """Open `records.db`, or make it. Raises Misconfigured if it is of a later version."""
    engine = open_sqlite(path)
    with engine.connect() as connection:
        version = _version(connection)
        if version not in range(VERSION + 1):
            engine.dispose()
            raise _of_another_version(path)
        if version != VERSION:
            _bring_up(connection)
    return engine


def _version(connection: Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())


def _bring_up(connection: Connection) -> None:
    """Give a file all that it lacks, in one transaction: a crash leaves it as it was."""
    # The driver itself begins none before an ALTER or a CREATE, and would commit each at once.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    version = _version(connection)  # another process may have been at it meanwhile
    if version < VERSION:
        if version:
            _add_columns(connection, version)
        metadata.create_all(connection)
        connection.exec_driver_sql(f"PRAGMA user_version={VERSION}")
    connection.commit()


def _add_columns(connection: Connection, version: int) -> None:
    """Bring an older file up to date. What version 1 had staged is forgotten: it is read again."""
    added = "ALTER TABLE generations ADD COLUMN joined TEXT NOT NULL DEFAULT '{}'"
    connection.exec_driver_sql(added)
    if version < 5:  # noqa: PLR2004 - the versions there were
        connection.exec_driver_sql('ALTER TABLE set_aside ADD COLUMN "key" TEXT')
    if version < 3:  # noqa: PLR2004 - as above
        added = "ALTER TABLE generations ADD COLUMN stated TEXT NOT NULL DEFAULT '[]'"
        connection.exec_driver_sql(added)
    if version > 1:
        connection.exec_driver_sql(
            "ALTER TABLE batches ADD COLUMN opened JSON NOT NULL DEFAULT '{}'"
        )
        # What was staged is of another digest now: it is read again, and what it opens is counted.
        connection.exec_driver_sql("UPDATE batches SET digest = ''")
        return
    for name in ("quick", "whole", "day", "corrected"):
        kind = "INTEGER NOT NULL DEFAULT 0" if name == "corrected" else "TEXT NOT NULL DEFAULT ''"
        connection.exec_driver_sql(f"ALTER TABLE generations ADD COLUMN {name} {kind}")
    connection.exec_driver_sql("ALTER TABLE set_aside ADD COLUMN fields BLOB")
    connection.exec_driver_sql("DROP TABLE batches")


def _of_another_version(path: Path) -> Misconfigured:
    return Misconfigured(
        f"{path.name} was written by another version; move it away and import again"
    )


class Reader:
    """Reads records from one thread at a time; never waits for an import. Close it after use."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            open_store(path).dispose()
        self._open(path)
        version = self._connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if version in range(1, VERSION):
            self.close()
            open_store(path).dispose()
            self._open(path)
        elif version != VERSION:
            self.close()
            raise _of_another_version(path)

    def _open(self, path: Path) -> None:
        self._engine = open_sqlite(path, read_only=True)
        self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        self._driver: sqlite3.Connection = self._connection.connection.driver_connection  # type: ignore[assignment]  # SQLite's

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        self._engine.dispose()

    def change(self) -> int:
        """Give a number that differs once another connection has committed something."""
        return int(self._driven("PRAGMA data_version")[0][0])

    def generations(self) -> tuple[Generation, ...]:
        """Give the current generation of every source."""
        query = select(generations).where(generations.c.state == CURRENT)
        return tuple(map(_generation, self._rows(query.order_by(generations.c.source))))

    def kept(self) -> dict[str, int]:
        """Give every source of which something is kept, with how many of its records serve.

        Also one whose first import broke off, or whose taking away did.
        """
        serving = func.max(generations.c.records).filter(generations.c.state == CURRENT)
        query = select(generations.c.source, serving.label("serving"))
        found = self._rows(query.group_by(generations.c.source))
        return {r.source: r.serving or 0 for r in found}

    def columns(self, generation: int) -> Columns | None:
        """Load a generation's index; None if it is gone."""
        query = select(index_parts.c.name, index_parts.c.data)
        parts = self._rows(query.where(index_parts.c.generation == generation))
        return Columns.of_parts((p.name, p.data) for p in parts) if parts else None

    def fetch(self, keys: Sequence[int]) -> dict[int, Stored]:
        """Read records by their keys; those that are gone lack in the answer."""
        found = self._driven(f"{_STORED} WHERE id IN ({_marks(keys)})", *keys)
        return {row[0]: _stored(*row[1:]) for row in found}

    def in_force(self) -> dict[str, int]:
        """Give the number of each source's current generation."""
        return dict(self._driven("SELECT source, id FROM generations WHERE state = ?", CURRENT))

    def of_ids(self, generation: int, record_ids: Sequence[str]) -> dict[str, Stored]:
        """Read records of a generation by their owner's ids; those that it has not lack."""
        where = f"WHERE generation = ? AND record_id IN ({_marks(record_ids)})"
        found = self._driven(f"{_STORED} {where}", generation, *record_ids)
        return {row[1]: _stored(*row[1:]) for row in found}

    def facts(self, keys: Sequence[int]) -> dict[int, tuple[str, Handling]]:
        """Give the type of records and the facts that policy decides by; those gone lack."""
        query = select(records.c.id, records.c.record_type, records.c.handling)
        return {
            r.id: (r.record_type, _handling(r.handling))
            for r in self._rows(query.where(records.c.id.in_(keys)))
        }

    def by_record_id(self, generation: int, record_id: str) -> int | None:
        """Give the key of a record by its owner's id."""
        query = select(records.c.id).where(
            records.c.generation == generation, records.c.record_id == record_id
        )
        found = self._rows(query)
        return int(found[0].id) if found else None

    def set_aside(self, source: str, *, limit: int = 100, offset: int = 0) -> tuple[SetAside, ...]:
        """Give rows of a source that could not be translated. They hold personal data."""
        query = _aside_of(source).order_by(set_aside.c.id).limit(limit).offset(offset)
        return tuple(_set_aside(source, r) for r in self._rows(query))

    def each_set_aside(self, source: str) -> Iterator[SetAside]:
        """Give all of them, a few at a time in memory."""
        last = -1
        while found := self._rows(
            _aside_of(source).where(set_aside.c.id > last).order_by(set_aside.c.id).limit(_AT_ONCE)
        ):
            yield from (_set_aside(source, r) for r in found)
            last = found[-1].id

    def reasons(self, source: str) -> tuple[Reason, ...]:
        """Sum up why rows of a source were set aside, the commonest first."""
        known = (set_aside.c.code, set_aside.c.column, set_aside.c.text)
        counted = func.count().label("count")
        query = (
            select(*known, counted)
            .join(generations)
            .where(generations.c.source == source, generations.c.state == CURRENT)
            .group_by(*known)
            .order_by(counted.desc(), *known)
        )
        return tuple(Reason(*map(r.__getitem__, range(4))) for r in self._rows(query))

    def runs(self) -> dict[str, Run]:
        """Give the last import of each source, whatever became of it."""
        return {
            r.source: Run(
                **{**r._mapping, "scheduled": bool(r.scheduled)}  # noqa: SLF001 - SQLAlchemy's name
                | {"started": parse_stamp(r.started), "finished": parse_stamp(r.finished)}
            )
            for r in self._rows(select(runs))
        }

    def _driven(self, query: str, *values: int | str) -> list[Any]:
        """Ask by the driver's own call: a third of the cost, where each answer pays for it."""
        try:
            return self._driver.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise RecordsUnavailable("the records can't be read") from error

    def _rows(self, query: Any) -> Sequence[Row[Any]]:
        try:
            return self._connection.execute(query).all()
        except SQLAlchemyError as error:
            raise RecordsUnavailable("the records can't be read") from error


_STORED = "SELECT id, record_id, record_type, message, handling, contact FROM records"


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _aside_of(source: str) -> Select[Any]:
    current = (generations.c.source == source, generations.c.state == CURRENT)
    return select(set_aside).join(generations).where(*current)


def _set_aside(source: str, row: Row[Any]) -> SetAside:
    fields = orjson.loads(row.fields) if row.fields else None
    said = (row.line, row.code, row.text, row.raw, row.column, row.value, fields)
    return SetAside(source, *said, key=row.key)


def each_record(connection: Connection, generation: int) -> Iterator[tuple[int, str, bytes, bytes]]:
    """Read a generation through: number, type, message and facts of each record, in order."""
    low = generation * FIRST
    query = (
        select(records.c.id, records.c.record_type, records.c.message, records.c.handling)
        .where(records.c.id >= low, records.c.id < low + FIRST)
        .order_by(records.c.id)
        .execution_options(yield_per=500)
    )
    for key, record_type, message, handling in connection.execute(query):
        yield key - low, record_type, message, handling


def write_index(
    connection: Connection, generation: int, parts: Iterable[tuple[str, bytes]]
) -> None:
    """Put an index beside its records, in place of an earlier one."""
    connection.execute(index_parts.delete().where(index_parts.c.generation == generation))
    for name, data in parts:
        connection.execute(
            index_parts.insert(), {"generation": generation, "name": name, "data": data}
        )


def dump_terms(terms: dict[str, frozenset[str]]) -> bytes:
    """Write terms by kind of subject as JSON."""
    return orjson.dumps({k: sorted(v) for k, v in sorted(terms.items())})


def _generation(row: Row[Any]) -> Generation:
    return Generation(
        id=row.id,
        source=row.source,
        as_of=parse_stamp(row.as_of) if row.as_of else None,
        rows=row.rows,
        records=row.records,
        set_aside=row.set_aside,
        record_types=frozenset(orjson.loads(row.record_types)),
        types=tuple(orjson.loads(row.types)),
        terms={k: frozenset(v) for k, v in orjson.loads(row.terms).items()},
        index_format=row.index_format,
        quick=row.quick,
        whole=row.whole,
        day=row.day,
        corrected=row.corrected,
        stated=tuple(orjson.loads(row.stated)),
    )


def _stored(
    record_id: str, record_type: str, message: bytes, handling: bytes, contact: bytes | None
) -> Stored:
    return Stored(record_id, record_type, message, _handling(handling), _contact(contact))


@lru_cache(maxsize=1_024)
def _handling(data: bytes) -> Handling:
    return Handling.of(orjson.loads(data))


@lru_cache(maxsize=1_024)
def _contact(data: bytes | None) -> Contact | None:
    return Contact(**orjson.loads(data)) if data else None
