"""The mirrors: each source's current generation, loaded, and replaced when an import has switched.

An immutable tuple of `Mirror`s is swapped by one assignment. Watching the file and loading an index
happen on one thread of their own. The few messages of an answer are read on the event loop itself:
some 20 us each from the page cache, where a change of threads costs 250 us.
"""

import asyncio
import contextlib
import os
import sys
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import structlog

from gateway.errors import RecordsUnavailable, SallyportError
from gateway.records.columns import index_format
from gateway.records.index import Index
from gateway.records.store import FIRST, Generation, Reader, Stored

POLL_S = 0.5
_KEPT = 2_048
_T = TypeVar("_T")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Mirror:
    """One source's records, searchable."""

    generation: Generation
    index: Index

    def key(self, number: int) -> int:
        """Give the store's key of a record's number."""
        return self.generation.id * FIRST + number


class Mirrors:
    """Keeps the mirrors of one `records.db` up to date. Start it before use."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="records")
        self._reader: Reader | None = None
        self._messages: Reader | None = None
        self._change = -1
        self._task: asyncio.Task[None] | None = None
        self._refreshing = asyncio.Lock()
        self._recent: OrderedDict[int, Stored] = OrderedDict()
        self.current: tuple[Mirror, ...] = ()
        self.loading: frozenset[str] = frozenset()
        self.failing = False

    async def start(self) -> None:
        """Load what is there. Raises Misconfigured for a file of another version."""
        await self._call(self._warm)
        self._reader = await self._call(lambda: Reader(self._path))
        self._messages = Reader(self._path)
        await self.refresh()
        self._task = asyncio.create_task(self._poll(), name="records-poll")

    async def stop(self) -> None:
        """Let go of the file and the thread."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._reader is not None:
            await self._call(self._reader.close)
        if self._messages is not None:
            self._messages.close()
        self._thread.shutdown()

    async def refresh(self) -> None:
        """Load generations that have been switched to since the last look."""
        async with self._refreshing:
            change = await self._call(self._watching.change)
            if change == self._change:
                return
            known = {m.generation.id: m for m in self.current}
            wanted = await self._call(self._watching.generations)
            self.loading = frozenset(g.source for g in wanted if g.id not in known)
            fresh: list[Mirror] = []
            try:
                for generation in wanted:
                    kept = known.get(generation.id)
                    if kept is not None:
                        fresh.append(Mirror(generation, kept.index))
                    else:
                        fresh.append(await self._load(generation))
            finally:
                self.loading = frozenset()
            self.current = tuple(fresh)
            alive = {m.generation.id for m in fresh}
            for key in [k for k in self._recent if k // FIRST not in alive]:
                del self._recent[key]
            self._change = change

    def fetch(self, keys: Sequence[int]) -> dict[int, Stored]:
        """Read records by key; those that an import has taken away meanwhile lack."""
        found = {k: self._recent[k] for k in keys if k in self._recent}
        missing = [k for k in keys if k not in found]
        for key in found:
            self._recent.move_to_end(key)
        if missing:
            read = self._reading.fetch(missing)
            found |= read
            self._recent.update(read)
            while len(self._recent) > _KEPT:
                self._recent.popitem(last=False)
        return found

    def by_record_id(self, mirror: Mirror, record_id: str) -> int | None:
        """Give the key of a record by its owner's id."""
        return self._reading.by_record_id(mirror.generation.id, record_id)

    @property
    def _watching(self) -> Reader:
        return _present(self._reader)

    @property
    def _reading(self) -> Reader:
        return _present(self._messages)

    def _warm(self) -> None:
        """Ask the system to have the file in its cache, so that reading a message does not wait.

        Only before the database is opened: to close any handle of a file lets go of all locks that
        the process has on it. Another process would then take itself for the last one, and remove
        the write-ahead log under the readers here.
        """
        if not hasattr(os, "posix_fadvise") or not self._path.exists():
            return
        with self._path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)

    async def _load(self, generation: Generation) -> Mirror:
        if generation.index_format != index_format():
            await self._remake(generation)

        def load() -> Mirror:
            try:
                columns = self._watching.columns(generation.id)
                if columns is not None:
                    return Mirror(generation, Index(columns, generation.types))
            except (ValueError, KeyError, TypeError):
                raise RecordsUnavailable("an index can't be read; import again") from None
            raise RecordsUnavailable("a generation went away while it was loaded")

        return await self._call(load)

    async def _remake(self, generation: Generation) -> None:
        """Have another process make the index anew; this one goes on answering."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway.records.reindex"),
            *(str(self._path), str(generation.id)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            process.kill()
            raise
        if code:
            raise RecordsUnavailable("the index could not be made")

    @property
    def started(self) -> bool:
        """Whether the mirrors were loaded once."""
        return self._task is not None

    @property
    def ok(self) -> bool:
        """Whether the mirrors are watched, and the last look at the file went well."""
        return self._task is not None and not self._task.done() and not self.failing

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_S)
            try:
                await self.refresh()
                self.failing = False
            except SallyportError as error:
                # The old generation goes on serving, and /readyz says so.
                if not self.failing:
                    _log.warning("records.refresh_failed", code=error.code)
                self.failing = True

    async def _call(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _present(reader: Reader | None) -> Reader:
    if reader is None:
        raise RecordsUnavailable("the records are not open yet")
    return reader
