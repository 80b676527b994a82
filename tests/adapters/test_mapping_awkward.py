"""What awkward exports need: all kinds of dates, several flags, repeats, rows that are one."""

from typing import Any

import pytest

from adapters import MappedSource
from gateway.model import Record, SetAside
from tests.adapters.conftest import Make
from tests.adapters.small_mapping import HANDLING, NAME, mapping

HEADER = b"ID,NAME,BORN,SEX\n"


def records(source: MappedSource) -> list[Record]:
    out = list(source.rows())
    assert all(isinstance(r, Record) for r in out), out
    return [r for r in out if isinstance(r, Record)]


def one(source: MappedSource) -> Any:
    (found,) = source.rows()
    return found


def field(path: str, rest: str) -> str:
    return f'to: "person/{path}", {rest}'


@pytest.mark.parametrize(
    ("form", "more", "text", "name", "value"),
    [
        ("MM/DD/YY", ", years_from: 1930", "03/12/87", "nc:Date", "1987-03-12"),
        ("MM/DD/YY", ", years_from: 1930", "03/12/29", "nc:Date", "2029-03-12"),
        ("YYDDD", ", years_from: 1930", "26123", "nc:Date", "2026-05-03"),
        ("YYYYDDD", "", "2024366", "nc:Date", "2024-12-31"),
        ("D-MON-YYYY H:MI AM", "", "3-Jan-2026 12:05 am", "nc:DateTime", "2026-01-03T00:05:00"),
        ("D-MON-YYYY H:MI AM", "", "3-Jan-2026 1:05 PM", "nc:DateTime", "2026-01-03T13:05:00"),
        ("MONTH D YYYY", "", "Sept 3 2026", "nc:Date", "2026-09-03"),
        ("YYYYMMDDHHMI", "", "202601022400", "nc:DateTime", "2026-01-03T00:00:00"),
        ("YYYY-MM-DDTHH:MI:SS.FFZZ", "", "2026-01-02T03:04:05.1-0700", "nc:DateTime",
         "2026-01-02T03:04:05-07:00"),
        ("YYYYMMDD", ", partial: true", "19750000", "nc:YearDate", "1975"),
        ("YYYYMMDD", ", partial: true", "19750600", "nc:YearMonthDate", "1975-06"),
        ("MM/YYYY", "", "06/1975", "nc:YearMonthDate", "1975-06"),
    ],
)  # fmt: skip
def test_dates(  # noqa: PLR0917 - the parts of one case
    small: Make, form: str, more: str, text: str, name: str, value: str
) -> None:
    written = f'to: "event/nc:ActivityDate", column: BORN, date: "{form}"{more}'
    source = small(
        mapping(written, objects='{event: "nc:Incident"}'), HEADER + f"7,X,{text},\n".encode()
    )
    assert records(source)[0].message["nc:Incident"]["nc:ActivityDate"] == {name: value}


@pytest.mark.parametrize("text", ["2023366", "2026000"])
def test_a_day_that_the_year_does_not_have_sets_the_row_aside(small: Make, text: str) -> None:
    written = 'to: "event/nc:ActivityDate", column: BORN, date: YYYYDDD'
    source = small(
        mapping(written, objects='{event: "nc:Incident"}'), HEADER + f"7,X,{text},\n".encode()
    )
    assert one(source).code == "date.none"


def test_pieces_capitals_and_lost_noughts(small: Make) -> None:
    fields = (
        NAME,
        field(
            "nc:PersonSSNIdentification/nc:IdentificationID",
            'column: BORN, pad: {width: 9, with: "0"}',
        ),
        field(
            "j:PersonSexCode",
            'column: SEX, take: {by: "-", part: -1}, upper: true, codes: {M: M, F: F}',
        ),
        field("j:DriverLicense/nc:IdentificationID", "column: SEX, take: {positions: [1, 3]}"),
    )
    person = records(small(mapping(*fields), HEADER + b"7,X,1234567,abcd-f\n"))[0].message[
        "nc:Person"
    ]
    assert person["nc:PersonSSNIdentification"] == {"nc:IdentificationID": "001234567"}
    assert person["j:PersonSexCode"] == "F"
    assert person["j:DriverLicense"] == {"nc:IdentificationID": "abc"}


