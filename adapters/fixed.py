"""Fixed width: each column stands at its positions, which the mapping or a layout file names."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from adapters import textfile
from adapters.cuts import Cut
from adapters.fixed_layout import read_layout
from adapters.norows import NoRows
from adapters.rows import BadRow, Columns, Row, Values
from gateway.errors import Misconfigured

_END: Final = b"\x1a"
"""The mark that ends a file of DOS."""
_PERHAPS_STRIPPED: Final = (
    ". Where an editor took the blanks off the ends of lines, say `stripped: true` in the format"
)


class FixedReader:
    """Reads lines of one length. Positions count characters from 1, both ends included."""

    def __init__(self, path: Path, spec: Mapping[str, Any]) -> None:
        self._path = path
        self._encoding: str = spec["encoding"]
        self._stripped: bool = spec.get("stripped", False)
        self._no_rows = NoRows(spec.get("no_rows", ()))
        places = _places(spec)
        self._width: int = spec.get("width") or max(last for _, last in places.values())
        self._columns: dict[str, slice] = {}
        for name, (first, last) in places.items():
            if not 1 <= first <= last <= self._width:
                raise Misconfigured(f"column {name}: {first} to {last} is not within the line")
            self._columns[name] = slice(first - 1, last)

    def columns(self) -> Columns:
        """Name the layout's columns. Raises Misconfigured if the data is not there."""
        textfile.require(self._path)
        return Columns(frozenset(self._columns))

    def as_of(self) -> datetime | None:
        """Give the file's time of change."""
        return textfile.modified(self._path)

    def stated(self) -> tuple[str, ...]:
        """Say what was found out about the file."""
        carriage = textfile.ends_with_cr(self._path)
        return (f"{self._path.name}: lines end with CR",) if carriage else ()

    def total_hint(self) -> int | None:
        """Count lines."""
        return textfile.line_count(self._path)

    def rows(self) -> Iterator[Row | BadRow]:
        """Give the rows. Lines with nothing in them are no rows."""
        cut = Cut(self._columns)
        short: Row | BadRow | None = None
        for line in textfile.lines(self._path):
            if short is not None:
                yield short
                short = None
            if not line.data or line.data == _END:
                continue
            text = self._text(line, cut)
            if isinstance(text, BadRow):
                yield text
                continue
            lacks = line.whole and len(text) < self._width
            if lacks and self._stripped and not text.endswith(" "):
                short = Row(line.number, text, cut.of(text.ljust(self._width)))
                continue
            if len(text) != self._width or not line.whole:
                why = f"the line has {len(text)} characters, not {self._width}"
                if lacks and not self._stripped:
                    why += _PERHAPS_STRIPPED
                placed = self._placed(text, whole=line.whole)
                bad = BadRow(line.number, text, "row.width", why, placed=placed)
                if len(text) < self._width:
                    short = bad
                else:
                    yield bad
                continue
            yield Row(line.number, text, cut.of(text))
        if short is not None:
            # A last line without its end is what an export left that broke off.
            yield self._cut_off(short) if textfile.is_cut_off(self._path) else short

    def _text(self, line: textfile.Line, cut: Cut) -> str | BadRow:
        """Give a line's text, or set it aside: it has wrong bytes, or is no row."""
        try:
            text = textfile.decode(line.data, self._encoding)
        except UnicodeDecodeError as error:
            return self._undecodable(line, error, cut)
        none = self._no_rows.of(line.number, text) if line.whole else None
        return text if none is None else none

    def _cut_off(self, short: Row | BadRow) -> BadRow:
        """Set the last line aside, which lacks its end."""
        if isinstance(short, BadRow):
            return replace(short, rest=True)
        why = f"the line has {len(short.raw)} characters, not {self._width}, and no end"
        placed = self._placed(short.raw, whole=True)
        return BadRow(short.line, short.raw, "row.width", why, placed=placed, rest=True)

    def _undecodable(self, line: textfile.Line, error: UnicodeDecodeError, cut: Cut) -> BadRow:
        """Say what could be read of a line with wrong bytes."""
        why = textfile.undecodable(error, self._encoding)
        raw = textfile.shown(line.data, self._encoding)
        text = textfile.legible(line.data, self._encoding)
        if len(text) != self._width or not line.whole:
            placed = self._placed(text, whole=line.whole)
            return BadRow(line.number, raw, "row.encoding", why, placed=placed)
        values = cut.of(text)
        unread = [name for name, value in values.items() if not textfile.is_legible(value)]
        row = Row(line.number, raw, values | dict.fromkeys(unread, ""))
        column = unread[0] if unread else None
        return BadRow(
            *(line.number, raw, "row.encoding", why, column), row=row, unread=frozenset(unread)
        )

    def _placed(self, text: str, *, whole: bool) -> tuple[Values, ...]:
        """Say what columns may be, counted from the line's beginning and from its end."""
        found = []
        for shift in {0, len(text) - self._width} if whole else {0}:
            values = {
                name: text[place.start + shift : place.stop + shift].strip()
                for name, place in self._columns.items()
                if place.start + shift >= 0 and place.stop + shift <= len(text)
            }
            found.append({k: v for k, v in values.items() if textfile.is_legible(v)})
        return tuple(found)


def _places(spec: Mapping[str, Any]) -> Mapping[str, tuple[int, int]]:
    if "layout" not in spec:
        written: Mapping[str, tuple[int, int]] = spec["columns"]
        return written
    if "columns" in spec:
        raise Misconfigured("the columns stand in the mapping or in a layout: take one of them out")
    return read_layout(Path(spec["layout"]), spec.get("width"))
