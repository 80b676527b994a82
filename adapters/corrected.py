"""Rows that a person has corrected: the correction stands in for what the source says.

Columns of the row itself are corrected before anything is joined, so that a corrected key finds its
rows; joined columns (`part.COLUMN`) afterwards.

A correction holds only while the source says of the row what it said when it was made: of the
columns that were corrected, of what was joined beside those, and of all by which it is decided who
may see the record. The row's own text is not enough: a seal may stand in a joined row, or in an
object that the row refers to. Otherwise the row counts as the source has it.

Of a row that could not be read, in whole or in part, a blank does not mean that nothing stands
there. So a correction counts only if it says all that could not be read and, where nothing could,
all by which it is decided who may see the record. Else the row stays set aside and says what lacks.
So it does where the correction says a column that its row does not have: that would be lost.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from adapters.rows import BadRow, Columns, Row, Values
from gateway.records.source import BLANK, NO_SUCH_COLUMN, Correction, Said, row_key

_DAMAGE: Final = ""
"""Stands in what a source said for what could not be read of the row: no column has this name."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """What persons have said of rows, by the rows' keys; and what they may say of these rows.

    `names` gives the row's own name of each column as it is said (`part.COLUMN`, of a joined
    file's rows), and names those that are corrected once they are joined. `handling` names the
    columns that say who may see what becomes of a row of which these values are said. `others` are
    said of other rows that may read the same, where a file is joined to itself. `joined`: they are
    a joined file's or table's rows.

    `held` takes those whose row is there and says what it said then, each with what it says.
    """

    by_key: Mapping[str, Correction] = field(default_factory=dict)
    columns: Columns = field(default_factory=lambda: Columns(frozenset()))
    names: Mapping[str, str] = field(default_factory=dict)
    handling: Callable[[Values], Collection[str]] = lambda _: ()
    others: Collection[str] = ()
    joined: bool = False
    held: dict[str, Said] = field(default_factory=dict)

    def hold(self, row: Row | BadRow, said: Said | None) -> None:
        """Note that a row's correction holds."""
        self.held.setdefault(row_key(row.raw), said or {})

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
        groups = {k: v for k, v in said.groups.items() if k in self.columns.groups}
        return Correction(values, groups, said.said)

    def is_as_said(self, row: Row | BadRow, said: Said | None) -> bool:
        """Whether a row by itself says what it said then. What is joined is looked at later."""
        if said is None or said.get(_DAMAGE, _damage(row)) != _damage(row):
            return False
        read = row if isinstance(row, Row) else row.row
        values: Values = {} if read is None else read.values
        groups = {} if read is None else read.groups
        for name, text in said.items():
            if isinstance(text, str):
                own = self.names.get(name)
                if own in self.columns.own and values.get(own, "") != text:
                    return False
            elif name in self.columns.groups and list(map(dict, groups.get(name, ()))) != text:
                return False
        return True

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
        if said is None or not corrections.is_as_said(row, said.said):
            yield row
            continue
        noted = {**(said.said or {}), _DAMAGE: _damage(row)}
        put_in = _with(row, replace(said, said=noted), corrections)
        if put_in is not row and (corrections.joined or isinstance(put_in, BadRow)):
            corrections.hold(row, noted)
        yield put_in


def settled(row: Row, corrections: Corrections, deciding: Iterable[str]) -> bool:
    """Put a correction's joined columns over what was joined, and tell whether it holds.

    False: what is joined says otherwise now, and the row counts as it is without its correction.
    """
    correction = row.correction
    if correction is None or correction.said is None:
        return correction is None
    said, own = correction.said, corrections.columns.own
    for name, text in said.items():
        if name in own or name == _DAMAGE or not isinstance(text, str):
            continue
        if row.values.get(name, "") != text:
            return False
    beside = tuple(f"{name.partition('.')[0]}." for name in correction.values if name not in own)
    learnt = {*deciding, *(n for n in row.values if n.startswith(beside) and n not in own)}
    news = {
        name: row.values.get(name, "")
        for name in sorted(learnt - said.keys())
        if name.partition(".")[0] not in row.groups
    }
    corrections.hold(row, {**said, **news})
    row.values.update(_texts(correction.values))
    return True


