"""Compare one question about a person with rows of an index, all at once.

Everything here is an array over the candidate rows: levels of agreement first, then bits. It is
symmetric: which of two names was asked and which was found changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import JaroWinkler
from rapidfuzz.process import cdist

from gateway.records.columns import NAME_PARTS, NONE, Columns
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
_DAYS = 100
_YEAR = 10_000
_AGE_SLACK = 2
_TWO = 2
_TENS = 10 ** np.arange(7, -1, -1, dtype=np.int32)


@dataclass(frozen=True, slots=True)
class NameLevels:
    """Levels a row, and whether given name and surname changed places."""

    surname: Array
    given: Array
    swapped: Array
    bits: Array


class NameSet:
    """The distinct texts of candidate rows, compared once each with a question's name."""

    def __init__(self, columns: Columns, rows: Array) -> None:
        self._columns = columns
        ids = np.stack([columns[f"row.{p}"][rows] for p in NAME_PARTS])
        seen = np.zeros(len(columns.texts) + 1, dtype=bool)
        seen[ids] = True  # -1, none, marks the last place
        seen[-1] = False
        self._used = np.flatnonzero(seen)
        place = np.full(len(seen), len(self._used), dtype=np.int32)
        place[self._used] = np.arange(len(self._used), dtype=np.int32)
        self._at = place[ids]
        self._none = ids == NONE
        texts = columns.texts
        self._texts = [texts[i] for i in self._used.tolist()]
        self._sounds = columns["text.sound"][self._used], columns["text.sound_other"][self._used]
        self._consonants = columns["text.consonants"][self._used]
        self._vowelless = columns["text.vowelless"][self._used]

    def levels(self, name: PersonName, weights: Weights) -> NameLevels:
        """Compare a name with every row."""
        asked = list(dict.fromkeys(p for p in name.parts if p))
        table = self._table(asked)
        by_text = dict(zip(asked, table, strict=True))
        nothing = np.full(table.shape[1], NameLevel.DIFFERENT, dtype=np.int8)
        given = by_text.get(name.given, nothing)
        surname = by_text.get(name.surname, nothing)
        given_part = _least([by_text[p] for p in name.parts[1:3] if p], nothing)
        surname_part = _least([by_text[p] for p in name.parts[4:6] if p], nothing)
        at, none = self._at, self._none
        g = _whole_and_parts(given, given_part, at[0], at[1:3])
        s = _whole_and_parts(surname, surname_part, at[3], at[4:6])
        crossed_g = _whole_and_parts(given, given_part, at[3], at[4:6])
        crossed_s = _whole_and_parts(surname, surname_part, at[0], at[1:3])
        g[none[0] | (not name.given)] = NameLevel.MISSING
        s[none[3] | (not name.surname)] = NameLevel.MISSING
        given_bits, surname_bits = weights.given.copy(), weights.surname.copy()
        crossed = given_bits[crossed_g] + surname_bits[crossed_s] + weights.swapped
        given_bits[NameLevel.SAME] = weights.same_given(name.given)
        surname_bits[NameLevel.SAME] = weights.same_surname(name.surname)
        bits = given_bits[g] + surname_bits[s]
        swapped = (np.maximum(crossed_g, crossed_s) <= NameLevel.NEAR) & (crossed > bits)
        return NameLevels(s, g, swapped, np.where(swapped, crossed, bits))

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


def digits_of(births: Array) -> Array:
    """Write birth dates (yyyymmdd) as eight digits each, shape (n, 8)."""
    return (births[:, None] // _TENS % 10).astype(np.int8)


def birth_levels(births: Array, digits: Array, asked: int) -> Array:
    """Compare birth dates (yyyymmdd, 0 missing) with one, a level each."""
    theirs = digits_of(np.array([asked]))[0]
    differs = digits != theirs
    wrong = differs.sum(axis=1)
    levels = np.full(len(births), BirthLevel.DIFFERENT, dtype=np.int8)
    levels[wrong == _TWO] = BirthLevel.TWO_EDITS
    year, month, day = (differs[:, a:b].any(axis=1) for a, b in ((0, 4), (4, 6), (6, 8)))
    levels[year.astype(np.int8) + month + day == 1] = BirthLevel.TWO_PARTS
    levels[wrong == 1] = BirthLevel.ONE_EDIT
    two = np.flatnonzero(wrong == _TWO)
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


def _whole_and_parts(whole: Array, part: Array, at: Array, at_parts: Array) -> Array:
    """Give the best level of a name that may be a part of the other, or the other of it."""
    fits = np.minimum(np.minimum(whole[at_parts[0]], whole[at_parts[1]]), part[at])
    both = np.minimum(part[at_parts[0]], part[at_parts[1]])
    best: Array = np.minimum(np.minimum(whole[at], _WHOLE_PART[fits]), _PART_PART[both])
    return best


def _least(levels: Sequence[Array], nothing: Array) -> Array:
    out = nothing
    for one in levels:
        out = np.minimum(out, one)
    return out


def _neighbours_swapped(digits: Array, asked: Array) -> Array:
    """Tell where two neighbouring digits changed places; only meant where two digits differ."""
    crossed = (digits[:, :-1] == asked[1:]) & (digits[:, 1:] == asked[:-1])
    found: Array = (crossed & (asked[1:] != asked[:-1])).any(axis=1)
    return found
