"""XML in any vocabulary: each element of some names becomes one row, its columns are short paths.

    format:
      type: xml
      path: ../sources/warrants.xml
      namespaces:
        nc: http://release.niem.gov/niem/niem-core/3.0/
        j: http://release.niem.gov/niem/domains/jxdm/5.0/
      record: j:Warrant
      columns:
        WARRANT_NO: nc:ActivityIdentification/nc:IdentificationID
        SURNAME: j:CourtOrderDesignatedSubject/nc:RoleOfPerson/nc:PersonName/nc:PersonSurName
      parts:
        charge: {each: "j:WarrantCharge", columns: {TEXT: "j:ChargeDescriptionText"}}

Paths: `adapters.xmlpaths`. References: `adapters.xmlrefs`. A row whose references lead nowhere, or
that has several values where one is expected, is set aside and says which column.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path as File
from typing import Any, Final

from lxml import etree

from adapters import textfile
from adapters.rows import BadRow, Columns, Row, Values
from adapters.xmldamage import Gap, find
from adapters.xmlpaths import (
    Element,
    Ending,
    Fault,
    Names,
    Path,
    PathReader,
    Step,
    is_named,
    line_of,
    local_name,
)
from adapters.xmlrefs import Objects, References, Shared
from adapters.xmlstream import MAX_BYTES, MAX_SIGNS, Damaged, Start, XmlStream, is_wide
from gateway.errors import Misconfigured

MAX_ROWS_OF_PART: Final = 5_000
_SHOWN: Final = 4_096
_KEPT: Final = 2**16
_STRAY: Final = "text stands between two records, where none belongs: is it part of a damaged one?"
_MOST_DAMAGES: Final = 100
"""Places behind which reading goes on; of one with more, the rest is set aside."""
_COUNTED: Final = 2**22
_Known = dict[Path, list[Element]]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where elements stand: the names of those around them, the own name last."""

    rooted: bool
    steps: tuple[Step, ...]

    @property
    def tags(self) -> tuple[str, ...]:
        return self.steps[-1].tags

    def holds(self, element: Element) -> bool:
        at: Element | None = element
        for step in reversed(self.steps):
            if at is None or not step.matches(at):
                return False
            at = at.getparent()
        return not self.rooted or at is None


@dataclass(frozen=True, slots=True)
class _Column:
    """One column: the paths of which the first that is there counts, and what of several."""

    name: str
    endings: tuple[Ending, ...]
    join: str | None
    first: bool

    def value(self, base: Element, scope: Objects, known: _Known) -> str:
        """Give the text. Raises Fault."""
        for ending in self.endings:
            texts = ending.texts(base, scope, known)
            if len(texts) == 1 or (texts and self.first):
                return texts[0]
            if texts:
                return self._joined(texts)
        return ""

    def _joined(self, texts: Sequence[str]) -> str:
        if self.join is None:
            raise Fault("xml.several", "several values stand where one is expected", texts[1])
        if any(self.join in text for text in texts):
            raise Fault("xml.join", "a value holds the sign that parts it from others", texts[0])
        return self.join.join(texts)


@dataclass(frozen=True, slots=True)
class _Part:
    """A repeated part: its elements, and its columns."""

    each: tuple[Path, ...]
    columns: tuple[_Column, ...]

    def found(self, base: Element, scope: Objects) -> list[Element]:
        """Give the elements, each once. Raises Fault."""
        found = {id(e): e for path in self.each for e in path.found(base, scope, {})}
        if len(found) > MAX_ROWS_OF_PART:
            raise Fault("xml.too_many", f"over {MAX_ROWS_OF_PART:,} elements of one part")
        return list(found.values())


