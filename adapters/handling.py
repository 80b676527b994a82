"""The facts by which policy decides on a record, and whom to ask: from flags or stated outright.

Where a flag can't be read nobody can say who may see the row: it is set aside, always.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.codes import CodeTable, CodeTables
from adapters.compile import FieldCompiler
from adapters.document import Document
from adapters.rules import Fault
from gateway.model import Contact, Fact, Handling

ReadFact = Callable[[Mapping[str, str]], Fact]


@dataclass(frozen=True, slots=True)
class HandlingPlan:
    """Reads a row's facts and contact."""

    constants: Mapping[str, Fact]
    facts: Mapping[str, ReadFact]
    known: dict[tuple[Fact, ...], Handling]
    contact: Callable[[Mapping[str, str]], Contact | None]

    def handling(self, row: Mapping[str, str]) -> Handling:
        """Give the facts. Raises Fault."""
        found = tuple(read(row) for read in self.facts.values())
        if found not in self.known:
            read_facts = dict(zip(self.facts, found, strict=True))
            self.known[found] = Handling.of({**self.constants, **read_facts})
        return self.known[found]


def compile_handling(
    doc: Document, record: int, fields: FieldCompiler, tables: CodeTables
) -> HandlingPlan:
    """Compile `handling` and `contact` of one record. Raises Misconfigured with file and line."""
    spec = doc.content["records"][record]
    place = ("records", record, "handling")
    constants: dict[str, Fact] = {}
    facts: dict[str, ReadFact] = {}
    for name, written in spec["handling"].items():
        if not isinstance(written, dict):
            constants[name] = written
            continue
        columns = written.get("columns", [written["column"]] if "column" in written else [])
        if not columns:
            raise doc.wrong(f"{name}: say which column tells it", *place, name)
        for column in columns:
            fields.check_column(column, (*place, name))
        table = tables.find(written["codes"], *place, name)
        order = written.get("strictest")
        if len(columns) > 1 and order is None:
            raise doc.wrong(f"{name}: several columns need `strictest`", *place, name)
        words = {w for w in (*table.words.values(), written.get("blank")) if w is not None}
        if order is not None and (unknown := words - set(order)):
            text = f"{name}: `strictest` does not rank {', '.join(map(str, sorted(unknown)))}"
            raise doc.wrong(text, *place, name)
        facts[name] = _fact(columns, table, written.get("blank"), order)
    return HandlingPlan(constants, facts, {}, _contact(doc, record, fields))


def _fact(
    columns: list[str], table: CodeTable, blank: Fact | None, order: list[Fact] | None
) -> ReadFact:
    def one(column: str, row: Mapping[str, str]) -> Fact:
        code = row.get(column, "")
        if not code:
            if blank is None:
                raise Fault("handling.missing", "nobody may see a row without it", column, "")
            return blank
        word = table.words.get(code)
        if word is None:
            raise Fault(
                "handling.unknown",
                "no table says who may see a record with this code",
                column,
                code,
            )
        return word

    if order is None:
        column = columns[0]
        return lambda row: one(column, row)
    return lambda row: max((one(c, row) for c in columns), key=order.index)


def _contact(
    doc: Document, record: int, fields: FieldCompiler
) -> Callable[[Mapping[str, str]], Contact | None]:
    spec: dict[str, Any] | None = doc.content["records"][record].get("contact")
    if spec is None:
        return lambda _: None
    usual = Contact(spec["unit"], spec["phone"])
    column = spec.get("phone_column")
    if column is None:
        return lambda _: usual
    fields.check_column(column, ("records", record, "contact"))

    def contact(row: Mapping[str, str]) -> Contact:
        phone = row.get(column, "")
        return Contact(usual.unit, phone) if phone else usual

    return contact
