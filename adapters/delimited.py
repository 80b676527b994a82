"""CSV and its kin. Encoding, delimiter and quote are stated in the mapping, or found out and told.

What can't be found out for sure is never guessed: then the mapping must state it.

A quote that is never closed would swallow the rest of a file. So a row may span `MAX_SPAN` lines;
if its end is not found by then, its first line alone is set aside and reading goes on at the next.
"""

import codecs
import csv
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from adapters import detect, textfile
from adapters.detect import DETECT, Confidence
from adapters.rows import BadRow, Columns, Row
from adapters.textfile import Line
from gateway.errors import Misconfigured

MAX_SPAN: Final = 100
MAX_FIELDS: Final = 2_000


class _NoEnd(Exception):
    """A quoted field does not end."""


class DelimitedReader:
    """Reads one delimited file."""

    def __init__(self, path: Path, spec: Mapping[str, Any]) -> None:
        self._path = path
        self._spec = spec
        self._named: list[str] | None = spec.get("columns")
        self._seen: tuple[int, int] | None = None
        self._found = ("", "", "")
        self._stated: tuple[str, ...] = ()
        self._encoding = self._delimiter = self._quote = ""
        self._fed = _Fed()
        self._parser: Iterator[list[str]] = iter(())

    def columns(self) -> Columns:
        """Name the columns: those of the mapping, or of the file's first line."""
        self._look()
        names = self._named if self._named is not None else self._header(self._lines())
        if doubled := {n for n in names if names.count(n) > 1}:
            raise Misconfigured(f"{self._path.name}: columns stand twice: {sorted(doubled)}")
        return Columns(frozenset(names))

    def as_of(self) -> datetime | None:
        """Give the file's time of change."""
        return textfile.modified(self._path)

    def total_hint(self) -> int | None:
        """Count lines."""
        return textfile.line_count(self._path)

    def stated(self) -> tuple[str, ...]:
        """Say what was found out about the file, as the mapping leaves it open."""
        self._look()
        return self._stated

    def rows(self) -> Iterator[Row | BadRow]:
        """Give the rows. Lines with nothing in them are no rows."""
        self._look()
        source = self._lines()
        names = self._named if self._named is not None else self._header(source)
        while (line := source.take()) is not None:
            if line.data.strip():
                yield self._row(line, source, names)

    def _look(self) -> None:
        """Find out what the mapping leaves open, anew if the file has changed."""
        self._find_out()
        self._parser = self._csv(self._fed)

    def _csv(self, lines: Iterable[str]) -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=self._delimiter, quotechar=self._quote, strict=True)

    def _find_out(self) -> None:
        left = {k for k in ("encoding", "delimiter") if self._spec.get(k, DETECT) == DETECT}
        self._encoding = self._spec.get("encoding", "")
        self._delimiter = self._spec.get("delimiter", "")
        self._quote = self._spec.get("quote", '"')
        if not left:
            return
        with textfile.open_file(self._path):
            found = self._path.stat()
        if self._seen != (found.st_size, found.st_mtime_ns):
            self._found = self._detect(left)
            self._seen = (found.st_size, found.st_mtime_ns)
        self._encoding, self._delimiter, self._quote = self._found

    def _detect(self, left: set[str]) -> tuple[str, str, str]:
        encoding, delimiter, quote = self._encoding, self._delimiter, self._quote
        said: list[str] = []
        if "encoding" in left:
            encoding, sure, why = detect.detect_encoding(self._path)
            self._refuse("encoding", encoding, sure, why)
            said.append(f"encoding {encoding} ({sure})")
        if "delimiter" in left:
            width = None if self._named is None else len(self._named)
            found, mark, sure, why = detect.detect_delimiter(self._path, encoding, width)
            self._refuse("delimiter", detect.named(found), sure, why)
            delimiter = found
            said.append(f"delimiter {detect.named(found)} ({sure})")
            if self._spec.get("quote", DETECT) == DETECT:
                quote = mark
                said.append(f"quote {quote}")
        self._stated = (f"{self._path.name}: {', '.join(said)}",)
        return encoding, delimiter, '"' if quote == DETECT else quote

    def _refuse(self, what: str, found: str, sure: Confidence, why: list[str]) -> None:
        if sure == Confidence.DOUBTFUL:
            text = f"its {what} can't be told for sure: perhaps {found}. {' '.join(why)}"
            raise Misconfigured(f"{self._path.name}: {text}")

    def _lines(self) -> "_Lines":
        return _Lines(self._path, self._encoding)

    def _header(self, source: "_Lines") -> list[str]:
        line = source.take()
        while line is not None and not line.data.strip():
            line = source.take()
        if line is None:
            raise Misconfigured(f"{self._path.name}: the file is empty; it has no header line")
        found = self._read(line, source)
        if isinstance(found, BadRow):
            raise Misconfigured(
                f"{self._path.name}:{line.number}: the header can't be read: {found.text}"
            )
        names = [n.strip() for n in found[0]]
        if len(names) > MAX_FIELDS or not all(names):
            raise Misconfigured(f"{self._path.name}:{line.number}: the header has unnamed columns")
        return names

    def _row(self, line: Line, source: "_Lines", names: list[str]) -> Row | BadRow:
        found = self._read(line, source)
        if isinstance(found, BadRow):
            return found
        fields, raw = found
        if len(fields) != len(names):
            text = f"the row has {len(fields)} columns, not {len(names)}"
            return BadRow(line.number, raw, "row.columns", text)
        return Row(line.number, raw, dict(zip(names, map(str.strip, fields), strict=True)))

    def _read(self, line: Line, source: "_Lines") -> tuple[list[str], str] | BadRow:
        """Read one row that begins at `line`: its fields, and its text as it stands."""
        if not line.whole:
            return self._bad(line, "row.too_long", f"the line is over {textfile.MAX_LINE} bytes")
        try:
            text = textfile.decode(line.data, self._encoding)
        except UnicodeDecodeError as error:
            return self._undecodable(line, error)
        if self._quote not in text:
            return text.split(self._delimiter), text
        fields = self._of_one_line(text)
        return self._of_lines(line, source) if fields is None else (fields, text)

    def _of_lines(self, line: Line, source: "_Lines") -> tuple[list[str], str] | BadRow:
        """Read a row that may go on in the lines behind."""
        taken: list[Line] = []
        parts: list[str] = []

        def feed() -> Iterator[str]:
            one: Line | None = line
            while one is not None:
                if one is not line:
                    taken.append(one)
                if len(taken) >= MAX_SPAN or not one.whole:
                    break
                parts.append(textfile.decode(one.data, self._encoding))
                yield parts[-1] + "\n"
                one = source.take()
            raise _NoEnd

        try:
            fields = next(self._csv(feed()))
        except UnicodeDecodeError as error:
            source.give_back(taken)
            return self._undecodable(line, error)
        except (csv.Error, _NoEnd):
            source.give_back(taken)
            return self._bad(line, "row.quotes", "a quote is not closed, or stands where none may")
        return [f.removesuffix("\n") for f in fields], "\n".join(parts)

    def _undecodable(self, line: Line, error: UnicodeDecodeError) -> BadRow:
        return self._bad(line, "row.encoding", textfile.undecodable(error, self._encoding))

    def _of_one_line(self, text: str) -> list[str] | None:
        """Give the fields of a row that ends with its line; None if it does not, or is wrong."""
        self._fed.text = text
        try:
            return next(self._parser)
        except csv.Error:
            return None

    def _bad(self, line: Line, code: str, text: str) -> BadRow:
        return BadRow(line.number, textfile.shown(line.data, self._encoding), code, text)


class _Fed:
    """One line after the other for one parser, so that none has to be made for each."""

    text: str | None = None

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        text, self.text = self.text, None
        if text is None:
            raise StopIteration
        return text


class _Lines:
    """A file's lines, some of which can be given back."""

    def __init__(self, path: Path, encoding: str) -> None:
        self._lines = textfile.lines(path, encoding)
        self._marked = encoding == "utf-8" or encoding in textfile.WIDE
        self._back: deque[Line] = deque()

    def take(self) -> Line | None:
        """Give the next line, or None at the end."""
        line = self._back.popleft() if self._back else next(self._lines, None)
        if line is not None and line.number == 1 and self._marked:
            return line._replace(data=line.data.removeprefix(codecs.BOM_UTF8))
        return line

    def give_back(self, taken: list[Line]) -> None:
        """Put lines back, to be taken again in the same order."""
        self._back.extendleft(reversed(taken))
