"""The release's simple types: kinds, code lists, patterns, bounds.

A value is judged by its text, as XML Schema does: a JSON number or boolean is written out first.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gateway.niem.lexical import BUILT_IN, Check, collapse

_NUMBERS = frozenset({"integer", "decimal", "double"})


@dataclass(frozen=True, slots=True)
class Simple:
    """One simple type. `kind` is one word: `code`, `text`, `token`, `date`, `integer` and so on.

    `codes` holds the code list, if the type is one (or a union of several). `accepts` judges a
    text. `numeric` and `boolean` say whether a JSON number or boolean may stand for it.
    """

    kind: str
    codes: frozenset[str] | None
    accepts: Check
    numeric: bool = False
    boolean: bool = False


def _codes(base: Simple, known: frozenset[str]) -> Check:
    """Give the check of a code list. In a list of numbers 01 is 1; text is taken as it stands."""
    if base.numeric:
        numbers = frozenset(map(_number, known))
        return lambda text: base.accepts(text) and _number(text) in numbers
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
            kind, accepts = BUILT_IN[name.removeprefix("xs:")]
            return Simple(kind, None, accepts, kind in _NUMBERS, kind == "boolean")
        entry = self._entries[name]
        if "union" in entry:
            return self._union([self[n] for n in entry["union"]])
        if "list" in entry:
            item = self[entry["list"]]
            return Simple(
                "list",
                None,
                lambda text: all(map(item.accepts, filter(None, collapse(text).split(" ")))),
                numeric=item.numeric,
            )
        base = self[entry["base"]]
        if "enum" in entry:
            codes = frozenset(entry["enum"])
            accepts = _codes(base, codes)
            return Simple("code", codes, accepts, numeric=base.numeric)
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
