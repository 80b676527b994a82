"""How the bytes of one COBOL record become columns and repeated parts: the plan, and its execution.

A block is a run of items whose places follow from where it begins. Where a part's number varies,
what stands behind it moves: there one segment ends and the next begins.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from adapters.cobol_values import Read, Unreadable
from adapters.rows import Fault, Values

NO_LAYOUT: Final = "cobol.variant"
"""Set aside: a record that is of none of the layouts."""
TOO_SHORT: Final = "cobol.truncated"
"""Set aside: a record that ends before its layout does."""
_OTHER: Final = "; if another layout stands there, say under `variants` when"
_TELLS: Final = (
    ", and it tells which layout is meant: where another one stands there rightly, say under "
    "`variants` when that one is meant"
)
NUMBER: Final = "OCCURS"
"""The column of a repeated part that says which one it is, from 1. No item can have that name."""


@dataclass(frozen=True, slots=True)
class When:
    """What must hold of one column for a layout to be the one that is meant."""

    column: str
    values: frozenset[str] | None = None
    others: frozenset[str] | None = None
    blank: bool | None = None

    def holds(self, row: Mapping[str, str]) -> bool:
        """Whether it holds."""
        value = row.get(self.column, "")
        return (
            (self.values is None or value in self.values)
            and (self.others is None or value not in self.others)
            and (self.blank is None or self.blank == (not value))
        )


@dataclass(frozen=True, slots=True)
class Leaf:
    """One column: where it stands from the beginning of its segment, and how it is read."""

    column: str
    first: int
    end: int
    read: Read
    number: bool
    text: bool


@dataclass(slots=True)
class Table:
    """A repeated part. `depending` is the column with its number, if that varies."""

    part: str
    first: int
    most: int
    size: int
    depending: str | None
    block: "Block"
    names: dict[str, str]
    """Column → name in the part's rows."""
    own: tuple[tuple[str, bool], ...]
    """Its own columns, and whether each is a number."""
    wanted: bool
    moves: bool
    """Whether what stands behind it moves with its number."""


@dataclass(slots=True)
class Member:
    """One layout of several for the same bytes. Without a condition it may or may not be meant."""

    name: str
    block: "Block"
    when: Sequence[When] | None


@dataclass(slots=True)
class Choice:
    """Several layouts of the same bytes."""

    first: int
    size: int
    """Bytes that are reserved in any case."""
    members: list[Member]
    probes: list[Leaf]
    """Columns that its conditions ask for before it is known which layout holds."""
    root: bool = False


Step: TypeAlias = Table | Choice


@dataclass(slots=True)
class Segment:
    """Columns and parts at known places; the last step may end anywhere."""

    leaves: list[Leaf] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    tail: Step | None = None
    size: int = 0
    solid: int = 0
    """Bytes that must be there. What is only reserved for other layouts need not."""


@dataclass(slots=True)
class Block:
    """Segments one behind the other."""

    segments: list[Segment] = field(default_factory=list)

    @property
    def varies(self) -> bool:
        """Whether its size is not always the same."""
        return any(s.tail is not None for s in self.segments)

    @property
    def idle(self) -> bool:
        """Whether there is nothing in it to be read."""
        return not any(s.leaves or s.steps or s.tail for s in self.segments)


