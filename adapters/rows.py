"""What a reader gives: rows with their place in the file, and rows that can't be read.

A reader is streaming: it holds one row, or one group of rows, at a time. Every physical row ends in
a `Row` or a `BadRow`; `span` says how many of them one holds, so that the sums can be checked.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeAlias, runtime_checkable

from gateway.records.source import Correction

Values: TypeAlias = dict[str, str]
"""Column → text, without blanks at the ends; "" where nothing is known."""


class Part(dict[str, str]):
    """Columns of a repeated part that stands in many rows: one object for them all, never changed.

    A reader may give these where the same text stands often; then it holds every column of its
    part. `made` is what objects became of it, by what made them, and goes when it goes.
    """

    __slots__ = ("made",)

    def __init__(self, columns: Values) -> None:
        super().__init__(columns)
        self.made: dict[Any, Any] = {}


class Fault(Exception):
    """A row can't be read or translated: the column at fault, its value, and why."""

    def __init__(self, code: str, text: str, column: str | None, value: str | None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.column = column
        self.value = value


@dataclass(slots=True)
class Row:
    """One row, or several that belong together. `groups` holds repeated parts by their name.

    The columns of a repeated or joined part are named `part.COLUMN`. `line` counts from 1.
    """

    line: int
    raw: str
    values: Values
    groups: dict[str, list[Values]] = field(default_factory=dict)
    span: int = 1
    correction: Correction | None = None
    """What a person corrected in it: `adapters.corrected`."""
    uncorrected: "Row | BadRow | None" = None
    """The row as its source gives it, where a person corrected it."""
    key: str | None = None
    """The table and the key of a database's row, in whose place `line` says nothing."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that can't be read. `code` is stable; `text` says why and holds no value.

    `row` is what could be read of it, where something could; `unread` are the columns (of repeated
    parts: `part.COLUMN`, or the part) that could not, and so are blank in it or one of several.
    `rest`: nor was what follows it in the source, so that nobody knows what has gone from there.

    `placed` is for a row of which nothing is certain: what some columns may be by their places, in
    one way or several. It says which records the row may be of, and nothing else is made of it.
    Beside a `row` it says what stands in the unread columns, where that tells rows apart.
    `keyless`: nobody can say which other rows it belongs to. `no_record`: it was read, and is
    neither a record nor a part of one; in a joined file it may be anybody's all the same.
    """

    line: int
    raw: str
    code: str
    text: str
    column: str | None = None
    value: str | None = None
    span: int = 1
    row: Row | None = None
    unread: frozenset[str] = frozenset()
    rest: bool = False
    placed: tuple[Values, ...] = ()
    keyless: bool = False
    no_record: bool = False

    def keys(self, columns: Collection[str]) -> list[tuple[str, ...]]:
        """Give the values that such columns have, or may have; none where nobody can say.

        A value is blank where nothing stands in its column.
        """
        if self.row is not None and self.unread.isdisjoint(columns):
            return [tuple([self.row.values.get(c, "") for c in columns])]
        every = [tuple([f[c] for c in columns]) for f in self.placed if f.keys() >= set(columns)]
        return list(dict.fromkeys(every))


@dataclass(frozen=True, slots=True)
class Columns:
    """The names that a reader's rows have: of the row itself, and of each repeated part."""

    own: frozenset[str]
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)


@runtime_checkable
class Stating(Protocol):
    """A reader that finds out by itself what the mapping leaves open."""

    def stated(self) -> tuple[str, ...]:
        """Say what was found out, in sentences that hold no values of rows."""
        ...


class Reader(Protocol):
    """One format of one source."""

    def columns(self) -> Columns:
        """Name the columns. Raises Misconfigured if the source is not there or has none."""
        ...

    def rows(self) -> Iterator[Row | BadRow]:
        """Give every row, in order. May be called again, and then begins anew."""
        ...

    def as_of(self) -> datetime | None:
        """Give the moment that the rows are of."""
        ...

    def total_hint(self) -> int | None:
        """Say about how many rows there are, for a progress bar."""
        ...


@runtime_checkable
class Selective(Protocol):
    """A reader that can leave columns unread: what stands in those can set no row aside."""

    def select(self, names: Collection[str]) -> None:
        """Read these columns alone, of the row itself and of its parts."""
        ...
