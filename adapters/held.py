"""One record type of a live database: its table, and the statements by which its rows are found."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import select

from adapters.build import RecordPlan
from adapters.codes import Word
from adapters.joins import Join
from adapters.lookups import TableLookup
from adapters.plans import Probe
from adapters.pushdown import DayColumn
from adapters.repeats import Repeat
from adapters.tables import Database
from gateway.model import IncidentQuery, SubjectQuery

_NUMBERS: Final = ("number", "plate", "vin", "serial")
_KINDS: Final = ("incident", "vehicle", "item")
_DAY: Final = date(2020, 1, 31)


@dataclass(frozen=True, slots=True)
class Held:
    """One record type: its table, its plan, its joins, and by what its rows are found."""

    number: int
    table: str
    plan: RecordPlan
    repeats: Sequence[Repeat]
    joins: Sequence[Join]
    found_by: Mapping[str, Any]
    id_column: str
    id_pattern: re.Pattern[str]
    id_is_key: bool
    """The database itself lets no two rows have one id, whatever blanks stand at its ends."""
    offenses: Mapping[str, Word | None]
    """The words of the codes in the column of offenses, where one is searched."""
    used: frozenset[str]
    """The table's columns that the mapping names."""


def conditions(database: Database, held: Held, query: SubjectQuery) -> list[Any]:
    """Say what a question about an incident, a vehicle or a thing asks of a table's rows."""
    by: Mapping[str, Any] = held.found_by.get(query.kind, {})
    found: list[Any] = []
    for term in _NUMBERS:
        value = getattr(query, term, None)
        if value is not None and term in by:
            found.append(database.is_number(held.table, by[term], value))
    if isinstance(query, IncidentQuery):
        found += _of_incident(database, held, by, query)
    return found


def _of_incident(
    database: Database, held: Held, by: Mapping[str, Any], query: IncidentQuery
) -> list[Any]:
    found: list[Any] = []
    first, last = query.date_from or query.date_to, query.date_to or query.date_from
    if "date" in by and first is not None and last is not None:
        days = DayColumn(database, held.table, by["date"]).between(first, last)
        found += [] if days is None else [days]
    if "offense" in by and query.offense is not None:
        codes = [code for code, word in held.offenses.items() if word == query.offense]
        found.append(database.is_one_of(held.table, by["offense"], codes))
    return found


def number_columns(held: Held) -> Iterator[tuple[str, str]]:
    """Name the columns in which a search looks for a number, and their table."""
    for subject in _KINDS:
        by = held.found_by.get(subject, {})
        yield from ((held.table, by[term]) for term in _NUMBERS if term in by)


def looked_up(held: Held) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Name the joins of a record type, their tables, and the columns that rows are found by."""
    for join in held.joins:
        if isinstance(join.lookup, TableLookup):
            yield (join.name, *join.lookup.looked_up)


def probes(database: Database, every: Sequence[Held]) -> Iterator[Probe]:
    """Give the statements that find rows of these types, to ask for their plans."""
    for held in every:
        place = ("records", held.number)
        kind = held.plan.record_type
        yield _by_key(database, held.table, (held.id_column,), f"{kind} by its id", (*place, "id"))
        alike = database.with_blanks_after(held.table, held.id_column, "1")
        if alike is not None and not held.id_is_key:
            why = f"finding {kind} whose id is the same but for blanks"
            yield Probe(alike, {held.table: (held.id_column,)}, why, (*place, "id"))
        by = held.found_by.get("person", {})
        at = (*place, "found_by", "person")
        if by:
            yield _by_key(
                database, by.get("table", held.table), (by["column"],), f"{kind} of a person", at
            )
        if "table" in by:
            yield _by_key(database, held.table, (by["key"],), f"{kind} of a person", at)
        for name, table, key in looked_up(held):
            yield _by_key(database, table, key, f"the join {name}", (*place, "join", name))
        yield from _of_terms(database, held, (*place, "found_by"))


def _of_terms(database: Database, held: Held, place: tuple[str | int, ...]) -> Iterator[Probe]:
    table = database.table(held.table)
    for subject in _KINDS:
        by = held.found_by.get(subject, {})
        for term in (t for t in (*_NUMBERS, "offense") if t in by):
            if term == "offense":
                wanted = database.is_one_of(held.table, by[term], list(held.offenses)[:2])
            else:
                wanted = database.is_number(held.table, by[term], "1")
            why = f"a search for {subject} by {term}"
            by_table = {held.table: (by[term],)}
            yield Probe(select(table).where(wanted), by_table, why, (*place, subject))
        if "date" in by:
            days = DayColumn(database, held.table, by["date"]).between(_DAY, _DAY)
            if days is not None:
                by_table = {held.table: (by["date"]["column"],)}
                why = f"a search for {subject} by date"
                yield Probe(select(table).where(days), by_table, why, (*place, subject))


def _by_key(
    database: Database, name: str, key: tuple[str, ...], what: str, place: tuple[str | int, ...]
) -> Probe:
    wanted = [database.is_one_of(name, column, ["1", "2"], before=True) for column in key]
    return Probe(select(database.table(name)).where(*wanted), {name: key}, f"finding {what}", place)
