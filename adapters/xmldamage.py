"""Where an XML file is damaged, and where its next record begins.

A parser has to stop at the first error. What stands behind it can be read all the same if nothing
but whole records was hurt: then the elements around them are opened anew, and reading goes on at
the next record's first tag. Where that is not certain, it is not done: never in what may be a
comment, or where one of the elements around ends or begins between.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final
from xml.parsers import expat

from adapters import textfile
from adapters.xmlstream import DEEPEST, Start

_BLOCK: Final = 2**16
_MOST_GAP: Final = 2**26
"""Bytes that may be passed over to the next record; of more, the rest of the file is."""
_DEEPEST: Final = 10_000
"""Elements within each other that are looked through for the end of a record nested too deep."""
_KEPT: Final = 2**16
_MOST_OPENING: Final = 2**16
_TAG: Final = re.compile(rb"<[^<>\"']*(?:\"[^<\"]*\"[^<>\"']*|'[^<']*'[^<>\"']*)*>")
_OTHER: Final = re.compile(rb"<[!?]|-->|\]\]>|\?>")
"""Comments, instructions, text that is no markup: what stands in them is no record."""


@dataclass(frozen=True, slots=True)
class Gap:
    """What was passed over: bytes of the file, from 0, the last not among them. `start`: go on.

    `sure` is what stands before the damage, as far as its last tag, in the elements around it.
    """

    first: int
    end: int
    raw: bytes
    line: int
    column: int
    start: Start | None = None
    sure: bytes = b""


class _Doctype(Exception):
    """A document type is never read."""


class _TooDeep(Exception):
    """Elements are nested deeper than is looked through, or where no record stands."""


class _Ended(Exception):
    """A record that is nested too deep has ended."""


class _Walk:
    """One pass over the file up to its first error, by the bytes.

    A record that is nested deeper than its parser reads is an error, too. It is whole, so where it
    ends is certain.
    """

    def __init__(self, start: Start, names: frozenset[str]) -> None:
        self._names = names
        self._opening = start.opening
        self._before = start.offset - len(start.opening)
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._begins
        self._parser.EndElementHandler = self._ends
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._open: list[int] = []
        self._records: list[int] = []
        self._around: list[int] = []
        self.begun: int | None = None
        """Where the last tag stands that began an element."""
        self.record: int | None = None
        """Where the record begins that was not ended."""
        self.ended: int | None = None
        """Where the end tag of the last one stands that was."""
        self.whole = 0
        """Records that were ended, but those within others."""
        self.nested = False
        """Whether a whole record had others within."""
        self._inner = False
        self.error: tuple[int, int, int] | None = None
        """Byte, line and column."""
        self.deep = False
        """Whether it is the depth of a record, which ended where `ended` says."""
        self.lost = False
        """Whether it is a depth of which nobody can say what it belongs to."""

    def feed(self, data: bytes, *, last: bool) -> bool:
        """Go over a block. Gives whether it is whole."""
        try:
            self._parser.Parse(data, last)
        except _Ended:
            self.deep = True
            return False
        except _TooDeep:
            self.lost = True
            return False
        except (expat.ExpatError, _Doctype, ValueError, LookupError):
            self.lost = self.error is not None
            self.error = self._place()
            return False
        return True

    def _place(self) -> tuple[int, int, int]:
        parser = self._parser
        at = max(0, parser.ErrorByteIndex + self._before)
        return at, parser.ErrorLineNumber, parser.ErrorColumnNumber + 1

    def _at(self) -> int:
        return self._parser.CurrentByteIndex + self._before

    def _begins(self, name: str, _: dict[str, str]) -> None:
        at = self._at()
        if name.rpartition(":")[2] in self._names:
            if not self._records:
                self.record, self._around, self._inner = at, list(self._open), False
            self._inner = self._inner or bool(self._records)
            self._records.append(len(self._open))
        self._open.append(at)
        self.begun = at
        if len(self._open) > DEEPEST and self.error is None:
            if not self._records:
                raise _TooDeep
            self.error = self._place()
        if len(self._open) > _DEEPEST:
            raise _TooDeep

    def _ends(self, _: str) -> None:
        self._open.pop()
        if self._records and self._records[-1] == len(self._open):
            self._records.pop()
            if not self._records and self.error is not None:
                self.ended = self._at()
                raise _Ended
            if not self._records:
                self.record, self.ended = None, self._at()
                self.whole += 1
                self.nested = self.nested or self._inner

    def around(self, file: BinaryIO) -> list[bytes | None]:
        """Give the tags that began the elements around the last record."""
        start = self._before + len(self._opening)
        return [
            _tag(file, place) if place >= start else _whole(self._opening[place - self._before :])
            for place in self._around
        ]

    @staticmethod
    def _refuse(*_: object) -> None:
        raise _Doctype


def find(
    path: Path, start: Start, names: Iterable[str], read: int, *, going_on: bool
) -> Gap | None:
    """Find the first damage behind `start`, and where to go on; None if there is none to be found.

    `names` are those of records, or of messages, without their namespaces; `read` of them were
    read. If as many do not end before the damage, it is another one than stopped the reading, and
    what lies between would be lost, or read twice.
    """
    wanted = frozenset(names)
    walk = _Walk(start, wanted)
    with textfile.open_file(path) as file:
        file.seek(start.offset)
        whole = walk.feed(start.opening, last=False) if start.opening else True
        while whole and (block := file.read(_BLOCK)):
            whole = walk.feed(block, last=False)
        if whole and walk.feed(b"", last=True):
            return None
        if walk.error is None or walk.lost or walk.whole != read:
            return None
        at, line, column = walk.error
        end = path.stat().st_size
        first = walk.record
        if first is None:
            last = walk.begun if walk.ended is None else walk.ended
            first = at if last is None else max(start.offset, _behind(file, last))
        file.seek(first)
        raw = file.read(_KEPT)
        if walk.record is None and raw.strip():
            first += len(raw) - len(raw.lstrip())
            raw = raw.lstrip()
        around = walk.around(file)
        sure = b"" if walk.record is None else _sure(file, raw[: max(0, at - first)], around)
        gap = Gap(first, end, raw, line, column, sure=sure)
        if not going_on:
            return gap
        if walk.deep and walk.ended is not None:
            behind = _behind(file, walk.ended)
            found = _next(file, behind, behind, wanted)
            return _going_on(file, gap, found, around, at - first)
        # An end tag that was lost makes the next record part of this one.
        after = first + 1 if walk.record is not None and not walk.nested else max(at, first + 1)
        found = _next(file, first, after, wanted)
        return _going_on(file, gap, found, around, at - first)


def _going_on(
    file: BinaryIO,
    gap: Gap,
    found: tuple[bytes, int] | None,
    around: list[bytes | None],
    intact: int,
) -> Gap:
    """Go on at the next record that was found, where nothing that was passed over forbids it.

    `intact`: so many bytes of the gap stand before the damage.
    """
    if found is None or not around or None in around:
        return gap
    passed, following = found
    tags = [tag for tag in around if tag is not None]
    if not _is_alone(passed, tags):
        return gap
    opening = _opening(file, following, tags)
    raw = gap.raw[: following - gap.first]
    sure = _sure(file, raw[: max(0, intact)], around)
    return replace(gap, end=following, raw=raw, start=Start(following, opening), sure=sure)


def _behind(file: BinaryIO, place: int) -> int:
    """Give where a tag ends that begins at a place."""
    tag = _tag(file, place)
    return place + (len(tag) if tag else 1)


def _tag(file: BinaryIO, place: int) -> bytes | None:
    file.seek(max(0, place))
    return _whole(file.read(_MOST_OPENING))


def _whole(data: bytes) -> bytes | None:
    """Give the tag that stands first."""
    found = _TAG.match(data)
    return found[0] if found else None


def _next(
    file: BinaryIO, first: int, after: int, names: frozenset[str]
) -> tuple[bytes, int] | None:
    """Find the next record's tag; give what stands before it, and where it begins."""
    either = b"|".join(re.escape(name.encode()) for name in sorted(names))
    tag = re.compile(rb"<(?:[^\s<>/:!?]+:)?(?:" + either + rb")(?=[\s/>])")
    file.seek(first)
    passed = file.read(_MOST_GAP)
    found = tag.search(passed, after - first)
    return (passed[: found.start()], first + found.start()) if found else None


