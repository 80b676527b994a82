from datetime import date

import pytest

from gateway.model import Identifier, Name, PersonQuery
from gateway.records.asked import restricted

TERMS = frozenset({"name", "birth_date", "driver_license"})
BORN = date(1980, 1, 2)


@pytest.mark.parametrize("text", ["---", "...", "\u0640", "\u3000"])
def test_a_name_that_says_nothing_is_none(text: str) -> None:
    # Left in, the birth date alone would find everybody who was born that day.
    name = Name(surname=text)
    assert restricted(PersonQuery(names=(name,), birth_date=BORN), TERMS) is None
    numbered = PersonQuery(names=(name,), identifiers=(Identifier("driver_license", "9"),))
    left = restricted(numbered, TERMS)
    assert isinstance(left, PersonQuery)
    assert (left.names, left.identifiers) == ((), numbered.identifiers)


@pytest.mark.parametrize(
    "text", ["O", "\u674e", "\u042e\u0440\u0438\u0439", "\u064a\u0648\u0633\u0641"]
)
def test_a_name_in_any_script_stays(text: str) -> None:
    query = PersonQuery(names=(Name(surname=text),), birth_date=BORN)
    assert restricted(query, TERMS) == query
    assert restricted(query, frozenset({"birth_date"})) is None