def said_of(
    fields: Mapping[str, Any] | None,
    correction: Correction,
    deciding: Iterable[str],
    elsewhere: Collection[str],
) -> Said:
    """Give what a source said of a row when a person corrected it; `fields` as they were shown.

    `deciding` are the columns by which it is decided who may see the record. `elsewhere` names the
    joins that lead to other rows once it is corrected: what they gave before says nothing.
    """
    shown = fields or {}
    said: dict[str, Any] = {name: shown.get(name, "") for name in correction.values}
    said |= {name: shown.get(name, []) for name in correction.groups}
    beside = {part for name in correction.values if (part := name.partition(".")[0]) != name}
    for name, text in shown.items():
        part = name.partition(".")[0]
        if part not in elsewhere and (name in deciding or (part != name and part in beside)):
            said.setdefault(name, text)
    return said


def _damage(row: Row | BadRow) -> str:
    """Say what could not be read of a row: what stands elsewhere may mend it, or hurt it anew."""
    if isinstance(row, Row):
        return ""
    if row.row is None:
        return "unread"
    return " ".join(filter(None, (row.code, row.column, row.value)))


def _texts(values: Mapping[str, str]) -> Values:
    return {name: "" if text == BLANK else text for name, text in values.items()}


def _with(row: Row | BadRow, said: Correction, corrections: Corrections) -> Row | BadRow:
    read = row if isinstance(row, Row) else row.row
    if strange := corrections.strange(said):
        text = f"its correction says {', '.join(strange)}, which such a row does not have"
        return _still_bad(row, NO_SUCH_COLUMN, text, strange[0])
    correction = corrections.own(said)
    if not correction.values and not correction.groups:
        return row
    if isinstance(row, BadRow):
        lacking = sorted(_lacking(row, correction, corrections))
        if lacking:
            named = ", ".join(lacking)
            text = (
                f"it could not be read, so its correction has to say what stands in {named} "
                f"({BLANK}: nothing)"
            )
            bad = _still_bad(row, "correction.lacks", text, lacking[0])
            # Whose row it is may be said already.
            known = {name: value for name, value in _texts(correction.values).items() if value}
            return replace(bad, placed=(*bad.placed, known))
    values = dict.fromkeys(corrections.columns.own, "") if read is None else dict(read.values)
    own = corrections.columns.own
    values.update((name, v) for name, v in _texts(correction.values).items() if name in own)
    groups = {} if read is None else dict(read.groups)
    groups.update({name: _parts(new) for name, new in correction.groups.items()})
    key = None if read is None else read.key
    return Row(row.line, row.raw, values, groups, row.span, correction, row, key)


def _parts(new: Sequence[Mapping[str, str]]) -> list[Values]:
    """Give a repeated part as it was corrected. One of which nothing is said is none."""
    return [one for one in map(_texts, new) if any(one.values())]


def _still_bad(row: Row | BadRow, code: str, text: str, column: str) -> BadRow:
    if isinstance(row, BadRow):
        return replace(row, code=code, text=text, column=column, value=None)
    return BadRow(row.line, row.raw, code, text, column, None, row.span, row)


def _lacking(row: BadRow, correction: Correction, corrections: Corrections) -> Iterator[str]:
    """Name what nobody has read and the correction does not say, as a person would say it."""
    needed = row.unread
    if row.row is None:
        needed |= frozenset(corrections.handling(_texts(correction.values)))
    for name in needed:
        part, dot, column = name.partition(".")
        if not correction.values.get(name) and part not in correction.groups:
            yield f"{part}[1].{column}" if dot and part in corrections.columns.groups else name
