"""What an import would do: everything is read and translated, and nothing is written."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import nullcontext
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType

import orjson
from sqlalchemy import Engine, select

from gateway.database import open_sqlite
from gateway.model import parse_stamp
from gateway.records import store
from gateway.records.columns import index_format
from gateway.records.doubts import ANYTHING, Compared, Most, doubts
from gateway.records.importer import Imported, Progress
from gateway.records.source import Origin
from gateway.records.staging import known_of
from gateway.records.strictness import Orders, held
from gateway.records.sums import (
    TWINS_DIFFER,
    Item,
    again,
    batches,
    begun,
    chained,
    ids_of,
    sort_out,
)


def dry_run(
    path: Path,
    source: str,
    rows: Iterable[Item],
    *,
    progress: Callable[[Progress], None] = lambda _: None,
    origin: Callable[[], Origin | None] = lambda: None,
    most: Most = ANYTHING,
    orders: Orders = MappingProxyType({}),
    unread: Callable[[], str | None] = lambda: None,
    joined: Callable[[], Mapping[str, int]] = dict,
    held_back: Callable[[], str | None] = lambda: None,
    says: Callable[[], datetime | None] = lambda: None,
) -> Imported:
    """Compare a source with its current records, if there are any, as an import would."""
    if path.exists():
        store.Reader(path).close()  # it brings a file of an earlier version up to date
    engine = open_sqlite(path, read_only=True) if path.exists() else None
    try:
        return _compare(
            *(engine, source, rows, origin),
            progress=progress,
            most=most,
            orders=orders,
            unread=unread,
            joined=joined,
            held_back=held_back,
            says=says,
        )
    finally:
        if engine is not None:
            engine.dispose()


def _compare(
    engine: Engine | None,
    source: str,
    rows: Iterable[Item],
    origin: Callable[[], Origin | None],
    *,
    progress: Callable[[Progress], None],
    most: Most,
    orders: Orders,
    unread: Callable[[], str | None],
    joined: Callable[[], Mapping[str, int]],
    held_back: Callable[[], str | None],
    says: Callable[[], datetime | None],
    withheld: AbstractSet[str] = frozenset(),
) -> Imported:
    g = store.generations.c
    current, before, digest, made, of_joined, as_of = None, 0, "", "", "{}", None
    if engine is not None:
        with engine.connect() as connection:
            query = select(g.id, g.records, g.digest, g.index_format, g.joined, g.as_of)
            query = query.where(g.source == source, g.state == store.CURRENT)
            found = connection.execute(query).first()
        if found is not None:
            current, before, digest, made, of_joined, as_of = found
    sums, seen, reasons = (
        begun(orders),
        dict[bytes, bytes](),
        Counter[tuple[str, str | None, str]](),
    )
    twins, claims = set[str](), list[tuple[str, bytes | None]]()
    with engine.connect() if engine is not None else nullcontext() as c:
        for batch in batches(rows, origin):
            ids = ids_of(batch)
            done = sort_out(
                source,
                batch,
                sums,
                chained(sums.digest, batch),
                taken={i: facts for i in ids if (facts := seen.get(_short(i))) is not None},
                known={} if c is None else known_of(c, current, ids),
                withheld=withheld,
                orders=orders,
            )
            seen.update((_short(record_id), kept[2]) for record_id, kept in done.good)
            twins |= {str(s.value) for s in done.aside if s.code == TWINS_DIFFER}
            claims += [claim for said in done.claims for claim in said.items()]
            reasons.update((s.code, s.column, s.text) for s in done.aside)
            sums = done.after
            progress(Progress(sums.rows, sums.records, sums.rows_aside))
    twins |= {i for i, facts in claims if seen.get(_short(i), facts) != facts}
    if twins - withheld:
        return _compare(
            *(engine, source, again(rows), origin),
            progress=progress,
            most=most,
            orders=orders,
            unread=unread,
            joined=joined,
            held_back=held_back,
            says=says,
            withheld=withheld | twins,
        )
    same = current is not None and digest == sums.digest and made == index_format()
    of_joins = (orjson.loads(of_joined), joined(), held_back())
    of = (parse_stamp(as_of) if as_of else None, says())
    compared = Compared(source, before, sums, unread(), *of_joins, of)

    def of_kinds(wanted: Mapping[str, int]) -> dict[str, int]:
        if engine is None or current is None:
            return {}
        with engine.connect() as connection:
            return held(connection, current, wanted)

    asks = () if same else tuple(d.text for d in doubts(compared, most, of_kinds))
    return Imported(
        *(source, None, sums.rows, sums.records, sums.rows_aside, sums.new, sums.changed),
        *(sums.records - sums.new - sums.changed, compared.removed, sums.corrected, 0),
        same=same,
        reasons=tuple(sorted((store.Reason(*why, n) for why, n in reasons.items()), key=_order)),
        dry_run=True,
        asks=asks,
        opened=sums.opened,
    )


def _order(reason: store.Reason) -> tuple[int, str, str, str]:
    """Put the commonest first, as `store.Reader.reasons` has them."""
    return (-reason.count, reason.code, reason.column or "", reason.text)


def _short(record_id: str) -> bytes:
    return blake2b(record_id.encode(), digest_size=10).digest()