@pytest.mark.parametrize(
    ("when", "rows"),
    [
        ("{column: BORN, least: 18, most: 30}", ["2"]),
        ('{column: SEX, like: ["T?X", "N*"]}', ["1", "3"]),
        ("{any: [{column: BORN, most: 17}, {column: SEX, is: [NM]}]}", ["1", "3"]),
        ("{column: SEX, like: '[T]EX'}", []),
    ],
)
def test_conditions(small: Make, when: str, rows: list[str]) -> None:
    data = HEADER + b"1,A,17,TEX\n2,B,18,CA\n3,C,31,NM\n"
    source = small(mapping(NAME, record=f"    when: {when}"), data)
    assert [r.record_id for r in source.rows() if isinstance(r, Record)] == rows


def test_a_condition_that_nobody_can_decide_sets_the_row_aside(small: Make) -> None:
    source = small(
        mapping(NAME, record="    when: {column: BORN, most: 17}"), HEADER + b"1,A,old,\n"
    )
    assert one(source).code == "condition.number"


FLAGS = HANDLING.replace(
    "disclosure: open",
    "disclosure: {of: [{column: BORN, codes: {Y: expunged, N: open}},"
    " {column: SEX, codes: {Y: sealed, N: open}}], strictest: [open, sealed, expunged]}",
)


@pytest.mark.parametrize(
    ("flags", "word"), [("N,N", "open"), ("N,Y", "sealed"), ("Y,Y", "expunged"), ("N,1", None)]
)
def test_of_several_flags_each_has_its_codes(small: Make, flags: str, word: str | None) -> None:
    found = one(small(mapping(NAME, handling=FLAGS), HEADER + f"7,X,{flags}\n".encode()))
    if word is None:
        assert isinstance(found, SetAside)
        assert found.code == "handling.unknown"
    else:
        assert found.handling.as_dict()["disclosure"] == word


def test_flags_by_cases_where_none_holds_the_row_is_set_aside(small: Make) -> None:
    handling = HANDLING.replace(
        "disclosure: open",
        "disclosure: {cases: [{when: {column: BORN, blank: false}, is: expunged},"
        " {when: {column: SEX, is: [O]}, is: open}]}",
    )
    a, b, c = small(mapping(NAME, handling=handling), HEADER + b"1,A,x,\n2,B,,O\n3,C,,\n").rows()
    assert isinstance(a, Record)
    assert isinstance(b, Record)
    assert a.handling.as_dict()["disclosure"] == "expunged"
    assert b.handling.as_dict()["disclosure"] == "open"
    assert isinstance(c, SetAside)


@pytest.mark.parametrize(
    ("born", "on", "under"),
    [("20080704", "20260703", True), ("20080704", "20260704", False), ("", "20260704", None)],
)
def test_a_flag_by_age(small: Make, born: str, on: str, under: bool | None) -> None:  # noqa: FBT001 - a case
    handling = HANDLING.replace(
        "juvenile: false", "juvenile: {under: 18, born: BORN, on: SEX, date: YYYYMMDD}"
    )
    found = one(small(mapping(NAME, handling=handling), HEADER + f"7,X,{born},{on}\n".encode()))
    if under is None:
        assert found.code == "handling.missing"
    else:
        assert found.handling.as_dict()["juvenile"] is under


def test_a_day_of_noughts_is_not_known_to_a_flag_either_once_that_is_said(small: Make) -> None:
    """`blank` at the top holds in every column: a birth of noughts is one that nobody knows."""
    handling = HANDLING.replace(
        "juvenile: false",
        "juvenile: {under: 18, born: BORN, on: SEX, date: YYYYMMDD, blank: false}, "
        "as_of: {column: BORN, date: YYYYMMDD, blank: none}",
    )
    row = HEADER + b"7,X,00000000,20260704\n"
    aside = one(small(mapping(NAME, handling=handling), row))
    assert (aside.code, aside.column) == ("date.none", "BORN")
    assert "name it under `blank`" in aside.text
    said = "blank: ['00000000']\n" + mapping(NAME, handling=handling)
    found = one(small(said, row)).handling.as_dict()
    assert (found["juvenile"], found["as_of"]) == (False, "none")
    late = one(small(said, HEADER + b"7,X,20081399,20260704\n"))
    assert "blank" not in late.text


