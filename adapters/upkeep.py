"""What a mapping says of its source's upkeep: its files, when it is polled, how much may go."""

import os
from collections.abc import Iterator
from datetime import time
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters import registry
from adapters.connecting import seconds_of
from adapters.mapping import MappingFile
from gateway.records.source import Poll, Upkeep

_DATABASE: Final = ("", "-wal", "-journal")
"""A SQLite file's own endings: what was written lately stands in the second."""


def upkeep_of(mapping: MappingFile) -> Upkeep:
    """Give it. Raises Misconfigured, with the line, for a time zone that there is none of."""
    return Upkeep(
        name=mapping.source,
        live=mapping.format.get("mode") == "live",
        record_types=frozenset(r["type"] for r in mapping.records),
        files=_files(mapping),
        beside=tuple(_beside(mapping)),
        poll=_poll(mapping),
        max_shrink=mapping.content.get("max_shrink"),
        max_opened=mapping.content.get("max_opened"),
        dated=any("as_of" in spec for spec in _formats(mapping.content)),
        steady=mapping.format["type"] != registry.SQL,
    )


def _poll(mapping: MappingFile) -> Poll | None:
    spec = mapping.content.get("poll")
    if spec is None:
        return None
    zone = mapping.content.get("zone", "UTC")
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise mapping.doc.wrong(f"{zone}: no such time zone", "zone") from None
    daily = spec.get("daily", [])
    times = [daily] if isinstance(daily, str) else daily
    return Poll(
        every_s=seconds_of(spec["every"]) if "every" in spec else None,
        daily=tuple(sorted({time.fromisoformat(t) for t in times})),
        zone=zone,
        settle_s=seconds_of(spec.get("settle", "30s")),
    )


def _files(mapping: MappingFile) -> tuple[Path, ...] | None:
    """Name every file that an import reads. None where a database server is read."""
    if any("url" in spec for spec in _formats(mapping.content)):
        return None
    found = list(_beside(mapping))
    if mapping.format["type"] == registry.SQL:
        path = mapping.file(mapping.format["path"]) if "path" in mapping.format else mapping.path
        # Of a link, what stands beside the file that it leads to.
        leads = Path(os.path.realpath(path))
        found += [path, *(leads.with_name(leads.name + ending) for ending in _DATABASE)]
    return tuple(dict.fromkeys(found))


def _beside(mapping: MappingFile) -> Iterator[Path]:
    """Name every file that an import reads, but for the database itself."""
    yield mapping.path
    for spec in _formats(mapping.content):
        if spec.get("type") == registry.SQL:
            continue
        for value in (v for k, v in spec.items() if isinstance(v, str) and k != "type"):
            path = mapping.file(value)
            # Besides `path`: a copybook, a layout and the like.
            if value == spec.get("path") or path.is_file():
                yield path


def _formats(part: Any) -> Iterator[dict[str, Any]]:
    """Find the source's format, and those of joined files and of code tables in files."""
    if isinstance(part, list):
        for one in part:
            yield from _formats(one)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key == "format" and isinstance(value, dict):
                yield value
            else:
                yield from _formats(value)
