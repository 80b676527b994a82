"""What the text of XML Schema's own types looks like: dates, numbers, URIs and so on.

Source: XML Schema Part 2 (W3C, second edition), section 3. The reference checker's XML library
takes a few forms more than are good for use, some against the standard: `ALSO_TAKEN`.
"""

import base64
import binascii
import calendar
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeAlias

from gateway.niem.xmlnames import is_xml_name

Check: TypeAlias = Callable[[str], bool]
"""Judges one text."""

_BLANK = " \t\r\n"
_SPACE = re.compile(r"[ \t\r\n]+")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LETTERS = r"A-Za-z_\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff"

is_name = re.compile(rf"[{_LETTERS}][{_LETTERS}0-9.\-]*").fullmatch
"""Judges an identifier inside a message: a name of XML without colon, in Latin letters."""


def xml_name(text: str) -> str | None:
    """Give the name that a text is in any letters, without the space around it; None for none."""
    name = text.strip(_BLANK)
    return name if is_xml_name(name) else None


def is_writable(text: str) -> bool:
    """Whether a text has only characters that XML can carry."""
    return text.isprintable() or not _NOT_XML.search(text)


def is_blank(text: str) -> bool:
    """Whether a text is nothing but what XML calls white space."""
    return not text.strip(_BLANK)


def collapse(text: str) -> str:
    """Take white space together, as the schemas do with codes, tokens and numbers."""
    return _SPACE.sub(" ", text).strip(" ")


def _exactly(expression: str) -> Check:
    match = re.compile(expression, re.ASCII).fullmatch
    return lambda text: match(text) is not None


def _collapsed(expression: str) -> Check:
    match = re.compile(expression, re.ASCII).fullmatch
    return lambda text: match(text) is not None or match(collapse(text)) is not None


# -- days and times -------------------------------------------------------------------------------

_ZONE = r"(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)?"
_YEAR = r"-?(?:[1-9]\d{3,17}|0\d{3})"
_MONTH = r"(?:0[1-9]|1[0-2])"
_CLOCK = r"(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?|24:00:00(?:\.0+)?)"
_DAY = re.compile(rf"({_YEAR})-({_MONTH})-(0[1-9]|[12]\d|3[01])", re.ASCII)
_PLAIN_DAY = len("2026-05-01")
_MONTH_DAY = re.compile(rf"--({_MONTH})-(\d\d){_ZONE}", re.ASCII)
_ZONE_ONLY = re.compile(_ZONE, re.ASCII)
_CLOCK_ZONE = re.compile(_CLOCK + _ZONE, re.ASCII)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DURATION = re.compile(
    r"[ \t\r\n]*-?P(?=\d|T)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?"
    r"(?:T(?=[\d.])(?:(\d+)H)?(?:(\d+)M)?(?:(?=\.?\d)(\d*)(?:\.\d*)?S)?)?",
    re.ASCII,
)
_MOST = 2**63 - 1
"""What a part of a duration may count to, by the reference checker."""
_MOST_DIGITS = 19


def _is_day(text: str) -> bool:
    """Whether a text is a day of the calendar, with or without an offset from UTC."""
    if len(text) == _PLAIN_DAY and text[4] == text[7] == "-":
        try:
            date.fromisoformat(text)
        except ValueError:
            return False
        return True
    found = _DAY.match(text)
    if found is None or _ZONE_ONLY.fullmatch(text, found.end()) is None:
        return False
    return _exists(int(found[1]), int(found[2]), int(found[3]))


def _is_moment(text: str) -> bool:
    day, _, clock = text.partition("T")
    found = _DAY.fullmatch(day)
    if found is None or _CLOCK_ZONE.fullmatch(clock) is None:
        return False
    return _exists(int(found[1]), int(found[2]), int(found[3]))


def _exists(year: int, month: int, day: int) -> bool:
    if year == 0 or day > _DAYS[month - 1]:
        return False
    return (month, day) != (2, 29) or calendar.isleap(year)


def _is_moment_spaced(text: str) -> bool:
    """Whether a text is a moment; the library passes over space behind the offset from UTC."""
    bare = text.rstrip(_BLANK)
    return _is_moment(bare) and (bare == text or bare[-1] == "Z" or bare[-6] in "+-")


