"""Who tried to read the access log and may not: a line each, and in sum what is too many.

A client is registered here, so that it is known who tries; it may be out of order all the same.
"""

import time
from collections import Counter
from collections.abc import Callable

from gateway.exchange.aggregate import Aggregate
from gateway.ledger import Draft, EntryType, Ledger
from gateway.model import Caller, Ori

WHAT = "log_read_refused"
LINES = 10
"""Lines of its own that a client's attempts get, in each window."""
WINDOW_S = 60.0


class RefusedReadings:
    """Writes attempts down. Use from one event loop.

    Only registered clients come here: there are no more counts than those.
    """

    def __init__(
        self, ledger: Ledger, ori: Ori, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ledger = ledger
        self._ori = ori
        self._clock = clock
        self._began = clock()
        self._lines: Counter[str] = Counter()
        self._rest = Aggregate(ledger, WHAT)

    async def start(self) -> None:
        """Write sums from now on."""
        await self._rest.start()

    async def stop(self) -> None:
        """Write what is left, and end."""
        await self._rest.stop()

    async def note(self, caller: Caller, code: str, path: str) -> None:
        """Write one attempt down, durable on return, or count it for the next sum.

        `code`: why it was refused. Raises LedgerUnavailable.
        """
        now = self._clock()
        if now - self._began >= WINDOW_S:
            self._began = now
            self._lines.clear()
        self._lines[caller.client] += 1
        if self._lines[caller.client] > LINES:
            self._rest.note(code)
            return
        officer = caller.officer
        await self._ledger.begin(
            [
                Draft(
                    type=EntryType.DENY,
                    peer=self._ori,
                    decision=WHAT,
                    reasons=(code,),
                    personal={
                        "client": caller.client,
                        "officer": officer.subject if officer else None,
                        "about": {"path": path},
                    },
                )
            ]
        )
