"""Rows that a person has corrected: the correction stands in for what the source says.

Columns of the row itself are corrected before anything is joined, so that a corrected key finds its
rows; joined columns (`part.COLUMN`) afterwards.

Of a row that could not be read, in whole or in part, a blank does not mean that nothing stands
there. So a correction counts only if it says all that could not be read and, where nothing could,
all by which it is decided who may see the record. Else the row stays set aside and says what lacks.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from adapters.rows import BadRow, Reader, Row, Values
from gateway.records.source import Correction, row_key


def corrected(
    reader: Reader,
    corrections: Mapping[str, Correction],
    handling: Collection[str],
    *,
    of_join: bool = False,
) -> Iterator[Row | BadRow]:
    """Put corrections in, by the rows' keys. A row that could not be read becomes one that can.

    `handling` are the columns that say who may see a record. `of_join`: the rows are a
    joined file's, so that corrections name their columns `part.COLUMN`.
    """
    if not corrections:
        return reader.rows()
    return _corrected(reader, corrections, handling, of_join=of_join)


def _corrected(
    reader: Reader,
    corrections: Mapping[str, Correction],
    handling: Collection[str],
    *,
    of_join: bool,
) -> Iterator[Row | BadRow]:
    blank = dict.fromkeys(reader.columns().own, "")
    for row in reader.rows():
        # Damage of which no text is kept is no row that could be told from another. Nor is one row
        # what stands for the rest of a file.
        one = row.raw and not (isinstance(row, BadRow) and row.rest)
        found = corrections.get(row_key(row.raw)) if one else None
        if found is not None and of_join:
            named = ((k.partition(".")[2], v) for k, v in found.values.items())
            found = Correction({k: v for k, v in named if k})
        yield row if found is None else _with(row, found, blank, handling)


def overridden(row: Row, correction: Correction) -> None:
    """Put a correction's joined columns over what was joined."""
    row.values.update(correction.values)


def _with(
    row: Row | BadRow, correction: Correction, blank: Values, handling: Collection[str]
) -> Row | BadRow:
    read = row if isinstance(row, Row) else row.row
    if isinstance(row, BadRow):
        lacking = sorted(_lacking(row, correction, handling))
        if lacking:
            named = ", ".join(lacking)
            text = f"it could not be read, so its correction has to say what stands in {named}"
            return replace(row, code="correction.lacks", text=text, column=lacking[0], value=None)
    values = dict(blank) if read is None else dict(read.values)
    values.update(correction.values)
    groups = {} if read is None else dict(read.groups)
    groups.update({name: [dict(one) for one in new] for name, new in correction.groups.items()})
    key = None if read is None else read.key
    return Row(row.line, row.raw, values, groups, row.span, correction, key)


def _lacking(row: BadRow, correction: Correction, handling: Collection[str]) -> Iterator[str]:
    """Name what nobody has read and the correction does not say."""
    needed = row.unread if row.row is not None else row.unread | frozenset(handling)
    for name in needed:
        if not correction.values.get(name) and name.partition(".")[0] not in correction.groups:
            yield name
