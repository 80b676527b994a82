"""Readers of other packages, held to what `rows` says of them.

What their rows hold has to be texts that can be kept and sent. A row with something else is set
aside, as a row of a built-in format is that can't be decoded; a reader that fails says whose it is.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from adapters import textfile
from adapters.rows import BadRow, Columns, Fault, Reader, Row, Selective, Values
from gateway.errors import Misconfigured, SallyportError


class Plugged:
    """A reader of another package. `package` is who is told where it fails."""

    def __init__(self, name: str, package: str, reader: Reader) -> None:
        self._name = name
        self._package = package
        self._reader = reader
        self._all = not isinstance(reader, Selective)
        # Whoever asks what a reader can do looks for its methods.
        for method in ("select", "stated"):
            if callable(found := getattr(reader, method, None)):
                vars(self)[method] = found

    def columns(self) -> Columns:
        """Name the columns. Raises Misconfigured."""
        return self._reader.columns()

    def as_of(self) -> datetime | None:
        """Give the moment that the rows are of."""
        return self._reader.as_of()

    def total_hint(self) -> int | None:
        """Say about how many rows there are."""
        return self._reader.total_hint()

    def rows(self) -> Iterator[Row | BadRow]:
        """Give every row, in order. Raises Misconfigured where the reader fails."""
        wanted = self._reader.columns().own if self._all else frozenset[str]()
        rows, last = iter(self._reader.rows()), "before the first row"
        while True:
            try:
                row: Any = next(rows)
            except StopIteration:
                return
            except SallyportError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever another package raises
                # Its text may quote a row.
                text = f"{self._name}: the reader of the package {self._package} failed {last}"
                raise Misconfigured(f"{text}: {type(error).__name__}") from None
            if not isinstance(row, Row | BadRow):
                text = f"{self._name}: the package {self._package} gives no rows, but"
                raise Misconfigured(f"{text} {type(row).__name__}")
            last = f"behind line {row.line:,}"
            yield self._whole(row, wanted) if isinstance(row, Row) else self._bad(row)

    def _whole(self, row: Row, wanted: Collection[str]) -> Row | BadRow:
        row.raw = _shown(row.raw)
        row.key = None if row.key is None else _shown(row.key)
        try:
            _require(wanted, row.values)
            row.values = _texts(row.values)
            for part, found in row.groups.items():
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


def _require(wanted: Collection[str], values: Mapping[str, Any]) -> None:
    """Raise Fault where nothing is said of a column: a flag could stand there."""
    if lacking := sorted(set(wanted) - values.keys()):
        raise Fault("row.lacks", "its reader says nothing of this column", lacking[0], None)


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