class XmlReader:
    """Reads one XML file."""

    def __init__(self, path: File, spec: Mapping[str, Any]) -> None:
        self._path = path
        names = Names(spec.get("namespaces", {}))
        reader = PathReader(names)
        self._records = _places(reader, spec["record"])
        self._messages = _places(reader, spec.get("message", []))
        self._columns = _columns(reader, spec["columns"], "")
        self._parts = {
            name: _Part(
                tuple(reader.elements(e) for e in _listed(part["each"])),
                _columns(reader, part["columns"], f"{name}."),
            )
            for name, part in spec.get("parts", {}).items()
        }
        self._chosen, self._chosen_parts = self._columns, self._parts
        self._references = References(names, spec.get("references", {}))
        self._ended = 0
        """Records, or messages, that were read to their ends since the last damage."""
        roots = [s for c in self._columns for e in c.endings for s in e.root]
        self._keep = frozenset(tag for step in roots for tag in step.tags)

    def select(self, names: Collection[str]) -> None:
        """Read these columns alone."""
        self._chosen = tuple(c for c in self._columns if c.name in names)
        self._chosen_parts = {
            name: replace(part, columns=tuple(c for c in part.columns if c.name in names))
            for name, part in self._parts.items()
        }

    def columns(self) -> Columns:
        """Name the columns. Raises Misconfigured if there is no such file, or no such element."""
        self._find_first()
        groups = {name: frozenset(c.name for c in p.columns) for name, p in self._parts.items()}
        return Columns(frozenset(c.name for c in self._columns), groups)

    def as_of(self) -> datetime | None:
        """Give the file's time of change."""
        return textfile.modified(self._path)

    def total_hint(self) -> int | None:
        """Estimate the rows by how often the name of one stands in the file's first megabytes."""
        locals_ = {t.rpartition("}")[2].encode() for p in self._records for t in p.tags}
        try:
            with self._path.open("rb") as file:
                first = file.read(_COUNTED)
            size = self._path.stat().st_size
        except OSError:
            return None
        ends = sum(
            first.count(b"</" + n + b">") + first.count(b":" + n + b">") // 2 for n in locals_
        )
        return ends if size <= len(first) else ends * size // max(1, len(first))

    def rows(self) -> Iterator[Row | BadRow]:
        """Give the rows. What is damaged is one, too, and says from where to where."""
        shared = Shared(self._path, self._references, self._is_record)
        start: Start | None = Start()
        try:
            for number in range(_MOST_DAMAGES):
                self._ended = 0
                stream = XmlStream(self._path, self._tags(), self._keep, start=start or Start())
                start = None
                try:
                    for found in self._whole(stream):
                        if isinstance(found, BadRow):
                            yield found
                        else:
                            yield from self._of_held(found, shared)
                except Damaged as damage:
                    gap = self._gap(damage, stream.start, last=number == _MOST_DAMAGES - 1)
                    yield self._placed(_damaged(damage, gap, stream.held), gap)
                    start = gap.start if gap is not None else None
                if start is None:
                    return
        finally:
            shared.forget()

    def _gap(self, damage: Damaged, start: Start, *, last: bool) -> Gap | None:
        """Find what is damaged, and whether reading can go on behind it."""
        if damage.whole or damage.endless:
            return None
        outer = self._messages or self._records
        names = {t.rpartition("}")[2] for p in outer for t in p.tags}
        # What columns take from the file's root would be missing behind it.
        certain = not self._keep and "*" not in names and not is_wide(self._path)
        return find(self._path, start, names, self._ended, going_on=certain and not last)

    def _tags(self) -> tuple[str, ...]:
        return tuple({t for p in (*self._messages, *self._records) for t in p.tags})

    def _whole(self, stream: XmlStream) -> Iterator[Element | BadRow]:
        """Give each record, or message, as it ends. Raises Damaged."""
        outer = self._messages or self._records
        tags, depth = {t for p in outer for t in p.tags}, 0
        for event in stream.events():
            if event is None:
                continue
            kind, element = event
            if is_named(element, tags):
                depth += 1 if kind == "start" else -1
                self._ended += depth == 0
            if stream.abandoned is not None:
                if kind == "end" and element is stream.abandoned:
                    stream.abandoned = None
                    yield replace(_too_large(element), placed=(self._read(element),))
            elif kind == "start":
                if stream.held is None and any(p.holds(element) for p in outer):
                    stream.hold(element)
                    yield from _stray(element, tags)
            elif stream.held is element:
                stream.hold(None)
                yield element
            elif stream.held is None and self._messages and self._is_record(element):
                text = "it stands outside of a message"
                why = (line_of(element), _raw(element), "xml.outside", text)
                yield BadRow(*why, placed=(self._read(element),))

    def _of_held(self, element: Element, shared: Shared) -> Iterator[Row | BadRow]:
        if not self._messages:
            yield self._row(element, Objects(element, self._references, shared.find))
            return
        objects = Objects(element, self._references, None)
        tags = {t for p in self._records for t in p.tags}
        for one in element.iter(*tags):
            if self._is_record(one) and not any(self._is_record(a) for a in _between(one, element)):
                yield self._row(one, objects)

    def _placed(self, bad: BadRow, gap: Gap | None) -> BadRow:
        """Say of a damaged record what stands before the damage, and so is read for certain."""
        if gap is None or not gap.sure:
            return bad
        parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
        root = etree.fromstring(gap.sure, parser)
        found = [] if root is None else [e for e in root.iter() if self._is_record(e)]
        # Of a message, nobody knows how many records stand behind it.
        several = bool(self._messages) or len(found) != 1
        return replace(bad, placed=tuple(map(self._read, found)), keyless=several)

    def _read(self, element: Element) -> Values:
        """Read what can be of one record: the columns in which something stands."""
        read = self._row(element, Objects(element, self._references, None))
        row = read if isinstance(read, Row) else read.row
        return {} if row is None else {c: value for c, value in row.values.items() if value}

    def _is_record(self, element: Element) -> bool:
        return any(place.holds(element) for place in self._records)

    def _row(self, element: Element, scope: Objects) -> Row | BadRow:
        line, raw = line_of(element), _raw(element)
        values: Values = {}
        groups: dict[str, list[Values]] = {}
        faults: list[tuple[str | None, Fault]] = []
        _fill(values, self._chosen, element, scope, faults)
        for name, part in self._chosen_parts.items():
            groups[name] = []
            try:
                found = part.found(element, scope)
            except Fault as fault:
                faults.append((name, fault))
                continue
            for one in found:
                own: Values = {}
                _fill(own, part.columns, one, scope, faults)
                groups[name].append(own)
        row = Row(line, raw, values, groups)
        if not faults:
            return row
        column, first = faults[0]
        unread = frozenset(name for name, _ in faults if name is not None)
        return BadRow(
            line, raw, first.code, first.text, column, first.value, row=row, unread=unread
        )

    def _find_first(self) -> None:
        """See that the file can be begun, and that its records are not of another namespace."""
        locals_ = {t.rpartition("}")[2] for p in self._records for t in p.tags}
        others: dict[str, None] = {}
        stream = XmlStream(self._path, tuple(f"{{*}}{n}" for n in locals_))
        try:
            for event in stream.events():
                if event is None or event[0] == "end":
                    continue
                if self._is_record(event[1]):
                    return
                if not any(is_named(event[1], p.tags) for p in self._records):
                    others[str(event[1].tag)] = None
        except Damaged:
            return  # rows() says so
        if others:
            wanted = ", ".join(t for p in self._records for t in p.tags)
            found = ", ".join(list(others)[:5])
            text = f"no {wanted} stands in it, but {found}: is the namespace right?"
            raise Misconfigured(f"{self._path.name}: {text}")


