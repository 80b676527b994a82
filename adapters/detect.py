"""What a delimited file is: its encoding, delimiter, quote and header, found out and stated.

A guess is never used where it could be wrong unseen. What is certain or likely may be read with; a
doubtful finding is only shown, with what speaks for it, for a person to state. Whatever can't be
decoded all the same sets its row aside.
"""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final, NamedTuple

from charset_normalizer import from_bytes

from adapters import textfile
from gateway.errors import Misconfigured

DETECT: Final = "detect"
"""What a mapping says where it leaves encoding, delimiter or quote to this module."""
DELIMITERS: Final = (",", ";", "\t", "|", "^", "~", "\x1f")
_QUOTES: Final = ('"', "'")
_NAMED: Final = {"\t": "tab", " ": "blank", "\x1f": "unit separator (1F)", "\x01": "01"}

_BLOCK: Final = 2**20
_HEAD: Final = 2**18
_KEPT: Final = 2**17
"""Bytes of lines beyond ASCII that the single-byte encodings are told apart by."""
_SAMPLE: Final = 500
"""Rows that delimiters are tried on."""
_FEWEST: Final = 2
"""Rows behind which it can be told that the first one is none of them."""
_MOST_ABOVE: Final = 20
_SEPARATOR: Final = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_MOST_UNFIT: Final = 0.02
_FIT: Final = 0.8
_WIDE: Final = 0.2
_EBCDIC: Final = 0.6
_NO_ASCII: Final = 0.1
_ASCII_TEXT: Final = bytes(
    # Without those that are signs in EBCDIC: K and k, M and m, P, N, a, L, l, n, o, z.
    ord(c)
    for c in "0123456789ABCDEFGHIJOQRSTUVWXYZbcdefghijpqrstuvwxy"
)
_AHEAD: Final = 0.2
_LEAST_SCORE: Final = 0.5

_LOW: Final = bytes(range(0x80))
_EBCDIC_TEXT: Final = bytes(
    (
        *(0x40, 0x4B, 0x6B, *range(0xC1, 0xCA), *range(0xD1, 0xDA), *range(0xE2, 0xEA)),
        *(*range(0xF0, 0xFA), *range(0x81, 0x8A), *range(0x91, 0x9A), *range(0xA2, 0xAA)),
    )
)
_ONE_BYTE: Final = ("windows-1252", "iso-8859-15", "cp850", "cp437")
"""Candidates, the usual first. Latin-1 is windows-1252 without its 27 signs in 80 to 9F."""
_LIBRARY: Final = {"windows-1252": "cp1252", "iso-8859-15": "iso8859_15"}
_USUAL: Final = frozenset("ÁÉÍÓÚÑÜáéíóúñü")
"""Letters of the names that are most usual where such files come from; and others that occur."""
_LETTERS: Final = frozenset("ÀÂÇÈÊËÎÏÔÖÄÅÆØÙÛßàâçèêëîïôöäåæøùû")
_TYPED: Final = frozenset("\u2018\u2019\u201c\u201d\u2013\u2014\u2026\u2022\u20ac°§½¼©®¿¡ªº·«»\xa0")
_WORDS: Final = re.compile(r"[A-Za-z]?[^\x00-\x7f]+[A-Za-z]?")
_VALUE: Final = re.compile(r"[\d\s./:,+-]+")


class Confidence(IntEnum):
    """How sure a finding is. Doubtful ones are never read with."""

    DOUBTFUL = 0
    LIKELY = 1
    CERTAIN = 2

    def __str__(self) -> str:
        return self.name.lower()


class Form(NamedTuple):
    """A delimited file, and how it is read."""

    path: Path
    encoding: str
    delimiter: str
    quote: str


@dataclass(frozen=True, slots=True)
class Detected:
    """What was found out about one file.

    `header` holds the names of the first line, or None where it looks like data. `columns` is their
    number. `evidence` are sentences for people; they hold no values of rows.
    """

    encoding: str
    encoding_confidence: Confidence
    delimiter: str
    quote: str
    delimiter_confidence: Confidence
    header: tuple[str, ...] | None
    columns: int
    evidence: tuple[str, ...]
    header_line: int | None = None
    """The line of the header, where others stand above it."""

    @property
    def confidence(self) -> Confidence:
        """Give the lesser of both."""
        return min(self.encoding_confidence, self.delimiter_confidence)

    def said(self) -> str:
        """Say it in one line."""
        header = "a header line" if self.header is not None else "no header line"
        return (
            f"{self.encoding} ({self.encoding_confidence}), {self.columns} columns parted by "
            f"{named(self.delimiter)} ({self.delimiter_confidence}), {header}"
        )

    def as_dict(self) -> dict[str, object]:
        """Give it as JSON."""
        return {
            "encoding": self.encoding,
            "encoding_confidence": str(self.encoding_confidence),
            "delimiter": self.delimiter,
            "quote": self.quote,
            "delimiter_confidence": str(self.delimiter_confidence),
            "header": None if self.header is None else list(self.header),
            "header_line": self.header_line,
            "columns": self.columns,
            "evidence": list(self.evidence),
        }


