"""Dates as legacy systems write them, by formats such as `MM/DD/YYYY` or `YYYYMMDDHHMI`.

YYYY year, MM month, DD day (two digits each), M and D one or two, MON a month's three letters,
HH hour 00-23, MI minute, SS second. Everything else stands for itself. In the standard schema a
date is `nc:Date`, a date with a time `nc:DateTime`.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.errors import Misconfigured, Untranslatable

_TOKENS: Final = {
    "YYYY": r"(?P<year>\d{4})",
    "MON": r"(?P<name>[A-Za-z]{3})",
    "MM": r"(?P<month>\d{2})",
    "DD": r"(?P<day>\d{2})",
    "HH": r"(?P<hour>\d{2})",
    "MI": r"(?P<minute>\d{2})",
    "SS": r"(?P<second>\d{2})",
    "M": r"(?P<month>\d{1,2})",
    "D": r"(?P<day>\d{1,2})",
}
_SPLIT: Final = re.compile("|".join(_TOKENS))
_MONTHS: Final = (
    "JAN",
    "FEB",
    "MAR",
    "APR",
    "MAY",
    "JUN",
    "JUL",
    "AUG",
    "SEP",
    "OCT",
    "NOV",
    "DEC",
)
_OLDEST: Final = 1850
_LATEST: Final = 2100
_LIFE: Final = timedelta(days=366 * 130)


class DateFormat:
    """One format, compiled."""

    def __init__(self, text: str) -> None:
        pattern, end = "", 0
        names: list[str] = []
        for found in _SPLIT.finditer(text):
            token = _TOKENS[found[0]]
            names.append(token[4 : token.index(">")])
            pattern += re.escape(text[end : found.start()]) + token
            end = found.end()
        pattern += re.escape(text[end:])
        if len(names) != len(set(names)) or not {"year", "day"} <= set(names):
            raise Misconfigured(f"{text}: a date's format needs YYYY, MM and DD, each once")
        if not {"month", "name"} & set(names):
            raise Misconfigured(f"{text}: a date's format needs YYYY, MM and DD, each once")
        self.has_time = "hour" in names
        self._pattern = re.compile(pattern, re.ASCII)

    def read(self, text: str) -> datetime | None:
        """Read a moment; None if the text is not of this format. Raises ValueError for no day."""
        found = self._pattern.fullmatch(text)
        if found is None:
            return None
        parts = found.groupdict()
        month = parts.get("month") or _MONTHS.index(parts["name"].upper()) + 1
        hour, minute, second = (int(parts.get(n) or 0) for n in ("hour", "minute", "second"))
        day = int(parts["day"])
        return datetime(int(parts["year"]), int(month), day, hour, minute, second, tzinfo=UTC)


class DateReader:
    """Reads dates by several formats, the first that fits. `zone` is that of times of day."""

    def __init__(self, formats: Sequence[str], *, zone: str | None = None) -> None:
        self._formats = [DateFormat(f) for f in formats]
        self._named = ", ".join(formats)
        self._zone = _zone(zone)
        self.read: Callable[[str], tuple[datetime, bool]] = lru_cache(4096)(self._read)

    def _read(self, text: str) -> tuple[datetime, bool]:
        """Give the moment, and whether it has a time. Raises Untranslatable."""
        for one in self._formats:
            try:
                moment = one.read(text)
            except ValueError:
                raise Untranslatable("there is no such day or time", code="date.none") from None
            if moment is not None:
                if not _OLDEST <= moment.year <= _LATEST:
                    raise Untranslatable("the year can't be right", code="date.year")
                return moment, one.has_time
        raise Untranslatable(f"the date is not written as {self._named}", code="date.format")

    def niem(self, text: str) -> tuple[str, str]:
        """Give the NIEM property for it and its value."""
        moment, has_time = self.read(text)
        if not has_time:
            return "nc:Date", moment.strftime("%Y-%m-%d")
        return "nc:DateTime", moment.strftime("%Y-%m-%dT%H:%M:%S") + self._offset(moment)

    def _offset(self, moment: datetime) -> str:
        if self._zone is None:
            return ""
        if self._zone is UTC:
            return "Z"
        text = moment.replace(tzinfo=self._zone).strftime("%z")
        return f"{text[:3]}:{text[3:5]}"

    def check_past(self, text: str) -> None:
        """Refuse a day that has not begun anywhere on earth. Raises Untranslatable."""
        if self.read(text)[0] > datetime.now(UTC) + timedelta(hours=14):
            raise Untranslatable("the date lies in the future", code="date.future")

    def check_life(self, text: str) -> None:
        """Refuse a birth date of nobody alive. Raises Untranslatable."""
        self.check_past(text)
        if self.read(text)[0] < datetime.now(UTC) - _LIFE:
            raise Untranslatable("nobody was born so long ago", code="date.year")


def _zone(name: str | None) -> tzinfo | None:
    if name is None:
        return None
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Misconfigured(f"{name}: there is no such time zone") from error
