"""Drafts of every format: joins, XML, COBOL, fixed width, NIBRS. Each loads and maps its rows."""

import random
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from typer.testing import CliRunner

import adapters
from adapters.check import check
from adapters.cobol import CobolReader
from adapters.document import Document
from adapters.guessing import spellings
from adapters.looks import is_vin
from adapters.rows import Row
from demo.people import Manifest
from gateway.cli.main import app
from gateway.model import Record
from tests.adapters.cobol_bytes import copybook, described, packed, text, zoned

HERE = Path(__file__).parent
World = tuple[Path, Manifest]
PEOPLE = (
    ("Quillbrook", "Zelma", "F", "19870312"),
    ("Fenwick", "Oda", "M", "19711102"),
    ("Holtby", "Ana", "F", "19900228"),
    ("Marrow", "Ivo", "M", "19660719"),
    ("Tessel", "June", "F", "19951224"),
    ("Ostler", "Pim", "M", "19550505"),
    ("Vint", "Eva", "F", "19800314"),
    ("Thistledown", "Mo", "M", "19620101"),
    ("Wrenfield", "Tibald", "M", "19910304"),
    ("Dray", "Rosalba", "F", "19791130"),
    ("Larkspur", "Nell", "F", "19480203"),
    ("Pettibone", "Gus", "M", "20010817"),
)


def drafted(folder: Path, *sources: Path, options: tuple[str, ...] = ()) -> tuple[str, Any]:
    """Draft, by the command, into the folder; give the text and what it says."""
    out = folder / "draft.yaml"
    words = ["mapping", "draft", *map(str, sources), "--out", str(out), *options]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return out.read_text(encoding="utf-8"), Document(out).content


def mapped(folder: Path) -> list[Record]:
    """Check a draft, and give the records that its rows become."""
    path = folder / "draft.yaml"
    assert check(path).faults == [], path.read_text(encoding="utf-8")
    return [r for r in adapters.load(path).rows() if isinstance(r, Record)]


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


# -- joins --------------------------------------------------------------------------------------


def _two(folder: Path) -> tuple[Path, Path]:
    warrants = [f"W-{n:03},P-{n * 7:05},F,01/{n + 1:02}/2026" for n in range(12)]
    people = [f'P-{n * 7:05},"{s}, {g}",{b},{x},9{n:07}' for n, (s, g, x, b) in enumerate(PEOPLE)]
    random.Random(5).shuffle(people)
    return (
        write(folder / "warrants.csv", "WARRANT_NO,PERSON_NO,TYPE,ISSUED", *warrants),
        write(folder / "names.csv", "PERS_ID,NAME,DOB,SEX,OLN", *people),
    )


def test_a_join_is_found_by_values_where_the_names_differ(tmp_path: Path) -> None:
    written, content = drafted(tmp_path, *_two(tmp_path))
    (join,) = content["records"][0]["join"].items()
    assert join[0] == "names"
    assert (join[1]["key"], join[1]["from"]) == ("PERS_ID", "PERSON_NO")
    assert "many" not in join[1]
    assert "names:  # CHECK: found by values alone" in written
    records = mapped(tmp_path)
    assert len(records) == len(PEOPLE)
    assert "Quillbrook" in str(records[0].message)
    assert "1987-03-12" in str(records[0].message)
    assert "Quillbrook" not in written
    assert "90000003" not in written


def test_a_join_by_name_and_values_is_sure_and_several_rows_are_a_part(tmp_path: Path) -> None:
    arrests, _ = (
        write(
            tmp_path / "arrests.csv",
            "ARREST_NO,ARREST_DT,LNAME,FNAME,DOB",
            *(f"A-{n},2026010{n % 9 + 1},{s},{g},{b}" for n, (s, g, _, b) in enumerate(PEOPLE)),
        ),
        None,
    )
    charges = write(
        tmp_path / "charges.csv",
        "SEQ,ARREST_NO,CHG_DESC",
        *(f"{n},A-{n // 2},CHARGE {n % 5}" for n in range(24)),
    )
    written, content = drafted(tmp_path, arrests, charges)
    join = content["records"][0]["join"]["charges"]
    assert join["many"] is True
    assert (join["key"], join["from"]) == ("ARREST_NO", "ARREST_NO")
    assert "several rows to a key" in written
    first = next(r for r in mapped(tmp_path) if r.record_id == "A-0")
    assert str(first.message).count("CHARGE") == 2


