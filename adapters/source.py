"""A mapped source: a reader, its joins, and the plans that make records of its rows."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from adapters.build import Claim, RecordPlan
from adapters.codes import CodeTables
from adapters.compile import FieldCompiler, Target
from adapters.conditions import Condition
from adapters.corrected import Corrections, corrected, said_of, settled
from adapters.document import Document, Place
from adapters.handling import compile_handling
from adapters.joining import JoinCompiler
from adapters.joins import (
    Doubted,
    FileLookup,
    Join,
    Lookup,
    deciding_joins,
    fields_of,
    join_columns,
    joined,
    led_elsewhere,
)
from adapters.mapping import MappingFile, placeholders
from adapters.nibrs import codes as standard_codes
from adapters.opening import code_files
from adapters.repeats import Repeat, compile_repeats, repeated, sources
from adapters.rows import BadRow, Columns, Fault, Reader, Row, Stating, Values
from adapters.terms import Terms, terms_of
from gateway.errors import Misconfigured
from gateway.model import Record, SetAside
from gateway.records.source import Correction, Origin, Said, row_key

_NAMED: Final = 5
"""Lines that a reason names, of rows that may be any record's."""

_NO_ROW: Final = (
    "{0}: `handling` or `when` reads it, so say what a row means that finds none there: "
    "`missing: set_aside`, or `missing: blank`, if that nothing stands there means that there is "
    "no flag"
)


@dataclass(slots=True)
class Tally:
    """What became of the rows read so far: `read` = `translated` + `aside`, always.

    They count physical rows (of NIBRS: segments), and of joined files and tables those that can't
    be read or have no key: the others are part of the rows that they are joined to. `records` and
    `set_aside` count what came out: an incident of several segments is one record, and a row may
    give records of several types.
    """

    read: int = 0
    translated: int = 0
    aside: int = 0
    records: int = 0
    set_aside: int = 0


class Keyless:
    """Rows that could not be read and may be any record's: how many, and where the first stand."""

    def __init__(self) -> None:
        self.count = 0
        self._lines: list[str] = []
        self._why = ""

    def add(self, bad: BadRow) -> None:
        """Take one more."""
        self.count += 1
        self._why = self._why or bad.text
        if len(self._lines) < _NAMED:
            self._lines.append(f"{bad.line:,}")

    def __str__(self) -> str:
        """Name the lines, and say why the first is one; "" if there is none."""
        if not self.count:
            return ""
        more = f" and {self.count - _NAMED:,} more" if self.count > _NAMED else ""
        lines = f"{'line' if self.count == 1 else 'lines'} {', '.join(self._lines)}{more}"
        return f"{lines}: {self._why}; nobody can say which record it is of"


class PassedOver(NamedTuple):
    """Rows that are passed over though each may be any record's: how many, and where they stand."""

    rows: int
    where: str


@dataclass(frozen=True, slots=True)
class Part:
    """Rows from one reader, and the record types they may become."""

    reader: Reader
    joins: Sequence[Join]
    plans: Sequence[RecordPlan]
    repeats: Sequence[Repeat] = ()

    what: str = ""
    """The file or table that is read."""

    @property
    def deciding(self) -> frozenset[str]:
        """All columns by which it is decided what rows become, and who may see them."""
        return frozenset(c for plan in self.plans for c in plan.deciding)

    def whole(
        self, rows: Iterable[Row | BadRow], doubted: Doubted | None = None
    ) -> Iterable[Row | BadRow]:
        """Give rows with what repeats in them and what is joined to them."""
        return joined(repeated(rows, self.repeats), self.joins, self.deciding, doubted)

    @property
    def lookups(self) -> list[Lookup]:
        """The files and tables that are joined."""
        return [join.lookup for join in self.joins]


