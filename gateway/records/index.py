"""The match index: which records fit a question, how well, and why.

Built of columns (`columns.py`), those of all mirrored sources together (`merge.py`). Immutable, so
that a new one is built aside and switched to by replacing one reference.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import assert_never

import numpy as np

from gateway.model import (
    IncidentQuery,
    ItemQuery,
    PersonQuery,
    Record,
    RecordQuery,
    SubjectQuery,
    VehicleQuery,
)
from gateway.records.columns import Builder, Columns
from gateway.records.match import Match, Ranking, Threshold
from gateway.records.persons import AskedPerson, PersonIndex, ask_person
from gateway.records.terms import extract
from gateway.records.things import ThingIndex
from gateway.records.weights import POSSIBLE, Weights, weights

Asked = AskedPerson | VehicleQuery | IncidentQuery | ItemQuery
"""A question made ready to be compared; every source gets the same."""


def ask(query: SubjectQuery, today: date) -> Asked:
    """Make a question ready. `today` gives an age range its meaning. A record's id is no match."""
    if isinstance(query, PersonQuery):
        return ask_person(query, today)
    if isinstance(query, RecordQuery):
        raise TypeError("a record is fetched by its id, not matched")
    return query


@dataclass(frozen=True, slots=True)
class Kind:
    """What a code for a record type stands for: a record type of a source, counted from 0."""

    record_type: str
    source: int = 0


class Index:
    """Finds records of one or several sources. `kinds` by the codes of the columns."""

    def __init__(
        self, columns: Columns, kinds: Sequence[Kind], *, by: Weights | None = None
    ) -> None:
        self._columns = columns
        self._kinds = tuple(kinds)
        chosen = by or weights()
        alike, groups = np.unique(columns["record.alike"], return_inverse=True)
        self.alike: tuple[int, ...] = tuple(alike.tolist())
        """Of each group of records that policy can't tell apart, the number of one."""
        self._groups = groups = groups.astype(np.int32)
        self._persons = PersonIndex(columns, chosen, groups)
        self._things = ThingIndex(columns, chosen, groups)

    def __len__(self) -> int:
        return len(self._columns["record.type"])

    def group(self, number: int) -> int:
        """Give the group of a record: those that policy can't tell it from."""
        return int(self._groups[number])

    def rank(
        self,
        asked: Asked,
        record_types: frozenset[str],
        sources: Collection[int] = (0,),
        least: float = POSSIBLE,
    ) -> Ranking:
        """Rank the records of these types in these sources that score at least so much."""
        wanted = np.array(
            [k.record_type in record_types and k.source in sources for k in self._kinds] or [False]
        )
        if isinstance(asked, AskedPerson):
            return self._persons.search(asked, wanted, least)
        if isinstance(asked, VehicleQuery):
            return self._things.vehicles(asked, wanted, least)
        if isinstance(asked, IncidentQuery):
            return self._things.incidents(asked, wanted, least)
        if isinstance(asked, ItemQuery):
            return self._things.items(asked, wanted, least)
        assert_never(asked)

    def search(
        self, asked: Asked, record_types: frozenset[str], threshold: Threshold
    ) -> list[Match]:
        """Give the best matches among all records of these types, best first."""
        return self._first(self.rank(asked, record_types, least=threshold.least), threshold)

    def score_all(self, asked: AskedPerson, threshold: Threshold) -> list[Match]:
        """Score every row, without blocking: for the few candidates of a live source."""
        return self._first(self._persons.score_all(asked, threshold.least), threshold)

    def _first(self, ranking: Ranking, threshold: Threshold) -> list[Match]:
        return list(islice(ranking.best(range(len(self.alike))), threshold.limit))


def index_of(records: Sequence[Record]) -> Index:
    """Make a small index of records at hand, so that live ones are scored by the same rules."""
    types = tuple(dict.fromkeys(r.record_type for r in records))
    builder = Builder()
    for number, record in enumerate(records):
        kind = types.index(record.record_type)
        builder.add(number, kind, extract(record.message), record.handling)
    return Index(builder.finish(), [Kind(t) for t in types])
