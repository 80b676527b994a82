"""What a simple value of the release may look like: kinds, code lists, patterns, bounds.

A value is judged by its text, as XML Schema does: a JSON number or boolean is written out first.
What JSON type may hold which kind is the project's own rule: text in strings, numbers in numbers or
strings, booleans in booleans or strings. Source of the lexical rules: XML Schema Part 2, section 3.
"""

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias

Check: TypeAlias = Callable[[str], bool]

_NUMBER = frozenset({"integer", "decimal", "double"})
_SPACE = re.compile(r"[ \t\r\n]+")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ZONE = r"(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)?"
_YEAR = r"-?(?:[1-9]\d{3,17}|0\d{3})"
_DAY = re.compile(rf"({_YEAR})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", re.ASCII)
_CLOCK = r"(?:(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?|24:00:00(?:\.0+)?)"
_ZONE_ONLY = re.compile(_ZONE, re.ASCII)
_CLOCK_ZONE = re.compile(_CLOCK + _ZONE, re.ASCII)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
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
_NAME = r"[A-Za-z_\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff][\w.\-\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff]*"
is_name = re.compile(_NAME, re.ASCII).fullmatch
"""Whether a text may be an identifier inside a message: a name of XML without colon, in Latin."""


def is_writable(text: str) -> bool:
    """Whether a text has only characters that XML can carry."""
    return text.isprintable() or not _NOT_XML.search(text)


def collapse(text: str) -> str:
    """Take white space together, as the release's schemas do with codes and tokens."""
    return _SPACE.sub(" ", text).strip(" ")


@dataclass(frozen=True, slots=True)
class Simple:
    """One simple type. `kind` is one word: `code`, `text`, `token`, `date`, `integer` …

    `codes` holds the code list, if the type is one (or a union of several). `accepts` judges a
    text. `numeric` and `boolean` say whether a JSON number or boolean may stand for it.
    """

    kind: str
    codes: frozenset[str] | None
    accepts: Check
    numeric: bool = False
    boolean: bool = False


def _pattern(expression: str, *, collapsed: bool = True) -> Check:
    match = re.compile(expression, re.ASCII).fullmatch
    if collapsed:
        return lambda text: match(text) is not None or match(collapse(text)) is not None
    return lambda text: match(text) is not None


def _is_day(text: str) -> bool:
    """Whether a text is a day of the calendar, with or without an offset from UTC."""
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
    # 29 February: the calendar repeats after 400 years, and `date` knows only some of them.
    return (month, day) != (2, 29) or _leap(year)


def _leap(year: int) -> bool:
    try:
        date(2000 + abs(year) % 400, 2, 29)
    except ValueError:
        return False
    return True


def _is_month_day(text: str) -> bool:
    found = re.compile(r"--(\d\d)-(\d\d)" + _ZONE, re.ASCII).fullmatch(text)
    return (
        found is not None
        and 1 <= int(found[1]) <= 12
        and 1 <= int(found[2]) <= _DAYS[int(found[1]) - 1]
    )


def _integer(low: int | None, high: int | None) -> Check:
    match = re.compile(r"[+-]?\d{1,4000}", re.ASCII).fullmatch

    def accepts(text: str) -> bool:
        if match(text) is None:
            text = collapse(text)
            if match(text) is None:
                return False
        number = int(text)
        return (low is None or number >= low) and (high is None or number <= high)

    return accepts


def _is_base64(text: str) -> bool:
    packed = _SPACE.sub("", text)
    try:
        raw = base64.b64decode(packed, validate=True)
    except (ValueError, binascii.Error):
        return False
    return base64.b64encode(raw).decode() == packed  # no stray bits, no stray padding


# RFC 3986 as the reference checker reads it: characters outside it count as ordinary ones.
_PCT = r"%[0-9A-Fa-f]{2}"
_PCHAR = rf"(?:{_PCT}|[^\s%#?/\[\]]|[ \t])"
_AUTHORITY = (
    rf"(?:(?:{_PCT}|[^%#?/\[\]@])*@)?(?:\[[^\]\s/]*\]|(?:{_PCT}|[^%#?/\[\]@:])*)(?::\d{{0,9}})?"
)
_TAIL = rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[/?])*)?"
_URI = re.compile(
    rf"(?:[A-Za-z][A-Za-z0-9+.\-]*:(?:(?://{_AUTHORITY}(?:/{_PCHAR}*)*)|/?(?:{_PCHAR}+(?:/{_PCHAR}*)*)?)"
    rf"|//{_AUTHORITY}(?:/{_PCHAR}*)*"
    rf"|/(?:{_PCHAR}+(?:/{_PCHAR}*)*)?"
    rf"|(?:(?:{_PCT}|[^%#?/\[\]:])+(?:/{_PCHAR}*)*)?){_TAIL}"
)


def _is_uri(text: str) -> bool:
    return is_writable(text) and _URI.fullmatch(collapse(text)) is not None


def _is_free(text: str) -> bool:
    return text.isprintable() or not _NOT_XML.search(text)


