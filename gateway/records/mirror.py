"""The mirrors: each source's current generation, loaded, and replaced when an import has switched.

One immutable `Mirrored` for all sources is swapped by one assignment. Watching the file and taking
in an index happen on one thread of their own; once searches are answered, an index is made in a
process of its own (`aside.py`). The few messages of an answer are read on the event loop itself:
some 20 us each from the page cache, where a change of threads costs 250 us.
"""

import asyncio
import os
import sys
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from typing import TypeVar

import structlog

from gateway.background import ended
from gateway.errors import RecordsChanged, RecordsUnavailable, SallyportError
from gateway.model import FoundKind
from gateway.records.aside import read, whole
from gateway.records.columns import Builder, Columns, index_format
from gateway.records.index import Index, Kind
from gateway.records.store import FIRST, Generation, Reader, Stored
from gateway.records.using import Using

POLL_S = 0.5
_LONGEST_WAIT_S = 8.0
"""Between two looks, while what is there can't be taken in."""
_KEPT = 2_048
_T = TypeVar("_T")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Mirrored:
    """The current generations of all mirrored sources, searchable as one.

    Records are numbered through: those of the first source, then those of the next. `firsts` are
    the numbers at which each source begins.
    """

    generations: tuple[Generation, ...]
    firsts: tuple[int, ...]
    index: Index
    kinds: dict[int, FoundKind] = field(default_factory=dict)
    """What is known of the index's groups so far: a group's facts stay what they are."""

    def holding(self, record_types: frozenset[str]) -> dict[int, Generation]:
        """Give the sources, by their numbers, that hold records of these types."""
        return {n: g for n, g in enumerate(self.generations) if g.record_types & record_types}

    def key(self, number: int) -> int:
        """Give the store's key of a record's number."""
        source = bisect_right(self.firsts, number) - 1
        return self.generations[source].id * FIRST + number - self.firsts[source]


def _mirrored(generations: Sequence[Generation], columns: Columns) -> Mirrored:
    """Make the index of all of them searchable."""
    if columns.records != sum(g.records for g in generations):
        raise RecordsUnavailable("an index is not of its records; import again")
    kinds = [Kind(t, n) for n, g in enumerate(generations) for t in g.types]
    firsts = tuple(accumulate((g.records for g in generations), initial=0))[:-1]
    return Mirrored(tuple(generations), firsts, Index(columns, kinds))


