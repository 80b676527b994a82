"""What to look for in a legacy database when a person is asked for: its own kinds of search keys.

More is looked for than asked: single words of a double surname, given name and surname exchanged,
what sounds alike, birth dates with one slip. What is found is scored afterwards.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from anyascii import anyascii

from adapters.names import PARTICLES, SUFFIXES
from gateway.model import PersonQuery

_NOT_LETTERS: Final = re.compile(r"[^A-Z]+")
_SHORTEST: Final = 3
_DIGIT: Final = {
    c: str(d)
    for d, letters in enumerate(("BFPV", "CGJKQSXZ", "DT", "L", "MN", "R"), 1)
    for c in letters
}


@dataclass(frozen=True, slots=True)
class NameKeys:
    """Surnames as asked, in capitals without blanks; and what else may stand as the surname."""

    asked: tuple[str, ...]
    exchanged: tuple[str, ...]

    @property
    def sounds(self) -> tuple[str, ...]:
        """The Soundex codes of the surnames as asked."""
        return tuple(dict.fromkeys(soundex(k) for k in self.asked))

    @property
    def all_sounds(self) -> tuple[str, ...]:
        """The Soundex codes of all."""
        return tuple(dict.fromkeys(soundex(k) for k in (*self.asked, *self.exchanged)))


def name_keys(query: PersonQuery) -> NameKeys:
    """Give the keys of all the names asked for."""
    asked: list[str] = []
    exchanged: list[str] = []
    for name in query.names:
        surname, given = name.surname or "", name.given or ""
        if not surname and name.full:
            if "," in name.full:
                surname, _, given = name.full.partition(",")
            else:
                # Which word is the surname nobody says: any may be.
                surname = name.full
        asked += _forms(surname)
        exchanged += _forms(given)
    kept = tuple(dict.fromkeys(asked))
    return NameKeys(kept, tuple(k for k in dict.fromkeys(exchanged) if k not in kept))


def _forms(text: str) -> Iterator[str]:
    """Give a name whole, without particles, and each of its words."""
    words = [_letters(w) for w in re.split(r"[\s\-]+", text)]
    words = [w for w in words if w and w not in SUFFIXES]
    solid = [w for w in words if w not in PARTICLES]
    yield from (k for k in ("".join(words), "".join(solid)) if k)
    yield from (w for w in solid if len(w) >= _SHORTEST)


def _letters(text: str) -> str:
    return _NOT_LETTERS.sub("", anyascii(text).upper())


def soundex(key: str) -> str:
    """Give the American Soundex of capitals A to Z: a letter and three digits."""
    digits, last = "", _DIGIT.get(key[:1])
    for letter in key[1:]:
        digit = _DIGIT.get(letter)
        if digit and digit != last:
            digits += digit
        if letter not in "HW":  # these two do not part equal sounds
            last = digit
    return (key[:1] + digits + "000")[:4]


def slips(day: date) -> list[date]:
    """Give the dates that one slip makes of a date: day and month exchanged, one digit wrong."""
    text = f"{day:%Y%m%d}"
    written = {f"{day.year:04d}{day.day:02d}{day.month:02d}"}
    for place in range(2, 8):
        written |= {text[:place] + d + text[place + 1 :] for d in "0123456789"}
    found = []
    for one in sorted(written - {text}):
        try:
            found.append(date(int(one[:4]), int(one[4:6]), int(one[6:])))
        except ValueError:
            continue
    return found
