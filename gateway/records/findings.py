"""What a question found, before policy has decided what of it is shown.

Policy decides by kinds of records, of which there are few. Only then are records read, and only
those of the kinds that it shows: one that it hides costs what comparing it did, be there one or
hundreds.
"""

import heapq
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from operator import itemgetter

import orjson

from gateway.errors import RecordsChanged
from gateway.model import Found, FoundKind, Listed
from gateway.records.match import Match, Ranking
from gateway.records.mirror import Mirrored, Mirrors
from gateway.records.store import Stored

_Ranked = tuple[tuple[float, tuple[int, int]], int, Match, Found | None]
"""Where it stands, its kind, its match, and the record if it is at hand."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One record at hand. `order` is where it stands among equals: its source, its place there."""

    match: Match
    order: tuple[int, int]
    found: Found


class Findings:
    """The matches in the mirrors, by number, and the records of other sources, at hand.

    `named` are the numbers of the records that policy knows by their ids. `at_once` are so many as
    are wanted at most: they are read together.
    """

    def __init__(
        self,
        mirrors: Mirrors,
        mirrored: Mirrored,
        ranking: Ranking | None,
        hits: Sequence[Hit],
        *,
        named: Mapping[int, str],
        at_hand: Listed,
        at_once: int,
    ) -> None:
        self._mirrors = mirrors
        self._mirrored = mirrored
        self._ranking = ranking
        self._hits = hits
        self._at_once = at_once
        groups = sorted(ranking.groups()) if ranking else []
        here = named.keys() & ranking.numbers() if ranking and named else ()
        self._kind_of_group = {group: n for n, group in enumerate(groups)}
        self._kind_of_number = {number: len(groups) + n for n, number in enumerate(sorted(here))}
        self._at_hand = at_hand
        self._first_at_hand = len(groups) + len(here)
        kinds = mirrors.kinds(mirrored, groups) if groups else {}
        alone = [(mirrored.index.group(n), named[n]) for n in self._kind_of_number]
        self.kinds: tuple[FoundKind, ...] = (
            *kinds.values(),
            *(FoundKind(kinds[g].record_type, kinds[g].handling, i) for g, i in alone),
            *at_hand.kinds,
        )

    def best(self, shown: Collection[int]) -> Iterator[tuple[int, Found]]:
        """Read the records of the kinds that are shown, best first, each with its kind's place.

        Raises RecordsChanged if an import took one of them away meanwhile.
        """
        ranked = heapq.merge(self._in_mirrors(shown), self._others(shown), key=itemgetter(0))
        while some := list(islice(ranked, self._at_once)):
            keys = {m.number: self._mirrored.key(m.number) for _, _, m, f in some if f is None}
            stored = self._mirrors.fetch(list(keys.values())) if keys else {}
            if len(stored) < len(keys):
                raise RecordsChanged("the records changed while they were read")
            for _, kind, match, found in some:
                yield kind, found or found_stored(stored[keys[match.number]], match)

    def exceed(self, shown: Collection[int], most: int) -> bool:
        """Tell whether more than `most` records are of the kinds that are shown. Reads none."""
        every = chain(self._in_mirrors(shown), self._others(shown))
        return next(islice(every, most, None), None) is not None

    def _in_mirrors(self, shown: Collection[int]) -> Iterator[_Ranked]:
        if self._ranking is None:
            return
        group_of = self._mirrored.index.group
        groups = {g for g, kind in self._kind_of_group.items() if kind in shown}
        groups |= {group_of(n) for n, kind in self._kind_of_number.items() if kind in shown}
        for place, match in enumerate(self._ranking.best(groups)):
            kind = self._kind_of_number.get(match.number)
            if kind is None:
                kind = self._kind_of_group[group_of(match.number)]
            if kind in shown:
                yield (-match.bits, (0, place)), kind, match, None

    def _others(self, shown: Collection[int]) -> Iterator[_Ranked]:
        for hit, place in zip(self._hits, self._at_hand.places, strict=True):
            kind = self._first_at_hand + place
            if kind in shown:
                yield (-hit.match.bits, hit.order), kind, hit.match, hit.found


def found_stored(stored: Stored, match: Match) -> Found:
    """Put a stored record and its match together."""
    return Found(
        stored.record_id,
        stored.record_type,
        *(match.score, match.band, match.compared),
        stored.handling,
        stored.contact,
        orjson.loads(stored.message),
    )
