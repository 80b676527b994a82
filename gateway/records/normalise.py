"""Bring names, dates and numbers into the one form in which they are compared.

Names: letters a to z in words. Other scripts are written in Latin letters (anyascii); apostrophes
vanish, hyphens part words, particles and generation suffixes go, so that "de la Peña-Ortiz Jr." is
`pena ortiz`. Numbers: capitals and digits only, and a second form in which the characters that
people confuse are one (O and 0, I and 1). Dates: one integer, yyyymmdd.
"""

import re
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from anyascii import anyascii

from gateway.names import words


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


PARTICLES = _set(
    "de la las los lo del da do dos das di du des van von der den ter ten el al ul ur ar as "
    "bin ibn bint ben abu umm y e i le"
)
SUFFIXES = _set("jr sr ii iii iv 2nd 3rd 4th junior senior")
_NOT_CODE = re.compile(r"[^A-Z0-9]+")
_CONFUSED = str.maketrans("OQDISZB", "0001528")
_LONGEST = 128
_KEPT = 32_768
"""Names that are at hand, made comparable: of few words, most people have one."""


class PersonName(NamedTuple):
    """A name ready to be compared. Every part is lower-case ASCII without spaces, or empty.

    `given` and `surname` are whole; the others are single words of them that may stand alone: of a
    double surname, of two given names, or a middle name.
    """

    given: str = ""
    given_first: str = ""
    given_other: str = ""
    surname: str = ""
    surname_first: str = ""
    surname_last: str = ""

    @property
    def parts(self) -> tuple[str, str, str, str, str, str]:
        """Give the six parts in the order in which the index keeps them."""
        return self

    @property
    def givens(self) -> tuple[str, ...]:
        """The single words of the given names; the whole where it is one word."""
        return _singles(self.given_first, self.given_other, self.given)

    @property
    def surnames(self) -> tuple[str, ...]:
        """The single words of the surname; the whole where it is one word."""
        return _singles(self.surname_first, self.surname_last, self.surname)


def _singles(one: str, other: str, whole: str) -> tuple[str, ...]:
    if one and other:
        return (one, other) if one != other else (one,)
    single = one or other or whole
    return (single,) if single else ()


@lru_cache(maxsize=8_192)
def person_name(
    given: str | None, middle: str | None, surname: str | None, full: str | None
) -> PersonName | None:
    """Make a comparable name of its parts, or of a full name where there are no parts.

    A full name is read as "SURNAME, GIVEN" with a comma, else with the surname last. Returns None
    if no letters are left.
    """
    if full and not given and not surname:
        given, middle, surname = _split_full(full)
    givens, middles = _given_words(given), _given_words(middle)
    surnames = _surname_words(surname)
    if not givens and middles:
        givens, middles = middles, ()
    if not givens and not surnames:
        return None
    others = (*givens[1:], *middles)
    double = len(surnames) > 1
    return PersonName(
        given="".join(givens),
        given_first=givens[0] if others else "",
        given_other=others[0] if others else "",
        surname="".join(surnames),
        surname_first=surnames[0] if double else "",
        surname_last=surnames[-1] if double else "",
    )


def code(text: str) -> str:
    """Reduce a plate, serial, licence or case number to capitals and digits.

    Other scripts' letters and digits are written in Latin. Leading zeros stay: they count.
    """
    text = text[:_LONGEST]
    if not text.isascii():
        text = anyascii(text)
    return _NOT_CODE.sub("", text.upper())


def folded(code_text: str) -> str:
    """Make one of characters that are confused: O 0 Q D, I 1, S 5, Z 2, B 8."""
    return code_text.translate(_CONFUSED)


def day(moment: date | None) -> int:
    """Write a date as yyyymmdd; 0 for none."""
    return 0 if moment is None else moment.year * 10_000 + moment.month * 100 + moment.day


def day_of(text: object) -> int:
    """Read an ISO date, or the date of an ISO moment, as yyyymmdd; 0 if it is not one."""
    if not isinstance(text, str):
        return 0
    try:
        return day(date.fromisoformat(text[:10]))
    except ValueError:
        return 0


@lru_cache(maxsize=_KEPT)
def _given_words(text: str | None) -> tuple[str, ...]:
    found = words(text) if text else []
    return tuple(w for n, w in enumerate(found) if n == 0 or w not in PARTICLES)


@lru_cache(maxsize=_KEPT)
def _surname_words(text: str | None) -> tuple[str, ...]:
    found = words(text) if text else []
    kept = [w for w in found if w not in SUFFIXES] or found
    last = len(kept) - 1
    return tuple(w for n, w in enumerate(kept) if n == last or w not in PARTICLES)


def _split_full(full: str) -> tuple[str, str, str]:
    before, comma, after = full.partition(",")
    if comma and words(after) and words(before):
        rest = [w for w in words(after) if w not in SUFFIXES] or words(after)
        return rest[0], " ".join(rest[1:]), before
    found = _without_suffix(words(full))
    if len(found) < 2:  # noqa: PLR2004 - one word alone is taken for a surname
        return "", "", " ".join(found)
    plain = [found[0], *(w for w in found[1:-1] if w not in PARTICLES), found[-1]]
    return plain[0], " ".join(plain[1:-1]), plain[-1]


def _without_suffix(found: Sequence[str]) -> list[str]:
    return [w for n, w in enumerate(found) if n == 0 or w not in SUFFIXES] or list(found)