@pytest.mark.parametrize(
    ("blank", "text", "told"),
    [
        ("", "20260501", "2026-05-01"),
        ("", "20260231", "date.none"),
        ("", "", "handling.missing"),
        (", blank: never", "", "never"),
    ],
)
def test_a_flag_that_is_a_day(small: Make, blank: str, text: str, told: str) -> None:
    day = f"{{column: BORN, date: YYYYMMDD{blank}}}"
    handling = HANDLING.replace("disclosure: open", f"disclosure: open, validated_on: {day}")
    found = one(small(mapping(NAME, handling=handling), HEADER + f"7,X,{text},M\n".encode()))
    if isinstance(found, SetAside):
        assert (found.code, found.column) == (told, "BORN")
    else:
        assert found.handling.as_dict()["validated_on"] == told


CHARGES = 'to: "charge/j:ChargeDescriptionText", column: charge.TEXT'
CHARGED = '{person: "nc:Person", charge: {is: "j:Charge", each: charge}}'


def test_numbered_columns_are_a_repeated_part(small: Make) -> None:
    repeat = '    repeat: {charge: {times: 3, columns: {TEXT: "CHG{n}", LEVEL: "LVL{n}"}}}'
    data = b"ID,NAME,CHG1,LVL1,CHG2,LVL2,CHG3,LVL3\n7,X,THEFT,F,,,FRAUD,M\n"
    level = 'to: "charge/j:ChargeFelonyIndicator", column: charge.LEVEL, codes: {F: true, M: false}'
    source = small(mapping(NAME, CHARGES, level, objects=CHARGED, record=repeat), data)
    assert records(source)[0].message["j:Charge"] == [
        {"j:ChargeDescriptionText": "THEFT", "j:ChargeFelonyIndicator": True},
        {"j:ChargeDescriptionText": "FRAUD", "j:ChargeFelonyIndicator": False},
    ]


def test_values_of_one_column_are_a_repeated_part(small: Make) -> None:
    repeat = '    repeat: {charge: {column: SEX, by: ";", parts: ":", into: [TEXT, LEVEL]}}'
    source = small(
        mapping(NAME, CHARGES, objects=CHARGED, record=repeat), HEADER + b"7,X,,A:F;B; ;C:M\n"
    )
    charges = records(source)[0].message["j:Charge"]
    assert [c["j:ChargeDescriptionText"] for c in charges] == ["A", "B", "C"]


TOGETHER = "together: {key: ID, part: line}"
LINES = CHARGED.replace("each: charge", "each: line")
ON_LINE = CHARGES.replace("charge.TEXT", "line.SEX")


def test_rows_that_are_one_need_not_stand_together(small: Make) -> None:
    data = HEADER + b"7,X,,A\n8,Y,,B\n7,X,,C\n,Z,,D\n"
    source = small(mapping(NAME, ON_LINE, objects=LINES, top=TOGETHER), data)
    keyless, one, two = source.rows()
    assert isinstance(keyless, SetAside)
    assert isinstance(one, Record)
    assert isinstance(two, Record)
    assert [c["j:ChargeDescriptionText"] for c in one.message["j:Charge"]] == ["A", "C"]
    assert two.record_id == "8"
    assert (source.tally.read, source.tally.translated, source.tally.aside) == (4, 3, 1)


def test_rows_that_are_one_and_differ_are_set_aside_together(small: Make) -> None:
    data = HEADER + b"7,X,,A\n7,OTHER,,C\n"
    source = small(mapping(NAME, ON_LINE, objects=LINES, top=TOGETHER), data)
    found = one(source)
    assert (found.code, found.column) == ("rows.differ", "NAME")
    assert source.tally.aside == 2


def test_a_flag_that_differs_among_rows_that_are_one_releases_nothing(small: Make) -> None:
    handling = HANDLING.replace(
        "disclosure: open", "disclosure: {column: BORN, codes: {O: open, S: sealed}}"
    )
    data = HEADER + b"7,X,O,A\n7,X,S,C\n"
    source = small(mapping(NAME, ON_LINE, objects=LINES, top=TOGETHER, handling=handling), data)
    assert one(source).code == "rows.differ"


JOIN = """\
    join:
      other:
        format: {type: csv, path: other, encoding: utf-8}
        key: [NO, PART]
        from: [ID, SEX]
        several: last"""
