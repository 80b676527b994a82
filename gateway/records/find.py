"""Find the agency's own records for one question, in mirrors and in live sources alike.

What is found is not released: policy decides on it afterwards. Only the terms that policy allowed
are used. A source that fails or is late fails the whole search: "no record" is never said of
records that were not looked at.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

import structlog

from gateway.errors import RecordsChanged, RecordsUnavailable, SallyportError
from gateway.model import (
    AT_ONCE,
    Band,
    FindResult,
    Found,
    Listed,
    Question,
    Record,
    RecordQuery,
    stamp,
)
from gateway.records import livecheck
from gateway.records.asked import held_terms, restricted
from gateway.records.findings import Findings, Hit, found_stored
from gateway.records.index import Asked, ask, index_of
from gateway.records.match import Match, Ranking, Threshold
from gateway.records.mirror import Mirrors
from gateway.records.persons import AskedPerson
from gateway.records.source import RecordSource
from gateway.records.store import Generation

LIVE_CANDIDATES = 200
_LIVE_THREADS = 4
_OF_DEADLINE = 0.8
"""The share of a question's time that its live sources get; the rest is for policy and log."""
_T = TypeVar("_T")
_log = structlog.get_logger("sallyport.records")


class Records:
    """Searches an agency's records. Start it before use; safe for many questions at once."""

    def __init__(
        self,
        path: Path,
        live: Sequence[RecordSource] = (),
        *,
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
    ) -> None:
        self._mirrors = Mirrors(path)
        self._data = path.parent
        self._told: set[str] = set()
        self._live = tuple(live)
        self._today = today
        self._workers = ThreadPoolExecutor(_LIVE_THREADS, thread_name_prefix="live-records")

    async def start(self) -> None:
        """Load the mirrors and watch for new generations."""
        await self._mirrors.start()

    async def stop(self) -> None:
        """Let go of files and threads. A live source that hangs is not waited for."""
        await self._mirrors.stop()
        self._workers.shutdown(wait=False, cancel_futures=True)

    async def refresh(self) -> None:
        """Look for new generations now. Raises RecordsUnavailable; the old ones go on serving."""
        await self._mirrors.refresh()

    async def find(
        self,
        question: Question,
        *,
        terms: frozenset[str],
        record_types: frozenset[str],
        named: frozenset[str] = frozenset(),
    ) -> FindResult:
        """Find all records of these types that match by these terms of the question.

        `named`: ids of records that policy decides on by name. Raises RecordsUnavailable if the
        records can't be read, or not in time; RecordsChanged if an import came between, then
        `refresh` and find again.
        """
        query = question.subject.query
        if not self._mirrors.started:
            raise RecordsUnavailable("the records are not open yet")
        mirrored = self._mirrors.current
        mirrors = mirrored.holding(record_types)
        live = [s for s in self._live if s.record_types & record_types]
        holdings: list[Mapping[str, frozenset[str]]] = [g.terms for g in mirrors.values()]
        holdings += [s.terms for s in live]
        usable = held_terms(query.kind, holdings) & terms if holdings else frozenset[str]()
        unused = tuple(t for t in query.terms() if t not in usable)
        left = restricted(query, usable)
        if left is None:
            return FindResult(understood=False, terms_not_used=unused)
        ranking: Ranking | None = None
        if isinstance(query, RecordQuery):
            hits, ages = await self._by_id(query, mirrors.values(), live, record_types, question)
        else:
            telling = _telling(query, usable, mirrors)
            if telling:
                asked = ask(left, self._today())
                ranking = mirrored.index.rank(asked, record_types, telling)
            hits, ages = await self._in_live(query, terms, record_types, live, question)
            ages = [*telling.values(), *ages]
        hits.sort(key=lambda h: (-h.match.bits, h.order))
        at_hand = Listed([h.found for h in hits], named)
        numbers = self._mirrors.numbers(mirrored, named) if ranking and named else {}
        known = [a for a in ages if a is not None]
        return FindResult(
            understood=True,
            found=Findings(
                *(self._mirrors, mirrored, ranking, hits),
                named=numbers,
                at_hand=at_hand,
                at_once=_in_even_parts(question.max_matches + 1),
            ),
            data_as_of=min(known) if known and len(known) == len(ages) else None,
            terms_not_used=unused,
        )

    def status(self) -> dict[str, Any]:
        """Tell of each source what it holds and of when, for /readyz. No personal data."""
        mirrors = {
            g.source: {
                "kind": "mirror",
                "generation": g.id,
                "records": g.records,
                "set_aside": g.set_aside,
                "as_of": stamp(g.as_of) if g.as_of else None,
                "record_types": sorted(g.record_types),
                "loading": g.source in self._mirrors.loading,
            }
            for g in self._mirrors.current.generations
        }
        fresh = {s: {"kind": "mirror", "loading": True} for s in self._mirrors.loading}
        live = {s.name: self._of_live(s) for s in self._live}
        return {"ok": self._mirrors.ok, "sources": {**fresh, **mirrors, **live}}

    def _of_live(self, source: RecordSource) -> dict[str, Any]:
        found = {"kind": "live", "loading": False, "passed_over": source.passed_over}
        try:
            check = livecheck.last(self._data, source.name)
        except RecordsUnavailable:
            check = None  # `source list` says what is wrong with it
        return found | ({"checked": None} if check is None else check.as_dict())

    def _tell(self) -> None:
        """Log once of each live source that it has rows no search gives: none may know whose."""
        for source in self._live:
            if source.passed_over and source.name not in self._told:
                self._told.add(source.name)
                _log.warning(
                    "records.passed_over",
                    source=source.name,
                    detail="searches pass over rows that can't be translated. Which, and why: "
                    f"sallyport source set-aside {source.name}",
                )

    async def _in_live(
        self,
        query: Any,
        terms: frozenset[str],
        record_types: frozenset[str],
        live: Sequence[RecordSource],
        question: Question,
    ) -> tuple[list[Hit], list[datetime | None]]:
        asked = []
        for source in live:
            left = restricted(query, terms & source.terms.get(query.kind, frozenset()))
            if left is not None:
                asked.append((source, left))

        def search(source: RecordSource, left: Any) -> tuple[list[Hit], datetime | None]:
            rows = source.candidates(left, record_types, LIVE_CANDIDATES)
            kept = [r for r in rows if r.record_type in record_types]
            return _scored(kept, ask(left, self._today())), source.as_of()

        work = [_guarded(partial(search, source, left)) for source, left in asked]
        answers = await self._at_once(work, question)
        hits = [
            Hit(h.match, (1_000 + n, h.match.number), h.found)
            for n, (found, _) in enumerate(answers)
            for h in found
        ]
        return hits, [age for _, age in answers]

    async def _by_id(
        self,
        query: RecordQuery,
        mirrors: Collection[Generation],
        live: Sequence[RecordSource],
        record_types: frozenset[str],
        question: Question,
    ) -> tuple[list[Hit], list[datetime | None]]:
        same = Match(0, 1.0, Band.EXACT, {"record_id": "same"})
        keys = {}
        for order, generation in enumerate(mirrors):
            key = self._mirrors.by_record_id(generation.id, query.record_id)
            if key is not None:
                keys[key] = order
        work = [_guarded(partial(_get, source, query.record_id)) for source in live]
        answers = await self._at_once(work, question)
        stored = self._mirrors.fetch(list(keys)) if keys else {}
        if len(stored) < len(keys):
            raise RecordsChanged("the records changed while they were read")
        hits = [Hit(same, (n, 0), found_stored(stored[key], same)) for key, n in keys.items()]
        for order, (record, _) in enumerate(answers):
            if record is not None:
                hits.append(Hit(same, (1_000 + order, 0), _found(record, same)))
        kept = [h for h in hits if h.found.record_type in record_types]
        return kept, [*(g.as_of for g in mirrors), *(age for _, age in answers)]

    async def _at_once(self, work: Sequence[Callable[[], Any]], question: Question) -> list[Any]:
        """Run blocking work side by side, with a deadline for all of it."""
        if not work:
            return []
        loop = asyncio.get_running_loop()
        until = time.monotonic() + question.deadline_ms / 1000 * _OF_DEADLINE
        tasks = [loop.run_in_executor(self._workers, w) for w in work]
        try:
            async with asyncio.timeout(until - time.monotonic()):
                found = list(await asyncio.gather(*tasks))
        except TimeoutError:
            raise RecordsUnavailable(
                "a live source did not answer in time", code="records.late"
            ) from None
        self._tell()
        return found


