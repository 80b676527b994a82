"""Dates as legacy systems write them, by formats such as `MM/DD/YYYY` or `YYYYMMDDHHMI`.

    YYYY YY       year; of two digits it is the first such year from `years_from` on
    MM M          month, two digits or one or two; MON its first three letters, MONTH its name
    DD D DDD      day of the month; DDD, three digits, of the year
    HH H AM       hour 00-23, H one or two digits; with AM, 1-12 and AM or PM
    MI SS FF      minute, second, fraction of a second (left out)
    ZZ            the offset from UTC: Z, -07:00, -0700

Everything else stands for itself. In the standard schema a date is `nc:Date`, one with a time
`nc:DateTime`, a month `nc:YearMonthDate`, a year `nc:YearDate`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.errors import Misconfigured, Untranslatable

_MONTHS: Final = (
    *("JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE"),
    *("JULY", "AUGUST", "SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER"),
)
_TOKENS: Final = {
    "YYYY": r"(?P<year>\d{4})",
    "MONTH": r"(?P<name>[A-Za-z]{3,9})",
    "MON": r"(?P<name>[A-Za-z]{3})",
    "DDD": r"(?P<of_year>\d{3})",
    "YY": r"(?P<short>\d{2})",
    "MM": r"(?P<month>\d{2})",
    "DD": r"(?P<day>\d{2})",
    "HH": r"(?P<hour>\d{2})",
    "AM": r"(?P<half>[AaPp])\.?[Mm]\.?",
    "MI": r"(?P<minute>\d{2})",
    "SS": r"(?P<second>\d{2})",
    "FF": r"(?P<fraction>\d{1,9})",
    "ZZ": r"(?P<offset>[Zz]|[+-]\d{2}:?\d{2})",
    "M": r"(?P<month>\d{1,2})",
    "D": r"(?P<day>\d{1,2})",
    "H": r"(?P<hour>\d{1,2})",
}
_SPLIT: Final = re.compile("|".join(_TOKENS))
_NEEDED: Final = "needs YYYY, MM and DD, each once (YYYY or MM/YYYY alone are a year and a month)"
_OLDEST: Final = 1850
_LATEST: Final = 2100
_FIRST, _LAST = f"{_OLDEST}-01-01", f"{_LATEST}-12-31"
_NOON: Final = 12
_MIDNIGHT: Final = 24
"""2400 ends a day: it is the next one's first moment."""
_CENTURY: Final = 100
_AHEAD: Final = timedelta(hours=14)
"""By so much the first place on earth is ahead of UTC."""
_LIFE: Final = timedelta(days=366 * 130)
_LONGEST_RUN: Final = timedelta(days=366 * 10)
"""Of a process."""

_TO_DAY: Final = len("2026-05-01")
_TO_SECONDS: Final = len("2026-05-01T23:59:59")
_HOURS: Final = frozenset(f"{hour:02d}" for hour in range(24))
YEAR: Final = "nc:YearDate"
MONTH: Final = "nc:YearMonthDate"
DAY: Final = "nc:Date"
TIME: Final = "nc:DateTime"


class Moment(NamedTuple):
    """What a text says. `niem` is the property for it; `offset` that from UTC, if it says one."""

    at: datetime
    niem: str
    offset: str | None = None


class _Cut(NamedTuple):
    """Where a day, perhaps its hour, and all else stand in a text of a size."""

    size: int
    year: slice
    month: slice
    day: slice
    hour: slice | None
    marked: Callable[[str], Any]
    marks: Any


def _cut(text: str) -> _Cut | None:
    """Give where parts stand in a format of `YYYY`, `MM`, `DD`, perhaps `HH`; None of others."""
    at = {found[0]: slice(*found.span()) for found in _SPLIT.finditer(text)}
    if at.keys() - {"HH"} != {"YYYY", "MM", "DD"}:
        return None
    taken = {n for one in at.values() for n in range(one.start, one.stop)}
    others = [n for n in range(len(text)) if n not in taken]
    marked: Callable[[str], Any] = itemgetter(*others) if others else str
    marks = marked(text) if others else ()
    return _Cut(len(text), at["YYYY"], at["MM"], at["DD"], at.get("HH"), marked, marks)


