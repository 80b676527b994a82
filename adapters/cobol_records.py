"""A COBOL file cut into records: of one length, behind their lengths (RDW), or lines.

After a length that can't be, the next record is where several lengths in a row lead from one to the
other, or to the end. What stands before it is set aside, with its place in the file. Sources: IBM
z/OS DFSMS, "Using Data Sets", record and block descriptor words.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from adapters import textfile
from gateway.errors import Misconfigured

_WORD: Final = 4
_KEPT: Final = 2**16
_BATCH: Final = 2**18
_SAMPLE: Final = 2**20
_EXTENDED: Final = 0x80
_IN_A_ROW: Final = 2
"""Lengths that must lead from one to the other for a place to be a record's beginning."""
_MOST_BLOCK: Final = 2**18
_NOUGHTS: Final = re.compile(rb"\0{2,}")
_LOOKED_AT: Final = 2**12
"""Bytes that are looked at first, for the next record: it is mostly near. Then ever more."""
LONGEST: Final = 2**16


@dataclass(frozen=True, slots=True)
class Framing:
    """How records follow one another. `counts_itself`: the length counts its own four bytes."""

    kind: str
    length: int
    little: bool = False
    counts_itself: bool = True
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """The bytes of one record. `wrong` says why they are none: a code and a text."""

    data: bytes
    wrong: tuple[str, str] | None = None
    where: str | None = None
    """Which bytes of the file were passed over, where a length is wrong."""
    rest: bool = False
    """Whether no record was found behind it."""
    begins: int | None = 0
    """Where a record begins in it that is wrong; None: nobody can say."""


def frames(path: Path, framing: Framing) -> Iterator[Frame]:
    """Give a file's records in order. Every byte but lengths and line ends is in one of them."""
    if framing.kind == "lines":
        return _lines(path, framing.length)
    return _fixed(path, framing.length) if framing.kind == "fixed" else _described(path, framing)


