"""The one thread that writes the log: takes what waits, commits it together, wakes the callers."""

import asyncio
import contextlib
import queue
import threading
import time
from dataclasses import dataclass

import structlog

from gateway.errors import LedgerUnavailable, SallyportError
from gateway.ledger.entry import Logged
from gateway.ledger.store import Store, Work

BATCH = 256
"""The most callers that share a commit."""
QUEUE = 20_000
"""The most that may wait: more is refused at once."""
RETRY_S = 1.0
_UNWRITTEN = "The access log can't be written now, so nothing was done."

_log = structlog.get_logger("sallyport.ledger")


@dataclass(slots=True)
class Waiting:
    """A work and the caller that waits for it."""

    work: Work
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[tuple[Logged, ...]]


class Writer:
    """Owns the store's thread. `put` from event loops; everything else happens here."""

    def __init__(self, store: Store, *, checkpoint_every_s: float) -> None:
        self._store = store
        self._every_s = checkpoint_every_s
        self._queue: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._accepting = False
        self._due = 0.0
        self.failure: str | None = None
        """Why the last commit failed; None after one that did not."""
        self.sequenced_at = 0.0

    def start(self) -> None:
        """Open the log and start writing. Blocking. Raises LedgerUnavailable."""
        self._store.open()
        self.sequenced_at = time.monotonic()
        self._due = self.sequenced_at + self._every_s
        self._accepting = True
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, number it, and close the log. Blocking."""
        if self._accepting:
            self._accepting = False
            self._queue.put(None)
            self._thread.join()

    async def write(self, work: Work) -> tuple[Logged, ...]:
        """Wait until it is durable. Raises LedgerUnavailable, Replayed."""
        if not self._accepting or self._queue.qsize() >= QUEUE:
            raise LedgerUnavailable(_UNWRITTEN)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[tuple[Logged, ...]] = loop.create_future()
        self._queue.put(Waiting(work, loop, future))
        return await future

    # -- on the thread -----------------------------------------------------------------------

    def _run(self) -> None:
        going = True
        while going:
            batch, going = self._collect()
            self._commit(batch, last=not going)
        rest, _ = self._drain([])  # put by callers that raced with stop
        for waiting in rest:
            waiting.work.outcome = LedgerUnavailable(_UNWRITTEN)
        _wake(rest)
        self._store.close()

    def _collect(self) -> tuple[list[Waiting], bool]:
        timeout = max(0.0, self._due - time.monotonic()) if self._store.pending else None
        try:
            first = self._queue.get(timeout=timeout)
        except queue.Empty:
            return [], True
        return self._drain([first]) if first is not None else self._drain([None])

    def _drain(self, found: list[Waiting | None]) -> tuple[list[Waiting], bool]:
        with contextlib.suppress(queue.Empty):
            while len(found) < BATCH or None in found:
                found.append(self._queue.get_nowait())
        return [w for w in found if w is not None], None not in found

    def _commit(self, batch: list[Waiting], *, last: bool) -> None:
        now = time.monotonic()
        sequence = last or now >= self._due
        if not batch and not sequence:
            return
        try:
            self._store.commit([w.work for w in batch], sequence=sequence)
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing may happen without the log
            self.failure = type(error).__name__
            self._due = now + RETRY_S
            _log.error("access log not written", kind=self.failure, callers=len(batch))
            for waiting in batch:
                waiting.work.outcome = LedgerUnavailable(_UNWRITTEN)
        else:
            self.failure = None
            if sequence:
                self.sequenced_at = now
                self._due = now + self._every_s
        _wake(batch)


def _wake(batch: list[Waiting]) -> None:
    """Give every caller its outcome: one call into each event loop, not one a caller."""
    loops: dict[asyncio.AbstractEventLoop, list[Waiting]] = {}
    for waiting in batch:
        loops.setdefault(waiting.loop, []).append(waiting)
    for loop, theirs in loops.items():
        with contextlib.suppress(RuntimeError):  # a closed loop has nobody waiting
            loop.call_soon_threadsafe(_resolve, theirs)


def _resolve(batch: list[Waiting]) -> None:
    for waiting in batch:
        outcome = waiting.work.outcome
        if waiting.future.done():  # its caller gave up; the entry stands
            continue
        if isinstance(outcome, SallyportError):
            waiting.future.set_exception(outcome)
        else:
            waiting.future.set_result(outcome or ())
