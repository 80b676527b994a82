"""A question about a person as SQL: statements that give the keys of those who may be meant.

The statements go from the surest to the widest, each by an indexed column, until enough is found.
Values are always parameters.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Join,
    Select,
    Text,
    cast,
    false,
    or_,
    select,
)

from adapters.document import Place
from adapters.namekeys import NameKeys, name_keys, slips
from adapters.plans import Probe
from adapters.tables import Database
from adapters.typed import as_text
from gateway.model import Name, PersonQuery

_YEARS_BESIDE: Final = 2
_PREFIX: Final = 4
_DAY: Final = date(1980, 1, 31)
_SAMPLE: Final = PersonQuery((Name("QUILL", None, "TESTER"),), _DAY)
"""Nobody: a search to ask for plans with."""
Wanted = ColumnElement[bool]


class PersonSearch:
    """The `search: person` of a mapping."""

    def __init__(self, database: Database, spec: Mapping[str, Any]) -> None:
        self._database = database
        self._spec = spec
        self._table: str = spec["table"]
        self._key: str = spec["key"]
        self._identifiers: Mapping[str, str] = spec.get("identifiers", {})
        birth = spec.get("birth_date")
        self._birth = DayColumn(database, self._table, birth) if birth else None

    @property
    def terms(self) -> frozenset[str]:
        """The terms that find somebody."""
        found = set(self._identifiers)
        if self._spec.get("surname") or self._spec.get("aliases"):
            found.add("name")
        if self._birth:
            found |= {"birth_date", "age"}
        return frozenset(found)

    def named_columns(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Name every table and column that is searched, and where the mapping says so."""
        yield self._table, self._key, ("key",)
        for kind, name in self._identifiers.items():
            yield self._table, name, ("identifiers", kind)
        if "birth_date" in self._spec:
            yield self._table, self._spec["birth_date"]["column"], ("birth_date",)
        for kind, name in self._spec.get("surname", {}).items():
            yield self._table, name, ("surname", kind)
        aliases = self._spec.get("aliases")
        if aliases:
            yield aliases["table"], aliases["key"], ("aliases", "key")
            for kind, name in aliases["surname"].items():
                yield aliases["table"], name, ("aliases", "surname", kind)

    def number_columns(self) -> Iterator[tuple[str, str]]:
        """Name the columns in which a search looks for a number, and their table."""
        yield from ((self._table, name) for name in self._identifiers.values())

    def probes(self) -> Iterator[Probe]:
        """Give the statements that searches send, each kind once, to ask for their plans."""
        place, keys = ("search", "person"), name_keys(_SAMPLE)
        for kind, name in self._identifiers.items():
            wanted = self._database.is_number(self._table, name, "1")
            at: Place = (*place, "identifiers", kind)
            yield Probe(self._persons(wanted), {self._table: (name,)}, f"a search by {kind}", at)
        if self._birth is not None:
            name = self._spec["birth_date"]["column"]
            statement = self._persons(self._birth.one_of([_DAY]))
            at = (*place, "birth_date")
            yield Probe(statement, {self._table: (name,)}, "a search by birth date", at)
        ways: tuple[tuple[tuple[str, ...], Iterator[Select[Any]]], ...] = (
            (("letters",), self._spelled(keys.asked, [])),
            (("soundex",), self._sounding(keys.sounds, [])),
            (("letters", "starts"), self._starting(keys.asked, [])),
        )
        for kinds, statements in ways:
            for statement in statements:
                of_alias = isinstance(statement.get_final_froms()[0], Join)
                spec: Mapping[str, Any] = self._spec["aliases"] if of_alias else self._spec
                columns = tuple(spec["surname"][k] for k in kinds if k in spec["surname"])
                by = {spec["table"]: columns}
                if of_alias:
                    by[self._table] = (self._key,)
                at = (*place, "aliases") if of_alias else (*place, "surname")
                why = f"a search by name ({', '.join(columns)})"
                yield Probe(statement, by, why, at, begins="soundex" not in kinds)

    def keys(self, connection: Connection, query: PersonQuery, limit: int) -> list[str]:
        """Give the keys of persons who may be meant, the surest first."""
        found: dict[str, None] = {}
        for statement in self._statements(query):
            missing = limit - len(found)
            if missing <= 0:
                break
            # Some of them may be known already: ask for as many as could be new.
            keys = self._some(connection, statement.limit(limit))
            if len(keys) == limit > len(set(keys)):
                # Persons of several rows took others' places. The database reads more for this.
                keys = self._some(connection, statement.distinct().limit(limit))
            for key in keys:
                found.setdefault(key)
                if len(found) >= limit:
                    break
        return list(found)

    @staticmethod
    def _some(connection: Connection, statement: Select[Any]) -> list[str]:
        return [as_text(key) for key in connection.execute(statement).scalars()]

    def _statements(self, query: PersonQuery) -> Iterator[Select[Any]]:
        for identifier in query.identifiers:
            name = self._identifiers.get(identifier.type)
            if name is not None:
                number = self._database.is_number(self._table, name, identifier.number)
                yield self._persons(number)
        keys = name_keys(query)
        if not keys.asked and not keys.exchanged:
            return
        if self._birth is not None and query.birth_date is not None:
            yield from self._by_name_and_birth(keys, query.birth_date)
        elif self._birth is not None and query.age is not None:
            between = self._birth.aged(query.age.low, query.age.high)
            yield from self._by_name(keys, [between] if between is not None else [])
            return
        yield from self._by_name(keys, [])

    def _by_name_and_birth(self, keys: NameKeys, birth: date) -> Iterator[Select[Any]]:
        held = self._birth
        if held is None:
            return
        yield self._persons(held.one_of([birth]))
        years = held.years(birth.year - _YEARS_BESIDE, birth.year + _YEARS_BESIDE)
        near = [or_(years, held.unknown()) if years is not None else held.unknown()]
        yield from self._spelled(keys.asked, near)
        slipped = held.one_of(slips(birth))
        yield from self._sounding(keys.all_sounds, [slipped])
        yield from self._sounding(keys.sounds, near)
        yield from self._starting(keys.asked, near)
        yield from self._spelled(keys.exchanged, near)

    def _by_name(self, keys: NameKeys, also: Sequence[Wanted]) -> Iterator[Select[Any]]:
        yield from self._spelled(keys.asked, also)
        yield from self._spelled(keys.exchanged, also)
        yield from self._starting(keys.asked, also)
        yield from self._sounding(keys.sounds, also)

    def _spelled(self, keys: Sequence[str], also: Sequence[Wanted]) -> Iterator[Select[Any]]:
        def wanted(table: str, columns: Mapping[str, str]) -> Wanted | None:
            name = columns.get("letters")
            return self._database.is_one_of(table, name, keys) if name and keys else None

        yield from self._both(wanted, also)

    def _sounding(self, sounds: Sequence[str], also: Sequence[Wanted]) -> Iterator[Select[Any]]:
        def wanted(table: str, columns: Mapping[str, str]) -> Wanted | None:
            name = columns.get("soundex")
            return self._database.is_one_of(table, name, sounds) if name and sounds else None

        yield from self._both(wanted, also)

    def _starting(self, keys: Sequence[str], also: Sequence[Wanted]) -> Iterator[Select[Any]]:
        def wanted(table: str, columns: Mapping[str, str]) -> Wanted | None:
            found = []
            for kind in ("letters", "starts"):
                if name := columns.get(kind):
                    starts = {k[:_PREFIX] for k in keys if len(k) >= _PREFIX}
                    found += [self._database.starts(table, name, s) for s in sorted(starts)]
            return or_(*found) if found else None

        yield from self._both(wanted, also)

    def _both(self, wanted: Any, also: Sequence[Wanted]) -> Iterator[Select[Any]]:
        """Ask the table of persons and that of their other names."""
        own = wanted(self._table, self._spec.get("surname", {}))
        if own is not None:
            yield self._persons(own, *also)
        aliases = self._spec.get("aliases")
        if aliases is None:
            return
        theirs = wanted(aliases["table"], aliases["surname"])
        if theirs is not None:
            other = self._database.table(aliases["table"])
            person = self._database.table(self._table)
            yield (
                select(person.c[self._key])
                .join(other, other.c[aliases["key"]] == person.c[self._key])
                .where(theirs, *also)
            )

    def _persons(self, *wanted: Wanted) -> Select[Any]:
        return select(self._database.table(self._table).c[self._key]).where(*wanted)


