"""The release's simple types: kinds, code lists, patterns, bounds.

A value is judged by its text, as XML Schema does: a JSON number or boolean is written out first.
Each type judges twice. `conforms` is the release's verdict, as the reference checker gives it;
`accepts` is what the gateway goes by: a value without odd space, and nothing that the checker's XML
library takes against the standard.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from gateway.niem.lexical import ALSO_TAKEN, BUILT_IN, Check, collapse

_SPACED = frozenset(
    {
        *("date", "dateTime", "time", "gYear", "gYearMonth", "gMonthDay", "gMonth", "gDay"),
        *("duration", "double"),
    }
)
"""What the checker's XML library takes with some space around it, and without other."""
_NUMBERS = frozenset({"integer", "decimal", "double"})


@dataclass(frozen=True, slots=True)
class Simple:
    """One simple type. `kind` is one word: `code`, `text`, `token`, `date`, `integer` and so on.

    `codes` holds the code list, if the type is one (or a union of several). `accepts` and
    `conforms` judge a text: what the first takes, the second does. `numeric` and `boolean` say
    whether a JSON number or boolean may stand for it.
    """

    kind: str
    codes: frozenset[str] | None
    accepts: Check
    conforms: Check
    numeric: bool = False
    boolean: bool = False


_Twice: TypeAlias = tuple[Check, Check]
"""What accepts and what conforms."""


def _twice(make: Callable[..., Check], *parts: Simple) -> _Twice:
    """Make both checks of those of its parts; one if they are the same."""
    accepts = make(*[p.accepts for p in parts])
    if all(p.accepts is p.conforms for p in parts):
        return accepts, accepts
    return accepts, make(*[p.conforms for p in parts])


def _codes(base: Simple, known: frozenset[str]) -> Check:
    """Give the check of a code list. In a list of numbers 01 is 1; text is taken as it stands."""
    if base.numeric:
        numbers = frozenset(map(_number, known))
        return lambda text: base.conforms(text) and _number(text) in numbers
    if base.kind == "text":
        return known.__contains__
    return lambda text: text in known or collapse(text) in known


def _facets(entry: Mapping[str, Any], kind: str) -> list[Check]:
    """Give one check for each bound that the type states."""
    checks: list[Check] = []
    if patterns := entry.get("pattern"):
        # \d is every decimal digit of Unicode there, as it is here without re.ASCII.
        either = re.compile("|".join(f"(?:{p})" for p in patterns)).fullmatch
        as_is = kind == "text"
        checks.append(lambda text: either(text if as_is else collapse(text)) is not None)
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
    text = collapse(text).rstrip("eE+-")  # an exponent without digits is taken for none
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
            own = name.removeprefix("xs:")
            kind, accepts = BUILT_IN[own]
            conforms = ALSO_TAKEN.get(own, accepts)
            return Simple(kind, None, accepts, conforms, kind in _NUMBERS, kind == "boolean")
        entry = self._entries[name]
        if "union" in entry:
            return self._union([self[n] for n in entry["union"]])
        if "list" in entry:
            item = self[entry["list"]]
            return Simple("list", None, *_twice(_each, item), numeric=item.numeric)
        base = self[entry["base"]]
        if "enum" in entry:
            codes = frozenset(entry["enum"])
            accepts = _codes(base, codes)
            return Simple("code", codes, accepts, accepts, numeric=base.numeric)
        facets = _facets(entry, base.kind)
        if not facets:
            return base
        accepts = _all_of([base.accepts, *facets])
        conforms = accepts
        if base.kind in _SPACED:  # with a facet the space around is taken off first
            conforms = _all_of([lambda text: base.conforms(collapse(text)), *facets])
        elif base.conforms is not base.accepts:
            conforms = _all_of([base.conforms, *facets])
        return Simple(base.kind, base.codes, accepts, conforms, numeric=base.numeric)

    @staticmethod
    def _union(members: list[Simple]) -> Simple:
        lists = [m.codes for m in members]
        codes = frozenset[str]().union(*[c for c in lists if c is not None])
        return Simple(
            "code" if None not in lists else "union",
            codes if None not in lists else None,
            *_twice(lambda *checks: lambda text: any(c(text) for c in checks), *members),
            numeric=any(m.numeric for m in members),
        )


def _each(check: Check) -> Check:
    return lambda text: all(map(check, filter(None, collapse(text).split(" "))))


def _all_of(checks: list[Check]) -> Check:
    return lambda text: all(c(text) for c in checks)
