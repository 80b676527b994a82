"""How a legacy text becomes a JSON value of the standard: words of codes, numbers, dates, parts."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeAlias

from adapters.codes import CodeTable, Word
from adapters.dates import DAY, MONTH, TIME, YEAR, DateReader, Moment, sure_days
from adapters.trees import Tree, kept_name
from gateway.errors import Untranslatable

DATE_KINDS: Final = {DAY: "date", TIME: "dateTime", MONTH: "gYearMonth", YEAR: "gYear"}
"""What a date's property holds, as the standard's kinds are called."""
_TO_DAY: Final = len("2026-05-01")
_INTEGER: Final = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?\d{1,18}(?:\.\d{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kept:
    """A legacy value without a NIEM word: it goes beside, under the project's namespace."""

    raw: str


Convert: TypeAlias = Callable[[str], Any]
"""Text → JSON value, Kept, or None for nothing. Raises Untranslatable."""


def as_text(text: str) -> str:
    """Leave text as it is, blanks inside reduced to one each."""
    return " ".join(text.split())


def as_integer(text: str) -> int:
    """Read a whole number."""
    if not _INTEGER.fullmatch(text):
        raise Untranslatable("this is not a whole number", code="value.number")
    return int(text)


def as_decimal(text: str) -> str:
    """Read a number with a decimal point. It stays text, so that no digit is lost."""
    if not _DECIMAL.fullmatch(text):
        raise Untranslatable("this is not a number", code="value.number")
    return format(Decimal(text), "f")


def by_codes(table: CodeTable, *, keep: bool) -> Convert:
    """Translate by a code table."""
    words: dict[str, Any] = {
        **table.words,
        **{code: Kept(code) for code in table.wordless},
    }
    seen = table.seen

    def convert(text: str) -> Any:
        if seen is not None:
            seen.add(text)
        found = words.get(text, words)
        if found is not words:
            return found
        if keep:
            return Kept(text)
        raise Untranslatable("the code is not in the mapping's table", code="code.unknown")

    return convert


def by_code_list(codes: frozenset[str], *, keep: bool) -> Convert:
    """Let pass what is in the standard's own code list."""

    def convert(text: str) -> Word | Kept:
        if text in codes:
            return text
        if keep:
            return Kept(text)
        raise Untranslatable("the code is not in the standard's list", code="code.unknown")

    return convert


def by_date(reader: DateReader, *, kind: str, check: Callable[[Moment], None] | None) -> Convert:
    """Read a date, as an object with a date in it, or as a date itself."""
    first, last = sure_days(check)

    def convert(text: str) -> Any:
        plain = reader.plain(text)
        if plain is not None and first <= plain[1][:_TO_DAY] <= last:
            name, value = plain
        else:
            moment = reader.read(text)
            if check is not None:
                check(moment)
            name, value = reader.written(moment)
        if kind == "object":
            return {name: value}
        if kind != DATE_KINDS[name]:
            raise Untranslatable("another part of a date was expected here", code="date.format")
        return value

    return convert


def by_parts(separator: str, into: Sequence[tuple[str, Convert]]) -> Convert:
    """Split one value into the properties of one object."""

    def convert(text: str) -> Tree | None:
        parts = [p.strip() for p in text.split(separator, len(into) - 1)]
        found: Tree = {}
        for (name, inner), part in zip(into, parts, strict=False):
            value = inner(part) if part else None
            if isinstance(value, Kept):
                found[kept_name(name)] = value.raw
            elif value is not None:
                found[name] = value
        return found or None

    return convert
