"""Excel workbooks (.xlsx, .xlsm): one sheet, its rows as a person sees them.

    format: {type: excel, path: ../sources/roster.xlsx, sheet: Roster, header: 3}

Dates are ISO (`YYYY-MM-DD`, `YYYY-MM-DDTHH:MI:SS`), numbers as they stand without a needless point,
padded as their format says; text as it is; of a formula the value that Excel last stored. Rows with
nothing in them are no rows. Of merged cells, what stands in the first stands in all rows of its
column. Old .xls and encrypted workbooks are refused. Read by the standard itself (ECMA-376), as the
usual libraries hold whole sheets, or hang on a row number that a hostile file made up.
"""

import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

from adapters import textfile
from adapters.excel_book import Book, Sheet, rich_text
from adapters.excel_values import PLAIN, Format, number_text, unescaped
from adapters.rows import BadRow, Columns, Row, Values
from adapters.xmlpaths import Element, local_name
from adapters.xmlstream import Damaged
from gateway.errors import Misconfigured, Untranslatable

MAX_COLUMNS: Final = 2_000
_MOST_MERGED: Final = 200_000
_LAST_ROW: Final = 1_048_576
_LONG: Final = 10
"""Digits that no row, style or string has a number of."""
_CELL: Final = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Unread:
    """Why a cell has no text, and what stands in it."""

    code: str
    text: str
    shown: str


_UNCOMPUTED: Final = _Unread(
    "excel.formula",
    "its formula has no stored value: open the workbook in Excel and save it",
    "",
)
_TOO_LARGE: Final = "the row is too large"
_LOST: Final = "it is merged with a cell of a row that is too large to be read"
_OVERLAP: Final = "it stands in merged cells that overlap: nobody can say what stands in it"
_Cells: TypeAlias = dict[int, str | _Unread]
"""Column from 0 → text, or why there is none."""


@dataclass(slots=True)
class _Span:
    """Rows of one column that are merged, and what stands in the first."""

    first: int
    last: int
    content: str | _Unread = ""
    overlaps: bool = False


class ExcelReader:
    """Reads one sheet of one workbook."""

    def __init__(self, path: Path, spec: Mapping[str, Any]) -> None:
        self._path = path
        self._sheet: str | None = spec.get("sheet")
        self._header: int | None = spec.get("header")
        self._named: list[str] | None = spec.get("columns")
        self._used: Collection[str] | None = None
        self._errors: bool = spec.get("errors") == "blank"
        if self._named is not None and len(set(self._named)) != len(self._named):
            raise Misconfigured("columns stand twice")

    def select(self, names: Collection[str]) -> None:
        """Let no cell of another column set a row aside."""
        self._used = names

    def columns(self) -> Columns:
        """Name the columns: those of the mapping, or of the header row."""
        names, _ = self._begun()
        return Columns(frozenset(names.values()))

    def as_of(self) -> datetime | None:
        """Give the file's time of change."""
        return textfile.modified(self._path)

    def total_hint(self) -> int | None:
        """Give the number of rows that the sheet says it has."""
        book = Book(self._path)
        try:
            part = book.sheet(self._sheet).part
            stream = book.stream(part, ("{*}dimension", "{*}sheetData"))
            for event in stream.events():
                if event is None or local_name(event[1]) == "sheetData":
                    break
                last = _CELL.fullmatch(str(event[1].get("ref", "")).rpartition(":")[2])
                return None if last is None else int(last[2])
        except Damaged:
            return None
        finally:
            book.close()
        return None

    def stated(self) -> tuple[str, ...]:
        """Say which sheet and which header row are read."""
        book = Book(self._path)
        try:
            sheet = book.sheet(self._sheet).name
        finally:
            book.close()
        _, row = self._begun()
        header = "no header row" if self._named is not None else f"header in row {row}"
        return (f"{self._path.name}: sheet {sheet}, {header}",)

    def rows(self) -> Iterator[Row | BadRow]:
        """Give the rows; `line` is the row's number in the sheet."""
        names: dict[int, str] | None = None
        damage = ""
        for number, cells in self._rows():
            if isinstance(cells, BadRow):
                damage = cells.text
                yield cells
            elif names is None and self._named is not None:
                names = dict(enumerate(self._named))
                yield self._row(number, cells, names)
            elif names is None:
                if self._header is None or number >= self._header:
                    names = self._names(number, cells)
            else:
                yield self._row(number, cells, names)
        if names is None and self._named is None:
            raise self._no_header(damage)

    def _begun(self) -> tuple[dict[int, str], int]:
        """Give the columns' names by place, and the header's row. Raises Misconfigured."""
        if self._named is not None:
            Book(self._path).close()
            return dict(enumerate(self._named)), 0
        damage = ""
        for number, cells in self._rows():
            if isinstance(cells, BadRow):
                damage = cells.text
                break
            if self._header is None or number >= self._header:
                return self._names(number, cells), number
        raise self._no_header(damage)

    def _no_header(self, damage: str) -> Misconfigured:
        return Misconfigured(f"{self._path.name}: {damage or 'the sheet has no header row'}")

    def _names(self, number: int, cells: _Cells) -> dict[int, str]:
        where = f"{self._path.name}, row {number}"
        if self._header not in {None, number}:
            raise Misconfigured(f"{self._path.name}: nothing stands in row {self._header}")
        names = {at: text for at, text in cells.items() if isinstance(text, str) and text}
        if len(names) < len([c for c in cells.values() if c != ""]):
            raise Misconfigured(f"{where}: the header can't be read")
        listed = list(names.values())
        if doubled := {n for n in listed if listed.count(n) > 1}:
            raise Misconfigured(f"{where}: columns stand twice: {sorted(doubled)}")
        if not names or len(names) > MAX_COLUMNS:
            raise Misconfigured(f"{where}: a header has 1 to {MAX_COLUMNS:,} columns")
        return names

    def _row(self, number: int, cells: _Cells, names: Mapping[int, str]) -> Row | BadRow:
        raw = _raw(cells.items())
        values: Values = dict.fromkeys(names.values(), "")
        wrong: dict[str, _Unread] = {}
        for at, found in cells.items():
            if found == "":
                continue
            if at not in names:
                text = f"something stands in column {letters(at)}, which has no header"
                placed = {n: c for p, n in names.items() if isinstance(c := cells.get(p, ""), str)}
                return BadRow(number, raw, "row.columns", text, placed=(placed,))
            if isinstance(found, str):
                values[names[at]] = found
            elif self._counts(names[at], found):
                wrong[names[at]] = found
        row = Row(number, raw, values)
        if not wrong:
            return row
        column, why = next(iter(wrong.items()))
        unread = frozenset(wrong)
        return BadRow(number, raw, why.code, why.text, column, why.shown, row=row, unread=unread)

    def _counts(self, column: str, found: _Unread) -> bool:
        if self._used is not None and column not in self._used:
            return False
        return not self._errors or found.code != "excel.error"

    def _rows(self) -> Iterator[tuple[int, _Cells | BadRow]]:
        """Give each row in which something stands, by its number."""
        book = Book(self._path)
        try:
            yield from _Reading(book, book.sheet(self._sheet)).rows()
        finally:
            book.close()


