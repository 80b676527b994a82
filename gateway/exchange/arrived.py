"""The log's lines on answers, written while others are still awaited.

When the last answer is in, only its own line and that of the whole outcome are left to write. Lines
that come close together share a write.
"""

import asyncio

import structlog

from gateway.errors import LedgerUnavailable
from gateway.ledger import Draft, Ledger, Logged

TOGETHER_S = 0.004
"""How long a line waits for others, at most, while answers are awaited."""

_log = structlog.get_logger("sallyport.arrived")


class Arrived:
    """What came in for one search. `finish` writes the rest, and waits for all of it.

    Of a search that is given up, what came in is written all the same.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: list[Draft] = []
        self._timer: asyncio.TimerHandle | None = None
        self._writes: list[asyncio.Task[None]] = []
        self._failed: LedgerUnavailable | None = None

    def note(self, draft: Draft) -> None:
        """Have a line written in a moment. Never raises: what can't be written, `finish` tells."""
        self._waiting.append(draft)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TOGETHER_S, self._write)

    async def finish(self, *rest: Draft) -> Logged:
        """Write what waits and the last lines, and give the very last once all are durable.

        Raises LedgerUnavailable if one is not.
        """
        if self._timer is not None:
            self._timer.cancel()
        logged = await self._ledger.finish([*self._waiting, *rest])
        await asyncio.gather(*self._writes)
        if self._failed is not None:
            raise self._failed
        return logged[-1]

    def _write(self) -> None:
        drafts, self._waiting, self._timer = self._waiting, [], None
        self._writes.append(asyncio.create_task(self._written(drafts)))

    async def _written(self, drafts: list[Draft]) -> None:
        """Write lines. What fails is kept for `finish`, and said: a search may be given up."""
        try:
            await self._ledger.finish(drafts)
        except LedgerUnavailable as error:
            self._failed = error
            _log.error("lines on answers could not be logged", code=error.code, lines=len(drafts))
