"""The rows of a generation in the making: written batch by batch, each one durable transaction.

After a crash the rows are compared with those that are staged, and written anew from the first that
differs on; all of them where the policy ranks handling otherwise by now.
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
from gateway.records.strictness import Orders
from gateway.records.sums import (
    TWINS_DIFFER,
    Content,
    Item,
    Sorted,
    Sums,
    again,
    batches,
    begun,
    chained,
    ids_of,
    sort_out,
)


class Staging:
    """Writes one generation. `before` is the one that it may replace."""

    def __init__(
        self,
        engine: Engine,
        source: str,
        generation: int,
        before: int | None,
        orders: Orders,
    ) -> None:
        self._engine = engine
        self._source = source
        self._generation = generation
        self._before = before
        self._orders = orders

    def read(
        self,
        items: Iterable[Item],
        origin: Callable[[], Origin | None],
        progress: Callable[[Sums], None],
    ) -> tuple[Sums, int]:
        """Write the items, but for those that an interrupted run wrote already.

        Gives the sums, and how many items were there from before. Where rows of one record id
        disagree about who may see it, or one set aside does not say, which shows only at the later
        one, all is read again, and none of them is taken. Raises what `again` raises.
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
        sums, resumed = begun(self._orders), 0
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
                        orders=self._orders,
                    )
                    self._write(c, done, sums)
                sums = done.after
            progress(sums)
        if known and max(known) > sums.items:
            self._forget(sums)
        return sums, resumed

    def _twins(self) -> set[str]:
        """Give the record ids whose rows are staged as disagreeing about who may see them.

        With those of which a row was stored that a row set aside does not agree with.
        """
        s, r, claim = store.set_aside.c, store.records.c, store.claims.c
        low = self._generation * store.FIRST
        differing = select(s.value).where(
            s.id >= low, s.id < low + store.FIRST, s.code == TWINS_DIFFER
        )
        unsaid = (
            select(claim.record_id)
            .join(
                store.records,
                (r.generation == self._generation) & (r.record_id == claim.record_id),
            )
            .where(claim.id >= low, claim.id < low + store.FIRST)
            .where(claim.handling.is_distinct_from(r.handling))
        )
        with self._engine.connect() as c:
            found = [*c.execute(differing).scalars(), *c.execute(unsaid).scalars()]
        return {str(value) for value in found}

    def _known(self) -> dict[int, Sums]:
        b = store.batches
        with self._engine.connect() as c:
            found = c.execute(select(b).where(b.c.generation == self._generation)).all()
        names = Sums.__slots__
        return {r.items: Sums(**{n: getattr(r, n) for n in names}) for r in found}

    def _forget(self, sums: Sums) -> None:
        """Take back what was staged after `sums`: the source says something else now."""
        low = self._generation * store.FIRST
        r, b = store.records.c, store.batches.c
        with self._engine.begin() as c:
            c.execute(
                delete(store.records).where(r.id >= low + sums.records, r.id < low + store.FIRST)
            )
            for of in (store.claims.c, store.set_aside.c):
                aside = (of.id >= low + sums.set_aside) & (of.id < low + store.FIRST)
                c.execute(delete(of.id.table).where(aside))
            later = (b.generation == self._generation) & (b["items"] > sums.items)
            c.execute(delete(store.batches).where(later))

    def _write(self, connection: Connection, done: Sorted, before: Sums) -> None:
        low = self._generation * store.FIRST
        if done.good:
            # The driver's own call: to make 500 rows' parameters costs more than to write them.
            connection.exec_driver_sql(
                _INSERT,
                [
                    (number, self._generation, record_id, *kept)
                    for number, (record_id, kept) in enumerate(done.good, low + before.records)
                ],
            )
        first = low + before.set_aside
        if done.aside:
            connection.execute(
                insert(store.set_aside),
                [
                    {**_columns(s), "generation": self._generation, "id": number}
                    for number, s in enumerate(done.aside, first)
                ],
            )
        claims = [
            {"id": number, "record_id": record_id, "handling": handling}
            for number, said in enumerate(done.claims, first)
            for record_id, handling in said.items()
        ]
        if claims:
            connection.execute(insert(store.claims), claims)
        values = {"generation": self._generation, **asdict(done.after)}
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
        **{n: getattr(row, n) for n in ("line", "code", "text", "column", "value", "raw", "key")},
        "fields": fields,
    }
