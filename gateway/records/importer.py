"""Write a new generation of a source's records, and switch to it.

1. Rows are read in batches; each batch is one durable transaction, with the sums and the digest of
   all rows so far. 2. The index is made. 3. One transaction makes the new generation the current
one. 4. The old one is deleted, its bytes overwritten.

An import that was killed goes on where it stopped: rows are compared with the staged ones batch by
batch, and from the first that differs on they are written anew. Until step 3 the old generation
serves. The same rows again make no new generation, only a younger `as_of`.
"""

import fcntl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

import orjson
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from gateway.errors import RecordsUnavailable
from gateway.model import Record, SetAside, stamp
from gateway.records import store
from gateway.records.columns import Builder, index_format
from gateway.records.terms import extract

Row: TypeAlias = Record | SetAside
BATCH = 500
"""Rows in one transaction; what is in memory at once."""
LONGEST_MESSAGE = 2**20
_DELETE = 5_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is. `rows` = `records` + `set_aside`, always."""

    rows: int
    records: int
    set_aside: int
    step: str = "reading"
    """reading, indexing or switching."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did. `resumed` rows were already there from an interrupted run."""

    source: str
    generation: int
    rows: int
    records: int
    set_aside: int
    resumed: int
    unchanged: bool


@dataclass(frozen=True, slots=True)
class _State:
    """The sums and the digest of all rows so far."""

    rows: int = 0
    records: int = 0
    set_aside: int = 0
    digest: str = ""


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
        rows: Iterable[Row],
        *,
        as_of: datetime | None,
        record_types: frozenset[str] | None = None,
        terms: Mapping[str, frozenset[str]] | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> Imported:
        """Import a source whole. `record_types` and `terms` (by kind of subject) say what it can
        answer; left out, they are what its records hold.

        Raises RecordsUnavailable if another import is running. What `rows` raises goes through, and
        what was read so far stays staged.
        """  # noqa: D205 - one sentence too long for one line
        with self._alone():
            current = self._find(source, store.CURRENT)
            self._sweep(source)
            staged = self._staged(source)
            state, resumed = self._read(staged, source, iter(rows), progress)
            stamped = None if as_of is None else stamp(as_of)
            if current is not None and self._same(current, state):
                with self._engine.begin() as c:
                    c.execute(_of(current).values(as_of=stamped))
                self._drop(staged)
                return self._report(source, current, state, resumed, unchanged=True)
            progress(Progress(state.rows, state.records, state.set_aside, "indexing"))
            found = make_index(self._engine, staged)
            progress(Progress(state.rows, state.records, state.set_aside, "switching"))
            values = {
                "state": store.CURRENT,
                "as_of": stamped,
                "rows": state.rows,
                "records": state.records,
                "set_aside": state.set_aside,
                "digest": state.digest,
                "record_types": orjson.dumps(sorted(record_types or found.types)),
                "terms": store.dump_terms(dict(terms or found.terms)),
            }
            with self._engine.begin() as c:
                if current is not None:
                    c.execute(_of(current).values(state=store.RETIRED))
                c.execute(_of(staged).values(**values))
            self._sweep(source)
            return self._report(source, staged, state, resumed, unchanged=False)

    def remove(self, source: str) -> bool:
        """Take a source away with all its records. Tells whether there was one."""
        with self._alone():
            known = store.generations.c.source == source
            with self._engine.begin() as c:
                gone = c.execute(
                    update(store.generations).where(known).values(state=store.RETIRED)
                ).rowcount
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
                raise RecordsUnavailable("another import is running") from None
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

    def _read(
        self,
        generation: int,
        source: str,
        rows: Iterator[Row],
        progress: Callable[[Progress], None],
    ) -> tuple[_State, int]:
        """Write the rows, but for those that an interrupted run wrote already."""
        known = self._known(generation)
        state, resumed = _State(), 0
        while batch := list(islice(rows, BATCH)):
            packed = [_pack(row) for row in batch]
            after = state.rows + len(batch)
            digest = _digest(state.digest, packed)
            if known.get(after) is not None and known[after].digest == digest:
                state = known[after]
                resumed = state.rows
            else:
                if known:
                    self._forget(generation, state)
                    known = {}
                state = self._write(
                    generation, source, state, digest=digest, batch=batch, packed=packed
                )
            progress(Progress(state.rows, state.records, state.set_aside))
        if known and max(known) > state.rows:
            self._forget(generation, state)
        return state, resumed

    def _known(self, generation: int) -> dict[int, _State]:
        b = store.batches
        with self._engine.connect() as c:
            found = c.execute(select(b).where(b.c.generation == generation)).all()
        return {r.rows: _State(r.rows, r.records, r.set_aside, r.digest) for r in found}

    def _forget(self, generation: int, state: _State) -> None:
        """Take back what was staged after `state`: the source says something else now."""
        low = generation * store.FIRST
        r, s, b = store.records.c, store.set_aside.c, store.batches.c
        with self._engine.begin() as c:
            c.execute(
                delete(store.records).where(r.id >= low + state.records, r.id < low + store.FIRST)
            )
            c.execute(
                delete(store.set_aside).where(
                    s.id >= low + state.set_aside, s.id < low + store.FIRST
                )
            )
            c.execute(delete(store.batches).where(b.generation == generation, b.rows > state.rows))

    def _write(
        self,
        generation: int,
        source: str,
        state: _State,
        *,
        digest: str,
        batch: list[Row],
        packed: list[bytes],
    ) -> _State:
        with self._engine.begin() as c:
            taken = _taken(c, generation, batch)
            good: list[dict[str, Any]] = []
            bad: list[SetAside] = []
            for n, (row, raw) in enumerate(zip(batch, packed, strict=True)):
                if isinstance(row, SetAside):
                    bad.append(row)
                elif row.record_id in taken or len(raw) > LONGEST_MESSAGE:
                    bad.append(_refused(source, row, state.rows + n + 1, raw, taken))
                else:
                    taken.add(row.record_id)
                    good.append(_columns_of(row, generation))
            low = generation * store.FIRST
            for n, values in enumerate(good):
                values["id"] = low + state.records + n
            aside = [
                {**asdict(s), "generation": generation, "id": low + state.set_aside + n}
                for n, s in enumerate(bad)
            ]
            for one in aside:
                del one["source"]
            if good:
                c.execute(insert(store.records), good)
            if aside:
                c.execute(insert(store.set_aside), aside)
            after = _State(
                state.rows + len(batch),
                state.records + len(good),
                state.set_aside + len(bad),
                digest,
            )
            c.execute(insert(store.batches).values(generation=generation, **asdict(after)))
        return after

    def _same(self, current: int, state: _State) -> bool:
        g = store.generations.c
        with self._engine.connect() as c:
            found = c.execute(select(g.digest, g.index_format).where(g.id == current)).one()
        return bool(found.digest == state.digest and found.index_format == index_format())

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
            low = generation * store.FIRST
            for table in (store.records, store.set_aside):
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

    @staticmethod
    def _report(
        source: str, generation: int, state: _State, resumed: int, *, unchanged: bool
    ) -> Imported:
        return Imported(
            *(source, generation, state.rows, state.records, state.set_aside, resumed),
            unchanged=unchanged,
        )


