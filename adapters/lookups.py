"""Tables of a legacy database that are joined: their rows by keys, and those that have none."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, func, or_, select

from adapters.corrected import Corrections, corrected
from adapters.joins import BETWEEN, Anyones, Found, composite, of_join, without_key
from adapters.rows import BadRow, Columns, Row, Values
from adapters.tables import Database, row_of
from adapters.typed import garbled, shown
from gateway.records.source import row_key

_CHUNK: Final = 100
"""Keys of several columns in one query."""


class TableLookup:
    """Finds rows of one table by key, for joins.

    Its rows that nobody could find by a key, or can't read, are told by `unread`, and those that a
    person has corrected are found by what they were corrected to.
    """

    def __init__(self, database: Database, name: str, key: Sequence[str], join: str) -> None:
        """Take the table, the columns of its key, and the join's name."""
        self._database = database
        self._name = name
        self.key = tuple(key)
        self._join = join
        self._used: frozenset[str] | None = None
        self._corrections = Corrections()
        self._mended: dict[str, list[Values]] | None = None
        self._whole: frozenset[str] = frozenset()
        self.what = name

    def select(self, names: Collection[str]) -> None:
        """Say which columns are used: wrong bytes in others damage no row."""
        self._used = frozenset(names)

    @property
    def looked_up(self) -> tuple[str, tuple[str, ...]]:
        """The table, and the columns that its rows are found by."""
        return self._name, self.key

    def columns(self) -> Columns:
        """Name its columns."""
        return self._database.columns(self._name)

    def correct(self, corrections: Corrections) -> None:
        """Take what persons have said of its rows."""
        self.forget()
        self._corrections = corrections

    def forget(self) -> None:
        """Let go of the rows that were corrected."""
        self._mended, self._whole = None, frozenset()

    def find(self, keys: Sequence[str]) -> Found:
        """Give the rows for each key that has some."""
        found = Found()
        mended = self._read_mended()
        with self._database.connect() as connection:
            if len(self.key) == 1:
                for values in self._database.find(connection, self._name, self.key[0], keys):
                    self._add(found, values[self.key[0]], values)
            else:
                self._find_composite(connection, keys, found)
        for key in keys if mended else ():
            for values in mended.get(key, ()):
                found.add(key, values)
        return found

    def keyless(self) -> Anyones:
        """Count the rows whose key is blank or no text: each may be any key's."""
        name, key = self._name, self.key
        table = self._database.table(name)
        doubted = or_(*(self._database.is_doubtful(name, c) for c in key))
        with self._database.connect() as connection:
            query = select(*(table.c[c] for c in key)).where(doubted)
            found = self._database.rows(connection, query, stream=True)
            count = sum(not all(v.values()) or bool(garbled(v)) for v in found)
        if count and self._read_mended():
            count = sum(1 for bad in self._bad() if not self._has_key(bad))
        rows = "row" if count == 1 else "rows"
        where = f"{count:,} {rows} of {name}, whose {', '.join(key)} is blank or no text"
        return Anyones(count, where)

    def count(self) -> int:
        """Count its rows."""
        query = select(func.count()).select_from(self._database.table(self._name))
        with self._database.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def unread(self) -> Iterator[BadRow]:
        """Give its rows that can't be read or have no key.

        Their columns are named as those joined are, and the text says which table it is.
        """
        yield from (of_join(bad, self._join, self._name) for bad in self._bad())

    def _has_key(self, bad: BadRow) -> bool:
        if bad.row is None or bad.unread.intersection(self.key):
            return False
        return all(bad.row.values.get(c) for c in self.key)

    def _bad(self) -> Iterator[BadRow]:
        for row in corrected(self._doubtful(), self._corrections):
            if isinstance(row, BadRow):
                yield row
            elif not all(row.values.get(c) for c in self.key):
                yield without_key(row, self.key)

    def _doubtful(self) -> Iterator[Row | BadRow]:
        """Give the rows that may be such, and a few others."""
        database, name = self._database, self._name
        table, known_by = database.table(name), database.primary_key(name)
        used = table.c.keys() if self._used is None else sorted(self._used)
        doubted = (
            *(database.is_doubtful(name, c) for c in self.key),
            *(database.may_be_garbled(name, c) for c in used),
        )
        query = database.all_of(name)
        shown_by = known_by if {*known_by} <= {*query.selected_columns.keys()} else ()
        query = query.where(or_(*doubted)).order_by(*(table.c[c] for c in known_by))
        with database.connect() as connection:
            found = database.rows(connection, query, stream=True)
            for number, values in enumerate(found, 1):
                yield row_of(name, number, values, self._used, shown_by or self.key)

    def _read_mended(self) -> Mapping[str, list[Values]]:
        """Give the rows that were corrected and can be read now, by their keys."""
        if self._mended is None:
            self._mended, whole = {}, set()
            rows = self._doubtful() if self._corrections.by_key else ()
            for row in corrected(rows, self._corrections):
                if not isinstance(row, Row) or row.correction is None:
                    continue
                if key := composite([row.values.get(c, "") for c in self.key]):
                    self._mended.setdefault(key, []).append(row.values)
                    whole.add(row_key(row.raw))
            self._whole = frozenset(whole)
        return self._mended

    def _find_composite(self, connection: Connection, keys: Sequence[str], found: Found) -> None:
        """Look by each column of the key at once; what does not belong together is left out."""
        database, name = self._database, self._name
        before = {c: database.any_behind_blanks(connection, name, c) for c in self.key}
        for start in range(0, len(keys), _CHUNK):
            some = [key.split(BETWEEN) for key in keys[start : start + _CHUNK]]
            conditions = [
                database.is_one_of(name, column, sorted(set(values)), before=before[column])
                for column, values in zip(self.key, zip(*some, strict=True), strict=True)
            ]
            for values in database.rows(connection, database.all_of(name).where(*conditions)):
                self._add(found, composite([values[c] for c in self.key]), values)

    def _add(self, found: Found, key: str, values: Values) -> None:
        if self._whole and row_key(row_of(self._name, 0, values).raw) in self._whole:
            return  # it is found as it was corrected
        wrong = garbled(values)
        if wrong and (self._used is None or wrong & self._used):
            found.damaged.add(key)
        else:
            # It may be kept with a row that is set aside, as text.
            found.add(key, {c: shown(text) for c, text in values.items()} if wrong else values)
