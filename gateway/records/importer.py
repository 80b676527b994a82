"""Write a new generation of a source's records, and switch to it.

1. Rows are read in batches; each batch is one durable transaction, with the sums and the digest of
   all rows so far. 2. If more records would go or be opened than may at once, it stops and asks.
3. The index is made. 4. One transaction makes the new generation the current one. 5. When no
   gateway uses the old one any more, it is deleted, its bytes overwritten.

An import that was killed, or stopped to ask, goes on where it stopped: rows are compared with the
staged ones batch by batch, and from the first that differs on they are written anew. Until step 4
the old generation serves. The same rows again make no new generation, only a younger `as_of`.
"""

import fcntl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson
from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.exc import OperationalError

from gateway.errors import RecordsUnavailable
from gateway.model import parse_stamp, stamp
from gateway.records import store
from gateway.records.columns import index_format
from gateway.records.doubts import ANYTHING, Compared, Most, Shrinks, doubts
from gateway.records.source import Origin
from gateway.records.spill import SpillingBuilder
from gateway.records.staging import Staging
from gateway.records.strictness import Orders, held
from gateway.records.sums import Item, Sums
from gateway.records.terms import extract
from gateway.records.using import let_go

_DELETE = 5_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is, in physical rows of the source; `set_aside` of them are set aside."""

    rows: int
    records: int
    set_aside: int
    step: str = "reading"
    """fetching, reading, indexing or switching."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    `rows` are the physical rows that the source has; `set_aside` of them became no record.
    `records` = `new` + `changed` + `unchanged`, compared with the generation before, of whose
    records `removed` are gone. Where each row is one record, `rows` is the sum of the three and
    `set_aside`. `corrected` rows are records as a person has corrected them. `resumed` items were
    there already from an interrupted run. `same`: nothing has changed, and nothing was written.
    `reasons` sums up why rows were set aside.
    """

    source: str
    generation: int | None
    rows: int
    records: int
    set_aside: int
    new: int
    changed: int
    unchanged: int
    removed: int
    corrected: int
    resumed: int
    same: bool
    reasons: tuple[store.Reason, ...] = ()
    dry_run: bool = False
    asks: tuple[str, ...] = ()
    """Only of a dry run: why a real one would stop and ask."""
    stated: tuple[str, ...] = ()
    """What was found out about its files, as the mapping leaves it open."""
    opened: Mapping[str, int] = field(default_factory=dict)
    """Of the changed records: those handled less strictly than before, by what they were."""
    forgotten: int = 0
    """Corrections by hand that no longer hold: the source says otherwise of their rows now."""
    passed_over: str | None = None
    """Rows that may be any record's, and were passed over as the mapping's `max_unread` lets."""


@dataclass(frozen=True, slots=True)
class MadeOf:
    """What an import reads: see `gateway.records.fingerprint`."""

    quick: str = ""
    whole: str = ""
    stated: tuple[str, ...] = ()
    """What was found out about the files, as the mapping leaves it open: kept, and shown."""


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Say so where `records.db` can't be written. Raises RecordsUnavailable."""
    try:
        yield
    except OperationalError as error:
        raise RecordsUnavailable(
            f"{path.name} can't be written ({error.orig}): does another program hold it, or is the "
            "disk full? The records from before go on serving; see to it, and import again",
            code="import.unwritable",
        ) from error


def _nobody(_: Shrinks) -> bool:
    return False