_NOTHING = _mirrored((), Builder().finish())


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
        self._tasks: set[asyncio.Task[None]] = set()
        self._using: Using | None = None
        self._in_force: tuple[int, dict[str, int]] = (-1, {})
        self._recent: OrderedDict[int, Stored] = OrderedDict()
        self._ids: dict[tuple[int, str], int | None] = {}
        self.current = _NOTHING
        self.loading: frozenset[str] = frozenset()
        self.failing = False

    async def start(self) -> None:
        """Load what is there. Raises Misconfigured for a file of another version."""
        await self._call(self._warm)
        self._reader = await self._call(lambda: Reader(self._path))
        self._messages = Reader(self._path)
        self._using = Using(self._path)
        await self.refresh()
        self._task = asyncio.create_task(self._poll(), name="records-poll")

    async def stop(self) -> None:
        """Let go of the file and the thread."""
        await ended(self._task)
        for task in tuple(self._tasks):
            with suppress(SallyportError):
                await ended(task)
        if self._reader is not None:
            await self._call(self._reader.close)
        if self._messages is not None:
            self._messages.close()
        if self._using is not None:
            self._using.close()
        self._thread.shutdown()

    async def refresh(self) -> None:
        """Load generations that have been switched to since the last look.

        A search that waits for it may be given up: the work goes on for the others.
        """
        task = asyncio.create_task(self._refresh())
        self._tasks.add(task)
        task.add_done_callback(self._over)
        await asyncio.shield(task)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits has it; where nobody does, the next look says so

    async def _refresh(self) -> None:
        async with self._refreshing:
            change = await self._call(self._watching.change)
            if change == self._change:
                return
            known = {g.id for g in self.current.generations}
            before = {g.source for g in self.current.generations}
            wanted = await self._call(self._watching.generations)
            if {g.id for g in wanted} == known:
                self.current = replace(self.current, generations=wanted)
            else:
                self.loading = frozenset(g.source for g in wanted if g.id not in known)
                self._hold(known.union(g.id for g in wanted))
                try:
                    self.current = await self._load(wanted)
                finally:
                    self.loading = frozenset()
                    self._hold({g.id for g in self.current.generations})
            if gone := before - {g.source for g in wanted}:
                _log.warning("records.source_removed", sources=sorted(gone))
            alive = {g.id for g in wanted}
            for key in [k for k in self._recent if k // FIRST not in alive]:
                del self._recent[key]
            self._ids.clear()
            self._change = change

    def fetch(self, keys: Sequence[int]) -> dict[int, Stored]:
        """Read records by key; those that an import has taken away or changed meanwhile lack.

        An import counts as soon as it is whole, before its index is loaded: what it left as it was
        can be given at once, and nothing else.
        """
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
        overtaken = self._overtaken(found)
        return {k: s for k, s in found.items() if k not in overtaken} if overtaken else found

    def _overtaken(self, found: Mapping[int, Stored]) -> set[int]:
        """Name the records that are not in their source's newest generation as they are here."""
        change = self._reading.change()
        if change != self._in_force[0]:
            self._in_force = change, self._reading.in_force()
        in_force = self._in_force[1]
        older: dict[int, list[int]] = {}
        for key in found:
            if key // FIRST not in in_force.values():
                older.setdefault(key // FIRST, []).append(key)
        overtaken = set[int]()
        sources = {g.id: g.source for g in self.current.generations}
        for generation, keys in older.items():
            newest = in_force.get(sources.get(generation, ""))
            ids = [found[k].record_id for k in keys]
            now = {} if newest is None else self._reading.of_ids(newest, ids)
            overtaken.update(k for k in keys if now.get(found[k].record_id) != found[k])
        return overtaken

    def _hold(self, generations: Collection[int]) -> None:
        """Have imports leave these, until the next call."""
        if self._using is not None:
            self._using.hold(generations)

    def kinds(self, mirrored: Mirrored, groups: Sequence[int]) -> dict[int, FoundKind]:
        """Give what policy decides by of each group, in their order.

        Raises RecordsChanged if it can't be read any more.
        """
        known = mirrored.kinds
        unknown = {mirrored.key(mirrored.index.alike[g]): g for g in groups if g not in known}
        if unknown:
            facts = self._reading.facts(list(unknown))
            if len(facts) < len(unknown):
                raise RecordsChanged("the records changed while they were read")
            for key, group in unknown.items():
                known[group] = FoundKind(*facts[key])
        return {g: known[g] for g in groups}

    def numbers(self, mirrored: Mirrored, record_ids: Collection[str]) -> dict[int, str]:
        """Give the numbers of the records that have one of these ids, and which."""
        found = {}
        for first, generation in zip(mirrored.firsts, mirrored.generations, strict=True):
            for record_id in record_ids:
                asked = generation.id, record_id
                if asked not in self._ids:
                    self._ids[asked] = self.by_record_id(*asked)
                key = self._ids[asked]
                if key is not None:
                    found[first + key % FIRST] = record_id
        return found

    def by_record_id(self, generation: int, record_id: str) -> int | None:
        """Give the key of a record by its owner's id."""
        return self._reading.by_record_id(generation, record_id)

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

    async def _load(self, generations: tuple[Generation, ...]) -> Mirrored:
        for generation in generations:
            if generation.index_format != index_format():
                await self._remake(generation)

        if not generations:
            return _NOTHING
        made = self._in_another_process if self.started else self._here
        columns = await made(generations)
        return await self._call(lambda: _mirrored(generations, columns))

    async def _here(self, generations: tuple[Generation, ...]) -> Columns:
        """Make the index of all sources within this process: before anything is answered."""
        return await self._call(lambda: _readable(lambda: whole(self._watching, generations)))

    async def _in_another_process(self, generations: tuple[Generation, ...]) -> Columns:
        """Have another process make the index of all sources; this one goes on answering."""
        out, into = os.pipe()
        with open(out, "rb") as made:  # noqa: ASYNC230, PTH123 - a pipe, read on the thread
            try:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "gateway.records.aside"),
                    *(str(self._path), *(str(g.id) for g in generations)),
                    stdout=into,
                    stderr=asyncio.subprocess.DEVNULL,
                )
            finally:
                os.close(into)
            try:
                return await self._call(lambda: _readable(lambda: read(made)))
            finally:
                # It has written everything, or was cut off, or nobody waits for it any more.
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

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
        wait = POLL_S
        while True:
            await asyncio.sleep(wait)
            try:
                await self.refresh()
                self.failing, wait = False, POLL_S
            except SallyportError as error:
                # The old generation goes on serving, and /readyz says so.
                if not self.failing:
                    _log.warning("records.refresh_failed", code=error.code)
                self.failing, wait = True, min(2 * wait, _LONGEST_WAIT_S)

    async def _call(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _readable(work: Callable[[], Columns]) -> Columns:
    try:
        return work()
    except (ValueError, KeyError, TypeError):
        raise RecordsUnavailable("an index can't be read; import again") from None


def _present(reader: Reader | None) -> Reader:
    if reader is None:
        raise RecordsUnavailable("the records are not open yet")
    return reader
