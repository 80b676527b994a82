"""`records.db`: the agency's records as the import wrote them, a generation a source at a time.

A record's key is its generation's number times 2**32 plus its number within it, so that one is read
by its row and a generation is one range. The index stands beside the records and is switched with
them in one transaction. The file holds nothing that an import can't write again: it has no
migrations, and one of another version is refused with what to do.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Table,
    Text,
    UniqueConstraint,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from gateway.database import open_sqlite
from gateway.errors import Misconfigured, RecordsUnavailable
from gateway.model import Contact, Handling, SetAside, parse_stamp
from gateway.records.columns import Columns

VERSION = 1
FIRST = 1 << 32
"""A record's key is `generation * FIRST + number`."""
STAGED, CURRENT, RETIRED = "staged", "current", "retired"

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
)
batches = Table(
    # How far a staged generation got: the sums and the digest of all rows up to there.
    "batches",
    metadata,
    Column("generation", ForeignKey("generations.id"), primary_key=True),
    Column("rows", Integer, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("records", Integer, nullable=False),
    Column("set_aside", Integer, nullable=False),
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
    """One import of one source. `types` are the record types by the codes of its index."""

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


@dataclass(frozen=True, slots=True)
class Stored:
    """One record as it is kept; `message` still in bytes, so that every reader gets its own."""

    record_id: str
    record_type: str
    message: bytes
    handling: Handling
    contact: Contact | None


def open_store(path: Path) -> Engine:
    """Open `records.db`, or make it. Raises Misconfigured if it is of another version."""
    engine = open_sqlite(path)
    with engine.connect() as connection:
        version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if version not in {0, VERSION}:
            raise Misconfigured(
                f"{path.name} was written by another version; move it away and import again"
            )
        if version == 0:
            metadata.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version={VERSION}")
            connection.commit()
    return engine


class Reader:
    """Reads records from one thread at a time; never waits for an import. Close it after use."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            open_store(path).dispose()
        self._engine = open_sqlite(path, read_only=True)
        self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        version = self._connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        if version != VERSION:
            self.close()
            raise Misconfigured(
                f"{path.name} was written by another version; move it away and import again"
            )

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        self._engine.dispose()

    def change(self) -> int:
        """Give a number that differs once another connection has committed something."""
        try:
            return int(self._connection.exec_driver_sql("PRAGMA data_version").scalar_one())
        except SQLAlchemyError as error:
            raise RecordsUnavailable("the records can't be read") from error

    def generations(self) -> tuple[Generation, ...]:
        """Give the current generation of every source."""
        query = select(generations).where(generations.c.state == CURRENT)
        return tuple(map(_generation, self._rows(query.order_by(generations.c.source))))

    def columns(self, generation: int) -> Columns | None:
        """Load a generation's index; None if it is gone."""
        query = select(index_parts.c.name, index_parts.c.data)
        parts = self._rows(query.where(index_parts.c.generation == generation))
        return Columns.of_parts((p.name, p.data) for p in parts) if parts else None

    def fetch(self, keys: Sequence[int]) -> dict[int, Stored]:
        """Read records by their keys; those that are gone lack in the answer."""
        marks = ",".join("?" * len(keys))
        try:
            found = self._connection.exec_driver_sql(
                # Only question marks are put in: the driver's own call is a third of the cost.
                "SELECT id, record_id, record_type, message, handling, contact "  # noqa: S608 - as above
                f"FROM records WHERE id IN ({marks})",
                tuple(keys),
            ).all()
        except SQLAlchemyError as error:
            raise RecordsUnavailable("the records can't be read") from error
        return {row[0]: _stored(*row[1:]) for row in found}

    def by_record_id(self, generation: int, record_id: str) -> int | None:
        """Give the key of a record by its owner's id."""
        query = select(records.c.id).where(
            records.c.generation == generation, records.c.record_id == record_id
        )
        found = self._rows(query)
        return int(found[0].id) if found else None

    def set_aside(self, source: str, *, limit: int = 100, offset: int = 0) -> tuple[SetAside, ...]:
        """Give rows of a source that could not be translated. They hold personal data."""
        query = (
            select(set_aside)
            .join(generations)
            .where(generations.c.source == source, generations.c.state == CURRENT)
            .order_by(set_aside.c.id)
            .limit(limit)
            .offset(offset)
        )
        return tuple(
            SetAside(source, r.line, r.code, r.text, r.raw, r.column, r.value)
            for r in self._rows(query)
        )

    def _rows(self, query: Any) -> Sequence[Row[Any]]:
        try:
            return self._connection.execute(query).all()
        except SQLAlchemyError as error:
            raise RecordsUnavailable("the records can't be read") from error


def each_message(connection: Connection, generation: int) -> Iterator[tuple[int, str, bytes]]:
    """Read a generation through: number, record type and message of each record, in order."""
    low = generation * FIRST
    query = (
        select(records.c.id, records.c.record_type, records.c.message)
        .where(records.c.id >= low, records.c.id < low + FIRST)
        .order_by(records.c.id)
        .execution_options(yield_per=500)
    )
    for key, record_type, message in connection.execute(query):
        yield key - low, record_type, message


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
