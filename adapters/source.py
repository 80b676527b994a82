"""A mapped source: a reader, its joins, and the plans that make records of its rows."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.build import RecordPlan
from adapters.codes import CodeTables
from adapters.compile import FieldCompiler, Target
from adapters.handling import compile_handling
from adapters.joins import FileLookup, Join, joined
from adapters.mapping import MappingFile, placeholders
from adapters.nibrs import codes as standard_codes
from adapters.rows import BadRow, Columns, Reader, Row
from adapters.rules import Fault
from adapters.terms import Terms, terms_of
from gateway.errors import Misconfigured
from gateway.model import Record, SetAside


@dataclass(slots=True)
class Tally:
    """What became of the rows read so far: `read` = `translated` + `aside`, always.

    They count physical rows (of NIBRS: segments). `records` and `set_aside` count what came out:
    an incident of several segments is one record, and a row may give records of several types.
    """

    read: int = 0
    translated: int = 0
    aside: int = 0
    records: int = 0
    set_aside: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """Rows from one reader, and the record types they may become."""

    reader: Reader
    joins: Sequence[Join]
    plans: Sequence[RecordPlan]


class MappedSource:
    """One legacy source as records. Made by `adapters.load`."""

    def __init__(self, mapping: MappingFile, parts: Sequence[Part], terms: Terms) -> None:
        self.name = mapping.source
        self.format: str = mapping.format["type"]
        self.record_types = frozenset(p.record_type for part in parts for p in part.plans)
        self.terms: Mapping[str, frozenset[str]] = terms
        self.tally = Tally()
        self._parts = parts

    def rows(self) -> Iterator[Record | SetAside]:
        """Give every row as a record or set aside, in order. `tally` counts them anew."""
        self.tally = Tally()
        for plan in (p for part in self._parts for p in part.plans):
            plan.kept.clear()
        for part in self._parts:
            try:
                for row in joined(part.reader.rows(), part.joins):
                    yield from self._translated(row, part)
            finally:
                for join in part.joins:
                    if isinstance(join.lookup, FileLookup):
                        join.lookup.forget()

    def kept_raw(self) -> Mapping[str, int]:
        """Count legacy values that were kept beside, as there is no word for them, by path."""
        return sum((p.kept for part in self._parts for p in part.plans), Counter[str]())

    def as_of(self) -> datetime | None:
        """Give the moment that the records are of: that of the oldest part."""
        known = [part.reader.as_of() for part in self._parts]
        for part in self._parts:
            files = (j.lookup for j in part.joins if isinstance(j.lookup, FileLookup))
            known += [lookup.as_of() for lookup in files]
        return None if None in known else min(k for k in known if k is not None)

    def total_hint(self) -> int | None:
        """Say about how many rows there are, or None."""
        hints = [part.reader.total_hint() for part in self._parts]
        return None if None in hints else sum(h for h in hints if h is not None)

    def _translated(self, row: Row | BadRow, part: Part) -> Iterator[Record | SetAside]:
        tally = self.tally
        tally.read += row.span
        if isinstance(row, BadRow):
            tally.aside += row.span
            tally.set_aside += 1
            yield SetAside(self.name, row.line, row.code, row.text, row.raw, row.column, row.value)
            return
        try:
            records = _built(row, part.plans)
        except Fault as fault:
            tally.aside += row.span
            tally.set_aside += 1
            yield SetAside(
                self.name, row.line, fault.code, fault.text, row.raw, fault.column, fault.value
            )
            return
        tally.translated += row.span
        tally.records += len(records)
        yield from records


def _built(row: Row, plans: Sequence[RecordPlan]) -> list[Record]:
    """Make all records of a row, or none: one with a bad half is set aside whole."""
    records = [plan.build(row) for plan in plans if plan.applies(row)]
    if not records:
        raise Fault("row.no_record", "the mapping makes no record of such a row", None, None)
    return records


class Compiler:
    """Compiles the records of a mapping file over the columns that their rows have."""

    def __init__(self, mapping: MappingFile) -> None:
        self.mapping = mapping
        self.tables = CodeTables(mapping.doc, standard_codes())
        self._compiled: list[tuple[list[Target], Any]] = []

    def record(self, number: int, columns: Columns) -> RecordPlan:
        """Compile one record type. Raises Misconfigured with file and line."""
        doc, spec = self.mapping.doc, self.mapping.records[number]
        zone = doc.content.get("zone")
        fields = FieldCompiler(doc, number, columns, self.tables, zone)
        objects = fields.compile()
        place = ("records", number)
        try:
            key = tuple(placeholders(spec["id"]))
        except Misconfigured as error:
            raise doc.wrong(error.detail, *place, "id") from None
        if not key:
            raise doc.wrong("the id names no column: every record would have it", *place, "id")
        for column in key:
            fields.check_column(column, (*place, "id"))
        self._compiled.append((fields.targets, objects))
        return RecordPlan(
            record_type=spec["type"],
            when=fields.conditions(spec.get("when"), (*place, "when")),
            id_template=spec["id"],
            id_columns=key,
            objects=objects,
            handling=compile_handling(doc, number, fields, self.tables),
            kept=fields.kept,
        )

    def terms(self) -> Terms:
        """Give the terms of all records compiled so far."""
        return terms_of(self._compiled)

    def joins(
        self, number: int, own: Columns, lookup: Callable[[str, Mapping[str, Any]], Any]
    ) -> list[Join]:
        """Compile the joins of one record. `lookup` makes what finds the rows of one."""
        doc = self.mapping.doc
        found: list[Join] = []
        parents: dict[str, frozenset[str]] = dict(own.groups)
        plain = set(own.own)
        for name, spec in self.mapping.records[number].get("join", {}).items():
            place = ("records", number, "join", name)
            if name in parents:
                raise doc.wrong(f"{name}: there is a repeated part of that name", *place)
            table = lookup(name, spec)
            theirs = table.columns().own
            if spec["key"] not in theirs:
                raise doc.wrong(f"{spec['key']}: no such column in {name}", *place, "key")
            source = spec["from"]
            parent = next((g for g, c in parents.items() if source in c), None)
            if parent is None and source not in plain:
                raise doc.wrong(f"{source}: no such column", *place, "from")
            many = bool(spec.get("many"))
            if many and parent is not None:
                raise doc.wrong("a repeated part can't have repeated parts", *place, "many")
            checker = FieldCompiler(doc, number, Columns(theirs), self.tables, None)
            when = checker.conditions(spec.get("when"), (*place, "when"))
            required = spec.get("missing") == "set_aside"
            found.append(Join(name, table, source, parent, many, when, required))
            names = frozenset(f"{name}.{c}" for c in theirs)
            if parent is not None:
                parents[parent] |= names
            elif many:
                parents[name] = names
            else:
                plain |= names
        return found
