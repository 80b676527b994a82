"""Rows set aside as files that a person can correct: CSV for a spreadsheet, or JSON lines.

The columns with `#` say which row it is and what is wrong with it. The others are the source's own:
they are what is corrected. `#blank` in one says that nothing stands there; a blank cell of a row
that could not be read says nothing. A repeated part's columns are `part[1].COLUMN`. In CSV a text
that a spreadsheet would take for a formula stands behind an apostrophe, which goes when it is read.
"""

import csv
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TextIO

import orjson
from pydantic import BaseModel, Field, ValidationError

from gateway.errors import Conflict, Invalid
from gateway.model import SetAside
from gateway.records.source import BLANK, Correction, row_key

KEY: Final = "#row"
SEEN: Final = "#seen"
ABOUT: Final = (KEY, "#line", "#column", "#value", "#why", "#code", "#raw", SEEN)
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r]")
_QUOTED: Final = re.compile(r"'+[=+\-@\t\r]")
_PART: Final = re.compile(r"([^\[\]]+)\[(\d+)\]\.(.+)", re.DOTALL)
_LONGEST: Final = 2**22
_MOST: Final = 1_000_000


class _Line(BaseModel):
    """What counts of a line of JSON."""

    row: str = Field(alias=KEY)
    seen: str = Field("", alias=SEEN)
    fields: dict[str, str | list[dict[str, str]]]


@dataclass(frozen=True, slots=True)
class Corrected:
    """One row of a file that came back: its key, and its columns as they stand there now.

    `seen` tells what stood there when it was written: see `seen`.
    """

    number: int
    key: str
    seen: str
    fields: Mapping[str, str]


def require_new(path: Path) -> None:
    """Say before much is read whether `write` would take this name. Raises as it does."""
    if path.suffix.lower() not in _WRITERS:
        raise Invalid(f"{path.name}: the file's name must end with .csv or .jsonl.")
    if path.exists():
        raise Conflict(f"{path.name} is there already. Name a new file.")


def write(path: Path, rows: Callable[[], Iterable[SetAside]], columns: Iterable[str]) -> int:
    """Write rows set aside into a new file, 0600. `rows` is called twice. Gives their number.

    `columns` are the source's own, for rows that could not be read. Raises Conflict if the file is
    there, Invalid for another ending than .csv, .jsonl.
    """
    require_new(path)
    writer = _WRITERS[path.suffix.lower()]
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise Conflict(f"{path.name} is there already. Name a new file.") from None
    except OSError as error:
        raise Invalid(f"{path.name} can't be written: {error.strerror}.") from None
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        return writer(file, rows, columns)


