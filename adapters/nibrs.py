"""NIBRS flat files: all segments of one incident become one row, a group B arrest one of its own.

Where columns stand, and the words for the FBI's codes, is data: `nibrs.yaml`. Files with and
without line breaks are read; the length at the head of each segment says where it ends. Blanks at a
line's end may have been cut off, columns may not.

A segment that deletes takes back what the file holds of its number before it. It is counted as set
aside, as is everything else that makes no record: nothing is dropped unseen.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from adapters import textfile
from adapters.cuts import Cut
from adapters.document import Document
from adapters.rows import BadRow, Columns, Part, Row, Values
from gateway.errors import Misconfigured

FILE: Final = "nibrs.yaml"
_ENCODING: Final = "iso-8859-1"
_LONGEST: Final = 512
_SHORTEST: Final = 37
_LENGTHS: Final = {f"{n:04d}": n for n in range(_SHORTEST, _LONGEST + 1)}
"""What a segment may state as its length."""
_ENDS: Final = frozenset(("", "\r", "\n"))
_BLOCK: Final = 2**16
_MOST_SEGMENTS: Final = 5_000
_MOST_DELETIONS: Final = 1_000_000
_MOST_KNOWN: Final = 2_048
"""Segments of a kind whose parts are kept while a file is read: the same ones stand often."""
_WHOSE: Final = slice(16, 37)
"""The agency and the number of the incident or arrest."""
_OWN: Final = 37
"""Where the columns of a segment's own begin, behind the header."""
_NEW: Final = frozenset("IARW")
_DELETE: Final = "D"
_CHANGE: Final = "M"
_ACTION: Final = 5
"""Where the action stands in a segment."""
_NOTHING_REPORTED: Final = "0"
_INCIDENT, _ARREST = "1", "7"
_NO_RECORD: Final = frozenset(
    ("nibrs.zero_report", "nibrs.deletion", "nibrs.action", "nibrs.superseded")
)
"""What a segment is set aside for that is whole, but no part of what is reported."""
_AGENCY: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{7}", re.ASCII)
"""What the ORI at the head of a segment looks like."""
_LINE_END: Final = re.compile(r"[\r\n]")
_HEADER: Final = re.compile(
    r"0[0-5]\d\d[0-7][A-Z](?:0\d|1[0-2])(?:19|20)\d\d.{4}[A-Z]{2}[A-Z0-9]{7}", re.ASCII
)
"""What the beginning of a segment looks like: length, kind, action, month and year, city, ORI."""
KIND: Final = "KIND"
"""The column that tells an `incident` from an `arrest`."""
_KINDS: Final = {_INCIDENT: "incident", _ARREST: "arrest"}


@dataclass(frozen=True, slots=True)
class Repeat:
    """Columns that stand several times in one segment. What `needs` is blank in is not there."""

    places: Sequence[tuple[slice, slice]]
    """Where each of them stands, by its place, and where the column that it needs."""
    end: int
    """Where the last of them ends."""
    columns: Mapping[str, slice]
    own: Cut
    """The segment's own columns, under the part's name."""
    cut: Cut


@dataclass(frozen=True, slots=True)
class Segment:
    """The layout of one kind of segment. `part` is the repeated part that it is, if it is one."""

    part: str | None
    least: int
    columns: Mapping[str, slice]
    repeats: Mapping[str, Repeat]
    cut: Cut


@dataclass(frozen=True, slots=True)
class Layout:
    """All of the layout."""

    header: Mapping[str, slice]
    segments: Mapping[str, Segment]
    columns: Columns


class _Piece(NamedTuple):
    """One segment as it stands in the file. `wrong` says what is wrong with it, if anything."""

    line: int
    text: str
    wrong: tuple[str, str] | None = None
    where: str | None = None
    """Which bytes of the file it is, where its length is wrong."""

    @property
    def level(self) -> str:
        return self.text[4:5]

    @property
    def key(self) -> tuple[bool, str]:
        return self.level == _ARREST, self.text[_WHOSE]


@cache
def _content() -> Mapping[str, Any]:
    with resources.as_file(resources.files("adapters").joinpath(FILE)) as path:
        content: Mapping[str, Any] = Document(path).content
    return content


def codes() -> Mapping[str, Mapping[str, Any]]:
    """Give the code tables that a mapping may name."""
    found: Mapping[str, Mapping[str, Any]] = _content()["codes"]
    return found


