"""The facts by which policy decides on a record, and whom to ask: from flags or stated outright.

Where a flag can't be read nobody can say who may see the row: it is set aside, always.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

from adapters.codes import CodeTable, CodeTables
from adapters.compile import FieldCompiler
from adapters.conditions import Condition, all_hold
from adapters.dates import DateReader
from adapters.document import Document, Place
from adapters.mapping import yes_or_no
from adapters.rows import Fault, Row, Values
from gateway.errors import Untranslatable
from gateway.model import Contact, Fact, Handling

Groups: TypeAlias = Mapping[str, Sequence[Values]]
ReadFact: TypeAlias = Callable[[Mapping[str, str], Groups], Fact]
"""Reads a fact off a row's columns and its repeated parts."""
ReadContact: TypeAlias = Callable[[Mapping[str, str]], Contact | None]

_LONGEST = 256
"""What the protocol lets a contact's text have."""


@dataclass(frozen=True, slots=True)
class HandlingPlan:
    """Reads a row's facts and contact."""

    constants: Mapping[str, Fact]
    facts: Mapping[str, ReadFact]
    known: dict[tuple[Fact, ...], Handling]
    contact: ReadContact
    words: Mapping[str, frozenset[Fact]]
    """What each fact may be."""
    groups: frozenset[str] = frozenset()
    """The repeated parts that some fact is read from."""

    def handling(self, row: Row) -> Handling:
        """Give the facts. Raises Fault."""
        values, groups = row.values, row.groups
        found = tuple([read(values, groups) for read in self.facts.values()]) if self.facts else ()
        known = self.known.get(found)
        if known is None:
            read_facts = dict(zip(self.facts, found, strict=True))
            known = self.known[found] = Handling.of({**self.constants, **read_facts})
        return known


def compile_handling(
    doc: Document, record: int, fields: FieldCompiler, tables: CodeTables
) -> HandlingPlan:
    """Compile `handling` and `contact` of one record. Raises Misconfigured with file and line."""
    spec = doc.content["records"][record]
    place = ("records", record, "handling")
    constants: dict[str, Fact] = {}
    facts: dict[str, ReadFact] = {}
    words: dict[str, set[Fact]] = {}
    flags = _Flags(doc, fields, tables)
    with doc.going_on():
        for name, written in spec["handling"].items():
            if doc.is_broken(*place, name):
                continue
            if not isinstance(written, dict):
                constants[name] = written
            else:
                with doc.going_on():
                    flags.said.clear()
                    facts[name], words[name] = flags.fact(name, written, (*place, name))
                    _check_kind(doc, name, flags.said)
    contact: ReadContact = _no_contact
    if "contact" in spec and not doc.is_broken("records", record, "contact"):
        with doc.going_on():
            contact = _contact(spec["contact"], fields, ("records", record, "contact"))
    every = {**{k: frozenset({v}) for k, v in constants.items()}, **words}
    of_each = {k: frozenset(v) for k, v in every.items()}
    return HandlingPlan(constants, facts, {}, contact, of_each, frozenset(flags.groups))


def _check_kind(doc: Document, name: str, said: Sequence[tuple[Fact, Place]]) -> None:
    """Refuse a fact that is true or false, or something else: one of them is a slip."""
    others = {fact: place for fact, place in reversed(said) if not isinstance(fact, bool)}
    if others and (name in yes_or_no() or any(isinstance(fact, bool) for fact, _ in said)):
        listed = ", ".join(sorted(map(str, others)))
        text = (
            f"{name} is true or false, and neither is {listed}: write true or false, without quotes"
        )
        # The first as it stands in the file.
        raise doc.wrong(text, *min(others.values(), key=lambda place: doc.line(*place)))


_SOME_DAY: Final = frozenset("12345678")
"""Digits that each day's number has one of: noughts and nines alone stand for none."""