def _built_in(name: str) -> Simple:
    """Give one of XML Schema's own types."""
    if name in _BOUNDS:
        return Simple("integer", None, _integer(*_BOUNDS[name]), numeric=True)
    forms: dict[str, tuple[str, Check]] = {
        "string": ("text", _is_free),
        "normalizedString": ("text", _is_free),
        "token": ("token", _is_free),
        "anyURI": ("uri", _is_uri),
        "date": ("date", _is_day),
        "dateTime": ("dateTime", _is_moment),
        "time": ("time", lambda text: _CLOCK_ZONE.fullmatch(text) is not None),
        "gYear": ("gYear", _year_check(_YEAR + _ZONE)),
        "gYearMonth": ("gYearMonth", _year_check(rf"{_YEAR}-(?:0[1-9]|1[0-2]){_ZONE}")),
        "gMonthDay": ("gMonthDay", _is_month_day),
        "gMonth": ("gMonth", _pattern(rf"--(?:0[1-9]|1[0-2])(?:--)?{_ZONE}", collapsed=False)),
        "gDay": ("gDay", _pattern(rf"---(?:0[1-9]|[12]\d|3[01]){_ZONE}", collapsed=False)),
        "boolean": ("boolean", _pattern("true|false|1|0")),
        "decimal": ("decimal", _pattern(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)")),
        "double": ("double", _pattern(_DOUBLE)),
        "float": ("double", _pattern(_DOUBLE)),
        "duration": ("duration", _pattern(_DURATION, collapsed=False)),
        "language": ("token", _pattern(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")),
        "base64Binary": ("base64Binary", _is_base64),
        "hexBinary": ("hexBinary", _pattern(r"(?:[0-9A-Fa-f]{2})*")),
        "IDREFS": ("references", lambda text: all(map(is_name, text.split(" ")))),
    }
    kind, accepts = forms[name]
    return Simple(kind, None, accepts, numeric=kind in _NUMBER, boolean=kind == "boolean")


_DOUBLE = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|-?INF|NaN"
_DURATION = (
    r"-?P(?=\d|T\d)(?:\d{1,9}Y)?(?:\d{1,9}M)?(?:\d{1,9}D)?"
    r"(?:T(?=\d)(?:\d{1,9}H)?(?:\d{1,9}M)?(?:\d{1,9}(?:\.\d+)?S)?)?"
)


def _year_check(expression: str) -> Check:
    match = re.compile(expression, re.ASCII).fullmatch
    return lambda text: match(text) is not None and not text.removeprefix("-").startswith("0000")


def _codes(values: Iterable[str]) -> Check:
    known = frozenset(values)
    return lambda text: text in known or collapse(text) in known


def _facets(entry: Mapping[str, Any], kind: str) -> list[Check]:
    """Give one check for each bound that the type states."""
    checks: list[Check] = []
    if patterns := entry.get("pattern"):
        # \d is every decimal digit of Unicode there, as it is here without re.ASCII.
        either = re.compile("|".join(f"(?:{p})" for p in patterns)).fullmatch
        checks.append(lambda text: either(text) is not None or either(collapse(text)) is not None)
    size = _length_of(kind)
    for facet, accepts in (
        ("length", lambda n, limit: n == limit),
        ("minLength", lambda n, limit: n >= limit),
        ("maxLength", lambda n, limit: n <= limit),
    ):
        if facet in entry:
            checks.append(_bound(size, accepts, int(entry[facet])))
    for facet, accepts in (
        ("minInclusive", lambda n, limit: n >= limit),
        ("maxInclusive", lambda n, limit: n <= limit),
        ("minExclusive", lambda n, limit: n > limit),
        ("maxExclusive", lambda n, limit: n < limit),
    ):
        if facet in entry:
            checks.append(_bound(_number, accepts, _number(entry[facet])))
    for facet, count in (("totalDigits", _digits), ("fractionDigits", _fraction)):
        if facet in entry:
            checks.append(_bound(count, lambda n, limit: n <= limit, int(entry[facet])))
    return checks


def _bound(measure: Callable[[str], Any], accepts: Callable[[Any, Any], bool], limit: Any) -> Check:
    return lambda text: accepts(measure(text), limit)


def _length_of(kind: str) -> Callable[[str], int]:
    if kind == "hexBinary":
        return lambda text: len(collapse(text)) // 2
    return len if kind == "text" else lambda text: len(collapse(text))


def _number(text: str) -> Decimal:
    text = collapse(text)
    return Decimal("Infinity" if text == "INF" else "-Infinity" if text == "-INF" else text)


def _digits(text: str) -> int:
    whole, _, fraction = collapse(text).lstrip("+-").partition(".")
    return max(1, len(whole.lstrip("0")) + len(fraction.rstrip("0")))


def _fraction(text: str) -> int:
    return len(collapse(text).partition(".")[2].rstrip("0"))


class SimpleTypes:
    """The release's simple types, each made when it is first asked for."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self._entries = entries
        self._made: dict[str, Simple] = {}

    def __getitem__(self, name: str) -> Simple:
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = self._make(name)
        return made

    def _make(self, name: str) -> Simple:
        if name.startswith("xs:"):
            return _built_in(name.removeprefix("xs:"))
        entry = self._entries[name]
        if "union" in entry:
            return self._union([self[n] for n in entry["union"]])
        if "list" in entry:
            item = self[entry["list"]]
            return Simple(
                "list",
                None,
                lambda text: all(map(item.accepts, text.split())),
                numeric=item.numeric,
            )
        base = self[entry["base"]]
        if "enum" in entry:
            codes = frozenset(entry["enum"])
            return Simple("code", codes, _codes(codes), numeric=base.numeric)
        checks = [base.accepts, *_facets(entry, base.kind)]
        if len(checks) == 1:
            return base
        return Simple(
            base.kind, base.codes, lambda text: all(c(text) for c in checks), numeric=base.numeric
        )

    @staticmethod
    def _union(members: list[Simple]) -> Simple:
        lists = [m.codes for m in members]
        codes = frozenset[str]().union(*[c for c in lists if c is not None])
        return Simple(
            "code" if None not in lists else "union",
            codes if None not in lists else None,
            lambda text: any(m.accepts(text) for m in members),
            numeric=any(m.numeric for m in members),
        )
