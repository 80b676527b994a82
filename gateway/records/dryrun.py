"""What an import would do: everything is read and translated, and nothing is written."""

from collections import Counter
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from contextlib import nullcontext
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from sqlalchemy import Engine, select

from gateway.database import open_sqlite
from gateway.records import store
from gateway.records.columns import index_format
from gateway.records.importer import Imported, Progress, Shrink, loses, shrinks
from gateway.records.source import Origin
from gateway.records.staging import known_of
from gateway.records.sums import (
    TWINS_DIFFER,
    Item,
    Sums,
    again,
    batches,
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
    max_shrink: float | None = None,
    unread: Callable[[], str | None] = lambda: None,
) -> Imported:
    """Compare a source with its current records, if there are any, as an import would."""
    engine = open_sqlite(path, read_only=True) if path.exists() else None
    try:
        done = _compare(engine, source, rows, origin, progress=progress, max_shrink=max_shrink)
        partly = Shrink(
            source,
            done.unchanged + done.changed + done.removed,
            done.removed,
            0.0,
            done.changed,
            unread(),
            done.new,
        )
        return replace(done, shrinks=done.shrinks or loses(partly))
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
    max_shrink: float | None,
    withheld: AbstractSet[str] = frozenset(),
) -> Imported:
    g = store.generations.c
    current, before, digest, made = None, 0, "", ""
    if engine is not None:
        with engine.connect() as c:
            query = select(g.id, g.records, g.digest, g.index_format)
            found = c.execute(query.where(g.source == source, g.state == store.CURRENT)).first()
        if found is not None:
            current, before, digest, made = found
    sums, seen, reasons = Sums(), dict[bytes, bytes](), Counter[tuple[str, str | None, str]]()
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
            max_shrink=max_shrink,
            withheld=withheld | twins,
        )
    removed = before - (sums.records - sums.new)
    return Imported(
        *(source, None, sums.rows, sums.records, sums.rows_aside, sums.new, sums.changed),
        *(sums.records - sums.new - sums.changed, removed, sums.corrected, 0),
        same=current is not None and digest == sums.digest and made == index_format(),
        reasons=tuple(sorted((store.Reason(*why, n) for why, n in reasons.items()), key=_order)),
        dry_run=True,
        shrinks=shrinks(Shrink(source, before, removed, 0.0), max_shrink),
    )


def _order(reason: store.Reason) -> tuple[int, str, str, str]:
    """Put the commonest first, as `store.Reader.reasons` has them."""
    return (-reason.count, reason.code, reason.column or "", reason.text)


def _short(record_id: str) -> bytes:
    return blake2b(record_id.encode(), digest_size=10).digest()
