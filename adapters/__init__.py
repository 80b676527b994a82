"""Legacy formats in, NIEM out: readers, one a format, and the mapping language.

    load(mapping_path)      a source as records: to be imported, or looked at
    live(mapping_path)      a database that is searched where it is
    is_live(mapping_path)   whether a mapping says so
    name_of(mapping_path)   the source's name
    doubled(names)          those names that several mappings claim
    draft(source, …)        a first mapping for a legacy file
    refresh(mapping_path, …)       what is kept of a mirrored database, brought up to date
    load_replica(mapping_path, …)  that as records
    forget_replica(folder, source) take it away
    upkeep(mapping_path)    its files, and when it is polled

A mapping is a YAML file that an administrator writes: docs/mapping.md explains it. All but
name_of and doubled raise Misconfigured, with file and line, for a mapping that is wrong.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from adapters import loading, replica, sql
from adapters.drafting import draft_of as draft
from adapters.mapping import MappingFile
from adapters.replica import Refreshed
from adapters.source import MappedSource, PassedOver, Tally
from adapters.sql_live import MOST_ALIKE, LiveSource
from adapters.upkeep import upkeep_of
from gateway.errors import Misconfigured
from gateway.records.source import RecordSource, Upkeep

__all__ = [
    "MOST_ALIKE",
    "MappedSource",
    "PassedOver",
    "Refreshed",
    "Tally",
    "doubled",
    "draft",
    "forget_replica",
    "is_live",
    "live",
    "load",
    "load_replica",
    "name_of",
    "refresh",
    "says_live",
    "upkeep",
]


def name_of(mapping_path: Path) -> str:
    """Give the source's name: of a mapping that is wrong, its file's, if it says none."""
    try:
        found = MappingFile(mapping_path, [])
    except Misconfigured:
        return mapping_path.stem
    said = found.source and not found.doc.is_broken("source")
    return found.source if said else mapping_path.stem


def doubled(found: Iterable[tuple[str, Path]]) -> dict[str, str]:
    """Say of each source's name that several mappings claim which they are."""
    files: dict[str, list[str]] = {}
    for name, path in found:
        files.setdefault(name, []).append(path.name)
    return {
        name: f"{' and '.join(sorted(paths))} both say `source: {name}`"
        for name, paths in files.items()
        if len(paths) > 1
    }


def is_live(mapping_path: Path) -> bool:
    """Whether the source is searched where it is, and never imported."""
    return MappingFile(mapping_path).format.get("mode") == "live"


def says_live(mapping_path: Path) -> bool:
    """Whether a mapping says so, as far as it can be read: of one that is wrong, it does not."""
    try:
        return is_live(mapping_path)
    except Misconfigured:
        return False


def forget_replica(folder: Path, source: str) -> None:
    """Take away what `refresh` keeps of a source in `folder`, if it keeps something."""
    replica.forget(folder / f"{source}.db")


def upkeep(mapping_path: Path) -> Upkeep:
    """Give what the mapping says of the source's upkeep. No file but the mapping is read."""
    return upkeep_of(MappingFile(mapping_path))


def load(mapping_path: Path) -> MappedSource:
    """Give a source as records. A live source too: then all of it, to see what is wrong with it."""
    return loading.load(MappingFile(mapping_path))


def refresh(
    mapping_path: Path,
    folder: Path,
    *,
    anew: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Refreshed | None:
    """Bring up to date what `folder` keeps of a database; None where the mapping has no `changes`.

    `anew`: all of it is read. `progress` is told the rows looked at. Raises SallyportError.
    """
    mapping = MappingFile(mapping_path)
    if "changes" not in mapping.format:
        return None
    path = folder / f"{mapping.source}.db"
    return sql.refresh(mapping, path, anew=anew, progress=progress)


def load_replica(mapping_path: Path, made: Refreshed) -> MappedSource:
    """Give a source as records, from what `refresh` made."""
    return sql.load_replica(MappingFile(mapping_path), made)


def live(mapping_path: Path) -> RecordSource:
    """Give a live source. It is not asked for anything before the first search."""
    mapping = MappingFile(mapping_path)
    if mapping.format.get("mode") != "live":
        raise mapping.doc.wrong("this source is no live one", "format")
    return LiveSource(mapping)