def test_what_leads_nowhere_is_said_and_no_code_is_taken_for_a_key(tmp_path: Path) -> None:
    warrants, _ = _two(tmp_path)
    other = write(tmp_path / "other.csv", "TYPE,TEXT", "F,Felony", "M,Misdemeanor", "F,Other")
    written, content = drafted(tmp_path, warrants, other)
    assert "join" not in content["records"][0]
    assert "no column here leads to a row of other.csv" in written


def test_the_sheets_of_a_workbook_are_joined(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Warrants"
    for sheet, path in zip(("Warrants", "Names"), _two(tmp_path), strict=True):
        target = book["Warrants"] if sheet == "Warrants" else book.create_sheet(sheet)
        for row in adapters.registry.open_format(path, {"type": "csv"}).rows():
            if target.max_row == 1 and target["A1"].value is None:
                for n, name in enumerate(row.values, 1):
                    target.cell(1, n, name)
            target.append(list(row.values.values()))
    book.save(tmp_path / "rms.xlsx")
    _, content = drafted(tmp_path, tmp_path / "rms.xlsx")
    assert content["format"]["sheet"] == "Warrants"
    assert content["records"][0]["join"]["names"]["format"]["sheet"] == "Names"
    assert len(mapped(tmp_path)) == len(PEOPLE)


def test_what_is_doubtful_of_a_file_is_marked(tmp_path: Path) -> None:
    lines = [f'{n};"{last}, {given}";{sex}' for n, (last, given, sex, _) in enumerate(PEOPLE)]
    for n, name in enumerate(("Vint J\xf6rg", "Dray G\xf6ran", "Ostler T\xfcr")):
        lines[n] = f'{n};"{name}";F'
    source = tmp_path / "old.csv"
    source.write_bytes("\r\n".join(["NO;NAME;SEX", *lines, ""]).encode("mac_roman"))
    written, content = drafted(tmp_path, source)
    assert "(doubtful)" in written
    assert f"# CHECK: is it {content['format']['encoding']}, parted by ';'?" in written
    [name] = [f for f in content["records"][0]["fields"] if "name" in f]
    assert name["name"] == "SURNAME, GIVEN MIDDLE SUFFIX"
    assert "# CHECK: some of its values have no ," in written


def test_a_sheet_with_a_title_above_its_headers_is_drafted_and_joined_to_nothing(
    tmp_path: Path,
) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Daily bookings", None, "printed 2026-01-31"])
    book.active.append([])
    book.active.append(["Booking #", "Name", "DOB", "Sex", "Charge"])
    for number, (surname, given, sex, born) in enumerate(PEOPLE, 1001):
        for charge in ("Theft", "Trespass"):  # several rows have one number
            book.active.append([number, f"{surname.upper()}, {given.upper()}", born, sex, charge])
    book.active.merge_cells("A1:B1")
    book.save(tmp_path / "bookings.xlsx")
    written, content = drafted(tmp_path, tmp_path / "bookings.xlsx")
    assert content["format"]["header"] == 3
    assert "CHECK: the headers stand in row 3" in written
    assert "join" not in content["records"][0]
    assert len(mapped(tmp_path)) == 2 * len(PEOPLE)


def test_flags_of_joined_rows_are_pointed_at(world: World, tmp_path: Path) -> None:
    folder = world[0] / "TX9990000" / "sources"
    written, content = drafted(tmp_path, folder / "warrants.csv", folder / "persons.csv")
    assert content["records"][0]["join"]["persons"]["key"] == "PERSON_NO"
    assert "rows of persons have flags of their own" in written
    assert "SEAL_FLG" in written.partition("flags of their own")[2]
    assert mapped(tmp_path)


# -- XML ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "record", "kind"),
    [
        ("niem3", "/ext:WarrantBatch/j:Warrant", "warrant"),
        ("gjxdm", "/d:ArrestReport/d:Arrest", "arrest"),
        (
            "lexs",
            "/lexs:PublishMessageContainer/lexs:PublishMessage/lexs:DataItemPackage",
            "person",
        ),
    ],
)
def test_xml_of_known_vocabularies(name: str, record: str, kind: str, tmp_path: Path) -> None:
    source = shutil.copy(HERE / "xml" / f"{name}.xml", tmp_path)
    written, content = drafted(tmp_path, Path(source))
    assert content["format"]["record"] == record
    assert content["records"][0]["type"] == kind
    first = mapped(tmp_path)[0]
    names = {"niem3": "Wrenfield", "gjxdm": "Peñuelas-Dray", "lexs": "Quillfeather"}
    assert names[name] in str(first.message)
    assert names[name] not in written
    if name != "gjxdm":  # there every person and name stands alone
        assert "several stand in a row; the first is taken" in written