def detect(path: Path) -> Detected:
    """Look at a delimited file. Raises Misconfigured if it is not there, or is no text at all."""
    encoding, sure, evidence = detect_encoding(path)
    said = separator(path, encoding)
    start = 2 if said else 1
    if said:
        delimiter, quote, fits = said, '"', Confidence.CERTAIN
        why = ["Its first line says so (sep=)."]
    else:
        delimiter, quote, fits, why = detect_delimiter(path, encoding, start=start)
    form = Form(path, encoding, delimiter, quote)
    above = find_header(form, start, sure=None if said else fits)
    if above and not said:
        delimiter, quote, fits, why = detect_delimiter(path, encoding, start=above)
        form = Form(path, encoding, delimiter, quote)
    first = next(_rows(form, 1, above or start), [])
    names = tuple(f.strip().removeprefix("\ufeff") for f in first)
    names = tuple(named_of(names)) or names
    header = names if _is_header(names) else None
    found = (encoding, sure, delimiter, quote, fits, header, len(names), (*evidence, *why))
    return Detected(*found, header_line=above)


# -- encoding -----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Bytes:
    """What all of a file's bytes say, in one pass."""

    head: bytes = b""
    size: int = 0
    high: int = 0
    wrong: int = 0
    """Places that are not UTF-8."""
    good: int = 0
    """Characters of several bytes that are."""
    beyond: bytearray | None = None
    """Lines that hold bytes beyond ASCII, the first of them."""


def detect_encoding(path: Path) -> tuple[str, Confidence, list[str]]:
    """Give the encoding, how sure that is, and why. The whole file is looked at."""
    with textfile.open_file(path) as file:
        head = file.read(_HEAD)
    if not head:
        raise Misconfigured(f"{path.name}: the file is empty")
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise Misconfigured(f"{path.name}: the file is UTF-32: save it as UTF-8")
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8", Confidence.CERTAIN, ["It begins with the mark of UTF-8."]
    for mark, name in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if head.startswith(mark):
            return name, Confidence.CERTAIN, ["It begins with the mark of UTF-16."]
    if wide := _wide(head):
        return wide, Confidence.LIKELY, ["Every second byte is nothing, as in UTF-16."]
    if head.count(0) > len(head) // 100:
        raise Misconfigured(f"{path.name}: this is no text: it is full of NUL bytes")
    if _share(head, _EBCDIC_TEXT) > _EBCDIC and _share(head, _ASCII_TEXT) < _NO_ASCII:
        text = "Its letters stand where EBCDIC has them; cp1140 has the euro sign besides."
        return "cp037", Confidence.LIKELY, [text]
    return _by_bytes(_looked(path))


def _by_bytes(found: _Bytes) -> tuple[str, Confidence, list[str]]:
    if not found.high:
        return "utf-8", Confidence.CERTAIN, ["All of it is ASCII."]
    if not found.wrong:
        text = f"{found.good:,} letters beyond ASCII, and all of them are UTF-8."
        return "utf-8", Confidence.CERTAIN, [text]
    if found.good > 10 * found.wrong:
        text = (
            f"{found.good:,} letters beyond ASCII are UTF-8; {found.wrong:,} places are not: "
            "their rows are set aside."
        )
        return "utf-8", Confidence.LIKELY, [text]
    return _one_byte(bytes(found.beyond or b""), found)


def _one_byte(sample: bytes, found: _Bytes) -> tuple[str, Confidence, list[str]]:
    """Tell encodings of one byte a letter apart, by the words that each of them makes."""
    scores = {name: _score(sample, name) for name in _ONE_BYTE}
    ranked = sorted(_ONE_BYTE, key=lambda n: -scores[n])
    best = ranked[0]
    evidence = [f"{found.high:,} bytes beyond ASCII, and they are not UTF-8."]
    text = sample.decode(best, errors="replace")
    rivals = [
        name
        for name in ranked[1:]
        if scores[best] - scores[name] < _AHEAD and sample.decode(name, errors="replace") != text
    ]
    shares = ", ".join(f"{n} {max(0.0, scores[n]):.0%}" for n in ranked)
    evidence.append(f"Share of them that are letters or signs at their place: {shares}.")
    if rivals:
        evidence.append(f"It may as well be {' or '.join(rivals)}: state the encoding.")
        return best, Confidence.DOUBTFUL, evidence
    if scores[best] < _LEAST_SCORE:
        evidence.append("None of the usual encodings makes words of them: state the encoding.")
        return best, Confidence.DOUBTFUL, evidence
    matches = from_bytes(sample, cp_isolation=[_LIBRARY.get(n, n) for n in _ONE_BYTE])
    if (other := matches.best()) is not None and str(other) == text:
        evidence.append("charset-normalizer reads it in the same way.")
    return best, Confidence.LIKELY, evidence


