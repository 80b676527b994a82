"""Reading the log: for the auditor, and for handing out receipts. Read-only; blocking.

Personal parts are opened only when asked for. Who reads logs it first: see `gateway.http`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import orjson
from sqlalchemy import ColumnElement, Engine, Row, func, select
from sqlalchemy.exc import SQLAlchemyError

from gateway.database import open_sqlite
from gateway.errors import Invalid, LedgerUnavailable
from gateway.ledger.entry import EntryType, entry_id
from gateway.ledger.schema import checkpoints, entries, month_keys
from gateway.ledger.seal import CannotOpen, SealedPart, SealingKey
from gateway.ledger.tree import leaf_hash
from gateway.model import stamp

MAX_PAGE = 500
_CURSOR_DIGITS = 18
PREFIX = "sha-256:"

PersonalState = Literal["none", "sealed", "opened", "erased", "damaged"]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which entries: all that are set must hold. `until` is the first moment left out."""

    since: datetime | None = None
    until: datetime | None = None
    types: tuple[EntryType, ...] = ()
    transaction: str | None = None
    purpose: str | None = None
    peer: str | None = None
    decision: str | None = None
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class PageOf:
    """Which page: `after` is the cursor that the page before ended with. Newest first if asked."""

    after: str | None = None
    limit: int = 100
    newest_first: bool = False


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry as it is read. `position` is None until it is numbered, some 150 ms after writing.

    `fields` is the entry itself; `personal` and `reference` are set where the part was opened.
    """

    position: int | None
    entry_id: str
    leaf: str
    fields: dict[str, Any]
    personal_state: PersonalState
    personal: dict[str, Any] | None = field(default=None, repr=False)
    reference: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """Entries in the log's own order. `next` is the cursor of the page after, None at the end."""

    entries: tuple[LogEntry, ...]
    next: str | None