@cache
def layout() -> Layout:
    """Give the layout."""
    content = _content()
    segments = {level: _segment(spec) for level, spec in content["segments"].items()}
    header = _slices(content["header"])
    own = {*header, KIND}
    groups: dict[str, set[str]] = {}
    for segment in segments.values():
        if segment.part is None:
            own |= segment.columns.keys()
        elif segment.repeats:
            for name, repeat in segment.repeats.items():
                names = {*segment.columns, *repeat.columns}
                groups.setdefault(name, set()).update(f"{name}.{c}" for c in names)
        else:
            name = segment.part
            groups.setdefault(name, set()).update(f"{name}.{c}" for c in segment.columns)
    columns = Columns(frozenset(own), {k: frozenset(v) for k, v in groups.items()})
    return Layout(header, segments, columns)


def _segment(spec: Mapping[str, Any]) -> Segment:
    part: str | None = spec["part"]
    columns = _slices(spec["columns"])
    repeats = {n: _repeat(n, r, columns) for n, r in spec.get("repeats", {}).items()}
    return Segment(part, spec["least"], columns, repeats, Cut(columns, part))


def _repeat(name: str, spec: Mapping[str, Any], own: Mapping[str, slice]) -> Repeat:
    columns = _slices(spec["columns"])
    needed, width = columns[spec["needs"]], spec["width"]
    starts = [spec["from"] - 1 + number * width for number in range(spec["times"])]
    places = [(slice(at, at + width), slice(at + needed.start, at + needed.stop)) for at in starts]
    return Repeat(places, starts[-1] + width, columns, Cut(own, name), Cut(columns, name))


def _slices(columns: Mapping[str, list[int]]) -> dict[str, slice]:
    return {name: slice(first - 1, last) for name, (first, last) in columns.items()}


