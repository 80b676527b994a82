"""What strangers do, logged in sum: nobody who isn't known can fill the log.

The first event of a quiet time is written at once, the following ones once a minute, as counts.
"""

import asyncio
from collections import Counter

import structlog

from gateway.background import ended
from gateway.errors import LedgerUnavailable
from gateway.ledger import Draft, EntryType, Ledger

EVERY_S = 60.0

_log = structlog.get_logger("sallyport.aggregate")


class Aggregate:
    """Count events by cause and write the sums into the log. Use from one event loop."""

    def __init__(self, ledger: Ledger, what: str, *, every_s: float = EVERY_S) -> None:
        self._ledger = ledger
        self._what = what
        self._every_s = every_s
        self._counts: Counter[str] = Counter()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def note(self, cause: str) -> None:
        """Count one event. `cause` is a word of ours."""
        self._counts[cause] += 1
        self._wake.set()

    async def start(self) -> None:
        """Write sums from now on."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Write what is left, and end."""
        await ended(self._task)
        await self._flush()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._flush()
            await asyncio.sleep(self._every_s)

    async def _flush(self) -> None:
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        drafts = [
            Draft(type=EntryType.NOTICE, decision=self._what, reasons=(cause,), results=n)
            for cause, n in sorted(counts.items())
        ]
        try:
            await self._ledger.begin(drafts)
        except LedgerUnavailable:
            # Nothing is lost: the counts go on, and are written when the log can be.
            self._counts.update(counts)
            _log.error("aggregate not logged", what=self._what)
