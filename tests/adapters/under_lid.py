"""Reads a file in a process whose memory has a lid, and writes what came of it as JSON."""

import resource
from pathlib import Path
from typing import Any

import orjson

from adapters import registry
from adapters.rows import Row
from gateway.errors import Misconfigured


def address_space() -> int:
    """Give the bytes of address space that this process has."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * 4096


def read(path: str, spec: dict[str, Any], allowed: int) -> None:
    """Read a file with so many bytes more than the process has already. Writes one line."""
    lid = address_space() + allowed
    resource.setrlimit(resource.RLIMIT_AS, (lid, lid))
    good, bad = 0, dict[str, Any]()
    try:
        reader = registry.open_format(Path(path), spec)
        reader.columns()
        reader.total_hint()
        for row in reader.rows():
            if isinstance(row, Row):
                good += 1
            else:
                bad[row.code] = bad.get(row.code, 0) + 1
                assert len(row.raw) <= 2**24
    except Misconfigured as error:
        bad["refused"] = error.detail[:300]
    print(orjson.dumps([good, bad]).decode())  # noqa: T201 - what the test reads
