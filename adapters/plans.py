"""How a legacy database would answer a live search: by its indexes, or by reading a table whole.

The database itself is asked for its plan of the very statements that searches send. A table that is
small may be read whole; a large one never.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import CHAR, VARCHAR, Connection, func, literal_column, select
from sqlalchemy.sql import Select
from sqlalchemy.types import TypeEngine

from adapters.document import Place
from adapters.tables import Database

SMALL: Final = 20_000
"""Rows that may be read whole for one search."""
_INDEXED: Final = frozenset({"Index Scan", "Index Only Scan", "Bitmap Index Scan"})


@dataclass(frozen=True, slots=True)
class Probe:
    """One statement that searches send. `why` names the search; `by` what each table is looked by.

    `begins`: it looks for what a text begins with, too.
    """

    statement: Select[Any]
    by: Mapping[str, tuple[str, ...]]
    why: str
    place: Place
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Scan:
    """A probe that reads a large table whole, and the statement that would make its index."""

    probe: Probe
    table: str
    index: str

    def __str__(self) -> str:
        return (
            f"{self.probe.why} would read the whole of {self.table}, more than {SMALL:,} "
            f"rows. Have its index made: {self.index}"
        )


def scans(database: Database, probes: Sequence[Probe]) -> Iterator[Scan]:
    """Give the probes for which a large table has no index. Raises RecordsUnavailable."""
    large: dict[str, bool] = {}
    with database.connect() as connection:
        for probe in probes:
            for name in read_whole(database, connection, probe.statement):
                if name not in large:
                    large[name] = _is_large(database, connection, name)
                if large[name]:
                    yield Scan(probe, name, _index(database, probe, name))
                    break


def read_whole(
    database: Database, connection: Connection, statement: Select[Any]
) -> frozenset[str]:
    """Name the tables that a statement would read whole, for want of an index."""
    if not database.is_postgresql:
        steps = (str(row[3]).split() for row in plan(connection, statement))
        # SCAN name, or SCAN name USING COVERING INDEX: all of it, either way.
        found_in = (step[1] for step in steps if step[0] == "SCAN" and step[1] != "CONSTANT")
        return frozenset(name for name in found_in if not name.startswith("("))
    # A small table is read whole because that is quicker. What counts is whether it has to be.
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    found: Any = plan(connection, statement)[0][0]
    connection.exec_driver_sql("SET LOCAL enable_seqscan = on")
    return frozenset(_whole(found[0]["Plan"]))


def plan(connection: Connection, statement: Select[Any]) -> Sequence[Any]:
    """Give a database's own plan: rows in SQLite, one of JSON in PostgreSQL."""
    compiled = statement.compile(
        dialect=connection.dialect, compile_kwargs={"render_postcompile": True}
    )
    if connection.dialect.name == "sqlite":
        values: Any = tuple(compiled.params[name] for name in compiled.positiontup or ())
        return connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values).all()
    text = f"EXPLAIN (FORMAT JSON) {compiled}"
    found = connection.exec_driver_sql(text, dict(compiled.params)).all()
    return [(orjson.loads(row[0]) if isinstance(row[0], str) else row[0],) for row in found]


def _whole(node: Mapping[str, Any], above: str = "") -> Iterator[str]:
    kind, name = node["Node Type"], node.get("Relation Name", above)
    if kind == "Seq Scan" or (kind in _INDEXED and "Index Cond" not in node):
        yield name
    for part in node.get("Plans", ()):
        yield from _whole(part, name)


def _is_large(database: Database, connection: Connection, name: str) -> bool:
    some: Select[Any] = (
        select(literal_column("1")).select_from(database.table(name)).limit(SMALL + 1)
    )
    counted = connection.execute(select(func.count()).select_from(some.subquery())).scalar_one()
    return int(counted) > SMALL


def _index(database: Database, probe: Probe, table: str) -> str:
    """Write the statement that makes the index which a probe lacks."""
    columns = probe.by.get(table, ())
    if not columns:
        return f"of {table}, on what it is joined by"
    every = [(c,) for c in columns] if probe.begins else [columns]
    if not database.is_postgresql:
        found = [f"CREATE INDEX {table}_{c[0]} ON {table} ({', '.join(c)})" for c in every]
        return "; ".join(found)
    ways = {c: _way(database.kind(table, c)) if probe.begins else "" for c in columns}
    found = [f"CREATE INDEX ON {table} ({', '.join(n + ways[n] for n in c)})" for c in every]
    return "; ".join(found)


def _way(kind: TypeEngine[Any]) -> str:
    """Name the way of sorting by which PostgreSQL finds what a text begins with."""
    if isinstance(kind, CHAR):
        return " bpchar_pattern_ops"
    return " varchar_pattern_ops" if isinstance(kind, VARCHAR) else " text_pattern_ops"
