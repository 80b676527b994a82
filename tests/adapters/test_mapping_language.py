"""What a mapping can say, and what it is told when it is wrong."""

from typing import Any

import pytest

from adapters import MappedSource
from adapters.joins import MOST_JOINED
from gateway import niem
from gateway.errors import Misconfigured
from gateway.model import Record, SetAside
from tests.adapters.conftest import Make
from tests.adapters.small_mapping import BORN, HANDLING, NAME, SEX, mapping

HEADER = b"ID,NAME,BORN,SEX\n"


def flagged(juvenile: str, top: str = "") -> str:
    """Write a mapping that tells by a column whether somebody was a juvenile."""
    handling = HANDLING.replace("juvenile: false", f"juvenile: {juvenile}")
    return mapping(NAME, handling=handling, top=top)


def records(source: MappedSource) -> list[Record]:
    out = list(source.rows())
    assert all(isinstance(r, Record) for r in out), out
    return [r for r in out if isinstance(r, Record)]


def aside(source: MappedSource) -> SetAside:
    (row,) = [r for r in source.rows() if isinstance(r, SetAside)]
    return row


def person(source: MappedSource) -> Any:
    return records(source)[0].message["nc:Person"]


def test_a_row_becomes_a_conforming_record(small: Make) -> None:
    source = small(mapping(NAME, BORN, SEX), HEADER + b'7,"DE LA PENA-ORTIZ, ANA",03/12/1987,F\n')
    (record,) = records(source)
    assert (record.record_id, record.record_type) == ("7", "person")
    assert record.handling.as_dict()["dissemination"] == "GREEN"
    assert record.message["nc:Person"] == {
        "nc:PersonName": {
            "nc:PersonGivenName": "ANA",
            "nc:PersonSurName": "DE LA PENA-ORTIZ",
        },
        "nc:PersonBirthDate": {"nc:Date": "1987-03-12"},
        "j:PersonSexCode": "F",
    }
    assert not niem.findings(record.message)
    assert source.name == "small"
    assert source.record_types == {"person"}
    assert source.terms["person"] == {"name", "birth_date", "age", "sex"}
    assert source.as_of() is not None


@pytest.mark.parametrize(
    ("born", "code", "column"),
    [
        ("02/30/1981", "date.none", "BORN"),
        ("13/45/1990", "date.none", "BORN"),
        ("1981-02-03", "date.format", "BORN"),
        ("01/01/2099", "date.future", "BORN"),
        ("01/01/1851", "date.year", "BORN"),
        ("01/01/0001", "date.year", "BORN"),
    ],
)
def test_a_birth_date_that_cannot_be_sets_the_row_aside(
    small: Make, born: str, code: str, column: str
) -> None:
    row = aside(small(mapping(BORN), HEADER + f"7,X,{born},F\n".encode()))
    assert (row.code, row.column, row.value, row.line) == (code, column, born, 2)
    assert row.raw == f"7,X,{born},F"
    assert born not in row.text


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('"QUEZADA BRANNOCK, MARISOL"', ("MARISOL", None, "QUEZADA BRANNOCK", None)),
        ('"O\'HARE, JOHN PAUL GEORGE JR"', ("JOHN", "PAUL GEORGE", "O'HARE", "JR")),
        ('"O\'HARE JR, JOHN"', ("JOHN", None, "O'HARE", "JR")),
        ('"VAN DER BERG, III"', ("III", None, "VAN DER BERG", None)),
        ('"VASQUEZ,"', (None, None, "VASQUEZ", None)),
        ('"VASQUEZ , ANA"', ("ANA", None, "VASQUEZ", None)),
    ],
)
def test_names_with_the_surname_first(
    small: Make, written: str, expected: tuple[str | None, ...]
) -> None:
    name = person(small(mapping(NAME), HEADER + f"7,{written},,\n".encode()))["nc:PersonName"]
    parts = ("GivenName", "MiddleName", "SurName", "NameSuffixText")
    assert tuple(name.get(f"nc:Person{p}") for p in parts) == expected


