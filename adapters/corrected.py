"""Rows that a person has corrected: the correction stands in for what the source says.

Columns of the row itself are corrected before anything is joined, so that a corrected key finds its
rows; joined columns (`part.COLUMN`) afterwards.

Of a row that could not be read, in whole or in part, a blank does not mean that nothing stands
there. So a correction counts only if it says all that could not be read and, where nothing could,
all by which it is decided who may see the record. Else the row stays set aside and says what lacks.
So it does where the correction says a column that its row does not have: that would be lost.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from adapters.rows import BadRow, Columns, Row
from gateway.records.source import NO_SUCH_COLUMN, Correction, row_key


@dataclass(frozen=True, slots=True)
class Corrections:
    """What persons have said of rows, by the rows' keys; and what they may say of these rows.

    `names` gives the row's own name of each column as it is said (`part.COLUMN`, of a joined
    file's rows), and names those that are corrected once they are joined. `handling` are the
    columns that say who may see a record. `others` are said of other rows that may read the same,
    where a file is joined to itself.
    """

    by_key: Mapping[str, Correction] = field(default_factory=dict)
    columns: Columns = field(default_factory=lambda: Columns(frozenset()))
    names: Mapping[str, str] = field(default_factory=dict)
    handling: Collection[str] = ()
    others: Collection[str] = ()

    def of(self, row: Row | BadRow) -> Correction | None:
        """Give what was said of a row.

        Damage of which no text is kept is no row that could be told from another. Nor is one row
        what stands for the rest of a file.
        """
        one = row.raw and not (isinstance(row, BadRow) and row.rest)
        return self.by_key.get(row_key(row.raw)) if one else None

    def own(self, said: Correction) -> Correction:
        """Give what of it is said of these rows' columns, by the names that they have."""
        values = {self.names[k]: v for k, v in said.values.items() if k in self.names}
        return Correction(
            values, {k: v for k, v in said.groups.items() if k in self.columns.groups}
        )

    def strange(self, said: Correction) -> list[str]:
        """Name what these rows do not have, in order."""
        found = {k for k in said.values if k not in self.names and k not in self.others}
        for part, rows in said.groups.items():
            known = self.columns.groups.get(part, frozenset())
            found |= {
                f"{part}[{n}].{c}" for n, row in enumerate(rows, 1) for c in row.keys() - known
            }
        return sorted(found)


def corrected(rows: Iterable[Row | BadRow], corrections: Corrections) -> Iterable[Row | BadRow]:
    """Put corrections in, by the rows' keys. A row that could not be read becomes one that can."""
    return _corrected(rows, corrections) if corrections.by_key else rows


def _corrected(rows: Iterable[Row | BadRow], corrections: Corrections) -> Iterator[Row | BadRow]:
    for row in rows:
        said = corrections.of(row)
        yield row if said is None else _with(row, said, corrections)


def overridden(row: Row, correction: Correction) -> None:
    """Put a correction's joined columns over what was joined."""
    row.values.update(correction.values)


def _with(row: Row | BadRow, said: Correction, corrections: Corrections) -> Row | BadRow:
    read = row if isinstance(row, Row) else row.row
    if strange := corrections.strange(said):
        text = f"its correction says {', '.join(strange)}, which such a row does not have"
        return _still_bad(row, NO_SUCH_COLUMN, text, strange[0])
    correction = corrections.own(said)
    if not correction.values and not correction.groups:
        return row
    if isinstance(row, BadRow):
        lacking = sorted(_lacking(row, correction, corrections.handling))
        if lacking:
            named = ", ".join(lacking)
            text = f"it could not be read, so its correction has to say what stands in {named}"
            return _still_bad(row, "correction.lacks", text, lacking[0])
    values = dict.fromkeys(corrections.columns.own, "") if read is None else dict(read.values)
    values.update(correction.values)
    groups = {} if read is None else dict(read.groups)
    groups.update({name: [dict(one) for one in new] for name, new in correction.groups.items()})
    key = None if read is None else read.key
    return Row(row.line, row.raw, values, groups, row.span, correction, key)


def _still_bad(row: Row | BadRow, code: str, text: str, column: str) -> BadRow:
    if isinstance(row, BadRow):
        return replace(row, code=code, text=text, column=column, value=None)
    return BadRow(row.line, row.raw, code, text, column, None, row.span, row)


def _lacking(row: BadRow, correction: Correction, handling: Collection[str]) -> Iterator[str]:
    """Name what nobody has read and the correction does not say."""
    needed = row.unread if row.row is not None else row.unread | frozenset(handling)
    for name in needed:
        if not correction.values.get(name) and name.partition(".")[0] not in correction.groups:
            yield name
