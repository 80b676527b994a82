"""How old sources are, against how old they may be."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.model import age_of


@dataclass(frozen=True, slots=True)
class Freshness:
    """A source's age and its limit, both in minutes, where known.

    `limited` is the record type with the strictest limit. `stale`: older than that, or of unknown
    age though there is a limit.
    """

    age: int | None
    limit: int | None
    limited: str | None
    stale: bool


def freshness(
    as_of: datetime | None, record_types: Iterable[str], limits: Mapping[str, int], now: datetime
) -> Freshness:
    """Compare. The rule is that of an answer: what is exactly as old as it may be is fresh."""
    known = sorted((limits[t], t) for t in record_types if t in limits)
    limit, limited = known[0] if known else (None, None)
    age = age_of(as_of, now)
    stale = limit is not None and (age is None or age > timedelta(minutes=limit))
    minutes = None if age is None else max(0, int(age.total_seconds() // 60))
    return Freshness(minutes, limit, limited, stale)


def span(minutes: int | None) -> str:
    """Write a span for people: 45 min, 7 h, 12 d."""
    if minutes is None:
        return ""
    if minutes < _HOURS:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < _DAYS else f"{minutes // 1_440} d"


_HOURS = 120
_DAYS = 2 * 1_440