def test_xml_with_references_is_read_as_the_reader_follows_them(tmp_path: Path) -> None:
    shutil.copy(HERE / "xml" / "niem3.xml", tmp_path)
    _, content = drafted(tmp_path, tmp_path / "niem3.xml")
    subject = "j:CourtOrderDesignatedSubject/nc:RoleOfPerson"
    columns = content["format"]["columns"]
    assert columns["SURNAME"] == f"{subject}/nc:PersonName[1]/nc:PersonSurName"


def test_xml_that_nobody_knows(tmp_path: Path) -> None:
    people = "".join(f"<p><nm>{s}, {g}</nm><born>{b}</born></p>" for s, g, _, b in PEOPLE)
    source = write(tmp_path / "x.xml", f"<all><sent>1</sent><list>{people}</list></all>")
    _, content = drafted(tmp_path, source)
    assert content["format"]["record"] == "/all/list/p"
    assert len(content["records"][0]["fields"]) == 2
    path = tmp_path / "draft.yaml"
    path.write_text(path.read_text().replace('id: "{NM}"', 'id: "{BORN}"'))
    assert len(mapped(tmp_path)) == len(PEOPLE)


def test_xml_whose_keys_and_codes_are_attributes(tmp_path: Path) -> None:
    rows = "".join(
        f'<w nr="X-{n}" s:id="w{n}"><who sex="{sex}"><last>{last}</last><dob>{dob}</dob></who></w>'
        for n, (last, _, sex, dob) in enumerate(PEOPLE)
    )
    source = write(tmp_path / "x.xml", f'<all xmlns:s="urn:made:up">{rows}</all>')
    written, content = drafted(tmp_path, source)
    columns = content["format"]["columns"]
    assert (columns["NR"], columns["WHO_SEX"]) == ("@nr", "who/@sex")
    assert not any("id" in path for path in columns.values())
    assert content["records"][0]["id"] == "{NR}"
    assert "column: WHO_SEX" in written
    assert {r.record_id for r in mapped(tmp_path)} == {f"X-{n}" for n in range(len(PEOPLE))}


@pytest.mark.parametrize("bad", ["<!DOCTYPE a><a><b><c>1</c></b></a>", "<a><b>", "<a/>"])
def test_xml_that_is_not_read_is_refused(bad: str, tmp_path: Path) -> None:
    source = write(tmp_path / "x.xml", bad)
    done = CliRunner().invoke(app, ["mapping", "draft", str(source)])
    assert done.exit_code != 0


# -- COBOL --------------------------------------------------------------------------------------

BOOK = copybook(
    "01  WANTED-REC.",
    "    05  WARRANT-NO      PIC X(8).",
    "    05  WANTED-NAME     PIC X(30).",
    "    05  DOB             PIC 9(8) COMP-3.",
    "    05  SEX             PIC X.",
    "    05  DETAIL          PIC X(6).",
    "    05  AMOUNT REDEFINES DETAIL PIC 9(6).",
    "    05  ALIAS-NAME      PIC X(10) OCCURS 2 TIMES.",
)


def _cobol(encoding: str) -> list[bytes]:
    return [
        text(f"W{n:07}", 8, encoding)
        + text(f"{s}, {g}".upper(), 30, encoding)
        + packed(int(b), 8)
        + text(x, 1, encoding)
        + (zoned(n, 6) if encoding == "cp037" else f"{n:06}".encode())
        + text("", 20, encoding)
        for n, (s, g, x, b) in enumerate(PEOPLE)
    ]


@pytest.mark.parametrize(
    ("encoding", "framed", "found"),
    [
        ("cp037", described, {"encoding": "cp037", "record": "rdw"}),
        ("cp037", b"".join, {"encoding": "cp037", "record": "fixed"}),
        ("windows-1252", b"".join, {"encoding": "windows-1252", "record": "fixed"}),
    ],
)
def test_a_copybook_and_its_data(
    encoding: str, framed: Any, found: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "WANTED.cpy").write_text(BOOK, encoding="ascii")
    source = tmp_path / "wanted.dat"
    source.write_bytes(framed(_cobol(encoding)))
    book = f"copybook={tmp_path / 'WANTED.cpy'}"
    written, content = drafted(tmp_path, source, options=("--format", "cobol", "--with", book))
    assert {k: content["format"][k] for k in found} == found
    assert content["format"]["copybook"] == "WANTED.cpy"
    assert "AMOUNT redefines DETAIL: say under `variants`" in written
    assert "ALIAS-NAME occurs several times" in written
    records = mapped(tmp_path)
    assert len(records) == len(PEOPLE)
    assert "QUILLBROOK" in str(records[0].message)
    assert "1987-03-12" in str(records[0].message)
    assert "QUILLBROOK" not in written