@dataclass(frozen=True, slots=True)
class _Flags:
    """Compiles the ways in which a fact may be told."""

    doc: Document
    fields: FieldCompiler
    tables: CodeTables
    groups: set[str] = field(default_factory=set)
    said: list[tuple[Fact, Place]] = field(default_factory=list)
    """What the fact that is compiled may be, and where the mapping says so."""

    def fact(self, name: str, spec: Mapping[str, Any], place: Place) -> tuple[ReadFact, set[Fact]]:
        """Give what reads a fact, and the words that it may give."""
        if "each" in spec:
            return self._each(name, spec, place)
        if "cases" in spec and (found := sorted({"blank", "strictest"} & spec.keys())):
            text = f"{', '.join(found)} does nothing here: it goes with `each`"
            raise self.doc.wrong(text, *place, found[0])
        return self._one(name, spec, place, None)

    def _one(
        self, name: str, spec: Mapping[str, Any], place: Place, part: str | None
    ) -> tuple[ReadFact, set[Fact]]:
        """Read a fact off one row: of a repeated part, if one is named."""
        if "of" in spec:
            return self._of(name, spec, place)
        if "cases" in spec:
            return self._cases(spec["cases"], place, part)
        if "under" in spec:
            return self._under(spec, place, part)
        if "date" in spec:
            if name in yes_or_no():
                text = f"{name}: it is true or false, and no day: see `cases` and `under`"
                raise self.doc.wrong(text, *place, "date")
            return self._day(spec, place, part)
        return self._codes(name, spec, place, part)

    def _each(self, name: str, spec: Mapping[str, Any], place: Place) -> tuple[ReadFact, set[Fact]]:
        """Read a fact off every row of a repeated part: the strictest counts."""
        part: str = spec["each"]
        self.fields.check_part(part, place)
        self.groups.add(part)
        read, words = self._one(name, spec, place, part)
        none = self._blank(spec, place)
        words = words if none is None else {*words, none}
        order: list[Fact] = spec["strictest"]
        self._ranked(name, words, order, place)

        def strictest(row: Mapping[str, str], groups: Groups) -> Fact:
            rows = groups.get(part)
            if rows:
                return max([read({**row, **one}, groups) for one in rows], key=order.index)
            if none is None:
                text = f"nobody may see a row without one of {part}"
                raise Fault("handling.missing", text, part, "")
            return none

        return strictest, words

    def _of(self, name: str, spec: Mapping[str, Any], place: Place) -> tuple[ReadFact, set[Fact]]:
        parts = [self.fact(name, s, (*place, "of", n)) for n, s in enumerate(spec["of"])]
        if not all(found for _, found in parts):
            raise self.doc.wrong("`strictest` can't rank days", *place, "strictest")
        words = {w for _, found in parts for w in found}
        order: list[Fact] = spec["strictest"]
        self._ranked(name, words, order, place)
        reads = [read for read, _ in parts]
        return (
            lambda row, groups: max([read(row, groups) for read in reads], key=order.index),
            words,
        )

    def _cases(
        self, cases: list[Mapping[str, Any]], place: Place, part: str | None
    ) -> tuple[ReadFact, set[Fact]]:
        """Read a fact by conditions: the first case that holds. None: nobody can say."""
        compiled: list[tuple[tuple[Condition, ...], Fact]] = [
            (self.fields.conditions(case["when"], (*place, "cases", n), part), case["is"])
            for n, case in enumerate(cases)
        ]
        self.said.extend((c["is"], (*place, "cases", n, "is")) for n, c in enumerate(cases))

        def read(row: Mapping[str, str], _: Groups) -> Fact:
            for when, fact in compiled:
                if all_hold(when, row):
                    return fact
            text = "none of the cases says who may see a record like this"
            raise Fault("handling.unknown", text, None, None)

        return read, {fact for _, fact in compiled}

    def _under(
        self, spec: Mapping[str, Any], place: Place, part: str | None
    ) -> tuple[ReadFact, set[Fact]]:
        """Read whether somebody was under an age on a day, from two columns with dates."""
        for column in (spec["born"], spec["on"]):
            self.fields.check_column(column, place, part)
        reader = self.fields.dates(spec, place)
        on = self.fields.dates(spec, place, spec.get("on_date"))
        blank = self._blank(spec, place)
        self.said.append((True, place))
        years: int = spec["under"]

        def read(row: Mapping[str, str], _: Groups) -> Fact:
            born, day = self._known(row, spec["born"]), self._known(row, spec["on"])
            if not (born and day) and blank is not None:
                return blank
            one, other = _day(reader, spec["born"], born), _day(on, spec["on"], day)
            return _age(one, other) < years

        return read, {True, False}

    def _day(
        self, spec: Mapping[str, Any], place: Place, part: str | None
    ) -> tuple[ReadFact, set[Fact]]:
        """Read a day, as `2026-05-01`. It is no word of a list."""
        if "strictest" in spec:
            raise self.doc.wrong("`strictest` can't rank days", *place, "strictest")
        column: str = spec["column"]
        self.fields.check_column(column, place, part)
        reader = self.fields.dates(spec, place)
        blank: Fact | None = spec.get("blank")

        def read(row: Mapping[str, str], _: Groups) -> Fact:
            text = self._known(row, column)
            if not text and blank is not None:
                return blank
            return _day(reader, column, text).date().isoformat()

        return read, set()

    def _known(self, row: Mapping[str, str], column: str) -> str:
        """Give what stands in a column of days; nothing where it means not known in all columns."""
        text = row.get(column, "")
        return "" if text in self.fields.blank else text

    def _codes(
        self, name: str, spec: Mapping[str, Any], place: Place, part: str | None
    ) -> tuple[ReadFact, set[Fact]]:
        columns: list[str] = spec.get("columns", [spec["column"]] if "column" in spec else [])
        if not columns or "codes" not in spec:
            raise self.doc.wrong(f"{name}: say which column tells it, and by which codes", *place)
        for column in columns:
            self.fields.check_column(column, place, part)
        table = self.tables.find(spec["codes"], *place)
        order = spec.get("strictest")
        blank = self._blank(spec, place)
        for code, word in table.words.items():
            if word is not None:
                self.said.append((word, self.tables.place(spec["codes"], code, *place, "codes")))
        for code in sorted(table.wordless):
            at = self.tables.place(spec["codes"], code, *place, "codes")
            if at != (*place, "codes"):  # nobody writes so by intention; in a file it is a blank
                text = f"{name}: {code}: no raw value can be kept of a flag: give its word, or none"
                raise self.doc.wrong(f"{text}: then such rows are set aside", *at)
        words = {w for w in (*table.words.values(), blank) if w is not None}
        if order is None:
            if len(columns) > 1:
                raise self.doc.wrong(f"{name}: several columns need `strictest`", *place)
            return lambda row, _: _word(columns[0], row, table, blank), words
        self._ranked(name, words, order, place)
        return (
            lambda row, _: max([_word(c, row, table, blank) for c in columns], key=order.index),
            words,
        )

    def _blank(self, spec: Mapping[str, Any], place: Place) -> Fact | None:
        """Give what a blank means, if that is said."""
        blank: Fact | None = spec.get("blank")
        if blank is not None:
            self.said.append((blank, (*place, "blank")))
        return blank

    def _ranked(self, name: str, words: set[Fact], order: list[Fact], place: Place) -> None:
        if unknown := words - set(order):
            text = f"{name}: `strictest` does not rank {', '.join(sorted(map(str, unknown)))}"
            raise self.doc.wrong(text, *place)


