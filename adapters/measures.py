"""Heights and weights as legacy systems write them, in NIEM's units."""

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from gateway.errors import Misconfigured, Untranslatable

_NUMBER: Final = re.compile(r"\d{1,4}(?:\.\d{1,3})?", re.ASCII)
_FEET: Final = re.compile(r"""(\d)\s*(?:'|ft|-)\s*(\d{1,2})\s*(?:"|''|in)?""", re.ASCII)
_FEET_DIGITS: Final = re.compile(r"(\d)(\d\d)", re.ASCII)
_MOST: Final = 2_000
_INCHES: Final = 12
_INCH: Final = Decimal("2.54")
_POUND: Final = Decimal("0.45359237")


def _plain(text: str) -> Decimal:
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise Untranslatable("this is not a number", code="measure.format")
    return Decimal(text)


def _feet(text: str) -> Decimal:
    found = _FEET.fullmatch(text) or _FEET_DIGITS.fullmatch(text)
    if found is None or int(found[2]) >= _INCHES:
        raise Untranslatable("this is not a height in feet and inches", code="measure.format")
    return Decimal(int(found[1]) * _INCHES + int(found[2]))


_READ: Final[dict[str, tuple[Callable[[str], Decimal], str]]] = {
    "feet_inches": (_feet, "INH"),
    "inches": (_plain, "INH"),
    "centimetres": (_plain, "CMT"),
    "pounds": (_plain, "LBR"),
    "kilograms": (_plain, "KGM"),
}
_FACTOR: Final = {
    ("CMT", "INH"): 1 / _INCH,
    ("INH", "CMT"): _INCH,
    ("KGM", "LBR"): 1 / _POUND,
    ("LBR", "KGM"): _POUND,
}
_UNIT_KEY: Final = {
    "INH": "unece:LengthUnitCode",
    "CMT": "unece:LengthUnitCode",
    "LBR": "unece:MassUnitCode",
    "KGM": "unece:MassUnitCode",
}


class MeasureReader:
    """Reads a measure in one unit and gives it in another. Nought is "not known"."""

    def __init__(self, written: str, unit: str) -> None:
        self._read, own = _READ[written]
        self._unit = unit
        if own != unit and (own, unit) not in _FACTOR:
            raise Misconfigured(f"{written} can't be given in {unit}")
        self.unit_key = _UNIT_KEY[unit]
        self._factor = Decimal(1) if own == unit else _FACTOR[own, unit]

    def niem(self, text: str) -> dict[str, Any] | None:
        """Give the measure as a NIEM object. Raises Untranslatable."""
        value = (self._read(text) * self._factor).quantize(Decimal(1), ROUND_HALF_UP)
        if not value:
            return None
        if value > _MOST:
            raise Untranslatable("the measure can't be right", code="measure.range")
        return {"nc:MeasureIntegerValue": int(value), self.unit_key: self._unit}
