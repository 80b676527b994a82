"""Which generations a gateway searches, so that an import deletes none of them under its feet.

A running gateway holds a shared lock on one byte a generation, at the generation's number, of a
file beside `records.db`. An import that wants to delete a generation waits until nobody holds its
byte, but not for ever. The locks are the process's: they are gone with it, however it ends.
"""

import fcntl
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

LONGEST_S: Final = 30.0
"""An import waits no longer; a search that misses a record then waits for the new index."""
_LOOK_S: Final = 0.05


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".using")


class Using:
    """The gateway's side: what it holds. To close any handle of the file lets go of all of it."""

    def __init__(self, path: Path) -> None:
        where = _beside(path)
        where.touch(mode=0o600, exist_ok=True)
        self._file = where.open("rb")
        self._held: frozenset[int] = frozenset()

    def hold(self, generations: Collection[int]) -> None:
        """Hold these, and let go of all others."""
        wanted = frozenset(generations)
        for new in wanted - self._held:
            # One that is being deleted right now can't be held: to load it fails, as it must.
            with suppress(BlockingIOError):
                fcntl.lockf(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, new)
        for old in self._held - wanted:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, old)
        self._held = wanted

    def close(self) -> None:
        """Let go of everything."""
        self._file.close()


def let_go(path: Path, generation: int) -> bool:
    """Wait until no gateway uses a generation. Tells whether it was let go of in time. Blocks."""
    where = _beside(path)
    if not where.exists():
        return True
    until = time.monotonic() + LONGEST_S
    with where.open("rb+") as file:
        while True:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, generation)
            except BlockingIOError:
                if time.monotonic() >= until:
                    return False
                time.sleep(_LOOK_S)
            else:
                return True
