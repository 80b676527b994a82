"""The weights of agreement and disagreement, in bits, read from `weights.json`.

A weight is log2(m / u): m, how often a term agrees that way in two records of one person; u, in
records of two. The sum, less a fixed prior, is the score by p = 1 / (1 + 2**-bits). Nothing in it
depends on the records of an agency, so that scores can be compared between agencies, and so that
no record, hidden ones included, can change the score of another. See docs/adr/0003-matching.md;
`bench/train_weights.py` made the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from importlib.resources import files
from math import exp, inf, log, log2
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from gateway.model import Band

Bits = npt.NDArray[np.float32]


class NameLevel(IntEnum):
    """How a given name or a surname agrees, best first. JW is Jaro-Winkler's similarity."""

    SAME = 0
    SIMILAR = 1  # JW >= .92, or the same as one part of a longer name
    NICKNAME = 2
    SOUNDS = 3  # one metaphone, or one key of consonants
    NEAR = 4  # JW >= .85
    FAR = 5  # JW >= .75
    DIFFERENT = 6
    MISSING = 7


class BirthLevel(IntEnum):
    """How a birth date agrees, best first."""

    SAME = 0
    SWAPPED = 1
    ONE_EDIT = 2
    TWO_PARTS = 3
    TWO_EDITS = 4
    DIFFERENT = 5
    MISSING = 6


# Among 100,000 people, 1 in 100 questions about somebody who is not there finds a probable match,
# none an exact one: `python -m bench.matching` prints it.
EXACT = 0.98
"""From here on a match is exact, if nothing that was compared differs."""
PROBABLE = 0.8
"""From here on a match is probable, if surname and birth date agree, or a number does."""
POSSIBLE = 0.01
"""Below this a record is no match at all."""
_WEAK = frozenset(
    {"surname", "given", "sex", "age", "plate_state", "make", "model", "year", "color"}
    | {"category", "date", "offense", "type"}
)
"""Terms that many share: alone they never make a match exact."""
_NUMBER_AGREES = frozenset({"same", "similar", "one_digit_off"})
_SURNAME_AGREES = frozenset({"same", "similar", "nickname", "sounds_alike", "swapped"})
_BIRTH_AGREES = frozenset({"same", "day_month_swapped", "one_digit_off"})

_LN2 = log(2)
_SURE = 0.999

NAME_WORDS = (
    *("same", "similar", "nickname", "sounds_alike"),
    *("similar", "similar", "different", "missing"),
)
BIRTH_WORDS = (
    *("same", "day_month_swapped", "one_digit_off"),
    *("close", "close", "different", "missing"),
)


@dataclass(frozen=True, slots=True)
class Weights:
    """Bits by level. `code` holds those of numbers and descriptions, by "term.word"."""

    prior: float
    description_prior: float
    """Of a description without a number: it names many, and is never more than possible."""
    surname: Bits
    given: Bits
    swapped: float
    birth: Bits
    sex: tuple[float, float]
    """Same, different."""
    code: dict[str, float]
    surname_frequency: dict[str, float]
    given_frequency: dict[str, float]
    rarest_surname: float
    rarest_given: float
    surname_m: float
    given_m: float

    def same_surname(self, surname: str) -> float:
        """Give the bits of an equal surname: more for a rare one."""
        f = max(self.surname_frequency.get(surname, 0.0), self.rarest_surname)
        return log2(self.surname_m / f)

    def same_given(self, given: str) -> float:
        """Give the bits of an equal given name: more for a rare one."""
        f = max(self.given_frequency.get(given, 0.0), self.rarest_given)
        return log2(self.given_m / f)


def score(bits: float) -> float:
    """Turn bits, the prior taken off, into a probability, 0 to 1."""
    return 1.0 / (1.0 + exp(-_LN2 * max(-60.0, min(60.0, bits))))


def bits_of(probability: float) -> float:
    """Give the bits of a probability: the inverse of `score`. Minus infinity for 0."""
    return log2(probability / (1.0 - probability)) if probability > 0 else -inf


def shown(bits: float) -> float:
    """Give the score of bits as people see it: three decimals, and never 1, which is certainty."""
    return min(round(score(bits), 3), _SURE)


def band(probability: float, compared: Mapping[str, str]) -> Band:
    """Name the band by the score, and by what agrees, as a detective would.

    Exact: nothing differs, and more than names or a description agrees. Probable: surname and birth
    date agree at some level, or a number does; however rare the name, without one of the two a
    match stays possible.
    """
    strong = {word for term, word in compared.items() if term not in _WEAK}
    if probability >= EXACT and "same" in strong and set(compared.values()) <= {"same", "missing"}:
        return Band.EXACT
    return Band.PROBABLE if probability >= PROBABLE and _telling(compared) else Band.POSSIBLE


def _telling(compared: Mapping[str, str]) -> bool:
    if compared.get("surname") in _SURNAME_AGREES and compared.get("birth_date") in _BIRTH_AGREES:
        return True
    numbers = compared.keys() - _WEAK - {"birth_date"}
    return any(compared[n] in _NUMBER_AGREES for n in numbers)


@lru_cache(maxsize=1)
def weights() -> Weights:
    """Read the weights once."""
    folder = files("gateway.records")
    data = orjson.loads((folder / "weights.json").read_bytes())
    frequencies = orjson.loads((folder / "name_frequencies.json").read_bytes())
    return of_data(data, frequencies)


def of_data(data: dict[str, Any], frequencies: dict[str, Any]) -> Weights:
    """Turn pairs (m, u) into bits. Raises KeyError where a level lacks."""
    sex = data["sex"]
    return Weights(
        prior=float(data["prior_bits"]),
        description_prior=float(data["prior_description_bits"]),
        surname=_bits(data["surname"], NameLevel),
        given=_bits(data["given"], NameLevel),
        swapped=_bit(data["swapped"]),
        birth=_bits(data["birth_date"], BirthLevel),
        sex=(_bit(sex["same"]), _bit(sex["different"])),
        code={k: float(v) for k, v in data["bits"].items()},
        surname_frequency=frequencies["surname"],
        given_frequency=frequencies["given"],
        rarest_surname=float(data["rarest"]["surname"]),
        rarest_given=float(data["rarest"]["given"]),
        surname_m=float(data["surname"]["same"][0]),
        given_m=float(data["given"]["same"][0]),
    )


def _bits(table: dict[str, list[float]], levels: type[IntEnum]) -> Bits:
    return np.array(
        [0.0 if level.name == "MISSING" else _bit(table[level.name.lower()]) for level in levels],
        dtype=np.float32,
    )


def _bit(pair: list[float]) -> float:
    m, u = pair
    return log2(m / u)
