"""Fixed width: each column stands at its positions, which the mapping or a layout file names."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters import textfile
from adapters.cuts import Cut
from adapters.fixed_layout import read_layout
from adapters.rows import BadRow, Columns, Row
from gateway.errors import Misconfigured


class FixedReader:
    """Reads lines of one length. Positions count characters from 1, both ends included."""

    def __init__(self, path: Path, spec: Mapping[str, Any]) -> None:
        self._path = path
        self._encoding: str = spec["encoding"]
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

    def total_hint(self) -> int | None:
        """Count lines."""
        return textfile.line_count(self._path)

    def rows(self) -> Iterator[Row | BadRow]:
        """Give the rows. Lines with nothing in them are no rows."""
        cut = Cut(self._columns)
        for line in textfile.lines(self._path):
            if not line.data:
                continue
            try:
                text = textfile.decode(line.data, self._encoding)
            except UnicodeDecodeError as error:
                why = textfile.undecodable(error, self._encoding)
                raw = textfile.shown(line.data, self._encoding)
                yield BadRow(line.number, raw, "row.encoding", why)
                continue
            if len(text) != self._width or not line.whole:
                why = f"the line has {len(text)} characters, not {self._width}"
                yield BadRow(line.number, text, "row.width", why)
                continue
            yield Row(line.number, text, cut.of(text))


def _places(spec: Mapping[str, Any]) -> Mapping[str, tuple[int, int]]:
    if "layout" not in spec:
        written: Mapping[str, tuple[int, int]] = spec["columns"]
        return written
    if "columns" in spec:
        raise Misconfigured("the columns stand in the mapping or in a layout: take one of them out")
    return read_layout(Path(spec["layout"]), spec.get("width"))
