"""What must hold of a row before something in a mapping counts: its `when`."""

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from adapters.dates import DateReader
from adapters.rows import Fault
from gateway.errors import Untranslatable

_INTEGER: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)


class Condition(Protocol):
    """What must hold of a row."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it speaks of."""
        ...

    @property
    def steady(self) -> bool:
        """Whether nothing but the row decides: not the day on which it is asked."""
        ...

    def holds(self, row: Mapping[str, str]) -> bool:
        """Whether it holds. A column that a row lacks is blank. Raises Fault if nobody can say."""
        ...


@dataclass(frozen=True, slots=True)
class OneColumn:
    """What must hold of one column. What a condition does not speak of is None."""

    column: str
    values: frozenset[str] | None = None
    others: frozenset[str] | None = None
    blank: bool | None = None
    like: re.Pattern[str] | None = None
    least: int | None = None
    most: int | None = None
    past: bool | None = None
    dates: DateReader | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The column."""
        return (self.column,)

    @property
    def steady(self) -> bool:
        """Whether no date is compared with today's."""
        return self.dates is None

    def holds(self, row: Mapping[str, str]) -> bool:
        """Whether it holds."""
        value = row.get(self.column, "")
        if self.values is not None and value not in self.values:
            return False
        if self.others is not None and value in self.others:
            return False
        if self.blank is not None and self.blank != (not value):
            return False
        if self.like is not None and not self.like.fullmatch(value):
            return False
        if self.dates is None and self.least is None and self.most is None:
            return True
        return self._within(value) and self._when(value)

    def _within(self, value: str) -> bool:
        if self.least is None and self.most is None:
            return True
        if not value:
            return False
        if not _INTEGER.fullmatch(value):
            text = "this is not a whole number, so nobody can say whether the condition holds"
            raise Fault("condition.number", text, self.column, value)
        number = int(value)
        return (self.least is None or number >= self.least) and (
            self.most is None or number <= self.most
        )

    def _when(self, value: str) -> bool:
        if self.dates is None:
            return True
        if not value:
            return False
        try:
            return self.dates.is_past(value) == self.past
        except Untranslatable as error:
            raise Fault(error.code, error.detail, self.column, value) from None


@dataclass(frozen=True, slots=True)
class Either:
    """One of several must hold."""

    conditions: tuple[Condition, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of all."""
        return tuple(c for one in self.conditions for c in one.columns)

    @property
    def steady(self) -> bool:
        """Whether all are."""
        return steady(self.conditions)

    def holds(self, row: Mapping[str, str]) -> bool:
        """Whether one holds."""
        return any(c.holds(row) for c in self.conditions)


def all_hold(conditions: Sequence[Condition], row: Mapping[str, str]) -> bool:
    """Whether all hold; true if there are none."""
    for one in conditions:  # noqa: SIM110 - asked of every row, and a third of the time of `all`
        if not one.holds(row):
            return False
    return True


def steady(conditions: Sequence[Condition]) -> bool:
    """Whether all are steady."""
    return all(c.steady for c in conditions)


def pattern_of(written: str | Sequence[str]) -> re.Pattern[str]:
    """Compile patterns of `*` (anything) and `?` (one character). No other character is special."""
    patterns = [written] if isinstance(written, str) else written
    plain = (re.sub(r"\*+", "*", re.sub(r"\[", "[[]", p)) for p in patterns)
    return re.compile("|".join(f"(?:{fnmatch.translate(p)})" for p in plain))
