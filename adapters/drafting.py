"""From a legacy file, or one table of a database, to a draft: what opens it is found out first."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from adapters import registry
from adapters.detect import detect
from adapters.document import Document
from adapters.draft import draft, look_at
from adapters.rows import Reader
from adapters.tables import Database, TableReader
from gateway.errors import Misconfigured

_ENDINGS: Final = {
    ".csv": "csv",
    ".tsv": "csv",
    ".psv": "csv",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xls": "excel",
    ".db": "sql",
    ".sqlite": "sql",
    ".sqlite3": "sql",
}
_NEEDS: Final = {
    "fixed": "width=, encoding= and columns={NAME: [first, last], …}: the layout of its lines",
    "cobol": "copybook=, encoding= and record=: a copybook beside the data",
    "xml": "record= and columns={NAME: path, …}: which elements are rows, and what is in them",
}
"""Formats that say nothing of their columns themselves."""


def draft_of(
    source: Path,
    *,
    kind: str | None = None,
    written: str,
    options: Sequence[str] = (),
    record_type: str | None = None,
    table: str | None = None,
) -> str:
    """Write a first mapping. `written` is the source's path as the mapping shall name it.

    `options` are KEY=VALUE of the format, values as YAML. Raises Misconfigured where the source
    can't be read, or more has to be said of it.
    """
    kind = kind or _ENDINGS.get(source.suffix.lower())
    if kind is None:
        known = ", ".join([*registry.names(), registry.SQL])
        raise Misconfigured(f"{source.name}: say which --format it has; there are: {known}")
    spec: dict[str, Any] = {"type": kind, "path": written, **_read(options)}
    notes: list[str] = []
    if kind == "csv" and "encoding" not in spec:
        found = detect(source)
        spec |= {"encoding": found.encoding, "delimiter": found.delimiter}
        notes = [f"Found out: {found.said()}.", *(f"  {e}" for e in found.evidence)]
        if found.header is None and "columns" not in spec:
            spec["columns"] = [f"C{n}" for n in range(1, found.columns + 1)]
            notes.append("CHECK: the first line looks like data, so the columns are named C1, C2 …")
    name = _name(source, table)
    if kind == registry.SQL:
        return _of_table(source, spec, name, record_type, table)
    needs = _NEEDS.get(kind)
    try:
        reader: Reader = registry.open_format(source, {**spec, "path": str(source)})
        return draft(look_at(reader), spec, name, record_type=record_type, notes=notes)
    except KeyError as error:
        raise Misconfigured(f"{kind}: say with --with {needs or error.args[0]}") from error


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


def _of_table(
    source: Path, spec: dict[str, Any], name: str, record_type: str | None, table: str | None
) -> str:
    spec.setdefault("mode", "mirror")
    database = Database(source.stem, {"path": source.name}, source.resolve().parent)
    try:
        tables = database.names()
        if table not in tables:
            known = ", ".join(tables) or "none"
            raise Misconfigured(f"say with --table which table to draft; there are: {known}")
        others = [t for t in tables if t != table]
        notes = [f"Other tables of it: {', '.join(others)}. See `join`."] if others else []
        reader = TableReader(database, table)
        return draft(look_at(reader), spec, name, record_type=record_type, table=table, notes=notes)
    finally:
        database.close()
