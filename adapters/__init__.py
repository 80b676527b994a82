"""Legacy formats in, NIEM out: readers, one a format, and the mapping language.

    load(mapping_path)      a source as records: to be imported, or looked at
    live(mapping_path)      a database that is searched where it is
    is_live(mapping_path)   whether a mapping says so
    name_of(mapping_path)   the source's name
    upkeep(mapping_path)    its files, and when it is polled

A mapping is a YAML file that an administrator writes: docs/mapping.md explains it. All raise
Misconfigured, with file and line, for a mapping that is wrong.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapters import registry, sql
from adapters.build import RecordPlan
from adapters.joining import listed
from adapters.joins import FileLookup, Join, join_columns
from adapters.mapping import MappingFile
from adapters.opening import look, narrow, open_reader
from adapters.repeats import Repeat
from adapters.rows import Reader
from adapters.source import Compiler, MappedSource, Part, Tally
from adapters.together import TogetherReader
from adapters.upkeep import upkeep_of
from gateway.records.source import RecordSource, Upkeep

__all__ = ["MappedSource", "Tally", "is_live", "live", "load", "name_of", "upkeep"]


def name_of(mapping_path: Path) -> str:
    """Give the source's name."""
    return MappingFile(mapping_path).source


def is_live(mapping_path: Path) -> bool:
    """Whether the source is searched where it is, and never imported."""
    return MappingFile(mapping_path).format.get("mode") == "live"


def upkeep(mapping_path: Path) -> Upkeep:
    """Give what the mapping says of the source's upkeep. No file but the mapping is read."""
    return upkeep_of(MappingFile(mapping_path))


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
    reader = first = open_reader(mapping, mapping.format, "format")
    keys: list[str] = []
    compiler = Compiler(mapping)
    if together := mapping.content.get("together"):
        plain = look(mapping, reader, "format")
        keys = listed(together["key"])
        for key in keys:
            if key not in plain.own:
                raise mapping.doc.wrong(f"{key}: no such column", "together")
        agree = frozenset(plain.own)
        reader = TogetherReader(
            reader, tuple(keys), together["part"], lambda: agree & compiler.used
        )
    own = look(mapping, reader, "format")

    def lookup(name: str, spec: Mapping[str, Any]) -> FileLookup:
        if "format" not in spec or spec["format"]["type"] == registry.SQL:
            raise mapping.doc.wrong(f"{name}: a join needs the `format` of a file", "records")
        joined = open_reader(mapping, spec["format"], "records")
        look(mapping, joined, "records")
        beside.append((name, joined))
        return FileLookup(joined, listed(spec["key"]))

    beside: list[tuple[str, Reader]] = []
    joins: list[Join] = []
    plans: list[RecordPlan] = []
    repeats: list[Repeat] = []
    for number in range(len(mapping.records)):
        for key in ("table", "found_by"):
            if key in mapping.records[number]:
                raise mapping.doc.wrong(f"`{key}` is for databases", "records", number, key)
        of_rows, columns = compiler.repeats(number, own)
        found = compiler.joins(number, columns, lookup)
        names = [x.name for x in (*repeats, *joins, *of_rows, *found)]
        if len(names) != len(set(names)):
            raise mapping.doc.wrong("two joins or repeats have one name", "records", number)
        joins += found
        repeats += of_rows
        plans.append(compiler.record(number, join_columns(columns, found)))
    narrow(first, beside, {*compiler.used, *keys})
    return MappedSource(mapping, [Part(reader, joins, plans, repeats)], compiler.terms())
