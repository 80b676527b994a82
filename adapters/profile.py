"""What a column's values look like, from a sample of rows. Holds personal data; nothing is kept."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from adapters.dates import DateReader
from adapters.rows import Values
from gateway.errors import Untranslatable

MOST_CODES: Final = 60
_LONGEST_CODE: Final = 40
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER: Final = re.compile(r"[^A-Za-z0-9]+")
_NOT_A_DAY: Final = re.compile(r"(?:0+|9+|0+[/-]0+[/-]0+|1900-?01-?01|01/01/1900|12/31/9999)")
_DAYS: Final = (
    *("MM/DD/YYYY", "DD/MM/YYYY", "YYYY-MM-DD", "YYYYMMDD", "MMDDYYYY", "DDMMYYYY"),
    *("M/D/YYYY", "D/M/YYYY", "DD-MON-YYYY", "D-MON-YYYY", "DDMONYYYY", "MM-DD-YYYY"),
    *("YYYY/MM/DD", "MON D, YYYY", "MONTH D, YYYY", "YYYYDDD", "MM/DD/YY", "DD/MM/YY"),
    *("M/D/YY", "YYMMDD", "DD-MON-YY"),
)
_TIMES: Final = ("HH:MI", "HH:MI:SS", "HHMI", "HHMISS", "H:MI AM", "H:MI:SS AM", "HH:MI:SS.FF")
_BETWEEN: Final = (" ", "T", "")
_FORMATS: Final = (*_DAYS, *(f"{d}{b}{t}" for d in _DAYS for b in _BETWEEN for t in _TIMES))
_START: Final = 1930
"""Where years of two digits are taken to begin, in a draft."""


@dataclass(slots=True)
class Profile:
    """One column: its name, how many rows there are, and its values with their numbers."""

    column: str
    rows: int = 0
    values: Counter[str] = field(default_factory=Counter)
    blanks: set[str] = field(default_factory=set)
    """Values met that mean "not known"."""

    @property
    def filled(self) -> int:
        """How many rows hold something."""
        return sum(self.values.values())

    @property
    def is_key(self) -> bool:
        """Whether every row has a value, and each another."""
        return self.rows > 0 and len(self.values) == self.rows and not self.blanks

    @property
    def words(self) -> str:
        """The column's name as words in lower case, parted by _."""
        return "_".join(_OTHER.split(_CAMEL.sub("_", self.column))).strip("_").lower()

    def codes(self) -> list[str]:
        """Give the values as codes, the usual first; none if they are too many or too long."""
        few = len(self.values) <= MOST_CODES and all(len(v) <= _LONGEST_CODE for v in self.values)
        return [v for v, _ in self.values.most_common()] if few else []

    def share(self, pattern: str) -> float:
        """Say which share of the values a pattern fits."""
        fits = re.compile(pattern, re.ASCII).fullmatch
        return sum(n for v, n in self.values.items() if fits(v)) / max(1, self.filled)

    def dates(self) -> tuple[list[str], list[str]]:
        """Give the formats that fit every value, and the values that stand for no day at all."""
        blank = sorted(v for v in self.values if _NOT_A_DAY.fullmatch(v))
        days = [v for v in self.values if v not in blank]
        if not days:
            return [], blank
        return [f for f in _FORMATS if _reads_all(f, days)], blank


def profiles(
    columns: Sequence[str], rows: Iterable[Values], blank: Iterable[str]
) -> Mapping[str, Profile]:
    """Look at rows."""
    found = {c: Profile(c) for c in columns}
    unknown = frozenset(blank)
    for row in rows:
        for column, profile in found.items():
            value = row.get(column, "")
            profile.rows += 1
            if value.upper() in unknown:
                profile.blanks.add(value)
            elif value:
                profile.values[value] += 1
    return found


def _reads_all(form: str, values: Iterable[str]) -> bool:
    reader = DateReader([form], start=_START)
    try:
        for value in values:
            reader.read(value)
    except Untranslatable:
        return False
    return True