class _Reading:
    """One pass over a sheet."""

    def __init__(self, book: Book, sheet: Sheet) -> None:
        self._book = book
        self._sheet = sheet
        self._strings = book.strings()
        self._formats: Sequence[Format] = book.formats()
        self._merged = self._merged_columns()

    def rows(self) -> Iterator[tuple[int, _Cells | BadRow]]:
        """Give each row in which something stands. Damage ends them, and says so."""
        stream = self._book.stream(self._sheet.part, ("{*}row",))
        number = 0
        try:
            for event in stream.events():
                if event is None:
                    continue
                kind, element = event
                if kind == "start":
                    if stream.held is None and stream.abandoned is None:
                        stream.hold(element)
                    continue
                if element is stream.abandoned:
                    stream.abandoned = None
                    number = _number(element.get("r"), number)
                    self._fill_merged(None, number)
                    yield number, BadRow(number, "", "excel.too_large", _TOO_LARGE)
                elif element is stream.held:
                    stream.hold(None)
                    number = _number(element.get("r"), number)
                    cells = self._cells(element, number)
                    if any(c != "" for c in cells.values()):
                        yield number, cells
        except Damaged as damage:
            text = f"the sheet can't be read from here on, and what follows was not: {damage.text}"
            yield number + 1, BadRow(number + 1, "", "excel.damaged", text, rest=True)

    def _cells(self, row: Element, number: int) -> _Cells:
        cells: _Cells = {}
        for at, cell in _placed(row):
            if at in cells:
                text = f"two cells stand in column {letters(at)}"
                both = _raw([(0, cells[at]), (1, self._content(cell))]).replace("\t", " ")
                cells[at] = _Unread("excel.cell_twice", text, both)
            else:
                cells[at] = self._content(cell)
        if self._merged and any(c != "" for c in cells.values()):
            self._fill_merged(cells, number)
        return cells

    def _fill_merged(self, cells: _Cells | None, number: int) -> None:
        """Fill a row's merged cells. None: the row was not read, nor what it would give others."""
        for column, spans in self._merged.items():
            while spans and spans[0].last < number:
                spans.popleft()
            if not spans or spans[0].first > number:
                continue
            if cells is None:
                spans[0].content = _Unread("excel.merged", _LOST, "")
            elif number == spans[0].first:
                if not spans[0].overlaps:
                    spans[0].content = cells.get(column, "")
            elif cells.get(column, "") == "":
                cells[column] = spans[0].content

    def _content(self, cell: Element) -> str | _Unread:
        """Give what a cell shows."""
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            inline = cell.find("{*}is")
            return "" if inline is None else rich_text(inline).strip()
        value = cell.findtext("{*}v") or ""
        if not value:
            uncomputed = cell.find("{*}f") is not None and kind != "str"
            return _UNCOMPUTED if uncomputed else ""
        if kind == "s":
            return self._shared(value)
        if kind == "e":
            return _Unread("excel.error", "the cell shows an error", value)
        if kind == "n":
            return self._number(cell, value)
        return _PLAIN_KINDS.get(kind, str)(value).strip()

    def _shared(self, value: str) -> str | _Unread:
        if value.isdecimal() and len(value) < _LONG and int(value) < len(self._strings):
            return self._strings[int(value)].strip()
        return _Unread("excel.text", "the workbook lacks its text", value)

    def _number(self, cell: Element, value: str) -> str | _Unread:
        style = cell.get("s", "0")
        known = style.isdecimal() and len(style) < _LONG and int(style) < len(self._formats)
        how = self._formats[int(style)] if known else PLAIN
        try:
            return number_text(value, how, since_1904=self._book.since_1904)
        except Untranslatable as error:
            return _Unread(error.code, error.detail, value)

    def _merged_columns(self) -> dict[int, deque[_Span]]:
        """Give the columns in which cells of several rows are merged into one.

        It is also the first look at all of the sheet: one with a wrong checksum gives no row.
        """
        found: dict[int, list[_Span]] = {}
        count = 0
        try:
            for event in self._book.stream(self._sheet.part, ("{*}mergeCell",)).events():
                if event is None or event[0] == "start":
                    continue
                first, _, last = str(event[1].get("ref", "")).partition(":")
                one, other = _CELL.fullmatch(first), _CELL.fullmatch(last)
                if one is None or other is None or one[2] == other[2]:
                    continue
                count += 1
                if count > _MOST_MERGED:
                    raise Misconfigured(
                        f"{self._sheet.name}: over {_MOST_MERGED:,} cells of the sheet are merged "
                        "with those below. Take the merges apart, or save it as CSV"
                    )
                found.setdefault(_index(one[1]), []).append(_Span(int(one[2]), int(other[2])))
        except Damaged:
            pass  # the rows say so
        return {at: deque(_apart(spans)) for at, spans in found.items()}