class NibrsReader:
    """Reads one file of a submission."""

    def __init__(self, path: Path, spec: Mapping[str, Any]) -> None:
        del spec  # the format says all there is to say
        self._path = path
        self._layout = layout()
        segments = self._layout.segments
        self._least = {level + a: segments[level].least for level in segments for a in _NEW}
        """The least length of a new report's segment, by its level and action."""
        header = self._layout.header
        blank: Values = dict.fromkeys(self._layout.columns.own, "")
        self._blank = {level: {**blank, KIND: kind} for level, kind in _KINDS.items()}
        self._cuts = {level: Cut({**header, **segments[level].columns}) for level in _KINDS}

    def columns(self) -> Columns:
        """Name the columns of an incident or arrest, and of its repeated parts."""
        textfile.require(self._path)
        return self._layout.columns

    def as_of(self) -> datetime | None:
        """Give the file's time of change."""
        return textfile.modified(self._path)

    def total_hint(self) -> None:
        """Say nothing: segments are no rows."""

    def rows(self) -> Iterator[Row | BadRow]:
        """Give incidents and arrests, and what is neither. `line` is that of the first segment."""
        deleted = self._deletions()
        known: _Known = {level: {} for level in self._layout.segments}
        held: list[_Piece] = []
        whose = ""
        hurt: BadRow | None = None
        least = {} if deleted else self._least
        for piece in _pieces(self._path):
            text = piece.text
            kind = text[4:6]
            # Nearly every one is new and whole: the others are looked at one by one.
            if piece.wrong is not None or len(text) < least.get(kind, _LONGEST + 1):
                bad = self._refused(piece, deleted)
                if bad is not None:
                    hurt = _hurting(bad, whose) or hurt
                    yield bad
                    continue
            if kind[0] in _KINDS:
                if held:
                    yield self._incident(held, known, hurt)
                held, whose, hurt = [piece], text[_WHOSE], None
                if kind[0] == _ARREST:
                    yield self._row(held, known)
                    held = []
            elif not held or text[_WHOSE] != whose:
                yield self._bad(piece, "nibrs.orphan", "no administrative segment stands before it")
            elif len(held) >= _MOST_SEGMENTS:
                hurt = self._bad(piece, "nibrs.too_many", "the incident has too many segments")
                yield hurt
            else:
                held.append(piece)
        if held:
            yield self._incident(held, known, hurt)

    def _deletions(self) -> dict[tuple[bool, str], int]:
        """Find where each number is last deleted: what stands before counts no more."""
        found: dict[tuple[bool, str], int] = {}
        if not _may_delete(self._path):
            return found
        for piece in _pieces(self._path):
            if piece.wrong is None and piece.text[5:6] == _DELETE:
                found[piece.key] = piece.line
                if len(found) > _MOST_DELETIONS:
                    raise Misconfigured(f"{self._path.name}: over {_MOST_DELETIONS} deletions")
        return found

    def _refused(self, piece: _Piece, deleted: Mapping[tuple[bool, str], int]) -> BadRow | None:
        """Say why a segment is no part of a record; None if it is."""
        segment = self._layout.segments.get(piece.level)
        action = piece.text[5:6]
        why: tuple[str, str] | None = None
        if piece.wrong is not None:
            why = piece.wrong
        elif piece.level == _NOTHING_REPORTED:
            why = "nibrs.zero_report", "it reports that there was nothing to report"
        elif segment is None:
            why = "nibrs.segment", "there is no such segment"
        elif action == _DELETE:
            why = "nibrs.deletion", "it takes back what was reported before"
        elif action == _CHANGE:
            why = "nibrs.action", "it changes a report elsewhere"
        elif action not in _NEW:
            why = "nibrs.unknown_action", "there is no such action"
        elif len(piece.text) < segment.least:
            why = "nibrs.short", f"it has fewer than {segment.least} characters"
        elif deleted and deleted.get(piece.key, -1) > piece.line:
            why = "nibrs.superseded", "a later segment takes it back"
        if why is None:
            return None
        # Neither is a report that another one takes back, or that is none.
        return self._bad(piece, *why, no_record=why[0] in _NO_RECORD)

    def _bad(self, piece: _Piece, code: str, text: str, *, no_record: bool = False) -> BadRow:
        """Set a segment aside. Its header says of which incident or arrest it is."""
        header = {} if no_record else self._header(piece.text)
        return BadRow(
            *(piece.line, piece.text, code, text, None, piece.where),
            placed=(header,) if header else (),
            no_record=no_record,
        )

    def _header(self, text: str) -> Values:
        """Read a header; nothing where it can't be one."""
        level = _ARREST if text[4:5] == _ARREST else _INCIDENT
        whose = text[_WHOSE]
        if len(whose) < _WHOSE.stop - _WHOSE.start or not _AGENCY.match(whose):
            return {}
        found = self._blank[level] | self._cuts[level].of(text)
        # An incident's own columns stand in its first segment alone.
        end = len(text) if text[4:5] == level else _OWN
        segment = self._layout.segments[level]
        if end < segment.least:
            for column, place in segment.columns.items():
                if place.stop > end:
                    del found[column]
        return found

    def _incident(self, pieces: list[_Piece], known: "_Known", hurt: BadRow | None) -> Row | BadRow:
        """Give an incident; set aside, where one of its segments was."""
        row = self._row(pieces, known)
        if hurt is None:
            return row
        segment = self._layout.segments.get(hurt.raw[4:5])
        parts = [] if segment is None else [*segment.repeats, segment.part]
        unread = frozenset(p for p in parts if p) or frozenset(row.groups)
        text = f"a segment of it is set aside: line {hurt.line:,}"
        why = ("nibrs.incomplete", text, None, None)
        return BadRow(row.line, row.raw, *why, row.span, row, unread)

    def _row(self, pieces: list[_Piece], known: "_Known") -> Row:
        first = pieces[0]
        values: Values = self._blank[first.level] | self._cuts[first.level].of(first.text)
        groups: dict[str, list[Values]] = {name: [] for name in self._layout.columns.groups}
        for piece in pieces[1:]:
            text = piece.text
            level = text[4]
            same = known[level]
            own = text[_OWN:]
            parts = same.get(own)
            if not parts:
                parts = self._parts(level, text)
                if own in same:
                    parts = same[own] = [(name, Part(part)) for name, part in parts]
                elif len(same) < _MOST_KNOWN:
                    same[own] = ()
            for name, part in parts:
                groups[name].append(part)
        raw = "\n".join([p.text for p in pieces])
        return Row(first.line, raw, values, groups, len(pieces))

    def _parts(self, level: str, text: str) -> "_Parts":
        """Give the repeated parts that a segment is."""
        segment = self._layout.segments[level]
        if not segment.repeats:
            return [(segment.part or "", segment.cut.of(text))]
        found: list[tuple[str, Values]] = []
        for name, repeat in segment.repeats.items():
            # Nearly all of them are blank, from one on.
            end = len(text[: repeat.end].rstrip())
            for place, needed in repeat.places:
                if place.start >= end:
                    break
                if text[needed].strip():
                    found.append((name, repeat.own.of(text) | repeat.cut.of(text[place])))
        return found


