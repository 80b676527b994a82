"""Heights and weights as legacy systems write them, in NIEM's units."""

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from gateway.errors import Misconfigured, Untranslatable

_NUMBER: Final = r"(\d{1,7}(?:\.\d{1,6})?|\.\d{1,6})"
_FEET: Final = re.compile(
    r"""(\d)\s*(?:'|ft\.?|feet|-|\s)\s*(?:(\d{1,2})\s*(?:"|''|in\.?|inches)?)?""",
    re.ASCII | re.IGNORECASE,
)
_FEET_DIGITS: Final = re.compile(r"(\d)(\d\d)", re.ASCII)
_INCHES: Final = 12
_LENGTH: Final = "unece:LengthUnitCode"
_MASS: Final = "unece:MassUnitCode"
# Each unit in centimetres, or in grams; and the most that a person or a thing may have of it.
_UNITS: Final = {
    "INH": (_LENGTH, Decimal("2.54")),
    "CMT": (_LENGTH, Decimal(1)),
    "LBR": (_MASS, Decimal("453.59237")),
    "KGM": (_MASS, Decimal(1000)),
    "ONZ": (_MASS, Decimal("28.349523125")),
    "GRM": (_MASS, Decimal(1)),
}
_WORDS: Final = {
    "INH": "inches",
    "CMT": "centimetres",
    "LBR": "pounds",
    "KGM": "kilograms",
    "ONZ": "ounces",
    "GRM": "grams",
}
_MOST: Final = {_LENGTH: Decimal(2_000), _MASS: Decimal(1_000_000)}
# What a legacy system may write behind the number, its own unit.
_WRITTEN: Final = {
    "inches": ("INH", r"(?:\"|in\.?|inches)?", Decimal(1)),
    "centimetres": ("CMT", r"(?:cm\.?)?", Decimal(1)),
    "metres": ("CMT", r"m?", Decimal(100)),
    "pounds": ("LBR", r"(?:lbs?\.?|pounds|#)?", Decimal(1)),
    "kilograms": ("KGM", r"(?:kgs?\.?)?", Decimal(1)),
    "ounces": ("ONZ", r"(?:oz\.?)?", Decimal(1)),
    "grams": ("GRM", r"(?:g|gr|gm|grams?)?\.?", Decimal(1)),
}


def _feet(text: str) -> Decimal:
    found = _FEET.fullmatch(text) or _FEET_DIGITS.fullmatch(text)
    if found is None or int(found[2] or 0) >= _INCHES:
        raise Untranslatable("this is not a height in feet and inches", code="measure.format")
    return Decimal(int(found[1]) * _INCHES + int(found[2] or 0))


def _number(unit: str, times: Decimal) -> Callable[[str], Decimal]:
    pattern = re.compile(rf"{_NUMBER}\s*{unit}", re.ASCII | re.IGNORECASE)

    def read(text: str) -> Decimal:
        found = pattern.fullmatch(text)
        if found is None:
            raise Untranslatable("this is not a number", code="measure.format")
        return Decimal(found[1]) * times

    return read


def _reading(written: str) -> tuple[Callable[[str], Decimal], str]:
    if written == "feet_inches":
        return _feet, "INH"
    unit, behind, times = _WRITTEN[written]
    return _number(behind, times), unit


class MeasureReader:
    """Reads a measure in one unit and gives it in another. Nought is "not known"."""

    def __init__(self, written: str, unit: str, decimals: int | None = None) -> None:
        self._read, own = _reading(written)
        self._unit = unit
        self.unit_key, size = _UNITS[unit]
        theirs, factor = _UNITS[own]
        if theirs != self.unit_key:
            raise Misconfigured(f"{written} can't be given in {unit}")
        self._factor = factor / size
        self._most = _MOST[self.unit_key]
        self._of_thing = False
        self._places = Decimal(1).scaleb(-(decimals or 0))
        self.value_key = "nc:MeasureDecimalValue" if decimals else "nc:MeasureIntegerValue"

    def write_unit_as_text(self) -> None:
        """Say the unit in words: for measures that have no code list of units."""
        self._unit = _WORDS[self._unit]
        self.unit_key = "nc:MeasureUnitText"
        self._of_thing = True

    def niem(self, text: str) -> dict[str, Any] | None:
        """Give the measure as a NIEM object. Raises Untranslatable."""
        exact = self._read(text) * self._factor
        value = exact.quantize(self._places, ROUND_HALF_UP)
        if not exact:
            return None
        # A body is rounded. Of a thing the amount decides what the charge is.
        if not value or (self._of_thing and self._factor == 1 and value != exact):
            raise Untranslatable(
                "places behind the point would be lost: say `decimals`", code="measure.places"
            )
        if value > self._most:
            raise Untranslatable("the measure can't be right", code="measure.range")
        whole = self.value_key == "nc:MeasureIntegerValue"
        return {self.value_key: int(value) if whole else f"{value:f}", self.unit_key: self._unit}