def hint(path: Path, framing: Framing) -> int | None:
    """Say about how many records there are."""
    if framing.kind == "lines":
        return textfile.line_count(path)
    try:
        size = path.stat().st_size
    except OSError:
        return None
    if framing.kind == "fixed":
        return -(-size // framing.length)
    seen = bytes_seen = 0
    try:
        for frame in _described(path, framing):
            seen += 1
            bytes_seen += len(frame.data) + _WORD
            if bytes_seen > _SAMPLE:
                return size * seen // bytes_seen
    except Misconfigured:
        return None
    return seen


def _fixed(path: Path, length: int) -> Iterator[Frame]:
    with textfile.open_file(path) as file:
        step = max(1, _BATCH // length) * length
        while block := file.read(step):
            whole = len(block) - len(block) % length
            for at in range(0, whole, length):
                yield Frame(block[at : at + length])
            if whole < len(block):
                text = f"the file ends after {len(block) - whole} bytes of a record of {length}"
                yield Frame(block[whole:], ("cobol.truncated", text), rest=True)


def _lines(path: Path, length: int) -> Iterator[Frame]:
    for line in textfile.lines(path):
        if not line.data:
            continue
        if not line.whole or len(line.data) > length:
            text = f"the line is longer than the {length} characters of the layout"
            yield Frame(line.data, ("row.width", text))
        else:
            yield Frame(line.data.ljust(length))


class _Window:
    """A part of a file, read in order: the whole of it, or one block up to `end`."""

    def __init__(self, file: BinaryIO, at: int, end: int) -> None:
        self.file = file
        self.at = at
        self.end = end

    def take(self, size: int) -> bytes:
        """Give so many bytes, fewer at the end."""
        data = self.file.read(min(size, self.end - self.at))
        self.at += len(data)
        return data

    def go(self, place: int) -> None:
        """Go to a place in the file."""
        self.file.seek(place)
        self.at = place


_Holds = Callable[[bytes, int, bool], bool]
"""Whether a record, or block, begins at a place in these bytes; whether they go to the end."""


def _described(path: Path, framing: Framing) -> Iterator[Frame]:
    with textfile.open_file(path) as file:
        whole = _Window(file, 0, os.fstat(file.fileno()).st_size)
        if not framing.blocked:
            yield from _words(whole, framing)
            return
        while word := whole.take(_WORD):
            length = _block_length(word, framing)
            # A block that says more than is left is read as far as it goes.
            if length is None or length <= _WORD:
                holds = partial(_is_block, framing)
                why = ("cobol.bdw", "a block's length can't be")
                yield _passed_over(whole, why, holds, _MOST_BLOCK)
                continue
            end = min(whole.end, whole.at + length - _WORD)
            yield from _words(_Window(file, whole.at, end), framing)
            whole.go(end)


def _words(window: _Window, framing: Framing) -> Iterator[Frame]:
    holds = partial(_are_records, framing)
    wrong = ("cobol.rdw", "a record's length can't be")
    while word := window.take(_WORD):
        length = _record_length(word, framing)
        if length is None or (length > framing.length and not _leads_on(window, length, framing)):
            ahead = _IN_A_ROW * (framing.length + _WORD) + _WORD
            yield _passed_over(window, wrong, holds, ahead, len(word))
            continue
        data = window.take(length)
        if len(data) < length:
            text = f"the file ends after {len(data)} bytes of a record of {length}"
            yield Frame(word + data, ("cobol.truncated", text), rest=True, begins=_WORD)
            return
        yield Frame(data)


def _leads_on(window: _Window, length: int, framing: Framing) -> bool:
    """Whether another record, or the end, stands behind one that is longer than the layout."""
    here = window.at
    if here + length >= window.end:
        return here + length == window.end
    window.go(here + length)
    found = _record_length(window.take(_WORD), framing)
    window.go(here)
    return found is not None


def _passed_over(
    window: _Window, wrong: tuple[str, str], holds: _Holds, ahead: int, before: int = _WORD
) -> Frame:
    """Go on where the next record begins. Give what stands before it: at most its beginning."""
    start = window.at - before
    place = _next_place(window, start, holds, ahead)
    end = window.end if place is None else place
    window.go(start)
    kept = window.take(min(end - start, _KEPT))
    window.go(end)
    text = f"{wrong[1]}: what stands before the next record, or the end, is set aside"
    where = f"bytes {start + 1} to {end} of the file"
    return Frame(kept, (wrong[0], text), where, rest=place is None, begins=None)


def _next_place(window: _Window, start: int, holds: _Holds, ahead: int) -> int | None:
    """Find where the next record begins, or block; None if nowhere. `ahead`: what that takes."""
    at, size = start + 1, _LOOKED_AT
    while at < window.end:
        window.go(at)
        data = window.take(size + ahead)
        to_end = window.at >= window.end
        last = len(data) if to_end else size
        # Two bytes of every length word are zeros, and the others are not: it begins or ends a run.
        for run in _NOUGHTS.finditer(data):
            first, end = run.span()
            for place in (first - 2, first - 1, end - 3, end - 2):
                if 0 <= place < last and holds(data, place, to_end):
                    return at + place
        if to_end:
            return None
        at, size = at + size, min(2 * size, _BATCH)
    return None


def _are_records(framing: Framing, data: bytes, at: int, to_end: bool) -> bool:  # noqa: FBT001 - one of two, called alike
    for _ in range(_IN_A_ROW):
        length = _record_length(data[at : at + _WORD], framing)
        if length is None or length > framing.length:
            return False
        at += _WORD + length
        if at >= len(data):
            return to_end and at == len(data)
    return True


def _is_block(framing: Framing, data: bytes, at: int, to_end: bool) -> bool:  # noqa: FBT001 - one of two, called alike
    """Whether a block begins here: its records must fill it."""
    size = _block_length(data[at : at + _WORD], framing)
    if size is None or size <= _WORD or at + size > len(data):
        return False
    end = at + size
    at += _WORD
    while at < end:
        length = _record_length(data[at : min(end, at + _WORD)], framing)
        if length is None or length > framing.length:
            return False
        at += _WORD + length
    return at == end and (to_end or end < len(data))


def _record_length(word: bytes, framing: Framing) -> int | None:
    """Give the length behind a descriptor word, or None if it can't be one.

    The lowest byte first, the length stands in one half and zeros in the other: both are in use.
    """
    if len(word) < _WORD:
        return None
    if not framing.little:
        length, reserved = int.from_bytes(word[:2], "big"), word[2:]
    elif word[2:] == b"\0\0":
        length, reserved = int.from_bytes(word[:2], "little"), word[2:]
    else:
        length, reserved = int.from_bytes(word[2:], "little"), word[:2]
    if framing.counts_itself:
        length -= _WORD
    return length if length > 0 and reserved == b"\0\0" else None


def _block_length(word: bytes, framing: Framing) -> int | None:
    if len(word) < _WORD:
        return None
    if framing.little:
        return int.from_bytes(word[:2], "little") if word[2:] == b"\0\0" else None
    if word[0] & _EXTENDED:
        return int.from_bytes(word, "big") & 0x7FFFFFFF
    return int.from_bytes(word[:2], "big") if word[2:] == b"\0\0" else None
