"""Legacy formats in, NIEM out: readers, one a format, and the mapping language.

    load(mapping_path)      a source as records: to be imported, or looked at
    live(mapping_path)      a database that is searched where it is
    is_live(mapping_path)   whether a mapping says so
    name_of(mapping_path)   the source's name
    draft(source, …)        a first mapping for a legacy file
    upkeep(mapping_path)    its files, and when it is polled

A mapping is a YAML file that an administrator writes: docs/mapping.md explains it. All raise
Misconfigured, with file and line, for a mapping that is wrong.
"""

from pathlib import Path

from adapters import loading, sql
from adapters.drafting import draft_of as draft
from adapters.mapping import MappingFile
from adapters.source import MappedSource, Tally
from adapters.upkeep import upkeep_of
from gateway.records.source import RecordSource, Upkeep

__all__ = ["MappedSource", "Tally", "draft", "is_live", "live", "load", "name_of", "upkeep"]


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
    return loading.load(MappingFile(mapping_path))


def live(mapping_path: Path) -> RecordSource:
    """Give a live source. It is not asked for anything before the first search."""
    mapping = MappingFile(mapping_path)
    if mapping.format.get("mode") != "live":
        raise mapping.doc.wrong("this source is no live one", "format")
    return sql.LiveSource(mapping)