def _is_alone(passed: bytes, around: list[bytes]) -> bool:
    """Whether nothing in it may hide what follows, or end what is around."""
    if _OTHER.search(passed):
        return False
    names = {re.split(rb"[\s/>]", tag[1:], maxsplit=1)[0] for tag in around}
    return not any(re.search(rb"</?" + re.escape(name) + rb"(?=[\s/>])", passed) for name in names)


def _declared(file: BinaryIO) -> bytes:
    """Give the file's XML declaration, if it has one."""
    file.seek(0)
    head = file.read(_MOST_OPENING).removeprefix(b"\xef\xbb\xbf")
    return head[: head.find(b"?>") + 2] if head.startswith(b"<?xml") else b""


def _sure(file: BinaryIO, before: bytes, around: list[bytes | None]) -> bytes:
    """Give what stands before damage up to its last tag, in what is around; nothing if unknown."""
    tags = list(_TAG.finditer(before))
    known = [tag for tag in around if tag is not None]
    if not tags or len(known) < len(around):
        return b""
    return _declared(file) + b"".join(known) + before[: tags[-1].end()]


def _opening(file: BinaryIO, following: int, around: list[bytes]) -> bytes:
    """Open what stands around anew; lines and columns stay what they are in the file."""
    declared = _declared(file)
    file.seek(0)
    lines, column, left = 0, 0, following
    while left and (block := file.read(min(_BLOCK, left))):
        left -= len(block)
        lines += block.count(b"\n")
        newline = block.rfind(b"\n")
        column = len(block) - newline - 1 if newline >= 0 else column + len(block)
    tags = b"".join(re.sub(rb"[\r\n]", b" ", tag) for tag in around)
    opened = re.sub(rb"[\r\n]", b" ", declared) + tags
    return opened + b"\n" * lines + b" " * (column if lines else column - len(opened))
