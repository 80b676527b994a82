"""The words that the invented people are made of, read from `words.toml`, and a few code tables."""

import tomllib
from pathlib import Path
from typing import Any

_WORDS: dict[str, Any] = tomllib.loads(
    Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _cross(words: dict[str, str]) -> tuple[str, ...]:
    """Put every stem before every ending, spread so that neighbours share neither."""
    s, e = words["stems"].split(), words["endings"].split()
    pairs = [(i, j) for j in range(len(e)) for i in range(len(s))]
    pairs.sort(key=lambda p: ((p[0] * 7 + p[1] * 13) % 31, p[0], p[1]))
    return tuple(dict.fromkeys((s[i] + e[j]).replace("_", "") for i, j in pairs))


def _by_sex(words: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {sex: _listed(text) for sex, text in words.items()}


def _spelled(words: dict[str, str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((script, _listed(text)) for script, text in words.items())


def _syllables(text: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(s.split(":")) for s in text.split())


# The common ones: about four a stem.
ENGLISH_SURNAMES = _cross(_WORDS["surnames"]["english"])[:240]
SPANISH_SURNAMES = _cross(_WORDS["surnames"]["spanish"])[:120]
PORTUGUESE_SURNAMES = _cross(_WORDS["surnames"]["portuguese"])
# Rare surnames: a syllable or more, then an ending. There are too many to list.
ONSETS = _listed(_WORDS["rare"]["onsets"])
VOWELS = _listed(_WORDS["rare"]["vowels"])
CODAS = _listed(_WORDS["rare"]["codas"])
ENGLISH_ENDINGS = _listed(_WORDS["surnames"]["english"]["endings"])[1:]
SPANISH_ENDINGS = _listed(_WORDS["surnames"]["spanish"]["endings"])
PARTICLES: tuple[str, ...] = tuple(_WORDS["particles"].split("|"))

ENGLISH_GIVEN = _by_sex(_WORDS["given"]["english"])
SPANISH_GIVEN = _by_sex(_WORDS["given"]["spanish"])
PORTUGUESE_GIVEN = _by_sex(_WORDS["given"]["portuguese"])
NICKNAMES = {name: _listed(short) for name, short in _WORDS["nicknames"].items()}

# Script and spellings.
ARABIC_GIVEN = {sex: _spelled(names) for sex, names in _WORDS["arabic"]["given"].items()}
ARABIC_CONSONANTS = _spelled(_WORDS["arabic"]["consonants"])
ARABIC_LONG = _spelled(_WORDS["arabic"]["long"])

CYRILLIC_GIVEN = _by_sex(_WORDS["cyrillic"]["given"])
CYRILLIC_STEMS = _listed(_WORDS["cyrillic"]["surnames"]["stems"])
CYRILLIC_INFIXES = tuple(x.strip("_") for x in _listed(_WORDS["cyrillic"]["surnames"]["infixes"]))
CYRILLIC_ENDINGS = tuple(x.split("/") for x in _listed(_WORDS["cyrillic"]["surnames"]["endings"]))
CYRILLIC_LATIN = {letter: _listed(three) for letter, three in _WORDS["cyrillic"]["latin"].items()}

# Character, pinyin, Wade-Giles.
CHINESE_SURNAMES = _syllables(_WORDS["chinese"]["surnames"])
CHINESE_GIVEN = _syllables(_WORDS["chinese"]["given"])

STREETS: tuple[str, ...] = tuple(x.strip() for x in _WORDS["streets"].split("|"))
STREET_KINDS = _listed(_WORDS["street_kinds"])
CITIES = {
    "TX": (("CALLOWAY SPRINGS", "79999"), ("DRY WELLS", "79998"), ("FORT LANTERN", "79997")),
    "CA": (("PORT SERENA", "92999"), ("CANYON VISTA NUEVA", "92998")),
    "NM": (("MESA QUEMADA", "88999"),),
}
# Statute, words, level, UCR code.
CHARGES = (
    ("PC 29.02", "ROBBERY", "F", "120"),
    ("PC 22.02", "AGGRAVATED ASSAULT", "F", "13A"),
    ("PC 22.01", "ASSAULT CAUSES BODILY INJURY", "M", "13B"),
    ("PC 30.02", "BURGLARY OF A BUILDING", "F", "220"),
    ("PC 31.03", "THEFT OF PROPERTY", "M", "23H"),
    ("PC 31.07", "UNAUTHORIZED USE OF A VEHICLE", "F", "240"),
    ("HS 481.115", "POSSESSION OF A CONTROLLED SUBSTANCE", "F", "35A"),
    ("PC 28.03", "CRIMINAL MISCHIEF", "M", "290"),
    ("PC 49.04", "DRIVING WHILE INTOXICATED", "M", "90D"),
    ("PC 46.02", "UNLAWFUL CARRYING OF A WEAPON", "M", "520"),
    ("PC 32.21", "FORGERY", "F", "250"),
    ("PC 30.05", "CRIMINAL TRESPASS", "M", "90J"),
)
# NCIC make, models.
MAKES = (
    ("TOYT", ("COROLLA", "CAMRY", "TACOMA")),
    ("FORD", ("F150", "FOCUS", "ESCAPE")),
    ("CHEV", ("SILVERADO", "MALIBU")),
    ("HOND", ("CIVIC", "ACCORD")),
    ("NISS", ("ALTIMA", "FRONTIER")),
    ("DODG", ("RAM", "CHARGER")),
    ("JEEP", ("WRANGLER",)),
    ("HYUN", ("ELANTRA",)),
)
# NCIC colour, word.
COLORS = (
    ("WHI", "WHITE"),
    ("BLK", "BLACK"),
    ("SIL", "SILVER"),
    ("GRY", "GRAY"),
    ("RED", "RED"),
    ("BLU", "BLUE"),
    ("GRN", "GREEN"),
    ("TAN", "TAN"),
    ("BRO", "BROWN"),
    ("MAR", "MAROON"),
)