class Reader:
    """Reads one ledger.db. May be used from any thread."""

    def __init__(self, path: Path, sealing: SealingKey | None = None) -> None:
        self._engine: Engine = open_sqlite(path, read_only=True)
        self._sealing = sealing

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    def page(self, filters: Filters, page: PageOf, *, unseal: bool = False) -> Page:
        """Give one page. Raises Invalid for a cursor that is none, LedgerUnavailable."""
        if unseal and self._sealing is None:
            raise LedgerUnavailable("The personal parts can't be opened without the sealing key.")
        limit = max(1, min(page.limit, MAX_PAGE))
        e = entries.c
        query = select(entries).where(*_conditions(filters)).limit(limit + 1)
        if page.after is not None:
            row_id = _cursor(page.after)
            query = query.where(e.id < row_id if page.newest_first else e.id > row_id)
        query = query.order_by(e.id.desc() if page.newest_first else e.id)
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(query).all()
                keys = connection.execute(select(month_keys)).all() if unseal else []
        except SQLAlchemyError as error:
            raise LedgerUnavailable(
                f"The access log can't be read ({type(error).__name__})."
            ) from None
        wrapped = {k.id: k for k in keys}
        shown = tuple(self._entry(row, wrapped if unseal else None) for row in rows[:limit])
        return Page(shown, str(rows[limit - 1].id) if len(rows) > limit else None)

    def one(self, name: str, *, unseal: bool = False) -> LogEntry | None:
        """Give one entry by its id, or by its number in the log; None if there is none.

        Raises Invalid for a name that is neither, LedgerUnavailable.
        """
        if unseal and self._sealing is None:
            raise LedgerUnavailable("The personal parts can't be opened without the sealing key.")
        try:
            with self._engine.connect() as connection:
                row = connection.execute(select(entries).where(*_named(name))).first()
                keys = connection.execute(select(month_keys)).all() if unseal else []
        except SQLAlchemyError as error:
            raise LedgerUnavailable(
                f"The access log can't be read ({type(error).__name__})."
            ) from None
        return (
            None if row is None else self._entry(row, {k.id: k for k in keys} if unseal else None)
        )

    def count(self, filters: Filters) -> int:
        """Count the entries that a filter lets through, for showing progress."""
        query = select(func.count()).select_from(entries).where(*_conditions(filters))
        try:
            with self._engine.connect() as connection:
                return int(connection.execute(query).scalar_one())
        except SQLAlchemyError as error:
            raise LedgerUnavailable(
                f"The access log can't be read ({type(error).__name__})."
            ) from None

    def checkpoint(self) -> str | None:
        """Give the newest signed checkpoint, None if there is none yet."""
        query = select(checkpoints.c.note).order_by(checkpoints.c.size.desc()).limit(1)
        try:
            with self._engine.connect() as connection:
                return connection.execute(query).scalar()
        except SQLAlchemyError as error:
            raise LedgerUnavailable(
                f"The access log can't be read ({type(error).__name__})."
            ) from None

    def receipts(self, peer: str) -> Iterator[dict[str, str]]:
        """Give the leaves of its log that a peer gave us, oldest first.

        With them `audit verify --receipts` at the peer finds entries that its log lost.
        """
        e = entries.c
        query = select(e.entry).where(e.peer == peer).order_by(e.id)
        with self._engine.connect() as connection:
            for row in connection.execution_options(yield_per=1000).execute(query):
                fields = orjson.loads(row.entry)
                if "peer_leaf" in fields:
                    yield {
                        "leaf": fields["peer_leaf"],
                        "transaction": fields.get("transaction", ""),
                        "type": fields["type"],
                        "time": fields["time"],
                        "peer": peer,
                        "holder": fields["log"],
                    }

    def _entry(self, row: Row[Any], months: dict[int, Row[Any]] | None) -> LogEntry:
        fields: dict[str, Any] = orjson.loads(row.entry)
        document: dict[str, Any] = {}
        state: PersonalState = "none"
        if "personal" in fields:
            state = "sealed" if row.part is not None else "erased"
            if months is not None and row.part is not None:
                document = self._opened(row, fields["personal"], months)
                state = "opened" if document else "damaged"
        return LogEntry(
            position=row.position,
            entry_id=entry_id(row.writer, row.sequence),
            leaf=PREFIX + leaf_hash(row.entry).hex(),
            fields=fields,
            personal_state=state,
            personal=document.get("personal"),
            reference=document.get("case", {}).get("reference"),
        )

    def _opened(
        self, row: Row[Any], commitment: str, months: dict[int, Row[Any]]
    ) -> dict[str, Any]:
        month = months.get(row.month_key)
        if self._sealing is None or month is None:
            return {}
        part = SealedPart(bytes.fromhex(commitment.removeprefix(PREFIX)), row.part_key, row.part)
        try:
            key = self._sealing.open_month(month.month, month.retention, month.wrapped)
            document: dict[str, Any] = orjson.loads(key.open(part))
        except CannotOpen:
            return {}
        return document


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    e = entries.c
    found: list[ColumnElement[bool]] = []
    if filters.since:
        found.append(e.time >= stamp(filters.since))
    if filters.until:
        found.append(e.time < stamp(filters.until))
    if filters.types:
        found.append(e.type.in_([t.value for t in filters.types]))
    for name in ("transaction", "purpose", "peer", "decision", "subject"):
        value = getattr(filters, name)
        if value is not None:
            found.append(e[name] == value)
    return found


def _named(name: str) -> list[ColumnElement[bool]]:
    writer, dot, number = name.rpartition(".")
    if not (number.isascii() and number.isdigit() and len(number) <= _CURSOR_DIGITS):
        raise Invalid("This is no entry: give its id, or its number in the log.", pointer="/entry")
    e = entries.c
    return [e.writer == writer, e.sequence == int(number)] if dot else [e.position == int(number)]


def _cursor(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _CURSOR_DIGITS):
        raise Invalid("This is no cursor of a page.", pointer="/after")
    return int(text)
