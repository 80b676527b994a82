"""COBOL pictures: what characters an item holds, and how many."""

import re
from dataclasses import dataclass
from typing import Final

MOST_DIGITS: Final = 38
"""COBOL allows 18; extended arithmetic 31; some compilers 38."""
_LONGEST: Final = 2**24
_PART: Final = re.compile(r"(CR|DB|[A-Z0-9+\-*/.,$])(?:\((\d{1,9})\))?", re.ASCII)
_TEXT: Final = frozenset("XA")
_NUMBER: Final = frozenset("S9VP")
_PLACELESS: Final = frozenset("SVP")
_EDITED: Final = frozenset("9ZBEVP0+-*/.,$") | {"CR", "DB"}


class PictureError(ValueError):
    """A picture can't be read. Its text says why."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture.

    `kind` is text (X, A, and numbers edited to be read by people), national (N) or number. `size`
    counts characters. A number has `digits`, the last `scale` of them behind the point; a scale
    below zero stands for zeros that are not stored.
    """

    kind: str
    size: int
    digits: int = 0
    scale: int = 0
    signed: bool = False


def picture(written: str) -> Picture:
    """Read a picture such as S9(7)V99. Raises PictureError."""
    parts = _parts(written.upper())
    letters = frozenset(letter for letter, _ in parts)
    if letters <= _NUMBER and "9" in letters:
        return _number(parts, written)
    if letters == {"N"}:
        return Picture("national", _sum(parts))
    if "G" in letters or "N" in letters:
        raise PictureError(f"PIC {written[:40]}: double-byte text is read as PIC N alone")
    if letters & _TEXT and letters <= _TEXT | frozenset("9B0/"):
        return Picture("text", _sum(parts))
    if letters <= _EDITED:
        size = sum(n * len(x) for x, n in parts if x not in _PLACELESS)
        return Picture("text", _limited(size))
    raise PictureError(f"PIC {written[:40]}: this is no picture")


def _parts(written: str) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    at = 0
    while at < len(written):
        match = _PART.match(written, at)
        if match is None:
            raise PictureError(f"PIC {written[:40]}: this is no picture")
        times = 1 if match[2] is None else int(match[2])
        if times == 0:
            raise PictureError(f"PIC {written[:40]}: nothing can stand zero times")
        found.append((match[1], times))
        at = match.end()
    if not found:
        raise PictureError("a picture is missing")
    return found


def _sum(parts: list[tuple[str, int]]) -> int:
    return _limited(sum(n for _, n in parts))


def _limited(size: int) -> int:
    if not 0 < size <= _LONGEST:
        raise PictureError("a picture of that length can't be")
    return size


def _number(parts: list[tuple[str, int]], written: str) -> Picture:
    text = "".join(letter * min(n, MOST_DIGITS + 1) for letter, n in parts)
    signed = text.startswith("S")
    body = text[signed:]
    digits = body.count("9")
    if not re.fullmatch(r"P*9+P*|P*V?9+|9*V9*|9+P*V?|VP*9+", body):
        raise PictureError(f"PIC {written[:40]}: this is no picture of a number")
    if digits > MOST_DIGITS or body.count("P") > MOST_DIGITS:
        raise PictureError(f"PIC {written[:40]}: more than {MOST_DIGITS} digits")
    if "P" not in body:
        scale = len(body) - body.index("V") - 1 if "V" in body else 0
    elif body.lstrip("V").startswith("P"):
        scale = body.count("P") + digits
    else:
        scale = -body.count("P")
    return Picture("number", digits, digits, scale, signed)
