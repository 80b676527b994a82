"""From a legacy file, or one table of a database, to a draft: what opens it is found out first."""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from adapters import registry
from adapters.detect import Confidence, detect
from adapters.document import Document
from adapters.draft import draft, look_at
from adapters.draft_cobol import find_cobol
from adapters.draft_excel import find_header
from adapters.draft_fixed import find_layout, find_width
from adapters.draft_joins import find_join
from adapters.draft_nibrs import NIBRS_LINE, nibrs_draft
from adapters.draft_sql import sql_draft
from adapters.draft_xml import find_columns
from adapters.excel_book import Book
from adapters.rows import Reader
from adapters.tables import Database
from gateway.errors import Misconfigured

_ENDINGS: Final = {
    ".csv": "csv",
    ".tsv": "csv",
    ".psv": "csv",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
    ".xml": "xml",
    ".db": "sql",
    ".sqlite": "sql",
    ".sqlite3": "sql",
}
_BESIDE: Final = ("copybook", "layout")
"""Keys of a format that name a file beside the data: from where the draft is made."""
_PEEKED: Final = 2**16
_MOSTLY: Final = 0.8


@dataclass(frozen=True, slots=True)
class _Opened:
    """One source: its `format` as it shall stand, its reader, what was found out."""

    spec: dict[str, Any]
    reader: Reader
    notes: list[str]
    doubts: Mapping[str, str]
    """What is doubtful of columns."""


def draft_of(
    sources: Sequence[Path],
    *,
    kind: str | None = None,
    written: Sequence[str],
    folder: Path = Path(),
    options: Sequence[str] = (),
    record_type: str | None = None,
    table: str | None = None,
) -> str:
    """Write a first mapping. `written` are the sources' paths as the mapping shall name them.

    It shall stand in `folder`. A database on a server has no source: its `url` is an option.

    The rows of the first become records; the others are joined to it. `options` are KEY=VALUE of
    the first one's format, values as YAML. Raises Misconfigured where a source can't be read, or
    more has to be said of it.
    """
    more = _read(options)
    if not sources:
        if "url" not in more:
            raise Misconfigured("name the legacy file, or a database with --with url=")
        return _of_server(more, folder, record_type, table)
    first, *others = sources
    kind = kind or _ENDINGS.get(first.suffix.lower()) or _kind_of(first)
    if kind is None:
        known = ", ".join([*registry.names(), registry.SQL])
        raise Misconfigured(f"{first.name}: say which --format it has; there are: {known}")
    name = _name(first, table)
    if kind == registry.SQL:
        _nothing_joined(kind, others)
        spec = {"type": kind, "path": written[0], **more}
        _nothing_joined(kind, others)
        spec.setdefault("mode", "mirror")
        database = Database(name, {**spec, "path": first.name}, first.resolve().parent)
        return sql_draft(database, spec, table=table, record_type=record_type)
    if kind == "nibrs":
        _nothing_joined(kind, others)
        return nibrs_draft(first, written[0], name)
    opened = _open(first, kind, {"path": written[0], **more})
    looked = look_at(opened.reader)
    notes, joins = list(opened.notes), []
    for joined, called in _beside(first, kind, opened, others, written):
        found = find_join(looked, joined.reader, _name(Path(called), None), joined.spec)
        if found is None:
            notes.append(f"CHECK: no column here leads to a row of {called}; see `join`")
        else:
            joins.append(found)
    return draft(
        looked,
        opened.spec,
        name,
        record_type=record_type,
        notes=notes,
        joins=joins,
        doubts=opened.doubts,
    )


def _of_server(
    more: Mapping[str, Any], folder: Path, record_type: str | None, table: str | None
) -> str:
    spec = {"type": registry.SQL, "mode": "mirror", **more}
    database = Database(_name(Path("database"), table), spec, folder)
    return sql_draft(database, spec, table=table, record_type=record_type)


def _kind_of(path: Path) -> str | None:
    """Tell a format by how a file begins; None where that says nothing."""
    with path.open("rb") as file:
        head = file.read(_PEEKED)
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        return "xml"
    lines = head.decode("iso-8859-1").splitlines()[:-1]
    if lines and sum(map(bool, map(NIBRS_LINE.match, lines))) >= _MOSTLY * len(lines):
        return "nibrs"
    return None


def _nothing_joined(kind: str, others: Sequence[Path]) -> None:
    if others:
        raise Misconfigured(f"{kind}: no other file is joined to one of these by a draft")


def _beside(
    first: Path, kind: str, opened: _Opened, others: Sequence[Path], written: Sequence[str]
) -> Iterator[tuple[_Opened, str]]:
    """Open what is joined: the other files, and the other sheets of the same workbook."""
    for path, shown in zip(others, written[1:], strict=True):
        known = _ENDINGS.get(path.suffix.lower())
        if known not in {"csv", "excel"}:
            raise Misconfigured(f"{path.name}: CSV and Excel files are joined by a draft")
        yield _open(path, known, {"path": shown}), path.name
    if kind == "excel":
        sheets = _sheets(first)
        for sheet in sheets:
            if sheet != opened.spec.get("sheet", sheets[0]):
                yield _open(first, kind, {"path": written[0], "sheet": sheet}), sheet