def _telling(
    query: Any, usable: frozenset[str], mirrors: Mapping[int, Generation]
) -> dict[int, datetime | None]:
    """Give the sources that hold something of what was asked by, and of when they are.

    The others are left out: to them, all would be unknown, and a description would fit everything.
    """
    return {
        n: g.as_of
        for n, g in mirrors.items()
        if restricted(query, usable & g.terms.get(query.kind, frozenset())) is not None
    }


def _in_even_parts(wanted: int) -> int:
    """Give how many to read together, so that nobody waits for long and none is read in vain."""
    return ceil(wanted / ceil(wanted / AT_ONCE))


def _guarded(work: Callable[[], _T]) -> Callable[[], _T]:
    """Turn a driver's error into ours: its text may quote the question, so it is dropped."""

    def guarded() -> _T:
        try:
            return work()
        except SallyportError:
            raise
        except Exception:  # noqa: BLE001 - a driver may raise anything; the search then fails
            raise RecordsUnavailable("a live source failed") from None

    return guarded


def _get(source: RecordSource, record_id: str) -> tuple[Record | None, datetime | None]:
    return source.get(record_id), source.as_of()


def _scored(records: Sequence[Record], asked: Asked) -> list[Hit]:
    """Score live records by the same rules as mirrored ones."""
    if not records:
        return []
    index, threshold = index_of(records), Threshold(len(records))
    types = frozenset(r.record_type for r in records)
    if isinstance(asked, AskedPerson):
        matches = index.score_all(asked, threshold)
    else:
        matches = index.search(asked, types, threshold)
    return [Hit(m, (0, m.number), _found(records[m.number], m)) for m in matches]


def _found(record: Record, match: Match) -> Found:
    return Found(
        record.record_id,
        record.record_type,
        *(match.score, match.band, match.compared),
        record.handling,
        record.contact,
        record.message,
    )
