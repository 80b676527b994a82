"""The tables of ledger.db. `verify` compares the file's own schema with this one."""

from collections.abc import Iterable
from functools import cache

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

VERSION = 1
"""Kept in the file as PRAGMA user_version."""

metadata = MetaData()

# The key that wraps the part keys of one month and retention class, itself wrapped.
month_keys = Table(
    "month_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("month", Text, nullable=False),
    Column("retention", Text, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    UniqueConstraint("month", "retention"),
)

# `entry` is what counts. The columns from `time` to `subject` repeat it for searching, `position`
# is its place in the tree once it has one, `tag` marks it as written by this gateway. The sealed
# part comes last, so that a reader who doesn't want it doesn't load it.
entries = Table(
    "entries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("position", BigInteger),
    Column("writer", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("time", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("transaction", Text),
    Column("peer", Text),
    Column("purpose", Text),
    Column("decision", Text),
    Column("subject", Text),
    Column("tag", LargeBinary, nullable=False),
    Column("entry", LargeBinary, nullable=False),
    Column("month_key", ForeignKey("month_keys.id")),
    Column("part_key", LargeBinary),
    Column("part", LargeBinary),
    UniqueConstraint("writer", "sequence"),
)
Index("entries_without_number", entries.c.id, sqlite_where=text("position IS NULL"))
Index(
    "entries_by_position",
    entries.c.position,
    unique=True,
    sqlite_where=text("position IS NOT NULL"),
)
Index("entries_by_time", entries.c.time)
Index(
    "entries_by_transaction",
    entries.c.transaction,
    sqlite_where=text('"transaction" IS NOT NULL'),
)
Index("entries_by_subject", entries.c.subject, sqlite_where=text("subject IS NOT NULL"))

# The tree: 256 hashes a tile, one after the other; the last tile of a level may have fewer.
tiles = Table(
    "tiles",
    metadata,
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("size", Integer, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
)

# Nonces of messages that are not yet long expired, by digest. Times in ms since 1970. The row with
# an id of zeros says up to which expiry they were purged: what expired earlier is refused.
nonces = Table(
    "nonces",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("expires", BigInteger, nullable=False),
    Column("tag", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

COLUMNS = tuple(c.name for c in entries.columns)
REPEATED = ("writer", "time", "type", "transaction", "peer", "purpose", "decision", "subject")
"""The columns that repeat the entry's fields of the same name."""


class Altered(Exception):
    """The file holds something else than this gateway wrote."""


def create(engine: Engine) -> None:
    """Make what is not there yet."""
    with engine.begin() as connection:
        metadata.create_all(connection)
        connection.exec_driver_sql(f"PRAGMA user_version={VERSION}")


def described(connection: Connection) -> frozenset[tuple[str, str, str]]:
    """Give the schema as the file has it: kind, name and text of everything defined in it."""
    rows = connection.exec_driver_sql(
        "SELECT type, name, coalesce(sql, '') FROM sqlite_master"
        " UNION ALL SELECT 'version', '', user_version FROM pragma_user_version"
    )
    return frozenset((str(kind), str(name), str(sql)) for kind, name, sql in rows)


@cache
def insert_rows(table: str, columns: Iterable[str], rows: int) -> str:
    """Give one statement that inserts so many rows: each step of the driver costs a thread switch.

    Table and columns are this module's names; values are bound, row after row.
    """
    names = tuple(columns)
    row = f"({', '.join('?' * len(names))})"
    quoted = ", ".join(f'"{n}"' for n in names)
    return f"INSERT INTO {table} ({quoted}) VALUES {', '.join([row] * rows)}"  # noqa: S608 - as said
