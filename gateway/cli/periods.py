"""Moments as commands take them: a date and time, or how long ago."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

_AGO = re.compile(r"(\d{1,5})([dhm])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


def moment(text: str) -> datetime:
    """Read `30d`, `12h`, `15m` (ago), or an ISO date or time, UTC unless it says otherwise."""
    ago = _AGO.fullmatch(text)
    if ago:
        return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            "give how long ago, such as 30d, 12h or 15m, or a date such as 2026-11-23"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


Since = Annotated[
    datetime | None,
    typer.Option("--since", help="From then on: 30d, 12h, or a date (UTC).", parser=moment),
]
Until = Annotated[
    datetime | None,
    typer.Option("--until", help="Before then: 1d, or a date (UTC).", parser=moment),
]
