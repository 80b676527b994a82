"""What a column's values look like, from a sample of rows. Holds personal data; nothing is kept."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Final

from adapters.dates import DateFormat
from adapters.looks import LOOKS
from adapters.rows import Values

MOST_CODES: Final = 60
_LONGEST_CODE: Final = 40
_NUMBER: Final = re.compile(r"\d+(\.\d+)?")
_NOT_A_DAY: Final = re.compile(r"(?:0+|9+|0+[/-]0+[/-]0+|1900-?01-?01|01/01/1900|12/31/9999)")
_DAYS: Final = (
    *("MM/DD/YYYY", "DD/MM/YYYY", "YYYY-MM-DD", "YYYYMMDD", "MMDDYYYY", "DDMMYYYY"),
    *("M/D/YYYY", "D/M/YYYY", "DD-MON-YYYY", "D-MON-YYYY", "DDMONYYYY", "MM-DD-YYYY"),
    *("DD-MM-YYYY", "M-D-YYYY", "D-M-YYYY", "MM.DD.YYYY", "DD.MM.YYYY", "M.D.YYYY", "D.M.YYYY"),
    *("YYYY/MM/DD", "MON D, YYYY", "MONTH D, YYYY", "YYYYDDD", "MM/DD/YY", "DD/MM/YY"),
    *("M/D/YY", "YYMMDD", "MMDDYY", "DDMMYY", "DD-MON-YY"),
)
_TIMES: Final = ("HH:MI", "HH:MI:SS", "HHMI", "HHMISS", "H:MI AM", "H:MI:SS AM", "HH:MI:SS.FF")
_BETWEEN: Final = (" ", "T", "")
_FORMATS: Final = (*_DAYS, *(f"{d}{b}{t}" for d in _DAYS for b in _BETWEEN for t in _TIMES))
_OLDEST: Final = 1900
_LIVES: Final = 25
_GROWN: Final = 18
_SEXES: Final = (("M", "F"), ("MALE", "FEMALE"), ("MASCULINO", "FEMENINO"), ("HOMBRE", "MUJER"))
_MOST_READ: Final = 0.8
_TRIED: Final = 20
_READ: Final = 400
_LATEST: Final = 2100
_START: Final = 1930
"""Where years of two digits are taken to begin, in a draft."""


@dataclass(slots=True)
class Profile:
    """One column: its name, how many rows there are, and its values with their numbers.

    `column` is what the record knows it by, `title` what it is called in its own file.
    """

    column: str
    title: str
    rows: int = 0
    values: Counter[str] = field(default_factory=Counter)
    blanks: set[str] = field(default_factory=set)
    """Values met that mean "not known"."""
    _shares: dict[str, float] = field(default_factory=dict)
    _formats: list[str] | None = None

    @property
    def filled(self) -> int:
        """How many rows hold something."""
        return sum(self.values.values())

    @property
    def is_key(self) -> bool:
        """Whether every row has a value, and each another."""
        return self.rows > 0 and len(self.values) == self.rows and not self.blanks

    def without(self, values: Iterable[str]) -> "Profile":
        """Give it as it is without some values."""
        left = Counter({v: n for v, n in self.values.items() if v not in frozenset(values)})
        return Profile(self.column, self.title, self.rows, left, self.blanks)

    def middle(self) -> float:
        """Give the middle one of its numbers, each as often as it occurs; 0 if there are none."""
        found = sorted(
            float(number[0])
            for value, count in self.values.items()
            if (number := _NUMBER.match(value))
            for _ in range(count)
        )
        return found[len(found) // 2] if found else 0.0

    def codes(self) -> list[str]:
        """Give the values as codes, the usual first; none if they are too many or too long."""
        few = len(self.values) <= MOST_CODES and all(len(v) <= _LONGEST_CODE for v in self.values)
        return [v for v, _ in self.values.most_common()] if few else []

    def share(self, fits: Callable[[str], object]) -> float:
        """Say which share of the values fits."""
        return sum(n for v, n in self.values.items() if fits(v)) / max(1, self.filled)

    def looks_like(self, look: str) -> float:
        """Say which share of the values looks like something: see `looks.LOOKS`."""
        if look not in self._shares:
            whole = _WHOLE.get(look)
            self._shares[look] = self.share(LOOKS[look]) if whole is None else float(whole(self))
        return self._shares[look]

    def unread(self, form: str) -> int:
        """Count the values that are no day in this format."""
        _, blank = self.dates()
        return sum(_moment(form, v) is None for v in self.values if v not in blank)

    def dates(self) -> tuple[list[str], list[str]]:
        """Give the formats that fit best, if nearly all values do; and those that mean no day."""
        blank = sorted(v for v in self.values if _NOT_A_DAY.fullmatch(v))
        if self._formats is None:
            days = [v for v in self.values if v not in blank]
            self._formats = _best_formats(days) if days else []
        return self._formats, blank


def profiles(
    columns: Sequence[str], rows: Iterable[Values], blank: Iterable[str], name: str = ""
) -> dict[str, Profile]:
    """Look at rows; those of a join have its `name` before their columns."""
    by_title = {c: Profile(f"{name}.{c}" if name else c, c) for c in columns}
    unknown = frozenset(blank)
    for row in rows:
        for column, profile in by_title.items():
            value = row.get(column, "")
            profile.rows += 1
            if value.upper() in unknown:
                profile.blanks.add(value)
            elif value:
                profile.values[value] += 1
    return {p.column: p for p in by_title.values()}


def _are_births(profile: Profile) -> bool:
    """Whether they are days of whole lives: spread over decades, most of them long ago."""
    formats, _ = profile.dates()
    if not formats:
        return False
    years = sorted(m.year for v in profile.values if (m := _moment(formats[0], v)))
    if not years or years[0] < _OLDEST:
        return False
    today = datetime.now(UTC).year
    return years[-1] - years[0] >= _LIVES and years[len(years) // 2] <= today - _GROWN


def _are_sexes(profile: Profile) -> bool:
    there = {v.upper() for v in profile.values}
    return any({a, b} <= there <= {a, b, "U", "X", "N"} for a, b in _SEXES)


def _are_races(profile: Profile) -> bool:
    there = {v.upper() for v in profile.values}
    return {"W", "B"} <= there <= set("WBAIPUHO")


_WHOLE: Final[Mapping[str, Callable[[Profile], bool]]] = {
    "birth": _are_births,
    "sexes": _are_sexes,
    "races": _are_races,
}
"""What only all values together tell."""


@cache
def _format(text: str) -> DateFormat:
    return DateFormat(text, start=_START)


def _moment(form: str, value: str) -> datetime | None:
    try:
        found = _format(form).read(value)
    except ValueError:
        return None
    return None if found is None or found.at.year > _LATEST else found.at


def _best_formats(values: Sequence[str]) -> list[str]:
    """Give the formats that read the most values, if those are nearly all."""
    few = values[:_TRIED]
    shares: dict[str, float] = {}
    for form in _FORMATS:
        if sum(_moment(form, v) is not None for v in few) >= _MOST_READ * len(few) / 2:
            read = sum(_moment(form, v) is not None for v in values[:_READ])
            shares[form] = read / min(len(values), _READ)
    most = max(shares.values(), default=0.0)
    return [f for f, share in shares.items() if share == most] if most >= _MOST_READ else []
