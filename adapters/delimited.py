"""CSV and its kin. Encoding, delimiter and quote are stated in the mapping, or found out and told.

What can't be found out for sure is never guessed: then the mapping must state it.

A quote that is never closed would swallow the rest of a file. So a row may span `MAX_SPAN` lines;
if its end is not found by then, its first line alone is set aside and reading goes on at the next.
Nor may a row swallow others: where lines of it could be rows by themselves, all are set aside.
"""

import codecs
import csv
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from adapters import detect, textfile
from adapters.detect import DETECT, Confidence
from adapters.followed import Followed, swallows
from adapters.norows import NoRows
from adapters.rows import BadRow, Columns, Row, Values
from adapters.textfile import Line
from gateway.errors import Misconfigured

MAX_SPAN: Final = 100
MAX_FIELDS: Final = 2_000
_NOT_CLOSED: Final = "a quote is not closed, or stands where none may"
_SWALLOWED: Final = (
    "a quote makes one row of several lines, which may be rows by themselves: nobody can say "
    "which it is"
)


class _NoEnd(Exception):
    """A quoted field does not end."""


class DelimitedReader:
    """Reads one delimited file."""

    def __init__(self, path: Path, spec: Mapping[str, Any]) -> None:
        self._path = path
        self._spec = spec
        self._named: list[str] | None = spec.get("columns")
        self._no_rows = NoRows(spec.get("no_rows", ()))
        self._seen: tuple[int, int] | None = None
        self._found = ("", "", "")
        self._stated: tuple[str, ...] = ()
        self._encoding = self._delimiter = self._quote = ""
        self._start = 1
        self._extra = 0
        """Blank fields at each row's end that no column has: a delimiter stands behind the last."""
        self._fed = _Fed()
        self._parser: Iterator[list[str]] = iter(())

    def columns(self) -> Columns:
        """Name the columns: those of the mapping, or of the file's first line."""
        self._look()
        names = self._named if self._named is not None else self._header(self._lines())[0]
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
        names = self._named if self._named is not None else self._header(source)[0]
        source.names = names
        source.skip_to(self._start)
        while (line := source.take()) is not None:
            if line.data.strip(textfile.NOTHING):
                yield self._row(line, source, names)

    def _look(self) -> None:
        """Find out what the mapping leaves open, anew if the file has changed."""
        self._find_out()
        self._parser = self._csv(self._fed)

    def _csv(self, lines: Iterable[str]) -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=self._delimiter, quotechar=self._quote, strict=True)

    def _find_out(self) -> None:
        left = {k for k in ("encoding", "delimiter") if self._spec.get(k, DETECT) == DETECT}
        with textfile.open_file(self._path):
            found = self._path.stat()
        if self._seen != (found.st_size, found.st_mtime_ns):
            self._found = self._detect(left)
            self._seen = (found.st_size, found.st_mtime_ns)
        self._encoding, self._delimiter, self._quote = self._found

    def _detect(self, left: set[str]) -> tuple[str, str, str]:
        encoding: str = self._spec.get("encoding", "")
        delimiter: str = self._spec.get("delimiter", "")
        quote: str = self._spec.get("quote", '"')
        said: list[str] = []
        if "encoding" in left:
            encoding, sure, why = detect.detect_encoding(self._path)
            self._refuse("encoding", encoding, sure, why)
            said.append(f"encoding {encoding} ({sure})")
        stated = detect.separator(self._path, encoding)
        if stated is not None and "header" not in self._spec:
            said.append(f"first line sep={detect.named(stated)}, passed over")
            if "delimiter" in left:
                delimiter = stated
            elif delimiter != stated:
                raise Misconfigured(
                    f"{self._path.name}: its first line says that {detect.named(stated)} parts "
                    f"the columns, and the mapping {detect.named(delimiter)}: take `delimiter` "
                    "out, or, if the mapping is right, say `header: 2`"
                )
        self._start = self._spec.get("header", 1 if stated is None else 2)
        quote = '"' if quote == DETECT else quote
        form = detect.Form(self._path, encoding, delimiter, quote)
        if "delimiter" in left and stated != delimiter:
            width = None if self._named is None else len(self._named)
            found, mark, sure, why = detect.detect_delimiter(
                self._path, encoding, width, self._start
            )
            self._refuse_titles(form._replace(delimiter=found), sure)
            self._refuse("delimiter", detect.named(found), sure, why)
            delimiter = found
            said.append(f"delimiter {detect.named(found)} ({sure})")
            if self._spec.get("quote", DETECT) == DETECT:
                quote = mark
                said.append(f"quote {quote}")
        form = form._replace(delimiter=delimiter, quote=quote)
        self._refuse_titles(form)
        if textfile.ends_with_cr(self._path, encoding):
            said.append("lines end with CR")
        self._extra = self._extra_of(form)
        if self._extra:
            said.append(f"{self._extra} blank at each row's end, under no name")
        self._stated = (f"{self._path.name}: {', '.join(said)}",) if said else ()
        return encoding, delimiter, quote

    def _refuse_titles(self, form: detect.Form, sure: Confidence | None = None) -> None:
        """Refuse a file whose first line is no header where its mapping does not say which is."""
        if self._named is not None or "header" in self._spec:
            return
        line = detect.find_header(form, self._start, sure=sure)
        if line is not None:
            raise Misconfigured(
                f"{self._path.name}: its first line seems to be a title and line {line} its "
                f"header: say `header: {line}` in the format, or `header: {self._start}` if the "
                "first line is the header all the same"
            )

    def _extra_of(self, form: detect.Form) -> int:
        """Say how many blank fields stand at each row's end under no name."""
        if self._named is not None:
            return 0
        _, self._encoding, self._delimiter, self._quote = form
        self._parser = self._csv(self._fed)
        self._extra = 0
        names, unnamed = self._header(self._lines())
        # Not where the header has none: an unquoted delimiter shifts a row by one as well.
        return detect.extra_fields(form, self._start, len(names), unnamed) if unnamed else 0

    def _refuse(self, what: str, found: str, sure: Confidence, why: list[str]) -> None:
        if sure == Confidence.DOUBTFUL:
            text = f"its {what} can't be told for sure: perhaps {found}. {' '.join(why)}"
            raise Misconfigured(f"{self._path.name}: {text}")

    def _lines(self) -> "_Lines":
        return _Lines(self._path, self._encoding)

    def _header(self, source: "_Lines") -> tuple[list[str], int]:
        """Give the columns' names, and how many delimiters stand behind them."""
        source.skip_to(self._start)
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
        names = [n.strip() for n in detect.named_of(found[0])]
        if not names or len(names) > MAX_FIELDS or not all(names):
            text = (
                "the header has unnamed columns. Where it is another line, say `header: LINE` in "
                "the format; where there is none, name the `columns`"
            )
            raise Misconfigured(f"{self._path.name}:{line.number}: {text}")
        return names, len(found[0]) - len(names)

    def _row(self, line: Line, source: "_Lines", names: list[str]) -> Row | BadRow:
        if "no_rows" in self._spec and line.whole:
            text = textfile.legible(line.data, self._encoding)
            if (none := self._no_rows.of(line.number, text)) is not None:
                return none
        found = self._read(line, source)
        if isinstance(found, BadRow):
            return found
        fields, raw = found
        if self._extra and len(fields) == len(names) + self._extra:
            if detect.named_of(fields[len(names) :]):
                text = "something stands behind the last column"
                return replace(self._bad(line, source, "row.columns", text, fields), raw=raw)
            del fields[len(names) :]
        elif self._extra or len(fields) != len(names):
            text = f"the row has {len(fields)} columns, not {len(names) + self._extra}"
            if not self._extra and len(fields) > len(names) and not detect.named_of(fields[-1:]):
                text += (
                    ". A delimiter behind the last column of each row counts as none only where "
                    "the header line ends with one too"
                )
            return replace(self._bad(line, source, "row.columns", text, fields), raw=raw)
        return Row(line.number, raw, dict(zip(names, map(str.strip, fields), strict=True)))

    def _read(self, line: Line, source: "_Lines") -> tuple[list[str], str] | BadRow:
        """Read one row that begins at `line`: its fields, and its text as it stands."""
        if not line.whole:
            if line.number in source.doubtful:
                return self._bad(line, source, "row.quotes", _SWALLOWED)
            why = f"the line is over {textfile.MAX_LINE} bytes"
            return self._bad(line, source, "row.too_long", why)
        try:
            text = textfile.decode(line.data, self._encoding)
        except UnicodeDecodeError as error:
            return self._undecodable(line, source, error)
        if self._quote not in text:
            return text.split(self._delimiter), text
        fields = self._of_one_line(text)
        return self._of_lines(line, source) if fields is None else (fields, text)

    def _of_lines(self, line: Line, source: "_Lines") -> tuple[list[str], str] | BadRow:
        """Read a row that may go on in the lines behind."""
        text = textfile.decode(line.data, self._encoding)
        found = self._followed(text, source)
        if found is None:
            return self._bad(line, source, "row.quotes", _NOT_CLOSED)
        least = max(1, len(source.names) - 1)
        if found.wrong or (source.names and swallows(found, self._loose, self._delimiter, least)):
            source.give_back(found.taken, doubtful=True)
            return self._bad(line, source, "row.quotes", _SWALLOWED)
        return [f.removesuffix("\n") for f in found.fields], "\n".join(found.parts)

    def _followed(self, begins: str, source: "_Lines") -> Followed | None:
        """Follow a row into the lines behind. None, and none taken, where its quotes are wrong."""
        found = Followed([begins])

        def feed() -> Iterator[str]:
            yield begins + "\n"
            while (one := source.take()) is not None:
                found.taken.append(one)
                if len(found.taken) >= MAX_SPAN or not one.whole:
                    break
                try:
                    text = textfile.decode(one.data, self._encoding)
                except UnicodeDecodeError:
                    text, found.wrong = textfile.legible(one.data, self._encoding), True
                found.parts.append(text)
                yield text + "\n"
            raise _NoEnd

        try:
            found.fields = next(self._csv(feed()))
        except (csv.Error, _NoEnd):
            source.give_back(found.taken)
            return None
        return found

    def _undecodable(self, line: Line, source: "_Lines", error: UnicodeDecodeError) -> BadRow:
        """Set a row with wrong bytes aside; give its other columns where none is too many."""
        why = textfile.undecodable(error, self._encoding)
        text = textfile.legible(line.data, self._encoding)
        fields = self._of_one_line(text) if self._quote in text else text.split(self._delimiter)
        if text.count(self._quote) % 2:
            # What a wrong byte stands before, or within, may go on in the lines behind.
            behind = self._quote + text.rpartition(self._quote)[2]
            if (found := self._followed(behind, source)) is not None:
                source.give_back(found.taken, doubtful=True)
        if fields is not None:
            fields = self._without_extra(fields)
        if fields is None or len(fields) != len(source.names):
            return self._bad(line, source, "row.encoding", why, fields)
        values = dict(zip(source.names, map(str.strip, fields), strict=True))
        unread = [name for name, value in values.items() if not textfile.is_legible(value)]
        raw = textfile.shown(line.data, self._encoding)
        row = Row(line.number, raw, values | dict.fromkeys(unread, ""))
        first = next(iter(unread))
        return BadRow(
            *(line.number, raw, "row.encoding", why, first),
            row=row,
            unread=frozenset(unread),
        )

    def _of_one_line(self, text: str) -> list[str] | None:
        """Give the fields of a row that ends with its line; None if it does not, or is wrong."""
        self._fed.text = text
        try:
            return next(self._parser)
        except csv.Error:
            return None

    def _bad(
        self,
        line: Line,
        source: "_Lines",
        code: str,
        text: str,
        fields: Sequence[str] | None = None,
    ) -> BadRow:
        """Set a line aside. `fields` are those of the row, where it is known which there are."""
        raw = textfile.shown(line.data, self._encoding)
        legible = textfile.legible(line.data, self._encoding)
        plain = legible.split(self._delimiter)
        # A last line without its end that has too few columns is what an export left that broke
        # off: what stood behind it is not there.
        few = len(plain if fields is None else fields) < len(source.names) + self._extra
        opened = code == "row.quotes" and line.whole and legible.count(self._quote) % 2
        rest = bool(few or opened) and source.is_cut_off()
        # By quotes as they should be, and as if there were none: from either end of the row.
        ways = [self._loose(legible) if fields is None else fields, plain]
        whole = line.whole or line.number in source.doubtful
        placed: list[Values] = []
        for way in ways:
            for one in self._placed(way, source.names, cut=rest or not whole):
                if one not in placed:
                    placed.append(one)
        return BadRow(line.number, raw, code, text, rest=rest, placed=tuple(placed))

    def _without_extra(self, fields: list[str]) -> list[str]:
        """Leave out the blank fields at a row's end that no column has."""
        behind = fields[-self._extra :] if self._extra else []
        return fields[: -self._extra] if behind and not detect.named_of(behind) else fields

    def _loose(self, text: str) -> Sequence[str]:
        """Give the fields of a line whose quotes are wrong, as far as quotes can be followed."""
        found = csv.reader([text], delimiter=self._delimiter, quotechar=self._quote)
        try:
            return next(found, [])
        except csv.Error:
            return []

    def _placed(
        self, fields: Sequence[str], names: Sequence[str], *, cut: bool
    ) -> Iterator[Values]:
        """Say what columns may be, counted from the row's beginning and from its end.

        A row that was `cut` has no end, and what stands last in it is not whole.
        """
        found = [f.strip().strip(self._quote).strip() for f in fields]
        found = found if cut else self._without_extra(found)
        sides = [(names, found[:-1] if cut else found)]
        if not cut:
            sides.append((names[::-1], found[::-1]))
        for own, values in sides:
            paired = zip(own, values, strict=False)
            yield {name: value for name, value in paired if textfile.is_legible(value)}


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
        self._path = path
        self._encoding = encoding
        self.names: Sequence[str] = ()
        """The columns, once it is known which there are."""
        self.doubtful: set[int] = set()
        """Lines given back that may be rows, or a part of one: nobody can say."""

    def take(self) -> Line | None:
        """Give the next line, or None at the end."""
        line = self._back.popleft() if self._back else next(self._lines, None)
        if line is not None and line.number == 1 and self._marked:
            return line._replace(data=line.data.removeprefix(codecs.BOM_UTF8))
        return line

    def skip_to(self, number: int) -> None:
        """Pass over the lines before one."""
        while (line := self.take()) is not None:
            if line.number >= number:
                self.give_back([line])
                return

    def give_back(self, taken: list[Line], *, doubtful: bool = False) -> None:
        """Put lines back, to be taken again in the same order."""
        if doubtful:
            self.doubtful = {line.number for line in taken}
            taken = [line._replace(whole=False) for line in taken]
        self._back.extendleft(reversed(taken))

    def is_cut_off(self) -> bool:
        """Whether the line taken last is the file's last, and the file ends within it."""
        following = self.take()
        if following is not None:
            self.give_back([following])
            return False
        return textfile.is_cut_off(self._path, self._encoding)
