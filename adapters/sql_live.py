"""Legacy databases, searched live: nothing is copied.

A search is pushed down as SQL with parameters; the rows found are mapped on the fly. A row that is
deleted there is not found by the next search. A row that can't be translated is passed over and
counted; `sallyport source set-aside` says which, and why. Where several rows have one id and
do not agree on who may see it, or one does not say, none of them is given.
"""

import contextlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any, Final

from sqlalchemy import Connection, select

from adapters.held import Held, conditions
from adapters.joins import joined
from adapters.mapping import MappingFile
from adapters.repeats import repeated
from adapters.rows import BadRow, Fault, Row, Values
from adapters.source import Compiler, claims_of
from adapters.sql_prepared import Prepared, prepare
from adapters.tables import Database, row_of
from gateway.errors import Misconfigured, RecordsUnavailable
from gateway.model import Handling, PersonQuery, Record, RecordQuery, SubjectQuery

_AT_ONCE: Final = 40
"""Persons whose records are fetched together."""
_MOST_ALIKE: Final = 5_000
"""Rows of the ids found that are looked at, at most."""


class LiveSource:
    """A database that is searched where it is. Its calls block; several threads may make them."""

    def __init__(self, mapping: MappingFile) -> None:
        self._mapping = mapping
        self._database = Database.of(mapping)
        self._known: Prepared | None = None
        self._lock = threading.Lock()
        self.untranslatable = 0
        """How often searches met a row that can't be translated."""
        # It may be down now. The gateway starts, and asks again when it is searched.
        with contextlib.suppress(RecordsUnavailable), self._closed_if_wrong():
            self._known = prepare(mapping, self._database, Compiler(mapping))

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
                for record in self._agreed(connection, held, rows):
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
                for record in self._agreed(connection, held, rows):
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

    def _prepared(self) -> Prepared:
        with self._lock:
            if self._known is None:
                try:
                    self._known = prepare(self._mapping, self._database, Compiler(self._mapping))
                except Misconfigured as error:
                    # It was down when the gateway started; now it is not what the mapping says.
                    raise RecordsUnavailable(error.detail, code="records.mapping") from error
            return self._known

    def _found(
        self,
        connection: Connection,
        prepared: Prepared,
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

    def _agreed(
        self, connection: Connection, held: Held, rows: Iterable[Values]
    ) -> Iterator[Record]:
        """Give the records of rows, but of those ids that have a row that says something else."""
        if held.id_is_key:
            yield from self._records(held, rows)
            return
        found = list(rows)
        keys = list(dict.fromkeys(key for v in found if (key := v[held.id_column])))
        place = (connection, held.table, held.id_column)
        others = self._database.others_alike(*place, keys)
        alike = chain(self._database.find(*place, keys), self._database.find(*place, others))
        every = list(islice(alike, _MOST_ALIKE + 1))
        if len(every) > _MOST_ALIKE:
            return  # too many to be looked at, so nobody can say
        said: dict[str, Handling | None] = {}
        for row in self._whole(held, [*found, *every]):
            for record_id, facts in claims_of(row, (held.plan,)):
                said[record_id] = facts if said.get(record_id, facts) == facts else None
        for record in self._records(held, found):
            if said.get(record.record_id) is not None:
                yield record

    def _records(self, held: Held, rows: Iterable[Values]) -> Iterator[Record]:
        try:
            for row in self._whole(held, rows):
                if isinstance(row, Row) and held.plan.applies(row):
                    try:
                        yield held.plan.build(row)
                    except Fault:
                        self._count()
                elif not isinstance(row, Row):
                    self._count()
        finally:
            held.plan.forget()

    def _count(self) -> None:
        with self._lock:
            self.untranslatable += 1

    @staticmethod
    def _whole(held: Held, rows: Iterable[Values]) -> Iterable[Row | BadRow]:
        """Give rows with all that is joined to them."""
        made = (row_of(held.table, n, v, held.used) for n, v in enumerate(rows, 1))
        return joined(repeated(made, held.repeats), held.joins, held.plan.deciding)