def _score(sample: bytes, encoding: str) -> float:
    """Give the share of bytes beyond ASCII that make sense where they stand: -1 to 1."""
    text = sample.decode(encoding, errors="replace")
    made, total = 0.0, 0
    for match in _WORDS.finditer(text):
        word = match[0]
        beside = [c for c in (word[0], word[-1]) if c.isascii()]
        begins = not word[0].isascii()
        for sign in word:
            if sign.isascii():
                continue
            total += 1
            if sign in _USUAL:
                made += _suits(sign, beside, begins=begins)
            elif sign in _LETTERS:
                made += 0.7 * _suits(sign, beside, begins=begins)
            elif sign in _TYPED:
                within = word[0] != sign and word[-1] != sign
                made += -0.3 if within and sign not in "\u2019\xa0" else 0.9
            elif sign.isalpha():
                made += 0.2
            else:
                made -= 1
    return made / total if total else 0.0


def _suits(letter: str, beside: Sequence[str], *, begins: bool) -> float:
    """Say how well a letter suits its neighbours: a small one among capitals does not.

    `begins`: no other letter stands before it.
    """
    if not beside:
        return 0.4
    if all(b.isupper() == letter.isupper() for b in beside):
        return 1.0
    if letter.islower() and len(beside) > 1 and beside[-1].islower():
        return 1.0  # after a capital: Jörg
    # A capital stands before small ones at the beginning of a word alone: no JÜrg, no JosÚ.
    return 0.8 if letter.isupper() and begins else -0.2


def _looked(path: Path) -> _Bytes:
    found = _Bytes(beyond=bytearray())
    with textfile.open_file(path) as file:
        while block := file.read(_BLOCK):
            # The rest of a line belongs to it, so that no letter is cut in two.
            block += file.readline(_BLOCK)
            found.size += len(block)
            high = len(block.translate(None, _LOW))
            if not high:
                continue
            text = block.decode("utf-8", "replace")
            found.high += high
            wrong = text.count("\ufffd") - block.count(b"\xef\xbf\xbd")
            found.wrong += wrong
            found.good += len(text) - len(text.encode("ascii", "ignore")) - wrong
            if found.beyond is not None and len(found.beyond) < _KEPT:
                for line in block.splitlines():
                    if line.translate(None, _LOW):
                        found.beyond += line[:1000] + b"\n"
                    if len(found.beyond) >= _KEPT:
                        break
    return found


def _share(data: bytes, of: bytes) -> float:
    bare = data.translate(None, b"\r\n\t")
    return 1 - len(bare.translate(None, of)) / len(bare) if bare else 0.0


def _wide(head: bytes) -> str | None:
    """Tell UTF-16 without a mark by its noughts."""
    even, odd = head[0::2].count(0) / len(head), head[1::2].count(0) / len(head)
    if max(even, odd) < _WIDE or min(even, odd) > _WIDE / 10:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


# -- delimiter ----------------------------------------------------------------------------------


def named(delimiter: str) -> str:
    """Name a delimiter so that a person sees it."""
    return _NAMED.get(delimiter, delimiter)


def separator(path: Path, encoding: str) -> str | None:
    """Give the delimiter that a file's first line says: sep=; is for Excel, and no row."""
    line = next(textfile.lines(path, encoding), None)
    text = "" if line is None else textfile.shown(line.data, encoding).lstrip("\ufeff")
    found = _SEPARATOR.fullmatch(text)
    return None if found is None else found[1]


def find_header(form: Form, start: int, *, sure: Confidence | None = None) -> int | None:
    """Give the line of the header where what stands above it is none, but a title; else None.

    So it is where nearly all rows behind the first have more columns, or hold something where the
    first line names no column. `sure`, of a delimiter that was found out: where it parts nothing,
    or not all, a title may have told it, and one by which rows have more columns is tried too.
    """
    first = next(_rows(form, 1, start), [])
    again = sure is not None and (len(first) <= 1 or sure is not Confidence.CERTAIN)
    for delimiter in DELIMITERS if again else (form.delimiter,):
        rows = list(_numbered_rows(form._replace(delimiter=delimiter), _SAMPLE, start))
        least = 2 if delimiter == form.delimiter else len(first) + 1
        if len(rows) > _FEWEST and (line := _below(rows, least)) is not None:
            return line
    return None