def _spaced_before(check: Check) -> Check:
    """Pass over space before, as the library does with what holds no year."""
    return lambda text: check(text.lstrip(_BLANK))


def _is_month_day(text: str) -> bool:
    found = _MONTH_DAY.fullmatch(text)
    return found is not None and 1 <= int(found[2]) <= _DAYS[int(found[1]) - 1]


def _is_duration(text: str) -> bool:
    """Whether a text is a span of time. No digit need stand before the point of the seconds."""
    found = _DURATION.fullmatch(text)
    if found is None:
        return False
    written = [(part or "0").lstrip("0") or "0" for part in found.groups()]
    if max(map(len, written)) > _MOST_DIGITS:
        return False
    years, months, days, hours, minutes, seconds = map(int, written)
    whole = days + hours // 24 + minutes // 1_440 + seconds // 86_400
    return max(12 * years + months, whole, hours, minutes, seconds) <= _MOST


def _in_year(expression: str) -> Check:
    match = re.compile(expression, re.ASCII).fullmatch
    return lambda text: match(text) is not None and not text.removeprefix("-").startswith("0000")


# -- numbers --------------------------------------------------------------------------------------

_DECIMAL = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)"
_DOUBLE = rf"{_DECIMAL}(?:[eE][+-]?\d+)?"
_DOUBLE_NO_EXPONENT = rf"{_DECIMAL}(?:[eE][+-]?\d*)?"
_WHOLE = re.compile(r"[+-]?\d{1,4000}", re.ASCII)  # more digits than that, Python won't convert
_NO_NUMBER = re.compile(r"[ \t\r\n]*(?:-?INF|NaN)")
_BOUNDS: Mapping[str, tuple[int | None, int | None]] = {
    "integer": (None, None),
    "nonNegativeInteger": (0, None),
    "positiveInteger": (1, None),
    "nonPositiveInteger": (None, 0),
    "negativeInteger": (None, -1),
    "byte": (-(2**7), 2**7 - 1),
    "short": (-(2**15), 2**15 - 1),
    "int": (-(2**31), 2**31 - 1),
    "long": (-(2**63), 2**63 - 1),
    "unsignedByte": (0, 2**8 - 1),
    "unsignedShort": (0, 2**16 - 1),
    "unsignedInt": (0, 2**32 - 1),
    "unsignedLong": (0, 2**64 - 1),
}


def _integer(low: int | None, high: int | None) -> Check:
    def accepts(text: str) -> bool:
        if _WHOLE.fullmatch(text) is None:
            text = collapse(text)
            if _WHOLE.fullmatch(text) is None:
                return False
        number = int(text)
        return (low is None or number >= low) and (high is None or number <= high)

    return accepts


def _double(expression: str) -> Check:
    number = _collapsed(expression)
    # Space after these words is refused, against the standard.
    return lambda text: number(text) or _NO_NUMBER.fullmatch(text) is not None


# -- URIs, Base64, references ---------------------------------------------------------------------

# RFC 3986, but characters outside it count as ordinary ones, as the reference checker has it.
_PCT = r"%[0-9A-Fa-f]{2}"
_PCHAR = rf"(?:{_PCT}|[^\s%#?/\[\]]|[ \t])"
_USER = rf"(?:(?:{_PCT}|[^%#?/\[\]@])*@)?"
_HOST = rf"(?:\[[^\]\s/]*\]|(?:{_PCT}|[^%#?/\[\]@:])*)"
_ROOTED = rf"/(?:{_PCHAR}+(?:/{_PCHAR}*)*)?"
_RELATIVE = rf"(?:(?:{_PCT}|[^%#?/\[\]:])+(?:/{_PCHAR}*)*)?"


