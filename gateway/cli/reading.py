"""What a command does stands in the log first: reading its sealed parts, changing records.

The running gateway writes the line; when none runs, this command does, as the log's one writer.
Sealed parts are read from ledger.db as it is, read-only, so that long readings hold up nobody.
"""

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from gateway import settings as settings_files
from gateway.cli import admin_client
from gateway.errors import NotFound, Unavailable
from gateway.ledger import (
    Draft,
    EntryType,
    Filters,
    Ledger,
    LogEntry,
    Page,
    PageOf,
    origin_of,
)
from gateway.ledger.reading import Reader
from gateway.ledger.seal import SealingKey, ledger_key
from gateway.trust import keys as key_files

T = TypeVar("T")

LEDGER = Path("data") / "ledger.db"


class OpenedLog:
    """The log of one gateway's folder, read-only, with its sealed parts. Use it with `with`."""

    def __init__(self, home: Path) -> None:
        keys = key_files.load(home)
        self._reader = Reader(home / LEDGER, SealingKey(ledger_key(keys.sealing)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._reader.close()

    def count(self, filters: Filters) -> int:
        """Count the entries that a filter lets through."""
        return self._reader.count(filters)

    async def entries(
        self, filters: Filters, page: PageOf | None = None, *, unseal: bool = False
    ) -> Page:
        """Give a page."""
        return self._reader.page(filters, page or PageOf(), unseal=unseal)

    async def entry(self, name: str, *, unseal: bool = False) -> LogEntry | None:
        """Give one entry, None if there is none."""
        return self._reader.one(name, unseal=unseal)


def opened_log(home: Path, what: str, about: dict[str, str]) -> OpenedLog:
    """Log that sealed parts are read, for what and of which entries; then open the log.

    Raises NotFound if there is none, LedgerUnavailable if the reading can't be logged.
    """
    if not (home / LEDGER).is_file():
        raise NotFound("There is no access log yet: the gateway never ran.")
    try:
        admin_client.call(home, "POST", "/v1/audit/readings", {"what": what, "about": about})
    except Unavailable:
        alone(home, what, {"about": about}, _nothing_more)
    return OpenedLog(home)


def alone(
    home: Path, what: str, personal: dict[str, Any], act: Callable[[Ledger], Awaitable[T]]
) -> T:
    """Be the log's writer for a moment: log the reading, then read. Raises as `opened_log` does."""
    if not (home / LEDGER).is_file():
        raise NotFound("There is no access log yet: the gateway never ran.")
    return _written(home, Draft(EntryType.ADMIN, decision=what, personal=personal), act)


def log_act(home: Path, what: str, results: int, about: dict[str, str]) -> None:
    """Log what this command is about to do, to how many records or rows. It also begins a log.

    Raises LedgerUnavailable if it can't be written, and what the running gateway says: then it must
    not be done.
    """
    about = {**about, "user": _user()}
    try:
        body = {"what": what, "results": results, "about": about}
        admin_client.call(home, "POST", "/v1/admin/acts", body)
    except Unavailable:
        draft = Draft(EntryType.ADMIN, decision=what, results=results, personal={"about": about})
        _written(home, draft, _nothing_more)


def _written(home: Path, draft: Draft, act: Callable[[Ledger], Awaitable[T]]) -> T:
    settings = settings_files.load(home)
    keys = key_files.load(home)
    ledger = Ledger(
        home / LEDGER,
        origin=origin_of(settings.ori),
        log_key=keys.log,
        sealing_key=ledger_key(keys.sealing),
    )
    who = {"client": "command", "user": _user()}
    draft = replace(draft, peer=settings.ori, personal=who | dict(draft.personal or {}))

    async def logged() -> T:
        await ledger.start()
        try:
            await ledger.begin([draft])
            return await act(ledger)
        finally:
            await ledger.stop()

    return asyncio.run(logged())


def _user() -> str:
    """Name the machine's user; by number, where a container gives the process no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


async def _nothing_more(_: Ledger) -> None:
    """Read nothing: what was logged is read beside."""