_CONTROLS: Final = (
    "control characters stand in it (80 to 9F), as where the file is windows-1252 and says that it "
    'is another: have it say encoding="windows-1252"'
)


def _fill(
    values: Values,
    columns: Sequence[_Column],
    base: Element,
    scope: Objects,
    faults: list[tuple[str | None, Fault]],
) -> None:
    known: _Known = {}
    for column in columns:
        values[column.name] = ""
        try:
            value = column.value(base, scope, known)
        except Fault as fault:
            faults.append((column.name, fault))
            continue
        if textfile.has_controls(value):
            faults.append((column.name, Fault("xml.controls", _CONTROLS, value)))
        else:
            values[column.name] = value


def _columns(reader: PathReader, written: Mapping[str, Any], prefix: str) -> tuple[_Column, ...]:
    found = []
    for name, spec in written.items():
        whole = spec if isinstance(spec, dict) else {"path": spec}
        if "join" in whole and "first" in whole:
            raise Misconfigured(f"column {name}: `join` and `first` exclude each other")
        try:
            endings = tuple(reader.ending(p, within=bool(prefix)) for p in _listed(whole["path"]))
        except Misconfigured as error:
            raise Misconfigured(f"column {prefix}{name}: {error.detail}") from None
        column = _Column(f"{prefix}{name}", endings, whole.get("join"), bool(whole.get("first")))
        found.append(column)
    return tuple(found)