def test_data_that_is_not_the_copybooks_is_said(tmp_path: Path) -> None:
    (tmp_path / "WANTED.cpy").write_text(BOOK, encoding="ascii")
    (tmp_path / "x.dat").write_bytes(bytes(range(256)) * 3)
    book = f"copybook={tmp_path / 'WANTED.cpy'}"
    words = ["mapping", "draft", str(tmp_path / "x.dat"), "--format", "cobol", "--with", book]
    done = CliRunner().invoke(app, words)
    assert done.exit_code != 0
    assert "can't be read by this copybook" in str(done.exception or done.output)


# -- fixed width --------------------------------------------------------------------------------


def test_fixed_width_without_a_layout(world: World, tmp_path: Path) -> None:
    source = shutil.copy(world[0] / "USBPX9900" / "sources" / "encounters.txt", tmp_path)
    written, content = drafted(tmp_path, Path(source), options=("--format", "fixed"))
    truth = Document(world[0] / "USBPX9900" / "mappings" / "encounters.yaml").content["format"]
    assert content["format"]["width"] == truth["width"]
    starts = {first for first, _ in content["format"]["columns"].values()}
    right = starts & {first for first, _ in truth["columns"].values()}
    # Columns of one letter that touch can't be told apart; hardly any begins where none does.
    assert len(right) >= 10
    assert len(starts - right) <= 2
    layout = written.partition("columns:\n")[2].partition("\n\n")[0].splitlines()
    assert all(line.endswith("# CHECK: where does it begin and end?") for line in layout)
    assert mapped(tmp_path)


def test_lines_of_another_length_among_others_are_pointed_at(tmp_path: Path) -> None:
    named = enumerate(PEOPLE)
    rows = [f"{n:04} {sur.upper():<16} {given:<10} {born}" for n, (sur, given, _, born) in named]
    source = write(tmp_path / "r.txt", "1RPT JB0420 PAGE 1", *rows, "TOTAL 12")
    written, _ = drafted(tmp_path, source, options=("--format", "fixed"))
    assert "CHECK: 2 of 14 lines are of other lengths" in written
    assert "`no_rows`" in written


def test_fixed_width_with_its_layout(world: World, tmp_path: Path) -> None:
    source = shutil.copy(world[0] / "USBPX9900" / "sources" / "encounters.txt", tmp_path)
    told = (
        "encoding=ascii",
        "width=220",
        "columns={NO: [1, 12], SURNAME: [13, 42], GIVEN: [43, 67]}",
    )
    options = ["--format", "fixed", *(w for t in told for w in ("--with", t))]
    written, content = drafted(tmp_path, Path(source), options=tuple(options))
    assert "where does it begin" not in written
    name = content["records"][0]["fields"][0]["name"]
    assert name == {"surname": "SURNAME", "given": "GIVEN"}


def test_lines_of_many_lengths_are_no_fixed_width(tmp_path: Path) -> None:
    source = write(tmp_path / "x.txt", *("x" * n for n in range(1, 9)))
    done = CliRunner().invoke(app, ["mapping", "draft", str(source), "--format", "fixed"])
    assert done.exit_code != 0
    assert "8 lengths" in str(done.exception or done.output)


# -- NIBRS --------------------------------------------------------------------------------------


def test_nibrs_is_known_by_its_lines_and_mapped_whole(world: World, tmp_path: Path) -> None:
    folder = world[0] / "NM9990000"
    source = shutil.copy(folder / "sources" / "nibrs.txt", tmp_path)
    written, content = drafted(tmp_path, Path(source))
    demo = Document(folder / "mappings" / "nibrs.yaml").content
    for one, other in zip(content["records"], demo["records"], strict=True):
        assert one["fields"] == other["fields"]
    assert content["records"][0]["handling"]["dissemination"] == "RED"
    assert written.count("# CHECK: the strictest") == 10
    assert len(mapped(tmp_path)) > 100


