"""What this gateway can do for an answer that it takes in. It refuses one that asks for more.

    delete_after {days}          the kept answer is erased then
    onward_sharing {rule}        it is given to nobody but the officer who asked
    confirm_before_acting        shown with the answer, and with each match
    caveat {text}                shown with the answer, and with its match
    stale_data                   shown with the answer
    fingerprints_within {days}   a person does it: its clock runs until that is recorded;
                                 a day at least, or it would be overdue when it is read

The words are the policy's; that there is code for each is checked here.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

_MOST_DAYS = 36_500
_LONG = 1_024


def _days(value: Any) -> bool:
    return type(value) is int and 0 <= value <= _MOST_DAYS


def _days_ahead(value: Any) -> bool:
    return _days(value) and value > 0


def _text(value: Any) -> bool:
    return type(value) is str and 0 < len(value) <= _LONG


_PARTS: Final[Mapping[str, Mapping[str, Callable[[Any], bool]]]] = {
    "delete_after": {"days": _days},
    "onward_sharing": {"rule": _text},
    "confirm_before_acting": {},
    "caveat": {"text": _text},
    "stale_data": {},
    "fingerprints_within": {"days": _days_ahead},
}
HONOURED: Final = frozenset(_PARTS)
DONE_BY_A_PERSON: Final = frozenset({"fingerprints_within"})
"""Those that somebody here has to do, within their `days` of the search."""


def parts_of(word: str) -> tuple[str, ...]:
    """Name what an obligation of this word says beside its word."""
    return tuple(_PARTS.get(word, ()))


def well_formed(obligation: Mapping[str, Any]) -> bool:
    """Tell whether it is one that this gateway honours, with its parts and no others."""
    parts = _PARTS.get(str(obligation.get("type")))
    if parts is None or obligation.keys() != {"type", *parts}:
        return False
    return all(fits(obligation[name]) for name, fits in parts.items())