def _places(reader: PathReader, written: str | list[str]) -> tuple[_Place, ...]:
    return tuple(_Place(*reader.around(one)) for one in _listed(written))


def _listed(written: str | list[str]) -> list[str]:
    return [written] if isinstance(written, str) else written


def _between(element: Element, outer: Element) -> Iterator[Element]:
    for around in element.iterancestors():
        if around is outer:
            return
        yield around


def _raw(element: Element) -> str:
    return etree.tostring(element, encoding="unicode", with_tail=False)


def _stray(element: Element, tags: set[str]) -> Iterator[BadRow]:
    """Set aside what stands between the record before and this one, if text does.

    Text beside elements is what is left of a record that lost its tags: nobody can tell of which.
    """
    before = element.getprevious()
    if before is not None and is_named(before, tags) and not (before.tail or "").strip():
        return
    found, told = list[str](), False
    at: Element | None = element
    while at is not None:
        for one in at.itersiblings(preceding=True):
            told = told or bool((one.tail or "").strip())
            if next(one.iter(*tags), None) is not None:
                if told:
                    raw = "".join([one.tail or "", *reversed(found)])[:_KEPT]
                    yield BadRow(line_of(one), raw, "xml.text", _STRAY, keyless=True)
                return
            found.append(etree.tostring(one, encoding="unicode"))
        around = at.getparent()
        if around is not None:
            found.append(f"<{local_name(around)}>{around.text or ''}")
        at = around


def _too_large(element: Element) -> BadRow:
    text = f"it is larger than {MAX_BYTES:,} bytes, or has more than {MAX_SIGNS:,} tags"
    opening, ended, _ = _raw(element).partition(">")
    return BadRow(line_of(element), (opening + ended)[:_SHOWN], "xml.too_large", text)


def _damaged(damage: Damaged, gap: Gap | None, held: Element | None) -> BadRow:
    if damage.whole:
        text = f"all was read, but what is named so here was found by no path: {damage.text}"
        return BadRow(damage.line, "", "xml.namespaces", text)
    if gap is None:
        text = f"the file can't be read from here on, and what follows was not read: {damage.text}"
        raw = "" if held is None else _raw(held)
        return BadRow(damage.line, raw, "xml.damaged", text, rest=True)
    where = f"line {gap.line}, column {gap.column}; bytes {gap.first + 1} to {gap.end} of the file"
    rest = "reading went on at the next record" if gap.start else "what follows was not read"
    text = f"the file is damaged here, and {rest}: {damage.text}"
    raw, rest_unread = gap.raw.decode("utf-8", "replace"), gap.start is None
    return BadRow(gap.line, raw, "xml.damaged", text, None, where, rest=rest_unread)
