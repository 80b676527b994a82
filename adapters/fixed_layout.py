"""The layout file of a fixed-width source: a CSV file with a line for each column.

    name,first,last          positions from 1, both ends included
    name,length              or lengths, one column behind the other

The header says which; other columns (a description) are passed over. A line without a name, or
with the name FILLER, is no column, but has its length.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from adapters import textfile
from gateway.errors import Misconfigured

_LARGEST: Final = 2**20
_MOST_COLUMNS: Final = 2_000
_MOST_SAID: Final = 10
_WIDEST: Final = 100_000
_FILLER: Final = "FILLER"
_BY_PLACE: Final = ("first", "last")
_BY_LENGTH: Final = ("length",)


def read_layout(path: Path, width: int | None) -> Mapping[str, tuple[int, int]]:
    """Give each column's first and last position. `width` is a line's, where it is known.

    Raises Misconfigured with every fault and its line.
    """
    faults: list[str] = []
    found: dict[str, tuple[int, int]] = {}
    for line, name, first, last in _columns(path, faults):
        if width is not None and last > width:
            faults.append(f"{path.name}:{line}: {name or _FILLER} ends at {last}, behind the line")
        elif not name or name.upper() == _FILLER:
            continue
        elif name in found:
            faults.append(f"{path.name}:{line}: {name} stands twice")
        else:
            found[name] = first, last
    if len(found) > _MOST_COLUMNS:
        faults.append(f"{path.name}: more than {_MOST_COLUMNS:,} columns")
    if not found and not faults:
        faults.append(f"{path.name}: it names no column")
    if faults:
        more = len(faults) - _MOST_SAID
        raise Misconfigured(
            "; ".join(faults[:_MOST_SAID]) + (f"; and {more} more" if more > 0 else "")
        )
    return found


def _columns(path: Path, faults: list[str]) -> Iterator[tuple[int, str, int, int]]:
    """Give each line's number, name, first and last position."""
    rows = csv.reader(io.StringIO(_text(path)), strict=True)
    try:
        header = [cell.strip().lower() for cell in next(rows, [])]
        kinds = [k for k in (_BY_PLACE, _BY_LENGTH) if {"name", *k} <= set(header)]
        if len(kinds) != 1:
            raise Misconfigured(
                f"{path.name}:1: its first line says name,first,last or name,length"
            )
        wanted = [header.index(key) for key in ("name", *kinds[0])]
        end = 0
        for row in rows:
            cells = [row[at].strip() if at < len(row) else "" for at in wanted]
            if not any(cell.strip() for cell in row):
                continue
            name, numbers = cells[0], _numbers(cells[1:])
            where = f"{path.name}:{rows.line_num}: {name or _FILLER}"
            if numbers is None:
                faults.append(f"{where}: {' and '.join(kinds[0])} must be numbers from 1")
            elif len(numbers) == 1:
                yield rows.line_num, name, end + 1, end + numbers[0]
                end += numbers[0]
            elif numbers[0] > numbers[1]:
                faults.append(f"{where}: its first position stands behind its last")
            else:
                yield rows.line_num, name, numbers[0], numbers[1]
    except csv.Error as error:
        raise Misconfigured(f"{path.name}:{rows.line_num}: it is no CSV: {error}") from None


def _numbers(cells: Sequence[str]) -> list[int] | None:
    plain = all(c.isascii() and c.isdecimal() and len(c) <= len(str(_WIDEST)) for c in cells)
    numbers = [int(c) for c in cells] if plain else []
    return numbers if numbers and all(1 <= n <= _WIDEST for n in numbers) else None


def _text(path: Path) -> str:
    with textfile.open_file(path) as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise Misconfigured(f"{path.name}: a layout has at most {_LARGEST:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Misconfigured(f"{path.name}:{line}: it is no UTF-8") from None
