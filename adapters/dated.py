"""The moment that a file is of, where it says so itself: in a column, or in its own name.

A file's time of change says when somebody wrote it there: an old export that is copied looks new.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from adapters import textfile
from adapters.dates import DateReader
from adapters.joins import listed
from adapters.rows import BadRow, Columns, Reader, Row, Selective, Stating
from gateway.errors import Misconfigured, Untranslatable
from gateway.model import CLOCKS_DIFFER

_IN_NAME: Final = re.compile(r"([^{}]*)\{([^{}]+)\}([^{}]*)")
_ADVICE: Final = "Have it exported anew, or mend `as_of` in the mapping"


class DatedReader:
    """A reader whose file says what moment it is of. Never later than the file's time of change.

    Of rows that say several moments the oldest counts. Rows that can't be read say nothing: they
    are no records. Where no row says one, it is unknown.
    """

    def __init__(
        self, reader: Reader, path: Path, spec: Mapping[str, Any], top: Mapping[str, Any]
    ) -> None:
        """Take a mapping's `as_of`, and the mapping. Raises Misconfigured."""
        self._reader = reader
        self._path = path
        self.column: str | None = spec.get("column")
        """The column that says it; None: the file's name does."""
        self._oldest: datetime | None = None
        self._read_whole = False
        formats, self._around = _formats(spec)
        zone: str | None = top.get("zone")
        if zone is None and not all("ZZ" in one for one in formats):
            raise Misconfigured(
                "as_of: of which time zone is it? Say so: `zone`, at the top of the mapping, or "
                "ZZ in the format, where the offset from UTC stands there"
            )
        start = spec.get("years_from", top.get("years_from"))
        self._dates = DateReader(formats, zone=zone or "UTC", start=start)
        if self.column is None:
            self._of_name()

    def columns(self) -> Columns:
        """Name the columns."""
        return self._reader.columns()

    def rows(self) -> Iterator[Row | BadRow]:
        """Give the rows. Raises Misconfigured at one of which nobody can say how old it is."""
        self._read_whole, self._oldest = False, None
        last, oldest = None, None
        for row in self._reader.rows():
            if self.column is not None and isinstance(row, Row):
                text = row.values.get(self.column, "")
                if text != last:
                    at, last = self._at(text, f"in line {row.line:,}, column {self.column},"), text
                    oldest = at if oldest is None else min(oldest, at)
            yield row
        self._read_whole, self._oldest = True, oldest

    def as_of(self) -> datetime | None:
        """Give the moment. Reads the file, if it was not read yet. Raises Misconfigured."""
        if self.column is None:
            said: datetime | None = self._of_name()
        else:
            if not self._read_whole:
                for _ in self.rows():
                    pass
            said = self._oldest
        written = self._reader.as_of()
        if said is None or written is None:
            return None
        if said > datetime.now(UTC) + CLOCKS_DIFFER:
            raise self._wrong(
                f"{self.column or 'its name'} says that it is of {said:%Y-%m-%d %H:%M} UTC, and "
                "that lies ahead. Look whether `zone` and the clocks are right"
            )
        return min(said, written)

    def total_hint(self) -> int | None:
        """Say about how many rows there are."""
        return self._reader.total_hint()

    def stated(self) -> tuple[str, ...]:
        """Say what was found out about the file."""
        return self._reader.stated() if isinstance(self._reader, Stating) else ()

    def select(self, names: Collection[str]) -> None:
        """Read these columns alone, and that which says the moment."""
        if isinstance(self._reader, Selective):
            self._reader.select({*names, *([self.column] if self.column else ())})

    def _of_name(self) -> datetime:
        textfile.require(self._path)
        # Of a link that leads to the newest export, the name of that one counts.
        name = self._path.resolve().name
        before, behind = self._around
        if not (name.startswith(before) and name.endswith(behind)):
            raise self._wrong("its name is not as `as_of` says")
        return self._at(name[len(before) : len(name) - len(behind)], "in its name")

    def _at(self, text: str, where: str) -> datetime:
        try:
            return self._dates.instant(text)
        except Untranslatable as error:
            said = f"{where} nobody can read how old it is: {error.detail}"
            raise self._wrong(said) from None

    def _wrong(self, text: str) -> Misconfigured:
        said = f"{self._path.name}: {text}. Nothing was changed. {_ADVICE}"
        return Misconfigured(said, code="import.as_of")


def _formats(spec: Mapping[str, Any]) -> tuple[list[str], tuple[str, str]]:
    """Give how the moment is written, and what stands before and behind it in a file's name."""
    if "name" not in spec:
        return listed(spec["date"]), ("", "")
    found = _IN_NAME.fullmatch(spec["name"])
    if found is None:
        raise Misconfigured(f"as_of: {spec['name']}: a date's format stands in braces, once")
    return [found[2]], (found[1], found[3])
