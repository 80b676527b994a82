"""From a mapping to its source: readers opened, joins made, every record compiled."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NoReturn

from adapters import registry, sql
from adapters.build import RecordPlan
from adapters.joins import FileLookup, Join, join_columns, listed
from adapters.mapping import MappingFile
from adapters.opening import look, narrow, open_reader
from adapters.repeats import Repeat
from adapters.rows import Columns, Reader
from adapters.source import Compiler, MappedSource, Part
from adapters.together import TogetherReader


def load(mapping: MappingFile, compiler: Compiler | None = None) -> MappedSource:
    """Give a mapping's source. Raises Misconfigured, with file and line.

    Where the mapping collects its faults, the source is of use only if there are none.
    """
    compiler = compiler or Compiler(mapping)
    found: MappedSource | None = None
    with mapping.doc.going_on():
        if not mapping.doc.is_broken("format"):
            of_database = mapping.format["type"] == registry.SQL
            found = (sql.load if of_database else _of_file)(mapping, compiler)
    return _without_source(mapping, compiler) if found is None else found


def _without_source(mapping: MappingFile, compiler: Compiler) -> NoReturn:
    """Find what is wrong with records whose rows nobody can see. Raises Misconfigured."""

    def lookup(number: int, name: str, spec: Mapping[str, Any]) -> FileLookup:
        if "format" not in spec:
            raise mapping.doc.passed_over()
        return _joined(mapping, compiler, (number, name), spec)[0]

    mapping.doc.unknown.add("")
    compiler.plans.clear()
    for number in compiler.numbers():
        with mapping.doc.going_on():
            _, columns = compiler.repeats(number, Columns(frozenset()))
            found = compiler.joins(number, columns, partial(lookup, number))
            compiler.record(number, join_columns(columns, found))
    raise mapping.doc.passed_over()


def _of_file(mapping: MappingFile, compiler: Compiler) -> MappedSource:
    first = open_reader(mapping, mapping.format, "format")
    reader = _together(mapping, first, compiler)
    own = look(mapping, reader, "format")
    compiler.columns[""] = own.own
    part = mapping.content.get("together", {}).get("part")
    compiler.columns.update((g, c) for g, c in own.groups.items() if g != part)

    def lookup(number: int, name: str, spec: Mapping[str, Any]) -> FileLookup:
        found, opened = _joined(mapping, compiler, (number, name), spec)
        beside.append((name, opened))
        return found

    beside: list[tuple[str, Reader]] = []
    joins: list[Join] = []
    plans: list[RecordPlan] = []
    repeats: list[Repeat] = []
    for number in compiler.numbers():
        with mapping.doc.going_on():
            for key in ("table", "found_by"):
                if key in mapping.records[number]:
                    raise mapping.doc.wrong(f"`{key}` is for databases", "records", number, key)
        of_rows, columns = compiler.repeats(number, own)
        found = compiler.joins(number, columns, partial(lookup, number))
        with mapping.doc.going_on():
            names = [x.name for x in (*repeats, *joins, *of_rows, *found)]
            if len(names) != len(set(names)):
                raise mapping.doc.wrong("two joins or repeats have one name", "records", number)
        joins += found
        repeats += of_rows
        with mapping.doc.going_on():
            plan = compiler.record(number, join_columns(columns, found), found)
            _own_id(mapping, number, plan, plans)
            plans.append(plan)
    keys = listed(mapping.content.get("together", {}).get("key", []))
    narrow(first, beside, {*compiler.used, *keys})
    part = Part(reader, joins, plans, repeats, mapping.format["path"])
    return MappedSource(mapping, [part], compiler.terms())


def _joined(
    mapping: MappingFile, compiler: Compiler, of: tuple[int, str], spec: Mapping[str, Any]
) -> tuple[FileLookup, Reader]:
    """Open a file that is joined: `of` a record's number, by a name. Raises Misconfigured."""
    number, name = of
    place = ("records", number, "join", name)
    if "format" not in spec or spec["format"]["type"] == registry.SQL:
        raise mapping.doc.wrong(f"{name}: a join needs the `format` of a file", *place)
    reader = open_reader(mapping, spec["format"], *place, "format")
    columns = look(mapping, reader, *place, "format")
    compiler.columns[name] = frozenset(f"{name}.{c}" for c in columns.own)
    return FileLookup(reader, spec, name, mapping.file(spec["format"]["path"]).name), reader


def _own_id(
    mapping: MappingFile, number: int, plan: RecordPlan, before: Sequence[RecordPlan]
) -> None:
    """Refuse a record type that has its id for each row that another one has it for, too."""
    for other in before:
        if other.id_template == plan.id_template and not (other.when and plan.when):
            text = (
                f"{other.record_type} has this id, too, and one of the two has no `when`: a row "
                "would become two records of one id. Put something before the one of them"
            )
            raise mapping.doc.wrong(text, "records", number, "id")


def _together(mapping: MappingFile, reader: Reader, compiler: Compiler) -> Reader:
    spec = mapping.content.get("together")
    if spec is None:
        return reader
    own = look(mapping, reader, "format").own
    for key in listed(spec["key"]):
        if key not in own:
            raise mapping.doc.wrong(f"{key}: no such column", "together", "key")
    return TogetherReader(
        reader, tuple(listed(spec["key"])), spec["part"], lambda: own & compiler.used
    )
