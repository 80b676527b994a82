"""Names of persons: split as the mapping's form says, without guessing where it says nothing.

A form is written with the words SURNAME, GIVEN, MIDDLE, SUFFIX: `SURNAME, GIVEN MIDDLE SUFFIX`,
`SURNAME/GIVEN MIDDLE`, `GIVEN MIDDLE SURNAME SUFFIX`, `SURNAME GIVEN MIDDLE SUFFIX`. Double
surnames and particles stay whole, as far as the form tells where they end.
"""

import re
from collections.abc import Sequence
from typing import Final, TypeAlias

from gateway.errors import Misconfigured

NamePart: TypeAlias = str
PROPERTIES: Final = {
    "GIVEN": "nc:PersonGivenName",
    "MIDDLE": "nc:PersonMiddleName",
    "SURNAME": "nc:PersonSurName",
    "SUFFIX": "nc:PersonNameSuffixText",
}
_GIVEN, _MIDDLE, _SURNAME, _SUFFIX = PROPERTIES.values()
FULL: Final = "nc:PersonFullName"
SUFFIXES: Final = frozenset(["JR", "SR", "II", "III", "IV", "V", "2ND", "3RD"])
PARTICLES: Final = frozenset(
    [
        "DE",
        "DEL",
        "DELA",
        "LA",
        "LAS",
        "LOS",
        "DA",
        "DO",
        "DAS",
        "DOS",
        "DI",
        "DU",
        "VAN",
        "VON",
        "DER",
        "DEN",
        "TEN",
        "TER",
        "EL",
        "AL",
        "BIN",
        "IBN",
        "BINT",
        "ABU",
        "SAN",
        "SANTA",
        "MAC",
        "MC",
        "ST",
        "Y",
        "E",
    ]
)
_FORM: Final = re.compile(r"(SURNAME)([,/;|*^~+&%$])\s*(GIVEN)(.?MIDDLE)?(.?SUFFIX)?")
_PLAIN: Final = re.compile(r"(GIVEN)( MIDDLE)?( SURNAME)( SUFFIX)?")
_SURNAME_FIRST: Final = re.compile(r"(SURNAME)( GIVEN)( MIDDLE)?( SUFFIX)?")


class NameForm:
    """One way to write a whole name in one column."""

    def __init__(self, form: str) -> None:
        parted, first = _FORM.fullmatch(form), _SURNAME_FIRST.fullmatch(form)
        between = {p[0] for p in (parted[4], parted[5]) if p} if parted else {" "}
        known = parted or first or _PLAIN.fullmatch(form)
        if known is None or (parted and not between <= {" ", parted[2]}):
            raise Misconfigured(
                f"{form}: a name's form is SURNAME, GIVEN MIDDLE SUFFIX (the comma may be one of "
                "/ ; | * ^ ~ + & % $), GIVEN MIDDLE SURNAME SUFFIX or SURNAME GIVEN MIDDLE SUFFIX; "
                "MIDDLE and SUFFIX may be left out"
            )
        self.separator = parted[2] if parted else None
        self._first = first is not None
        self._middle = "MIDDLE" in form
        self._suffix = "SUFFIX" in form

    def split(self, text: str) -> dict[str, str]:
        """Give the name's NIEM properties."""
        if self._first:
            return self._surname_first(text.split())
        if self.separator is None:
            return self._in_order(text.split())
        surname, _, rest = text.partition(self.separator)
        return self._properties(surname.split(), rest.replace(self.separator, " ").split())

    def _properties(self, surname: list[str], rest: list[str]) -> dict[str, str]:
        suffix = ""
        # Some systems put the suffix behind the surname, before the comma.
        if self._suffix and len(rest) > 1 and _is_suffix(rest[-1]):
            suffix, rest = rest[-1].rstrip("."), rest[:-1]
        elif self._suffix and len(surname) > 1 and _is_suffix(surname[-1]):
            suffix, surname = surname[-1].rstrip("."), surname[:-1]
        if not self._middle:
            return _named(" ".join(rest), "", " ".join(surname), suffix)
        return _named(rest[0] if rest else "", " ".join(rest[1:]), " ".join(surname), suffix)

    def _surname_first(self, words: list[str]) -> dict[str, str]:
        """Read SURNAME GIVEN MIDDLE: the surname is one word, with the particles before it."""
        end = 1
        while end < len(words) - 1 and words[end - 1].upper().strip("'-") in PARTICLES:
            end += 1
        return self._properties(words[:end], words[end:])

    def _in_order(self, words: list[str]) -> dict[str, str]:
        """Read GIVEN MIDDLE SURNAME: the last word is the surname, with particles before it."""
        tail: list[str] = []
        if self._suffix and len(words) > 1 and _is_suffix(words[-1]):
            tail = [words[-1]]
            words = words[:-1]
        start = max(0, len(words) - 1)
        while start > 1 and words[start - 1].upper().strip("'-") in PARTICLES:
            start -= 1
        return self._properties(words[start:], [*words[:start], *tail])


class NameReader:
    """Reads names written in one of several forms: the first whose separator the text has."""

    def __init__(self, forms: Sequence[str]) -> None:
        self._forms = [NameForm(f) for f in forms]

    def read(self, text: str) -> dict[str, str] | None:
        """Give NIEM properties. A name of none of the forms stays whole. None: it is blank."""
        for form in self._forms:
            if form.separator is None or form.separator in text:
                return form.split(text) or None
        whole = " ".join(text.split())
        return {FULL: whole} if whole else None


def from_parts(given: str, middle: str, surname: str, suffix: str) -> dict[str, str]:
    """Give the NIEM properties of a name that stands in columns of its own."""
    return _named(*(" ".join(part.split()) for part in (given, middle, surname, suffix)))


def _is_suffix(word: str) -> bool:
    return word.rstrip(".").upper() in SUFFIXES


def _named(given: str, middle: str, surname: str, suffix: str) -> dict[str, str]:
    found: dict[str, str] = {}
    if given:
        found[_GIVEN] = given
    if middle:
        found[_MIDDLE] = middle
    if surname:
        found[_SURNAME] = surname
    if suffix:
        found[_SUFFIX] = suffix
    return found
