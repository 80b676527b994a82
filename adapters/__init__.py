"""Legacy formats in, NIEM out: readers, one a format, and the mapping language.

    load(mapping_path)      a source as records: to be imported, or looked at
    live(mapping_path)      a database that is searched where it is
    is_live(mapping_path)   whether a mapping says so
    name_of(mapping_path)   the source's name

A mapping is a YAML file that an administrator writes: docs/mapping.md explains it. All four raise
Misconfigured, with file and line, for a mapping that is wrong.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapters import registry, sql
from adapters.build import RecordPlan
from adapters.joins import FileLookup, Join, join_columns
from adapters.mapping import MappingFile
from adapters.rows import Columns, Reader
from adapters.source import Compiler, MappedSource, Part, Tally
from gateway.errors import Misconfigured
from gateway.records.source import RecordSource

__all__ = ["MappedSource", "Tally", "is_live", "live", "load", "name_of"]


def name_of(mapping_path: Path) -> str:
    """Give the source's name."""
    return MappingFile(mapping_path).source


def is_live(mapping_path: Path) -> bool:
    """Whether the source is searched where it is, and never imported."""
    return MappingFile(mapping_path).format.get("mode") == "live"


def load(mapping_path: Path) -> MappedSource:
    """Give a source as records. A live source too: then all of it, to see what is wrong with it."""
    mapping = MappingFile(mapping_path)
    if mapping.format["type"] == registry.SQL:
        return sql.load(mapping)
    return _of_file(mapping)


def live(mapping_path: Path) -> RecordSource:
    """Give a live source. It is not asked for anything before the first search."""
    mapping = MappingFile(mapping_path)
    if mapping.format.get("mode") != "live":
        raise mapping.doc.wrong("this source is no live one", "format")
    return sql.LiveSource(mapping)


def _of_file(mapping: MappingFile) -> MappedSource:
    reader = _reader(mapping, mapping.format, "format")
    own = _looked(mapping, reader, "format")
    compiler = Compiler(mapping)

    def lookup(name: str, spec: Mapping[str, Any]) -> FileLookup:
        if "format" not in spec or spec["format"]["type"] not in registry.FORMATS:
            raise mapping.doc.wrong(f"{name}: a join needs the `format` of a file", "records")
        joined = _reader(mapping, spec["format"], "records")
        _looked(mapping, joined, "records")
        return FileLookup(joined, spec["key"])

    joins: list[Join] = []
    plans: list[RecordPlan] = []
    for number in range(len(mapping.records)):
        for key in ("table", "found_by"):
            if key in mapping.records[number]:
                raise mapping.doc.wrong(f"`{key}` is for databases", "records", number, key)
        found = compiler.joins(number, own, lookup)
        if {j.name for j in found} & {j.name for j in joins}:
            raise mapping.doc.wrong("two joins have one name", "records", number, "join")
        joins += found
        plans.append(compiler.record(number, join_columns(own, found)))
    return MappedSource(mapping, [Part(reader, joins, plans)], compiler.terms())


def _looked(mapping: MappingFile, reader: Reader, *place: str | int) -> Columns:
    """Look at a file's columns. Raises Misconfigured, with the mapping's line."""
    try:
        return reader.columns()
    except Misconfigured as error:
        raise mapping.doc.wrong(error.detail, *place) from None


def _reader(mapping: MappingFile, spec: Mapping[str, Any], *place: str | int) -> Reader:
    try:
        path = mapping.file(spec["path"])
        return registry.FORMATS[spec["type"]](path, spec)
    except Misconfigured as error:
        raise mapping.doc.wrong(error.detail, *place) from None