@pytest.mark.parametrize(
    ("written", "given", "middle", "surname"),
    [
        ("ANA MARIA DE LA CRUZ", "ANA", "MARIA", "DE LA CRUZ"),
        ("ANA CRUZ", "ANA", None, "CRUZ"),
        ("LUDWIG VAN DER ROHE", "LUDWIG", None, "VAN DER ROHE"),
        ("CHER", None, None, "CHER"),
    ],
)
def test_names_with_the_given_name_first(
    small: Make, written: str, given: str | None, middle: str | None, surname: str
) -> None:
    form = 'to: "person/nc:PersonName", column: NAME, name: GIVEN MIDDLE SURNAME SUFFIX'
    name = person(small(mapping(form), HEADER + f"7,{written},,\n".encode()))["nc:PersonName"]
    assert name.get("nc:PersonGivenName") == given
    assert name.get("nc:PersonMiddleName") == middle
    assert name["nc:PersonSurName"] == surname


def test_a_name_of_no_known_form_stays_whole(small: Make) -> None:
    name = person(small(mapping(NAME), HEADER + b"7,ANA CRUZ,,\n"))["nc:PersonName"]
    assert name == {"nc:PersonFullName": "ANA CRUZ"}


def test_one_of_two_name_forms_is_chosen_by_its_separator(small: Make) -> None:
    form = 'to: "person/nc:PersonName", column: NAME, name: ["SURNAME/GIVEN", "SURNAME, GIVEN"]'
    source = small(mapping(form), HEADER + b'7,CRUZ/ANA,,\n8,"CRUZ, ANA",,\n')
    one, two = (r.message["nc:Person"]["nc:PersonName"] for r in records(source))
    assert one == two == {"nc:PersonGivenName": "ANA", "nc:PersonSurName": "CRUZ"}


def test_an_unmapped_code_is_kept_beside_or_sets_the_row_aside(small: Make) -> None:
    data = HEADER + b"7,X,,Q\n"
    row = aside(small(mapping(NAME, SEX), data))
    assert (row.code, row.column, row.value) == ("code.unknown", "SEX", "Q")
    source = small(mapping(NAME, f"{SEX}, unmapped: keep"), data)
    assert person(source)["sp:PersonSexCodeRaw"] == "Q"
    assert source.kept_raw() == {"j:PersonSexCode": 1}


def test_a_known_code_without_a_word_is_kept_beside_and_one_may_mean_nothing(small: Make) -> None:
    sex = 'to: "person/j:PersonSexCode", column: SEX, codes: {Q: {keep: true}, Z: ~}'
    one, two = records(small(mapping(NAME, sex), HEADER + b"7,X,,Q\n8,Y,,Z\n"))
    assert one.message["nc:Person"]["sp:PersonSexCodeRaw"] == "Q"
    assert set(two.message["nc:Person"]) == {"nc:PersonName"}


def test_codes_look_as_they_are_written_in_yaml(small: Make) -> None:
    """NO, on and 01 are codes: neither booleans nor numbers."""
    eyes = 'to: "person/j:PersonEyeColorCode", column: SEX, codes: {NO: BLUE, on: GREEN, 01: BLACK}'
    source = small(mapping(NAME, eyes), HEADER + b"1,X,,NO\n2,X,,on\n3,X,,01\n")
    found = [r.message["nc:Person"]["j:PersonEyeColorCode"] for r in records(source)]
    assert found == ["BLUE", "GREEN", "BLACK"]


HANDLING_BY_FLAG = HANDLING.replace(
    "dissemination: GREEN", "dissemination: {column: SEX, codes: {G: GREEN, R: RED}}"
)


def test_a_flag_that_nobody_knows_sets_the_row_aside(small: Make) -> None:
    source = small(mapping(NAME, handling=HANDLING_BY_FLAG), HEADER + b"7,X,,R\n8,X,,Q\n9,X,,\n")
    good, unknown, missing = source.rows()
    assert isinstance(good, Record)
    assert good.handling.as_dict()["dissemination"] == "RED"
    assert isinstance(unknown, SetAside)
    assert (unknown.code, unknown.column, unknown.value) == ("handling.unknown", "SEX", "Q")
    assert isinstance(missing, SetAside)
    assert missing.code == "handling.missing"


