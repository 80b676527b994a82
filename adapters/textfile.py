"""Lines of text files of any size and any content, in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from gateway.errors import Misconfigured

MAX_LINE: Final = 2**20
"""Bytes of one line. What is longer is not a row of any of these formats."""
_KEPT: Final = 2**16
"""Bytes of an over-long line that are kept with the row that is set aside."""
_BLOCK: Final = 2**16
_COUNTED: Final = 2**23

ENCODINGS: Final = (
    *("utf-8", "ascii", "windows-1252", "iso-8859-1", "iso-8859-15", "cp437", "cp850"),
    *("cp037", "cp1140"),
)
"""All of them write a line's end as one byte of its own."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line without its end. `whole` is false if it was too long: then it is a part of it."""

    number: int
    data: bytes
    whole: bool = True


def open_file(path: Path) -> BinaryIO:
    """Open a source file. Raises Misconfigured if it is not there, or is no plain file."""
    if not path.is_file():
        raise Misconfigured(f"{path.name}: there is no such file in {path.parent.name}/")
    try:
        return path.open("rb")
    except OSError as error:
        raise Misconfigured(f"{path.name}: the file can't be read") from error


def lines(path: Path) -> Iterator[Line]:
    """Give a file's lines. A line ends with LF, CR LF, or the file."""
    with open_file(path) as file:
        number = 0
        while data := file.readline(MAX_LINE):
            number += 1
            if data.endswith(b"\n") or len(data) < MAX_LINE:
                yield Line(number, data.rstrip(b"\r\n"))
                continue
            while (more := file.readline(_BLOCK)) and not more.endswith(b"\n"):
                pass
            yield Line(number, data[:_KEPT], whole=False)


def shown(data: bytes, encoding: str) -> str:
    """Write bytes as text to be kept with a row that is set aside; wrong bytes as their numbers."""
    return data.decode(encoding, errors="backslashreplace")


def modified(*paths: Path) -> datetime | None:
    """Give the oldest of the files' times of change."""
    try:
        return datetime.fromtimestamp(min(p.stat().st_mtime for p in paths), UTC)
    except (OSError, ValueError):
        return None


def line_count(path: Path) -> int | None:
    """Estimate the number of lines from the file's size and its first megabytes."""
    try:
        with path.open("rb") as file:
            first = file.read(_COUNTED)
        size = path.stat().st_size
    except OSError:
        return None
    found = first.count(b"\n")
    return found if size <= len(first) else found * size // max(1, len(first))