class DateFormat:
    """One format, compiled. `start` is the first year that two digits may mean."""

    def __init__(self, text: str, *, start: int | None = None, partial: bool = False) -> None:
        pattern, end = "", 0
        names: list[str] = []
        for found in _SPLIT.finditer(text):
            token = _TOKENS[found[0]]
            names.append(token[4 : token.index(">")])
            pattern += re.escape(text[end : found.start()]) + token
            end = found.end()
        pattern += re.escape(text[end:])
        self._start = start
        self._partial = partial
        self._named = frozenset(names)
        self._plain = self._named == {"year", "month", "day"}
        self._check(text, names)
        self._pattern = re.compile(pattern, re.ASCII)
        self._cut = _cut(text)

    def _check(self, text: str, names: list[str]) -> None:
        named = self._named
        years = len(named & {"year", "short"})
        months = len(named & {"month", "name", "of_year"})
        if len(names) != len(named) or years != 1 or months > 1 or {"day", "of_year"} <= named:
            raise Misconfigured(f"{text}: a date's format {_NEEDED}")
        if "day" in named and not months:
            raise Misconfigured(f"{text}: a date's format {_NEEDED}")
        if "hour" in named and not {"day", "of_year"} & named:
            raise Misconfigured(f"{text}: a time needs its day")
        if named & {"minute", "second", "half", "offset"} and "hour" not in named:
            raise Misconfigured(f"{text}: what stands with the hour needs it: HH")
        if "short" in named and self._start is None:
            raise Misconfigured(
                f"{text}: a date's format needs YYYY; for two digits, say with `years_from` which "
                "is the first year that they may mean"
            )

    def plain(self, text: str) -> str | None:
        """Read `2026-05-01`, or `2026-05-01T23:00:00` where the format has an hour.

        None if the text is none of this format; "" if `read` has to look. It takes no more than
        `read` does, and a fifth of the time.
        """
        cut = self._cut
        if cut is None:
            return ""
        if len(text) != cut.size or (cut.marks and cut.marked(text) != cut.marks):
            return None
        day = f"{text[cut.year]}-{text[cut.month]}-{text[cut.day]}"
        try:
            date.fromisoformat(day)  # it takes ASCII digits alone
        except ValueError:
            return ""
        if cut.hour is None:
            return day
        hour = text[cut.hour]
        return f"{day}T{hour}:00:00" if hour in _HOURS else ""

    def read(self, text: str) -> Moment | None:
        """Read a moment; None if the text is not of this format. Raises ValueError for no day."""
        found = self._pattern.fullmatch(text)
        if found is None:
            return None
        if self._plain and not self._partial:
            year, month, day = map(int, found.group("year", "month", "day"))
            return Moment(datetime(year, month, day, tzinfo=UTC), DAY)
        return self._of(found.groupdict())

    def _of(self, parts: dict[str, str]) -> Moment:
        year = self._year(parts)
        if "of_year" in self._named:
            at = datetime(year, 1, 1, tzinfo=UTC) + timedelta(days=int(parts["of_year"]) - 1)
            if at.year != year:
                raise ValueError("no such day of the year")
            return Moment(self._timed(at, parts), self._precision, parts.get("offset"))
        month = _month(parts)
        day = int(parts["day"]) if "day" in self._named else 0
        if self._partial and (month == 0 or day == 0) and "hour" not in self._named:
            if month == 0 and day:
                raise ValueError("a day without a month")
            return Moment(datetime(year, month or 1, 1, tzinfo=UTC), MONTH if month else YEAR)
        if not {"month", "name"} & self._named:
            return Moment(datetime(year, 1, 1, tzinfo=UTC), YEAR)
        if "day" not in self._named:
            return Moment(datetime(year, month, 1, tzinfo=UTC), MONTH)
        at = self._timed(datetime(year, month, day, tzinfo=UTC), parts)
        return Moment(at, self._precision, parts.get("offset"))

    @property
    def _precision(self) -> str:
        return TIME if "hour" in self._named else DAY

    def _year(self, parts: Mapping[str, str]) -> int:
        if "year" in self._named:
            return int(parts["year"])
        start = self._start or 0
        return start + (int(parts["short"]) - start) % _CENTURY

    @staticmethod
    def _timed(day: datetime, parts: Mapping[str, str | None]) -> datetime:
        hour, minute, second = (int(parts.get(n) or 0) for n in ("hour", "minute", "second"))
        if half := parts.get("half"):
            if not 1 <= hour <= _NOON:
                raise ValueError("no such hour")
            hour = hour % _NOON + (_NOON if half in "Pp" else 0)
        elif hour == _MIDNIGHT and minute == second == 0:
            return day + timedelta(days=1)
        return day.replace(hour=hour, minute=minute, second=second)


