"""Legacy databases: imported as a mirror, or searched live, where nothing is copied.

A live search is pushed down as SQL with parameters; the rows found are mapped on the fly. A row
that is deleted there is not found by the next search. A row that can't be translated is passed over
and counted; `adapters.load` on the same mapping says which, and why.
"""

import contextlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, select

from adapters import replica
from adapters.held import Held, conditions, looked_up, probes
from adapters.joining import listed
from adapters.joins import join_columns, joined
from adapters.mapping import PLACEHOLDER, MappingFile
from adapters.plans import scans
from adapters.pushdown import PersonSearch
from adapters.repeats import repeated
from adapters.rows import Fault, Row, Values
from adapters.source import Compiler, MappedSource, Part
from adapters.tables import Database, TableLookup, TableReader, raw
from adapters.terms import Terms
from gateway.errors import Misconfigured, RecordsUnavailable
from gateway.model import PersonQuery, Record, RecordQuery, SubjectQuery

_AT_ONCE: Final = 40
"""Persons whose records are fetched together."""
_SUPPORTING: Final = {
    "person": frozenset({"sex"}),
    "vehicle": frozenset({"plate_state", "make", "model", "year", "color"}),
    "item": frozenset({"type", "make"}),
}
"""Terms that are compared where they are held, though nothing is searched by them."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """All that needs the database to be looked at once."""

    held: tuple[Held, ...]
    persons: PersonSearch | None
    terms: Terms


def load(mapping: MappingFile, compiler: Compiler) -> MappedSource:
    """Give a database's tables as records, all of them."""
    database = Database.of(mapping)
    _check_changes(mapping, database)
    return _loaded(mapping, database, compiler)


def _loaded(
    mapping: MappingFile, database: Database, compiler: Compiler, as_of: datetime | None = None
) -> MappedSource:
    prepared = _prepare(mapping, database, compiler)
    parts = [
        Part(TableReader(database, h.table, h.id_column, as_of), h.joins, [h.plan], h.repeats)
        for h in prepared.held
    ]
    return MappedSource(mapping, parts, prepared.terms, database.moment)


def refresh(
    mapping: MappingFile, path: Path, *, anew: bool, progress: Callable[[int], None]
) -> replica.Refreshed:
    """Bring a mirrored database's replica up to date. Raises Misconfigured, RecordsUnavailable."""
    database, compiler = Database.of(mapping), Compiler(mapping)
    _check_changes(mapping, database)
    prepared = _prepare(mapping, database, compiler)
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
    try:
        spec = mapping.format["changes"]
        return replica.refresh(database, spec, wanted, path, anew=anew, progress=progress)
    except Misconfigured as error:
        raise mapping.doc.wrong(error.detail, "format", "changes") from None


def load_replica(mapping: MappingFile, made: replica.Refreshed) -> MappedSource:
    """Give a replica's tables as records."""
    spec = {"mode": "mirror", "path": made.path.name}
    database = Database(mapping.source, spec, made.path.parent)
    return _loaded(mapping, database, Compiler(mapping), made.as_of)


