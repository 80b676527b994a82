"""Numbered pieces of work, shared among forked processes: whoever is free takes the next.

For vetting, where each piece is a test in an engine that holds the interpreter: threads would wait
for each other. Only for a process with one thread, which vetting has to itself.
"""

import os
import signal
import tempfile
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

import orjson

from gateway.errors import PolicyRejected

_STEP = 4
_Failed = tuple[int, str, str | None]


class Shared:
    """Does `work(i)` once for each `i` below `count`: it gives a number, or `PolicyRejected`.

    Enter it, and the other processes begin; `finish` takes part, and gathers. Leave it, and none of
    them is left, whatever happened.
    """

    def __init__(self, count: int, work: Callable[[int], float], processes: int) -> None:
        self._count = count
        self._work = work
        self._others = min(processes, count) - 1
        self._pipes: dict[int, int] = {}

    def __enter__(self) -> Self:
        """Fork. What was made so far is there in each process, and costs nothing."""
        # An open file has one place where it is read next, for all who got it by a fork.
        self._queue = tempfile.TemporaryFile(buffering=0)
        self._queue.write(b"".join(i.to_bytes(_STEP) for i in range(self._count)))
        self._queue.seek(0)
        for _ in range(self._others):
            ours, theirs = os.pipe()
            child = os.fork()
            if child == 0:
                self._child(theirs)
            os.close(theirs)
            self._pipes[child] = ours
        return self

    def finish(self) -> dict[int, float]:
        """Do what is left, and give what each piece came to, by its number.

        Raises what the first piece to fail raised, by number, or `PolicyRejected` if a process
        broke down.
        """
        done, failed = self._take()
        failures = [failed] if failed else []
        for child, pipe in list(self._pipes.items()):
            with os.fdopen(pipe, "rb") as stream:
                raw = stream.read()
            del self._pipes[child]
            os.waitpid(child, 0)
            try:
                others, failed = orjson.loads(raw)
            except ValueError:
                raise PolicyRejected("the engine broke down while vetting") from None
            done.update(others)
            if failed:
                failures.append(failed)
        for _, detail, where in sorted(failures, key=lambda f: f[0]):
            raise PolicyRejected(detail, where=where)
        return done

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Kill those that still work: nobody waits for them."""
        for child, pipe in self._pipes.items():
            os.close(pipe)
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        self._pipes.clear()
        self._queue.close()

    def _take(self) -> tuple[dict[int, float], _Failed | None]:
        done = {}
        while number := os.read(self._queue.fileno(), _STEP):
            i = int.from_bytes(number)
            try:
                done[i] = self._work(i)
            except PolicyRejected as error:
                return done, (i, error.detail, error.where)
        return done, None

    def _child(self, pipe: int) -> None:
        """Work, report, and end at once: what the parent would do on its way out is its own."""
        try:
            done, failed = self._take()
            raw = orjson.dumps((list(done.items()), failed))
            with os.fdopen(pipe, "wb") as stream:
                stream.write(raw)
            os._exit(0)
        finally:
            os._exit(1)
