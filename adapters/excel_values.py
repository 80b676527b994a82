"""What an Excel cell shows, as text: dates ISO, numbers without a needless point, padded ones so.

Excel stores a date as a number of days, and a number format says that it is one. Built-in formats
are known by their numbers (ECMA-376 part 1, 18.8.30), the agency's own by their letters.
"""

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from gateway.errors import Untranslatable

_DATES: Final = frozenset((*range(14, 18), *range(27, 32), *range(34, 37), *range(50, 59)))
_TIMES: Final = frozenset((*range(18, 22), 32, 33, 45, 47))
_BOTH: Final = 22
_ELAPSED: Final = 46
_LITERAL: Final = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hmsHMS]+\])[^\]]*\]')
_ELAPSED_FORM: Final = re.compile(r"\[[hms]+\]", re.IGNORECASE)
_PADDED: Final = re.compile(r'(?:0|"[^"]*"|\\.|[-() /.])+')
_PADDED_PART: Final = re.compile(r'(0)|"([^"]*)"|\\(.)|(.)')
_ESCAPE: Final = re.compile(r"_x(?![Dd][89A-Fa-f])([0-9A-Fa-f]{4})_")
"""But for halves of a character (surrogates), which no text can hold: they stay as they are."""
_LEAP_DAY: Final = 60
"""1900-02-29, which Excel counts and which never was."""
_LAST_DAY: Final = 2_958_466
_DIGITS: Final = 15
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Format:
    """What a number format makes of a number."""

    date: bool = False
    time: bool = False
    elapsed: bool = False
    pattern: str = ""
    """A pattern of noughts and signs, such as 000-00-0000."""


PLAIN: Final = Format()


def format_of(number: int, code: str | None) -> Format:
    """Give the meaning of a number format, by its number or by what the workbook says of it."""
    if code is None:
        return Format(
            date=number in _DATES or number == _BOTH,
            time=number in _TIMES or number == _BOTH,
            elapsed=number == _ELAPSED,
        )
    first = code.partition(";")[0]
    if first.count("0") > 1 and "." not in first and _PADDED.fullmatch(first):
        return Format(pattern=first)
    if _ELAPSED_FORM.search(first):
        return Format(elapsed=True)
    letters = _LITERAL.sub("", first).lower()
    if "general" in letters:
        return PLAIN
    time = bool(set("hs") & set(letters)) or "am/pm" in letters
    date = bool(set("yd") & set(letters)) or ("m" in letters.replace("am/pm", "") and not time)
    return Format(date=date, time=time)


def number_text(written: str, how: Format, *, since_1904: bool) -> str:
    """Write a number as it is shown. Raises Untranslatable."""
    try:
        # Python takes 1_0 and digits of other scripts for numbers, too.
        number = float(written) if written.isascii() and "_" not in written else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise Untranslatable("the cell holds no number", code="excel.number")
    if how.elapsed:
        if abs(number) >= _LAST_DAY:
            raise Untranslatable("the cell holds no time that there is", code="excel.date")
        return _clock(round(number * _DAY_S))
    if how.date or how.time:
        return _moment(number, how, since_1904=since_1904)
    text = format(Decimal(f"{number:.{_DIGITS}g}"), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if text == "-0":
        text = "0"
    if how.pattern and text.isdecimal():
        return _padded(text, how.pattern)
    return text


def _moment(number: float, how: Format, *, since_1904: bool) -> str:
    if not 0 <= number < _LAST_DAY:
        raise Untranslatable("the cell holds no date that there is", code="excel.date")
    seconds = round(number * _DAY_S)
    if not how.date:
        return _clock(seconds % _DAY_S)
    day = seconds // _DAY_S
    if since_1904:
        start = datetime(1904, 1, 1)  # noqa: DTZ001 - a cell has no zone
    else:
        if day in {0, _LEAP_DAY}:
            raise Untranslatable("the cell holds no date that there is", code="excel.date")
        start = datetime(1899, 12, 30 if day > _LEAP_DAY else 31)  # noqa: DTZ001 - as above
    try:
        moment = start + timedelta(seconds=seconds)
    except OverflowError:
        # Rounded up, or counted from 1904, it lies behind the last of all days.
        text = "the cell holds no date that there is"
        raise Untranslatable(text, code="excel.date") from None
    return moment.isoformat(timespec="seconds") if how.time else moment.date().isoformat()


def _clock(seconds: int) -> str:
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    hours, rest = divmod(seconds, 3600)
    return f"{sign}{hours:02d}:{rest // 60:02d}:{rest % 60:02d}"


def _padded(digits: str, pattern: str) -> str:
    """Put digits at the noughts of a pattern, from the right; what is left goes in front."""
    parts = _PADDED_PART.findall(pattern)
    rest = list(digits.zfill(sum(bool(p[0]) for p in parts)))
    found: list[str] = []
    for nought, *others in reversed(parts):
        found.append(rest.pop() if nought else "".join(others))
    first = next(n for n in range(len(parts)) if parts[n][0])
    found.insert(len(parts) - first, "".join(rest))
    return "".join(reversed(found))


def unescaped(text: str) -> str:
    """Turn what a workbook writes as `_x000D_` back into its character."""
    return _ESCAPE.sub(lambda m: chr(int(m[1], 16)), text) if "_x" in text else text
