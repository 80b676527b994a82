"""Lines of text files of any size and any content, in bounded memory."""

import codecs
import io
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from gateway.errors import Misconfigured, SourceMissing

MAX_LINE: Final = 2**20
"""Bytes of one line. What is longer is not a row of any of these formats."""
_KEPT: Final = 2**16
"""Bytes of an over-long line that are kept with the row that is set aside."""
_BLOCK: Final = 2**16
_COUNTED: Final = 2**23
_WRONG: Final = re.compile("[\ud800-\udfff]")
NOTHING: Final = b" \t\r\n\v\f\x1a"
"""What a line with nothing in it consists of: blanks, and the mark that ends a file of DOS."""

ENCODINGS: Final = (
    *("utf-8", "ascii", "windows-1252", "iso-8859-1", "iso-8859-15", "cp437", "cp850"),
    *("cp037", "cp1140"),
)
"""All of them write a line's end as one byte of its own."""
LATIN: Final = frozenset({"iso-8859-1", "iso-8859-15"})
_CONTROLS: Final = re.compile(rb"[\x80-\x9f]")
_CONTROL_SIGNS: Final = re.compile("[\x80-\x9f]")
_MARKED: Final = {code: 0xDC00 + code for code in range(0x80, 0xA0)}
"""Those control characters as other wrong bytes are marked."""
PERHAPS_1252: Final = (
    "It is a letter or sign of windows-1252: where that is the file's encoding, say "
    "`encoding: windows-1252`"
)
WIDE: Final = ("utf-16-le", "utf-16-be")
"""Read as if the file were UTF-8: what is no UTF-16 becomes bytes that are no UTF-8."""


class Line(NamedTuple):
    """One line without its end. `whole` is false if it was too long: then it is a part of it."""

    number: int
    data: bytes
    whole: bool = True


def require(path: Path) -> None:
    """Raise SourceMissing if a source file is not there, or is no plain file."""
    if not path.is_file():
        what = "there is no such file"
        if path.exists():
            what = f"{'a folder' if path.is_dir() else 'no plain file'} stands under that name"
        elif path.is_symlink():
            what = "the link leads to nothing"
        raise SourceMissing(
            f"{path.name}: {what} in {path.parent.name}/. Does the export still run, and write "
            "there? Else mend the mapping's path"
        )


def open_file(path: Path) -> BinaryIO:
    """Open a source file. Raises SourceMissing, or Misconfigured if it can't be read."""
    require(path)
    try:
        return path.open("rb")
    except OSError as error:
        raise Misconfigured(f"{path.name}: the file can't be read") from error


class _Changed(io.RawIOBase):
    """A file whose bytes are read as others. `_more` gives the next of them; none at the end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._rest = b""

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill a buffer; 0 at the end."""
        view = memoryview(buffer)
        self._rest = self._rest or self._more()
        taken = self._rest[: len(view)]
        view[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)

    def close(self) -> None:
        """Close the file beneath."""
        self._file.close()
        super().close()

    def _more(self) -> bytes:
        raise NotImplementedError


class _Narrow(_Changed):
    """A UTF-16 file as UTF-8. A lone half of a pair, or an odd last byte, stays undecodable."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        super().__init__(file)
        self._decode = codecs.getincrementaldecoder(encoding)("surrogatepass").decode
        self._size = 0

    def _more(self) -> bytes:
        while block := self._file.read(_BLOCK):
            self._size += len(block)
            # A lone first half at a block's end waits for its second.
            if text := self._decode(block):
                return text.encode("utf-8", "surrogatepass")
        odd, self._size = self._size % 2, 0
        return b"\xff" if odd else b""


class _Carriage(_Changed):
    """A file whose lines end with CR as one whose lines end with LF. CR LF is one end, too."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self._after_cr = False

    def _more(self) -> bytes:
        while block := self._file.read(_BLOCK):
            # CR LF may be cut in two.
            whole = block.removeprefix(b"\n") if self._after_cr else block
            self._after_cr = block.endswith(b"\r")
            if whole:
                return whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return b""


def bytes_of(path: Path, encoding: str) -> BinaryIO:
    """Open a text file whose lines end with the byte LF, whatever its encoding."""
    file = open_file(path)
    if encoding not in WIDE:
        return file
    return io.BufferedReader(_Narrow(file, encoding))


def ends_with_cr(path: Path, encoding: str = "") -> bool:
    """Whether lines end with CR alone: no LF stands in what may be one line, and CR does."""
    with bytes_of(path, encoding) as file:
        first = file.readline(MAX_LINE)
    return not first.endswith(b"\n") and b"\r" in first


def _by_line(path: Path, encoding: str) -> BinaryIO:
    file = bytes_of(path, encoding)
    return io.BufferedReader(_Carriage(file)) if ends_with_cr(path, encoding) else file


def decode(data: bytes, encoding: str) -> str:
    """Decode a line of `lines`. Raises UnicodeDecodeError.

    So it does for 80 to 9F of the Latin encodings: nobody types those control characters, and
    where windows-1252 has its letters and signs, that is what the file is.
    """
    if encoding in LATIN and not data.isascii():
        wrong = _CONTROLS.search(data)
        if wrong is not None:
            raise UnicodeDecodeError(encoding, data, wrong.start(), wrong.end(), "a control")
    return data.decode("utf-8" if encoding in WIDE else encoding)


def lines(path: Path, encoding: str = "") -> Iterator[Line]:
    """Give a file's lines, to be read by `decode`. A line ends with LF, CR LF, or the file.

    With CR alone where no line ends otherwise.
    """
    with _by_line(path, encoding) as file:
        number = 0
        while data := file.readline(MAX_LINE):
            number += 1
            if data.endswith(b"\n") or len(data) < MAX_LINE:
                yield Line(number, data.rstrip(b"\r\n"))
                continue
            while (more := file.readline(_BLOCK)) and not more.endswith(b"\n"):
                pass
            yield Line(number, data[:_KEPT], whole=False)


def undecodable(error: UnicodeDecodeError, encoding: str) -> str:
    """Say why a line can't be decoded."""
    hint = f". {PERHAPS_1252}" if encoding in LATIN else ""
    return f"byte {error.start + 1} of the line is no {encoding}{hint}"


def has_controls(text: str) -> bool:
    """Whether control characters stand in a text that Latin encodings have at 80 to 9F."""
    return not text.isascii() and _CONTROL_SIGNS.search(text) is not None


def legible(data: bytes, encoding: str) -> str:
    """Decode a line of `lines`; each wrong byte becomes a sign that `is_legible` knows."""
    text = data.decode("utf-8" if encoding in WIDE else encoding, errors="surrogateescape")
    return text.translate(_MARKED) if encoding in LATIN else text


def is_legible(text: str) -> bool:
    """Whether no wrong byte stands in a text of `legible`."""
    return not _WRONG.search(text)


def is_cut_off(path: Path, encoding: str = "") -> bool:
    """Whether a file's last line has no end."""
    wide = encoding in WIDE
    with open_file(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - (2 if wide else 1)))
        last = file.read()
    ends = {end.encode(encoding) if wide else end.encode() for end in ("\n", "\r")}
    return size > 0 and last not in ends


def shown(data: bytes, encoding: str) -> str:
    """Write bytes as text to be kept with a row that is set aside; wrong bytes as their numbers."""
    name = "utf-8" if encoding in WIDE else encoding
    return data.decode(name, errors="backslashreplace")


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
    found = first.count(b"\n") or first.count(b"\r")
    return found if size <= len(first) else found * size // max(1, len(first))