def _word(column: str, row: Mapping[str, str], table: CodeTable, blank: Fact | None) -> Fact:
    code = row.get(column, "")
    if not code:
        if blank is None:
            raise Fault("handling.missing", "nobody may see a row without it", column, "")
        return blank
    word = table.find(code)
    if word is None:
        known = code in table.words or code in table.wordless
        text = (
            "its table has no word for this code, so nobody can say who may see the record"
            if known
            else "no table says who may see a record with this code"
        )
        raise Fault("handling.unknown", text, column, code)
    return word


def _day(reader: DateReader, column: str, text: str) -> datetime:
    if not text:
        raise Fault("handling.missing", "nobody may see a row without it", column, "")
    try:
        return reader.read(text).at
    except Untranslatable as error:
        detail = error.detail
        if not _SOME_DAY & set(text):
            detail += ". If it means not known, name it under `blank` at the top of the mapping"
        raise Fault(error.code, detail, column, text) from None


def _age(born: datetime, on: datetime) -> int:
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def _no_contact(_: Mapping[str, str]) -> Contact | None:
    return None


def _shown(text: str) -> str:
    """Give what of a text people read: a caller's number must not be shown turned round."""
    return "".join(c for c in text if c.isprintable()).strip()[:_LONGEST]


def _contact(spec: Mapping[str, Any], fields: FieldCompiler, place: Place) -> ReadContact:
    usual = Contact(_shown(spec["unit"]), _shown(spec["phone"]))
    column = spec.get("phone_column")
    if column is None:
        return lambda _: usual
    fields.check_column(column, place)

    def contact(row: Mapping[str, str]) -> Contact:
        phone = _shown(row.get(column, ""))
        return Contact(usual.unit, phone) if phone else usual

    return contact
