"""Find persons in one generation's index: candidates by shared keys, then scored all at once."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import OSA

from gateway.model import AgeRange, PersonQuery
from gateway.records.columns import NAME_PARTS, Columns
from gateway.records.compare import NameSet, NameTable, age_words, birth_levels, digits_of
from gateway.records.keys import code_keys, exact_code_key, hashes, query_keys
from gateway.records.match import MOST_COMPARED, MOST_OF_GROUP, Match, first_of_each
from gateway.records.normalise import PersonName, code, day, folded, person_name
from gateway.records.weights import (
    BIRTH_WORDS,
    NAME_WORDS,
    BirthLevel,
    Weights,
    band,
    bits_of,
    score,
    shown,
)

Array = npt.NDArray[Any]

_SELECTIVE = 1_500
"""Rows of one group that the rarer keys bring in together; commoner keys are then left out."""
_FEW_GROUPS = 256
_AGE_WORDS = ("same", "close", "different", "missing")
_CODE_WORDS = ("same", "similar", "one_digit_off", "different", "missing")
_DIFFERENT, _MISSING = 3, 4
# A row's facts lie side by side, 64 bytes: memory is fetched once for each candidate.
_NAMES = len(NAME_PARTS)
_BIRTH, _PERSON, _RECORD, _SEX, _TYPE, _GROUP, _DIGITS = range(_NAMES, _NAMES + 7)
_WIDTH = 16
_NONE = np.empty(0, dtype=np.int8)


@dataclass(frozen=True, slots=True)
class AskedIdentifier:
    """An identifier of the question, normalised."""

    type: str
    number: str
    jurisdiction: str


@dataclass(frozen=True, slots=True)
class AskedPerson:
    """A person as asked, made comparable once for all sources."""

    names: tuple[PersonName, ...]
    birth: int
    age: AgeRange | None
    sex: str
    identifiers: tuple[AskedIdentifier, ...]
    keys: Array
    code_keys: Array
    today: int
    terms: tuple[str, ...] = field(default=())


def ask_person(query: PersonQuery, today: date) -> AskedPerson:
    """Prepare a question: normalise, and work out its keys."""
    names = tuple(
        dict.fromkeys(
            n
            for n in (person_name(q.given, q.middle, q.surname, q.full) for q in query.names)
            if n is not None
        )
    )
    birth = day(query.birth_date)
    keys = set().union(*(query_keys(n, birth) for n in names or (None,)))
    identifiers = tuple(
        AskedIdentifier(i.type, number, code(i.jurisdiction or ""))
        for i in query.identifiers
        if (number := code(i.number))
    )
    # By a number alone only that number is asked for; beside a name a slip in it may be meant.
    by_number = {exact_code_key(f"id:{i.type}", i.number) for i in identifiers}
    if names:
        by_number = set().union(*(code_keys(f"id:{i.type}", i.number) for i in identifiers))
    sex = query.sex if query.sex in {"F", "M", "X"} else ""
    return AskedPerson(
        names,
        birth,
        query.age,
        sex or "",
        identifiers,
        hashes(keys),
        hashes(by_number),
        day(today),
    )


@dataclass(frozen=True, slots=True)
class PersonRanking:
    """The packed rows that match a question: `good` are their places in the arrays beside it."""

    good: Array
    rows: Array
    bits: Array
    words: Mapping[str, tuple[tuple[str, ...], Array]]

    def groups(self) -> frozenset[int]:
        """Give the groups of the records that match."""
        return frozenset(self.rows[self.good, _GROUP].tolist())

    def numbers(self) -> frozenset[int]:
        """Give the numbers of the records that match."""
        return frozenset(self.rows[self.good, _RECORD].tolist())

    def best(self, groups: Collection[int]) -> Iterator[Match]:
        """Give the best row of each record of these groups, best first."""
        theirs = self.rows[self.good, _GROUP].tolist()
        good = self.good[np.fromiter((g in groups for g in theirs), bool, len(theirs))]
        seen: set[int] = set()
        records = self.rows[good, _RECORD]
        # Ties in the order of the records, so that an answer is the same each time.
        for n in good[np.lexsort((records, -self.bits[good]))].tolist():
            record = int(self.rows[n, _RECORD])
            if record in seen:
                continue
            seen.add(record)
            words = self.words.items()
            compared = {term: names[int(level[n])] for term, (names, level) in words}
            own = float(self.bits[n])
            yield Match(record, shown(own), band(score(own), compared), compared, own)


_NOBODY = PersonRanking(np.empty(0, dtype=np.int64), np.empty((0, _WIDTH), np.int32), _NONE, {})


class PersonIndex:
    """The persons of one generation. Immutable; safe for several threads.

    `groups`: of each record, by its number, which records policy can't tell it from, counted from
    0.
    """

    def __init__(self, columns: Columns, weights: Weights, groups: Array) -> None:
        self._columns = columns
        self._weights = weights
        spaces = {t: n for n, t in enumerate(columns.texts) if t.startswith("id:")}
        self._spaces = spaces
        codes = np.flatnonzero(np.isin(columns["code.space"], list(spaces.values())))
        codes = codes[np.argsort(columns["code.owner"][codes], kind="stable")]
        self._codes = codes
        people = len(columns["person.record"])
        self._code_starts = np.searchsorted(columns["code.owner"][codes], np.arange(people + 1))
        self._is_identifier = np.zeros(len(columns["code.space"]), dtype=bool)
        self._is_identifier[codes] = True
        self._names = NameTable(columns, weights)
        self._packed = _packed(columns, groups)
        self._group = np.ascontiguousarray(self._packed[:, _GROUP])
        self._groups = int(groups.max(initial=-1)) + 1

    def search(self, asked: AskedPerson, types: Array, least: float) -> PersonRanking:
        """Find the records of the wanted types that score at least this."""
        return self._score(asked, *self._candidates(asked, types), least)

    def score_all(self, asked: AskedPerson, least: float) -> PersonRanking:
        """Score every row, whether it shares a key or not."""
        return self._score(asked, self._packed, _births(asked, self._packed), least)

    def _score(self, asked: AskedPerson, rows: Array, births: Array, least: float) -> PersonRanking:
        """Score packed rows, and give those that are a match.

        `births`: the levels of their birth dates, empty if none was asked.
        """
        if not len(rows):
            return _NOBODY
        persons = rows[:, _PERSON]
        bits = np.full(len(rows), -self._weights.prior, dtype=np.float64)
        words: dict[str, tuple[tuple[str, ...], Array]] = {}
        self._score_names(asked, rows, bits, words)
        self._score_births(asked, rows, births, bits, words)
        if asked.sex:
            theirs = rows[:, _SEX]
            level = np.where(theirs == 0, 2, theirs != ord(asked.sex)).astype(np.int8)
            bits += np.array([*self._weights.sex, 0.0])[level]
            words["sex"] = (("same", "different", "missing"), level)
        self._score_identifiers(asked, persons, bits, words)
        return PersonRanking(np.flatnonzero(bits >= bits_of(least)), rows, bits, words)

    def _candidates(self, asked: AskedPerson, types: Array) -> tuple[Array, Array]:
        """Give the rows to score, and the levels of their birth dates, as `_score` takes them."""
        columns = self._columns
        chosen = self._selected(columns.postings["row"].lookup(asked.keys))
        if len(asked.code_keys):
            codes = _joined(columns.postings["code"].lookup(asked.code_keys))
            codes = codes[self._is_identifier[codes]]
            firsts = columns["person.first"][columns["code.owner"][codes]]
            chosen += [firsts] * 3  # a number weighs more than one key of a name
        if not chosen:
            return self._packed[:0], _NONE
        numbers, shared = _counted(_joined(chosen))
        rows = self._packed[numbers]
        wanted = types[rows[:, _TYPE]]
        rows, shared = rows[wanted], shared[wanted]
        births = _births(asked, rows)
        if asked.birth:
            # Rows that share one key alone and are born on another day altogether are half of all,
            # and 2 in 1,000 of them a match, none above 0.3 (ADR 3).
            kept = (shared != 1) | (births != BirthLevel.DIFFERENT)
            rows, shared, births = rows[kept], shared[kept], births[kept]
        if len(rows) > MOST_OF_GROUP:
            best = np.argsort(-shared, kind="stable")
            best = best[first_of_each(rows[best, _GROUP], MOST_OF_GROUP)][:MOST_COMPARED]
            rows, births = rows[best], births[best] if asked.birth else births
        return rows, births

    def _selected(self, lists: list[Array]) -> list[Array]:
        """Leave out the commoner keys where there are too many rows: for each group by itself.

        Were a key common by all its rows, one that policy hides could shut another one out.
        """
        lengths = [len(rows) for rows in lists]
        if sum(lengths) <= _SELECTIVE:
            return lists
        rows = np.concatenate(lists)
        key = np.repeat(np.arange(len(lists)), lengths)
        groups, group = self._groups, self._group[rows]
        if groups > _FEW_GROUPS:
            present, group = np.unique(group, return_inverse=True)
            groups = len(present)
        counts = np.bincount(key * groups + group, minlength=len(lists) * groups)
        counts = counts.reshape(len(lists), groups)
        order = np.argsort(counts, axis=0, kind="stable")
        ranked = np.take_along_axis(counts, order, 0)
        total = np.cumsum(ranked, axis=0)
        kept = np.empty(counts.shape, dtype=bool)
        # The rarest key of a group always counts.
        np.put_along_axis(kept, order, (total == ranked) | (total <= _SELECTIVE), 0)
        return [rows[kept[key, group]]]

    def _score_names(
        self, asked: AskedPerson, rows: Array, bits: Array, words: dict[str, Any]
    ) -> None:
        if not asked.names:
            return
        texts = NameSet(self._names, rows[:, :_NAMES].T)
        level = len(NAME_WORDS)
        best = surname = given = np.empty(0)
        for n, name in enumerate(asked.names):
            found = texts.levels(name)
            its_surname = np.where(found.swapped, level, found.surname)
            its_given = np.where(found.swapped | found.crossed, level, found.given)
            if not n:
                best, surname, given = found.bits, its_surname, its_given
                continue
            better = found.bits > best
            best = np.where(better, found.bits, best)
            surname = np.where(better, its_surname, surname)
            given = np.where(better, its_given, given)
        bits += best
        names = (*NAME_WORDS, "swapped")
        words["surname"], words["given"] = (names, surname), (names, given)

    def _score_births(
        self, asked: AskedPerson, rows: Array, births: Array, bits: Array, words: dict[str, Any]
    ) -> None:
        if asked.birth:
            bits += self._weights.birth[births]
            words["birth_date"] = (BIRTH_WORDS, births)
        elif asked.age:
            level = age_words(rows[:, _BIRTH], asked.age.low, asked.age.high, asked.today)
            c = self._weights.code
            bits += np.array([c["age.same"], c["age.close"], c["age.different"], 0.0])[level]
            words["age"] = (_AGE_WORDS, level)

    def _score_identifiers(
        self, asked: AskedPerson, persons: Array, bits: Array, words: dict[str, Any]
    ) -> None:
        if not asked.identifiers:
            return
        starts, counts = self._code_starts[persons], np.diff(self._code_starts)[persons]
        owners = np.repeat(np.arange(len(persons)), counts)
        within = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
        codes = self._codes[np.repeat(starts, counts) + within]
        c = self._weights.code
        weight = np.array([*(c[f"identifier.{w}"] for w in _CODE_WORDS[:4]), 0.0])
        known = np.zeros(len(persons), dtype=bool)
        for i in asked.identifiers:
            of_type = self._columns["code.space"][codes] == self._spaces.get(f"id:{i.type}", -2)
            level = np.full(len(persons), _MISSING, dtype=np.int8)
            np.minimum.at(level, owners[of_type], self._code_levels(codes[of_type], i))
            if i.type in words:  # two numbers of one type were asked: the better one counts
                level = np.minimum(level, words[i.type][1])
            words[i.type] = (_CODE_WORDS, level)
        for kind in dict.fromkeys(i.type for i in asked.identifiers):
            level = words[kind][1]
            bits += weight[level]
            known |= level == 0
        # A known number stays visible under whatever name: at least a possible match.
        np.maximum(bits, np.where(known, -2.0, -np.inf), out=bits)

    def _code_levels(self, codes: Array, asked: AskedIdentifier) -> Array:
        texts = self._columns.texts
        out = np.full(len(codes), _DIFFERENT, dtype=np.int8)
        numbers = self._columns["code.number"][codes].tolist()
        places = self._columns["code.jurisdiction"][codes].tolist()
        for n, (number, place) in enumerate(zip(numbers, places, strict=True)):
            where = texts[place] if place >= 0 else ""
            if where and asked.jurisdiction and where != asked.jurisdiction:
                continue
            out[n] = code_level(asked.number, texts[number])
        return out


def code_level(asked: str, held: str) -> int:
    """Compare two numbers: 0 same, 1 confused characters, 2 one wrong or swapped, 3 different."""
    if asked == held:
        return 0
    if folded(asked) == folded(held):
        return 1
    return 2 if OSA.distance(asked, held, score_cutoff=1) <= 1 else _DIFFERENT


def _packed(columns: Columns, groups: Array) -> Array:
    """Put each row's facts side by side, shape (rows, 16): see `_NAMES` and its neighbours."""
    person = columns["row.person"]
    record = columns["person.record"][person]
    packed = np.zeros((len(person), _WIDTH), dtype=np.int32)
    for n, part in enumerate(NAME_PARTS):
        packed[:, n] = columns[f"row.{part}"]
    packed[:, _BIRTH] = columns["row.birth"]
    packed[:, _PERSON] = person
    packed[:, _RECORD] = record
    packed[:, _SEX] = columns["person.sex"][person]
    packed[:, _TYPE] = columns["record.type"][record]
    packed[:, _GROUP] = groups[record]
    packed[:, _DIGITS : _DIGITS + 2] = digits_of(columns["row.birth"]).view(np.int32)
    return packed


def _digits(rows: Array) -> Array:
    """Give the eight digits of each row's birth date."""
    return np.ascontiguousarray(rows[:, _DIGITS : _DIGITS + 2]).view(np.int8)


def _births(asked: AskedPerson, rows: Array) -> Array:
    """Compare the birth dates of packed rows with the one asked; empty if none was."""
    return birth_levels(rows[:, _BIRTH], _digits(rows), asked.birth) if asked.birth else _NONE


def _joined(lists: list[Array]) -> Array:
    return np.concatenate(lists) if lists else np.empty(0, dtype=np.int32)


def _counted(rows: Array) -> tuple[Array, Array]:
    """Give each row once, with how often it occurred (`np.unique` takes eight times as long)."""
    rows = np.sort(rows)
    fresh = np.empty(len(rows), dtype=bool)
    fresh[:1] = True
    np.not_equal(rows[1:], rows[:-1], out=fresh[1:])
    starts = np.flatnonzero(fresh)
    counts = np.empty(len(starts), dtype=np.int64)
    np.subtract(starts[1:], starts[:-1], out=counts[:-1])
    counts[-1:] = len(rows) - starts[-1:]
    return rows[starts], counts
