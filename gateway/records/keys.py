"""Blocking keys: two records are compared only if they share one. All are free of name order.

Persons: the birth date with day and month sorted; two parts of the date with an initial; the year
with how a name sounds; pairs of sounds, prefixes and suffixes; a name with two letters of another;
what a given name is short for. Numbers: the whole, the whole with confused characters made one, and
pieces of which one wrong character leaves at least one intact.

A key is a number of 64 bits: a digest of 63, or the sum of two. So a pair has one key in either
order, and a word's pieces are digested once for all who bear it. Sums of different pieces meet as
seldom as digests do.
"""

from collections.abc import Collection
from functools import lru_cache
from hashlib import blake2b
from itertools import product
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from gateway.records.normalise import PersonName, folded
from gateway.records.sounds import canonical, consonants, is_vowelless, metaphones

Hashes = npt.NDArray[np.uint64]

_MOST_ROOTS = 4
_PIECE = 3
_VIN = 17
_KEPT: Final = 32_768


class _Word(NamedTuple):
    """What one word of a name brings into keys. `sound` is 0 where it sounds like nothing."""

    whole: int
    alone: int
    initial: int
    sound: int
    consonants: int
    bare: int
    """Its consonants again, for names of which one has no vowels."""
    is_vowelless: bool
    two: int
    front: int
    back: int
    roots: tuple[int, ...]
    """The word and what it may be short for."""


def digest(piece: str) -> int:
    """Turn a piece of a key into a number of 63 bits, the same in every process."""
    return int.from_bytes(blake2b(piece.encode(), digest_size=8).digest(), "little") >> 1


def hashes(keys: Collection[int]) -> Hashes:
    """Give keys as an array."""
    return np.fromiter(keys, dtype=np.uint64, count=len(keys))


def index_keys(name: PersonName | None, birth: int) -> set[int]:
    """Give the keys that one name with one birth date stands under; either may be missing."""
    givens, surnames = _words(name)
    words = (*givens, *surnames)
    keys = _shared_keys(givens, surnames, birth)
    keys += [w.whole for w in words]
    if not givens or not surnames:
        keys += [w.alone for w in words]
    keys += [g.consonants + s.consonants for g in givens for s in surnames]
    if any(w.is_vowelless for w in words):
        keys += [g.bare + s.bare for g in givens for s in surnames]
    return set(keys)


def query_keys(name: PersonName | None, birth: int) -> set[int]:
    """Give the keys under which a question looks.

    A name of one word looks under that word. A name without vowels looks at all names' consonants,
    one with vowels only at the names that have none.
    """
    givens, surnames = _words(name)
    words = (*givens, *surnames)
    keys = _shared_keys(givens, surnames, birth)
    keys += [w.alone for w in words]
    if not givens or not surnames:
        keys += [w.whole for w in words]
    if any(w.is_vowelless for w in words):
        keys += [g.consonants + s.consonants for g in givens for s in surnames]
    else:
        keys += [g.bare + s.bare for g in givens for s in surnames]
    return set(keys)


def birth_key(birth: int) -> int:
    """Give the key of a whole birth date; day and month may be exchanged."""
    return _birth(birth)[0]


def sound_keys(name: PersonName) -> set[int]:
    """Give the keys of how a name sounds."""
    return {g.sound + s.sound for g, s in product(*_words(name)) if g.sound and s.sound}


def code_keys(space: str, number: str) -> set[int]:
    """Give the keys of one number (normalised) in its space: plate, vin, serial, an id's type."""
    plain = folded(number)
    keys = {digest(f"{space}|{plain}")}
    if len(plain) == _VIN:
        front, middle, back = plain[:8], plain[9:13], plain[13:]
        pairs = ((front, middle), (front, back), (middle, back))
        keys.update(digest(f"{space}p{n}|{a}|{b}") for n, (a, b) in enumerate(pairs))
    elif len(plain) >= 2 * _PIECE - 1:
        half = len(plain) // 2
        keys.add(digest(f"{space}<|{plain[:half]}"))
        keys.add(digest(f"{space}>|{plain[-half:]}"))
    return keys


def exact_code_key(space: str, number: str) -> int:
    """Give the one key under which equal numbers meet, confused characters made one."""
    return digest(f"{space}|{folded(number)}")


_piece = lru_cache(maxsize=_KEPT)(digest)
"""For pieces that many words share."""


def _shared_keys(givens: list[_Word], surnames: list[_Word], birth: int) -> list[int]:
    keys: list[int] = []
    if birth:
        date, year_month, year_day, month_day, year = _birth(birth)
        keys.append(date)
        for word in (*givens, *surnames):
            first, sound = word.initial, word.sound
            keys += (year_month + first, year_day + first, month_day + first)
            if sound:
                keys.append(year + sound)
    for g in givens:
        for s in surnames:
            keys += (
                *(g.whole + s.two, s.whole + g.two),
                *(g.front + s.front, g.back + s.back),
            )
            sound = s.sound
            if sound:
                keys += [root + sound for root in g.roots]
                if g.sound:
                    keys.append(g.sound + sound)
    return keys


def _words(name: PersonName | None) -> tuple[list[_Word], list[_Word]]:
    """Give the words of a name: given names, surnames."""
    if name is None:
        return [], []
    return [_word(w) for w in name.givens], [_word(w) for w in name.surnames]


@lru_cache(maxsize=_KEPT)
def _word(word: str) -> _Word:
    sounds = metaphones(word)[:1]
    roots = sorted(canonical(word) - {word})[:_MOST_ROOTS]
    whole = digest(f"w|{word}")
    return _Word(
        whole=whole,
        alone=digest(f"i|{word}"),
        initial=_piece(f"f|{word[0]}"),
        sound=_piece(f"m|{sounds[0]}") if sounds else 0,
        consonants=_piece(f"c|{consonants(word)}"),
        bare=_piece(f"v|{consonants(word)}"),
        is_vowelless=is_vowelless(word),
        two=_piece(f"2|{word[:2]}"),
        front=_piece(f"p|{word[:_PIECE]}"),
        back=_piece(f"e|{word[-_PIECE:]}"),
        roots=(whole, *(digest(f"w|{root}") for root in roots)),
    )


@lru_cache(maxsize=_KEPT)
def _birth(birth: int) -> tuple[int, int, int, int, int]:
    """Give the whole date; year and month, year and day, month and day; the year."""
    year, month, day = birth // 10_000, birth // 100 % 100, birth % 100
    low, high = sorted((month, day))
    return (
        digest(f"d|{year}|{low}|{high}"),
        _piece(f"ym|{year}|{month}"),
        _piece(f"yd|{year}|{day}"),
        _piece(f"md|{month}|{day}"),
        _piece(f"y|{year}"),
    )
