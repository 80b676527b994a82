"""How one agency wrote one person down: what clerks, languages and forms do to names and dates."""

import unicodedata
from dataclasses import dataclass
from datetime import date

from demo.chance import Chance
from demo.person import Person


@dataclass(frozen=True, slots=True)
class Sighting:
    """One person as written in one record. `birth` None: the date was not taken."""

    given: str
    middle: str
    surname: str
    suffix: str
    birth: date | None


_SOUNDS = (
    ("PH", "F"), ("CK", "K"), ("QUE", "KE"), ("LL", "L"), ("NN", "N"), ("RR", "R"), ("EY", "IE"),
    ("SS", "S"), ("Z", "S"), ("V", "B"), ("Y", "I"), ("W", "V"), ("OU", "U"), ("AU", "O"),
    ("TH", "T"),
)  # fmt: skip
_KEYS = {
    "A": "SQ", "B": "VN", "C": "XV", "D": "SF", "E": "WR", "F": "DG", "G": "FH", "H": "GJ",
    "I": "UO", "J": "HK", "K": "JL", "L": "K", "M": "N", "N": "BM", "O": "IP", "P": "O",
    "Q": "WA", "R": "ET",
    "S": "AD", "T": "RY", "U": "YI", "V": "CB", "W": "QE", "X": "ZC", "Y": "TU", "Z": "X",
}  # fmt: skip


def plain(text: str) -> str:
    """Take the accents off: `PEÑA` becomes `PENA`."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def misspell(c: Chance, text: str) -> str:
    """Make one slip: a letter for its neighbour on the keyboard, left out, doubled or exchanged."""
    letters = [i for i, ch in enumerate(text) if ch.isascii() and ch.isalpha()]
    if len(letters) < 3:
        return text
    i = letters[1 + c.below(len(letters) - 1)]
    kind = c.below(4)
    if kind == 0:
        return text[:i] + c.one(_KEYS[text[i]]) + text[i + 1 :]
    if kind == 1:
        return text[:i] + text[i + 1 :]
    if kind == 2:
        return text[:i] + text[i] + text[i:]
    return text[: i - 1] + text[i] + text[i - 1] + text[i + 1 :]


def mishear(c: Chance, text: str) -> str:
    """Write what was heard: one sound in another spelling, or a doubled letter where none fits."""
    fits = [(a, b) for a, b in _SOUNDS if a in text]
    if not fits:
        return misspell(c, text)
    a, b = c.one(fits)
    return text.replace(a, b, 1)


def _name(c: Chance, forms: tuple[str, ...], change: int) -> str:
    name = forms[0] if len(forms) == 1 or not c.happens(change) else c.one(forms[1:])
    if c.happens(5):
        name = misspell(c, plain(name))
    elif c.happens(4):
        name = mishear(c, plain(name))
    return name


def misdate(c: Chance, day: date) -> date | None:
    """Give the date as it was written: exchanged, one digit wrong, a year off, or not at all."""
    if c.happens(5):
        return None
    kind = c.weighted((("right", 87), ("exchanged", 4), ("digit", 6), ("year", 3)))
    if kind == "exchanged" and day.day <= 12:
        return date(day.year, day.day, day.month)
    if kind == "year":
        return date(day.year + c.one((-1, 1, -10, 10)), day.month, min(day.day, 28))
    if kind == "digit":
        text = f"{day:%Y%m%d}"
        i = 3 + c.below(5)
        changed = text[:i] + c.digits(1) + text[i + 1 :]
        try:
            return date(int(changed[:4]), int(changed[4:6]), int(changed[6:]))
        except ValueError:
            return day
    return day


def sight(seed: int, person: Person, place: str) -> Sighting:
    """Write a person down at one place (an agency and a record): the same place, the same mess."""
    c = Chance(seed, "sighting", place, person.number)
    transliterated = person.native is not None
    given = _name(c, person.givens, 60 if transliterated else 18)
    surname = _name(c, person.surnames, 60 if transliterated else 35)
    middle = person.middle
    if middle and c.happens(50):
        middle = c.one(("", middle[0]))
    if c.happens(8 if transliterated else 3):
        given, surname = surname, given
    if c.happens(40):
        given, surname = plain(given), plain(surname)
    suffix = person.suffix if c.happens(70) else ""
    return Sighting(given, middle, surname, suffix, misdate(c, person.birth))
