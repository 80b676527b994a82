"""Find vehicles, incidents and items in one generation's index.

By number (plate, VIN, case number, serial): the number itself, with confused characters or with one
wrong. Without a number a question describes: then everything asked must agree or be unknown, and a
match is never more than possible.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gateway.model import IncidentQuery, ItemQuery, VehicleQuery
from gateway.records.columns import NONE, Columns
from gateway.records.keys import code_keys, hashes
from gateway.records.match import MOST_COMPARED, MOST_OF_GROUP, Match, first_of_each
from gateway.records.normalise import code, day
from gateway.records.persons import code_level
from gateway.records.weights import PROBABLE, Weights, band, bits_of, score, shown

Array = npt.NDArray[Any]
Words = dict[str, str]
Compare = Callable[[int], Words]

_CODE_WORDS = ("same", "similar", "one_digit_off", "different")
_SHORTEST = 3
"""Letters of an abbreviation: BLK is black, TOYT is Toyota."""
_JUST_POSSIBLE = bits_of(PROBABLE - 0.01)


@dataclass(frozen=True, slots=True)
class _Days:
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class ThingRanking:
    """The matches of one question, best first, and the group of each."""

    matches: tuple[Match, ...]
    of: tuple[int, ...]

    def groups(self) -> frozenset[int]:
        """Give the groups of the records that match."""
        return frozenset(self.of)

    def numbers(self) -> frozenset[int]:
        """Give the numbers of the records that match."""
        return frozenset(m.number for m in self.matches)

    def best(self, groups: Collection[int]) -> Iterator[Match]:
        """Give the matches of these groups, best first."""
        return (m for m, g in zip(self.matches, self.of, strict=True) if g in groups)


class ThingIndex:
    """Vehicles, incidents and items of one generation. Immutable; safe for several threads.

    `groups` as in `PersonIndex`.
    """

    def __init__(self, columns: Columns, weights: Weights, groups: Array) -> None:
        self._columns = columns
        self._groups = groups
        self._weights = weights
        self._ids = {t: n for n, t in enumerate(columns.texts)}

    def vehicles(self, q: VehicleQuery, types: Array, least: float) -> ThingRanking:
        """Find by plate or VIN; without both, by description and days."""
        numbers = {"plate": code(q.plate or ""), "vin": code(q.vin or "")}
        days = _days(q.date_from, q.date_to)
        asked = {
            "plate_state": q.plate_state,
            "make": q.make,
            "model": q.model,
            "color": q.color,
            "category": q.category,
        }

        def compare(row: int) -> Words:
            words = self._numbers("vehicle", row, numbers)
            for term, wanted in asked.items():
                if wanted:
                    words[term] = _text_word(wanted, self._held(term, row))
            if q.year:
                words["year"] = _year_word(q.year, int(self._columns["vehicle.year"][row]))
            if days:
                words["date"] = self._day_word("vehicle", row, days)
            return words

        rows = self._by_number("vehicle", numbers)
        if q.plate or q.vin:  # one that holds no letter or digit finds nothing, not everything
            return self._matches("vehicle", rows, compare, types, least)
        rows = self._in_days("vehicle", days)
        if q.year:
            held = self._columns["vehicle.year"][rows]
            rows = rows[(held == q.year) | (held == 0)]
        for term, wanted in asked.items():
            if wanted:
                rows = rows[self._fits(term, wanted, rows)]
        return self._described("vehicle", rows, compare, types, least)

    def incidents(self, q: IncidentQuery, types: Array, least: float) -> ThingRanking:
        """Find by number; without one, by days and offense."""
        numbers = {"number": code(q.number or "")}
        days = _days(q.date_from, q.date_to)

        def compare(row: int) -> Words:
            words = self._numbers("incident", row, numbers)
            if days:
                words["date"] = self._day_word("incident", row, days)
            if q.offense:
                words["offense"] = self._offense_word(row, q.offense)
            return words

        if q.number:  # as above
            rows = self._by_number("incident", numbers)
            return self._matches("incident", rows, compare, types, least)
        rows = self._in_days("incident", days)
        if q.offense:
            held = self._columns["offense.offense"] == self._ids.get(q.offense, NONE - 1)
            rows = np.intersect1d(rows, self._columns["offense.incident"][held])
        return self._described("incident", rows, compare, types, least)

    def items(self, q: ItemQuery, types: Array, least: float) -> ThingRanking:
        """Find by serial number; type and make only tell more."""
        numbers = {"serial": code(q.serial)}

        def compare(row: int) -> Words:
            words = self._numbers("item", row, numbers)
            for term, wanted in (("type", q.type), ("make", q.make)):
                if wanted:
                    words[term] = _text_word(wanted, [self._text(f"item.{term}", row)])
            return words

        rows = self._by_number("item", numbers)
        return self._matches("item", rows, compare, types, least)

    def _by_number(self, table: str, numbers: Mapping[str, str]) -> Array:
        """Give the rows of a table that share a key with one of the numbers."""
        found = [np.empty(0, dtype=np.int32)]
        for space, number in numbers.items():
            if not number:
                continue
            keys = hashes(code_keys(space, number))
            for codes in self._columns.postings["code"].lookup(keys):
                of_space = self._columns["code.space"][codes] == self._ids.get(space, NONE - 1)
                found.append(self._columns["code.owner"][codes[of_space]])
        rows = np.unique(np.concatenate(found))
        return rows[rows < len(self._columns[f"{table}.record"])]

    def _numbers(self, table: str, row: int, asked: Mapping[str, str]) -> Words:
        words = {}
        for term, number in asked.items():
            if number:
                held = self._text(f"{table}.{term}", row)
                words[term] = _CODE_WORDS[code_level(number, held)] if held else "missing"
        return words

    def _matches(
        self, table: str, rows: Array, compare: Compare, types: Array, least: float
    ) -> ThingRanking:
        """Score rows that were found by a number."""
        found = []
        for row in self._of_types(table, rows, types).tolist():
            words = compare(row)
            if not {"same", "similar", "one_digit_off"} & {words.get(t, "") for t in _NUMBERS}:
                continue
            found.append((row, self._bits(words) - self._weights.prior, words))
        return self._best(table, found, least)

    def _described(
        self, table: str, rows: Array, compare: Compare, types: Array, least: float
    ) -> ThingRanking:
        """Score rows that fit a description, the latest first among equals."""
        rows = self._of_types(table, rows, types)
        floor = bits_of(least)
        rows = rows[np.argsort(-self._columns[f"{table}.last"][rows], kind="stable")]
        if len(rows) > MOST_OF_GROUP:
            groups = self._groups[self._columns[f"{table}.record"][rows]]
            rows = rows[first_of_each(groups, MOST_OF_GROUP)][:MOST_COMPARED]
        found = []
        for row in rows.tolist():
            words = compare(row)
            bits = self._bits(words) - self._weights.description_prior
            found.append((row, max(floor, min(_JUST_POSSIBLE, bits)), words))
        return self._best(table, found, least)

    def _best(
        self, table: str, found: list[tuple[int, float, Words]], least: float
    ) -> ThingRanking:
        records = self._columns[f"{table}.record"]
        best: dict[int, Match] = {}
        floor = bits_of(least)
        for row, bits, words in sorted(found, key=lambda f: -f[1]):
            record = int(records[row])
            if bits >= floor and record not in best:
                best[record] = Match(record, shown(bits), band(score(bits), words), words, bits)
        return ThingRanking(tuple(best.values()), tuple(self._groups[list(best)].tolist()))

    def _bits(self, words: Words) -> float:
        return sum(self._weights.code.get(f"{term}.{word}", 0.0) for term, word in words.items())

    def _of_types(self, table: str, rows: Array, types: Array) -> Array:
        record = self._columns[f"{table}.record"][rows]
        wanted: Array = rows[types[self._columns["record.type"][record]]]
        return wanted

    def _in_days(self, table: str, days: _Days | None) -> Array:
        first, last = self._columns[f"{table}.first"], self._columns[f"{table}.last"]
        if days is None:
            return np.arange(len(first))
        return np.flatnonzero((first <= days.last) & (last >= days.first) & (first > 0))

    def _day_word(self, table: str, row: int, days: _Days) -> str:
        first = int(self._columns[f"{table}.first"][row])
        last = int(self._columns[f"{table}.last"][row])
        if not first:
            return "missing"
        return "same" if first <= days.last and last >= days.first else "different"

    def _offense_word(self, row: int, offense: str) -> str:
        of_row = self._columns["offense.incident"] == row
        held = self._columns["offense.offense"][of_row]
        if not len(held):
            return "missing"
        return "same" if self._ids.get(offense, NONE - 1) in held else "different"

    def _held(self, term: str, row: int) -> list[str]:
        names = [f"vehicle.{term}", *([f"vehicle.{term}_name"] if term in _TWO else [])]
        return [self._text(n, row) for n in names]

    def _fits(self, term: str, wanted: str, rows: Array) -> Array:
        """Tell which rows agree with a described term, or do not say; by distinct texts."""
        columns = [self._columns[f"vehicle.{term}"][rows]]
        if term in _TWO:
            columns.append(self._columns[f"vehicle.{term}_name"][rows])
        fits = np.zeros(len(rows), dtype=bool)
        silent = np.ones(len(rows), dtype=bool)
        for column in columns:
            same = [t for t in np.unique(column).tolist() if t >= 0 and _agree(wanted, self._at(t))]
            fits |= np.isin(column, same)
            silent &= column == NONE
        return fits | silent

    def _text(self, column: str, row: int) -> str:
        return self._at(int(self._columns[column][row]))

    def _at(self, number: int) -> str:
        return self._columns.texts[number] if number >= 0 else ""


_NUMBERS = ("plate", "vin", "number", "serial")
_TWO = frozenset({"make", "model"})


def _days(first: Any, last: Any) -> _Days | None:
    if first is None and last is None:
        return None
    return _Days(day(first or last), day(last or first))


def _agree(wanted: str, held: str) -> bool:
    """Tell whether two words are one, or one is short for the other: its letters, in order."""
    short, long = sorted((code(wanted), code(held)), key=len)
    if short == long:
        return True
    if len(short) < _SHORTEST or short[0] != long[0]:
        return False
    rest = iter(long)
    return all(letter in rest for letter in short)


def _text_word(wanted: str, held: Iterable[str]) -> str:
    known = [h for h in held if h]
    if not known:
        return "missing"
    return "same" if any(_agree(wanted, h) for h in known) else "different"


def _year_word(asked: int, held: int) -> str:
    if not held:
        return "missing"
    return {0: "same", 1: "close"}.get(abs(asked - held), "different")
