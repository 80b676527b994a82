"""What values look like: small tests of one value each, known to agencies everywhere.

A vehicle's number has a check digit, a state two letters of the postal list, an agency's ORI begins
with its state. `LOOKS` names them; `profile.Profile.looks_like` gives the share of values that fit.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from adapters.nibrs import codes as standard_codes
from gateway import niem

_VIN: Final = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_LETTERS: Final = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", map(int, "12345678123457923456789"), strict=True)
)
_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_CHECK_AT: Final = 8
_TEN: Final = 10
_STATES: Final = frozenset(
    niem.code_list("nc:Person/nc:PersonResidenceAddress/nc:AddressState/usps:StateCode") or ()
)
_WORD: Final = r"[^\W\d_][^\W\d_'\u2019.-]*"
_NAMES: Final = rf"{_WORD}(?:[ '\u2019-]+{_WORD})*\.?"
"""One or several words of a name."""
_EYES: Final = frozenset(
    ["BLK", "BLU", "BRO", "BRN", "GRY", "GRN", "HAZ", "HZL", "MAR", "MUL", "PNK", "XXX"]
)
_HAIR: Final = frozenset(
    [
        "BAL",
        "BLD",
        "BLK",
        "BLN",
        "BLU",
        "BRO",
        "BRN",
        "GRY",
        "GRN",
        "ONG",
        "PNK",
        "PLE",
        "RED",
        "SDY",
        "WHI",
        "XXX",
    ]
)
_SSN: Final = re.compile(r"(?<![\d-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
_STREETS: Final = (
    r"ST|STREET|AVE?|AVENUE|RD|ROAD|DR|DRIVE|LN|LANE|BLVD|CT|COURT|HWY|WAY|PL|CALLE|AVENIDA"
)


def is_vin(value: str) -> bool:
    """Say whether 17 characters carry the check digit of 49 CFR 565.15."""
    if not _VIN.fullmatch(value):
        return False
    total = sum(
        w * (int(c) if c.isdigit() else _LETTERS[c]) for w, c in zip(_WEIGHTS, value, strict=True)
    )
    left = total % 11
    return value[_CHECK_AT] == ("X" if left == _TEN else str(left))


def _fits(pattern: str, flags: int = re.IGNORECASE) -> Callable[[str], bool]:
    found = re.compile(pattern, flags).fullmatch
    return lambda value: found(value) is not None


def _ori(value: str) -> bool:
    return re.fullmatch(r"[A-Z]{2}[A-Z0-9]{5}[A-Z0-9]{2}", value) is not None and (
        value[:2] in _STATES and any(c.isdigit() for c in value)
    )


LOOKS: Final[Mapping[str, Callable[[str], bool]]] = {
    "vin_shape": _fits("[A-Z0-9]{17}"),
    "vin": lambda v: is_vin(v.upper()),
    "ssn": _fits(r"\d{3}-\d{2}-\d{4}"),
    "ssn_digits": _fits(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "ssn_within": lambda v: _SSN.search(v) is not None,
    "phone": _fits(r"(\+?1[-. ]?)?(\(\d{3}\) ?|\d{3}[-. ])\d{3}[-. ]\d{4}"),
    "phone_digits": _fits(r"(\+?1[-. ]?)?(\(\d{3}\) ?|\d{3}[-. ]?)\d{3}[-. ]?\d{4}"),
    "email": _fits(r"[^@\s]+@[^@\s]+\.[a-z]{2,}"),
    "alien": _fits(r"A?-?\d{7,9}"),
    "state": lambda v: v.upper() in _STATES,
    "country": _fits(r"[A-Z]{3}"),
    "year": _fits(r"(19|20)\d{2}"),
    "zip": _fits(r"\d{5}(-?\d{4})?"),
    "age": _fits(r"0?\d{1,2}|1[01]\d"),
    "ori": lambda v: _ori(v.upper()),
    "offense": lambda v: v.upper() in standard_codes()["nibrs_offense"],
    "eyes": lambda v: v.upper() in _EYES,
    "hair": lambda v: v.upper() in _HAIR,
    "plate": lambda v: (
        re.fullmatch(r"[A-Z0-9][A-Z0-9 -]{2,8}[A-Z0-9]", v.upper()) is not None
        and any(c.isdigit() for c in v)
        and any(c.isalpha() for c in v)
    ),
    "surname_first": _fits(rf"{_NAMES}\s*[,/*^]\s*({_NAMES})?(\s*,\s*{_NAMES})?"),
    "name": _fits(rf"{_NAMES}(\s*[,/*^]\s*{_NAMES})*"),
    "several_words": _fits(rf"{_WORD}([ '\u2019-]+{_WORD})*\.?[ ,/*^]+.*"),
    "feet": _fits(r"""[3-8]\s*['-]\s*\d{1,2}\s*("|''|in)?|[4-7](0\d|1[01])"""),
    "feet_marked": _fits(r"""[3-8]\s*'\s*\d{1,2}\s*("|''|in)?"""),
    "inches": _fits(r"(4[89]|[5-7]\d|8[0-6])(\.\d+)?\s*(in|\")?"),
    "centimetres": _fits(r"(1[2-9]\d|2[0-2]\d)\s*(cm)?"),
    "metres": _fits(r"[12]\.\d{1,2}\s*m?"),
    "weight": _fits(r"\d{2,3}(\.\d+)?\s*(lbs?|kg|#)?"),
    "digits": _fits(r"\d+"),
    "number": _fits(r"(?=.*\d)[A-Z0-9][A-Z0-9 ./-]*"),
    "address": _fits(rf"(?=.*\b({_STREETS})\b)(?=.*[A-Z]).*"),
}
