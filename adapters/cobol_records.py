"""A COBOL file cut into records: of one length, behind their lengths (RDW), or lines.

A length that can't be leaves no way to find the next record: what follows is set aside whole, up to
the block's end where the file has blocks, else to the file's. Sources: IBM z/OS DFSMS, "Using Data
Sets", record and block descriptor words.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from adapters import textfile
from gateway.errors import Misconfigured

_WORD: Final = 4
_KEPT: Final = 2**16
_BATCH: Final = 2**18
_SAMPLE: Final = 2**20
_EXTENDED: Final = 0x80
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
                yield Frame(block[whole:], ("cobol.truncated", text))


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
    """A part of a file, read in order: the whole of it, or one block."""

    def __init__(self, file: BinaryIO, left: int | None = None) -> None:
        self._file = file
        self._left = left

    def take(self, size: int) -> bytes:
        """Give so many bytes, fewer at the end."""
        if self._left is not None:
            size = min(size, self._left)
        data = self._file.read(size)
        if self._left is not None:
            self._left -= len(data)
        return data

    def rest(self, first: bytes, code: str, text: str) -> Frame:
        """Pass over all that is left; keep the beginning of it."""
        kept, passed = first, len(first)
        while more := self.take(_BATCH):
            passed += len(more)
            kept += more[: max(0, _KEPT - len(kept))]
        return Frame(kept, (code, f"{text}; {passed} bytes from here can't be cut into records"))


def _described(path: Path, framing: Framing) -> Iterator[Frame]:
    with textfile.open_file(path) as file:
        if not framing.blocked:
            yield from _words(_Window(file), framing)
            return
        whole = _Window(file)
        while word := whole.take(_WORD):
            length = _block_length(word, framing)
            if length is None or length <= _WORD:
                yield whole.rest(word, "cobol.bdw", "a block's length can't be")
                return
            yield from _words(_Window(file, length - _WORD), framing)


def _words(window: _Window, framing: Framing) -> Iterator[Frame]:
    while word := window.take(_WORD):
        length = _record_length(word, framing)
        if length is None:
            yield window.rest(word, "cobol.rdw", "a record's length can't be")
            return
        data = window.take(length)
        if len(data) < length:
            text = f"the file ends after {len(data)} bytes of a record of {length}"
            yield Frame(word + data, ("cobol.truncated", text))
            return
        yield Frame(data)


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