def _apart(spans: list[_Span]) -> Iterator[_Span]:
    """Give spans in order. Where some overlap, nobody can say what stands in their rows."""
    before: _Span | None = None
    for span in sorted(spans, key=lambda one: one.first):
        if before is not None and span.first <= before.last:
            before.last = max(before.last, span.last)
            before.content, before.overlaps = _Unread("excel.merged", _OVERLAP, ""), True
            continue
        if before is not None:
            yield before
        before = span
    if before is not None:
        yield before


def letters(at: int) -> str:
    """Name a column, counted from 0, as Excel does."""
    name = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def _index(name: str) -> int:
    found = 0
    for letter in name:
        found = found * 26 + ord(letter) - ord("A") + 1
    return found - 1


def _number(written: str | None, before: int) -> int:
    """Give a row's number: what it says, if that can be, or the next."""
    if written is not None and written.isdecimal() and len(written) < _LONG:
        number = int(written)
        if before < number <= _LAST_ROW:
            return number
    return before + 1


def _placed(row: Element) -> Iterator[tuple[int, Element]]:
    """Give a row's cells, each with the place that it says, or the next."""
    at = -1
    for cell in row.iterchildren("{*}c"):
        place = _CELL.fullmatch(str(cell.get("r", "")))
        at = at + 1 if place is None else _index(place[1])
        yield at, cell


def _raw(cells: Iterable[tuple[int, str | _Unread]]) -> str:
    """Write a row as it is kept when it is set aside: its cells, parted by tabs."""
    ordered = sorted(cells, key=lambda one: one[0])
    texts = (c if isinstance(c, str) else c.shown for _, c in ordered)
    return "\t".join(t.replace("\t", " ") for t in texts)


def _boolean(value: str) -> str:
    return "TRUE" if value.strip() in {"1", "true"} else "FALSE"


_PLAIN_KINDS: Final[Mapping[str, Callable[[str], str]]] = {
    "str": unescaped,
    "b": _boolean,
    "d": lambda value: value.removesuffix("T00:00:00"),
}