# -- what all have in common --------------------------------------------------------------------


def test_where_nothing_can_be_guessed_the_draft_says_what_to_do(tmp_path: Path) -> None:
    source = write(tmp_path / "x.csv", "QA,QB", "7,zz", "8,yy", "9,xx")
    written, _ = drafted(tmp_path, source)
    assert "fields: []  # CHECK: nothing could be guessed" in written
    (fault,) = check(tmp_path / "draft.yaml").faults
    assert "# CHECK" in written.splitlines()[fault.line - 1]


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        ("FEC_NAC", "birth_date"),
        ("DateOfBirth", "date_birth"),
        ("NUM_LICENCIA", "licence_number"),
        ("Año", "year"),
        ("SURNME", "surname"),
        ("SUSP_SEX", "sex"),
    ],
)
def test_names_are_read_in_the_ways_they_may_be_meant(column: str, meant: str) -> None:
    assert meant in spellings(column)


def test_a_check_digit_tells_a_vehicles_number() -> None:
    assert is_vin("1HGCM82633A004352")
    assert not is_vin("1HGCM82643A004352")
    assert not is_vin("1HGCM8263IA004352")


def test_an_order_names_whom_it_binds_and_leaves_whom_it_protects(tmp_path: Path) -> None:
    """The standard calls "restricted" whom the subject must not contact: he is not that one."""
    rows = [
        f"PO-26-{n:03};{surname.upper()}, {given.upper()};{born};{PEOPLE[n - 1][0]}, Ada;20260311"
        for n, (surname, given, _, born) in enumerate(PEOPLE)
    ]
    source = write(tmp_path / "orders.csv", "ORDER_NO;RESP_NAME;RESP_DOB;PROT_NAME;ISSUED", *rows)
    text, content = drafted(tmp_path, source)
    (record,) = content["records"]
    assert record["type"] == "protection_order"
    assert "RestrictedPerson" not in text
    assert not [f for f in record["fields"] if f.get("column") == "PROT_NAME"]
    message = mapped(tmp_path)[0].message
    bound = message["j:ProtectionOrderRespondentPersonAssociation"]
    assert bound["nc:Person"] == {"@id": message["nc:Person"]["@id"]}
    assert bound["nc:Activity"] == {"@id": message["j:ProtectionOrder"]["@id"]}
    assert message["nc:Person"]["nc:PersonName"]["nc:PersonSurName"] == "QUILLBROOK"


def test_rows_marked_as_deleted_are_for_nobody(tmp_path: Path) -> None:
    """Old systems delete by a flag: of the row itself, and of what is joined to it."""
    with sqlite3.connect(tmp_path / "jail.db") as jail:
        jail.execute(
            "CREATE TABLE PERSON (PERS_ID CHAR(8) PRIMARY KEY, LNAME VARCHAR(30), "
            "FNAME VARCHAR(20), DOB CHAR(8), DEL_FLG CHAR(1))"
        )
        jail.execute(
            "CREATE TABLE WARRANT (WAR_ID CHAR(8) PRIMARY KEY, PERS_ID CHAR(8) REFERENCES "
            "PERSON(PERS_ID), ISS_DT CHAR(8), DELETED CHAR(1))"
        )
        for n, (surname, given, _, born) in enumerate(PEOPLE):
            person = (f"{n:08}", surname.upper(), given.upper(), born, "D" if n == 1 else " ")
            jail.execute("INSERT INTO PERSON VALUES (?, ?, ?, ?, ?)", person)
            warrant = (f"W{n:07}", f"{n:08}", "20260311", "N")
            jail.execute("INSERT INTO WARRANT VALUES (?, ?, ?, ?)", warrant)
    jail.close()
    options = ("--table", "WARRANT")
    written, content = drafted(tmp_path, tmp_path / "jail.db", options=options)
    disclosure = content["records"][0]["handling"]["disclosure"]
    # None is deleted yet, and it is known what the first one will be.
    assert disclosure["codes"] == {"N": "open", "Y": "expunged"}
    assert disclosure["blank"] == "sealed"
    assert "(person.DEL_FLG)" in written.partition("flags of their own")[2]
    assert {r.handling.as_dict()["disclosure"] for r in mapped(tmp_path)} == {"open"}
    with sqlite3.connect(tmp_path / "jail.db") as jail:
        jail.execute("UPDATE WARRANT SET DELETED = 'Y' WHERE WAR_ID = 'W0000003'")
    jail.close()
    gone = [r for r in mapped(tmp_path) if r.handling.as_dict()["disclosure"] == "expunged"]
    assert [r.record_id for r in gone] == ["W0000003"]
    (tmp_path / "draft.yaml").unlink()
    _, content = drafted(tmp_path, tmp_path / "jail.db", options=("--table", "PERSON"))
    assert content["records"][0]["handling"]["disclosure"]["codes"] == {"D": "expunged"}


