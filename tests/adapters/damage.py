"""Damages rows as disks, transfers, editors and enemies do."""

import re
from collections.abc import Callable
from random import Random
from xml.sax.saxutils import escape

JUNK = (
    *(b"", b"\0", b"\xff", b"\n", b"\r\n", b'"', b'""', b",", b";", b"\t", b" " * 50, b"\x1a"),
    *(b"\x40" * 8, b"\xef\xbb\xbf", b"&amp;", b"<!--", b"%s", b"{ID}", b"9" * 40, b"-", b"\xc3"),
)


def flip(row: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(row))
    return row[:at] + bytes([row[at] ^ (1 << chance.randrange(8))]) + row[at + 1 :]


def junk(row: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(row) + 1)
    return row[:at] + chance.choice(JUNK) + row[at + chance.randrange(4) :]


def noise(row: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(row))
    size = chance.randrange(12)
    return row[:at] + chance.randbytes(size) + row[at + size :]


def cut(row: bytes, chance: Random) -> bytes:
    return row[: chance.randrange(len(row) + 1)]


def lose(row: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(row))
    return row[:at] + row[at + chance.randrange(1, 9) :]


def double(row: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(row))
    return row + row[at:]


def swap(row: bytes, chance: Random) -> bytes:
    at = chance.randrange(len(row))
    return row[at:] + row[:at]


KINDS: tuple[Callable[[bytes, Random], bytes], ...] = (flip, junk, noise, cut, lose, double, swap)


def damaged(row: bytes, chance: Random) -> bytes:
    """Damage a row in one to three ways."""
    for _ in range(chance.randint(1, 3)):
        if row:
            row = chance.choice(KINDS)(row, chance)
    return row


DATES = (
    *("1987-03-12", "12/31/1987", "3/12/87", "19870312", "31.12.1999", "12-MAR-1987", "1987-3-2"),
    *("00000000", "0000-00-00", "1987-02-30", "99991231", "10000-01-01", "-4713-11-24", "infinity"),
    *("1987-03-12T10:00:00+25:00", "1987-03-12 24:00:00", "2026-W09-1", "19870312T101010Z"),
    *("2958466", "-1", "60", "46082.5", "1e308"),
)
LONG = ("X" * 5_000, "9" * 400, " " * 300 + "x", "Ñ" * 900, "DOE, " * 200, "é́" * 200)
ODD = (
    *("", " ", "\t", "NULL", "#N/A", "=1+1", "_x0000_", "_xD800_", "{ID}", "\u202e", "\U0010ffff"),
    *("]]>", "&#0;", "'", "\ufeff"),
)


def odd(text: str, chance: Random) -> str:
    """Give another text than the one that stood there."""
    kind = chance.randrange(8)
    if kind < 4:
        return damaged(text.encode(), chance).decode("latin-1" if kind else "utf-8", "replace")
    return chance.choice((DATES, DATES, LONG, ODD)[kind - 4])


def in_xml(text: str) -> str:
    """Write a text into XML, without the characters that XML can't hold."""
    return escape(re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text))
