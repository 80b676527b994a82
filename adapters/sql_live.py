"""Legacy databases, searched live: nothing is copied.

A search is pushed down as SQL with parameters; the rows found are mapped on the fly. A row that is
deleted there is not found by the next search. A row that can't be translated is passed over and
counted; `sallyport source set-aside` says which, and why. So are the rows of one id that do not
agree on who may see it, or of which one does not say, or that are more than can be compared.
"""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any, Final

from sqlalchemy import Connection, Select, select

from adapters.held import Held, conditions
from adapters.joins import joined
from adapters.mapping import MappingFile
from adapters.repeats import repeated
from adapters.rows import BadRow, Fault, Row, Values
from adapters.source import Compiler, claims_of
from adapters.sql_prepared import Prepared, prepare
from adapters.tables import Database, row_of
from adapters.typed import as_text
from gateway.errors import Misconfigured, RecordsUnavailable
from gateway.model import Handling, PersonQuery, Record, RecordQuery, SubjectQuery

_AT_ONCE: Final = 40
"""Persons whose records are fetched together."""
MOST_ALIKE: Final = 1_000
"""Rows of one id that are compared, at most. With more, none of them is given."""
_AT_HAND: Final = 5_000
"""Rows of the ids found that are fetched before they are counted."""


class LiveSource:
    """A database that is searched where it is. Its calls block; several threads may make them."""

    def __init__(self, mapping: MappingFile) -> None:
        self._mapping = mapping
        self._database = Database.of(mapping)
        self._known: Prepared | None = None
        self._lock = threading.Lock()
        self.passed_over = 0
        """How often searches met a row that they could not give, whatever policy says of it."""
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
                place = (connection, held.table, held.id_column)
                rows = self._database.find(*place, [matched[1]], MOST_ALIKE)
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
                        yield from (
                            (held, rows)
                            for rows in self._of_persons(connection, held, by, part, limit)
                        )
            return
        for held in wanted:
            wanted_of_it = conditions(self._database, held, query)
            if wanted_of_it:
                asked = select(self._database.table(held.table)).where(*wanted_of_it)
                yield from ((held, rows) for rows in self._of_ids(connection, held, asked, limit))

    def _of_ids(
        self, connection: Connection, held: Held, asked: Select[Any], limit: int
    ) -> Iterator[Sequence[Values]]:
        """Give up to `limit` rows that were asked for, or so many of each id if one has several."""
        rows = list(self._database.rows(connection, asked.limit(limit)))
        if len({row[held.id_column] for row in rows}) == len(rows) or len(rows) < limit:
            yield rows
            return
        key = self._database.table(held.table).c[held.id_column]
        ids = asked.with_only_columns(key).distinct().limit(limit)
        for raw in connection.execute(ids).scalars().all():
            yield list(self._database.rows(connection, asked.where(key == raw).limit(limit)))

    def _of_persons(
        self,
        connection: Connection,
        held: Held,
        by: Mapping[str, Any],
        keys: Sequence[str],
        limit: int,
    ) -> Iterator[Sequence[Values]]:
        """Give up to `limit` rows of persons, or so many of each where together they have more."""
        find, cut = self._database.find, False
        if "table" in by:
            between = list(find(connection, by["table"], by["column"], keys, limit))
            own = list(dict.fromkeys(row[by["to"]] for row in between))
            rows = list(find(connection, held.table, by["key"], own, limit))
            cut = len(between) >= limit
        else:
            rows = list(find(connection, held.table, by["column"], keys, limit))
        if len(keys) > 1 and (cut or len(rows) >= limit):
            for key in keys:  # or one of them would take the others' places
                yield from self._of_persons(connection, held, by, [key], limit)
        else:
            yield rows

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
        same = [*keys, *self._database.others_alike(*place, keys)]
        every: Iterable[Values]
        every = list(islice(self._database.find(*place, same, _AT_HAND), _AT_HAND))
        are_all = len(every) < _AT_HAND
        rows_of = (
            Counter(row[held.id_column] for row in every)
            if are_all
            else self._database.rows_of(*place, same)
        )
        # What is given of one id hangs on no other's rows: they may be hidden.
        beyond = {key for key, count in rows_of.items() if count > MOST_ALIKE}
        if not are_all:
            every = self._database.find(*place, [k for k in same if as_text(k) not in beyond])
        kept = [row for row in found if row[held.id_column] not in beyond]
        self._count(len(found) - len(kept))
        said: dict[str, Handling | None] = {}
        for row in self._whole(held, chain(kept, every)):
            for record_id, facts in claims_of(row, (held.plan,)):
                said[record_id] = facts if said.get(record_id, facts) == facts else None
        for record in self._records(held, kept):
            if said.get(record.record_id) is not None:
                yield record
            else:
                self._count()

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

    def _count(self, rows: int = 1) -> None:
        with self._lock:
            self.passed_over += rows

    @staticmethod
    def _whole(held: Held, rows: Iterable[Values]) -> Iterable[Row | BadRow]:
        """Give rows with all that is joined to them."""
        made = (row_of(held.table, n, v, held.used) for n, v in enumerate(rows, 1))
        return joined(repeated(made, held.repeats), held.joins, held.plan.deciding)
