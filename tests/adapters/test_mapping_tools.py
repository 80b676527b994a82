"""`sallyport mapping`: every fault at once, rows beside their NIEM, drafts that load."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import adapters
from adapters.check import check
from adapters.guessing import knowledge
from gateway import niem
from gateway.cli.main import app
from gateway.errors import Misconfigured
from gateway.model import Record
from tests.adapters.small_mapping import BORN, HANDLING, NAME, SEX, mapping
from tests.conftest import ROOT

ROWS = """\
ID,NAME,BORN,SEX,EXTRA
1,"QUILL, ANA",03/12/1980,F,x
2,"QUILL, ODA",13/13/1980,F,
3,"VINT, EVA",,Q,
"""


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "data").write_text(ROWS, encoding="utf-8")
    path = tmp_path / "m.yaml"
    path.write_text(mapping(NAME, BORN, SEX), encoding="utf-8")
    return path


def run(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["mapping", *words], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


def test_every_fault_is_said_at_once_and_none_that_only_follows(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    for right, wrong in (
        ('nc:PersonName"', 'nc:PersonNam"'),
        ("column: BORN", "colum: BORN"),
        ("F: F", "F: FEMALE"),
        ('id: "{ID}"', 'id: "{IDD}"'),
    ):
        assert right in text
        text = text.replace(right, wrong)
    file.write_text(text.replace("records:", "nonsense: 1\nrecords:"), encoding="utf-8")
    found = [(f.line, f.text) for f in check(file).findings]
    assert [line for line, _ in found] == [4, 7, 11, 12, 13]
    wanted = (
        *("nonsense", "did you mean ID", "did you mean nc:PersonName", "did you mean column"),
        "FEMALE is not in",
    )
    for (_, said), words in zip(found, wanted, strict=True):
        assert words in said


FAULTY = """\
mapping: 1
source: people
format: {type: csv, path: data, encoding: utf-8, delimiter: ","}
codes:
  sexes: {M: MALE, F: FEMALE}
  seals: {O: open}
records:
  - type: person
    id: "{IDX}-{NUMBER}"
    when: [{column: SEALED, is: [O]}, {column: SEXX, is: [O]}]
    handling:
      dissemination: GREEN
      disclosure: {column: FLAG, codes: sealz}
      juvenile: false
      source_kind: own
      intelligence: false
      criminal_history: true
    objects:
      person: nc:Person
      car: nc:Vehicl
    fields:
      - {to: "person/nc:PersonName", name: {surname: LAST, given: FIRST}}
      - {to: "person/nc:PersonBirthDat", column: BORM, date: YYYY-MM-DD}
      - {to: "person/j:PersonSexCode", column: SEX, codes: sexes}
      - {to: "car/nc:VehicleIdentification/nc:IdentificationID", column: VIN}
      - {to: "person/nc:PersonFullName", colum: ID, when: {column: WHEN, is: [A]}}