class MappedSource:
    """One legacy source as records. Made by `adapters.load`."""

    def __init__(
        self,
        mapping: MappingFile,
        parts: Sequence[Part],
        terms: Terms,
        around: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """Take the parts. `around` holds while rows are read: all of them as of one moment."""
        self.name = mapping.source
        self.format: str = mapping.format["type"]
        self.record_types = frozenset(p.record_type for part in parts for p in part.plans)
        self.terms: Mapping[str, frozenset[str]] = terms
        self.tally = Tally()
        self._rest: str | None = None
        self._keyless = Keyless()
        # A search goes on without asking anybody, and no log would tell.
        live = mapping.format.get("mode") == "live"
        self._most_unread: int = 0 if live else mapping.content.get("max_unread", 0)
        self._doubted = Doubted()
        self.joined: dict[str, int] = {}
        """The rows of joined files and tables, by their names, once the rows were given."""
        self.held: dict[str, Said] = {}
        """The corrections that held for a row, by its key, with what the source says of that row.

        Whole once the rows were given. The others' rows are gone, or the source says otherwise now.
        """
        self._parts = parts
        self._last: tuple[Row | BadRow, Part] | None = None
        self._around = around
        self._origin: Origin | None = None

    def rows(
        self, corrections: Mapping[str, Correction] = MappingProxyType({})
    ) -> Iterator[Record | SetAside]:
        """Give every row as a record or set aside, in order. `tally` counts them anew.

        `corrections`, by the keys of rows (`row_key`), stand in for what the source says, as long
        as it says what it said when they were made: see `held`.
        """
        self.tally, self._rest, self._keyless = Tally(), None, Keyless()
        self._doubted = Doubted(self._most_unread)
        self.held, self.joined = {}, {}
        for plan in (p for part in self._parts for p in part.plans):
            plan.kept.clear()
        told: dict[str, set[str]] = {}
        with self._around():
            for part in self._parts:
                try:
                    for join in part.joins:
                        join.lookup.correct(self._of_join(join, part.deciding, corrections))
                    of_rows = self._of_rows(part, corrections)
                    read = corrected(part.reader.rows(), of_rows)
                    for row in part.whole(read, self._doubted):
                        for one in _settled(row, part, of_rows, self._doubted):
                            if isinstance(one, BadRow) and _keyless(one, part.plans):
                                self._keyless.add(one)
                            yield from self._translated(one, part)
                    for bad in self._unread(part, told):
                        yield from self._translated(bad, part)
                    self.joined |= {lookup.what: lookup.count() for lookup in part.lookups}
                finally:
                    for plan in part.plans:
                        plan.forget()
                    for lookup in part.lookups:
                        lookup.forget()

    def _unread(self, part: Part, told: dict[str, set[str]]) -> Iterator[BadRow]:
        """Give the joined rows that can't be read: of a file or table joined twice, once."""
        every = Counter(lookup.what for one in self._parts for lookup in one.lookups)
        for lookup in part.lookups:
            before, new = told.setdefault(lookup.what, set()), set[str]()
            for bad in lookup.unread():
                key = row_key(bad.raw) if every[lookup.what] > 1 else ""
                if not key or key not in before:
                    yield bad
                    new.add(key)
            before |= new

    def _of_join(
        self, join: Join, deciding: Collection[str], corrections: Mapping[str, Correction]
    ) -> Corrections:
        """Give what persons have said of a join's rows; of a table joined twice, by either name."""
        if not corrections:
            return Corrections()
        what, columns, prefix = join.lookup.what, join.lookup.columns(), f"{join.name}."
        named = {j.name for part in self._parts for j in part.joins if j.lookup.what == what}
        own = {c.removeprefix(prefix) for c in deciding if c.startswith(prefix)}
        return Corrections(
            corrections,
            Columns(columns.own),
            {f"{name}.{c}": c for name in named for c in columns.own},
            lambda _: {*own, *join.lookup.key},
            {c for p in self._parts if p.what == what for c in _own_names(p)},
            joined=True,
            held=self.held,
        )

    def _of_rows(self, part: Part, corrections: Mapping[str, Correction]) -> Corrections:
        """Give what persons have said of the rows themselves."""
        if not corrections:
            return Corrections()
        itself = [join for join in part.joins if join.lookup.what == part.what]
        return Corrections(
            corrections,
            part.reader.columns(),
            {name: name for name in _own_names(part)},
            partial(_deciding, part),
            {f"{join.name}.{c}" for join in itself for c in join.lookup.columns().own},
            held=self.held,
        )

    def noted(self, fields: Mapping[str, Any] | None, correction: Correction) -> Correction:
        """Give a correction with what the source said; `fields` as the row set aside has them."""
        deciding = {c for part in self._parts for c in part.deciding}
        said = said_of(fields, correction, deciding, self.led_elsewhere(correction))
        return replace(correction, said=said)

    def led_elsewhere(self, correction: Correction) -> frozenset[str]:
        """Name the joins that lead to other rows once a row is corrected."""
        changed = (*correction.values, *correction.groups)
        return frozenset(n for part in self._parts for n in led_elsewhere(part.joins, changed))

    @property
    def unread(self) -> str | None:
        """Where something could not be read of which nobody knows what it is, and why.

        It is the rest of a file, or rows that may be any record's. It is known once the rows were
        given; None: there is none.
        """
        return self._rest or (None if self._few else str(self._keyless)) or None

    @property
    def _few(self) -> bool:
        return self._keyless.count <= self._most_unread

    @property
    def passed_over(self) -> PassedOver | None:
        """What was passed over of which nobody knows whose it is, as `max_unread` lets."""
        own = {str(self._keyless): self._keyless.count} if self._few else {}
        found = {where: count for where, count in (own | self._doubted.passed).items() if count}
        return PassedOver(sum(found.values()), "; ".join(found)) if found else None

    @property
    def held_back(self) -> str | None:
        """How many rows are held back by which joined ones, as these may belong to any."""
        said = [
            f"{count:,} {'row is' if count == 1 else 'rows are'} held back, since nobody can tell "
            f"whose this is, nor who may see them: {where}"
            for where, count in self._doubted.held.items()
        ]
        return "; ".join(said) or None

    @property
    def columns(self) -> frozenset[str]:
        """The columns that a row has by itself or through a join, and those of joined files.

        Those of other repeated parts lack.
        """
        found = frozenset[str]()
        for part in self._parts:
            found |= join_columns(part.reader.columns(), part.joins).own
            for join in part.joins:
                found |= {f"{join.name}.{c}" for c in join.lookup.columns().own}
        return found

    def stated(self) -> tuple[str, ...]:
        """Say what was found out about the files, as their mapping leaves it open."""
        found: dict[str, None] = {}
        for part in self._parts:
            if isinstance(part.reader, Stating):
                found |= dict.fromkeys(part.reader.stated())
            for lookup in part.lookups:
                if isinstance(lookup, FileLookup):
                    found |= dict.fromkeys(lookup.stated())
        return tuple(found)

    def origin(self) -> Origin | None:
        """Give the legacy row that the last of `rows` was made of."""
        if self._origin is None and self._last is not None:
            row, part = self._last
            self._origin = Origin(
                *(row.line, row.raw, row.span),
                partial(_fields, row, part),
                corrected=isinstance(row, Row) and row.correction is not None,
                key=_key(row),
            )
        return self._origin

    def kept_raw(self) -> Mapping[str, int]:
        """Count legacy values that were kept beside, as there is no word for them, by path."""
        return sum((p.kept for part in self._parts for p in part.plans), Counter[str]())

    def as_of(self) -> datetime | None:
        """Give the moment that the records are of: that of the oldest part."""
        known = self._moments()
        return None if None in known else min(k for k in known if k is not None)

    def at_latest(self) -> datetime | None:
        """Give a moment that the records are no younger than, also where a part tells none."""
        return min((k for k in self._moments() if k is not None), default=None)

    def _moments(self) -> list[datetime | None]:
        known = [part.reader.as_of() for part in self._parts]
        for part in self._parts:
            known += [x.as_of() for x in part.lookups if isinstance(x, FileLookup)]
        return known

    def total_hint(self) -> int | None:
        """Say about how many rows there are, or None."""
        hints = [part.reader.total_hint() for part in self._parts]
        return None if None in hints else sum(h for h in hints if h is not None)

    def _translated(self, row: Row | BadRow, part: Part) -> Sequence[Record | SetAside]:
        tally = self.tally
        tally.read += row.span
        self._origin, self._last = None, (row, part)
        if isinstance(row, BadRow):
            tally.aside += row.span
            tally.set_aside += 1
            if row.rest and self._rest is None:
                self._rest = f"from line {row.line:,} on: {row.text}"
            aside = SetAside(
                *(self.name, row.line, row.code, row.text, row.raw),
                *(row.column, row.value, _fields(row, part), claims_of(row, part.plans), _key(row)),
            )
            return (aside,)
        try:
            records = _built(row, part.plans)
        except Fault as fault:
            tally.aside += row.span
            tally.set_aside += 1
            aside = SetAside(
                *(self.name, row.line, fault.code, fault.text, row.raw),
                *(fault.column, fault.value, _fields(row, part)),
                *(claims_of(row, part.plans), row.key),
            )
            return (aside,)
        tally.translated += row.span
        tally.records += len(records)
        return records


def _own_names(part: Part) -> Iterator[str]:
    """Name the columns that a row has alone, by itself or through a join."""
    yield from part.reader.columns().own
    for join in part.joins:
        if join.parent is None and not join.many:
            yield from (f"{join.name}.{c}" for c in join.lookup.columns().own)


def _settled(
    row: Row | BadRow, part: Part, corrections: Corrections, doubted: Doubted
) -> Iterable[Row | BadRow]:
    """Give a row as it was corrected, or as its source has it where that says otherwise now."""
    if isinstance(row, Row) and row.uncorrected is not None:
        if not settled(row, corrections, part.deciding):
            return part.whole([row.uncorrected], doubted)
    elif isinstance(row, BadRow) and row.row is not None and row.row.correction is not None:
        # What it leads to could not be joined: nobody sees it, and nothing tells against it.
        corrections.hold(row, row.row.correction.said)
    return (row,)


def _fields(row: Row | BadRow, part: Part) -> dict[str, Any] | None:
    """Give a row as a person may correct it; what is repeated in it is read off its columns."""
    found = fields_of(row, part.joins)
    derived = {repeat.name for repeat in part.repeats}
    return found and {k: v for k, v in found.items() if k not in derived}


def _key(row: Row | BadRow) -> str | None:
    read = row if isinstance(row, Row) else row.row
    return None if read is None else read.key


def _deciding(part: Part, said: Values) -> set[str]:
    """Name the columns that decide who may see what becomes of a row, of which these are said.

    Which records it becomes hangs on columns too: while those are not said, it may be any.
    """
    own = part.reader.columns().own
    found: set[str] = set()
    for plan in part.plans:
        unsaid = {c for one in plan.when for c in one.columns if c in own and c not in said}
        if unsaid:
            found |= unsaid
        elif plan.may_be(said):
            found |= plan.handling_columns
    return found


def claims_of(row: Row | BadRow, plans: Sequence[RecordPlan]) -> tuple[Claim, ...]:
    """Give the ids of the records that a row would be: it may be sealed, and another one open."""
    if isinstance(row, Row):
        found = [plan.claim(row) for plan in plans]
    else:
        read = [row.row] if row.row is not None else [Row(row.line, "", p) for p in row.placed]
        found = [plan.claim(one, row.unread) for plan in plans for one in read]
    return tuple(dict.fromkeys(claim for claim in found if claim is not None))


def _keyless(bad: BadRow, plans: Sequence[RecordPlan]) -> bool:
    """Whether nobody can say which records a row may be of that could not be read."""
    if bad.no_record or bad.rest:
        return False
    return bad.keyless or not all(bad.keys(plan.id_columns) for plan in plans)


def _built(row: Row, plans: Sequence[RecordPlan]) -> list[Record]:
    """Make all records of a row, or none: one with a bad half is set aside whole."""
    records = [plan.build(row) for plan in plans if plan.applies(row)]
    if not records:
        raise Fault("row.no_record", "the mapping makes no record of such a row", None, None)
    return records


def _id_columns(
    doc: Document, written: str, fields: FieldCompiler, place: Place
) -> tuple[str, ...]:
    try:
        key = tuple(placeholders(written))
    except Misconfigured as error:
        raise doc.wrong(error.detail, *place) from None
    if not key:
        raise doc.wrong("the id names no column: every record would have it", *place)
    for column in key:
        fields.check_column(column, place)
    return key


class Compiler:
    """Compiles the records of a mapping file over the columns that their rows have."""

    def __init__(self, mapping: MappingFile, *, watch: bool = False) -> None:
        self.mapping = mapping
        self.tables = CodeTables(mapping.doc, standard_codes(), code_files(mapping), watch=watch)
        self.columns: dict[str, frozenset[str]] = {}
        """All columns there are, by the part that they stand in; "" is the row itself."""
        self.used: set[str] = set()
        """The columns that the mapping names, as `COLUMN` or `join.COLUMN`."""
        self._repeats: dict[int, Mapping[str, frozenset[str]]] = {}
        """The columns that a record's repeated parts are read off, by number and part."""
        self.plans: list[tuple[int, RecordPlan, Sequence[Target]]] = []
        """What was compiled: the record's number, its plan, and the paths that it fills."""

    def numbers(self) -> Iterator[int]:
        """Give the records' numbers; of one that is none, its fault is reported."""
        for number, spec in enumerate(self.mapping.records):
            if isinstance(spec, dict):
                yield number

    def record(self, number: int, columns: Columns, joins: Sequence[Join] = ()) -> RecordPlan:
        """Compile one record type. Raises Misconfigured with file and line.

        `joins` are those that its rows have: one that decides must say what finding no row means.
        """
        doc, spec = self.mapping.doc, self.mapping.records[number]
        fields = FieldCompiler(doc, number, columns, self.tables, self.used)
        objects = fields.compile()
        place = ("records", number)
        key: tuple[str, ...] = ()
        when: tuple[Condition, ...] = ()
        with doc.going_on():
            key = _id_columns(doc, spec["id"], fields, (*place, "id"))
        if not doc.is_broken(*place, "when"):
            when = fields.conditions(spec.get("when"), (*place, "when"))
        facts: set[str] = set()
        of_facts = FieldCompiler(doc, number, columns, self.tables, facts)
        handling = compile_handling(doc, number, of_facts, self.tables)
        self.used |= facts
        derived = self._repeats.get(number, {})
        for name in handling.groups & derived.keys():
            facts |= derived[name]
        read = handling.groups - derived.keys() - {join.name for join in joins}
        in_parts = {n for n in facts if n.partition(".")[0] in read}
        plan = RecordPlan(
            record_type=str(spec.get("type", "")),
            when=when,
            id_template=str(spec.get("id", "")),
            id_columns=key,
            objects=objects,
            handling=handling,
            handling_columns=frozenset({n for n in facts & columns.own if "." not in n} | in_parts),
            deciding=frozenset(
                {*facts, *handling.groups, *(c for one in when for c in one.columns)}
            ),
            kept=fields.kept,
        )
        self.plans.append((number, plan, fields.targets))
        for name in sorted(deciding_joins(joins, plan.deciding)):
            if "missing" not in spec.get("join", {}).get(name, {"missing": None}):
                with doc.going_on():
                    raise doc.wrong(_NO_ROW.format(name), *place, "join", name)
        return plan

    def repeats(self, number: int, own: Columns) -> tuple[list[Repeat], Columns]:
        """Compile what repeats within the rows of one record, and give the columns with it."""
        made, columns = compile_repeats(self.mapping.doc, number, own, self.used)
        self._repeats[number] = {one.name: frozenset(sources(one)) for one in made}
        return made, columns

    def terms(self) -> Terms:
        """Give the terms of all records compiled so far."""
        return terms_of((targets, plan.objects) for _, plan, targets in self.plans)

    def joins(
        self, number: int, own: Columns, lookup: Callable[[str, Mapping[str, Any]], Any]
    ) -> list[Join]:
        """Compile the joins of one record. `lookup` makes what finds the rows of one."""
        compiler = JoinCompiler(self.mapping.doc, number, own, self.tables, self.used)
        return compiler.compile(lookup)
