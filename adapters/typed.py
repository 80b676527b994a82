"""Values of a legacy database's columns: as text, and from the text of a question.

PostgreSQL refuses a value that is not of the column's type, and looks in no index for one that is
of another. So what can't stand in a column is left out of a question: nothing would be found by it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy import Boolean, Date, DateTime, Enum, Integer, Numeric, String, Uuid
from sqlalchemy.types import TypeEngine, UserDefinedType

_WHOLE: Final = re.compile(r"-?\d{1,18}", re.ASCII)
_DECIMAL: Final = re.compile(r"-?\d{1,38}(\.\d{1,38})?", re.ASCII)
_TRUTH: Final = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


def decoded(data: bytes, encoding: str = "utf-8") -> str:
    """Decode a text; each byte that is none of it stays by itself, as half of a surrogate pair.

    So one wrong byte hinders no other row. `garbled` finds it, `shown` writes it for people.
    """
    return str(data, encoding, "surrogateescape")


def stored(text: str) -> str | bytes:
    """Give a text as SQLite is to have it: of one with wrong bytes, its bytes."""
    return text if _whole_text(text) else text.encode(errors="surrogateescape")


def shown(text: str) -> str:
    """Write a text for people: wrong bytes as their numbers."""
    if _whole_text(text):
        return text
    return text.encode(errors="surrogateescape").decode(errors="backslashreplace")


def garbled(values: Mapping[str, str]) -> frozenset[str]:
    """Name the columns whose texts have wrong bytes."""
    if _whole_text("".join(values.values())):
        return frozenset()
    return frozenset(name for name, text in values.items() if not _whole_text(text))


def _whole_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Plain(UserDefinedType[Any]):
    """A value as the driver gives it and takes it: the database itself knows a column's type."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Refuse: nothing is ever created here."""
        raise NotImplementedError


def as_text(value: object) -> str:
    """Give a database's value as text."""
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | dict):
        return orjson.dumps(value, default=str).decode()
    return str(value)


def fitting(kind: TypeEngine[Any], text: str, codec: str | None) -> Any:
    """Give a text as a column of PostgreSQL has it; None if none of them can be it.

    `codec` is the encoding that the database keeps its texts in, where that is not UTF-8.
    """
    if isinstance(kind, Enum):
        return text if text in kind.enums else None
    try:
        if isinstance(kind, String):
            text.encode(codec or "utf-8")
            return None if "\0" in text else text
        made = next((make for one, make in _MADE if isinstance(kind, one)), None)
        return text if made is None else made(text.strip())
    except (ValueError, KeyError):
        return None


def _whole(text: str) -> int | None:
    return int(text) if _WHOLE.fullmatch(text) else None


def _decimal(text: str) -> Decimal | None:
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


_MADE: Final[Sequence[tuple[type[TypeEngine[Any]], Callable[[str], Any]]]] = (
    (Integer, _whole),
    (Numeric, _decimal),
    (DateTime, datetime.fromisoformat),
    (Date, date.fromisoformat),
    (Uuid, UUID),
    (Boolean, _TRUTH.__getitem__),
)
