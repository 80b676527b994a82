"""The formats: one file each, and one line here."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from adapters.delimited import DelimitedReader
from adapters.fixed import FixedReader
from adapters.nibrs import NibrsReader
from adapters.rows import Reader

Make = Callable[[Path, Mapping[str, Any]], Reader]


FORMATS: Final[Mapping[str, Make]] = {
    "csv": DelimitedReader,
    "fixed": FixedReader,
    "nibrs": NibrsReader,
}
SQL: Final = "sql"
"""Databases are no files: see `adapters.sql`."""
