"""The rows of a generation in the making: written batch by batch, each one durable transaction.

After a crash the rows are compared with those that are staged, and written anew from the first that
differs on.
"""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, delete, func, insert, select

from gateway.model import SetAside
from gateway.records import store
from gateway.records.source import Origin
from gateway.records.sums import (
    TWINS_DIFFER,
    Content,
    Item,
    Kept,
    Sums,
    again,
    batches,
    chained,
    ids_of,
    sort_out,
)


class Staging:
    """Writes one generation. `before` is the one that it may replace."""

    def __init__(self, engine: Engine, source: str, generation: int, before: int | None) -> None:
        self._engine = engine
        self._source = source
        self._generation = generation
        self._before = before

    def read(
        self,
        items: Iterable[Item],
        origin: Callable[[], Origin | None],
        progress: Callable[[Sums], None],
    ) -> tuple[Sums, int]:
        """Write the items, but for those that an interrupted run wrote already.

        Gives the sums, and how many items were there from before. Where rows of one record id
        disagree about who may see it, which shows only at the later one, all is read again, and
        none of them is taken. Raises what `again` raises.
        """
        withheld = self._twins()
        if withheld:
            # Found by a run that did not end. Whether they still disagree shows from the start.
            self._forget(Sums())
            withheld = set()
        sums, resumed = self._read(items, origin, progress, withheld)
        while (found := self._twins()) - withheld:
            withheld |= found
            self._forget(Sums())
            sums, resumed = self._read(again(items), origin, progress, withheld)
        return sums, resumed

    def _read(
        self,
        items: Iterable[Item],
        origin: Callable[[], Origin | None],
        progress: Callable[[Sums], None],
        withheld: AbstractSet[str],
    ) -> tuple[Sums, int]:
        known = self._known()
        sums, resumed = Sums(), 0
        for batch in batches(items, origin):
            digest = chained(sums.digest, batch)
            staged = known.get(sums.items + len(batch))
            if staged is not None and staged.digest == digest:
                sums = staged
                resumed = sums.items
            else:
                if known:
                    self._forget(sums)
                    known = {}
                with self._engine.begin() as c:
                    ids = ids_of(batch)
                    done = sort_out(
                        self._source,
                        batch,
                        sums,
                        digest,
                        taken=taken_of(c, self._generation, ids),
                        known=known_of(c, self._before, ids),
                        withheld=withheld,
                    )
                    self._write(c, done.good, done.aside, sums, done.after)
                sums = done.after
            progress(sums)
        if known and max(known) > sums.items:
            self._forget(sums)
        return sums, resumed

    def _twins(self) -> set[str]:
        """Give the record ids whose rows are staged as disagreeing about who may see them."""
        s, low = store.set_aside.c, self._generation * store.FIRST
        query = select(s.value).where(s.id >= low, s.id < low + store.FIRST, s.code == TWINS_DIFFER)
        with self._engine.connect() as c:
            return {str(value) for value in c.execute(query).scalars()}

    def _known(self) -> dict[int, Sums]:
        b = store.batches
        with self._engine.connect() as c:
            found = c.execute(select(b).where(b.c.generation == self._generation)).all()
        names = Sums.__slots__
        return {r.items: Sums(**{n: getattr(r, n) for n in names}) for r in found}

    def _forget(self, sums: Sums) -> None:
        """Take back what was staged after `sums`: the source says something else now."""
        low = self._generation * store.FIRST
        r, s, b = store.records.c, store.set_aside.c, store.batches.c
        with self._engine.begin() as c:
            c.execute(
                delete(store.records).where(r.id >= low + sums.records, r.id < low + store.FIRST)
            )
            c.execute(
                delete(store.set_aside).where(
                    s.id >= low + sums.set_aside, s.id < low + store.FIRST
                )
            )
            later = (b.generation == self._generation) & (b["items"] > sums.items)
            c.execute(delete(store.batches).where(later))

    def _write(
        self,
        connection: Connection,
        good: list[Kept],
        aside: list[SetAside],
        before: Sums,
        after: Sums,
    ) -> None:
        low = self._generation * store.FIRST
        if good:
            # The driver's own call: to make 500 rows' parameters costs more than to write them.
            connection.exec_driver_sql(
                _INSERT,
                [
                    (number, self._generation, record_id, *kept)
                    for number, (record_id, kept) in enumerate(good, low + before.records)
                ],
            )
        if aside:
            connection.execute(
                insert(store.set_aside),
                [
                    {**_columns(s), "generation": self._generation, "id": low + n}
                    for n, s in enumerate(aside, before.set_aside)
                ],
            )
        values = {"generation": self._generation, **asdict(after)}
        connection.execute(insert(store.batches).values(**values))


_STORED = ("record_type", "message", "handling", "contact")
_INSERT = (
    f"INSERT INTO records (id, generation, record_id, {', '.join(_STORED)}) "  # noqa: S608 - columns
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def taken_of(connection: Connection, generation: int, ids: list[str]) -> dict[str, bytes]:
    """Give those of the record ids that a generation has, with their handling."""
    return {row[0]: row[1] for row in _rows_of(connection, generation, ids, "record_id, handling")}


def known_of(connection: Connection, generation: int | None, ids: list[str]) -> dict[str, Content]:
    """Give what a generation holds of these records."""
    if generation is None:
        return {}
    rows = _rows_of(connection, generation, ids, ", ".join(("record_id", *_STORED)))
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in rows}


def _rows_of(
    connection: Connection, generation: int, ids: list[str], columns: str
) -> Sequence[Any]:
    marks = ", ".join("?" * len(ids))
    query = f"SELECT {columns} FROM records WHERE generation = ? AND record_id IN ({marks})"  # noqa: S608 - columns and marks
    return connection.exec_driver_sql(query, (generation, *ids)).all()


def staged_rows(engine: Engine, source: str) -> int:
    """Count the items that an interrupted import of this source has staged."""
    g, b = store.generations.c, store.batches.c
    query = (
        select(func.max(b["items"]))
        .join(store.generations, g.id == b.generation)
        .where(g.source == source, g.state == store.STAGED)
    )
    with engine.connect() as c:
        return int(c.execute(query).scalar() or 0)


def _columns(row: SetAside) -> dict[str, Any]:
    fields = None if row.fields is None else orjson.dumps(row.fields)
    return {
        **{n: getattr(row, n) for n in ("line", "code", "text", "column", "value", "raw")},
        "fields": fields,
    }
