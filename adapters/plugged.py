"""Readers of other packages, held to what `rows` says of them.

What their rows hold has to be texts that can be kept and sent. A row with something else is set
aside, as a row of a built-in format is that can't be decoded; a reader that fails says whose it is.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from adapters import textfile
from adapters.rows import BadRow, Columns, Fault, Reader, Row, Selective, Stating, Values
from gateway.errors import Misconfigured, SallyportError

T = TypeVar("T")


class Plugged:
    """A reader of another package. `package` is who is told where it fails."""

    def __init__(self, name: str, package: str, reader: Reader) -> None:
        self._name = name
        self._package = package
        self._reader = reader
        self._chosen: frozenset[str] | None = None
        """The columns that are read, where the reader can leave the others."""
        # Whoever asks what a reader can do looks for its methods.
        if isinstance(reader, Selective):
            vars(self)["select"] = self._select
        if isinstance(reader, Stating):
            vars(self)["stated"] = partial(self._asked, reader.stated)

    def columns(self) -> Columns:
        """Name the columns. Raises Misconfigured."""
        return self._asked(self._reader.columns)

    def as_of(self) -> datetime | None:
        """Give the moment that the rows are of. Raises Misconfigured for one of no time zone."""
        found = self._asked(self._reader.as_of)
        if found is not None and found.tzinfo is None:
            text = f"{self._name}: the package {self._package} gives a moment of no time zone"
            raise Misconfigured(text)
        return found

    def total_hint(self) -> int | None:
        """Say about how many rows there are."""
        return self._asked(self._reader.total_hint)

    def rows(self) -> Iterator[Row | BadRow]:
        """Give every row, in order. Raises Misconfigured where the reader fails."""
        columns = self.columns()
        wanted: dict[str | None, frozenset[str]] = {None: self._read_of(columns.own)}
        wanted.update((part, self._read_of(own)) for part, own in columns.groups.items())
        rows, last = self._asked(lambda: iter(self._reader.rows())), "before the first row"
        while True:
            try:
                row = self._held(next(rows), wanted)
            except StopIteration:
                return
            except SallyportError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever another package raises
                raise self._failed(error, f" {last}") from None
            last = f"behind line {row.line:,}"
            yield row

    def _select(self, names: Collection[str]) -> None:
        self._chosen = frozenset(names)
        if isinstance(self._reader, Selective):
            self._asked(partial(self._reader.select, names))

    def _read_of(self, columns: frozenset[str]) -> frozenset[str]:
        return columns if self._chosen is None else columns & self._chosen

    def _asked(self, method: Callable[[], T]) -> T:
        """Ask the reader. Raises Misconfigured where it fails."""
        try:
            return method()
        except SallyportError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever another package raises
            raise self._failed(error, "") from None

    def _failed(self, error: Exception, where: str) -> Misconfigured:
        # Its text may quote a row.
        text = f"{self._name}: the reader of the package {self._package} failed{where}"
        return Misconfigured(f"{text}: {type(error).__name__}")

    def _held(self, row: Any, wanted: Mapping[str | None, frozenset[str]]) -> Row | BadRow:
        """Give a row as it has to be, or set aside. `wanted` are the columns of it and its parts.

        Raises Misconfigured for what is no row.
        """
        if not isinstance(row, Row | BadRow) or not isinstance(row.line, int):
            kind = type(row).__name__
            what = f"{kind} of no line" if isinstance(row, Row | BadRow) else kind
            text = f"{self._name}: the package {self._package} gives no rows, but {what}"
            raise Misconfigured(text)
        return self._whole(row, wanted) if isinstance(row, Row) else self._bad(row)

    def _whole(self, row: Row, wanted: Mapping[str | None, frozenset[str]]) -> Row | BadRow:
        row.raw = _shown(row.raw)
        row.key = None if row.key is None else _shown(row.key)
        try:
            _require(wanted[None], row.values)
            row.values = _texts(row.values)
            for part, found in row.groups.items():
                for one in found:
                    _require(wanted.get(part, frozenset()), one)
                row.groups[part] = [one if _are_texts(one) else _texts(one) for one in found]
        except Fault as fault:
            return BadRow(
                *(row.line, row.raw, fault.code, fault.text, fault.column, fault.value),
                span=row.span,
                placed=(_read(row.values),),
            )
        return row

    @staticmethod
    def _bad(bad: BadRow) -> BadRow:
        """Give it with texts that can be kept."""
        if bad.row is not None and not all(
            map(_are_texts, (bad.row.values, *(x for g in bad.row.groups.values() for x in g)))
        ):
            bad = replace(bad, row=None, placed=(bad.row.values, *bad.placed))
        return replace(
            bad,
            raw=_shown(bad.raw),
            text=_shown(bad.text),
            value=None if bad.value is None else _shown(bad.value),
            placed=tuple(_read(one) for one in bad.placed),
        )


def _require(wanted: frozenset[str], values: Mapping[str, Any]) -> None:
    """Raise Fault where nothing is said of a column: a flag could stand there."""
    if not values.keys() >= wanted:
        lacking = min(wanted - values.keys())
        raise Fault("row.lacks", "its reader says nothing of this column", lacking, None)


def _texts(values: Mapping[str, Any]) -> Values:
    """Give values without blanks at their ends. Raises Fault for one that is no text."""
    for column, value in values.items():
        if not isinstance(value, str):
            text = f"a text is needed, and its reader gives {type(value).__name__}"
            raise Fault("row.not_text", text, column, None)
        if not textfile.is_legible(value):
            raise Fault("row.encoding", "bytes stand in it that are no text", column, _shown(value))
    return {column: value.strip() for column, value in values.items()}


def _read(values: Mapping[str, Any]) -> Values:
    return {column: value.strip() for column, value in values.items() if _is_text(value)}


def _are_texts(values: Mapping[str, Any]) -> bool:
    return all(_is_text(v) and v == v.strip() for v in values.values())


def _is_text(value: object) -> bool:
    return isinstance(value, str) and textfile.is_legible(value)


def _shown(text: object) -> str:
    """Write what a reader gives as text; half characters as their numbers."""
    return str(text).encode("utf-8", "backslashreplace").decode()