def read(path: Path) -> Iterator[Corrected]:
    """Read a file that `write` wrote and a person has edited. Raises Invalid, with the line."""
    reader = {".csv": _read_csv, ".jsonl": _read_lines}.get(path.suffix.lower())
    if reader is None:
        raise Invalid(f"{path.name}: the file's name must end with .csv or .jsonl.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for found in reader(path, file):
                if found.number > _MOST:
                    raise Invalid(f"{path.name}: more than {_MOST:,} rows.")
                yield found
    except UnicodeDecodeError:
        raise Invalid(f"{path.name} is not UTF-8. Save it as CSV in UTF-8.") from None
    except OSError as error:
        raise Invalid(f"{path.name} can't be read: {error.strerror}.") from None


def correction(row: SetAside, now: Mapping[str, str]) -> Correction | None:
    """Say what a person has changed of a row; None if nothing."""
    before = dict(flat(row.fields or {}))
    changed = {
        name: text for name, text in now.items() if text.strip() != before.get(name, "").strip()
    }
    values = {name: _said(text) for name, text in changed.items() if not _PART.fullmatch(name)}
    touched = {m[1] for name in changed if (m := _PART.fullmatch(name))}
    if not values and not touched:
        return None
    return Correction(values, {name: _group(name, {**before, **now}) for name in sorted(touched)})


def seen(row: SetAside) -> str:
    """Give a digest of a row's columns: what is corrected is what a person saw, or it is not."""
    packed = orjson.dumps(row.fields, option=orjson.OPT_SORT_KEYS)
    return f"x{sha256(packed).hexdigest()[:16]}"  # a letter first, or a spreadsheet takes a number


def flat(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Give a row's columns one by one, those of a repeated part as `part[1].COLUMN`."""
    for name, value in fields.items():
        if isinstance(value, str):
            yield name, value
        else:
            for number, one in enumerate(value, 1):
                yield from ((f"{name}[{number}].{column}", text) for column, text in one.items())


def _group(name: str, columns: Mapping[str, str]) -> list[dict[str, str]]:
    """Put a repeated part together again. One whose columns are all blank goes."""
    found: dict[int, dict[str, str]] = {}
    for column, text in columns.items():
        matched = _PART.fullmatch(column)
        if matched and matched[1] == name:
            found.setdefault(int(matched[2]), {})[matched[3]] = _said(text)
    return [found[n] for n in sorted(found) if any(found[n].values())]


def _said(text: str) -> str:
    """Give a cell's text, and the word for nothing as it is known, however it is written."""
    bare = text.strip()
    return BLANK if bare.casefold() == BLANK else bare


def _about(row: SetAside) -> dict[str, Any]:
    said = (
        row_key(row.raw),
        row.place,
        row.column,
        row.value,
        row.text,
        row.code,
        row.raw,
        seen(row),
    )
    return dict(zip(ABOUT, said, strict=True))


def _write_csv(file: TextIO, rows: Callable[[], Iterable[SetAside]], columns: Iterable[str]) -> int:
    names = dict.fromkeys(name for row in rows() for name, _ in flat(row.fields or {}))
    header = [*ABOUT, *dict.fromkeys([*names, *columns])]
    writer = csv.writer(file)
    writer.writerow(header)
    count = 0
    for row in rows():
        count += 1
        cells = _about(row) | dict(flat(row.fields or {}))
        writer.writerow([_guarded(cells.get(name)) for name in header])
    return count


def _guarded(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if _FORMULA.match(text) else text


def _read_csv(path: Path, file: TextIO) -> Iterator[Corrected]:
    csv.field_size_limit(_LONGEST)
    # A spreadsheet writes what its country is used to.
    first = file.readline()
    delimiter = max(",;\t", key=first.count)
    file.seek(0)
    reader = csv.reader(file, delimiter=delimiter)
    try:
        header = next(reader, [])
        if KEY not in header:
            raise Invalid(f"{path.name} has no column {KEY}: it is no export of set-aside rows.")
        for number, cells in enumerate(reader, 1):
            if len(cells) > len(header):
                raise Invalid(f"{path.name}, line {reader.line_num}: too many columns.")
            if not any(cells):
                continue
            found = {n: _bare(c) for n, c in zip(header, cells, strict=False)}
            fields = {n: v for n, v in found.items() if n not in ABOUT}
            yield Corrected(number, found.get(KEY, ""), found.get(SEEN, ""), fields)
    except csv.Error as error:
        raise Invalid(f"{path.name}, line {reader.line_num}: {error}.") from None


def _bare(text: str) -> str:
    return text[1:] if _QUOTED.match(text) else text


def _write_lines(
    file: TextIO, rows: Callable[[], Iterable[SetAside]], columns: Iterable[str]
) -> int:
    count = 0
    blank = dict.fromkeys(columns, "")
    for row in rows():
        count += 1
        fields = dict(row.fields) if row.fields is not None else blank
        file.write(orjson.dumps(_about(row) | {"fields": fields}).decode() + "\n")
    return count


_WRITERS: Final = {".csv": _write_csv, ".jsonl": _write_lines}


def _read_lines(path: Path, file: TextIO) -> Iterator[Corrected]:
    number = 0
    while line := file.readline(_LONGEST):
        number += 1
        if not line.strip():
            continue
        try:
            one = _Line.model_validate_json(line)
        except ValidationError:
            raise Invalid(
                f"{path.name}, line {number}: this is no line of an export of set-aside rows."
            ) from None
        yield Corrected(number, one.row, one.seen, dict(flat(one.fields)))
