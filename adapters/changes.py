"""A column by which a legacy table tells when a row was written: a time, or a number that grows."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Date, DateTime, func, or_, select, true

from adapters.connecting import seconds_of
from adapters.tables import Database
from adapters.typed import as_text
from gateway.errors import Misconfigured

_NUMBER: Final = re.compile(r"-?\d{1,38}(\.\d+)?", re.ASCII)
_SPAN: Final = re.compile(r"[1-9]\d{0,4}[smhd]")
_DAY: Final = len("2026-01-31")
_SECOND: Final = len("2026-01-31 10:00:00")


class ChangeColumn:
    """The `column` and the `overlap` of a table under `changes`."""

    def __init__(self, database: Database, table: str, spec: Mapping[str, Any]) -> None:
        """Raises Misconfigured where the overlap is not one of such a column."""  # noqa: D401 - it does
        self.column = database.table(table).c[spec["column"]]
        self._name = f"{table}.{spec['column']}"
        self._overlap: str = str(spec["overlap"])
        self._is_time = database.is_postgresql and isinstance(
            database.kind(table, spec["column"]), Date | DateTime
        )
        if self._is_time and not _SPAN.fullmatch(self._overlap):
            raise Misconfigured(f"{self._name} holds times: its overlap is one, such as 10m")

    def youngest(self, connection: Connection) -> str | None:
        """Give the greatest value there is, as text."""
        found = connection.execute(select(func.max(self.column))).scalar_one()
        return None if found is None else as_text(found)

    def since(self, known: str | None, now: datetime) -> ColumnElement[bool]:
        """Say that a row may have been written after `known`, less the overlap, or that none knows.

        What lies in the future (a clock that is wrong) hides nothing that is written later.
        """
        if known is None:
            return true()
        return or_(self.column >= self._from(known, now), self.column.is_(None))

    def _from(self, known: str, now: datetime) -> Any:
        number = _NUMBER.fullmatch(known)
        if number is not None and self._overlap.isdecimal() and not self._is_time:
            value = Decimal(known) - int(self._overlap)
            return int(value) if value == value.to_integral_value() else float(value)
        try:
            last = datetime.fromisoformat(known)
        except ValueError:
            if known != "infinity":
                raise Misconfigured(
                    f"{self._name} holds neither times that sort (2026-01-31 10:00:00) nor, with "
                    "a number as `overlap`, numbers: leave the `column` out"
                ) from None
            last = now
        if not _SPAN.fullmatch(self._overlap):
            raise Misconfigured(f"{self._name} holds times: its overlap is one, such as 10m")
        plain = last.astimezone(UTC) if last.tzinfo and self._is_time else last
        latest = min(plain.replace(tzinfo=None), now.replace(tzinfo=None) + timedelta(days=1))
        first = latest - timedelta(seconds=seconds_of(self._overlap))
        return self._written(first, known)

    def _written(self, first: datetime, like: str) -> str:
        """Write a moment as the column has them, to the second: texts sort so."""
        if len(like) <= _DAY:
            day: date = first.date()
            return day.isoformat() if "-" in like else day.strftime("%Y%m%d")
        between = like[_DAY] if len(like) >= _SECOND and not self._is_time else " "
        text = first.isoformat(between, "seconds")
        return f"{text}+00" if self._is_time and like.endswith("+00") else text