def _sheets(path: Path) -> list[str]:
    book = Book(path)
    book.close()
    return [s.name for s in book.sheets if s.visible]


def _of_workbook(path: Path, spec: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Find the sheet and the row of the headers, where they are not said and not the first."""
    found: dict[str, Any] = {}
    notes: list[str] = []
    if "sheet" not in spec and len(sheets := _sheets(path)) > 1:
        found["sheet"] = sheets[0]
        notes.append(
            f"CHECK: the records are made of the sheet {sheets[0]}; --with sheet= says another"
        )
    if spec.keys().isdisjoint({"header", "columns"}):
        row = find_header(path, {**spec, **found})
        if row:
            found["header"] = row
            notes.append(f"CHECK: the headers stand in row {row}; --with header= says another")
    return found, notes


def _of_lines(
    path: Path, spec: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str], dict[str, str]]:
    """Find what a fixed width leaves open: with a layout file hardly anything."""
    if "layout" in spec:
        return *find_width(path, spec), {}
    layout = find_layout(path)
    found = {"encoding": layout.encoding, "width": layout.width, "columns": layout.columns}
    doubts = dict.fromkeys(layout.columns, "where does it begin and end?")
    return {k: v for k, v in found.items() if k not in spec}, list(layout.notes), doubts


def _of_delimited(
    path: Path, spec: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str], dict[str, str]]:
    """Find out a delimited file's format; what to note, and the doubts by key."""
    doubts: dict[str, str] = {}
    found = detect(path)
    said: dict[str, Any] = {"encoding": found.encoding, "delimiter": found.delimiter}
    notes = [f"Found out: {found.said()}.", *(f"  {e}" for e in found.evidence)]
    if found.confidence is Confidence.DOUBTFUL:
        notes.append(
            f"CHECK: is it {found.encoding}, parted by {found.delimiter!r}? See names with "
            "accents: sallyport mapping preview FILE"
        )
    if found.header_line is not None and "columns" not in spec:
        said["header"] = spec.get("header", found.header_line)
        doubts["header"] = f"what stands above line {found.header_line} is passed over"
    elif found.header is None and "columns" not in spec:
        said["columns"] = [f"C{n}" for n in range(1, found.columns + 1)]
        notes.append("CHECK: the first line looks like data, so the columns are named C1, C2 …")
    return said, notes, doubts


def _open(path: Path, kind: str, more: Mapping[str, Any]) -> _Opened:
    """Open one file, and find out what its format leaves open."""
    spec: dict[str, Any] = {"type": kind, **more}
    _check_encoding(spec.get("encoding", "detect"))
    beside: dict[str, str] = {
        k: str((Path.cwd() / spec[k]).resolve()) for k in _BESIDE if k in spec
    }
    folder = {"path": str(path), **beside}
    notes: list[str] = []
    doubts: dict[str, str] = {}
    if kind == "csv" and "encoding" not in spec:
        said, notes, doubts = _of_delimited(path, spec)
        spec |= said
    elif kind == "excel":
        found_out, notes = _of_workbook(path, spec)
        spec |= found_out
    elif kind == "fixed" and "columns" not in spec:
        found_out, notes, doubts = _of_lines(path, {**spec, **folder})
        spec |= found_out
    elif kind == "cobol":
        if "copybook" not in spec:
            raise Misconfigured("cobol: say with --with copybook= where the copybook is")
        said, notes = find_cobol(path, {**spec, **folder})
        spec |= said
    elif kind == "xml" and "columns" not in spec:
        said, notes, doubts = find_columns(path)
        spec |= said
    spec |= {key: _from(one, path, spec["path"]) for key, one in beside.items()}
    try:
        return _Opened(spec, registry.open_format(path, {**spec, **folder}), notes, doubts)
    except KeyError as error:
        raise Misconfigured(f"{kind}: say with --with {error.args[0]}=") from error


def _check_encoding(encoding: Any) -> None:
    """Refuse what no text is written in; the mapping's schema says later which are read."""
    try:
        if encoding != "detect":
            "A".encode(encoding)
    except (LookupError, TypeError):
        raise Misconfigured(f"{encoding}: there is no such encoding") from None


def _from(beside: str, data: Path, written: str) -> str:
    """Give the path of a copybook, or layout, as the mapping names it: as it names its data."""
    folder = os.path.relpath(Path(beside).parent, data.resolve().parent)
    return os.path.normpath(Path(written).parent / folder / Path(beside).name)


def _read(options: Sequence[str]) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not key or not equals:
            raise Misconfigured(f"{option}: an option of the format is written KEY=VALUE")
        found[key] = _yaml(value)
    return found


def _yaml(text: str) -> Any:
    """Read a value as it would stand in a mapping."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "option"
        path.write_text(f"value: {text}\n", encoding="utf-8")
        return Document(path).content["value"]


def _name(source: Path, table: str | None) -> str:
    plain = re.sub(r"[^a-z0-9_]+", "_", (table or source.stem).lower()).strip("_")
    return (plain if plain[:1].isalpha() else f"s_{plain}")[:64]