class Decoding:
    """One record while it is read. `lenient`: a layout that may not be meant is left blank."""

    __slots__ = ("_data", "_lenient", "_lost", "_text", "_values", "faults", "groups")

    def __init__(
        self,
        data: bytes,
        text: str,
        values: Values,
        groups: dict[str, list[Values]],
        *,
        lenient: bool,
    ) -> None:
        self._data = data
        self._text = text
        self._values = values
        self._lenient = lenient
        self._lost: set[str] = set()
        """Columns, of the record and of the part that is being read, that could not be read."""
        self.groups = groups
        self.faults: list[Fault] = []
        """What could not be read of items at known places: they are left blank."""

    def run(self, block: Block) -> int:
        """Read all of it into the values and groups; give where it ends.

        Raises Fault where nobody can say how it goes on; other faults are collected.
        """
        return self._block(block, 0, self._values, None, maybe=False)

    def _block(
        self, block: Block, at: int, values: Values, table: Table | None, *, maybe: bool
    ) -> int:
        data, text = self._data, self._text
        for segment in block.segments:
            if at + segment.solid > len(data):
                if maybe and self._lenient:
                    return at
                self._begun(segment, at, values)
                why = f"the record ends after {len(data)} bytes, before the layout does"
                raise Fault(TOO_SHORT, why, None, None)
            for leaf in segment.leaves:
                first, end = at + leaf.first, at + leaf.end
                try:
                    values[leaf.column] = leaf.read(data, text, first, end)
                except Unreadable as error:
                    if not (maybe and self._lenient):
                        fault = self._bad(
                            error, leaf, first, end, table, hint=_OTHER if maybe else ""
                        )
                        self.faults.append(fault)
                    values[leaf.column] = ""
                    self._lost.add(leaf.column)
            for step in segment.steps:
                self._step(step, at + step.first, values, table, maybe=maybe)
            if segment.tail is None:
                at += segment.size
            else:
                at = self._step(segment.tail, at + segment.tail.first, values, table, maybe=maybe)
        return at

    def _begun(self, segment: Segment, at: int, values: Values) -> None:
        """Read what stands before the end of a record that ends too soon."""
        for leaf in segment.leaves:
            if at + leaf.end <= len(self._data):
                with suppress(Unreadable):
                    values[leaf.column] = leaf.read(
                        self._data, self._text, at + leaf.first, at + leaf.end
                    )

    def _step(
        self, step: Step, at: int, values: Values, table: Table | None, *, maybe: bool
    ) -> int:
        if isinstance(step, Table):
            return self._table(step, at, values, maybe=maybe)
        return self._choice(step, at, values, table)

    def _table(self, table: Table, at: int, outer: Values, *, maybe: bool) -> int:
        count = table.most
        if table.depending is not None:
            count = self._count(table, outer)
        end = at + (count if table.moves else table.most) * table.size
        if not table.block.varies and end > len(self._data):
            if maybe and self._lenient:
                return end
            why = f"the record ends after {len(self._data)} bytes, within {table.part}"
            raise Fault(TOO_SHORT, why, None, None)
        if table.block.idle and not (table.wanted or table.block.varies):
            return end
        rows = self.groups.setdefault(table.part, [])
        inherited = {} if outer is self._values else outer
        place = at
        lost = frozenset(self._lost)
        for number in range(1, count + 1):
            values = dict(inherited)
            if len(self._lost) > len(lost):
                self._lost = set(lost)
            place = self._block(table.block, place, values, table, maybe=maybe)
            if table.wanted and (table.depending is not None or _says(table, values)):
                row = {name: values.get(column, "") for column, name in table.names.items()}
                row[f"{table.part}.{NUMBER}"] = str(number)
                rows.append(row)
        return place if table.block.varies else end

    def _count(self, table: Table, outer: Values) -> int:
        column = table.depending or ""
        text = outer.get(column, self._values.get(column, ""))
        count = int(text) if text.isdecimal() else -1
        if not 0 <= count <= table.most:
            why = f"the number of {table.part} is not from 0 to {table.most}"
            raise Fault("cobol.count", why, column, text)
        return count

    def _choice(self, choice: Choice, at: int, values: Values, table: Table | None) -> int:
        known = values if table is None else self._values | values
        unread: dict[str, Fault] = {}
        if choice.probes:
            known = {**known, **self._probed(choice, at, table, unread)}
        end = at + choice.size
        meant = [m for m in choice.members if self._may_be_meant(m, known, unread)]
        if unread and meant and not any(m.when for m in meant):
            # What can't be read may be another layout's, damaged.
            torn = [fault for fault in unread.values() if fault.code != TOO_SHORT]
            if torn and choice.root:
                raise torn[0]
            if not self._lenient:
                self.faults += torn
        for member in meant:
            maybe = member.when is None and len(choice.members) > 1
            if not choice.root and member.block.idle:
                continue
            end = max(end, self._block(member.block, at, values, table, maybe=maybe))
        if meant:
            return end
        if choice.root:
            # What can't be told is not said to be nothing.
            nothing = Fault(NO_LAYOUT, "no layout's condition holds for it", None, None)
            raise next(iter(unread.values()), nothing)
        if not self._lenient:
            self.faults += unread.values()
        return end

    def _may_be_meant(
        self, member: Member, known: Mapping[str, str], unread: Mapping[str, Fault]
    ) -> bool:
        """Whether its conditions hold. None does that asks for what can't be read."""
        for when in member.when or ():
            # Asked of every record, and quicker than `all`.
            if when.column in unread or when.column in self._lost or not when.holds(known):
                return False
        return True

    def _probed(
        self, choice: Choice, at: int, table: Table | None, unread: dict[str, Fault]
    ) -> Values:
        """Read what the conditions ask for; add to `unread` what can't be."""
        data = self._data
        found: Values = {}
        for leaf in choice.probes:
            first, end = at + leaf.first, at + leaf.end
            found[leaf.column] = ""
            error: Unreadable | None = None
            if end > len(data):
                why = f"the record ends after {len(data)} bytes, before what tells its layout"
                error = Unreadable(TOO_SHORT, why) if at < len(data) else None
            else:
                try:
                    found[leaf.column] = leaf.read(data, self._text, first, end)
                except Unreadable as bad:
                    error = bad
            if error is not None:
                unread[leaf.column] = self._bad(error, leaf, first, end, table, hint=_TELLS)
        return found

    def _bad(
        self,
        error: Unreadable,
        leaf: Leaf,
        first: int,
        end: int,
        table: Table | None,
        *,
        hint: str,
    ) -> Fault:
        name = leaf.column if table is None else f"{table.part}.{leaf.column}"
        value = self._text[first:end] if leaf.text else f"X'{self._data[first:end].hex().upper()}'"
        return Fault(error.code, f"{error.text}{hint}", name, value)


def _says(table: Table, values: Values) -> bool:
    """Whether a part holds anything but blanks and zeros."""
    return any(
        values.get(column, "").strip("-0.") if number else values.get(column)
        for column, number in table.own
    )
