"""What a mapping's `format` opens: the reader of a file, and code tables that stand in files."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from adapters import registry
from adapters.dated import DatedReader
from adapters.mapping import MappingFile
from adapters.rows import BadRow, Columns, Reader, Row, Selective
from gateway.errors import Misconfigured

_MOST_CODES: Final = 200_000
_FILES: Final = ("copybook", "layout")
"""Keys of a format that name a file beside the data."""


def open_reader(mapping: MappingFile, spec: Mapping[str, Any], *place: str | int) -> Reader:
    """Give the reader of a file. Raises Misconfigured, with the mapping's line."""
    if spec["type"] == registry.SQL or "path" not in spec:
        raise mapping.doc.wrong(f"{spec['type']}: a file is needed here: its `path`", *place)
    try:
        files = {key: str(mapping.file(spec[key])) for key in _FILES if key in spec}
        path, stated = mapping.file(spec["path"]), spec.get("as_of")
        reader = registry.open_format(
            path, {k: v for k, v in {**spec, **files}.items() if k != "as_of"}
        )
        return reader if stated is None else DatedReader(reader, path, stated, mapping.content)
    except Misconfigured as error:
        raise mapping.doc.wrong(error, *place) from None


def look(mapping: MappingFile, reader: Reader, *place: str | int) -> Columns:
    """Look at a file's columns. Raises Misconfigured, with the mapping's line."""
    try:
        columns = reader.columns()
    except Misconfigured as error:
        raise mapping.doc.wrong(error, *place) from None
    column = reader.column if isinstance(reader, DatedReader) else None
    if column is not None and column not in columns.own:
        raise mapping.doc.wrong(f"{column}: no such column", *place, "as_of", "column")
    return columns


def narrow(reader: Reader, joined: Iterable[tuple[str, Reader]], used: Collection[str]) -> None:
    """Let readers that can read some columns alone read those that are used."""
    if isinstance(reader, Selective):
        reader.select(used)
    for name, other in joined:
        if isinstance(other, Selective):
            prefix = f"{name}."
            other.select({u.removeprefix(prefix) for u in used if u.startswith(prefix)})


def code_files(mapping: MappingFile) -> Mapping[str, Mapping[str, Any]]:
    """Read the code tables that stand in files. Raises Misconfigured, with the mapping's line."""
    found: dict[str, Mapping[str, Any]] = {}
    with mapping.doc.going_on():
        for name, spec in mapping.content.get("code_files", {}).items():
            place = ("code_files", name)
            if not mapping.doc.is_broken(*place):
                with mapping.doc.going_on():
                    found[name] = _code_file(mapping, spec, place)
    return found


def _code_file(
    mapping: MappingFile, spec: Mapping[str, Any], place: tuple[str, str]
) -> Mapping[str, Any]:
    if "as_of" in spec["format"]:
        text = "`as_of` is for files of rows: a code table has no age"
        raise mapping.doc.wrong(text, *place, "format", "as_of")
    reader = open_reader(mapping, spec["format"], *place)
    columns = look(mapping, reader, *place)
    for key in ("code", "word"):
        if spec[key] not in columns.own:
            raise mapping.doc.wrong(f"{spec[key]}: no such column", *place, key)
    table: dict[str, Any] = {}
    for row in reader.rows():
        if isinstance(row, BadRow) and row.no_record:
            continue
        if not isinstance(row, Row):
            raise mapping.doc.wrong(f"line {row.line} of the code table: {row.text}", *place)
        code, word = row.values.get(spec["code"], ""), row.values.get(spec["word"], "")
        if not code:
            continue
        if table.setdefault(code, word) != word:
            text = f"line {row.line} of the code table: another word for a code that stood before"
            raise mapping.doc.wrong(text, *place)
        if len(table) > _MOST_CODES:
            raise mapping.doc.wrong(f"more than {_MOST_CODES:,} codes", *place)
    return {code: _word(word) for code, word in table.items()}


def _word(written: str) -> Any:
    """Read a word as it would stand in the mapping; a blank: the standard has none."""
    if not written:
        return {"keep": True}
    return {"true": True, "false": False}.get(written.lower(), written)
