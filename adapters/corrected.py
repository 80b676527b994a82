"""Rows that a person has corrected: the correction stands in for what the source says.

Columns of the row itself are corrected before anything is joined, so that a corrected key finds its
rows; joined columns (`part.COLUMN`) afterwards.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapters.joins import Join
from adapters.rows import BadRow, Reader, Row, Values
from gateway.records.source import Correction, row_key


def corrected(reader: Reader, corrections: Mapping[str, Correction]) -> Iterator[Row | BadRow]:
    """Put corrections in, by the rows' keys. A row that could not be read becomes one that can."""
    if not corrections:
        yield from reader.rows()
        return
    blank = dict.fromkeys(reader.columns().own, "")
    for row in reader.rows():
        found = corrections.get(row_key(row.raw))
        yield row if found is None else _with(row, found, blank)


def overridden(row: Row | BadRow) -> Row | BadRow:
    """Put a correction's joined columns over what was joined."""
    if isinstance(row, Row) and row.correction is not None:
        row.values.update(row.correction.values)
    return row


def fields_of(row: Row | BadRow, joins: Sequence[Join]) -> dict[str, Any] | None:
    """Give a row as a person may correct it: its columns and repeated parts, not those joined."""
    known = row if isinstance(row, Row) else row.row
    if known is None:
        return None
    many = {j.name for j in joins if j.many}
    several = tuple(f"{j.name}." for j in joins if j.parent is not None)
    groups = {
        name: [{k: v for k, v in one.items() if not k.startswith(several)} for one in found]
        for name, found in known.groups.items()
        if name not in many
    }
    return {**known.values, **groups}


def _with(row: Row | BadRow, correction: Correction, blank: Values) -> Row:
    values = dict(row.values) if isinstance(row, Row) else dict(blank)
    values.update(correction.values)
    groups = dict(row.groups) if isinstance(row, Row) else {}
    groups.update({name: [dict(one) for one in new] for name, new in correction.groups.items()})
    return Row(row.line, row.raw, values, groups, row.span, correction)
