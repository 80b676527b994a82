"""A database's mapping, compiled over the tables that the database has; faults with file and line.

A live one is held to what its search needs: terms that are pushed down, and an index for each.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from adapters.compile import nearest
from adapters.held import Held, looked_up, number_columns, probes
from adapters.joins import join_columns, listed
from adapters.lookups import TableLookup
from adapters.mapping import PLACEHOLDER, MappingFile
from adapters.plans import scans
from adapters.pushdown import PersonSearch
from adapters.source import Compiler
from adapters.tables import Database
from adapters.terms import Terms
from gateway.errors import Misconfigured

_SUPPORTING: Final = {
    "person": frozenset({"sex"}),
    "vehicle": frozenset({"plate_state", "make", "model", "year", "color"}),
    "item": frozenset({"type", "make"}),
}
"""Terms that are compared where they are held, though nothing is searched by them."""

_MOST_WAYS: Final = 3


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that needs the database to be looked at once."""

    held: tuple[Held, ...]
    persons: PersonSearch | None
    terms: Terms


def prepare(mapping: MappingFile, database: Database, compiler: Compiler) -> Prepared:
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
    _check_written(mapping, held, persons)
    terms = compiler.terms()
    if mapping.format["mode"] == "live":
        terms = _searchable(terms, held, persons)
        for scan in scans(
            database, [*(persons.probes() if persons else ()), *probes(database, held)]
        ):
            with mapping.doc.going_on():
                raise mapping.doc.wrong(str(scan), *scan.probe.place)
    return Prepared(tuple(held), persons, terms)


def check_changes(mapping: MappingFile, database: Database) -> None:
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
        found = TableLookup(database, join["table"], listed(join["key"]), name)
        theirs = _named(mapping, found.columns, (*place, "join", name)).own
        compiler.columns[name] = frozenset(f"{name}.{c}" for c in theirs)
        return found

    repeats, repeated = compiler.repeats(number, own)
    joins = compiler.joins(number, repeated, lookup)
    plan = compiler.record(number, join_columns(repeated, joins), joins)
    if len(plan.id_columns) != 1 or plan.id_columns[0] not in own.own:
        text = (
            "a database's record has one key column in its id. Where the key is of several, name a "
            "view as its `table` that puts them into one column"
        )
        raise mapping.doc.wrong(text, *place, "id")
    for join in joins:
        if isinstance(join.lookup, TableLookup):
            names = (f"{join.name}.{c}" for c in join.lookup.columns().own)
            used = compiler.used.intersection(names)
            join.lookup.select({u.removeprefix(f"{join.name}.") for u in used})
    _check_found_by(mapping, database, number)
    pattern = PLACEHOLDER.sub("\0", spec["id"])
    before, after = (re.escape(p) for p in pattern.split("\0"))
    id_pattern = re.compile(f"{before}(.+){after}")
    found_by = spec.get("found_by", {})
    named = found_by.get("incident", {}).get("offense_codes", {})
    offenses = compiler.tables.find(named, *place, "found_by").words if named else {}
    key = plan.id_columns[0]
    is_key = database.is_key(spec["table"], key)
    return Held(
        *(number, spec["table"], plan, repeats, joins, found_by),
        *(key, id_pattern, is_key, offenses, own.own & compiler.used),
    )


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


def not_asked(mapping: MappingFile) -> Iterator[tuple[str, list[str]]]:
    """Name columns of a live source whose numbers no search finds, and the ways they are written.

    By the first rows of each table. Raises Misconfigured, RecordsUnavailable.
    """
    database = Database.of(mapping)
    try:
        prepared = prepare(mapping, database, Compiler(mapping))
        for table, name in _number_columns(prepared.held, prepared.persons):
            ways = [way for way, _ in database.not_asked(table, name).most_common(_MOST_WAYS)]
            if ways:
                yield f"{table}.{name}", ways
    finally:
        database.close()


def _number_columns(held: Sequence[Held], persons: PersonSearch | None) -> list[tuple[str, str]]:
    """Name the tables and columns in which searches look for a number."""
    found = set(persons.number_columns()) if persons is not None else set()
    return sorted(found | {c for one in held for c in number_columns(one)})


def _check_written(
    mapping: MappingFile, held: Sequence[Held], persons: PersonSearch | None
) -> None:
    """Refuse a way of writing of a column that no search looks for a number in."""
    known = [f"{table}.{name}" for table, name in _number_columns(held, persons)]
    for name in mapping.format.get("written", {}):
        if name not in known:
            with mapping.doc.going_on():
                text = f"{name}: no search looks for a number there{nearest(name, known)}"
                raise mapping.doc.wrong(text, "format", "written", name)


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