class LiveSource:
    """A database that is searched where it is. Its calls block; several threads may make them."""

    def __init__(self, mapping: MappingFile) -> None:
        self._mapping = mapping
        self._database = Database.of(mapping)
        self._known: _Prepared | None = None
        self._lock = threading.Lock()
        self.untranslatable = 0
        """Rows met so far that could not be translated."""
        # It may be down now. The gateway starts, and asks again when it is searched.
        with contextlib.suppress(RecordsUnavailable), self._closed_if_wrong():
            self._known = _prepare(mapping, self._database, Compiler(mapping))

    @property
    def name(self) -> str:
        """The source's name."""
        return self._mapping.source

    @property
    def record_types(self) -> frozenset[str]:
        """The record types it holds."""
        return frozenset(r["type"] for r in self._mapping.records)

    @property
    def terms(self) -> Mapping[str, frozenset[str]]:
        """The terms by which it is searched, by kind of subject."""
        return self._prepared().terms

    def as_of(self) -> datetime | None:
        """Give the moment: what is found is what stands there now."""
        return datetime.now(UTC)

    def candidates(
        self, query: SubjectQuery, record_types: frozenset[str], limit: int
    ) -> Sequence[Record]:
        """Give records that may match, up to `limit`. Raises RecordsUnavailable."""
        if isinstance(query, RecordQuery):
            found = self.get(query.record_id)
            return [found] if found is not None and found.record_type in record_types else []
        prepared = self._prepared()
        wanted = [h for h in prepared.held if h.plan.record_type in record_types]
        records: dict[str, Record] = {}
        with self._database.connect() as connection:
            for held, rows in self._found(connection, prepared, wanted, query, limit):
                for record in self._records(held, rows):
                    records.setdefault(record.record_id, record)
                    if len(records) >= limit:
                        return list(records.values())
        return list(records.values())

    def get(self, record_id: str) -> Record | None:
        """Give one record by its id. Raises RecordsUnavailable."""
        with self._database.connect() as connection:
            for held in self._prepared().held:
                matched = held.id_pattern.fullmatch(record_id)
                if matched is None:
                    continue
                rows = self._database.find(connection, held.table, held.id_column, [matched[1]])
                for record in self._records(held, rows):
                    if record.record_id == record_id:
                        return record
        return None

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    @contextlib.contextmanager
    def _closed_if_wrong(self) -> Iterator[None]:
        try:
            yield
        except Misconfigured:
            self.close()
            raise

    def _prepared(self) -> _Prepared:
        with self._lock:
            if self._known is None:
                try:
                    self._known = _prepare(self._mapping, self._database, Compiler(self._mapping))
                except Misconfigured as error:
                    # It was down when the gateway started; now it is not what the mapping says.
                    raise RecordsUnavailable(error.detail, code="records.mapping") from error
            return self._known

    def _found(
        self,
        connection: Connection,
        prepared: _Prepared,
        wanted: Sequence[Held],
        query: SubjectQuery,
        limit: int,
    ) -> Iterator[tuple[Held, Iterable[Values]]]:
        """Give rows that may match, by record type, the surest first."""
        if isinstance(query, PersonQuery):
            if prepared.persons is None:
                return
            keys = prepared.persons.keys(connection, query, limit)
            for start in range(0, len(keys), _AT_ONCE):
                part = keys[start : start + _AT_ONCE]
                for held in wanted:
                    if by := held.found_by.get("person"):
                        yield held, self._of_persons(connection, held, by, part, limit)
            return
        for held in wanted:
            wanted_of_it = conditions(self._database, held, query)
            if wanted_of_it:
                table = self._database.table(held.table)
                yield (
                    held,
                    self._database.rows(
                        connection, select(table).where(*wanted_of_it).limit(limit)
                    ),
                )

    def _of_persons(
        self,
        connection: Connection,
        held: Held,
        by: Mapping[str, Any],
        keys: Sequence[str],
        limit: int,
    ) -> Iterator[Values]:
        find = self._database.find
        if "table" not in by:
            yield from find(connection, held.table, by["column"], keys, limit)
            return
        between = find(connection, by["table"], by["column"], keys, limit)
        own = list(dict.fromkeys(row[by["to"]] for row in between))
        yield from find(connection, held.table, by["key"], own, limit)

    def _records(self, held: Held, rows: Iterable[Values]) -> Iterator[Record]:
        made = (Row(n, raw(held.table, v), v) for n, v in enumerate(rows, 1))
        for row in joined(repeated(made, held.repeats), held.joins):
            if isinstance(row, Row) and held.plan.applies(row):
                try:
                    yield held.plan.build(row)
                except Fault:
                    self.untranslatable += 1
            elif not isinstance(row, Row):
                self.untranslatable += 1


def _prepare(mapping: MappingFile, database: Database, compiler: Compiler) -> _Prepared:
    """Compile a mapping over its database. Raises Misconfigured, RecordsUnavailable."""
    held: list[Held] = []
    for number in compiler.numbers():
        with mapping.doc.going_on():
            held.append(_hold(mapping, database, compiler, number))
    spec = mapping.search.get("person")
    persons = PersonSearch(database, spec) if spec else None
    if persons is not None:
        for table, name, place in persons.named_columns():
            with mapping.doc.going_on():
                _check(mapping, database, table, name, ("search", "person", *place))
    spec = mapping.format.get("changes")
    used = {h.table for h in held} | {table for h in held for _, table, _ in looked_up(h)}
    for name in sorted(used - spec.keys()) if spec is not None else ():
        with mapping.doc.going_on():
            text = f"{name}: say its `key` too; its rows are used"
            raise mapping.doc.wrong(text, "format", "changes")
    terms = compiler.terms()
    if mapping.format["mode"] == "live":
        terms = _searchable(terms, held, persons)
        for scan in scans(
            database, [*(persons.probes() if persons else ()), *probes(database, held)]
        ):
            with mapping.doc.going_on():
                raise mapping.doc.wrong(str(scan), *scan.probe.place)
    return _Prepared(tuple(held), persons, terms)


