"""Drafts of databases: one table's rows become records, and what belongs to them is joined.

The database says of itself how its tables belong together (foreign keys); where it does not, the
values of keys tell, and the draft says that this is a guess.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from adapters.draft import draft, look_at
from adapters.draft_joins import find_join
from adapters.draft_text import JoinDraft
from adapters.profile import Profile
from adapters.tables import Database, TableReader
from gateway.errors import Misconfigured

_MOST_TABLES: Final = 40
"""Tables that are looked into for a join."""


def sql_draft(
    database: Database,
    spec: Mapping[str, Any],
    *,
    table: str | None,
    record_type: str | None,
) -> str:
    """Write a mapping for a table. `spec` is its `format`, as it shall stand. Closes the database.

    Raises Misconfigured where no such table is named, RecordsUnavailable where it can't be read.
    """
    try:
        tables = database.names()
        if table not in tables:
            known = ", ".join(tables) or "none"
            raise Misconfigured(f"say with --table which table to draft; there are: {known}")
        looked = look_at(TableReader(database, table))
        notes: list[str] = []
        joins = list(_joins(database, table, tables, looked, notes))
        left = [t for t in tables if t not in {table, *(str(j.spec["table"]) for j in joins)}]
        if left:
            notes.append(f"Not joined: {', '.join(left)}. See `join`.")
        padded = dict(_padded(database, table, joins))
        made = {**spec, "padded": padded} if padded else spec
        if padded:
            notes.append("Keys that are filled up with blanks stand under `padded`.")
        return draft(
            *(looked, made, database.name),
            record_type=record_type,
            table=table,
            notes=notes,
            joins=joins,
        )
    finally:
        database.close()


def _joins(
    database: Database,
    table: str,
    tables: Sequence[str],
    looked: Mapping[str, Profile],
    notes: list[str],
) -> Iterator[JoinDraft]:
    """Join what the foreign keys name, in both directions, and then what values lead to."""
    done = {table}
    for other, key, source, many in _declared(database, table, tables, notes):
        if other not in done and source in looked:
            done.add(other)
            reader = TableReader(database, other)
            try:
                theirs = look_at(reader, _named(other))
            except Misconfigured:  # it has no rows: what its columns are is not known
                notes.append(f"CHECK: {other} belongs to it, but has no rows yet; see `join`")
                continue
            yield JoinDraft(_named(other), {"table": other}, key, source, many, theirs)
    for other in [t for t in tables if t not in done][:_MOST_TABLES]:
        try:
            found = find_join(looked, TableReader(database, other), _named(other), {"table": other})
        except Misconfigured:
            continue
        if found is not None:
            doubts = ("the database does not say so", *found.doubts)
            parts = (found.key, found.source, found.many, found.looked)
            yield JoinDraft(found.name, found.spec, *parts, doubts)


def _declared(
    database: Database, table: str, tables: Sequence[str], notes: list[str]
) -> Iterator[tuple[str, str, str, bool]]:
    """Give what foreign keys say: the other table, its column, ours, and whether it has several."""
    for own in database.foreign_keys(table):
        if len(own.columns) == 1:
            yield own.other, own.others[0], own.columns[0], False
        else:
            notes.append(f"CHECK: {own.other} belongs to it by several columns; see `join`")
    for other in tables:
        for theirs in database.foreign_keys(other) if other != table else ():
            if theirs.other == table and len(theirs.columns) == 1:
                yield other, theirs.columns[0], theirs.others[0], True


def _padded(
    database: Database, table: str, joins: Sequence[JoinDraft]
) -> Iterator[tuple[str, int]]:
    """Give the widths of key columns that are filled up with blanks."""
    own = [(table, c) for c in sorted(database.columns(table).own)]
    for name, column in [*own, *((str(j.spec["table"]), j.key) for j in joins)]:
        width = database.padding(name, column)
        if width is not None:
            yield f"{name}.{column}", width


def _named(table: str) -> str:
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in table.lower()).strip("_")
    return (plain if plain[:1].isalpha() else f"t_{plain}")[:60]
