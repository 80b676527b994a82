"""Processes that tests kill, or give little memory, forked from one that has all loaded already.

Each is a process of its own, with its own memory, files and streams. Only the loading of modules is
shared: it would take most of the time of a thousand kills.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["tests.ledger.acknowledge", "tests.records.importing", "tests.adapters.under_lid"]
)


def _begin(write: Connection, read: Connection, what: Callable[..., None], said: Any) -> None:
    """Be the process: its standard input and output are the test's."""
    os.dup2(read.fileno(), 0)
    os.dup2(write.fileno(), 1)
    sys.stdin = os.fdopen(0, "r", closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    what(*said)
    sys.stdout.flush()


class Forked:
    """A function that runs in a process of its own, and the lines that it wrote so far."""

    def __init__(self, what: Callable[..., None], *said: Any) -> None:
        read, write = _CONTEXT.Pipe(duplex=False)
        theirs, self._stdin = _CONTEXT.Pipe(duplex=False)
        self._process = _CONTEXT.Process(target=_begin, args=(write, theirs, what, said))
        self._process.start()
        write.close()
        theirs.close()
        self._stdout = os.fdopen(os.dup(read.fileno()), "r")
        read.close()
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self._stdout:
            if line.endswith("\n"):
                self.lines.append(line.strip())

    def say(self, line: str) -> None:
        """Write a line to the process's standard input."""
        os.write(self._stdin.fileno(), line.encode() + b"\n")

    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def wait_for(self, lines: int, text: str = "", within: float = 60.0) -> None:
        """Wait until so many lines hold a text; a process that ended writes no more."""
        end = time.monotonic() + within
        while sum(text in line for line in list(self.lines)) < lines:
            assert time.monotonic() < end, (self._process.exitcode, self.lines[-3:])
            if not self.runs() and not self._reader.is_alive():
                break
            time.sleep(0.002)

    def wait(self, within: float = 60.0) -> int:
        """Wait until it has ended by itself, and give its exit code."""
        self._process.join(within)
        assert self._process.exitcode is not None, "it still runs"
        self._close()
        return self._process.exitcode

    def kill(self) -> None:
        """End it by SIGKILL, and keep what it wrote until then."""
        with contextlib.suppress(ProcessLookupError):
            if self._process.pid is not None:
                os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()
        self._close()

    def _close(self) -> None:
        self._reader.join()
        self._stdout.close()
        self._stdin.close()