"""
OF_COLUMNS = [
    *((9, "IDX: no such column"), (9, "NUMBER: no such column")),
    *((10, "SEALED: no such column"), (10, "SEXX: no such column")),
    *((13, "FLAG: no such column"), (22, "FIRST: no such column"), (22, "LAST: no such column")),
    *((23, "BORM: no such column"), (25, "VIN: no such column"), (26, "WHEN: no such column")),
]
OF_THE_REST = [
    *((5, ": MALE is not in the standard's code list"), (5, "FEMALE is not in the standard's")),
    *((13, "sealz: no such code table"), (20, "nc:Vehicl is not a NIEM")),
    *((23, "nc:PersonBirthDat is not a NIEM"), (26, "nc:PersonFullName is not")),
    (26, "colum is no key here; did you mean column"),
]


def faults(file: Path, text: str) -> list[tuple[int, str]]:
    """Run the command on a mapping, and give line and text of all that it says is wrong."""
    file.write_text(text, encoding="utf-8")
    found = json.loads(run("check", str(file), "--json", code=1))["findings"]
    shown = run("check", str(file), code=1)
    for one in found:
        assert one["kind"] == "fault"
        assert f"{file.name}:{one['line']}: fault: {one['text']}" in shown
    assert shown.count("fault: ") == len(found)
    return [(one["line"], one["text"]) for one in found]


def assert_said(found: list[tuple[int, str]], wanted: list[tuple[int, str]]) -> None:
    """Assert that all that is wanted is said, each once at its line, and nothing else."""
    for line, words in wanted:
        (said,) = [one for one in found if one[0] == line and words in f": {one[1]}"]
        found.remove(said)
    assert found == []


def test_a_fault_hides_none_that_stands_beside_it_in_its_line_or_behind_it(file: Path) -> None:
    assert_said(faults(file, FAULTY), [*OF_COLUMNS, *OF_THE_REST])


@pytest.mark.parametrize(
    ("right", "wrong", "line", "words"),
    [
        ("path: data", "path: gone", 3, "no such file"),
        ("type: csv", "type: cvs", 3, "no such format"),
        ('delimiter: ","', "delimiter: 7", 3, "format.delimiter"),
        ("format: {", "x: {", 1, "format must be there"),
    ],
)
def test_what_does_not_hang_on_the_source_is_said_though_it_cannot_be_read(
    file: Path, right: str, wrong: str, line: int, words: str
) -> None:
    found = faults(file, FAULTY.replace(right, wrong, 1))
    said = next(one for one in found if words in one[1])
    assert said[0] == line
    unknown_key = [one for one in found if "x is no key here" in one[1]]
    assert_said([one for one in found if one not in (said, *unknown_key)], OF_THE_REST)


@pytest.mark.parametrize(
    ("right", "wrong", "line", "words"),
    [
        ("seals: {O: open}", "seals: 7", 6, "codes.seals: 7"),
        ("seals: {O: open}", "seals: {O: open, O: open}", 6, "O stands twice"),
        ("seals: {O: open}", "seals: {O: !new open}", 6, "tags are not used"),
        ("source: people", "source: PEO PLE", 2, "source: 'PEO PLE'"),
        ("type: person", "type: 7", 8, "records.0.type: 7"),
        ('id: "{IDX}-{NUMBER}"', "id: []", 9, "records.0.id: []"),
        ("juvenile: false", "juvenile: []", 14, "juvenile: []"),
    ],
)
def test_a_part_of_another_shape_hides_no_other_part(
    file: Path, right: str, wrong: str, line: int, words: str
) -> None:
    found = faults(file, FAULTY.replace(right, wrong, 1))
    (said,) = [one for one in found if words in one[1]]
    assert said[0] == line
    found.remove(said)
    of_id = {(9, words) for _, words in OF_COLUMNS[:2]} if "id:" in right else set()
    assert_said(found, [w for w in [*OF_COLUMNS, *OF_THE_REST] if w not in of_id])


def test_faults_of_the_policy_are_said_beside_those_of_the_mapping(file: Path) -> None:
    text = mapping(NAME, 'to: "person/nc:PersonNam", column: ID').replace("person\n", "persn\n")
    file.write_text(text.replace("disclosure: open", "disclosure: opn"), encoding="utf-8")
    said = run("check", str(file), "--policies", str(ROOT / "policies"), code=1)
    for words in ("persn is no record type", "opn is no word of the policy", "nc:PersonNam"):
        assert words in said


def test_a_broken_join_is_one_fault_not_one_for_each_of_its_columns(file: Path) -> None:
    join = "    join: {other: {format: {type: csv, path: gone, encoding: utf-8}, key: A, from: ID}}"
    more = 'to: "person/j:DriverLicense/nc:IdentificationID", column: other.OLN'
    file.write_text(mapping(NAME, more, record=join), encoding="utf-8")
    (fault,) = check(file).findings
    assert "no such file" in fault.text


@pytest.mark.parametrize("text", ["", "[]", "mapping: 1", "a: [", "records: 5\nmapping: 1\n"])
def test_what_is_no_mapping_is_said_and_never_raises(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    assert check(file).faults


def test_warnings_name_columns_not_mapped_and_codes_never_used(file: Path) -> None:
    top = "codes: {sexes: {M: M, F: F, Z: U}, never: {A: B}}"
    text = mapping(NAME, BORN, SEX.replace("{M: M, F: F}", "sexes"), top=top)
    file.write_text(text, encoding="utf-8")
    checked = check(file, rows=True)
    assert checked.faults == []
    said = " | ".join(f.text for f in checked.findings)
    assert "1 of 5 columns are not mapped: EXTRA" in said
    assert "no field uses the code table never" in said
    assert "2 of 3 codes never occur, of the code table sexes: M, Z" in said
    file.write_text(
        text.replace("codes: {sexes", "ignore: [EXTRA]\ncodes: {sexes"), encoding="utf-8"
    )
    assert "not mapped" not in " ".join(f.text for f in check(file).findings)


@pytest.mark.parametrize(
    ("objects", "to", "said"),
    [
        ('order: "j:ProtectionOrder"', "order/j:ProtectionOrderRestrictedPerson", "whom it binds"),
        ('victim: "j:Victim"', "victim/nc:EntityPerson", "nobody is found as j:Victim"),
        (
            'incident: "nc:Incident"',
            "incident/j:IncidentVictim/nc:EntityPerson",
            "within it (incident/j:IncidentVictim/nc:EntityPerson/nc:PersonName)",
        ),
        ('arrest: "j:Arrest"', "arrest/j:ArrestSubject/nc:EntityPerson", None),
    ],
)
def test_a_victim_who_stands_for_himself_is_warned_of(
    file: Path, objects: str, to: str, said: str | None
) -> None:
    """Policy would hide the link to him alone, and give him as it gives a suspect."""
    both = f'{{person: "nc:Person", {objects}}}'
    text = mapping(NAME, f'to: "{to}", link: person', objects=both)
    file.write_text(text, encoding="utf-8")
    (line,) = (n for n, one in enumerate(text.splitlines(), 1) if "link: person" in one)
    found = [f for f in check(file).findings if "nobody is found" in f.text]
    assert [f.line for f in found] == ([] if said is None else [line])
    assert said is None or said in found[0].text


@pytest.mark.parametrize(
    ("top", "more", "told"),
    [
        ("years_from: 1930", "", True),
        ("years_from: 1990", "", False),
        ("years_from: 1930", ", years_from: 2000", False),
    ],
)
def test_an_expiry_that_two_digits_put_into_the_last_century_is_warned_of(
    file: Path, top: str, more: str, *, told: bool
) -> None:
    """Births need 1930, and what expires in 2031 was then read as of 1931 without a word."""
    ends = f'to: "document/nc:DocumentExpirationDate", column: BORN, date: MM/DD/YY{more}'
    objects = '{person: "nc:Person", document: "scr:TravelDocument"}'
    file.write_text(mapping(NAME, ends, objects=objects, top=top), encoding="utf-8")
    checked = check(file)
    assert checked.faults == []
    found = [f.text for f in checked.findings if "100 years ago" in f.text]
    assert len(found) == told
    assert not told or "end here with 2029" in found[0]


def test_with_rows_the_reasons_are_summed_up(file: Path) -> None:
    found = json.loads(run("check", str(file), "--rows", "--json"))
    assert found["rows"] == {"read": 3, "mapped": 1, "set_aside": 2}
    assert {(r["code"], r["column"], r["rows"]) for r in found["reasons"]} == {
        ("date.none", "BORN", 1),
        ("code.unknown", "SEX", 1),
    }
    assert "code.unknown" in run("check", str(file), "--rows")


def test_rows_that_an_import_would_set_aside_for_their_id_are_counted(file: Path) -> None:
    source = file.parent / "data"
    lines = source.read_text(encoding="utf-8").splitlines()
    source.write_text("\n".join([*lines, lines[1], lines[1]]) + "\n", encoding="utf-8")
    assert "records with the id of another: 2." in run("check", str(file), "--rows")
    assert "id of another" not in run("check", str(file))


def test_a_mapping_is_held_against_the_policy(file: Path) -> None:
    text = mapping(NAME, SEX, 'to: "person/nc:PersonOtherIdentificationX", column: ID')
    text = text.replace("type: person", "type: persn").replace(
        "disclosure: open", "disclosure: opn"
    )
    text = text.replace("nc:PersonOtherIdentificationX", "nc:PersonAccentText")
    file.write_text(text, encoding="utf-8")
    said = run("check", str(file), "--policies", str(ROOT / "policies"), code=1)
    assert "persn is no record type" in said
    assert "opn is no word of the policy" in said
    assert "nc:PersonAccentText has no class" in said


@pytest.mark.parametrize(
    ("facts", "wrong"),
    [
        ("protected_activity: none, age_at_offense: 17, victim_applicant: true", None),
        ("validated_on: {column: BORN, date: [MM/DD/YYYY]}, received_from: an agency", None),
        (
            "reasonable_suspicion: {column: SEX, codes: {M: 1, F: 0}}",
            "reasonable_suspicion: 1 is no",
        ),
        (
            "victim_applicant: unknown",
            "victim_applicant: unknown is no word of the policy: False, T",
        ),
        (
            "protected_activity: true",
            "True is no word of the policy: none, tied_to_crime, not_tied",
        ),
        ("age_at_offense: minor", "minor is no word of the policy: such as 12, 17, 30"),
        (
            "victim_aplicant: true",
            "victim_aplicant is no fact of the policy, which hides such a record",
        ),
    ],
)
def test_facts_are_held_against_the_policy_by_their_kind(
    file: Path, facts: str, wrong: str | None
) -> None:
    handling = HANDLING.removesuffix("}") + f", {facts}}}"
    file.write_text(mapping(NAME, handling=handling), encoding="utf-8")
    found = json.loads(
        run(
            "check",
            str(file),
            "--policies",
            str(ROOT / "policies"),
            "--json",
            code=1 if wrong else 0,
        )
    )
    said = [one["text"] for one in found["findings"] if one["kind"] == "fault"]
    assert any(wrong in text for text in said) if wrong else not said
    assert all(one["line"] == 7 for one in found["findings"] if one["kind"] == "fault")


def test_a_preview_shows_rows_beside_their_records_and_reasons(file: Path) -> None:
    one, two, three = json.loads(run("preview", str(file), "--json"))
    assert one["columns"]["NAME"] == "QUILL, ANA"
    assert niem.findings(one["records"][0]["message"]) == []
    assert (two["line"], two["set_aside"]["code"]) == (3, "date.none")
    assert three["set_aside"]["value"] == "Q"
    shown = run("preview", str(file), "--set-aside", "--rows", "1")
    assert "date.none" in shown
    assert "QUILL, ANA" not in shown


def test_a_preview_cuts_nothing_off_at_80_columns(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    long = "Q" * 70
    data = file.parent / "data"
    data.write_text(ROWS.replace("QUILL, ANA", f"{long}, ANA"), encoding="utf-8")
    shown = run("preview", str(file), "--rows", "1").partition("what it becomes")[2]
    right = "".join(line.split("\u2502")[2] for line in shown.splitlines() if line[:1] == "\u2502")
    assert right.replace(" ", "").count("Q") == len(long)
    assert "\u2026" not in shown


EXPORTS = {
    "warrant": (
        "WARR_NO,LAST NAME,FirstName,D.O.B.,SEX,War Type,Date Issued,SSN",
        "W-1,QUILL,ANA,03/14/1980,F,F,01/02/2026,900-11-1111",
        "W-2,VINT,ODA,12/02/1975,M,Z9,,",
    ),
    "vehicle": (
        "VIN,LIC,LIS,VYR,VMA,VCO",
        "1HGCM82633A004352,9QX 117,TX,2019,HOND,BLU",
        "X,Y,NM,2001,FORD,RED",
    ),
    "incident": (
        "IncidentNo,DateOccurred,UCR,Location",
        "26-1,2026-01-02,13A,1 MAIN ST",
        "26-2,2026-01-03,220,2 MAIN ST",
    ),
    "arrest": (
        "ARREST_NO,ARREST_DT,NAME,DOB,CHG_DESC,CHG_LVL",
        'A1,20260102,"QUILL, ANA",19800314,THEFT,F',
        'A2,20260103,"VINT, ODA",19751231,DWI,M',
    ),
    "booking": (
        "BOOKING_NO,BOOK_DT,NAME,DOB",
        'B1,01/02/2026 1305,"QUILL, ANA",03/14/1980',
        'B2,01/14/2026 0005,"VINT, ODA",12/31/1975',
    ),
    "protection_order": (
        "PO_NO,ISSUED,LNAME,FNAME,DOB,CONDITIONS",
        "P1,01/15/2026,QUILL,ANA,03/14/1980,NO CONTACT",
        "P2,01/16/2026,VINT,ODA,12/31/1975,STAY AWAY",
    ),
    "firearm": (
        "SERIAL_NO,BRAND,CALIBER,GUN_TYPE",
        "ZZ1,RUGER,9MM,PISTOL",
        "ZZ2,COLT,45,REVOLVER",
    ),
    "crossing": (
        "CROSSING_NO,ENTRY_DT,PORT,SURNAME,GIVEN,DOB,PASSPORT",
        "C1,202601021305,ASC,QUILL,ANA,19800314,P99",
        "C2,202601140005,MDR,VINT,ODA,19751231,P98",
    ),
    "case": (
        "CASE_NO,TITLE",
        "K1,STATE V QUILL",
        "K2,STATE V VINT",
    ),
    "person": (
        "MNI,FULL_NAME,DOB,HGT,WGT,EYE,RACE,PHONE",
        "1,ANA QUILL,1980-03-14,5'04,130,BRO,W,(915) 555-0142",
        "2,ODA VINT,1975-12-31,6'01,UNK,XYZ,B,",
    ),
}


@pytest.mark.parametrize("kind", EXPORTS)
def test_a_draft_loads_maps_its_rows_and_lets_nothing_out(kind: str, tmp_path: Path) -> None:
    source = tmp_path / "export.csv"
    source.write_text("\n".join(EXPORTS[kind]), encoding="utf-8")
    out = tmp_path / "draft.yaml"
    said = run("draft", str(source), "--out", str(out))
    assert "to check" in said
    checked = check(out, rows=True)
    assert checked.faults == [], out.read_text(encoding="utf-8")
    assert checked.aside == 0, checked.reasons
    assert dict(checked.records) == {kind: 2}
    for record in adapters.load(out).rows():
        assert isinstance(record, Record)
        facts = record.handling.as_dict()
        assert facts | knowledge()["handling"] == facts, "a draft is as strict as can be"
        assert len(record.message) > 1
    with pytest.raises(Misconfigured, match="there is a file of that name"):
        run("draft", str(source), "--out", str(out))


def test_a_draft_marks_what_it_only_guesses(tmp_path: Path) -> None:
    source = tmp_path / "p.csv"
    source.write_text(
        "MNI,FULL_NAME,DOB,EYE,NOTES\n1,ANA QUILL,03/04/1980,XYZ,n\n2,ODA VINT,05/06/1975,BRO,\n"
    )
    text = adapters.draft([source], written=["p.csv"])
    marked = {line.partition("# CHECK: ")[2] for line in text.splitlines()}
    assert "day and month may stand the other way round" in marked
    assert "does the given name stand first, or the surname?" in marked
    assert "what do these mean: XYZ?" in marked
    assert "#   NOTES: 1 of 2 rows filled" in text
    assert "QUILL" not in text  # names of people are no part of a mapping


def test_a_draft_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "rms.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE people (PERSON_NO TEXT, LNAME TEXT, FNAME TEXT, DOB TEXT)")
        database.execute("INSERT INTO people VALUES ('1', 'QUILL', 'ANA', '19800314')")
        database.execute("CREATE TABLE other (a TEXT)")
    database.close()
    with pytest.raises(Misconfigured, match="which table to draft"):
        adapters.draft([path], written=["rms.db"])
    with pytest.raises(Misconfigured, match="no other file is joined"):
        adapters.draft([path, path], written=["rms.db", "rms.db"], table="people")
    out = tmp_path / "d.yaml"
    out.write_text(adapters.draft([path], written=["rms.db"], table="people"), encoding="utf-8")
    (record,) = adapters.load(out).rows()
    assert isinstance(record, Record)
    assert record.record_id == "1"


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("x.dat", {}, "say which --format"),
        ("x.dat", {"kind": "cobol"}, "copybook"),
        ("x.csv", {"options": ["delimiter"]}, "KEY=VALUE"),
        ("x.csv", {"record_type": "nonsense"}, "no draft can be made"),
    ],
)
def test_what_a_draft_needs_is_said(
    tmp_path: Path, name: str, options: dict[str, Any], words: str
) -> None:
    path = tmp_path / name
    path.write_text("NAME,DOB\nQUILL,19800314\nVINT,19751231\n", encoding="utf-8")
    with pytest.raises(Misconfigured, match=words):
        adapters.draft([path], written=[name], **options)
