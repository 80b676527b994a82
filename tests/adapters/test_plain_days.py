"""A day is read by its places only where it would be read so by its pattern."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from adapters.dates import (
    DateReader,
    Moment,
    check_life,
    check_past,
    sure_days,
)
from gateway.errors import Untranslatable
from gateway.niem import lexical
from tests.soak import count

FORMATS = (
    *("MM/DD/YYYY", "YYYYMMDD", "MMDDYYYY", "DD.MM.YYYY", "YYYY-MM-DD", "[YYYY] MM DD"),
    *("YYYYMMDD HH", "HH MM/DD/YYYY"),
)
TEXTS = count(3_000, 200_000)
ODD = "0123456789" * 3 + " /-.W+:[]\u0663\u00e9\ud800"


def text(chance: Random, form: str) -> str:
    """Write a day of a format, of which some there are not, and damage some."""
    day = {"YYYY": chance.choice((0, 1849, 1850, 1999, 2000, 2100, 2101, 9999))}
    day["HH"] = chance.choice((0, 9, 12, 23, 24, 25))
    day |= {"MM": chance.randrange(14), "DD": chance.randrange(33)}
    found = form
    for token, number in day.items():
        found = found.replace(token, str(number).zfill(len(token)))
    for _ in range(chance.choice((0, 0, 1, 2))):
        at = chance.randrange(len(found))
        found = found[:at] + chance.choice(ODD) + found[at + chance.randrange(3) :]
    return found


def by_pattern(reader: DateReader, written: str) -> tuple[str, str] | None:
    try:
        return reader.written(reader.read(written))
    except Untranslatable:
        return None


@pytest.mark.parametrize("zone", [None, "UTC", "America/Denver"])
@pytest.mark.parametrize("written", FORMATS)
def test_places_and_patterns_give_the_same_days(written: str, zone: str | None) -> None:
    reader, chance = DateReader([written], zone=zone), Random(written)
    found = 0
    for _ in range(TEXTS):
        one = text(chance, written)
        plain, wanted = reader.plain(one), by_pattern(reader, one)
        # The last moment of a day, and times whose offset depends on the day, are left to patterns.
        assert plain in {wanted, None}, ascii(one)
        ends = zone == "America/Denver" or "24" in one
        assert plain == wanted or ("HH" in written and ends), ascii(one)
        found += plain is not None
    timed = "HH" in written
    assert found == 0 if timed and zone == "America/Denver" else found > TEXTS / 8
    assert found < TEXTS * 4 / 5


@pytest.mark.parametrize("written", ["M/D/YYYY", "MM/DD/YY", "YYYY", "MM/YYYY", "YYYYDDD"])
def test_other_formats_have_no_places(written: str) -> None:
    reader = DateReader([written, "YYYYMMDD"], start=1930)
    for one in ("1/2/1990", "01/02/90", "1990", "01/1990", "1990012", "01/02/1990", "19900102"):
        assert reader.plain(one) is None


def test_a_format_is_passed_over_where_the_text_is_none_of_it() -> None:
    reader = DateReader(["YYYYMMDD HH", "MM/DD/YYYY", "YYYYMMDD"])
    assert reader.plain("19900102 17") == ("nc:DateTime", "1990-01-02T17:00:00")
    assert reader.plain("19900102") == ("nc:Date", "1990-01-02")
    assert reader.plain("01/02/1990") == ("nc:Date", "1990-01-02")
    assert reader.plain("19900102 24") is None, "the next day's first moment"
    assert reader.read("19900102 24").at.date().isoformat() == "1990-01-03"
    assert reader.plain("19900230") is None
    assert reader.plain("01/02/1849") is None
    with pytest.raises(Untranslatable, match="year"):
        reader.read("01/02/1849")


@pytest.mark.parametrize(("form", "text"), [("YYYYMMDD HH", "99991231 24"), ("YYYYDDD", "9999366")])
def test_the_day_after_the_last_is_none(form: str, text: str) -> None:
    with pytest.raises(Untranslatable, match="no such day"):
        DateReader([form]).read(text)


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
