"""Writes COBOL data as a mainframe would."""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from adapters.cobol import CobolReader
from adapters.rows import BadRow, Row

EBCDIC = "cp037"


def text(written: str, size: int, encoding: str = EBCDIC) -> bytes:
    """PIC X: blanks behind."""
    return written.ljust(size).encode(encoding)


def zoned(value: int, digits: int, *, signed: bool = False) -> bytes:
    """PIC 9 or S9, in EBCDIC: the sign stands over the last digit."""
    found = bytearray(str(abs(value)).zfill(digits).encode(EBCDIC))
    if signed:
        found[-1] = (0xD0 if value < 0 else 0xC0) | (found[-1] & 0x0F)
    return bytes(found)


def packed(value: int | Decimal, digits: int, *, signed: bool = False) -> bytes:
    """COMP-3: two digits a byte, the sign in the last half."""
    sign = "d" if value < 0 else "c" if signed else "f"
    nibbles = f"{abs(int(value)):0{digits}d}{sign}"
    return bytes.fromhex(nibbles.rjust(len(nibbles) + len(nibbles) % 2, "0"))


def described(records: Iterable[bytes], order: str = "big", extra: int = 4) -> bytes:
    """Put its length before each record (RDW)."""
    return b"".join((len(r) + extra).to_bytes(2, order) + b"\0\0" + r for r in records)  # type: ignore[arg-type]  # "big" or "little"


def copybook(*lines: str) -> str:
    """Write a copybook in fixed format."""
    return "".join(f"       {line}\n" for line in lines)


def reader(folder: Path, book: str, data: bytes, **spec: Any) -> CobolReader:
    """Make a reader of some bytes."""
    (folder / "book.cpy").write_text(book, encoding="ascii")
    (folder / "data").write_bytes(data)
    return CobolReader(folder / "data", {"copybook": str(folder / "book.cpy"), **spec})


def rows(folder: Path, book: str, data: bytes, **spec: Any) -> list[Row | BadRow]:
    """Read some bytes."""
    return list(reader(folder, book, data, **spec).rows())


def seen(found: Iterable[Row | BadRow]) -> list[object]:
    """Give the values of rows, and number, code and column of those set aside."""
    return [r.values if isinstance(r, Row) else (r.line, r.code, r.column) for r in found]