def _below(rows: list[tuple[int, list[str]]], least: int) -> int | None:
    """Give the line of the header if the first row is none, and rows have so many columns."""
    (begin, first), *others = rows
    named = len(named_of(first))
    width, count = Counter(len(f) for _, f in others).most_common(1)[0]
    if width < least or count < _FIT * len(others) or width < len(first):
        return None
    whole = [(line, f) for line, f in others if len(f) == width]
    beyond = [f for _, f in whole if named_of(f[named:])]
    if named >= width or len(beyond) < len(whole) / 2:
        return None
    line = next((n for n, f in whole if _is_header([c.strip() for c in f])), whole[0][0])
    return line if line - begin <= _MOST_ABOVE else None


def named_of(fields: Sequence[str]) -> Sequence[str]:
    """Leave the blank fields at the end out: a delimiter that ends a line has nothing behind it."""
    size = len(fields)
    while size and not fields[size - 1].strip():
        size -= 1
    return fields[:size]


def extra_fields(form: Form, start: int, columns: int, default: int) -> int:
    """Say how many blank fields stand at each row's end under no name, as far as rows agree."""
    sizes: Counter[int] = Counter()
    rows = _rows(form, _SAMPLE, start)
    next(rows, None)
    for fields in rows:
        blank = len(fields) >= columns and not named_of(fields[columns:])
        sizes[len(fields) - columns if blank else -1] += 1
    if not sizes:
        return default
    extra, count = sizes.most_common(1)[0]
    return extra if extra >= 0 and count >= _FIT * sizes.total() else default


def detect_delimiter(
    path: Path, encoding: str, width: int | None = None, start: int = 1
) -> tuple[str, str, Confidence, list[str]]:
    """Give delimiter and quote, how sure they are, and why.

    A row should have as many columns as the first, the header, or as `width` says; a delimiter at
    the end of either counts for nothing. The header is the line `start`, or what stands next.
    """
    fits: dict[tuple[str, str], tuple[float, int]] = {}
    for delimiter in DELIMITERS:
        for quote in _QUOTES:
            rows = _rows(Form(path, encoding, delimiter, quote), _SAMPLE, start)
            if width is None and (names := next(rows, [])):
                first, bare, alike = len(names), len(named_of(names)), 1
            else:
                first = bare = width or 0
                alike = 0
            if first <= 1:
                continue
            sizes = [
                len(row) if len(row) == first or not named_of(row[bare:]) else 0 for row in rows
            ]
            counts = Counter(size for size in sizes if size >= bare)
            alike += max(counts.values(), default=0)
            if alike:
                fits[delimiter, quote] = (alike / (len(sizes) + (width is None)), first)
    if not fits:
        return ",", '"', Confidence.LIKELY, ["One column: no delimiter stands in its first line."]
    best = max(fits, key=lambda k: (round(fits[k][0], 2), k[1] == '"', fits[k][1]))
    share, width = fits[best]
    evidence = [f"Parted by {named(best[0])}, {share:.0%} of the first rows have {width} columns."]
    rivals = sorted(
        {d for (d, _), (s, _) in fits.items() if d != best[0] and s >= share - _MOST_UNFIT}
    )
    if rivals:
        others = ", ".join(map(named, rivals))
        evidence.append(f"It may as well be parted by {others}: state the delimiter.")
        return *best, Confidence.DOUBTFUL, evidence
    alone = len({d for d, _ in fits}) == 1
    sure = Confidence.CERTAIN if share > 1 - _MOST_UNFIT else Confidence.LIKELY
    if share < _FIT and not alone:
        evidence.append("Too few rows have as many columns as the first: state the delimiter.")
        sure = Confidence.DOUBTFUL
    return *best, sure, evidence


def _rows(form: Form, most: int, start: int) -> Iterator[list[str]]:
    """Read the first rows, as far as they can be read."""
    return (fields for _, fields in _numbered_rows(form, most, start))


def _numbered_rows(form: Form, most: int, start: int) -> Iterator[tuple[int, list[str]]]:
    """Read the first rows from the line `start` on, each with the line that it begins in."""
    path, encoding, delimiter, quote = form
    number = 0
    read: list[int] = []

    def feed() -> Iterator[str]:
        for line in textfile.lines(path, encoding):
            if line.whole and line.number >= start:
                read.append(line.number)
                yield textfile.shown(line.data, encoding).lstrip("\ufeff") + "\n"

    reader = csv.reader(feed(), delimiter=delimiter, quotechar=quote)
    while number < most:
        read.clear()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            fields = ["", ""]
        if any(f.strip() for f in fields):
            number += 1
            yield read[0] if read else start, fields


def _is_header(names: Sequence[str]) -> bool:
    """Whether a first line names columns: all are there, each once, and none is a number."""
    return (
        bool(names)
        and all(n and not _VALUE.fullmatch(n) for n in names)
        and len(set(names)) == len(names)
    )
