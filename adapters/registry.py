"""The formats: one file each, and one line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from adapters.delimited import DelimitedReader
from adapters.fixed import FixedReader
from adapters.nibrs import NibrsReader
from adapters.nibrs import codes as nibrs_codes
from adapters.rows import Reader

Make = Callable[[Path, Mapping[str, Any]], Reader]


@dataclass(frozen=True, slots=True)
class Format:
    """A format of files: how to read one, and the code tables that come with it."""

    make: Make
    codes: Callable[[], Mapping[str, Mapping[str, Any]]] = dict


FORMATS: Final[Mapping[str, Format]] = {
    "csv": Format(DelimitedReader),
    "fixed": Format(FixedReader),
    "nibrs": Format(NibrsReader, nibrs_codes),
}
SQL: Final = "sql"
"""Databases are no files: see `adapters.sql`."""
