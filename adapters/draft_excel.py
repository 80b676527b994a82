"""A sheet whose headers do not stand in its first row: titles, dates and blank rows before them."""

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final

from adapters.excel import ExcelReader
from adapters.rows import BadRow, Row
from gateway.errors import Misconfigured

_TITLES: Final = 20
_TRIED: Final = 200


def find_header(path: Path, spec: Mapping[str, Any]) -> int:
    """Give the row that names what stands below it: the first that most rows fit to.

    0 where the first one does, or none.
    """
    best, most = 0, _fitting(path, spec)
    if most:
        return 0
    for row in _rows(path, spec):
        fitting = _fitting(path, {**spec, "header": row})
        if fitting > most:
            best, most = row, fitting
    return best


def _rows(path: Path, spec: Mapping[str, Any]) -> Iterator[int]:
    """Give the numbers of the rows below the first."""
    try:
        yield from [r.line for r in islice(ExcelReader(path, spec).rows(), _TITLES)]
    except Misconfigured:
        return


def _fitting(path: Path, spec: Mapping[str, Any]) -> int:
    """Count rows under a header in which nothing stands that it does not name."""
    try:
        found = [*islice(ExcelReader(path, spec).rows(), _TRIED)]
    except Misconfigured:
        return 0  # it is no header: a number, or a word twice
    unnamed = sum(isinstance(r, BadRow) and r.code == "row.columns" for r in found)
    return max(0, sum(isinstance(r, Row) for r in found) - unnamed)