def test_a_record_whose_names_begin_alike_is_read_behind_that(tmp_path: Path) -> None:
    """A mainframe's record puts its own mark before each name; its columns stay in their order."""
    fields = (("ID", 6), ("SURNM", 12), ("GVN", 12), ("DOB", 8), ("SEX", 1), ("FILLR", 4))
    book = copybook("01 R.", *(f"05 KQ-{name} PIC X({size})." for name, size in fields))
    (tmp_path / "R.cpy").write_text(book, encoding="ascii")
    named = enumerate(PEOPLE)
    people = [(f"R{n:05}", sur, given, born, sex, "") for n, (sur, given, sex, born) in named]
    rows = [
        b"".join(text(value, size) for value, (_, size) in zip(one, fields, strict=True))
        for one in people
    ]
    (tmp_path / "r.dat").write_bytes(b"".join(rows))
    options = ("--format", "cobol", "--with", f"copybook={tmp_path / 'R.cpy'}")
    written, content = drafted(tmp_path, tmp_path / "r.dat", options=options)
    (record,) = content["records"]
    assert record["id"] == "{KQ-ID}"
    by_column = {f["column"]: f["to"] for f in record["fields"] if "column" in f}
    assert by_column["KQ-DOB"] == "person/nc:PersonBirthDate"
    assert "guessed without KQ-" in written
    (name,) = (f["name"] for f in record["fields"] if "name" in f)
    assert name == {"surname": "KQ-SURNM", "given": "KQ-GVN"}
    reader = CobolReader(
        tmp_path / "r.dat", {**content["format"], "copybook": str(tmp_path / "R.cpy")}
    )
    first = next(reader.rows())
    assert isinstance(first, Row)
    assert list(first.values) == [f"KQ-{name}" for name, _ in fields]


def test_victims_names_that_begin_alike_stay_somebody_elses(tmp_path: Path) -> None:
    rows = [",".join((f"{n}", *PEOPLE[n][:2], PEOPLE[n][3])) for n in range(len(PEOPLE))]
    source = write(tmp_path / "v.csv", "VIC_NO,VIC_SURNM,VIC_GVN,VIC_DOB", *rows)
    text, _ = drafted(tmp_path, source)
    assert "PersonBirthDate" not in text
    assert "PersonName" not in text


@pytest.mark.parametrize(
    ("kind", "header", "cells", "has"),
    [
        (
            "seizure",
            "SEIZURE_NO,SEIZED_ON,LNAME,FNAME,DRUG_TYPE,SERIAL_NO",
            ("2026-03-11", "COCAINE"),
            ("j:ItemSeizure", "nc:Drug", "j:Firearm"),
        ),
        ("detention", "DETENTION_NO,DETAINED_ON,LNAME,FNAME", ("2026-03-11",), ("j:Detention",)),
        (
            "travel_document",
            "DOCUMENT_NO,LNAME,FNAME,DOCUMENT_TYPE",
            ("PASSPORT",),
            ("scr:TravelDocument",),
        ),
    ],
)
def test_what_is_seldom_exported_is_known_too(
    tmp_path: Path, kind: str, header: str, cells: tuple[str, ...], has: tuple[str, ...]
) -> None:
    rows = []
    for n, (surname, given, _, _) in enumerate(PEOPLE):
        known = {"LNAME": surname, "FNAME": given, "SERIAL_NO": f"SN{n:05}"}
        others = iter((f"26{n:05}", *cells))
        rows.append(",".join(known.get(c) or next(others) for c in header.split(",")))
    _, content = drafted(tmp_path, write(tmp_path / "x.csv", header, *rows))
    assert content["records"][0]["type"] == kind
    first = mapped(tmp_path)[0]
    assert {"nc:Person", *has} <= first.message.keys()
    if kind == "seizure":
        items = first.message["j:ItemSeizure"]["j:ItemSeizureItem"]
        assert {i["@id"] for i in items} == {first.message[n]["@id"] for n in has[1:]}