OLN = 'to: "person/j:DriverLicense/nc:IdentificationID", column: other.OLN'


def test_a_join_by_two_columns_of_which_the_last_counts(small: Make) -> None:
    other = b"NO,PART,OLN\n7,A,old\n7,A,new\n7,B,x\n"
    source = small(mapping(NAME, OLN, record=JOIN), HEADER + b"7,X,,A\n7,X,,\n", other=other)
    found, blank = (r.message["nc:Person"] for r in records(source))
    assert found["j:DriverLicense"] == {"nc:IdentificationID": "new"}
    assert "j:DriverLicense" not in blank


FILES = "code_files: {sexes: {format: {type: csv, path: codes, encoding: utf-8}, code: C, word: W}}"


def test_a_code_table_in_a_file(small: Make) -> None:
    sex = field("j:PersonSexCode", "column: SEX, codes: sexes")
    codes = b"C,W\n1,M\n2,F\n3,\n"
    source = small(mapping(NAME, sex, top=FILES), HEADER + b"7,X,,2\n8,X,,3\n", codes=codes)
    two, three = (r.message["nc:Person"] for r in records(source))
    assert two["j:PersonSexCode"] == "F"
    assert three["sp:PersonSexCodeRaw"] == "3"


@pytest.mark.parametrize(
    ("how", "unit", "text", "value"),
    [
        (
            "ounces",
            "GRM",
            "2 oz",
            {"nc:MeasureDecimalValue": "56.70", "nc:MeasureUnitText": "grams"},
        ),
        ("grams", "GRM", ".5", {"nc:MeasureDecimalValue": "0.50", "nc:MeasureUnitText": "grams"}),
    ],
)
def test_quantities(small: Make, how: str, unit: str, text: str, value: dict[str, str]) -> None:
    measure = f"measure: {{from: {how}, unit: {unit}, decimals: 2}}"
    drug = f'to: "drug/nc:SubstanceQuantityMeasure", column: SEX, {measure}'
    source = small(mapping(drug, objects='{drug: "nc:Drug"}'), HEADER + f"7,X,,{text}\n".encode())
    assert records(source)[0].message["nc:Drug"]["nc:SubstanceQuantityMeasure"] == value


@pytest.mark.parametrize(
    ("decimals", "text", "value"),
    [
        (None, "0.3", None),  # it was nought, and so not known
        (None, "1.5", None),  # it was two grams
        (2, "0.004", None),
        (2, "608.17", "608.17"),
        (2, "3", "3.00"),
        (None, "3.0", 3),
    ],
)
def test_no_amount_is_rounded_away(
    small: Make, decimals: int | None, text: str, value: str | int | None
) -> None:
    places = "" if decimals is None else f", decimals: {decimals}"
    drug = (
        'to: "drug/nc:SubstanceQuantityMeasure", column: SEX, '
        f"measure: {{from: grams, unit: GRM{places}}}"
    )
    source = small(mapping(drug, objects='{drug: "nc:Drug"}'), HEADER + f"7,X,,{text}\n".encode())
    (found,) = source.rows()
    if value is None:
        assert isinstance(found, SetAside)
        assert (found.code, found.column, found.value) == ("measure.places", "SEX", text)
    else:
        assert isinstance(found, Record)
        measure = found.message["nc:Drug"]["nc:SubstanceQuantityMeasure"]
        assert value in measure.values()


@pytest.mark.parametrize(
    ("form", "text", "surname", "given"),
    [
        ("SURNAME GIVEN MIDDLE SUFFIX", "DE LA CRUZ ANA MARIA", "DE LA CRUZ", "ANA"),
        ("SURNAME*GIVEN*MIDDLE", "CRUZ*ANA*MARIA", "CRUZ", "ANA"),
        ("SURNAME^GIVEN MIDDLE", "CRUZ^ANA MARIA", "CRUZ", "ANA"),
    ],
)
def test_names(small: Make, form: str, text: str, surname: str, given: str) -> None:
    name = f'to: "person/nc:PersonName", column: NAME, name: "{form}"'
    found = records(small(mapping(name), HEADER + f"7,{text},,\n".encode()))[0].message["nc:Person"]
    assert found["nc:PersonName"] == {
        "nc:PersonGivenName": given,
        "nc:PersonMiddleName": "MARIA",
        "nc:PersonSurName": surname,
    }
