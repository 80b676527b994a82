"""How names sound, and which are short for which.

Metaphone (English ear), a key of consonants for names that came from a script without vowels, and
nicknames. Each function is pure and remembers what it was asked.
"""

import re
from functools import lru_cache
from zlib import crc32

from doublemetaphone import doublemetaphone
from nicknames import NickNamer

_NICKNAMES = NickNamer()
_CONSONANTS = str.maketrans("q", "k", "aeiouyw")
_REAL_VOWELS = frozenset("aeiou")
_DOUBLED = re.compile(r"(.)\1+")
_SHORT = 2
_CACHE = 65_536


@lru_cache(maxsize=_CACHE)
def metaphones(word: str) -> tuple[str, ...]:
    """Give the one or two codes of how a word sounds; none for a word without letters."""
    first, second = doublemetaphone(word)
    return tuple(dict.fromkeys(c for c in (first, second) if c))


@lru_cache(maxsize=_CACHE)
def consonants(word: str) -> str:
    """Reduce a word to its consonants: muhammad, mohamed and mhmd give one key."""
    return _DOUBLED.sub(r"\1", word.translate(_CONSONANTS))


def is_vowelless(word: str) -> bool:
    """Tell whether a word has no vowels, as names that come from Arabic or Hebrew script."""
    return len(word) >= _SHORT and _REAL_VOWELS.isdisjoint(word)


@lru_cache(maxsize=_CACHE)
def canonical(word: str) -> frozenset[str]:
    """Give the names that this may be short for, and the word itself."""
    return frozenset({word, *_NICKNAMES.canonicals_of(word)})


@lru_cache(maxsize=_CACHE)
def nicknames(word: str) -> frozenset[str]:
    """Give the names that may stand for this one, without itself. Symmetric."""
    roots = canonical(word)
    alike = set(roots)
    for root in roots:
        alike |= _NICKNAMES.nicknames_of(root)
    return frozenset(alike - {word})


@lru_cache(maxsize=_CACHE)
def sound_of(text: str) -> tuple[int, int, int, bool]:
    """Give how a word sounds as numbers: two metaphones, its consonants; then whether vowelless.

    0 where there is none, or it is one letter, which says too little.
    """
    sounds = [crc32(m.encode()) >> 1 if len(m) > 1 else 0 for m in metaphones(text)]
    one, other = [*sounds, 0, 0][:2]
    bare = consonants(text)
    return one, other, crc32(bare.encode()) >> 1 if len(bare) > 1 else 0, is_vowelless(text)
