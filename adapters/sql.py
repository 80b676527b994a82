"""Legacy databases, read whole: imported as a mirror, anew or what changed only.

Searched where they are: `adapters.sql_live`.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import chain
from pathlib import Path

from adapters import replica
from adapters.held import looked_up
from adapters.mapping import MappingFile
from adapters.source import Compiler, MappedSource, Part
from adapters.sql_prepared import Prepared, check_changes, prepare
from adapters.tables import Database, TableReader
from gateway.errors import Misconfigured


def load(mapping: MappingFile, compiler: Compiler) -> MappedSource:
    """Give a database's tables as records, all of them."""
    database = Database.of(mapping, whole=True)
    check_changes(mapping, database)
    return _loaded(mapping, database, compiler)


def _loaded(
    mapping: MappingFile, database: Database, compiler: Compiler, as_of: datetime | None = None
) -> MappedSource:
    prepared = prepare(mapping, database, compiler)
    spec = mapping.format.get("changes", {})
    for name, wanted in _wanted(database, compiler, prepared).items() if spec else ():
        database.keep(name, replica.columns_of(wanted, spec[name]))
    parts = []
    for held in prepared.held:
        reader = TableReader(database, held.table, held.id_column, as_of)
        reader.select(held.used)
        parts.append(Part(reader, held.joins, [held.plan], held.repeats, held.table))
    return MappedSource(mapping, parts, prepared.terms, database.moment)


def refresh(
    mapping: MappingFile, path: Path, *, anew: bool, progress: Callable[[int], None]
) -> replica.Refreshed:
    """Bring a mirrored database's replica up to date. Raises Misconfigured, RecordsUnavailable."""
    database, compiler = Database.of(mapping), Compiler(mapping)
    check_changes(mapping, database)
    prepared = prepare(mapping, database, compiler)
    wanted = _wanted(database, compiler, prepared)
    try:
        spec = mapping.format["changes"]
        return replica.refresh(database, spec, wanted, path, anew=anew, progress=progress)
    except Misconfigured as error:
        raise mapping.doc.wrong(error.detail, "format", "changes") from None


def _wanted(
    database: Database, compiler: Compiler, prepared: Prepared
) -> dict[str, replica.Wanted]:
    """Say what of each table is used."""
    wanted: dict[str, replica.Wanted] = {}

    def want(table: str, used: Iterable[str], *indexes: tuple[str, ...]) -> None:
        known = wanted.get(table, replica.Wanted(frozenset()))
        columns = known.columns | (database.columns(table).own & {*used, *chain(*indexes)})
        wanted[table] = replica.Wanted(columns, (*known.indexes, *indexes))

    for held in prepared.held:
        want(held.table, compiler.used, (held.id_column,))
        for name, table, key in looked_up(held):
            prefix = f"{name}."
            used = {u.removeprefix(prefix) for u in compiler.used if u.startswith(prefix)}
            want(table, used, key)
    return wanted


def load_replica(mapping: MappingFile, made: replica.Refreshed) -> MappedSource:
    """Give a replica's tables as records."""
    spec = {"mode": "mirror", "path": made.path.name}
    database = Database(mapping.source, spec, made.path.parent)
    return _loaded(mapping, database, Compiler(mapping), made.as_of)