def test_of_several_flags_the_strictest_counts(small: Make) -> None:
    handling = HANDLING.replace(
        "disclosure: open",
        "disclosure: {columns: [SEX, BORN], codes: {O: open, S: sealed, E: expunged},"
        " strictest: [open, sealed, expunged]}",
    )
    source = small(mapping(NAME, handling=handling), HEADER + b"7,X,O,S\n8,X,E,O\n9,X,O,O\n")
    found = [r.handling.as_dict()["disclosure"] for r in records(source)]
    assert found == ["sealed", "expunged", "open"]


def test_constants_stand_only_beside_something(small: Make) -> None:
    fields = (
        NAME,
        'to: "person/nc:PersonSSNIdentification/nc:IdentificationID", column: SEX, remove: "-"',
        'to: "person/nc:PersonSSNIdentification/nc:IdentificationCategoryText", value: SSN',
    )
    one, two = records(small(mapping(*fields), HEADER + b"7,X,,900-11-1111\n8,X,,\n"))
    assert one.message["nc:Person"]["nc:PersonSSNIdentification"] == {
        "nc:IdentificationID": "900111111",
        "nc:IdentificationCategoryText": "SSN",
    }
    assert "nc:PersonSSNIdentification" not in two.message["nc:Person"]


def test_one_row_becomes_linked_objects(small: Make) -> None:
    fields = (
        NAME,
        'to: "warrant/nc:ActivityIdentification/nc:IdentificationID", column: ID',
        'to: "warrant/j:CourtOrderDesignatedSubject/nc:EntityPerson", link: person',
    )
    objects = '{person: "nc:Person", warrant: "j:Warrant"}'
    source = small(mapping(*fields, objects=objects), HEADER + b"7,X,,\n8,,,\n")
    linked, alone = records(source)
    assert linked.message["nc:Person"]["@id"] == "#person"
    subject = linked.message["j:Warrant"]["j:CourtOrderDesignatedSubject"]
    assert subject == {"nc:EntityPerson": {"@id": "#person"}}
    # Where there is nobody to refer to, there is no reference either.
    assert "nc:Person" not in alone.message
    assert set(alone.message["j:Warrant"]) == {"nc:ActivityIdentification"}


def test_an_association_is_there_only_where_its_condition_holds(small: Make) -> None:
    fields = (
        NAME,
        'to: "warrant/nc:ActivityIdentification/nc:IdentificationID", column: ID',
        'to: "both/nc:Activity", link: person',
        'to: "both/j:Warrant", link: warrant',
    )
    objects = (
        '{person: "nc:Person", warrant: "j:Warrant", '
        'both: {is: "j:ActivityWarrantAssociation", when: {column: SEX, is: [S]}}}'
    )
    source = small(mapping(*fields, objects=objects), HEADER + b"7,X,,S\n8,X,,O\n")
    linked, apart = records(source)
    assert "j:ActivityWarrantAssociation" in linked.message
    assert "j:ActivityWarrantAssociation" not in apart.message
    assert "@id" not in apart.message["j:Warrant"]


def test_several_values_in_one_column_and_parts_of_a_value(small: Make) -> None:
    fields = (
        'to: "person/nc:PersonName[alias]", column: NAME, each: "|", name: "SURNAME, GIVEN"',
        (
            'to: "person/nc:PersonPhysicalFeature", column: SEX, each: ";", parts: ":",'
            ' into: ["ncic:PhysicalFeatureCategoryCode", "nc:PhysicalFeatureDescriptionText"]'
        ),
    )
    data = HEADER + b'7,"CRUZ, ANA|CRUZ, ANITA| ",,TAT L ARM:A: B;SC CHIN:\n'
    found = person(small(mapping(*fields), data))
    assert [n["nc:PersonGivenName"] for n in found["nc:PersonName"]] == ["ANA", "ANITA"]
    assert found["nc:PersonPhysicalFeature"] == [
        {
            "ncic:PhysicalFeatureCategoryCode": "TAT L ARM",
            "nc:PhysicalFeatureDescriptionText": "A: B",
        },
        {"ncic:PhysicalFeatureCategoryCode": "SC CHIN"},
    ]