_Parts: TypeAlias = Sequence[tuple[str, Values]]
_Known: TypeAlias = dict[str, dict[str, _Parts]]
"""The parts of segments, by their level and what stands behind the header; () if it stood once."""


def _hurting(bad: BadRow, whose: str) -> BadRow | None:
    """Give a segment set aside if it lacks in the incident of this agency and number."""
    return bad if bad.raw[_WHOSE] == whose and not bad.no_record else None


def _may_delete(path: Path) -> bool:
    """Whether any segment may be one that deletes: it is quicker to tell than to read them all."""
    with textfile.open_file(path) as file:
        rest = ""
        while block := file.read(_BLOCK):
            text = rest + block.decode(_ENCODING)
            end = text.rfind("\n") + 1
            if _deletes(text[:end]) or len(text) - end > _LONGEST:
                return True
            rest = text[end:]
        return _deletes(rest)


def _deletes(text: str) -> bool:
    """Whether a segment that deletes may begin in some lines: at a line's beginning, or within.

    Within a line one begins only where the line is longer than it states.
    """
    at = text.find(_DELETE)
    while at >= 0:
        if text[at - 5 : at - 1].isdecimal():
            start = text.rfind("\n", 0, at) + 1
            end = text.find("\n", at)
            line = text[start : end if end >= 0 else len(text)]
            if at - start == _ACTION or not _is_plain(line):
                return True
        at = text.find(_DELETE, at + 1)
    return False


def _pieces(path: Path) -> Iterator[_Piece]:
    """Cut a file into segments. `line` counts lines, or segments where there are no lines."""
    with textfile.open_file(path) as file:
        number, at, before, text, ended = 0, 0, 0, "", False
        while True:
            if len(text) - at < _LONGEST + 2 and not ended:
                block = file.read(_BLOCK).decode(_ENCODING)
                before, text, at = before + at, text[at:] + block, 0
                ended = not block
                continue
            if at == len(text):
                return
            if text[at] == "\n" and text[at + 1 : at + 2] not in _ENDS:
                at += 1
            elif text[at] in "\r\n":
                start = at
                while at < len(text) and text[at] in "\r\n":
                    at += 1
                number += text.count("\n", start, at) - 1
                if at == len(text) and not ended:
                    number += 1
                    continue
            number += 1
            # Nearly every one is a line, as long as it states or cut short of blanks.
            end = text.find("\n", at, at + _LONGEST)
            if end >= 0 and _is_plain(line := text[at:end]):
                at = end
                yield _Piece(number, line)
                continue
            piece, end = _next(number, text, at, before + at)
            at = end
            if piece is not None:
                yield piece


def _next(number: int, text: str, at: int, place: int) -> tuple[_Piece | None, int]:
    """Take one segment that begins at a position; give where the next begins."""
    found = _LINE_END.search(text, at, at + _LONGEST)
    line = text[at : found.start() if found else at + _LONGEST]
    stated = line[:4]
    if not line.strip(" "):
        return None, at + len(line)
    if not (stated.isdecimal() and stated.isascii()):
        return _damaged(number, line, at, place, "its first four characters are no length")
    length = int(stated)
    if not _SHORTEST <= length <= _LONGEST or len(line) < _SHORTEST:
        return _damaged(number, line, at, place, "its length can't be")
    if length >= len(line):
        return _Piece(number, line), at + len(line)
    # More stands on the line than this segment: another one, or blanks.
    after = line[length:]
    if after.strip(" ") and not after[:4].isdecimal():
        why = "the line is longer than the length that it states"
        return _damaged(number, line, at, place, why)
    return _Piece(number, line[:length]), at + length


def _is_plain(line: str) -> bool:
    """Whether a line is one segment, and nothing of it is left to look at."""
    return _SHORTEST <= len(line) <= _LENGTHS.get(line[:4], 0) and "\r" not in line


def _damaged(number: int, line: str, at: int, place: int, why: str) -> tuple[_Piece, int]:
    """Set aside what stands before the next header on the line, or all of it if there is none."""
    header = _HEADER.search(line, 1)
    skipped = line[: header.start()] if header else line
    text = f"{why}: what stands before the next header, or the line's end, is set aside"
    where = f"bytes {place + 1} to {place + len(skipped)} of the file"
    return _Piece(number, skipped, ("nibrs.length", text), where), at + len(skipped)
