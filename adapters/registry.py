"""The formats: one file each, and one line here. Other packages bring theirs as entry points.

A package that reads a format of its own declares, in its pyproject.toml,

    [project.entry-points."sallyport.formats"]
    dbase = "my_package:DbaseReader"

and `format: {type: dbase, path: …}` works in a mapping. What it names is called with the file's
path and the mapping's `format`, and gives a `rows.Reader`. Its attribute `SCHEMA`, if it has one,
is a JSON Schema of its own keys (all but `type` and `path`). A built-in format is never replaced.
"""

import difflib
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from adapters.cobol import CobolReader
from adapters.delimited import DelimitedReader
from adapters.excel import ExcelReader
from adapters.fixed import FixedReader
from adapters.nibrs import NibrsReader
from adapters.plugged import Plugged
from adapters.rows import Reader
from adapters.xmlsource import XmlReader
from gateway.errors import Misconfigured

Make = Callable[[Path, Mapping[str, Any]], Reader]


FORMATS: Final[Mapping[str, Make]] = {
    "cobol": CobolReader,
    "csv": DelimitedReader,
    "excel": ExcelReader,
    "fixed": FixedReader,
    "nibrs": NibrsReader,
    "xml": XmlReader,
}
SQL: Final = "sql"
"""Databases are no files: see `adapters.sql` and `adapters.sql_live`."""
GROUP: Final = "sallyport.formats"
"""The entry points by which other packages bring formats."""
_COMMON: Final = frozenset({"type", "path"})
_NEEDED: Final = ("columns", "rows", "as_of", "total_hint")


def open_format(path: Path, spec: Mapping[str, Any]) -> Reader:
    """Give the reader of a file. Raises Misconfigured for a type, or a key, that there is not."""
    name: str = spec["type"]
    if name in FORMATS:
        return FORMATS[name](path, spec)
    made, package = _of_package(name)
    _check_keys(name, made, spec)
    reader = made(path, spec)
    if lacking := [n for n in _NEEDED if not callable(getattr(reader, n, None))]:
        raise Misconfigured(f"{name}: its reader has no {', '.join(lacking)}")
    return Plugged(name, package, reader)


def names() -> list[str]:
    """Name all formats of files that there are here."""
    return sorted({*FORMATS, *(point.name for point in entry_points(group=GROUP))})


def _of_package(name: str) -> tuple[Make, str]:
    found: list[EntryPoint] = list(entry_points(group=GROUP, name=name))
    if not found:
        near = difflib.get_close_matches(name, [*names(), SQL], n=2, cutoff=0.6)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        known = ", ".join([*names(), SQL])
        raise Misconfigured(f"{name}: there is no such format; there are: {known}{hint}")
    if len({point.value for point in found}) > 1:
        packages = ", ".join(sorted(_package(point) for point in found))
        raise Misconfigured(f"{name}: several packages bring this format: {packages}")
    try:
        made: Make = found[0].load()
    except Exception as error:  # whatever another package raises when it is imported
        text = f"{name}: the package {_package(found[0])} that reads it can't be loaded"
        raise Misconfigured(f"{text}: {error}") from error
    return made, _package(found[0])


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else point.module


def _check_keys(name: str, made: Make, spec: Mapping[str, Any]) -> None:
    schema = getattr(made, "SCHEMA", None)
    if schema is None:
        return
    own = {key: value for key, value in spec.items() if key not in _COMMON}
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        raise Misconfigured(f"{name}: its SCHEMA is no JSON Schema: {error.message}") from error
    for wrong in Draft202012Validator(schema).iter_errors(own):
        where = "".join(f"{part}: " for part in wrong.absolute_path)
        raise Misconfigured(f"{name}: {where}{wrong.message}")