@dataclass(frozen=True, slots=True)
class Made:
    """What making an index found: record types by code, terms by kind of subject."""

    types: tuple[str, ...]
    terms: dict[str, frozenset[str]]


def make_index(engine: Engine, generation: int) -> Made:
    """Make a generation's index from its records and keep it beside them."""
    builder = Builder()
    types: dict[str, int] = {}
    held: dict[str, set[str]] = {}
    with engine.connect() as c:
        for number, record_type, message in store.each_message(c, generation):
            terms = extract(orjson.loads(message))
            builder.add(number, types.setdefault(record_type, len(types)), terms)
            for kind, term in terms.held():
                held.setdefault(kind, set()).add(term)
    columns = builder.finish()
    with engine.begin() as c:
        store.write_index(c, generation, columns.parts())
        c.execute(
            _of(generation).values(index_format=index_format(), types=orjson.dumps(list(types)))
        )
    return Made(tuple(types), {k: frozenset(v) for k, v in held.items()})


def _of(generation: int) -> Any:
    return update(store.generations).where(store.generations.c.id == generation)


def _taken(c: Connection, generation: int, batch: list[Row]) -> set[str]:
    """Give those of the batch's record ids that the generation has already."""
    ids = [row.record_id for row in batch if isinstance(row, Record)]
    r = store.records.c
    found = c.execute(select(r.record_id).where(r.generation == generation, r.record_id.in_(ids)))
    return set(found.scalars())


def _refused(source: str, row: Record, line: int, raw: bytes, taken: set[str]) -> SetAside:
    if row.record_id in taken:
        code, text = "record.duplicate_id", "another row of this source has the same record id"
    else:
        code, text = "record.too_large", f"the record is larger than {LONGEST_MESSAGE} bytes"
    kept = raw[:LONGEST_MESSAGE].decode(errors="replace")
    return SetAside(source, line, code, text, kept, "record_id", row.record_id)


def _columns_of(row: Record, generation: int) -> dict[str, Any]:
    contact = row.contact
    return {
        "generation": generation,
        "record_id": row.record_id,
        "record_type": row.record_type,
        "message": orjson.dumps(row.message),
        "handling": orjson.dumps(row.handling.as_dict()),
        "contact": None if contact is None else orjson.dumps(asdict(contact)),
    }


def _pack(row: Row) -> bytes:
    """Write a row as bytes, the same for the same row."""
    if isinstance(row, SetAside):
        return orjson.dumps(["set_aside", asdict(row)])
    contact = None if row.contact is None else asdict(row.contact)
    facts = row.handling.as_dict()
    return orjson.dumps([row.record_id, row.record_type, row.message, facts, contact])


def _digest(before: str, packed: list[bytes]) -> str:
    chain = sha256(before.encode())
    for raw in packed:
        chain.update(len(raw).to_bytes(8, "big") + raw)
    return chain.hexdigest()


def staged_rows(engine: Engine, source: str) -> int:
    """Count the rows that an interrupted import of this source has staged."""
    g, b = store.generations.c, store.batches.c
    query = (
        select(func.max(b.rows))
        .join(store.generations, g.id == b.generation)
        .where(g.source == source, g.state == store.STAGED)
    )
    with engine.connect() as c:
        return int(c.execute(query).scalar() or 0)