def _check_changes(mapping: MappingFile, database: Database) -> None:
    """Refuse `changes` that name what the database does not have."""
    spec, place = mapping.format.get("changes"), ("format", "changes")
    if spec is None:
        return
    with mapping.doc.going_on():
        if mapping.format["mode"] == "live":
            text = "a live source is always what the database holds now: `changes` is of mirrors"
            raise mapping.doc.wrong(text, *place)
    for name, of_table in spec.items():
        for key in (
            *listed(of_table["key"]),
            *([of_table["column"]] if "column" in of_table else []),
        ):
            with mapping.doc.going_on():
                _check(mapping, database, name, key, (*place, name))
        with mapping.doc.going_on():
            if ("column" in of_table) != ("overlap" in of_table):
                text = f"{name}: with a `column` goes an `overlap`, such as 10m"
                raise mapping.doc.wrong(text, *place, name)


def _hold(mapping: MappingFile, database: Database, compiler: Compiler, number: int) -> Held:
    spec, place = mapping.records[number], ("records", number)
    if "table" not in spec:
        raise mapping.doc.wrong("a database's records come from a `table`", *place)
    own = _named(mapping, lambda: database.columns(spec["table"]), (*place, "table"))
    compiler.columns[""] = compiler.columns.get("", frozenset()) | own.own

    def lookup(name: str, join: Mapping[str, Any]) -> TableLookup:
        if "table" not in join:
            raise mapping.doc.wrong(f"{name}: say which `table`", *place, "join", name)
        found = TableLookup(database, join["table"], listed(join["key"]))
        theirs = _named(mapping, found.columns, (*place, "join", name)).own
        compiler.columns[name] = frozenset(f"{name}.{c}" for c in theirs)
        return found

    repeats, repeated = compiler.repeats(number, own)
    joins = compiler.joins(number, repeated, lookup)
    plan = compiler.record(number, join_columns(repeated, joins))
    if len(plan.id_columns) != 1 or plan.id_columns[0] not in own.own:
        raise mapping.doc.wrong("a database's record has one key column in its id", *place, "id")
    _check_found_by(mapping, database, number)
    pattern = PLACEHOLDER.sub("\0", spec["id"])
    before, after = (re.escape(p) for p in pattern.split("\0"))
    id_pattern = re.compile(f"{before}(.+){after}")
    found_by = spec.get("found_by", {})
    named = found_by.get("incident", {}).get("offense_codes", {})
    offenses = compiler.tables.find(named, *place, "found_by").words if named else {}
    key = plan.id_columns[0]
    return Held(number, spec["table"], plan, repeats, joins, found_by, key, id_pattern, offenses)


def _check_found_by(mapping: MappingFile, database: Database, number: int) -> None:
    """Refuse a `found_by` that names what the database does not have."""
    spec, place = mapping.records[number], ("records", number)
    for kind, by in spec.get("found_by", {}).items():
        at = (*place, "found_by", kind)
        if kind == "person" and "table" in by:
            if not {"to", "key"} <= by.keys():
                raise mapping.doc.wrong("with a `table` between go `to` and `key`", *at)
            _check(mapping, database, by["table"], by["column"], at)
            _check(mapping, database, by["table"], by["to"], at)
            _check(mapping, database, spec["table"], by["key"], at)
            continue
        for term in ("column", "number", "offense", "plate", "vin", "serial"):
            if term in by:
                _check(mapping, database, spec["table"], by[term], (*at, term))
        if "date" in by:
            _check(mapping, database, spec["table"], by["date"]["column"], (*at, "date"))
        if "offense" in by and "offense_codes" not in by:
            raise mapping.doc.wrong("with `offense` goes `offense_codes`", *at)


def _searchable(terms: Terms, held: Sequence[Held], persons: PersonSearch | None) -> Terms:
    """Leave the terms that a search can use: pushed down, or compared with what is found."""
    found: dict[str, frozenset[str]] = {"record": frozenset({"record_id"})}
    if persons is not None:
        also = terms.get("person", frozenset()) & _SUPPORTING["person"]
        found["person"] = persons.terms | also
    pushed: dict[str, set[str]] = {}
    for one in held:
        for kind in ("incident", "vehicle", "item"):
            by = one.found_by.get(kind, {})
            names = {t for t in ("number", "offense", "plate", "vin", "serial") if t in by}
            if "date" in by:
                names |= {"date_from", "date_to"}
            if names:
                pushed.setdefault(kind, set()).update(names)
    for kind, names in pushed.items():
        also = terms.get(kind, frozenset()) & _SUPPORTING.get(kind, frozenset())
        found[kind] = frozenset(names) | also
    return found


def _check(
    mapping: MappingFile, database: Database, table: str, name: str, place: tuple[str | int, ...]
) -> None:
    columns = _named(mapping, lambda: database.columns(table), place)
    if name not in columns.own:
        raise mapping.doc.wrong(f"{name}: no such column in {table}", *place)


def _named(mapping: MappingFile, look: Callable[[], Any], place: tuple[str | int, ...]) -> Any:
    try:
        return look()
    except Misconfigured as error:
        raise mapping.doc.wrong(error.detail, *place) from None
