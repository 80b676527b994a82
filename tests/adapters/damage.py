"""Damages rows as disks, transfers, editors and enemies do."""

from collections.abc import Callable
from random import Random

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
