"""Blocking keys: two records are compared only if they share one. All are free of name order.

Persons: the birth date with day and month sorted; two parts of the date with an initial; the year
with how a name sounds; pairs of sounds, prefixes and suffixes; a name with two letters of another;
what a given name is short for. Numbers: the whole, the whole with confused characters made one, and
pieces of which one wrong character leaves at least one intact.
"""

from collections.abc import Collection
from hashlib import blake2b
from itertools import product

import numpy as np
import numpy.typing as npt

from gateway.records.normalise import PersonName, folded
from gateway.records.sounds import canonical, consonants, is_vowelless, metaphones

Hashes = npt.NDArray[np.uint64]

_MOST_ROOTS = 4
_PIECE = 3
_VIN = 17


def hashes(keys: Collection[str]) -> Hashes:
    """Turn keys into 64-bit numbers, the same in every process."""
    joined = b"".join(blake2b(k.encode(), digest_size=8).digest() for k in keys)
    return np.frombuffer(joined, dtype="<u8")


def index_keys(name: PersonName | None, birth: int) -> set[str]:
    """Give the keys that one name with one birth date stands under; either may be missing."""
    keys = _shared_keys(name, birth)
    if name:
        words = (*name.givens, *name.surnames)
        keys |= {f"w|{w}" for w in words}
        if not name.givens or not name.surnames:
            keys |= {f"i|{w}" for w in words}
        keys |= _consonant_keys(name, "c")
        if any(map(is_vowelless, words)):
            keys |= _consonant_keys(name, "v")
    return keys


def query_keys(name: PersonName | None, birth: int) -> set[str]:
    """Give the keys under which a question looks.

    A name of one word looks under that word. A name without vowels looks at all names' consonants,
    one with vowels only at the names that have none.
    """
    keys = _shared_keys(name, birth)
    if name:
        words = (*name.givens, *name.surnames)
        keys |= {f"i|{w}" for w in words}
        if not name.givens or not name.surnames:
            keys |= {f"w|{w}" for w in words}
        keys |= _consonant_keys(name, "c" if any(map(is_vowelless, words)) else "v")
    return keys


def code_keys(space: str, number: str) -> set[str]:
    """Give the keys of one number (normalised) in its space: plate, vin, serial, an id's type."""
    plain = folded(number)
    keys = {f"{space}|{plain}"}
    if len(plain) == _VIN:
        front, middle, back = plain[:8], plain[9:13], plain[13:]
        pairs = ((front, middle), (front, back), (middle, back))
        keys |= {f"{space}p{n}|{a}|{b}" for n, (a, b) in enumerate(pairs)}
    elif len(plain) >= 2 * _PIECE - 1:
        half = len(plain) // 2
        keys |= {f"{space}<|{plain[:half]}", f"{space}>|{plain[-half:]}"}
    return keys


def exact_code_key(space: str, number: str) -> str:
    """Give the one key under which equal numbers meet, confused characters made one."""
    return f"{space}|{folded(number)}"


def _shared_keys(name: PersonName | None, birth: int) -> set[str]:
    keys = _birth_keys(name, birth) if birth else set()
    return keys | _name_keys(name) if name else keys


def _consonant_keys(name: PersonName, space: str) -> set[str]:
    return {
        f"{space}|{'|'.join(sorted((consonants(g), consonants(s))))}"
        for g, s in product(name.givens, name.surnames)
    }


def _birth_keys(name: PersonName | None, birth: int) -> set[str]:
    year, month, day = birth // 10_000, birth // 100 % 100, birth % 100
    low, high = sorted((month, day))
    keys = {f"d|{year}|{low}|{high}"}
    if name:
        for word in (*name.givens, *name.surnames):
            first = word[0]
            keys |= {
                f"ym|{year}|{month}|{first}",
                f"yd|{year}|{day}|{first}",
                f"md|{month}|{day}|{first}",
            }
            keys |= {f"y|{year}|{sound}" for sound in metaphones(word)[:1]}
    return keys


def _name_keys(name: PersonName) -> set[str]:
    keys: set[str] = set()
    for given, surname in product(name.givens, name.surnames):
        keys |= {
            f"s|{'|'.join(sorted((g, s)))}"
            for g, s in product(metaphones(given)[:1], metaphones(surname)[:1])
        }
        keys |= {f"n|{given}|{surname[:2]}", f"n|{surname}|{given[:2]}"}
        keys.add(f"p|{'|'.join(sorted((given[:_PIECE], surname[:_PIECE])))}")
        keys.add(f"e|{'|'.join(sorted((given[-_PIECE:], surname[-_PIECE:])))}")
        roots = sorted(canonical(given) - {given})[:_MOST_ROOTS]
        for root, sound in product((given, *roots), metaphones(surname)[:1]):
            keys.add(f"r|{root}|{sound}")
    return keys