@pytest.mark.parametrize(
    ("written", "how", "unit", "value"),
    [
        ('5\'11""', "feet_inches", "INH", 71),
        ("511", "feet_inches", "INH", 71),
        ("5-07", "feet_inches", "INH", 67),
        ("180", "centimetres", "INH", 71),
        ("71", "inches", "CMT", 180),
        ("0", "inches", "INH", None),
    ],
)
def test_heights(small: Make, written: str, how: str, unit: str, value: int | None) -> None:
    field = (
        f'to: "person/nc:PersonHeightMeasure", column: SEX, measure: {{from: {how}, unit: {unit}}}'
    )
    found = person(small(mapping(NAME, field), HEADER + f'7,X,,"{written}"\n'.encode()))
    measure = found.get("nc:PersonHeightMeasure", {})
    assert measure.get("nc:MeasureIntegerValue") == value
    assert not value or measure["unece:LengthUnitCode"] == unit


@pytest.mark.parametrize("written", ["5'14", "tall", "-3", "99999", "1e3", "\u0667\u0660"])
def test_a_height_that_cannot_be_sets_the_row_aside(small: Make, written: str) -> None:
    field = 'to: "person/nc:PersonHeightMeasure", column: SEX, measure: {from: inches, unit: INH}'
    row = aside(small(mapping(NAME, field), HEADER + f"7,X,,{written}\n".encode()))
    assert row.code.startswith("measure.")


def test_times_get_the_zone_of_the_source(small: Make) -> None:
    fields = (NAME, 'to: "event/nc:ActivityDate", column: [BORN, SEX], date: YYYYMMDD HHMI')
    objects = '{person: "nc:Person", event: "nc:Incident"}'
    data = HEADER + b"7,X,20260704,1530\n"
    utc = small(mapping(*fields, objects=objects, top="zone: UTC"), data)
    there = records(utc)[0].message["nc:Incident"]["nc:ActivityDate"]
    assert there == {"nc:DateTime": "2026-07-04T15:30:00Z"}
    local = small(mapping(*fields, objects=objects), data)
    assert records(local)[0].message["nc:Incident"]["nc:ActivityDate"] == {
        "nc:DateTime": "2026-07-04T15:30:00"
    }


JOIN = """\
    join:
      other:
        format: {type: csv, path: other, encoding: utf-8}
        key: NO
        from: ID"""
PHONE = 'to: "person/j:DriverLicense/nc:IdentificationID", column: other.OLN'


def test_a_joined_file_adds_to_a_record(small: Make) -> None:
    text = mapping(NAME, PHONE, record=JOIN)
    source = small(text, HEADER + b"7,X,,\n8,Y,,\n", other=b"NO,OLN\n7,A1\n9,Z\nbroken\n")
    one, two, broken = source.rows()
    assert isinstance(one, Record)
    assert isinstance(two, Record)
    assert one.message["nc:Person"]["j:DriverLicense"] == {"nc:IdentificationID": "A1"}
    assert "j:DriverLicense" not in two.message["nc:Person"]
    assert isinstance(broken, SetAside)
    assert (broken.code, broken.line, broken.raw) == ("row.columns", 4, "broken")
    assert (source.tally.read, source.tally.translated, source.tally.aside) == (3, 2, 1)


def test_a_join_that_is_ambiguous_or_must_be_there_sets_the_row_aside(small: Make) -> None:
    text = mapping(NAME, PHONE, record=JOIN + "\n        missing: set_aside")
    source = small(text, HEADER + b"7,X,,\n8,Y,,\n9,Z,,\n", other=b"NO,OLN\n7,A\n7,B\n9,C\n")
    several, missing, good = source.rows()
    assert isinstance(several, SetAside)
    assert isinstance(missing, SetAside)
    assert isinstance(good, Record)
    assert (several.code, missing.code) == ("join.several", "join.missing")


def test_a_key_with_endless_joined_rows_sets_the_row_aside(small: Make) -> None:
    join = JOIN + "\n        many: true"
    other = b"NO,OLN\n" + b"7,A\n" * (MOST_JOINED + 5)
    field = NAME.replace('Name"', 'Name[also]", for: other').replace(
        "column: NAME", "column: other.OLN"
    )
    row = aside(small(mapping(NAME, field, record=join), HEADER + b"7,X,,\n", other=other))
    assert row.code == "join.several"