def _uri(port: str, in_fragment: str) -> re.Pattern[str]:
    authority = rf"//{_USER}{_HOST}(?::({port}))?(?:/{_PCHAR}*)*"
    hierarchy = rf"{authority}|{_ROOTED}|(?:{_PCHAR}+(?:/{_PCHAR}*)*)?"
    scheme = rf"[A-Za-z][A-Za-z0-9+.\-]*:(?:{hierarchy})"
    tail = rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[{in_fragment}])*)?"
    return re.compile(rf"(?:{scheme}|{authority}|{_ROOTED}|{_RELATIVE}){tail}")


_URI = _uri(r"\d{1,9}", "/?")
_URI_TAKEN = _uri(r"0*\d{1,10}", r"/?\[\]")
_MOST_PORT = 2**31 - 1
_NOT_OF_BASE64 = re.compile("[^A-Za-z0-9+/=]")
_NOT_OF_URI = re.compile(r"[^!-~]|[<>\"{}|\\^`']")


def _is_uri(text: str) -> bool:
    return is_writable(text) and _URI.fullmatch(collapse(text)) is not None


def _is_uri_taken(text: str) -> bool:
    """Whether the library takes a text for a URI: each foreign character counts as a plain one."""
    if not is_writable(text):
        return False
    found = _URI_TAKEN.fullmatch(_NOT_OF_URI.sub("_", collapse(text)))
    return found is not None and int((found[1] or found[2] or "0")[-10:]) <= _MOST_PORT


def _is_base64_taken(text: str) -> bool:
    """Whether the library takes a text for Base64: it passes over what is not of its alphabet."""
    return is_writable(text) and _is_base64(_NOT_OF_BASE64.sub("", text))


def _is_base64(text: str) -> bool:
    packed = _SPACE.sub("", text)
    try:
        raw = base64.b64decode(packed, validate=True)
    except (ValueError, binascii.Error):
        return False
    return base64.b64encode(raw).decode() == packed  # no stray bits, no stray padding


def _are_names(text: str) -> bool:
    return all(map(is_name, collapse(text).split(" ")))


def _are_names_taken(text: str) -> bool:
    return all(map(is_xml_name, filter(None, collapse(text).split(" "))))


BUILT_IN: Mapping[str, tuple[str, Check]] = {
    **{name: ("integer", _integer(*bounds)) for name, bounds in _BOUNDS.items()},
    "string": ("text", is_writable),
    "normalizedString": ("text", is_writable),
    "token": ("token", is_writable),
    "language": ("token", _collapsed(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")),
    "anyURI": ("uri", _is_uri),
    "boolean": ("boolean", _collapsed("true|false|1|0")),
    "decimal": ("decimal", _collapsed(_DECIMAL)),
    "double": ("double", _double(_DOUBLE)),
    "float": ("double", _double(_DOUBLE)),
    "date": ("date", _is_day),
    "dateTime": ("dateTime", _is_moment),
    "time": ("time", _exactly(_CLOCK + _ZONE)),
    "gYear": ("gYear", _in_year(_YEAR + _ZONE)),
    "gYearMonth": ("gYearMonth", _in_year(f"{_YEAR}-{_MONTH}{_ZONE}")),
    "gMonthDay": ("gMonthDay", _is_month_day),
    "gMonth": ("gMonth", _exactly(f"--{_MONTH}{_ZONE}")),
    "gDay": ("gDay", _exactly(rf"---(?:0[1-9]|[12]\d|3[01]){_ZONE}")),
    "duration": ("duration", _is_duration),
    "base64Binary": ("base64Binary", _is_base64),
    "hexBinary": ("hexBinary", _collapsed(r"(?:[0-9A-Fa-f]{2})*")),
    "IDREFS": ("references", _are_names),
}
"""XML Schema's type, without `xs:` -> (kind, check)."""

ALSO_TAKEN: Mapping[str, Check] = {
    "anyURI": _is_uri_taken,
    "double": _double(_DOUBLE_NO_EXPONENT),
    "float": _double(_DOUBLE_NO_EXPONENT),
    "dateTime": _is_moment_spaced,
    **{name: _spaced_before(BUILT_IN[name][1]) for name in ("time", "gMonthDay", "gMonth", "gDay")},
    "base64Binary": _is_base64_taken,
    "IDREFS": _are_names_taken,
}
"""XML Schema's type -> what the reference checker takes for it, where that is more."""