class DayColumn:
    """A column of dates, written as the mapping says."""

    def __init__(self, database: Database, table: str, spec: Mapping[str, Any]) -> None:
        self._database = database
        self._table = table
        self._name: str = spec["column"]
        self._format: str = spec["format"]
        self._number = bool(spec.get("number"))
        # Only where the year stands first, then the month, do texts and numbers sort as days do.
        self._sorts = re.fullmatch(r"YYYY\W?MM\W?DD", self._format) is not None

    @property
    def _column(self) -> ColumnElement[Any]:
        return self._database.table(self._table).c[self._name]

    @property
    def _beside(self) -> ColumnElement[Any]:
        """Give the column where it only narrows what another finds.

        Without statistics SQLite would rather look through five years of births by their index than
        through the few who are called so. What is cast has no index. PostgreSQL knows better.
        """
        if self._database.is_postgresql:
            return self._column
        return cast(self._column, Integer() if self._number else Text())

    def _written(self, year: int, month: int, day: int) -> str | int:
        text = self._format.replace("YYYY", f"{year:04d}")
        text = text.replace("MM", f"{month:02d}").replace("DD", f"{day:02d}")
        return int(text) if self._number else text

    def _fitting(self, days: Sequence[date]) -> list[Any]:
        written = [self._written(d.year, d.month, d.day) for d in days]
        return self._database.fitting(self._table, self._name, written)

    def one_of(self, days: Sequence[date]) -> Wanted:
        """Say that the date is one of these."""
        return self._column.in_(self._fitting(days))

    def between(self, first: date, last: date) -> Wanted | None:
        """Say that it lies between these; None where the column does not sort so."""
        return self._within(self._column, first, last)

    def _within(self, column: ColumnElement[Any], first: date, last: date) -> Wanted | None:
        if not self._sorts:
            return None
        found = self._fitting([first, last])
        return column.between(*found) if len(found) == len((first, last)) else false()

    def unknown(self) -> Wanted:
        """Say that there is none, of those whom something else finds."""
        blanks: list[str | int] = [0 if self._number else ""]
        if not self._number and not self._database.is_text(self._table, self._name):
            return self._column.is_(None)
        fitting = self._database.fitting(self._table, self._name, blanks)
        return or_(self._beside.in_(fitting), self._column.is_(None))

    def years(self, first: int, last: int) -> Wanted | None:
        """Say that it lies in these years, of those whom something else finds.

        None where the column does not sort so.
        """
        return self._within(self._beside, date(first, 1, 1), date(last, 12, 31))

    def aged(self, low: int, high: int) -> Wanted | None:
        """Say that somebody born then is about so old today, or that nobody knows."""
        this = date.today().year  # noqa: DTZ011 - a year more on both sides covers every zone
        between = self.years(this - high - 2, this - low + 1)
        return None if between is None else or_(between, self.unknown())