class DateReader:
    """Reads dates by several formats, the first that fits. `zone` is that of times of day.

    `start` is the first year that two digits may mean; `partial` lets a day, or a month and its
    day, be noughts: then what is known is given.
    """

    def __init__(
        self,
        formats: Sequence[str],
        *,
        zone: str | None = None,
        start: int | None = None,
        partial: bool = False,
    ) -> None:
        self._formats = [DateFormat(f, start=start, partial=partial) for f in formats]
        self._named = ", ".join(formats)
        self._zone = _zone(zone)
        self._fixed = "" if self._zone is None else "Z" if self._zone is UTC else None
        """The offset of all times of day; None if it depends on the day."""
        self.read: Callable[[str], Moment] = lru_cache(4096)(self._read)

    def _read(self, text: str) -> Moment:
        """Give the moment. Raises Untranslatable."""
        for one in self._formats:
            try:
                moment = one.read(text)
            except (ValueError, OverflowError):  # the last: the day after the last of all
                raise Untranslatable("there is no such day or time", code="date.none") from None
            if moment is not None:
                if not _OLDEST <= moment.at.year <= _LATEST:
                    raise Untranslatable("the year can't be right", code="date.year")
                return moment
        raise Untranslatable(f"the date is not written as {self._named}", code="date.format")

    def plain(self, text: str) -> tuple[str, str] | None:
        """Give the NIEM property and the value of what is plain; None: `read` has to look."""
        for one in self._formats:
            found = one.plain(text)
            if found is None:
                continue
            if not _FIRST <= found[:_TO_DAY] <= _LAST:
                return None
            if len(found) == _TO_DAY:
                return DAY, found
            return (TIME, found + self._fixed) if self._fixed is not None else None
        return None

    def written(self, moment: Moment) -> tuple[str, str]:
        """Give the NIEM property for a moment and its value."""
        if moment.niem == DAY:
            return DAY, moment.at.date().isoformat()
        if moment.niem == YEAR:
            return YEAR, f"{moment.at.year:04d}"
        if moment.niem == MONTH:
            return MONTH, f"{moment.at.year:04d}-{moment.at.month:02d}"
        return TIME, moment.at.isoformat()[:_TO_SECONDS] + self._offset(moment)

    def instant(self, text: str) -> datetime:
        """Give the first moment of what a text says, in UTC. Raises Untranslatable."""
        moment = self.read(text)
        local = moment.at.isoformat()[:_TO_SECONDS]
        return datetime.fromisoformat(local + (self._offset(moment) or "Z")).astimezone(UTC)

    def _offset(self, moment: Moment) -> str:
        if moment.offset is not None:
            text = moment.offset.replace(":", "")
            return "Z" if text in "Zz" else f"{text[:3]}:{text[3:5]}"
        if self._zone is None:
            return ""
        if self._zone is UTC:
            return "Z"
        text = moment.at.replace(tzinfo=self._zone).strftime("%z")
        return f"{text[:3]}:{text[3:5]}"

    def is_past(self, text: str) -> bool:
        """Whether the day has begun somewhere on earth. Raises Untranslatable."""
        return self.read(text).at <= datetime.now(UTC) + _AHEAD


def check_past(moment: Moment) -> None:
    """Refuse a day that has not begun anywhere on earth. Raises Untranslatable."""
    if moment.at > datetime.now(UTC) + _AHEAD:
        raise Untranslatable("the date lies in the future", code="date.future")


def check_life(moment: Moment) -> None:
    """Refuse a birth date of nobody alive. Raises Untranslatable."""
    now = datetime.now(UTC)
    if moment.at > now + _AHEAD:
        raise Untranslatable("the date lies in the future", code="date.future")
    if moment.at < now - _LIFE:
        raise Untranslatable("nobody was born so long ago", code="date.year")


def sure_days(check: Callable[[Moment], None] | None) -> tuple[str, str]:
    """Give the first and the last day of those that a check lets pass as long as we run."""
    if check is None:
        return _FIRST, _LAST
    today = datetime.now(UTC).date()
    first = (today - _LIFE + _LONGEST_RUN).isoformat() if check is check_life else _FIRST
    return first, (today - timedelta(days=1)).isoformat()


def _month(parts: Mapping[str, str]) -> int:
    """Give the month's number, 0 if the format has none. Raises ValueError for no month's name."""
    if name := parts.get("name"):
        upper = name.upper()
        for number, month in enumerate(_MONTHS, 1):
            if upper in {month, month[:3]} or (upper == "SEPT" and month == "SEPTEMBER"):
                return number
        raise ValueError("no such month")
    return int(parts.get("month") or 0)


def _zone(name: str | None) -> tzinfo | None:
    if name is None:
        return None
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Misconfigured(f"{name}: there is no such time zone") from error
