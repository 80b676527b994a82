"""The access log: durable before anything leaves, and able to prove that nobody rewrote it.

`begin` before an act, `finish` after it; both return when the lines are on disk. A moment later the
lines are numbered, enter a Merkle tree, and its head is signed. The format is in docs/ledger.md.
"""

import asyncio
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.errors import Invalid, LedgerUnavailable
from gateway.ledger.checkpoint import origin_of
from gateway.ledger.entry import Draft, EntryType, Logged, Nonce, prepare
from gateway.ledger.reading import Filters, LogEntry, Page, PageOf, Reader
from gateway.ledger.seal import SealingKey
from gateway.ledger.store import Store, Work
from gateway.ledger.writer import Writer

__all__ = [
    "Draft",
    "EntryType",
    "Filters",
    "Ledger",
    "LogEntry",
    "Logged",
    "Nonce",
    "Page",
    "PageOf",
    "origin_of",
]

T = TypeVar("T")

CHECKPOINT_EVERY_S = 0.15
_PROBE_S = 2.0
_LATE_S = 5.0
_LOW_DISK_BYTES = 256 * 2**20


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """One agency's access log in `path` (ledger.db). One process at a time may have it started."""

    def __init__(
        self,
        path: Path,
        *,
        origin: str,
        log_key: Ed25519PrivateKey,
        sealing_key: bytes,
        clock: Callable[[], datetime] = _utc_now,
        checkpoint_every_s: float = CHECKPOINT_EVERY_S,
    ) -> None:
        self._path = path
        self._sealing = SealingKey(sealing_key)
        self._store = Store(
            path, origin=origin, log_key=log_key, sealing=self._sealing, clock=clock
        )
        self._writer = Writer(self._store, checkpoint_every_s=checkpoint_every_s)
        self._reader: Reader | None = None
        self._readers = ThreadPoolExecutor(2, thread_name_prefix="ledger-reader")

    async def start(self) -> None:
        """Take up the log, finish what a crash left, and write a `start`.

        Raises LedgerUnavailable: locked by another process, not writable, or altered.
        """
        await asyncio.to_thread(self._writer.start)
        self._reader = Reader(self._path, self._sealing)

    async def stop(self) -> None:
        """Write and number what waits, and close. Later calls raise LedgerUnavailable."""
        await asyncio.to_thread(self._writer.stop)
        await asyncio.to_thread(self._readers.shutdown)
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    async def begin(
        self, drafts: Sequence[Draft], *, nonce: Nonce | None = None
    ) -> tuple[Logged, ...]:
        """Write the lines of an act before it happens; durable on return, all or none.

        Raises Replayed if the nonce was seen before, LedgerUnavailable if it can't be written:
        then the act must not happen.
        """
        return await self._writer.write(Work(tuple(map(prepare, drafts)), nonce))

    async def finish(self, drafts: Sequence[Draft]) -> tuple[Logged, ...]:
        """Write the lines of an act's outcome before it leaves. Raises LedgerUnavailable."""
        return await self._writer.write(Work(tuple(map(prepare, drafts))))

    async def erase(
        self, entry_ids: Sequence[str], *, reason: str, personal: dict[str, Any]
    ) -> Logged:
        """Destroy the personal parts of some entries, and log that: tree and proofs stay valid.

        `reason` is a code; `personal` names who ordered it. Raises Invalid, LedgerUnavailable.
        """
        draft = Draft(
            EntryType.ERASE,
            decision="erased",
            reasons=(reason,),
            entries=tuple(entry_ids),
            personal=personal,
        )
        work = Work((prepare(draft),), erased=tuple(map(_parsed_id, entry_ids)))
        logged = await self._writer.write(work)
        return logged[0]

    async def entries(
        self, filters: Filters, page: PageOf | None = None, *, unseal: bool = False
    ) -> Page:
        """Read a page for the auditor. The caller logs the reading first, with `begin`."""
        return await self._read(
            lambda reader: reader.page(filters, page or PageOf(), unseal=unseal)
        )

    async def entry(self, name: str, *, unseal: bool = False) -> LogEntry | None:
        """Read one entry by its id or its number, for the auditor. The caller logs it first."""
        return await self._read(lambda reader: reader.one(name, unseal=unseal))

    async def receipts(self, peer: str) -> list[dict[str, str]]:
        """Give the leaves that a peer gave us, for checking its log with `audit verify`."""
        return await self._read(lambda reader: list(reader.receipts(peer)))

    async def checkpoint(self) -> str | None:
        """Give the newest signed checkpoint (a C2SP signed note)."""
        return await self._read(Reader.checkpoint)

    async def status(self) -> dict[str, Any]:
        """Tell whether it can be written: ok, degraded or failed, with figures. Never raises."""
        try:
            async with asyncio.timeout(_PROBE_S):
                await self._writer.write(Work(()))
        except (LedgerUnavailable, TimeoutError):
            return {"status": "failed", "why": self._writer.failure or "no answer from its writer"}
        free = shutil.disk_usage(self._path.parent).free
        why = self._degraded(free)
        found: dict[str, Any] = {
            "status": "degraded" if why else "ok",
            "entries": self._store.size,
            "unnumbered": len(self._store.pending),
            "disk_free_mb": free // 2**20,
        }
        return found | ({"why": why} if why else {})

    def _degraded(self, free: int) -> str | None:
        if self._store.foreign:
            return "it holds entries that this gateway did not write: run `sallyport audit verify`"
        if self._store.pending and time.monotonic() - self._writer.sequenced_at > _LATE_S:
            return "entries wait for their number"
        return "the disk is nearly full" if free < _LOW_DISK_BYTES else None

    async def _read(self, act: Callable[[Reader], T]) -> T:
        if self._reader is None:
            raise LedgerUnavailable("The access log is not open.")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, partial(act, self._reader))


def _parsed_id(text: str) -> tuple[str, int]:
    writer, dot, number = text.partition(".")
    if not dot or not number.isdigit():
        raise Invalid("This is no entry's id.", pointer="/entries")
    return writer, int(number)
