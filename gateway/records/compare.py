"""Compare one question about a person with rows of an index, all at once.

Everything here is an array over the candidate rows: levels of agreement first, then bits. It is
symmetric: which of two names was asked and which was found changes nothing.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import JaroWinkler
from rapidfuzz.process import cdist

from gateway.records.columns import NONE, Columns
from gateway.records.normalise import PersonName
from gateway.records.sounds import nicknames, sound_of
from gateway.records.weights import BirthLevel, NameLevel, Weights

Array = npt.NDArray[Any]

_CUTS = np.array([0.75, 0.85, 0.92, 0.999_999], dtype=np.float32)
_BY_CUT = np.array(
    [
        NameLevel.DIFFERENT,
        NameLevel.FAR,
        NameLevel.NEAR,
        NameLevel.SIMILAR,
        NameLevel.SAME,
    ],
    dtype=np.int8,
)
# A whole name against a part of the other; a part against a part. Index: the level of the two.
_WHOLE_PART = np.array([1, 4, 2, 4, 5, 6, 6, 6], dtype=np.int8)
_PART_PART = np.array([4, 6, 6, 6, 6, 6, 6, 6], dtype=np.int8)
_GIVEN, _SURNAME, _EITHER = range(3)
_DAYS = 100
_YEAR = 10_000
_AGE_SLACK = 2
_TWO = 2
_YEARS, _MONTHS, _DAYS_OF = 0b1111_0000, 0b0000_1100, 0b0000_0011
_TENS = 10 ** np.arange(7, -1, -1, dtype=np.int32)


def _by_digits(wrong: int) -> BirthLevel:
    """Give the level of two dates by the digits (a bit each, the year's first) that differ."""
    if wrong.bit_count() == 1:
        return BirthLevel.ONE_EDIT
    if sum(wrong & part > 0 for part in (_YEARS, _MONTHS, _DAYS_OF)) == 1:
        return BirthLevel.TWO_PARTS
    return BirthLevel.TWO_EDITS if wrong.bit_count() == _TWO else BirthLevel.DIFFERENT


_BY_DIGITS = np.array([_by_digits(wrong) for wrong in range(256)], dtype=np.int8)
_TWO_WRONG = np.array([wrong.bit_count() == _TWO for wrong in range(256)])


@dataclass(frozen=True, slots=True)
class NameLevels:
    """Levels a row, and whether given name and surname changed places.

    `swapped`: both fit; `crossed`: only one of them does, and the surname counts as different.
    """

    surname: Array
    given: Array
    swapped: Array
    crossed: Array
    bits: Array


class NameTable:
    """What is known of every text of an index as a name, and room to work in, one a thread."""

    def __init__(self, columns: Columns, weights: Weights) -> None:
        self.columns = columns
        self.weights = weights
        common = weights.given_frequency.keys() | weights.surname_frequency.keys()
        rarity = np.tile(
            np.array(rarity_of("", weights), dtype=np.float32), (len(columns.texts) + 1, 1)
        )
        for n, text in enumerate(columns.texts):
            if text in common:
                rarity[n] = rarity_of(text, weights)
        rarity[-1] = 0.0  # no name
        self.rarity = rarity.T.copy()
        self._room = threading.local()

    def room(self) -> tuple[Array, Array]:
        """Give a cleared mark and a place for every text and for none, which is the last."""
        if not hasattr(self._room, "arrays"):
            size = len(self.columns.texts) + 1
            self._room.arrays = np.zeros(size, dtype=bool), np.zeros(size, dtype=np.int32)
        found: tuple[Array, Array] = self._room.arrays
        return found


class NameSet:
    """The distinct texts of candidate rows, compared once each with a question's name."""

    def __init__(self, table: NameTable, ids: Array) -> None:
        """Take the names of the rows: the texts of the six parts, shape (6, rows)."""
        columns = table.columns
        seen, place = table.room()
        seen[ids] = True  # -1, none, marks the last
        seen[-1] = False
        used = np.flatnonzero(seen)
        seen[used] = False
        place[used] = np.arange(len(used), dtype=np.int32)
        place[-1] = len(used)
        self._at = place[ids]
        self._none = ids[0] == NONE, ids[3] == NONE
        self._with_given_parts = np.flatnonzero(ids[1] != NONE)
        self._with_surname_parts = np.flatnonzero(ids[4] != NONE)
        self._weights = table.weights
        self._rarity = table.rarity
        self._ids = ids
        texts = columns.texts
        self._texts = [texts[i] for i in used.tolist()]
        self._sounds = columns["text.sound"][used], columns["text.sound_other"][used]
        self._consonants = columns["text.consonants"][used]
        self._vowelless = columns["text.vowelless"][used]

    def levels(self, name: PersonName) -> NameLevels:
        """Compare a name with every row."""
        weights = self._weights
        asked = list(dict.fromkeys(p for p in name.parts if p))
        table = self._table(asked)
        by_text = dict(zip(asked, table, strict=True))
        nothing = np.full(table.shape[1], NameLevel.DIFFERENT, dtype=np.int8)
        given = by_text.get(name.given, nothing)
        surname = by_text.get(name.surname, nothing)
        given_part = _least([by_text[p] for p in name.parts[1:3] if p])
        surname_part = _least([by_text[p] for p in name.parts[4:6] if p])
        g = self._given(given, given_part)
        s = self._surname(surname, surname_part)
        crossed_g = self._surname(given, given_part)
        crossed_s = self._given(surname, surname_part)
        no_given, no_surname = self._none
        g[no_given | (not name.given)] = NameLevel.MISSING
        s[no_surname | (not name.surname)] = NameLevel.MISSING
        # A common name says little, however well it agrees: neither side counts for more than its
        # own rarity. In crossed names a word counts as the commoner of what it may be.
        bits = self._bits(name.given, weights.given, g, (_GIVEN, 0))
        bits += self._bits(name.surname, weights.surname, s, (_SURNAME, 3))
        swapped, half = np.zeros((2, len(bits)), dtype=bool)
        near = np.flatnonzero(np.minimum(crossed_g, crossed_s) <= NameLevel.NEAR)
        if len(near):
            either = np.minimum(weights.given, weights.surname)
            crossed = self._bits(name.given, either, crossed_g[near], (_EITHER, 3), near)
            crossed += self._bits(name.surname, either, crossed_s[near], (_EITHER, 0), near)
            crossed += weights.swapped
            better = crossed > bits[near]
            both = np.maximum(crossed_g[near], crossed_s[near]) <= NameLevel.NEAR
            swapped[near] = better & both
            half[near] = better & ~both
            s[half] = NameLevel.DIFFERENT
            bits[near[better]] = crossed[better]
        return NameLevels(s, g, swapped, half, bits)

    def _bits(
        self,
        asked: str,
        table: Array,
        level: Array,
        against: tuple[int, int],
        rows: Array | None = None,
    ) -> Array:
        """Weigh the levels of an asked word. `against`: as what, and which part of each name."""
        kind, part = against
        rarity = rarity_of(asked, self._weights)[kind]
        at_most = np.minimum(table, rarity)
        at_most[NameLevel.SAME] = rarity
        ids = self._ids[part] if rows is None else self._ids[part][rows]
        capped: Array = np.minimum(at_most[level], self._rarity[kind][ids])
        return capped

    def _given(self, whole: Array, part: Array | None) -> Array:
        return _best_level(whole, part, self._at[0], self._at[1:3], self._with_given_parts)

    def _surname(self, whole: Array, part: Array | None) -> Array:
        return _best_level(whole, part, self._at[3], self._at[4:6], self._with_surname_parts)

    def _table(self, asked: Sequence[str]) -> Array:
        """Give a level for each asked text and each distinct text, and one more for none."""
        table = np.full((len(asked), len(self._texts) + 1), NameLevel.DIFFERENT, dtype=np.int8)
        if not self._texts or not asked:
            return table
        similarity = cdist(asked, self._texts, scorer=JaroWinkler.similarity, dtype=np.float32)
        table[:, :-1] = _BY_CUT[np.searchsorted(_CUTS, similarity, side="right")]
        for row, text in zip(table[:, :-1], asked, strict=True):
            row[(row > NameLevel.SOUNDS) & self._alike(text)] = NameLevel.SOUNDS
            short_for = nicknames(text)
            if short_for:
                short = [t in short_for for t in self._texts]
                row[(row > NameLevel.NICKNAME) & np.array(short)] = NameLevel.NICKNAME
        return table

    def _alike(self, text: str) -> Array:
        one, other, bare, vowelless = sound_of(text)
        first, second = self._sounds
        alike = np.zeros(len(first), dtype=bool)
        if one:
            alike |= (first == one) | (second == one)
        if other:
            alike |= (first == other) | (second == other)
        if bare:
            same = self._consonants == bare
            alike |= same if vowelless else same & self._vowelless
        return alike


def rarity_of(word: str, weights: Weights) -> tuple[float, float, float]:
    """Give the most bits that a word can count for: as given name, as surname, as either."""
    given, surname = weights.same_given(word), weights.same_surname(word)
    return given, surname, min(given, surname)


def digits_of(births: Array) -> Array:
    """Write birth dates (yyyymmdd) as eight digits each, shape (n, 8)."""
    return (births[:, None] // _TENS % 10).astype(np.int8)


def birth_levels(births: Array, digits: Array, asked: int) -> Array:
    """Compare birth dates (yyyymmdd, 0 missing) with one, a level each."""
    theirs = digits_of(np.array([asked]))[0]
    which = np.packbits(digits != theirs, axis=1)[:, 0]
    levels = _BY_DIGITS[which]
    two = np.flatnonzero(_TWO_WRONG[which])
    if len(two):
        levels[two[_neighbours_swapped(digits[two], theirs)]] = BirthLevel.ONE_EDIT
    y, m, d = asked // _YEAR, asked // _DAYS % _DAYS, asked % _DAYS
    levels[births == y * _YEAR + d * _DAYS + m] = BirthLevel.SWAPPED
    levels[births == asked] = BirthLevel.SAME
    levels[births == 0] = BirthLevel.MISSING
    return levels


def age_words(births: Array, low: int, high: int, today: int) -> Array:
    """Compare birth dates with an age range on a day: 0 within, 1 close by, 2 not, 3 missing."""
    ages = (today - births) // _YEAR
    out = np.full(len(births), 2, dtype=np.int8)
    out[(ages >= low - _AGE_SLACK) & (ages <= high + _AGE_SLACK)] = 1
    out[(ages >= low) & (ages <= high)] = 0
    out[births == 0] = 3
    return out


def _best_level(
    whole: Array, part: Array | None, at: Array, at_parts: Array, with_parts: Array
) -> Array:
    """Give the best level of a name that may be a part of the other, or the other of it.

    `whole` and `part` are the levels of the asked name, and of the best of its parts, by text;
    `at` and `at_parts` are the texts of each row; only rows `with_parts` have parts.
    """
    best: Array = whole[at]
    if part is not None:
        best = np.minimum(best, _WHOLE_PART[part[at]])
    if len(with_parts):
        first, second = at_parts[0][with_parts], at_parts[1][with_parts]
        fits = _WHOLE_PART[np.minimum(whole[first], whole[second])]
        if part is not None:
            fits = np.minimum(fits, _PART_PART[np.minimum(part[first], part[second])])
        best[with_parts] = np.minimum(best[with_parts], fits)
    return best


def _least(levels: Sequence[Array]) -> Array | None:
    out: Array | None = None
    for one in levels:
        out = one if out is None else np.minimum(out, one)
    return out


def _neighbours_swapped(digits: Array, asked: Array) -> Array:
    """Tell where two neighbouring digits changed places; only meant where two digits differ."""
    crossed = (digits[:, :-1] == asked[1:]) & (digits[:, 1:] == asked[:-1])
    found: Array = (crossed & (asked[1:] != asked[:-1])).any(axis=1)
    return found
