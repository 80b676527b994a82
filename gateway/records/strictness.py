"""Which records an import would have handled less strictly than those in force are.

Which of a fact's words are stricter than others is the policy's to say. What its list lacks is
stricter than all that stands there. Facts without a list, such as days, have no order. Where the
policy ranks nothing at all nobody can tell, and every other word counts.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import orjson
from sqlalchemy import Connection, func, select

from gateway.model import Fact
from gateway.records import store

Orders = Mapping[str, Sequence[Fact]]
"""A fact's words, the least strict first."""


def kinds(record_type: str, facts: Mapping[str, Fact]) -> Iterator[tuple[str, str]]:
    """Name each fact of a record, and how records of that type and word are called."""
    for name, word in facts.items():
        said = word if isinstance(word, str) else orjson.dumps(word).decode()
        yield name, f"{name} {said} ({record_type})"


def opened(
    orders: Orders, record_type: str, before: Mapping[str, Fact], after: Mapping[str, Fact]
) -> Iterator[str]:
    """Name what a record was, and is no longer but something less strict."""
    for name, kind in kinds(record_type, before):
        if not orders:
            if after.get(name) != before[name]:
                yield kind
        elif name in orders and _rank(orders[name], after.get(name)) < _rank(
            orders[name], before[name]
        ):
            yield kind


def _rank(order: Sequence[Fact], word: Fact | None) -> int:
    # `in` and `index` would take true for 1.
    known = [n for n, one in enumerate(order) if type(one) is type(word) and one == word]
    return known[0] if known else len(order)


def held(connection: Connection, generation: int, wanted: Mapping[str, int]) -> dict[str, int]:
    """Count the records of a generation that are of these kinds."""
    r = store.records.c
    query = (
        select(r.record_type, r.handling, func.count())
        .where(r.id >= generation * store.FIRST, r.id < (generation + 1) * store.FIRST)
        .group_by(r.record_type, r.handling)
    )
    found = Counter[str]()
    for record_type, handling, count in connection.execute(query):
        for _, kind in kinds(record_type, orjson.loads(handling)):
            if kind in wanted:
                found[kind] += count
    return dict(found)
