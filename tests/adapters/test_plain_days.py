"""A day is read by its places only where it would be read so by its pattern."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from adapters.dates import (
    DateFormat,
    DateReader,
    Moment,
    check_life,
    check_past,
    sure_days,
)
from gateway.errors import Untranslatable
from gateway.niem import lexical
from tests.soak import count

FORMATS = ("MM/DD/YYYY", "YYYYMMDD", "MMDDYYYY", "DD.MM.YYYY", "YYYY-MM-DD", "[YYYY] MM DD")
TEXTS = count(3_000, 200_000)
ODD = "0123456789" * 3 + " /-.W+:[]\u0663\u00e9\ud800"


def text(chance: Random, form: str) -> str:
    """Write a day of a format, of which some there are not, and damage some."""
    day = {"YYYY": chance.choice((0, 1849, 1850, 1999, 2000, 2100, 2101, 9999))}
    day |= {"MM": chance.randrange(14), "DD": chance.randrange(33)}
    found = form
    for token, number in day.items():
        found = found.replace(token, str(number).zfill(len(token)))
    for _ in range(chance.choice((0, 0, 1, 2))):
        at = chance.randrange(len(found))
        found = found[:at] + chance.choice(ODD) + found[at + chance.randrange(3) :]
    return found


def by_pattern(form: DateFormat, written: str) -> str | None:
    try:
        moment = form.read(written)
    except ValueError:
        return None
    return moment and moment.at.date().isoformat()


@pytest.mark.parametrize("written", FORMATS)
def test_places_and_patterns_give_the_same_days(written: str) -> None:
    form, chance = DateFormat(written), Random(written)
    found = 0
    for _ in range(TEXTS):
        one = text(chance, written)
        day = form.day(one)
        assert day == by_pattern(form, one), ascii(one)
        found += day is not None
    assert TEXTS / 5 < found < TEXTS * 4 / 5


@pytest.mark.parametrize("written", ["M/D/YYYY", "MM/DD/YY", "YYYY", "MM/YYYY", "YYYYDDD"])
def test_other_formats_have_no_places(written: str) -> None:
    form = DateFormat(written, start=1930)
    for one in ("1/2/1990", "01/02/90", "1990", "01/1990", "1990012", "01/02/1990"):
        assert form.day(one) is None


def test_the_first_format_alone_is_read_by_its_places() -> None:
    reader = DateReader(["MM/DD/YYYY", "YYYYMMDD"])
    assert reader.day("01/02/1990") == "1990-01-02"
    assert reader.day("19900102") is None
    assert reader.read("19900102").at.date().isoformat() == "1990-01-02"
    assert DateReader(["YYYYMMDD HH", "YYYYMMDD"]).day("19900102") is None
    assert reader.day("01/02/1849") is None
    with pytest.raises(Untranslatable, match="year"):
        reader.read("01/02/1849")


@pytest.mark.parametrize("check", [check_life, check_past, None])
def test_a_sure_day_passes_its_check_now_and_in_ten_years(check: object) -> None:
    assert check in {check_life, check_past, None}
    first, last = sure_days(check)  # type: ignore[arg-type]
    if check is None:
        return
    now = datetime.now(UTC)
    for day in (first, last):
        at = datetime.fromisoformat(day).replace(tzinfo=UTC)
        check(Moment(at, "nc:Date"))  # type: ignore[operator]
        assert at < now
    if check is check_life:
        assert datetime.fromisoformat(first).replace(tzinfo=UTC) > now - timedelta(days=366 * 121)


def test_a_plain_day_of_the_standard_is_judged_as_by_its_pattern() -> None:
    chance = Random(5)
    is_day = lexical.BUILT_IN["date"][1]
    for _ in range(TEXTS):
        one = text(chance, "YYYY-MM-DD")
        found = lexical._DAY.fullmatch(one)
        wanted = found is not None and lexical._exists(*map(int, found.groups()))
        if len(one) == len("2026-05-01"):
            assert is_day(one) == wanted, ascii(one)