def test_joined_rows_may_be_repeated_parts(small: Make) -> None:
    join = JOIN + "\n        many: true\n        when: {column: OLN, not: [SECRET]}"
    field = NAME.replace('Name"', 'Name[also]", for: other').replace(
        "column: NAME", "column: other.OLN"
    )
    data = b'NO,OLN\n7,"CRUZ, ANA"\n7,SECRET\n7,"CRUZ, ANITA"\n'
    found = person(small(mapping(NAME, field, record=join), HEADER + b"7,X,,\n", other=data))
    names = [n.get("nc:PersonGivenName") for n in found["nc:PersonName"]]
    assert names == [None, "ANA", "ANITA"]


def test_a_row_that_makes_no_valid_message_is_set_aside(small: Make) -> None:
    vehicle = 'to: "car/nc:ItemModelYearDate", column: SEX'
    row = aside(
        small(mapping(vehicle, objects='{car: "nc:Vehicle"}'), HEADER + b"7,X,,not a year\n")
    )
    assert (row.code, row.column, row.value) == ("niem.value.malformed", "SEX", "not a year")
    assert "nc:Vehicle/nc:ItemModelYearDate" in row.text


@pytest.mark.parametrize(
    ("field", "column", "value"),
    [
        (NAME, "NAME", "CRUZ\x07, ANA"),
        ('to: "person/nc:PersonName", name: {surname: NAME, given: SEX}', "NAME", "CRUZ\x07, ANA"),
        ('to: "person/nc:PersonName/nc:PersonFullName", column: [SEX, NAME]', "SEX, NAME", None),
    ],
)
def test_the_column_of_what_the_standard_refuses_is_named(
    small: Make, field: str, column: str, value: str | None
) -> None:
    row = aside(small(mapping(field), HEADER + b'7,"CRUZ\x07, ANA",,F\n'))
    assert row.code == "niem.value.malformed"
    assert (row.column, row.value) == (column, value)
    assert "CRUZ" not in row.text


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (mapping('to: "person/nc:PersonNam", column: NAME'), 10, "did you mean nc:PersonName"),
        (mapping('to: "persn/nc:PersonName", column: NAME'), 10, "no such object"),
        (
            mapping(NAME.replace("column: NAME", "column: NAMES")),
            10,
            "no such column; did you mean NAME",
        ),
        (mapping(SEX.replace("M: M", "M: MALE")), 10, "not in the standard's code list"),
        (mapping(SEX.replace("{M: M, F: F}", "sexes")), 10, "no such code table"),
        (mapping(SEX.replace("{M: M, F: F}", "nibrs_sexx")), 10, "did you mean nibrs_sex"),
        (mapping('to: "person/nc:PersonBirthDate", column: BORN'), 10, "is an object"),
        (mapping('to: "person/nc:PersonBirthDate/nc:Date", column: BORN'), 10, "add `date`"),
        (mapping(BORN.replace("YYYYMMDD", "YYMMDD")), 10, "needs YYYY"),
        (mapping('to: "person/j:PersonSexCode", value: MALE'), 10, "code list"),
        (mapping('to: "person/j:PersonSexCode", column: SEX, value: M'), 10, "takes its value"),
        (mapping(NAME.replace("GIVEN", "FIRST")), 10, "a name's form is"),
        (mapping(SEX + ", date: YYYYMMDD"), 10, "only one of codes, date"),
        (mapping(SEX + ", past: true"), 10, "past does nothing here"),
        (mapping(BORN + ", unmapped: keep"), 10, "unmapped does nothing here"),
        (
            mapping("to: person/nc:PersonName, name: {surname: SEX, given: BORN}, required: true"),
            10,
            "required does nothing here: it goes with one `column`",
        ),
        (mapping('to: "person/j:PersonSexCode", value: M, each: x'), 10, "each does nothing"),
        (mapping(NAME, objects='{person: "nc:Persona"}'), 8, "did you mean nc:Person"),
        (mapping(NAME, objects='{person: "nc:Person", x: "j:Arrest"}'), 8, "no field fills"),
        (mapping(BORN, top="zone: Mars/Olympus"), 11, "no such time zone"),
        (mapping(NAME, key='"{NO}"'), 6, "no such column"),
        (mapping(NAME, key='"constant"'), 6, "names no column"),
        (mapping(NAME, key='"{ID"'), 6, "braces"),
        (mapping(NAME, record="    sort: yes"), 8, "sort is no key here"),
        (mapping(NAME, handling="{dissemination: GREEN}"), 7, "required"),
        (
            mapping(NAME, handling=HANDLING.replace("juvenile: false", "juvenile: 7")),
            7,
            "juvenile: 7 is not of type 'boolean', 'object'",
        ),
        (
            mapping(NAME, handling=HANDLING.replace("intelligence: false", "intelligence: off")),
            7,
            "intelligence: 'off' is not of type",
        ),
        (
            mapping(
                NAME,
                handling=HANDLING.replace(
                    "juvenile: false", "juvenile: {column: SEX, codes: {Y: true, N: no}}"
                ),
            ),
            7,
            "juvenile is true or false, and neither is no",
        ),
        *(
            (flagged(f"{{column: SEX, {said}}}"), 7, f"juvenile{words}")
            for said, words in (
                ("codes: {Y: 1, N: 0}", " is true or false, and neither is 0, 1:"),
                ("codes: {Y: true, T: 1, N: false}", " is true or false, and neither is 1:"),
                (
                    'codes: {Y: "true", N: "false"}',
                    " is true or false, and neither is false, true:",
                ),
                ("codes: {Y: J, N: A}", " is true or false, and neither is A, J:"),
                ("codes: {Y: true, N: false}, blank: 0", " is true or false, and neither is 0:"),
                ("date: YYYYMMDD", ": it is true or false, and no day"),
            )
        ),
        (
            flagged("{cases: [{when: {column: SEX, is: [M]}, is: juvenile}]}"),
            7,
            "neither is juvenile",
        ),
        (
            flagged(
                "{of: [{column: SEX, codes: {Y: true}}, {column: SEX, codes: {Y: 1, N: false}}], "
                "strictest: [false, true]}"
            ),
            7,
            "juvenile is true or false, and neither is 1",
        ),
        (
            flagged("{column: SEX, codes: ages}", top="codes:\n  ages:\n    A: false\n    J: 1"),
            7,
            "juvenile is true or false, and neither is 1",
        ),
        (
            mapping(
                NAME, handling=HANDLING[:-1] + ", violent: {column: SEX, codes: {Y: true, N: 0}}}"
            ),
            7,
            "violent is true or false, and neither is 0",
        ),
        (mapping(NAME) + "      - {to: x}\n", 11, "does not match"),
        ("mapping: 1\nmapping: 1\n", 2, "stands twice"),
        ("a: &x 1\nb: *x\n", 1, "anchors"),
        ("a: [1\n", 2, "expected"),
        ("a: !!python/object:os.system x\n", 1, "tags are not used"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(small: Make, text: str, line: int, words: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        small(text, HEADER)
    assert caught.value.detail.startswith(f"m.yaml:{line}: "), caught.value.detail
    assert words in caught.value.detail


def test_a_flag_whose_code_means_nothing_known_is_told_from_one_that_is_not_known(
    small: Make,
) -> None:
    text = flagged("{column: SEX, codes: {Y: true, N: ~}}")
    source = small(text, HEADER + b'1,"A, B",,N\n2,"A, B",,Q\n')
    one, two = (r for r in source.rows() if isinstance(r, SetAside))
    assert one.code == two.code == "handling.unknown"
    assert "its table has no word for this code" in one.text
    assert "no table says" in two.text


def test_a_mapping_that_is_too_deep_or_too_large_is_refused(small: Make) -> None:
    for text in ("[" * 5_000 + "]" * 5_000, "a: " + "x" * 2**20):
        with pytest.raises(Misconfigured):
            small(text)


def test_a_source_that_is_not_there_is_said_without_its_path(small: Make) -> None:
    text = mapping(NAME, form="{type: csv, path: ../nowhere/none.csv, encoding: utf-8}")
    with pytest.raises(Misconfigured, match=r"m\.yaml:3: none\.csv: there is no such file"):
        small(text)