class Importer:
    """Writes generations into one `records.db`; one import at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._engine = store.open_store(path)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def run(
        self,
        source: str,
        rows: Iterable[Item],
        *,
        as_of: datetime | Callable[[], datetime | None] | None,
        record_types: frozenset[str] | None = None,
        terms: Mapping[str, frozenset[str]] | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
        origin: Callable[[], Origin | None] = lambda: None,
        most: Most = ANYTHING,
        orders: Orders = MappingProxyType({}),
        allow: Callable[[Shrinks], bool] = _nobody,
        made_of: MadeOf = MadeOf(),
        unread: Callable[[], str | None] = lambda: None,
        joined: Callable[[], Mapping[str, int]] = dict,
        held_back: Callable[[], str | None] = lambda: None,
        says: Callable[[], datetime | None] = lambda: None,
        check: Callable[[], None] = lambda: None,
    ) -> Imported:
        """Import a source whole. `record_types` and `terms` (by kind of subject) say what it can
        answer; left out, they are what its records hold. `as_of` may be what gives it: it is asked
        when everything was read, as a file's rows may say it.

        `origin` tells the legacy row of the last item. Where more would go or be opened than `most`
        says, `allow` is asked, and whatever would go where `unread` says what could not be read and
        may be any record's: see `gateway.records.doubts`. `joined` gives the rows of joined files
        and tables, `held_back` what is set aside because of some, `orders` which handling is
        stricter, `says` of what moment the source itself says that it is. `check` is called when
        everything was read, and raises if it must not count.

        Raises RecordsUnavailable if another import is running, Shrinks (of any kind) if `allow`
        says no. What `rows` or `check` raises goes through. What was read so far then stays staged.
        """  # noqa: D205 - one sentence too long for one line
        with self._alone():
            current = self._find(source, store.CURRENT)
            self._sweep(source)
            staged = self._staged(source)

            def show(sums: Sums, step: str = "reading") -> None:
                progress(Progress(sums.rows, sums.records, sums.rows_aside, step))

            staging = Staging(self._engine, source, staged, current, orders)
            sums, resumed = staging.read(rows, origin, show)
            check()
            found = self._compared(source, current, sums, unread(), joined())
            found = replace(found, held_back=held_back(), of=(found.of[0], says()))
            moment = as_of() if callable(as_of) else as_of
            stamped = None if moment is None else stamp(moment)
            made = {
                "as_of": stamped,
                "quick": made_of.quick,
                "whole": made_of.whole,
                "stated": orjson.dumps(made_of.stated).decode(),
                "day": datetime.now(UTC).date().isoformat(),
                "joined": orjson.dumps(found.joined).decode(),
            }
            if current is not None and self._same(current, sums):
                with self._engine.begin() as c:
                    c.execute(_of(current).values(made))
                self._drop(staged)
                done = self._report(source, current, sums, resumed, found.removed, same=True)
                return replace(done, stated=made_of.stated)
            for doubt in doubts(found, most, partial(self._held, current)):
                if not allow(doubt):
                    raise doubt
            show(sums, "indexing")
            made_index = make_index(self._engine, staged, self._path.parent)
            show(sums, "switching")
            values = {
                "state": store.CURRENT,
                **made,
                "rows": sums.rows,
                "records": sums.records,
                "set_aside": sums.rows_aside,
                "corrected": sums.corrected,
                "digest": sums.digest,
                "record_types": orjson.dumps(sorted(record_types or made_index.types)),
                "terms": store.dump_terms(dict(terms or made_index.terms)),
            }
            with self._engine.begin() as c:
                if current is not None:
                    c.execute(_of(current).values(state=store.RETIRED))
                c.execute(_of(staged).values(**values))
            self._sweep(source)
            done = self._report(source, staged, sums, resumed, found.removed, same=False)
            return replace(done, stated=made_of.stated)

    def current(self, source: str) -> store.Generation | None:
        """Give a source's current generation."""
        reader = store.Reader(self._path)
        try:
            return next((g for g in reader.generations() if g.source == source), None)
        finally:
            reader.close()

    def reasons(self, source: str) -> tuple[store.Reason, ...]:
        """Sum up why rows of a source are set aside."""
        reader = store.Reader(self._path)
        try:
            return reader.reasons(source)
        finally:
            reader.close()

    def still(self, generation: store.Generation, as_of: datetime | None, made_of: MadeOf) -> None:
        """Note that a source's files are what its current generation was made of. Cheap."""
        with self._alone(), self._engine.begin() as c:
            c.execute(
                _of(generation.id)
                .where(store.generations.c.state == store.CURRENT)
                .values(
                    as_of=None if as_of is None else stamp(as_of),
                    quick=made_of.quick,
                    whole=made_of.whole,
                )
            )

    def note(self, run: store.Run) -> store.Run:
        """Keep what became of an import, and count its failures in a row."""
        r = store.runs
        with self._engine.begin() as c:
            before = c.execute(select(r.c.failures).where(r.c.source == run.source)).scalar() or 0
            values = {n: getattr(run, n) for n in store.Run.__slots__}
            values |= {
                "started": stamp(run.started),
                "finished": stamp(run.finished),
                "failures": before + 1 if run.outcome in {"failed", "refused"} else 0,
            }
            made = upsert(r).values(values)
            c.execute(made.on_conflict_do_update(index_elements=["source"], set_=values))
        return run

    def remove(self, source: str) -> bool:
        """Take a source away with all its records. Tells whether there was one."""
        with self._alone():
            known = store.generations.c.source == source
            with self._engine.begin() as c:
                gone = c.execute(
                    update(store.generations).where(known).values(state=store.RETIRED)
                ).rowcount
                c.execute(delete(store.runs).where(store.runs.c.source == source))
            self._sweep(source)
        return gone > 0

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = self._path.with_name(self._path.name + ".import")
        lock.touch(mode=0o600, exist_ok=True)
        with lock.open("rb") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RecordsUnavailable(
                    "another import is running; wait until it has ended", code="import.busy"
                ) from None
            yield

    def _find(self, source: str, state: str) -> int | None:
        g = store.generations.c
        with self._engine.connect() as c:
            found = c.execute(select(g.id).where(g.source == source, g.state == state)).scalar()
        return None if found is None else int(found)

    def _staged(self, source: str) -> int:
        found = self._find(source, store.STAGED)
        if found is not None:
            return found
        with self._engine.begin() as c:
            new = c.execute(insert(store.generations).values(source=source, state=store.STAGED))
            return int(new.lastrowid)

    def _same(self, current: int, sums: Sums) -> bool:
        g = store.generations.c
        with self._engine.connect() as c:
            found = c.execute(select(g.digest, g.index_format).where(g.id == current)).one()
        return bool(found.digest == sums.digest and found.index_format == index_format())

    def _drop(self, generation: int) -> None:
        with self._engine.begin() as c:
            c.execute(_of(generation).values(state=store.RETIRED))
        self._sweep(None)

    def _sweep(self, source: str | None) -> None:
        """Delete retired generations, a little at a time, and overwrite their bytes."""
        g = store.generations.c
        with self._engine.connect() as c:
            retired = select(g.id).where(g.state == store.RETIRED)
            gone = c.execute(retired if source is None else retired.where(g.source == source))
            doomed = [int(i) for i in gone.scalars()]
        for generation in doomed:
            let_go(self._path, generation)
            low = generation * store.FIRST
            for table in (store.records, store.claims, store.set_aside):
                while self._delete_some(table, low):
                    pass
            with self._engine.begin() as c:
                for table in (store.index_parts, store.batches):
                    c.execute(delete(table).where(table.c.generation == generation))
                c.execute(delete(store.generations).where(g.id == generation))
        if doomed:
            with self._engine.connect() as c:
                c.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def _delete_some(self, table: Any, low: int) -> int:
        within = (table.c.id >= low) & (table.c.id < low + store.FIRST)
        with self._engine.begin() as c:
            c.exec_driver_sql("PRAGMA secure_delete=ON")
            some = select(table.c.id).where(within).limit(_DELETE)
            return int(c.execute(delete(table).where(table.c.id.in_(some))).rowcount)

    def _compared(
        self,
        source: str,
        current: int | None,
        sums: Sums,
        unread: str | None,
        joined: Mapping[str, int],
    ) -> Compared:
        g = store.generations.c
        with self._engine.connect() as c:
            query = select(g.records, g.joined, g.as_of).where(g.id == current)
            found = c.execute(query).first()
        before, joined_before, as_of = (0, "{}", None) if found is None else found
        of = (parse_stamp(as_of) if as_of else None, None)
        return Compared(source, before, sums, unread, orjson.loads(joined_before), joined, of=of)

    def _held(self, generation: int | None, wanted: Mapping[str, int]) -> dict[str, int]:
        with self._engine.connect() as c:
            return {} if generation is None else held(c, generation, wanted)

    def _report(
        self, source: str, generation: int, sums: Sums, resumed: int, removed: int, *, same: bool
    ) -> Imported:
        return Imported(
            *(source, generation, sums.rows, sums.records, sums.rows_aside, sums.new),
            *(sums.changed, sums.records - sums.new - sums.changed, removed),
            *(sums.corrected, resumed, same),
            reasons=self.reasons(source),
            opened=sums.opened,
        )


@dataclass(frozen=True, slots=True)
class Made:
    """What making an index found: record types by code, terms by kind of subject."""

    types: tuple[str, ...]
    terms: dict[str, frozenset[str]]


def make_index(engine: Engine, generation: int, folder: Path) -> Made:
    """Make a generation's index from its records and keep it beside them.

    What does not fit in memory lies in `folder` meanwhile, in files without a name.
    """
    builder = SpillingBuilder(folder)
    types: dict[str, int] = {}
    held: dict[str, set[str]] = {}
    with engine.connect() as c:
        for number, record_type, message, facts in store.each_record(c, generation):
            terms = extract(orjson.loads(message))
            builder.add(number, types.setdefault(record_type, len(types)), terms, facts)
            for kind, term in terms.held():
                held.setdefault(kind, set()).add(term)
    with engine.begin() as c:
        store.write_index(c, generation, builder.parts())
        c.execute(
            _of(generation).values(index_format=index_format(), types=orjson.dumps(list(types)))
        )
    return Made(tuple(types), {k: frozenset(v) for k, v in held.items()})


def _of(generation: int) -> Any:
    return update(store.generations).where(store.generations.c.id == generation)
